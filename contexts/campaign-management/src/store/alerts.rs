//! Alerts as rows: the key of each is what makes it be given once.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Query};

use super::TENANT;
use super::tables::Alerts;
use crate::domain::{AlertId, Budget, BudgetId, BudgetKind, CampaignId, Day, Level, PartnerId};

/// An alert as it was told.
#[derive(Clone, Debug)]
pub(crate) struct AlertRow {
    pub(crate) id: AlertId,
    pub(crate) budget: BudgetId,
    pub(crate) version: u32,
    pub(crate) kind: BudgetKind,
    /// The event's data.
    pub(crate) data: String,
    pub(crate) at: Timestamp,
}

/// The levels of which a version of a budget gave alerts; `day` as in [`insert_alert`].
pub(crate) async fn alerts_given(tx: &Tx, budget: &Budget, day: Option<Day>) -> Result<Vec<Level>, DbError> {
    let select = Query::select()
        .column(Alerts::Level)
        .from(Alerts::Table)
        .and_where(Expr::col(Alerts::Tenant).eq(TENANT))
        .and_where(Expr::col(Alerts::BudgetId).eq(budget.id.as_str()))
        .and_where(Expr::col(Alerts::Version).eq(i64::from(budget.version)))
        .and_where(Expr::col(Alerts::Day).eq(day.map_or(0, Day::number)))
        .to_owned();
    let level = |row: &Row| row.parsed("level", Level::parse);
    tx.fetch_all(&select).await?.iter().map(level).collect()
}

/// Inserts an alert unless there was one; tells whether it did. `day` is that of a daily budget.
#[expect(clippy::too_many_arguments, reason = "a row's columns")]
pub(crate) async fn insert_alert(
    tx: &Tx,
    id: &AlertId,
    budget: &Budget,
    level: Level,
    day: Option<Day>,
    partner: &PartnerId,
    data: &str,
    at: Timestamp,
) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Alerts::Table)
        .columns([
            Alerts::Tenant,
            Alerts::BudgetId,
            Alerts::Version,
            Alerts::Level,
            Alerts::Day,
            Alerts::Id,
            Alerts::CampaignId,
            Alerts::PartnerId,
            Alerts::Kind,
            Alerts::Data,
            Alerts::At,
        ])
        .values_panic([
            TENANT.into(),
            budget.id.as_str().into(),
            i64::from(budget.version).into(),
            level.name().into(),
            day.map_or(0, Day::number).into(),
            id.as_str().into(),
            budget.campaign.as_str().into(),
            partner.as_str().into(),
            budget.kind.name().into(),
            data.into(),
            at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Alerts::BudgetId).await
}

/// What a list of alerts is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertFilter {
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) level: Option<Level>,
    pub(crate) kind: Option<BudgetKind>,
}

/// By the time of the alert.
pub(crate) async fn page_of_alerts(
    tx: &Tx,
    filter: AlertFilter,
    page: Keyset,
) -> Result<Vec<AlertRow>, DbError> {
    let AlertFilter { campaign, partner, level, kind } = filter;
    let filters = [
        (Alerts::CampaignId, campaign.map(|id| id.to_string())),
        (Alerts::PartnerId, partner.map(|id| id.to_string())),
        (Alerts::Level, level.map(|level| level.name().to_owned())),
        (Alerts::Kind, kind.map(|kind| kind.name().to_owned())),
    ];
    let mut select = Query::select()
        .column(Asterisk)
        .from(Alerts::Table)
        .and_where(Expr::col(Alerts::Tenant).eq(TENANT))
        .to_owned();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    page.apply(&mut select, Alerts::At, Alerts::Id);
    let read = |row: &Row| {
        Ok(AlertRow {
            id: row.parsed("id", |id| AlertId::parse(id).ok())?,
            budget: row.parsed("budget_id", |id| BudgetId::parse(id).ok())?,
            version: row.get("version")?,
            kind: row.parsed("kind", BudgetKind::parse)?,
            data: row.get("data")?,
            at: row.get("at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}
