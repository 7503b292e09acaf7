//! Results as rows, as they were told.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::tables::Results;
use super::{TENANT, day};
use crate::domain::report::Totals;
use crate::domain::{CampaignId, Day, ResultId};

/// What a campaign led to on a day, as somebody told it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultRow {
    pub(crate) campaign: CampaignId,
    pub(crate) id: ResultId,
    pub(crate) day: Day,
    /// Without spend.
    pub(crate) totals: Totals,
    /// `API` or `CONVERSIONS`.
    pub(crate) source: &'static str,
    pub(crate) recorded_at: Timestamp,
}

/// Inserts results unless the campaign has some of their id; tells whether it did.
pub(crate) async fn insert_result(tx: &Tx, result: &ResultRow) -> Result<bool, DbError> {
    let Totals { impressions, clicks, leads, conversions, revenue_minor, .. } = result.totals;
    let insert = Query::insert()
        .into_table(Results::Table)
        .columns([
            Results::Tenant,
            Results::CampaignId,
            Results::ResultId,
            Results::Day,
            Results::Impressions,
            Results::Clicks,
            Results::Leads,
            Results::Conversions,
            Results::RevenueMinor,
            Results::Source,
            Results::RecordedAt,
        ])
        .values_panic([
            TENANT.into(),
            result.campaign.as_str().into(),
            result.id.as_str().into(),
            result.day.number().into(),
            impressions.into(),
            clicks.into(),
            leads.into(),
            conversions.into(),
            revenue_minor.into(),
            result.source.into(),
            result.recorded_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Results::ResultId).await
}

pub(crate) async fn load_result(
    tx: &Tx,
    campaign: &CampaignId,
    id: &ResultId,
) -> Result<Option<ResultRow>, DbError> {
    let select = select(id).and_where(Expr::col(Results::CampaignId).eq(campaign.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| result(&row)).transpose()
}

/// The results of an id, whichever campaign has them.
pub(crate) async fn result_anywhere(tx: &Tx, id: &ResultId) -> Result<Option<ResultRow>, DbError> {
    tx.fetch_optional(&select(id)).await?.map(|row| result(&row)).transpose()
}

fn select(id: &ResultId) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Results::Table)
        .and_where(Expr::col(Results::Tenant).eq(TENANT))
        .and_where(Expr::col(Results::ResultId).eq(id.as_str()))
        .to_owned()
}

fn result(row: &Row) -> Result<ResultRow, DbError> {
    Ok(ResultRow {
        campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
        id: row.parsed("result_id", |id| ResultId::parse(id).ok())?,
        day: day(row, "day")?,
        totals: Totals {
            impressions: row.get("impressions")?,
            clicks: row.get("clicks")?,
            leads: row.get("leads")?,
            conversions: row.get("conversions")?,
            revenue_minor: row.get("revenue_minor")?,
            spend_minor: 0,
        },
        source: row
            .parsed("source", |source| ["API", "CONVERSIONS"].into_iter().find(|one| *one == source))?,
        recorded_at: row.get("recorded_at")?,
    })
}
