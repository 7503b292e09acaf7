//! Refunds as rows.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::{Currency, Money};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::tables::Refunds;
use super::{TENANT, currency, money};
use crate::domain::{ConversionId, ExternalId, LineId, Refund, RefundId};

/// Inserts a refund unless the conversion has one of its external id; tells whether it did.
pub(crate) async fn insert_refund(tx: &Tx, refund: &Refund) -> Result<bool, DbError> {
    let lines: Vec<(&str, i64)> =
        refund.lines.iter().map(|(id, amount)| (id.as_str(), amount.minor())).collect();
    let lines = serde_json::to_string(&lines).expect("names and numbers are always JSON");
    let insert = Query::insert()
        .into_table(Refunds::Table)
        .columns([
            Refunds::Tenant,
            Refunds::Id,
            Refunds::ConversionId,
            Refunds::AmountMinor,
            Refunds::TotalMinor,
            Refunds::Currency,
            Refunds::Lines,
            Refunds::Reason,
            Refunds::ExternalId,
            Refunds::At,
        ])
        .values_panic([
            TENANT.into(),
            refund.id.as_str().into(),
            refund.conversion.as_str().into(),
            refund.amount.minor().into(),
            refund.total.minor().into(),
            refund.amount.currency().code().into(),
            lines.into(),
            refund.reason.as_deref().into(),
            refund.external.as_ref().map(ExternalId::as_str).into(),
            refund.at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Refunds::Id).await
}

pub(crate) async fn load_refund_by_external(
    tx: &Tx,
    of: &ConversionId,
    external: &ExternalId,
) -> Result<Option<Refund>, DbError> {
    let select = select(of).and_where(Expr::col(Refunds::ExternalId).eq(external.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| refund(&row)).transpose()
}

/// All refunds of a conversion, the oldest first.
pub(crate) async fn refunds_of(tx: &Tx, of: &ConversionId) -> Result<Vec<Refund>, DbError> {
    let select = select(of).order_by(Refunds::TotalMinor, Order::Asc).to_owned();
    tx.fetch_all(&select).await?.iter().map(refund).collect()
}

fn select(of: &ConversionId) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Refunds::Table)
        .and_where(Expr::col(Refunds::Tenant).eq(TENANT))
        .and_where(Expr::col(Refunds::ConversionId).eq(of.as_str()))
        .to_owned()
}

fn refund(row: &Row) -> Result<Refund, DbError> {
    let currency = currency(row)?;
    Ok(Refund {
        id: row.parsed("id", |id| RefundId::parse(id).ok())?,
        conversion: row.parsed("conversion_id", |id| ConversionId::parse(id).ok())?,
        amount: money(row, "amount_minor", currency)?,
        total: money(row, "total_minor", currency)?,
        lines: lines(&row.get::<String>("lines")?, currency)?,
        reason: row.get("reason")?,
        external: row.parsed_if_any("external_id", |id| ExternalId::parse(id).ok())?,
        at: row.get("at")?,
    })
}

fn lines(json: &str, currency: Currency) -> Result<Vec<(LineId, Money)>, DbError> {
    let damaged = || DbError::column("lines", "it is no list of lines");
    let lines: Vec<(String, i64)> = serde_json::from_str(json).map_err(|_| damaged())?;
    let line = |(id, minor): (String, i64)| {
        Ok((LineId::parse(&id).map_err(|_| damaged())?, Money::from_minor(minor, currency)))
    };
    lines.into_iter().map(line).collect()
}
