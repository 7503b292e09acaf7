//! `/v1/deliveries`: what is on its way, what arrived and what did not.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::App;
use crate::commands;
use crate::domain::{Channel, DeliveryId};
use crate::problems::no_delivery;
use crate::store::{self, Delivery, DeliveryFilter, State as Stage};
use crate::views::DeliveryView;

const ID_CHARS_MAX: usize = 255;

/// What a list of deliveries may be narrowed by.
pub(super) struct Narrowed(DeliveryFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let mut text = |name| fields.optional(name, |raw| values::text(raw, ID_CHARS_MAX));
        let (recipient, webhook) = (text("recipient_id"), text("webhook_id"));
        let (event, correlation) = (text("event_id"), text("correlation_id"));
        let channel = fields.optional("channel", |raw| values::one_of(raw, &Channel::ALL));
        let state = fields.optional("state", |raw| values::one_of(raw, &Stage::ALL));
        Some(Self(DeliveryFilter {
            recipient: recipient?,
            webhook: webhook?,
            event: event?,
            correlation: correlation?,
            channel: channel?,
            state: state?,
        }))
    }
}

/// Lists deliveries by when they were made.
#[utoipa::path(get, path = "/v1/deliveries", tag = "deliveries",
    params(("recipient_id" = Option<String>, Query), ("webhook_id" = Option<String>, Query),
        ("event_id" = Option<String>, Query), ("correlation_id" = Option<String>, Query),
        ("channel" = Option<String>, Query, pattern = "^(IN_APP|EMAIL|WEBHOOK)$"),
        ("state" = Option<String>, Query, pattern = "^(PENDING|HELD|SENT|FAILED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<DeliveryView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Delivery>, DbError> {
        store::page_of_deliveries(tx, filter.clone(), keyset.clone()).await
    };
    let deliveries = app.channels.db.read(read).await?;
    let place = |last: &Delivery| Page::<Delivery>::position(last.created_at.as_micros(), &last.id);
    let page = Page::cut(deliveries, query.limit, sort, place);
    Ok(page.map(|delivery| DeliveryView::from(&delivery)).into_answer(query.format))
}

/// One delivery.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, description = "The delivery", body = DeliveryView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = DeliveryId::parse(&id) else { return Err(no_delivery(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::delivery(tx, &parsed).await };
    let delivery = app.channels.db.read(read).await?.ok_or_else(|| no_delivery(id))?;
    Ok(Answer::json(StatusCode::OK, &DeliveryView::from(&delivery)))
}

/// Sends what arrived or failed once more, under the same id.
#[utoipa::path(post, path = "/v1/deliveries/{id}/replay", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, description = "The delivery, on its way again", body = DeliveryView),
        (status = 409, description = "It is on its way anyway", content_type = "application/problem+json")))]
pub(super) async fn replay(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let Ok(parsed) = DeliveryId::parse(&id) else { return Err(no_delivery(id)) };
    let (cause, request) = asked.keyed("replay delivery", "", &id);
    let replay = async move |tx: &Tx| -> Result<Answer, Problem> {
        let delivery = commands::replay(tx, &parsed, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &DeliveryView::from(&delivery)))
    };
    let answer = app.idempotency.write(&app.channels.db, request, replay).await;
    app.channels.feed.wake_senders();
    answer
}
