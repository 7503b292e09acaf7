//! Refunds that came before the conversion that they belong to.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::{Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query};

use super::tables::Refunds;
use super::{TENANT, currency, money};

/// Keeps a refund until its conversion is known.
pub(crate) async fn insert_refund(
    tx: &Tx,
    refund: &str,
    conversion: &str,
    amount: Money,
    at: Timestamp,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Refunds::Table)
        .columns([
            Refunds::Tenant,
            Refunds::RefundId,
            Refunds::ConversionId,
            Refunds::AmountMinor,
            Refunds::Currency,
            Refunds::At,
        ])
        .values_panic([
            TENANT.into(),
            refund.into(),
            conversion.into(),
            amount.minor().into(),
            amount.currency().code().into(),
            at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Refunds::RefundId).await.map(drop)
}

/// The refunds that wait for a conversion: id, amount and time of each. They wait no longer.
pub(crate) async fn take_refunds(
    tx: &Tx,
    conversion: &str,
) -> Result<Vec<(String, Money, Timestamp)>, DbError> {
    let of = || Expr::col(Refunds::Tenant).eq(TENANT).and(Expr::col(Refunds::ConversionId).eq(conversion));
    let select = Query::select()
        .column(Asterisk)
        .from(Refunds::Table)
        .and_where(of())
        .order_by(Refunds::RefundId, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        let amount = money(row, "amount_minor", currency(row)?)?;
        Ok((row.get("refund_id")?, amount, row.get("at")?))
    };
    let waiting: Result<Vec<_>, DbError> = tx.fetch_all(&select).await?.iter().map(read).collect();
    let waiting = waiting?;
    if !waiting.is_empty() {
        tx.execute(&Query::delete().from_table(Refunds::Table).and_where(of()).to_owned()).await?;
    }
    Ok(waiting)
}
