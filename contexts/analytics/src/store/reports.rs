//! Each report once where it belongs: in the row of its period, and in those of its campaign's newest period.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::{Cause, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::filter::{Filter, Whose};
use super::order::Order;
use super::tables::{ANY, NEWEST, PERIODS, Reports};
use super::{TENANT, as_of, figures, period};
use crate::domain::{AsOf, CampaignId, Figures, Granularity, PartnerId, Period, Report};

/// A report in a list.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) campaign: CampaignId,
    pub(crate) partner: PartnerId,
    pub(crate) period: Period,
    pub(crate) figures: Figures,
    pub(crate) as_of: AsOf,
}

/// A report with all that was told.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) line: Line,
    pub(crate) revision: u32,
    pub(crate) correlation: String,
    pub(crate) heard_at: Timestamp,
    pub(crate) data: String,
}

/// Keeps a report, unless what is there of its period is newer or the same; likewise among its campaign's newest.
pub(crate) async fn keep(tx: &Tx, report: &Report, cause: &Cause) -> Result<(), DbError> {
    let granularity = report.period.granularity().name();
    put(tx, (PERIODS, &report.period.name()), report, cause).await?;
    put(tx, (NEWEST, granularity), report, cause).await?;
    put(tx, (NEWEST, ANY), report, cause).await
}

/// What a later report has more of, the first that differs counting: its period's end, its beginning (of two that end
/// together the shorter is nearer), when it was made, and of those that were made at once, its version. Not the version
/// before: one that somebody asked for is the first of its own, and later than a second that was made by itself.
fn newness(report: &Report) -> [(Reports, i64); 4] {
    [
        (Reports::EndDay, report.period.end().number()),
        (Reports::StartDay, report.period.start().number()),
        (Reports::GeneratedAt, report.generated_at.as_micros()),
        (Reports::Version, report.as_of.version),
    ]
}

/// Puts a report into a slot of its campaign.
async fn put(
    tx: &Tx,
    (table, slot): (&'static str, &str),
    report: &Report,
    cause: &Cause,
) -> Result<(), DbError> {
    let values = values(table, report, cause);
    let key = [
        (Reports::Tenant, Expr::from(TENANT)),
        (Reports::Slot, slot.into()),
        (Reports::CampaignId, report.campaign.as_str().into()),
        (Reports::Revision, 1_i64.into()),
    ];
    let (columns, row): (Vec<_>, Vec<_>) = key.into_iter().chain(values.clone()).unzip();
    let insert = Query::insert().into_table(table).columns(columns).values_panic(row).to_owned();
    if tx.insert_new(&insert, Reports::CampaignId).await? {
        return Ok(());
    }
    let last = Expr::col(Reports::ReportId).lt(report.as_of.report.as_str());
    let is_older = newness(report).into_iter().rev().fold(last, |rest, (column, ours)| {
        Expr::col(column).lt(ours).or(Expr::col(column).eq(ours).and(rest))
    });
    let update = Query::update()
        .table(table)
        .values(values)
        .value(Reports::Revision, Expr::col(Reports::Revision).add(1))
        .and_where(Expr::col(Reports::Tenant).eq(TENANT))
        .and_where(Expr::col(Reports::Slot).eq(slot))
        .and_where(Expr::col(Reports::CampaignId).eq(report.campaign.as_str()))
        .and_where(is_older)
        .to_owned();
    tx.execute(&update).await.map(drop)
}

fn values(table: &'static str, report: &Report, cause: &Cause) -> Vec<(Reports, Expr)> {
    let Report { partner, period, figures, as_of, data, .. } = report;
    let mut values: Vec<(Reports, Expr)> = vec![
        (Reports::PartnerId, partner.as_str().into()),
        (Reports::Period, period.name().into()),
        (Reports::Granularity, period.granularity().name().into()),
        (Reports::Currency, figures.currency.code().into()),
        (Reports::Impressions, figures.impressions.into()),
        (Reports::Clicks, figures.clicks.into()),
        (Reports::Leads, figures.leads.into()),
        (Reports::Conversions, figures.conversions.into()),
        (Reports::SpendMinor, figures.spend_minor.into()),
        (Reports::RevenueMinor, figures.revenue_minor.into()),
        (Reports::ProfitMinor, figures.profit_minor().into()),
        (Reports::RoiRank, figures.roi_ranked().unwrap_or(i64::MIN).into()),
        (Reports::ReportId, as_of.report.as_str().into()),
        (Reports::EventId, as_of.event.as_str().into()),
        (Reports::OccurredAt, as_of.occurred_at.as_micros().into()),
        (Reports::Correlation, cause.correlation.as_str().into()),
        (Reports::HeardAt, cause.at.as_micros().into()),
    ];
    values.extend(newness(report).map(|(column, value)| (column, value.into())));
    if table == PERIODS {
        values.push((Reports::Data, data.as_str().into()));
    }
    values
}

/// The report of each campaign's newest period, of one granularity or of all.
pub(crate) async fn newest_lines(tx: &Tx, filter: &Filter, order: &Order) -> Result<Vec<Line>, DbError> {
    let slot = filter.granularity.map_or(ANY, Granularity::name);
    let mut select = select(NEWEST, filter);
    select.and_where(Expr::col(Reports::Slot).eq(slot));
    page(tx, select, order).await
}

/// The reports of periods.
pub(crate) async fn period_lines(tx: &Tx, filter: &Filter, order: &Order) -> Result<Vec<Line>, DbError> {
    page(tx, select(PERIODS, filter), order).await
}

async fn page(tx: &Tx, mut select: SelectStatement, order: &Order) -> Result<Vec<Line>, DbError> {
    order.apply(&mut select);
    tx.fetch_all(&select).await?.iter().map(line).collect()
}

/// Whether any report of a campaign, or of a partner's campaigns, was heard.
pub(crate) async fn is_known(tx: &Tx, whose: &Whose) -> Result<bool, DbError> {
    let filter = Filter { whose: whose.clone(), ..Filter::default() };
    let mut select = Query::select().column(Reports::CampaignId).from(NEWEST).limit(1).to_owned();
    filter.apply(&mut select);
    select.and_where(Expr::col(Reports::Slot).eq(ANY));
    Ok(tx.fetch_optional(&select).await?.is_some())
}

/// The report of a campaign's period.
pub(crate) async fn load_report(
    tx: &Tx,
    campaign: &CampaignId,
    period: Period,
) -> Result<Option<Whole>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(PERIODS)
        .and_where(Expr::col(Reports::Tenant).eq(TENANT))
        .and_where(Expr::col(Reports::Slot).eq(period.name()))
        .and_where(Expr::col(Reports::CampaignId).eq(campaign.as_str()))
        .to_owned();
    let read = |row: Row| {
        Ok(Whole {
            line: line(&row)?,
            revision: row.get("revision")?,
            correlation: row.get("correlation")?,
            heard_at: row.get("heard_at")?,
            data: row.get("data")?,
        })
    };
    tx.fetch_optional(&select).await?.map(read).transpose()
}

/// All but what was told in whole.
fn select(table: &'static str, filter: &Filter) -> SelectStatement {
    let mut select = Query::select()
        .columns([
            Reports::CampaignId,
            Reports::PartnerId,
            Reports::Period,
            Reports::Currency,
            Reports::Impressions,
            Reports::Clicks,
            Reports::Leads,
            Reports::Conversions,
            Reports::SpendMinor,
            Reports::RevenueMinor,
            Reports::ReportId,
            Reports::Version,
            Reports::EventId,
            Reports::OccurredAt,
        ])
        .from(table)
        .to_owned();
    filter.apply(&mut select);
    select
}

fn line(row: &Row) -> Result<Line, DbError> {
    Ok(Line {
        campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        period: period(row)?,
        figures: figures(row)?,
        as_of: as_of(row)?,
    })
}
