//! `/v1/partners/{id}/recruitment-requests`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::Tx;
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, Reason, ReasonBody,
    values,
};

use super::{App, partner_id, status_of};
use crate::commands::{self, CancelRequest, RequestRecruitment};
use crate::domain::{Asked as For, PartnerId, RecruitmentRequest, RequestId, RequestStatus};
use crate::problems::no_request;
use crate::requests::RecruitmentBody;
use crate::store;
use crate::views::RequestView;

/// Asks the recruiters for people. Only a partner whose contract is active may.
#[utoipa::path(post, path = "/v1/partners/{id}/recruitment-requests", tag = "recruitment",
    request_body = RecruitmentBody, params(("id" = String, Path)),
    responses((status = 201, description = "Asked", body = RequestView),
        (status = 409, description = "The partner has no active contract", content_type = "application/problem+json")))]
pub(super) async fn request(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<For>,
) -> Result<Answer, Problem> {
    let partner = partner_id(&id)?;
    let (cause, request) = asked.keyed("request recruitment", &body.digest, &id);
    let command = RequestRecruitment { id: RequestId::new(app.edge.uuid()), partner, asked: body.value };
    let ids = Arc::clone(&app.edge);
    let ask = async move |tx: &Tx| -> Result<Answer, Problem> {
        let request = commands::request_recruitment(tx, &*ids, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &RequestView::from(&request)))
    };
    app.idempotency.write(&app.db, request, ask).await
}

/// What a list of requests may be narrowed by.
pub(super) struct Narrowed(Option<RequestStatus>);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("status", |raw| values::one_of(raw, RequestStatus::WORDS)).map(Self)
    }
}

/// Lists a partner's requests by when they were made.
#[utoipa::path(get, path = "/v1/partners/{id}/recruitment-requests", tag = "recruitment",
    params(("id" = String, Path),
        ("status" = Option<String>, Query, pattern = "^(OPEN|MATCHED|FILLED|CANCELLED|EXPIRED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?requested_at$")),
    responses((status = 200, description = "A page", content((PageOf<RequestView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Narrowed(status)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let partner = partner_id(&id)?;
    let sort = query.sort(&["requested_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<RecruitmentRequest>, Problem> {
        status_of(tx, &partner).await?;
        Ok(store::page_of_requests(tx, &partner, status, keyset.clone()).await?)
    };
    let requests = app.db.read(read).await?;
    let place = |last: &RecruitmentRequest| {
        Page::<RecruitmentRequest>::position(last.requested_at.as_micros(), &last.id)
    };
    let page = Page::cut(requests, query.limit, sort, place);
    Ok(page.map(|request| RequestView::from(&request)).into_answer(query.format))
}

/// One request, and what became of it.
#[utoipa::path(get, path = "/v1/partners/{id}/recruitment-requests/{request_id}", tag = "recruitment",
    params(("id" = String, Path), ("request_id" = String, Path)),
    responses((status = 200, description = "The request, with its revision as ETag", body = RequestView)))]
pub(super) async fn read(
    State(app): State<App>,
    Path((id, request)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let (partner, id) = of(&id, &request)?;
    let read = async move |tx: &Tx| -> Result<_, Problem> {
        status_of(tx, &partner).await?;
        let request = store::load_request(tx, &id).await?.filter(|request| request.partner == partner);
        request.ok_or_else(|| no_request(&id))
    };
    Ok(Answer::json(StatusCode::OK, &RequestView::from(&app.db.read(read).await?)))
}

/// Calls a request off that is not filled yet.
#[utoipa::path(post, path = "/v1/partners/{id}/recruitment-requests/{request_id}/cancel", tag = "recruitment",
    request_body = ReasonBody,
    params(("id" = String, Path), ("request_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The request, called off", body = RequestView),
        (status = 409, description = "It is filled, or has expired", content_type = "application/problem+json")))]
pub(super) async fn cancel(
    State(app): State<App>,
    Path((id, request)): Path<(String, String)>,
    asked: Asked,
    seen: IfMatch,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let (partner, request) = of(&id, &request)?;
    let (cause, keyed) = asked.keyed("cancel recruitment", &body.digest, request.as_str());
    let Reason(reason) = body.value;
    let command = CancelRequest { partner, id: request, seen, reason };
    let ids = Arc::clone(&app.edge);
    let cancel = async move |tx: &Tx| -> Result<Answer, Problem> {
        status_of(tx, &command.partner).await?;
        let request = commands::cancel_request(tx, &*ids, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &RequestView::from(&request)))
    };
    app.idempotency.write(&app.db, keyed, cancel).await
}

fn of(partner: &str, request: &str) -> Result<(PartnerId, RequestId), Problem> {
    Ok((partner_id(partner)?, RequestId::parse(request).map_err(|_| no_request(request))?))
}
