//! `/v1/jobs`: what is looked for, and what the search costs.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, values,
};

use super::App;
use crate::commands::{self, ChangeJob, EndJob, RecordCost};
use crate::domain::{
    CostId, ExperienceLevel, Job, JobId, JobStatus, JobTerms, JobType, PartnerId, RequestId, Urgency,
};
use crate::problems::no_job;
use crate::requests::{
    CostBody, CostRequest, JobBody, JobChangeBody, JobChangeRequest, JobRequest, ReasonBody, ReasonRequest,
};
use crate::store::{self, Cost, JobFilter};
use crate::views::{CostView, JobView};

/// Opens a job.
///
/// With the `request_id` of a job that is there, it answers with that one.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", request_body = JobBody,
    responses((status = 201, description = "Opened", body = JobView),
        (status = 200, description = "It was there already, for the same request", body = JobView)))]
pub(super) async fn open(
    State(app): State<App>,
    asked: Asked,
    body: Body<JobRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("open job", &body.digest, "");
    let command = body.value.into_command(&*app.edge);
    let open = async move |tx: &Tx| -> Result<Answer, Problem> {
        let opened = commands::open_job(tx, command.clone(), &cause).await?;
        let status = if opened.duplicate { StatusCode::OK } else { StatusCode::CREATED };
        Ok(Answer::json(status, &JobView::from(&opened.job)))
    };
    app.idempotency.write(&app.db, request, open).await
}

/// What a list of jobs may be narrowed by.
pub(super) struct Narrowed(JobFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let request = fields.optional("request_id", |raw| values::id(raw, RequestId::parse));
        let status = fields.optional("status", |raw| values::one_of(raw, JobStatus::WORDS));
        let level = fields.optional("experience_level", |raw| values::one_of(raw, ExperienceLevel::WORDS));
        let job_type = fields.optional("job_type", |raw| values::one_of(raw, JobType::WORDS));
        let urgency = fields.optional("urgency_level", |raw| values::one_of(raw, Urgency::WORDS));
        Some(Self(JobFilter {
            partner: partner?,
            request: request?,
            status: status?,
            level: level?,
            job_type: job_type?,
            urgency: urgency?,
        }))
    }
}

/// Lists jobs by when they were opened.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs",
    params(("partner_id" = Option<String>, Query), ("request_id" = Option<String>, Query),
        ("status" = Option<String>, Query, pattern = "^(OPEN|MATCHING|FILLED|CLOSED|CANCELLED)$"),
        ("experience_level" = Option<String>, Query, pattern = "^(JUNIOR|MID|SENIOR|EXPERT)$"),
        ("job_type" = Option<String>, Query, pattern = "^(FULL_TIME|PART_TIME|CONTRACT)$"),
        ("urgency_level" = Option<String>, Query, pattern = "^(LOW|NORMAL|HIGH|URGENT)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?opened_at$")),
    responses((status = 200, description = "A page", content((PageOf<JobView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["opened_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Job>, DbError> {
        store::page_of_jobs(tx, filter.clone(), keyset.clone()).await
    };
    let jobs = app.db.read(read).await?;
    let place = |last: &Job| Page::<Job>::position(last.opened_at().as_micros(), last.id());
    let page = Page::cut(jobs, query.limit, sort, place);
    Ok(page.map(|job| JobView::from(&job)).into_answer(query.format))
}

/// One job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, description = "The job", body = JobView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &JobView::from(&found(&app, &id).await?)))
}

/// Changes what is looked for: another version of the job. If candidates are looked for, they soon are again.
#[utoipa::path(patch, path = "/v1/jobs/{id}", tag = "jobs", request_body = JobChangeBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The job after the change", body = JobView)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<JobChangeRequest>,
) -> Result<Answer, Problem> {
    let Ok(parsed) = JobId::parse(&id) else { return Err(no_job(id)) };
    let (cause, request) = asked.keyed("change job", &body.digest, &id);
    let said = body.value;
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let change = |terms: &JobTerms| Ok::<_, Problem>(said.over(terms));
        let command = ChangeJob { id: parsed.clone(), seen: seen.clone(), change };
        let job = commands::change_job(tx, command, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &JobView::from(&job)))
    };
    app.idempotency.write(&app.db, request, change).await
}

/// Ends the search before everybody was found.
#[utoipa::path(post, path = "/v1/jobs/{id}/close", tag = "jobs", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The job, closed", body = JobView)))]
pub(super) async fn close(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    end(&app, id, seen, asked, body, JobStatus::Closed).await
}

/// The partner wants nobody any longer.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The job, cancelled", body = JobView)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    end(&app, id, seen, asked, body, JobStatus::Cancelled).await
}

async fn end(
    app: &App,
    id: String,
    seen: IfMatch,
    asked: Asked,
    body: Body<ReasonRequest>,
    status: JobStatus,
) -> Result<Answer, Problem> {
    let Ok(parsed) = JobId::parse(&id) else { return Err(no_job(id)) };
    let (cause, request) = asked.keyed("end job", &body.digest, &format!("{id} {}", status.name()));
    let ReasonRequest(reason) = body.value;
    let command = EndJob { id: parsed, seen, status, reason, event: app.edge.uuid() };
    let end = async move |tx: &Tx| -> Result<Answer, Problem> {
        let job = commands::end_job(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &JobView::from(&job)))
    };
    app.idempotency.write(&app.db, request, end).await
}

/// Records what was spent on a job: it becomes part of what its hires cost.
#[utoipa::path(post, path = "/v1/jobs/{id}/costs", tag = "jobs", request_body = CostBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "Recorded", body = CostView),
        (status = 200, description = "It was there already, with the same reference", body = CostView)))]
pub(super) async fn record_cost(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<CostRequest>,
) -> Result<Answer, Problem> {
    let Ok(job) = JobId::parse(&id) else { return Err(no_job(id)) };
    let (cause, request) = asked.keyed("record cost", &body.digest, &id);
    let CostRequest { kind, amount, currency, note, reference } = body.value;
    let cost = CostId::new(app.edge.uuid());
    let command = RecordCost { id: cost, job, kind, amount, currency, note, reference };
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let recorded = commands::record_cost(tx, command.clone(), &cause).await?;
        let status = if recorded.duplicate { StatusCode::OK } else { StatusCode::CREATED };
        Ok(Answer::json(status, &CostView::from(&recorded)))
    };
    app.idempotency.write(&app.db, request, record).await
}

/// Lists what was spent on a job.
#[utoipa::path(get, path = "/v1/jobs/{id}/costs", tag = "jobs",
    params(("id" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query, pattern = "^-?recorded_at$")),
    responses((status = 200, description = "A page", content((PageOf<CostView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn costs(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    let job = found(&app, &id).await?.id().clone();
    let sort = query.sort(&["recorded_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Cost>, DbError> {
        store::page_of_costs(tx, &job, keyset.clone()).await
    };
    let costs = app.db.read(read).await?;
    let place = |last: &Cost| Page::<Cost>::position(last.recorded_at.as_micros(), &last.id);
    let page = Page::cut(costs, query.limit, sort, place);
    Ok(page.map(|cost| CostView::from(&cost)).into_answer(query.format))
}

/// What is no id names no job.
pub(super) async fn found(app: &App, id: &str) -> Result<Job, Problem> {
    let Ok(parsed) = JobId::parse(id) else { return Err(no_job(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_job(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_job(id))
}
