//! `/v1/candidates`: people, once each.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Batch, Body, FieldError, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem,
    values,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{App, whole};
use crate::commands::{
    self, ChangeCandidate, EraseCandidate, MergeCandidates, NotRegistered, RegisterCandidate, Registered,
};
use crate::domain::{Candidate, CandidateId, CandidateStatus, Profile, Source, YEARS_MAX, fold};
use crate::problems::no_candidate;
use crate::requests::{
    self, BatchBody, BatchRequest, CandidateBody, CandidateChangeBody, CandidateChangeRequest,
    CandidateRequest, MergeBody, MergeRequest,
};
use crate::store::{self, CandidateFilter};
use crate::views::{CandidateView, RegisteredView};

const SKILL_CHARS_MAX: usize = 64;

/// Registers a candidate, and tells who may be the same person.
#[utoipa::path(post, path = "/v1/candidates", tag = "candidates", request_body = CandidateBody,
    responses((status = 201, description = "Registered", body = RegisteredView),
        (status = 409, description = "Another candidate has the e-mail or the telephone: `candidate_id`", content_type = "application/problem+json")))]
pub(super) async fn register(
    State(app): State<App>,
    asked: Asked,
    body: Body<CandidateRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("register candidate", &body.digest, "");
    let command = command(&app, body.value);
    let register = async move |tx: &Tx| -> Result<Answer, Problem> {
        let registered = commands::register_candidate(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &RegisteredView::from(&registered)))
    };
    app.idempotency.write(&app.db, request, register).await
}

fn command(app: &App, CandidateRequest(profile): CandidateRequest) -> RegisterCandidate {
    RegisterCandidate { id: CandidateId::new(app.edge.uuid()), profile }
}

/// What became of one candidate of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchItem)]
struct ItemView {
    index: usize,
    /// As if it had been sent alone: 201, 409 or 422.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<RegisteredView>,
    /// Why it was not registered: a problem as in other answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub(super) struct BatchView {
    registered: usize,
    refused: usize,
    results: Vec<ItemView>,
}

/// Registers up to 1,000 candidates. Each has its own answer; one that is refused does not hold up the others.
#[utoipa::path(post, path = "/v1/candidates/batch", tag = "candidates", request_body = BatchBody,
    responses((status = 200, description = "What became of each", body = BatchView)))]
pub(super) async fn register_batch(
    State(app): State<App>,
    asked: Asked,
    body: Body<BatchRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("register candidates", &body.digest, "");
    let BatchRequest(items) = body.value;
    let items: Vec<Result<RegisterCandidate, Vec<FieldError>>> =
        items.into_iter().map(|item| item.map(|request| command(&app, request))).collect();
    let register = async move |tx: &Tx| -> Result<Answer, Problem> {
        let mut outcomes = Vec::with_capacity(items.len());
        for command in items.iter().flatten() {
            match commands::register_candidate(tx, command.clone(), &cause).await {
                // The whole batch is tried again, or fails as a whole.
                Err(NotRegistered::Database(error)) => return Err(error.into()),
                outcome => outcomes.push(outcome),
            }
        }
        let done = |registered: Registered| (StatusCode::CREATED, RegisteredView::from(&registered));
        let view = |index, status, candidate, problem| ItemView { index, status, candidate, problem };
        let Batch { created, refused, results, .. } = Batch::of(&items, outcomes, done, view);
        let view = BatchView { registered: created, refused, results };
        Ok(Answer::json(StatusCode::OK, &view))
    };
    app.idempotency.write(&app.db, request, register).await
}

/// What a list of candidates may be narrowed by.
pub(super) struct Narrowed(CandidateFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.optional("email", values::email);
        let phone = fields.optional("phone", requests::phone);
        let source = fields.optional("source", |raw| values::one_of(raw, Source::WORDS));
        let states = CandidateStatus::NAMES.map(|name| (name, name));
        let status = fields.optional("status", |raw| values::one_of(raw, &states));
        let skill =
            fields.optional("skill", |raw| values::text(raw, SKILL_CHARS_MAX).map(|name| fold(&name)));
        let years_min = fields.optional("experience_years_min", |raw| whole(raw, 0, YEARS_MAX.into()));
        Some(Self(CandidateFilter {
            email: email?,
            phone: phone?,
            source: source?,
            status: status?,
            skill: skill?,
            years_min: years_min?,
        }))
    }
}

/// Lists candidates by when they were registered.
#[utoipa::path(get, path = "/v1/candidates", tag = "candidates",
    params(("email" = Option<String>, Query), ("phone" = Option<String>, Query),
        ("source" = Option<String>, Query, pattern = "^(INTERNAL|EXTERNAL|REFERRALS)$"),
        ("status" = Option<String>, Query, pattern = "^(ACTIVE|MERGED|ERASED)$"),
        ("skill" = Option<String>, Query), ("experience_years_min" = Option<u8>, Query, minimum = 0, maximum = 60),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?registered_at$")),
    responses((status = 200, description = "A page", content((PageOf<CandidateView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["registered_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Candidate>, DbError> {
        store::page_of_candidates(tx, filter.clone(), keyset.clone()).await
    };
    let candidates = app.db.read(read).await?;
    let place = |last: &Candidate| Page::<Candidate>::position(last.registered_at().as_micros(), last.id());
    let page = Page::cut(candidates, query.limit, sort, place);
    Ok(page.map(|candidate| CandidateView::from(&candidate)).into_answer(query.format))
}

/// One candidate.
#[utoipa::path(get, path = "/v1/candidates/{id}", tag = "candidates", params(("id" = String, Path)),
    responses((status = 200, description = "The candidate", body = CandidateView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let parsed = parsed(&id)?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_candidate(tx, &parsed).await };
    let candidate = app.db.read(read).await?.ok_or_else(|| no_candidate(id))?;
    Ok(Answer::json(StatusCode::OK, &CandidateView::from(&candidate)))
}

/// Changes what is said of a candidate.
#[utoipa::path(patch, path = "/v1/candidates/{id}", tag = "candidates", request_body = CandidateChangeBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The candidate after the change", body = CandidateView)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<CandidateChangeRequest>,
) -> Result<Answer, Problem> {
    let parsed = parsed(&id)?;
    let (cause, request) = asked.keyed("change candidate", &body.digest, &id);
    let said = body.value;
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let change = |profile: &Profile| said.over(profile).map_err(|error| Problem::invalid(vec![error]));
        let command = ChangeCandidate { id: parsed.clone(), seen: seen.clone(), change };
        let candidate = commands::change_candidate(tx, command, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &CandidateView::from(&candidate)))
    };
    app.idempotency.write(&app.db, request, change).await
}

/// Forgets the person: name, e-mail, telephone, places and what was written about them. Numbers stay. Open applications
/// are withdrawn.
#[utoipa::path(delete, path = "/v1/candidates/{id}", tag = "candidates",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "What is left", body = CandidateView)))]
pub(super) async fn erase(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
) -> Result<Answer, Problem> {
    let command = EraseCandidate { id: parsed(&id)?, seen };
    let (cause, request) = asked.keyed("erase candidate", "", &id);
    let erase = async move |tx: &Tx| -> Result<Answer, Problem> {
        let candidate = commands::erase_candidate(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &CandidateView::from(&candidate)))
    };
    app.idempotency.write(&app.db, request, erase).await
}

/// Another candidate is the same person: its applications and what only it says become this one's.
#[utoipa::path(post, path = "/v1/candidates/{id}/merge", tag = "candidates", request_body = MergeBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "Who stays", body = CandidateView)))]
pub(super) async fn merge(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<MergeRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("merge candidates", &body.digest, &id);
    let MergeRequest(duplicate) = body.value;
    let command = MergeCandidates { into: parsed(&id)?, seen, duplicate };
    let merge = async move |tx: &Tx| -> Result<Answer, Problem> {
        let candidate = commands::merge_candidates(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &CandidateView::from(&candidate)))
    };
    app.idempotency.write(&app.db, request, merge).await
}

/// What is no id names no candidate.
fn parsed(id: &str) -> Result<CandidateId, Problem> {
    CandidateId::parse(id).map_err(|_| no_candidate(id))
}
