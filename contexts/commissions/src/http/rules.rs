//! `/v1/rules`: what conversions owe by which rule, in which version.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::App;
use crate::commands::{self, DraftRule, RuleCommandError, RuleVerb, Simulate};
use crate::domain::{ProgramId, Rule, RuleId};
use crate::requests::{
    ActivateBody, ActivateRequest, RuleBody, RuleRequest, SimulationBody, SimulationRequest, TermsOfRuleBody,
    TermsOfRuleRequest,
};
use crate::store::rules::{self, RuleFilter};
use crate::views::{RuleView, SimulationView};

/// What a list of rules may be narrowed by.
pub(super) struct Narrowed(RuleFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let program = fields.optional("programId", |raw| values::id(raw, ProgramId::parse));
        Some(Self(RuleFilter { program: program? }))
    }
}

/// Drafts a rule; nothing is calculated by it before it is activated.
#[utoipa::path(post, path = "/v1/rules", tag = "rules", request_body = RuleBody,
    responses((status = 201, description = "Drafted", body = RuleView)))]
pub(super) async fn draft(
    State(app): State<App>,
    asked: Asked,
    body: Body<RuleRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("draft rule", &body.digest, "");
    let RuleRequest { name, program, terms } = body.value;
    let command = DraftRule { id: RuleId::new(app.edge.uuid()), program, name, terms };
    let built_in = app.program.id();
    let draft = async move |tx: &Tx| -> Result<Answer, Problem> {
        let rule = commands::draft_rule(tx, command.clone(), &built_in, &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &RuleView::from(rule)))
    };
    app.idempotency.write(&app.db, request, draft).await
}

/// Lists rules with their versions, by the time of their drafting.
#[utoipa::path(get, path = "/v1/rules", tag = "rules",
    params(("programId" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?createdAt$")),
    responses((status = 200, description = "A page", content((PageOf<RuleView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["createdAt"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Rule>, DbError> {
        rules::page(tx, filter.clone(), keyset.clone()).await
    };
    let rules = app.db.read(read).await?;
    let page = Page::cut(rules, query.limit, sort, |last: &Rule| {
        Page::<Rule>::position(last.created_at.as_micros(), &last.id)
    });
    Ok(page.map(RuleView::from).into_answer(query.format))
}

/// One rule with its versions.
#[utoipa::path(get, path = "/v1/rules/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, description = "The rule", body = RuleView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = parse(&id)?;
    let wanted = id.clone();
    let read = async move |tx: &Tx| -> Result<_, DbError> { rules::load(tx, &wanted).await };
    let rule = app.db.read(read).await?.ok_or(RuleCommandError::NotFound(id))?;
    Ok(Answer::json(StatusCode::OK, &RuleView::from(rule)))
}

/// Drafts a version that supersedes the active one when it is activated.
#[utoipa::path(post, path = "/v1/rules/{id}/versions", tag = "rules", params(("id" = String, Path)),
    request_body = TermsOfRuleBody, responses((status = 201, description = "Drafted", body = RuleView)))]
pub(super) async fn revise(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<TermsOfRuleRequest>,
) -> Result<Answer, Problem> {
    let verb = RuleVerb::Revise(Box::new(body.value.0));
    change(&app, &id, asked, "revise rule", &body.digest, (verb, StatusCode::CREATED)).await
}

/// Activates a version, and retires the one before it; again, it is no news.
#[utoipa::path(post, path = "/v1/rules/{id}/activate", tag = "rules", params(("id" = String, Path)),
    request_body = ActivateBody, responses((status = 200, description = "Active, now or before", body = RuleView)))]
pub(super) async fn activate(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ActivateRequest>,
) -> Result<Answer, Problem> {
    let verb = RuleVerb::Activate(body.value.0);
    change(&app, &id, asked, "activate rule", &body.digest, (verb, StatusCode::OK)).await
}

/// Ends a rule; again, it is no news.
#[utoipa::path(post, path = "/v1/rules/{id}/retire", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, description = "Retired, now or before", body = RuleView)))]
pub(super) async fn retire(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    change(&app, &id, asked, "retire rule", "", (RuleVerb::Retire, StatusCode::OK)).await
}

/// Tries a version, drafted or not, on the conversions that were recorded. Nothing is written.
#[utoipa::path(post, path = "/v1/rules/{id}/simulate", tag = "rules", params(("id" = String, Path)),
    request_body = SimulationBody,
    responses((status = 200, description = "What would have been paid", body = SimulationView)))]
pub(super) async fn simulate(
    State(app): State<App>,
    Path(id): Path<String>,
    _asked: Asked,
    body: Body<SimulationRequest>,
) -> Result<Answer, Problem> {
    let rule = parse(&id)?;
    let SimulationRequest { version, from, until } = body.value;
    let until = until.unwrap_or_else(|| app.edge.now());
    let simulated =
        commands::simulate(&app.db, Simulate { rule: rule.clone(), version, from, until }).await?;
    Ok(Answer::json(StatusCode::OK, &SimulationView::of(&rule, from, until, simulated)))
}

pub(super) fn parse(id: &str) -> Result<RuleId, Problem> {
    RuleId::parse(id).map_err(|_| super::none_of("rule_not_found", "rule", "regla", id))
}

async fn change(
    app: &App,
    id: &str,
    asked: Asked,
    scope: &'static str,
    digest: &str,
    (verb, status): (RuleVerb, StatusCode),
) -> Result<Answer, Problem> {
    let rule = parse(id)?;
    let (cause, request) = asked.keyed(scope, digest, id);
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let changed = commands::change_rule(tx, rule.clone(), verb.clone(), &cause).await?;
        Ok(Answer::json(status, &RuleView::from(changed)))
    };
    app.idempotency.write(&app.db, request, change).await
}
