//! `/v1/applications` and `/v1/interviews`: a candidate's way through the stages of a job.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, values,
};

use super::App;
use crate::commands::{self, Apply, CancelInterview, HoldInterview, MoveApplication, ScheduleInterview};
use crate::domain::{
    Application, ApplicationId, CandidateId, Interview, InterviewId, JobId, PartnerId, Source, Stage,
};
use crate::problems::{no_application, no_interview};
use crate::requests::{
    ApplicationBody, ApplicationRequest, FeedbackBody, FeedbackRequest, InterviewBody, InterviewRequest,
    ReasonBody, ReasonRequest, StageBody, StageRequest,
};
use crate::store::{self, ApplicationFilter};
use crate::views::{ApplicationView, InterviewView};

/// A candidate applies for a job.
#[utoipa::path(post, path = "/v1/applications", tag = "applications", request_body = ApplicationBody,
    responses((status = 201, description = "Applied", body = ApplicationView),
        (status = 409, description = "The job is over, or the candidate has applied for it", content_type = "application/problem+json")))]
pub(super) async fn apply(
    State(app): State<App>,
    asked: Asked,
    body: Body<ApplicationRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("apply", &body.digest, "");
    let ApplicationRequest { job, candidate, source, reason } = body.value;
    let command = Apply { id: ApplicationId::new(app.edge.uuid()), job, candidate, source, reason };
    let apply = async move |tx: &Tx| -> Result<Answer, Problem> {
        let application = commands::apply(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &ApplicationView::from(&application)))
    };
    app.idempotency.write(&app.db, request, apply).await
}

/// What a list of applications may be narrowed by.
pub(super) struct Narrowed(ApplicationFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let job = fields.optional("job_id", |raw| values::id(raw, JobId::parse));
        let candidate = fields.optional("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let stage = fields.optional("stage", |raw| values::one_of(raw, Stage::WORDS));
        let source = fields.optional("source", |raw| values::one_of(raw, Source::WORDS));
        Some(Self(ApplicationFilter {
            job: job?,
            candidate: candidate?,
            partner: partner?,
            stage: stage?,
            source: source?,
        }))
    }
}

/// Lists applications by when they were made.
#[utoipa::path(get, path = "/v1/applications", tag = "applications",
    params(("job_id" = Option<String>, Query), ("candidate_id" = Option<String>, Query),
        ("partner_id" = Option<String>, Query),
        ("stage" = Option<String>, Query, pattern = "^(APPLIED|SCREENING|INTERVIEW|OFFER|HIRED|REJECTED|WITHDRAWN)$"),
        ("source" = Option<String>, Query, pattern = "^(INTERNAL|EXTERNAL|REFERRALS)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?applied_at$")),
    responses((status = 200, description = "A page", content((PageOf<ApplicationView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["applied_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Application>, DbError> {
        store::page_of_applications(tx, filter.clone(), keyset.clone()).await
    };
    let applications = app.db.read(read).await?;
    let place = |last: &Application| Page::<Application>::position(last.applied_at().as_micros(), last.id());
    let page = Page::cut(applications, query.limit, sort, place);
    Ok(page.map(|application| ApplicationView::from(&application)).into_answer(query.format))
}

/// One application, with its history.
#[utoipa::path(get, path = "/v1/applications/{id}", tag = "applications", params(("id" = String, Path)),
    responses((status = 200, description = "The application", body = ApplicationView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &ApplicationView::from(&found(&app, &id).await?)))
}

/// Sends an application to another stage. An offer and a hire lead to their stages themselves.
#[utoipa::path(post, path = "/v1/applications/{id}/stage", tag = "applications", request_body = StageBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The application at its stage", body = ApplicationView),
        (status = 409, description = "No step leads there: `allowed_transitions`", content_type = "application/problem+json")))]
pub(super) async fn go(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<StageRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("move application", &body.digest, &id);
    let StageRequest { to, reason } = body.value;
    let command = MoveApplication { id: parsed(&id)?, seen, to, reason };
    let go = async move |tx: &Tx| -> Result<Answer, Problem> {
        let application = commands::move_application(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &ApplicationView::from(&application)))
    };
    app.idempotency.write(&app.db, request, go).await
}

/// Arranges an interview.
#[utoipa::path(post, path = "/v1/applications/{id}/interviews", tag = "interviews", request_body = InterviewBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "Arranged", body = InterviewView)))]
pub(super) async fn schedule(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<InterviewRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("schedule interview", &body.digest, &id);
    let InterviewRequest { scheduled_at, minutes, mode, interviewers } = body.value;
    let (application, id) = (parsed(&id)?, InterviewId::new(app.edge.uuid()));
    let command = ScheduleInterview { id, application, scheduled_at, minutes, mode, interviewers };
    let schedule = async move |tx: &Tx| -> Result<Answer, Problem> {
        let interview = commands::schedule_interview(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &InterviewView::from(&interview)))
    };
    app.idempotency.write(&app.db, request, schedule).await
}

/// Lists the interviews of an application.
#[utoipa::path(get, path = "/v1/applications/{id}/interviews", tag = "interviews",
    params(("id" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<InterviewView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn interviews(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    let application = found(&app, &id).await?.id().clone();
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Interview>, DbError> {
        store::interviews_of(tx, &application, keyset.clone()).await
    };
    let interviews = app.db.read(read).await?;
    let place = |last: &Interview| Page::<Interview>::position(last.created_at.as_micros(), &last.id);
    let page = Page::cut(interviews, query.limit, sort, place);
    Ok(page.map(|interview| InterviewView::from(&interview)).into_answer(query.format))
}

/// An interview took place.
#[utoipa::path(post, path = "/v1/interviews/{id}/held", tag = "interviews", request_body = FeedbackBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The interview with its feedback", body = InterviewView)))]
pub(super) async fn hold(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<FeedbackRequest>,
) -> Result<Answer, Problem> {
    let Ok(parsed) = InterviewId::parse(&id) else { return Err(no_interview(id)) };
    let (cause, request) = asked.keyed("hold interview", &body.digest, &id);
    let FeedbackRequest(feedback) = body.value;
    let command = HoldInterview { id: parsed, feedback };
    let hold = async move |tx: &Tx| -> Result<Answer, Problem> {
        let interview = commands::hold_interview(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &InterviewView::from(&interview)))
    };
    app.idempotency.write(&app.db, request, hold).await
}

/// An interview will not take place.
#[utoipa::path(post, path = "/v1/interviews/{id}/cancel", tag = "interviews", request_body = ReasonBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The interview, cancelled", body = InterviewView)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    let Ok(parsed) = InterviewId::parse(&id) else { return Err(no_interview(id)) };
    let (_, request) = asked.keyed("cancel interview", &body.digest, &id);
    let ReasonRequest(reason) = body.value;
    let command = CancelInterview { id: parsed, reason };
    let cancel = async move |tx: &Tx| -> Result<Answer, Problem> {
        let interview = commands::cancel_interview(tx, command.clone()).await?;
        Ok(Answer::json(StatusCode::OK, &InterviewView::from(&interview)))
    };
    app.idempotency.write(&app.db, request, cancel).await
}

/// What is no id names no application.
pub(super) fn parsed(id: &str) -> Result<ApplicationId, Problem> {
    ApplicationId::parse(id).map_err(|_| no_application(id))
}

pub(super) async fn found(app: &App, id: &str) -> Result<Application, Problem> {
    let parsed = parsed(id)?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_application(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_application(id))
}
