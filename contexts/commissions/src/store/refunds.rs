//! The table `conversion_refund`: how much of a conversion was refunded in all, as far as was heard.
//!
//! It remembers refunds also of conversions that have no commission yet: when they get one, the refund counts. Waiting
//! for them with the message would hold back the conversion itself, which has the same key.

use hexalpes_db::{Backend, DbError, Tx, columns};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Expr, ExprTrait as _, Iden, Index, Query, Table};

use super::TENANT;
use crate::domain::ConversionId;

#[derive(Iden, Clone, Copy)]
enum Refund {
    #[iden = "conversion_refund"]
    Table,
    Tenant,
    ConversionId,
    RefundedMinor,
    Currency,
    Reason,
    At,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Refund::Table)
                .col(id(Refund::Tenant).not_null())
                .col(id(Refund::ConversionId).not_null())
                .col(columns::integer(Refund::RefundedMinor).not_null())
                .col(id(Refund::Currency).not_null())
                .col(columns::text(backend, Refund::Reason))
                .col(columns::timestamp(Refund::At).not_null())
                .primary_key(Index::create().col(Refund::Tenant).col(Refund::ConversionId)),
        ),
    ]
}

/// What was refunded of a conversion until now.
#[derive(Clone, Debug)]
pub(crate) struct RefundedTotal {
    pub(crate) total: Money,
    pub(crate) reason: Option<String>,
}

/// Keeps the higher of what is known and what is told.
pub(crate) async fn keep(
    tx: &Tx,
    conversion: &ConversionId,
    told: &RefundedTotal,
    at: Timestamp,
) -> Result<(), DbError> {
    let RefundedTotal { total, reason } = told;
    let insert = Query::insert()
        .into_table(Refund::Table)
        .columns([
            Refund::Tenant,
            Refund::ConversionId,
            Refund::RefundedMinor,
            Refund::Currency,
            Refund::Reason,
            Refund::At,
        ])
        .values_panic([
            TENANT.into(),
            conversion.as_str().into(),
            total.minor().into(),
            total.currency().code().into(),
            reason.as_deref().into(),
            at.as_micros().into(),
        ])
        .to_owned();
    if tx.insert_new(&insert, Refund::ConversionId).await? {
        return Ok(());
    }
    let update = Query::update()
        .table(Refund::Table)
        .value(Refund::RefundedMinor, total.minor())
        .value(Refund::Currency, total.currency().code())
        .value(Refund::Reason, reason.as_deref())
        .value(Refund::At, at.as_micros())
        .and_where(Expr::col(Refund::Tenant).eq(TENANT))
        .and_where(Expr::col(Refund::ConversionId).eq(conversion.as_str()))
        .and_where(Expr::col(Refund::RefundedMinor).lt(total.minor()))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

pub(crate) async fn of(tx: &Tx, conversion: &ConversionId) -> Result<Option<RefundedTotal>, DbError> {
    let select = Query::select()
        .columns([Refund::RefundedMinor, Refund::Currency, Refund::Reason])
        .from(Refund::Table)
        .and_where(Expr::col(Refund::Tenant).eq(TENANT))
        .and_where(Expr::col(Refund::ConversionId).eq(conversion.as_str()))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    let total = Money::from_minor(row.get("refunded_minor")?, currency);
    Ok(Some(RefundedTotal { total, reason: row.get("reason")? }))
}
