//! `/v1/budgets`, `/v1/budget-alerts`, and the budgets of a campaign.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, values,
};

use super::{App, campaign_id};
use crate::commands::{self, SetBudget};
use crate::domain::{Budget, BudgetId, CampaignId, Level, Pace, PartnerId};
use crate::problems::{no_budget, no_campaign};
use crate::queries;
use crate::requests::{ChangeBudgetBody, ChangeBudgetRequest, KINDS, SetBudgetBody, SetBudgetRequest};
use crate::store::{self, AlertFilter, AlertRow, BudgetFilter};
use crate::views::{AlertView, BudgetView, BudgetsView, VersionView};

const LEVELS: [(&str, Level); 3] =
    [("WARNING", Level::Warning), ("CRITICAL", Level::Critical), ("EXHAUSTED", Level::Exhausted)];

/// All budgets of a campaign, and how they stand.
#[utoipa::path(get, path = "/v1/campaigns/{id}/budget", tag = "budgets", params(("id" = String, Path)),
    responses((status = 200, description = "The budgets", body = BudgetsView)))]
pub(super) async fn of_campaign(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let (parsed, now) = (campaign_id(&id)?, app.edge.now());
    let read = async move |tx: &Tx| -> Result<Option<BudgetsView>, DbError> {
        let Some(campaign) = store::load_campaign(tx, &parsed).await? else { return Ok(None) };
        let standings = queries::standings(tx, &campaign, now).await?;
        Ok(Some(BudgetsView {
            campaign_id: campaign.id().to_string(),
            currency: campaign.parts().currency.code(),
            status: campaign.status().name(),
            budgets: standings.iter().map(|(budget, pace)| BudgetView::of(budget, pace)).collect(),
        }))
    };
    let view = app.db.read(read).await?.ok_or_else(|| no_campaign(&id))?;
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Sets a budget of a campaign: its first version, or the next. A raised budget lets a campaign go on that it paused.
#[utoipa::path(put, path = "/v1/campaigns/{id}/budget", tag = "budgets", request_body = SetBudgetBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The budget's `ETag` that was seen")),
    responses((status = 201, description = "The first version", body = BudgetView),
        (status = 200, description = "The next version, or the same", body = BudgetView),
        (status = 412, description = "It was changed meanwhile", content_type = "application/problem+json")))]
pub(super) async fn set(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<SetBudgetRequest>,
) -> Result<Answer, Problem> {
    let SetBudgetRequest { kind, limit, thresholds, reason } = body.value;
    let command =
        SetBudget { campaign: campaign_id(&id)?, kind, limit: Some(limit), thresholds, reason, seen };
    done(&app, asked, "set budget", &body.digest, &id, command).await
}

/// What a list of budgets may be narrowed by.
pub(super) struct Narrowed(BudgetFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let campaign = fields.optional("campaign_id", |raw| values::id(raw, CampaignId::parse));
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let kind = fields.optional("kind", |raw| values::one_of(raw, &KINDS));
        let currency = fields.optional("currency", values::currency);
        Some(Self(BudgetFilter { campaign: campaign?, partner: partner?, kind: kind?, currency: currency? }))
    }
}

/// Lists budgets by the time at which their newest version was set, with how they stand.
#[utoipa::path(get, path = "/v1/budgets", tag = "budgets",
    params(("campaign_id" = Option<String>, Query), ("partner_id" = Option<String>, Query),
        ("kind" = Option<String>, Query, pattern = "^(DAILY|TOTAL|LIFETIME)$"), ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?set_at$")),
    responses((status = 200, description = "A page", content((PageOf<BudgetView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["set_at"])?;
    let (keyset, now) = (query.keyset(sort)?, app.edge.now());
    let limit = query.limit;
    let read = async move |tx: &Tx| -> Result<Page<(Budget, Pace)>, DbError> {
        let budgets = store::page_of_budgets(tx, filter.clone(), keyset.clone()).await?;
        let place = |last: &Budget| Page::<Budget>::position(last.set_at.as_micros(), &last.id);
        let Page { items, next_cursor } = Page::cut(budgets, limit, sort, place);
        Ok(Page { items: queries::standings_of(tx, items, now).await?, next_cursor })
    };
    let page = app.db.read(read).await?;
    Ok(page.map(|(budget, pace)| BudgetView::of(&budget, &pace)).into_answer(query.format))
}

async fn found(app: &App, id: &str) -> Result<Budget, Problem> {
    let parsed = BudgetId::parse(id).map_err(|_| no_budget(id))?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_budget(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_budget(id))
}

/// One budget, and how it stands. Its `ETag` is its version.
#[utoipa::path(get, path = "/v1/budgets/{id}", tag = "budgets", params(("id" = String, Path)),
    responses((status = 200, description = "The budget", body = BudgetView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let (budget, now) = (found(&app, &id).await?, app.edge.now());
    let read = async move |tx: &Tx| -> Result<Vec<(Budget, Pace)>, DbError> {
        queries::standings_of(tx, vec![budget.clone()], now).await
    };
    let (budget, pace) = app.db.read(read).await?.pop().ok_or_else(|| no_budget(&id))?;
    Ok(Answer::json(StatusCode::OK, &BudgetView::of(&budget, &pace)))
}

/// Changes what is given: the next version, unless nothing changes.
#[utoipa::path(patch, path = "/v1/budgets/{id}", tag = "budgets", request_body = ChangeBudgetBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "The next version, or the same", body = BudgetView),
        (status = 412, description = "It was changed meanwhile", content_type = "application/problem+json")))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<ChangeBudgetRequest>,
) -> Result<Answer, Problem> {
    let budget = found(&app, &id).await?;
    let ChangeBudgetRequest { limit, thresholds, reason } = body.value;
    let command = SetBudget { campaign: budget.campaign, kind: budget.kind, limit, thresholds, reason, seen };
    done(&app, asked, "change budget", &body.digest, &id, command).await
}

/// All versions of a budget, the oldest first.
#[utoipa::path(get, path = "/v1/budgets/{id}/versions", tag = "budgets", params(("id" = String, Path)),
    responses((status = 200, description = "All that ever held", body = Vec<VersionView>)))]
pub(super) async fn versions(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = found(&app, &id).await?.id;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::budget_versions(tx, &id).await };
    let versions: Vec<VersionView> = app.db.read(read).await?.iter().map(Into::into).collect();
    Ok(Answer::json(StatusCode::OK, &versions))
}

/// What a list of alerts may be narrowed by.
pub(super) struct NarrowedAlerts(AlertFilter);

impl FromFields for NarrowedAlerts {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let campaign = fields.optional("campaign_id", |raw| values::id(raw, CampaignId::parse));
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let level = fields.optional("alert_type", |raw| values::one_of(raw, &LEVELS));
        let kind = fields.optional("kind", |raw| values::one_of(raw, &KINDS));
        Some(Self(AlertFilter { campaign: campaign?, partner: partner?, level: level?, kind: kind? }))
    }
}

/// Lists the alerts that budgets gave, by their time.
#[utoipa::path(get, path = "/v1/budget-alerts", tag = "budgets",
    params(("campaign_id" = Option<String>, Query), ("partner_id" = Option<String>, Query),
        ("alert_type" = Option<String>, Query, pattern = "^(WARNING|CRITICAL|EXHAUSTED)$"),
        ("kind" = Option<String>, Query, pattern = "^(DAILY|TOTAL|LIFETIME)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?at$")),
    responses((status = 200, description = "A page", content((PageOf<AlertView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn alerts(
    State(app): State<App>,
    query: ListQuery,
    Filters(NarrowedAlerts(filter)): Filters<NarrowedAlerts>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<AlertRow>, DbError> {
        store::page_of_alerts(tx, filter.clone(), keyset.clone()).await
    };
    let alerts = app.db.read(read).await?;
    let place = |last: &AlertRow| Page::<AlertRow>::position(last.at.as_micros(), &last.id);
    let page = Page::cut(alerts, query.limit, sort, place);
    Ok(page.map(AlertView::from).into_answer(query.format))
}

async fn done(
    app: &App,
    asked: Asked,
    scope: &'static str,
    digest: &str,
    of: &str,
    command: SetBudget,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed(scope, digest, of);
    let ids = app.edge.clone();
    let set = async move |tx: &Tx| -> Result<Answer, Problem> {
        let set = commands::set_budget(tx, command.clone(), &*ids, &cause).await?;
        let status = if set.is_first { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Answer::json(status, &BudgetView::of(&set.budget, &set.pace)))
    };
    app.idempotency.write(&app.db, request, set).await
}
