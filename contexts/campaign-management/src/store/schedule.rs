//! Which period each campaign's next report of a kind is about: so none is left out, however long nobody made any.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Alias, Expr, ExprTrait as _, Order, Query};

use super::tables::{Campaigns, Reports, Schedules};
use super::{TENANT, day, day_if_any};
use crate::domain::report::Granularity;
use crate::domain::{CampaignId, Day};

/// A campaign that has begun, and whose reports of a kind nobody has scheduled yet.
#[derive(Clone, Debug)]
pub(crate) struct Unscheduled {
    pub(crate) campaign: CampaignId,
    pub(crate) since: Timestamp,
    /// The first day of the last period that was reported by itself: before there were schedules.
    pub(crate) reported: Option<Day>,
}

pub(crate) async fn unscheduled(
    tx: &Tx,
    granularity: Granularity,
    limit: u64,
) -> Result<Vec<Unscheduled>, DbError> {
    let scheduled = Query::select()
        .column(Schedules::CampaignId)
        .from(Schedules::Table)
        .and_where(Expr::col(Schedules::Tenant).eq(TENANT))
        .and_where(Expr::col(Schedules::Granularity).eq(granularity.name()))
        .to_owned();
    let reported = Query::select()
        .expr(Expr::col((Reports::Table, Reports::StartDay)).max())
        .from(Reports::Table)
        .and_where(Expr::col((Reports::Table, Reports::Tenant)).eq(TENANT))
        .and_where(Expr::col((Reports::Table, Reports::CampaignId)).equals((Campaigns::Table, Campaigns::Id)))
        .and_where(Expr::col((Reports::Table, Reports::Granularity)).eq(granularity.name()))
        .and_where(Expr::col((Reports::Table, Reports::Schedule)).is_not_null())
        .to_owned();
    let select = Query::select()
        .columns([(Campaigns::Table, Campaigns::Id), (Campaigns::Table, Campaigns::RunningSince)])
        .expr_as(reported, Alias::new("reported"))
        .from(Campaigns::Table)
        .and_where(Expr::col((Campaigns::Table, Campaigns::Tenant)).eq(TENANT))
        .and_where(Expr::col((Campaigns::Table, Campaigns::RunningSince)).is_not_null())
        .and_where(Expr::col((Campaigns::Table, Campaigns::Id)).not_in_subquery(scheduled))
        .order_by((Campaigns::Table, Campaigns::Id), Order::Asc)
        .limit(limit)
        .to_owned();
    let read = |row: &Row| {
        Ok(Unscheduled {
            campaign: row.parsed("id", |id| CampaignId::parse(id).ok())?,
            since: row.get("running_since")?,
            reported: day_if_any(row, "reported")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Schedules the first report of a kind, of the period that begins on `next`, unless some are scheduled.
pub(crate) async fn schedule(
    tx: &Tx,
    campaign: &CampaignId,
    granularity: Granularity,
    next: Day,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Schedules::Table)
        .columns([Schedules::Tenant, Schedules::CampaignId, Schedules::Granularity, Schedules::NextDay])
        .values_panic([
            TENANT.into(),
            campaign.as_str().into(),
            granularity.name().into(),
            next.number().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Schedules::CampaignId).await.map(drop)
}

/// Whose next report is of a period that begins until `last`, with the day on which it does; the oldest first.
pub(crate) async fn due_reports(
    tx: &Tx,
    granularity: Granularity,
    last: Day,
    limit: u64,
) -> Result<Vec<(CampaignId, Day)>, DbError> {
    let select = Query::select()
        .columns([Schedules::CampaignId, Schedules::NextDay])
        .from(Schedules::Table)
        .and_where(Expr::col(Schedules::Tenant).eq(TENANT))
        .and_where(Expr::col(Schedules::Granularity).eq(granularity.name()))
        .and_where(Expr::col(Schedules::NextDay).lte(last.number()))
        .order_by(Schedules::NextDay, Order::Asc)
        .order_by(Schedules::CampaignId, Order::Asc)
        .limit(limit)
        .to_owned();
    let read = |row: &Row| {
        let campaign = row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?;
        Ok((campaign, day(row, "next_day")?))
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Which kinds of reports of a campaign are scheduled, with the first day of the next of each; no day: there will be no
/// other. All before that day had their turn.
pub(crate) async fn schedules_of(
    tx: &Tx,
    campaign: &CampaignId,
) -> Result<Vec<(Granularity, Option<Day>)>, DbError> {
    let kinds = Granularity::SCHEDULED.map(Granularity::name);
    let select = Query::select()
        .columns([Schedules::Granularity, Schedules::NextDay])
        .from(Schedules::Table)
        .and_where(Expr::col(Schedules::Tenant).eq(TENANT))
        .and_where(Expr::col(Schedules::Granularity).is_in(kinds))
        .and_where(Expr::col(Schedules::CampaignId).eq(campaign.as_str()))
        .to_owned();
    let read = |row: &Row| Ok((row.parsed("granularity", Granularity::parse)?, day_if_any(row, "next_day")?));
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// The report of the period that begins on `this` has had its turn; no next: there will be no other. Tells whether it
/// was its turn.
pub(crate) async fn follow_in_schedule(
    tx: &Tx,
    campaign: &CampaignId,
    granularity: Granularity,
    this: Day,
    next: Option<Day>,
) -> Result<bool, DbError> {
    let update = Query::update()
        .table(Schedules::Table)
        .value(Schedules::NextDay, next.map(Day::number))
        .and_where(Expr::col(Schedules::Tenant).eq(TENANT))
        .and_where(Expr::col(Schedules::CampaignId).eq(campaign.as_str()))
        .and_where(Expr::col(Schedules::Granularity).eq(granularity.name()))
        .and_where(Expr::col(Schedules::NextDay).eq(this.number()))
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}
