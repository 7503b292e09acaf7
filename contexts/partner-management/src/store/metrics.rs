//! All of a partner's figures, counted, and when they were told last.

use std::time::Duration;

use hexalpes_db::{DbError, Row, Tx, columns};
use hexalpes_kernel::{Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Func, Order, Query};

use super::tables::{Contracts, Hires, Matches, Requests, Snapshots};
use super::{TENANT, currency, figures_of, page_of_alerts};
use crate::domain::{Alert, Metrics, PartnerId, RequestCounts, RequestStatus};

/// Open alerts that are told at most, the newest.
const ALERTS_MAX: u64 = 100;

pub(crate) async fn metrics_of(tx: &Tx, id: &PartnerId) -> Result<Metrics, DbError> {
    let hires = hires(tx, id).await?;
    let newest = hexalpes_db::Keyset { is_descending: true, after: None, limit: ALERTS_MAX };
    let open_alerts = page_of_alerts(tx, id, Some(true), newest).await?;
    Ok(Metrics {
        contracts_activated: activated(tx, id).await?,
        hires: hires.iter().map(|of| of.count).sum(),
        days_sum: hires.iter().map(|of| of.days_sum).sum(),
        days_count: hires.iter().map(|of| of.days_count).sum(),
        costs: hires.into_iter().map(|of| of.cost).collect(),
        requests: requests(tx, id).await?,
        matched: matched(tx, id).await?,
        campaigns: figures_of(tx, id).await?,
        open_alerts: open_alerts.into_iter().map(|known| known.alert).collect::<Vec<Alert>>(),
    })
}

/// The hires whose cost is in one currency.
struct HiresIn {
    count: u64,
    days_sum: u64,
    days_count: u64,
    cost: Money,
}

/// In the order of the currencies' codes.
async fn hires(tx: &Tx, id: &PartnerId) -> Result<Vec<HiresIn>, DbError> {
    let select = Query::select()
        .column(Hires::CostCurrency)
        .expr_as(Func::count(Expr::col(Asterisk)), "n")
        .expr_as(Func::count(Expr::col(Hires::Days)), "days_n")
        .expr_as(columns::sum(tx.backend(), Hires::Days), "days")
        .expr_as(columns::sum(tx.backend(), Hires::CostMinor), "cost")
        .from(Hires::Table)
        .and_where(Expr::col(Hires::Tenant).eq(TENANT))
        .and_where(Expr::col(Hires::PartnerId).eq(id.as_str()))
        .group_by_col(Hires::CostCurrency)
        .order_by(Hires::CostCurrency, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        let currency = row.parsed("cost_currency", currency)?;
        Ok(HiresIn {
            count: row.get("n")?,
            days_sum: row.get("days")?,
            days_count: row.get("days_n")?,
            cost: Money::from_minor(row.get("cost")?, currency),
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

async fn activated(tx: &Tx, id: &PartnerId) -> Result<u64, DbError> {
    let select = Query::select()
        .expr_as(Func::count(Expr::col(Contracts::ActivatedAt)), "n")
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::PartnerId).eq(id.as_str()))
        .to_owned();
    tx.fetch_one(&select).await?.get("n")
}

async fn matched(tx: &Tx, id: &PartnerId) -> Result<u64, DbError> {
    let select = Query::select()
        .expr_as(Func::count(Expr::col(Asterisk)), "n")
        .from(Matches::Table)
        .and_where(Expr::col(Matches::Tenant).eq(TENANT))
        .and_where(Expr::col(Matches::PartnerId).eq(id.as_str()))
        .to_owned();
    tx.fetch_one(&select).await?.get("n")
}

async fn requests(tx: &Tx, id: &PartnerId) -> Result<RequestCounts, DbError> {
    let select = Query::select()
        .column(Requests::Status)
        .expr_as(Func::count(Expr::col(Asterisk)), "n")
        .from(Requests::Table)
        .and_where(Expr::col(Requests::Tenant).eq(TENANT))
        .and_where(Expr::col(Requests::PartnerId).eq(id.as_str()))
        .group_by_col(Requests::Status)
        .to_owned();
    let mut counts = RequestCounts::default();
    for row in tx.fetch_all(&select).await? {
        let count = match row.parsed("status", RequestStatus::parse)? {
            RequestStatus::Open => &mut counts.open,
            RequestStatus::Matched => &mut counts.matched,
            RequestStatus::Filled => &mut counts.filled,
            RequestStatus::Cancelled => &mut counts.cancelled,
            RequestStatus::Expired => &mut counts.expired,
        };
        *count = row.get("n")?;
    }
    Ok(counts)
}

/// Notes that a partner has registered, whose figures are told from now on.
pub(crate) async fn open_snapshots(tx: &Tx, id: &PartnerId, at: Timestamp) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Snapshots::Table)
        .columns([Snapshots::Tenant, Snapshots::PartnerId, Snapshots::Revision, Snapshots::TakenAt])
        .values_panic([TENANT.into(), id.as_str().into(), 0_i64.into(), at.as_micros().into()])
        .to_owned();
    tx.insert_new(&insert, Snapshots::PartnerId).await.map(drop)
}

/// Notes that a partner's figures are told, and gives the number of that. With the last time, it is done with: its day
/// never comes again.
pub(crate) async fn next_snapshot(
    tx: &Tx,
    id: &PartnerId,
    at: Timestamp,
    is_last: bool,
) -> Result<i64, DbError> {
    let select = Query::select()
        .columns([Snapshots::Revision, Snapshots::TakenAt])
        .from(Snapshots::Table)
        .and_where(Expr::col(Snapshots::Tenant).eq(TENANT))
        .and_where(Expr::col(Snapshots::PartnerId).eq(id.as_str()))
        .to_owned();
    let row = tx.fetch_one(&select).await?;
    let (revision, taken_at): (i64, Timestamp) = (row.get("revision")?, row.get("taken_at")?);
    let at = if is_last { at.after(Duration::MAX) } else { at.max(taken_at) };
    let update = Query::update()
        .table(Snapshots::Table)
        .value(Snapshots::Revision, revision + 1)
        .value(Snapshots::TakenAt, at.as_micros())
        .and_where(Expr::col(Snapshots::Tenant).eq(TENANT))
        .and_where(Expr::col(Snapshots::PartnerId).eq(id.as_str()))
        .to_owned();
    tx.execute(&update).await?;
    Ok(revision + 1)
}

/// Partners whose figures were not told since a moment, and with whom it goes on.
pub(crate) async fn partners_untold(
    tx: &Tx,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<PartnerId>, DbError> {
    let select = Query::select()
        .column(Snapshots::PartnerId)
        .from(Snapshots::Table)
        .and_where(Expr::col(Snapshots::Tenant).eq(TENANT))
        .and_where(Expr::col(Snapshots::TakenAt).lt(since.as_micros()))
        .order_by(Snapshots::TakenAt, Order::Asc)
        .limit(limit)
        .to_owned();
    let id = |row: &Row| row.parsed("partner_id", |id| PartnerId::parse(id).ok());
    tx.fetch_all(&select).await?.iter().map(id).collect()
}
