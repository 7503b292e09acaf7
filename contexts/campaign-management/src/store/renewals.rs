//! Which reports are no longer right, and why, until they are made again.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::CorrelationId;
use sea_query::{Expr, ExprTrait as _, Order, Query};

use super::tables::Renewals;
use super::{TENANT, day};
use crate::domain::report::{Granularity, Renewal};
use crate::domain::{CampaignId, Day};

/// Has the report of the period that begins on `start` be made again. Whoever calls this has claimed the campaign.
pub(crate) async fn outdate(
    tx: &Tx,
    campaign: &CampaignId,
    granularity: Granularity,
    start: Day,
    why: Renewal,
    correlation: &CorrelationId,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Renewals::Table)
        .columns([
            Renewals::Tenant,
            Renewals::CampaignId,
            Renewals::Granularity,
            Renewals::StartDay,
            Renewals::Reason,
            Renewals::Correlation,
        ])
        .values_panic([
            TENANT.into(),
            campaign.as_str().into(),
            granularity.name().into(),
            start.number().into(),
            why.name().into(),
            correlation.as_str().into(),
        ])
        .to_owned();
    if !tx.insert_new(&insert, Renewals::CampaignId).await? {
        // Who makes the report again at this moment has not seen what is being recorded: both have to want the row.
        let touch = Query::update()
            .table(Renewals::Table)
            .value(Renewals::StartDay, start.number())
            .and_where(of(campaign, granularity, start))
            .and_where(Expr::col(Renewals::Reason).eq(why.name()))
            .to_owned();
        if tx.execute(&touch).await? == 0 {
            return Err(DbError::Conflict("the report was made again a moment ago".to_owned()));
        }
    }
    Ok(())
}

fn of(campaign: &CampaignId, granularity: Granularity, start: Day) -> Expr {
    Expr::col(Renewals::Tenant)
        .eq(TENANT)
        .and(Expr::col(Renewals::CampaignId).eq(campaign.as_str()))
        .and(Expr::col(Renewals::Granularity).eq(granularity.name()))
        .and(Expr::col(Renewals::StartDay).eq(start.number()))
}

/// Reports that are to be made again, with the first day of each; the oldest period first.
pub(crate) async fn outdated(tx: &Tx, limit: u64) -> Result<Vec<(CampaignId, Granularity, Day)>, DbError> {
    let select = Query::select()
        .distinct()
        .columns([Renewals::StartDay, Renewals::CampaignId, Renewals::Granularity])
        .from(Renewals::Table)
        .and_where(Expr::col(Renewals::Tenant).eq(TENANT))
        .order_by(Renewals::StartDay, Order::Asc)
        .order_by(Renewals::CampaignId, Order::Asc)
        .order_by(Renewals::Granularity, Order::Asc)
        .limit(limit)
        .to_owned();
    let read = |row: &Row| {
        let campaign = row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?;
        Ok((campaign, row.parsed("granularity", Granularity::parse)?, day(row, "start_day")?))
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Why a report is to be made again, the weightiest first, each with what brought it about first; after this it is to be
/// no more. Nothing where another had that turn.
pub(crate) async fn take_renewal(
    tx: &Tx,
    campaign: &CampaignId,
    granularity: Granularity,
    start: Day,
) -> Result<Vec<(Renewal, Option<CorrelationId>)>, DbError> {
    let this = of(campaign, granularity, start);
    let select = Query::select()
        .columns([Renewals::Reason, Renewals::Correlation])
        .from(Renewals::Table)
        .and_where(this.clone())
        .to_owned();
    let read = |row: &Row| {
        let correlation = row.parsed_if_any("correlation_id", |id| CorrelationId::parse(id).ok())?;
        Ok((row.parsed("reason", Renewal::parse)?, correlation))
    };
    let reasons: Result<Vec<_>, DbError> = tx.fetch_all(&select).await?.iter().map(read).collect();
    let mut reasons = reasons?;
    reasons.sort_by_key(|(why, _)| *why);
    tx.execute(&Query::delete().from_table(Renewals::Table).and_where(this).to_owned()).await?;
    Ok(reasons)
}
