//! Budgets as rows: the newest version of each, and all that ever held.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Currency;
use sea_query::{Asterisk, Expr, ExprTrait as _, IntoIden, Order, Query, SelectStatement, Value};

use super::campaigns::open_besides;
use super::tables::{Budgets, Campaigns, Versions};
use super::{TENANT, currency, money};
use crate::domain::{Budget, BudgetId, BudgetKind, CampaignId, Level, PartnerId, Thresholds};

/// Inserts the first version unless the campaign has a budget of the kind; tells whether it did.
pub(crate) async fn insert_budget(tx: &Tx, budget: &Budget) -> Result<bool, DbError> {
    if !insert(tx, Budgets::Table, budget).await? {
        return Ok(false);
    }
    insert(tx, Versions::Table, budget).await
}

/// Makes a version the newest. Whoever calls this has claimed the campaign.
pub(crate) async fn save_budget(tx: &Tx, budget: &Budget) -> Result<(), DbError> {
    let update = Query::update()
        .table(Budgets::Table)
        .values(row_of(budget).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Budgets::Tenant).eq(TENANT))
        .and_where(Expr::col(Budgets::Id).eq(budget.id.as_str()))
        .and_where(Expr::col(Budgets::Version).eq(i64::from(budget.version) - 1))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Err(DbError::Conflict("the budget was changed a moment ago".to_owned()));
    }
    insert(tx, Versions::Table, budget).await.map(drop)
}

async fn insert(tx: &Tx, table: impl IntoIden, budget: &Budget) -> Result<bool, DbError> {
    let (columns, values): (Vec<_>, Vec<_>) = row_of(budget).into_iter().unzip();
    let insert = Query::insert()
        .into_table(table.into_iden())
        .columns(columns)
        .values_panic(values.into_iter().map(Expr::from))
        .to_owned();
    tx.insert_new(&insert, Budgets::Id).await
}

pub(crate) async fn load_budget(tx: &Tx, id: &BudgetId) -> Result<Option<Budget>, DbError> {
    let select = select().and_where(Expr::col(Budgets::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| budget(&row)).transpose()
}

/// The newest versions of a campaign's budgets: daily, lifetime, total.
pub(crate) async fn budgets_of(tx: &Tx, campaign: &CampaignId) -> Result<Vec<Budget>, DbError> {
    let select = select()
        .and_where(Expr::col(Budgets::CampaignId).eq(campaign.as_str()))
        .order_by(Budgets::Kind, Order::Asc)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(budget).collect()
}

/// The newest versions of the budgets of a partner's open campaigns, but for one: those of a campaign together.
pub(crate) async fn budgets_of_open(
    tx: &Tx,
    partner: &PartnerId,
    besides: &CampaignId,
) -> Result<Vec<Budget>, DbError> {
    let open = open_besides(partner, besides).column(Campaigns::Id).to_owned();
    let select = select()
        .and_where(Expr::col(Budgets::CampaignId).in_subquery(open))
        .order_by(Budgets::CampaignId, Order::Asc)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(budget).collect()
}

/// All versions of a budget, the oldest first.
pub(crate) async fn budget_versions(tx: &Tx, id: &BudgetId) -> Result<Vec<Budget>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Versions::Table)
        .and_where(Expr::col(Budgets::Tenant).eq(TENANT))
        .and_where(Expr::col(Budgets::Id).eq(id.as_str()))
        .order_by(Budgets::Version, Order::Asc)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(budget).collect()
}

/// What a list of budgets is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct BudgetFilter {
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) kind: Option<BudgetKind>,
    pub(crate) currency: Option<Currency>,
}

/// By the time at which the newest version was set.
pub(crate) async fn page_of_budgets(
    tx: &Tx,
    filter: BudgetFilter,
    page: Keyset,
) -> Result<Vec<Budget>, DbError> {
    let BudgetFilter { campaign, partner, kind, currency } = filter;
    let filters = [
        (Budgets::CampaignId, campaign.map(|id| id.to_string())),
        (Budgets::Kind, kind.map(|kind| kind.name().to_owned())),
        (Budgets::Currency, currency.map(|currency| currency.code().to_owned())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    if let Some(partner) = partner {
        let of_partner = Query::select()
            .column(Campaigns::Id)
            .from(Campaigns::Table)
            .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
            .and_where(Expr::col(Campaigns::PartnerId).eq(partner.as_str()))
            .to_owned();
        select.and_where(Expr::col(Budgets::CampaignId).in_subquery(of_partner));
    }
    page.apply(&mut select, Budgets::SetAt, Budgets::Id);
    tx.fetch_all(&select).await?.iter().map(budget).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Budgets::Table)
        .and_where(Expr::col(Budgets::Tenant).eq(TENANT))
        .to_owned()
}

fn row_of(budget: &Budget) -> Vec<(Budgets, Value)> {
    vec![
        (Budgets::Tenant, TENANT.into()),
        (Budgets::Id, budget.id.as_str().into()),
        (Budgets::CampaignId, budget.campaign.as_str().into()),
        (Budgets::Kind, budget.kind.name().into()),
        (Budgets::Version, i64::from(budget.version).into()),
        (Budgets::Currency, budget.limit.currency().code().into()),
        (Budgets::LimitMinor, budget.limit.minor().into()),
        (Budgets::WarningBp, budget.thresholds.at(Level::Warning).into()),
        (Budgets::CriticalBp, budget.thresholds.at(Level::Critical).into()),
        (Budgets::ExhaustedBp, budget.thresholds.at(Level::Exhausted).into()),
        (Budgets::Reason, budget.reason.as_deref().into()),
        (Budgets::SetBy, budget.set_by.as_str().into()),
        (Budgets::SetAt, budget.set_at.as_micros().into()),
    ]
}

fn budget(row: &Row) -> Result<Budget, DbError> {
    let thresholds =
        Thresholds::of(row.get("warning_bp")?, row.get("critical_bp")?, row.get("exhausted_bp")?);
    Ok(Budget {
        id: row.parsed("id", |id| BudgetId::parse(id).ok())?,
        campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
        kind: row.parsed("kind", BudgetKind::parse)?,
        version: row.get("version")?,
        limit: money(row, "limit_minor", currency(row)?)?,
        thresholds: thresholds.map_err(|_| DbError::column("warning_bp", "it is no threshold"))?,
        reason: row.get("reason")?,
        set_at: row.get("set_at")?,
        set_by: row.get("set_by")?,
    })
}
