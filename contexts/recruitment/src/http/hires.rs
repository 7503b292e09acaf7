//! `/v1/hires`: who was hired.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, values};
use hexalpes_kernel::Edge;

use super::App;
use crate::commands::{self, HireCandidate, NewHire};
use crate::domain::{ApplicationId, CandidateId, Hire, HiringId, JobId, PartnerId, RequestId};
use crate::problems::no_hire;
use crate::requests::{HireBody, HireRequest};
use crate::store::{self, HireFilter};
use crate::views::HireView;

/// Hires a candidate without an offer; who has not applied for the job does so now.
#[utoipa::path(post, path = "/v1/hires", tag = "hires", request_body = HireBody,
    responses((status = 201, description = "Hired", body = HireView),
        (status = 409, description = "The job is over, or the candidate was hired for it", content_type = "application/problem+json")))]
pub(super) async fn hire(
    State(app): State<App>,
    asked: Asked,
    body: Body<HireRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("hire", &body.digest, "");
    let HireRequest { job, candidate, terms } = body.value;
    let application = ApplicationId::new(app.edge.uuid());
    let command = HireCandidate { new: new(&*app.edge), job, candidate, terms, application };
    let hire = async move |tx: &Tx| -> Result<Answer, Problem> {
        let hired = commands::hire_candidate(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &HireView::from(&hired)))
    };
    app.idempotency.write(&app.db, request, hire).await
}

pub(super) fn new(edge: &dyn Edge) -> NewHire {
    let id = HiringId::new(edge.uuid());
    NewHire { id, hired_event: edge.uuid(), completed_event: edge.uuid() }
}

/// What a list of hires may be narrowed by.
pub(super) struct Narrowed(HireFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let job = fields.optional("job_id", |raw| values::id(raw, JobId::parse));
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let candidate = fields.optional("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let request = fields.optional("request_id", |raw| values::id(raw, RequestId::parse));
        let from = fields.optional("from", values::timestamp);
        let until = fields.optional("until", values::timestamp);
        Some(Self(HireFilter {
            job: job?,
            partner: partner?,
            candidate: candidate?,
            request: request?,
            from: from?,
            until: until?,
        }))
    }
}

/// Lists hires by when they were made.
#[utoipa::path(get, path = "/v1/hires", tag = "hires",
    params(("job_id" = Option<String>, Query), ("partner_id" = Option<String>, Query),
        ("candidate_id" = Option<String>, Query), ("request_id" = Option<String>, Query),
        ("from" = Option<String>, Query, format = DateTime), ("until" = Option<String>, Query, format = DateTime),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?hired_at$")),
    responses((status = 200, description = "A page", content((PageOf<HireView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["hired_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Hire>, DbError> {
        store::page_of_hires(tx, filter.clone(), keyset.clone()).await
    };
    let hires = app.db.read(read).await?;
    let place = |last: &Hire| Page::<Hire>::position(last.hired_at.as_micros(), &last.id);
    let page = Page::cut(hires, query.limit, sort, place);
    Ok(page.map(|hire| HireView::from(&hire)).into_answer(query.format))
}

/// One hire.
#[utoipa::path(get, path = "/v1/hires/{id}", tag = "hires", params(("id" = String, Path)),
    responses((status = 200, description = "The hire", body = HireView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = HiringId::parse(&id) else { return Err(no_hire(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_hire(tx, &parsed).await };
    let hire = app.db.read(read).await?.ok_or_else(|| no_hire(id))?;
    Ok(Answer::json(StatusCode::OK, &HireView::from(&hire)))
}
