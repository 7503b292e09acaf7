//! `/v1/offers`, and those of one application.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, Caused, ListQuery, Page, Problem, said};

use super::{App, applications, hires};
use crate::commands::{self, AcceptOffer, DeclineOffer, MakeOffer};
use crate::domain::{Offer, OfferId};
use crate::problems::{invalid, no_offer};
use crate::requests::{OfferBody, OfferRequest, ReasonBody, ReasonRequest};
use crate::store;
use crate::views::{HireView, OfferView};

/// Offers a candidate the job.
#[utoipa::path(post, path = "/v1/applications/{id}/offers", tag = "offers", request_body = OfferBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "Offered", body = OfferView),
        (status = 409, description = "Another is open, or the stage leads to none", content_type = "application/problem+json")))]
pub(super) async fn make(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<OfferRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("make offer", &body.digest, &id);
    let OfferRequest { terms, expires_at } = body.value;
    if expires_at <= cause.at {
        let now = cause.at;
        let why = said!("must be in the future: it is {now}", "debe estar en el futuro: son las {now}");
        return Err(invalid("/expires_at", "in_the_past", why));
    }
    let (application, id) = (applications::parsed(&id)?, OfferId::new(app.edge.uuid()));
    let command = MakeOffer { id, application, terms, expires_at };
    let make = async move |tx: &Tx| -> Result<Answer, Problem> {
        let offer = commands::make_offer(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &OfferView::of(&offer, cause.at)))
    };
    app.idempotency.write(&app.db, request, make).await
}

/// Lists the offers of an application.
#[utoipa::path(get, path = "/v1/applications/{id}/offers", tag = "offers",
    params(("id" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<OfferView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    Caused(cause): Caused,
    query: ListQuery,
) -> Result<Response, Problem> {
    let application = applications::found(&app, &id).await?.id().clone();
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Offer>, DbError> {
        store::offers_of(tx, &application, Some(keyset.clone())).await
    };
    let offers = app.db.read(read).await?;
    let place = |last: &Offer| Page::<Offer>::position(last.created_at.as_micros(), &last.id);
    let page = Page::cut(offers, query.limit, sort, place);
    Ok(page.map(|offer| OfferView::of(&offer, cause.at)).into_answer(query.format))
}

/// The candidate says yes, and is hired.
#[utoipa::path(post, path = "/v1/offers/{id}/accept", tag = "offers", params(("id" = String, Path)),
    responses((status = 201, description = "The hire", body = HireView),
        (status = 409, description = "The offer is over, or the job is", content_type = "application/problem+json")))]
pub(super) async fn accept(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let Ok(offer) = OfferId::parse(&id) else { return Err(no_offer(id)) };
    let (cause, request) = asked.keyed("accept offer", "", &id);
    let command = AcceptOffer { new: hires::new(&*app.edge), offer };
    let accept = async move |tx: &Tx| -> Result<Answer, Problem> {
        let hired = commands::accept_offer(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &HireView::from(&hired)))
    };
    app.idempotency.write(&app.db, request, accept).await
}

/// The candidate says no.
#[utoipa::path(post, path = "/v1/offers/{id}/decline", tag = "offers", request_body = ReasonBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The offer, declined", body = OfferView)))]
pub(super) async fn decline(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    let Ok(parsed) = OfferId::parse(&id) else { return Err(no_offer(id)) };
    let (cause, request) = asked.keyed("decline offer", &body.digest, &id);
    let ReasonRequest(reason) = body.value;
    let command = DeclineOffer { id: parsed, reason };
    let decline = async move |tx: &Tx| -> Result<Answer, Problem> {
        let offer = commands::decline_offer(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &OfferView::of(&offer, cause.at)))
    };
    app.idempotency.write(&app.db, request, decline).await
}
