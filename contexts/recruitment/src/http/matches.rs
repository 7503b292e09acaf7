//! `/v1/matches`, and those of one job: who fits, how well, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, Refused, values,
};

use super::{App, jobs, whole};
use crate::commands::{self, Found, NotMatched, StartMatching};
use crate::domain::matcher::FULL;
use crate::domain::{CandidateId, JobId, PartnerId};
use crate::matching;
use crate::problems::no_job;
use crate::store::{self, Match, MatchFilter};
use crate::views::{MatchView, MatchedView};

/// Looks for candidates who fit the job as it is now, and tells the partner of those who are new on its shortlist.
#[utoipa::path(post, path = "/v1/jobs/{id}/matching", tag = "matches",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The shortlist, the best first", body = MatchedView)))]
pub(super) async fn start(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
) -> Result<Answer, Problem> {
    let Ok(job) = JobId::parse(&id) else { return Err(no_job(id)) };
    let (cause, request) = asked.keyed("start matching", "", &id);
    // Before the look: what was answered before is not found again.
    if let Some(answer) = request.kept::<Problem>(&app.db).await? {
        return Ok(answer);
    }
    let command = StartMatching { job: job.clone(), seen, because_of: BTreeMap::new() };
    let write = |found: Arc<Found>| {
        let (command, cause, edge) = (command.clone(), cause.clone(), Arc::clone(&app.edge));
        let start = async move |tx: &Tx| -> Result<Answer, Refused<NotMatched>> {
            let matched = commands::start_matching(tx, command.clone(), &found, &*edge, &cause).await;
            let matched = matched.map_err(Refused::Command)?;
            Ok(Answer::json(StatusCode::OK, &MatchedView::from(&matched)))
        };
        app.idempotency.write(&app.db, request.clone(), start)
    };
    let is_stale = |refused: &Refused<_>| matches!(refused, Refused::Command(NotMatched::Stale));
    let outcome = matching::looked(&app.db, &app.index, &job, write, is_stale).await;
    outcome.map_err(|refused| refused.into_problem(Problem::from))
}

/// What a list of matches may be narrowed by.
pub(super) struct Narrowed(MatchFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let job = fields.optional("job_id", |raw| values::id(raw, JobId::parse));
        let OfJob(filter) = OfJob::from_fields(fields)?;
        Some(Self(MatchFilter { job: job?, ..filter }))
    }
}

/// As [`Narrowed`], of one job.
pub(super) struct OfJob(MatchFilter);

impl FromFields for OfJob {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let candidate = fields.optional("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let score = fields.optional("score_min_bp", |raw| whole(raw, 0, i64::from(FULL)));
        let version = fields.optional("job_version", |raw| whole(raw, 1, i64::from(u32::MAX)));
        let words = [("true", true), ("false", false)];
        let shortlisted = fields.optional("shortlisted", |raw| values::one_of(raw, &words));
        Some(Self(MatchFilter {
            job: None,
            partner: partner?,
            candidate: candidate?,
            score_min: score?,
            version: version?.and_then(|version| u32::try_from(version).ok()),
            shortlisted: shortlisted?,
        }))
    }
}

/// Lists who is, or was, on a job's shortlists: by default the newest version's, the best first.
#[utoipa::path(get, path = "/v1/jobs/{id}/matches", tag = "matches",
    params(("id" = String, Path), ("candidate_id" = Option<String>, Query), ("partner_id" = Option<String>, Query),
        ("score_min_bp" = Option<i64>, Query, minimum = 0, maximum = 10000),
        ("job_version" = Option<i64>, Query, minimum = 1),
        ("shortlisted" = Option<bool>, Query, description = "Those that are on it now, or that no longer are"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?(score_bp|matched_at)$")),
    responses((status = 200, description = "A page", content((PageOf<MatchView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn of_job(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(OfJob(filter)): Filters<OfJob>,
) -> Result<Response, Problem> {
    let job = jobs::found(&app, &id).await?;
    let version = filter.version.or(Some(job.version()));
    page(&app, &query, MatchFilter { job: Some(job.id().clone()), version, ..filter }).await
}

/// Lists who is, or was, on any job's shortlists, the best first.
#[utoipa::path(get, path = "/v1/matches", tag = "matches",
    params(("job_id" = Option<String>, Query), ("candidate_id" = Option<String>, Query),
        ("partner_id" = Option<String>, Query),
        ("score_min_bp" = Option<i64>, Query, minimum = 0, maximum = 10000),
        ("job_version" = Option<i64>, Query, minimum = 1),
        ("shortlisted" = Option<bool>, Query, description = "Those that are on one now, or that no longer are"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?(score_bp|matched_at)$")),
    responses((status = 200, description = "A page", content((PageOf<MatchView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    page(&app, &query, filter).await
}

async fn page(app: &App, query: &ListQuery, filter: MatchFilter) -> Result<Response, Problem> {
    let sort = query.sort(&["score_bp", "matched_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Match>, DbError> {
        store::page_of_matches(tx, filter.clone(), sort.field, keyset.clone()).await
    };
    let matches = app.db.read(read).await?;
    let place = |last: &Match| {
        let by_score = sort.field == "score_bp";
        let at = if by_score { i64::from(last.explained.score_bp) } else { last.matched_at.as_micros() };
        Page::<Match>::position(at, &last.id)
    };
    let page = Page::cut(matches, query.limit, sort, place);
    Ok(page.map(|matched| MatchView::from(&matched)).into_answer(query.format))
}
