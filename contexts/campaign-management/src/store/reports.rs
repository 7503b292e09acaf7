//! Reports as rows: what was told. Not here: when the next is due.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::tables::Reports;
use super::{TENANT, day};
use crate::domain::report::{Granularity, Period};
use crate::domain::{CampaignId, PartnerId, ReportId};

#[derive(Clone, Debug)]
pub(crate) struct ReportRow {
    pub(crate) id: ReportId,
    pub(crate) campaign: CampaignId,
    pub(crate) partner: PartnerId,
    pub(crate) granularity: Granularity,
    pub(crate) period: Period,
    /// Whether it was made by itself.
    pub(crate) is_scheduled: bool,
    /// Counts from 1 for each period of those that are made by themselves.
    pub(crate) version: i64,
    /// The next version.
    pub(crate) replaced_by: Option<ReportId>,
    /// JSON, as in answers.
    pub(crate) data: String,
    pub(crate) generated_at: Timestamp,
}

impl ReportRow {
    /// As in answers, with what followed it: that alone is said of a report after it was made.
    pub(crate) fn told(&self) -> String {
        match (&self.replaced_by, self.data.trim_end().strip_suffix('}')) {
            (Some(next), Some(fields)) => {
                format!("{fields},\"replaced_by\":{}}}", serde_json::json!(next.as_str()))
            }
            _ => self.data.clone(),
        }
    }
}

/// What only one report is called by: the newest version of its period.
fn schedule_of(granularity: Granularity, period: Period) -> String {
    format!("{} {}", granularity.name(), period.start)
}

/// Inserts a report unless it is one of those that are made once; tells whether it did.
pub(crate) async fn insert_report(tx: &Tx, report: &ReportRow) -> Result<bool, DbError> {
    let schedule = report.is_scheduled.then(|| schedule_of(report.granularity, report.period));
    let insert = Query::insert()
        .into_table(Reports::Table)
        .columns([
            Reports::Tenant,
            Reports::Id,
            Reports::CampaignId,
            Reports::PartnerId,
            Reports::Granularity,
            Reports::StartDay,
            Reports::EndDay,
            Reports::Schedule,
            Reports::Version,
            Reports::Data,
            Reports::GeneratedAt,
        ])
        .values_panic([
            TENANT.into(),
            report.id.as_str().into(),
            report.campaign.as_str().into(),
            report.partner.as_str().into(),
            report.granularity.name().into(),
            report.period.start.number().into(),
            report.period.end.number().into(),
            schedule.into(),
            report.version.into(),
            report.data.as_str().into(),
            report.generated_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Reports::Id).await
}

pub(crate) async fn load_report(tx: &Tx, id: &ReportId) -> Result<Option<ReportRow>, DbError> {
    let select = select().and_where(Expr::col(Reports::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| report(&row)).transpose()
}

/// The newest version of the report of a period that was made by itself.
pub(crate) async fn newest_report(
    tx: &Tx,
    campaign: &CampaignId,
    granularity: Granularity,
    period: Period,
) -> Result<Option<ReportRow>, DbError> {
    let select = select()
        .and_where(Expr::col(Reports::CampaignId).eq(campaign.as_str()))
        .and_where(Expr::col(Reports::Schedule).eq(schedule_of(granularity, period)))
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| report(&row)).transpose()
}

/// The last report of the same days, as a period of some granularity, that somebody asked for since a report was made.
pub(crate) async fn asked_for_since(
    tx: &Tx,
    report: &ReportRow,
    granularity: Granularity,
) -> Result<Option<ReportRow>, DbError> {
    let select = select()
        .and_where(Expr::col(Reports::CampaignId).eq(report.campaign.as_str()))
        .and_where(Expr::col(Reports::Schedule).is_null())
        .and_where(Expr::col(Reports::Granularity).eq(granularity.name()))
        .and_where(Expr::col(Reports::StartDay).eq(report.period.start.number()))
        .and_where(Expr::col(Reports::EndDay).eq(report.period.end.number()))
        .and_where(Expr::col(Reports::GeneratedAt).gte(report.generated_at.as_micros()))
        .order_by(Reports::GeneratedAt, Order::Desc)
        .order_by(Reports::Id, Order::Desc)
        .limit(1)
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| self::report(&row)).transpose()
}

/// Makes room for the next version of a report, and has it say so.
pub(crate) async fn replace_report(tx: &Tx, former: &ReportRow, by: &ReportId) -> Result<(), DbError> {
    let ReportRow { granularity, period, version, .. } = former;
    let update = Query::update()
        .table(Reports::Table)
        .value(Reports::Schedule, format!("{} v{version}", schedule_of(*granularity, *period)))
        .value(Reports::ReplacedBy, by.as_str())
        .and_where(Expr::col(Reports::Tenant).eq(TENANT))
        .and_where(Expr::col(Reports::Id).eq(former.id.as_str()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// What a list of reports is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportFilter {
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) granularity: Option<Granularity>,
    /// Those that a newer version replaced, or the others.
    pub(crate) replaced: Option<bool>,
}

/// By the time at which they were made.
pub(crate) async fn page_of_reports(
    tx: &Tx,
    filter: ReportFilter,
    page: Keyset,
) -> Result<Vec<ReportRow>, DbError> {
    let ReportFilter { campaign, partner, granularity, replaced } = filter;
    let filters = [
        (Reports::CampaignId, campaign.map(|id| id.to_string())),
        (Reports::PartnerId, partner.map(|id| id.to_string())),
        (Reports::Granularity, granularity.map(|granularity| granularity.name().to_owned())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    select.and_where_option(replaced.map(|replaced| {
        let next = Expr::col(Reports::ReplacedBy);
        if replaced { next.is_not_null() } else { next.is_null() }
    }));
    page.apply(&mut select, Reports::GeneratedAt, Reports::Id);
    tx.fetch_all(&select).await?.iter().map(report).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Reports::Table)
        .and_where(Expr::col(Reports::Tenant).eq(TENANT))
        .to_owned()
}

fn report(row: &Row) -> Result<ReportRow, DbError> {
    Ok(ReportRow {
        id: row.parsed("id", |id| ReportId::parse(id).ok())?,
        campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        granularity: row.parsed("granularity", Granularity::parse)?,
        period: Period { start: day(row, "start_day")?, end: day(row, "end_day")? },
        is_scheduled: row.get::<Option<String>>("schedule")?.is_some(),
        version: row.get("version")?,
        replaced_by: row.parsed_if_any("replaced_by", |id| ReportId::parse(id).ok())?,
        data: row.get("data")?,
        generated_at: row.get("generated_at")?,
    })
}
