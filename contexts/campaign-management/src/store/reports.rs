//! Reports as rows: what was told. Not here: when the next is due.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

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
    /// JSON, as in answers.
    pub(crate) data: String,
    pub(crate) generated_at: Timestamp,
}

/// Inserts a report unless it is one of those that are made once; tells whether it did.
pub(crate) async fn insert_report(tx: &Tx, report: &ReportRow) -> Result<bool, DbError> {
    let schedule =
        report.is_scheduled.then(|| format!("{} {}", report.granularity.name(), report.period.start));
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

/// What a list of reports is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportFilter {
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) granularity: Option<Granularity>,
}

/// By the time at which they were made.
pub(crate) async fn page_of_reports(
    tx: &Tx,
    filter: ReportFilter,
    page: Keyset,
) -> Result<Vec<ReportRow>, DbError> {
    let ReportFilter { campaign, partner, granularity } = filter;
    let filters = [
        (Reports::CampaignId, campaign.map(|id| id.to_string())),
        (Reports::PartnerId, partner.map(|id| id.to_string())),
        (Reports::Granularity, granularity.map(|granularity| granularity.name().to_owned())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
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
        data: row.get("data")?,
        generated_at: row.get("generated_at")?,
    })
}
