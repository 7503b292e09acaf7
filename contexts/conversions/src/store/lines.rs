//! The lines of orders as rows.

use std::collections::BTreeMap;

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Currency;
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query};

use super::tables::Lines as Table;
use super::{TENANT, money};
use crate::domain::{ConversionId, Line, LineId, Lines, ProductId};

pub(super) async fn insert(tx: &Tx, of: &ConversionId, lines: &Lines) -> Result<(), DbError> {
    let mut insert = Query::insert();
    insert.into_table(Table::Table).columns([
        Table::Tenant,
        Table::ConversionId,
        Table::Ordinal,
        Table::LineId,
        Table::ProductId,
        Table::AmountMinor,
        Table::RefundedMinor,
    ]);
    for (ordinal, line) in (0_i64..).zip(lines.iter()) {
        insert.values_panic([
            TENANT.into(),
            of.as_str().into(),
            ordinal.into(),
            line.id.as_str().into(),
            line.product.as_ref().map(ProductId::as_str).into(),
            line.amount.minor().into(),
            line.refunded.minor().into(),
        ]);
    }
    if lines.iter().next().is_none() {
        return Ok(());
    }
    tx.execute(&insert).await.map(|_| ())
}

pub(super) async fn save_refunded(tx: &Tx, of: &ConversionId, lines: &Lines) -> Result<(), DbError> {
    for line in lines.iter() {
        let update = Query::update()
            .table(Table::Table)
            .value(Table::RefundedMinor, line.refunded.minor())
            .and_where(Expr::col(Table::Tenant).eq(TENANT))
            .and_where(Expr::col(Table::ConversionId).eq(of.as_str()))
            .and_where(Expr::col(Table::LineId).eq(line.id.as_str()))
            .to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}

/// The lines of some conversions in one currency, in their order; those that have none are left out.
pub(super) async fn load(
    tx: &Tx,
    of: &[ConversionId],
    currency: Currency,
) -> Result<Vec<(ConversionId, Lines)>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Table::Table)
        .and_where(Expr::col(Table::Tenant).eq(TENANT))
        .and_where(Expr::col(Table::ConversionId).is_in(of.iter().map(ConversionId::as_str)))
        .order_by(Table::Ordinal, Order::Asc)
        .to_owned();
    let mut found: BTreeMap<ConversionId, Vec<Line>> = BTreeMap::new();
    for row in tx.fetch_all(&select).await? {
        let of = row.parsed("conversion_id", |id| ConversionId::parse(id).ok())?;
        found.entry(of).or_default().push(Line {
            id: row.parsed("line_id", |id| LineId::parse(id).ok())?,
            product: row.parsed_if_any("product_id", |id| ProductId::parse(id).ok())?,
            amount: money(&row, "amount_minor", currency)?,
            refunded: money(&row, "refunded_minor", currency)?,
        });
    }
    Ok(found.into_iter().map(|(id, lines)| (id, Lines::restore(lines))).collect())
}
