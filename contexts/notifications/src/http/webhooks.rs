//! `/v1/webhooks`: where programs are called, and what happened there.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, Reason, ReasonBody, values,
};
use hexalpes_webhooks::Secret;

use super::{App, recipient_id};
use crate::commands;
use crate::domain::{RecipientId, Standing, Webhook, WebhookId};
use crate::problems::no_webhook;
use crate::requests::{PeriodBody, PeriodRequest, WebhookBody, WebhookRequest};
use crate::store::{self, WebhookFilter};
use crate::views::{CountView, WebhookView};

/// Adds a webhook to a recipient. Its secret is told here and never again.
#[utoipa::path(post, path = "/v1/recipients/{id}/webhooks", tag = "webhooks", request_body = WebhookBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "The webhook, with its secret", body = WebhookView),
        (status = 409, description = "The recipient has too many", content_type = "application/problem+json")))]
pub(super) async fn add(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<WebhookRequest>,
) -> Result<Answer, Problem> {
    let recipient = recipient_id(&id)?;
    let (cause, request) = asked.keyed("add webhook", &body.digest, &id);
    let WebhookRequest { url, secret, kinds } = body.value;
    let (id, secret) = (WebhookId::new(app.channels.edge.uuid()), secret.unwrap_or_else(Secret::make));
    let webhook = Webhook {
        secret_sealed: app.channels.vault.seal(id.as_str(), &secret),
        id,
        recipient,
        url,
        kinds,
        standing: Standing::Active,
        failures: 0,
        revision: 1,
        created_at: cause.at,
        updated_at: cause.at,
    };
    let add = async move |tx: &Tx| -> Result<Answer, Problem> {
        commands::add_webhook(tx, &webhook).await?;
        let mut view = WebhookView::from(&webhook);
        view.secret = Some(secret.clone());
        Ok(Answer::json(StatusCode::CREATED, &view))
    };
    app.idempotency.write(&app.channels.db, request, add).await
}

/// What a list of webhooks may be narrowed by.
pub(super) struct Narrowed(WebhookFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let recipient = fields.optional("recipient_id", |raw| values::id(raw, RecipientId::parse));
        let states = [("ACTIVE", "ACTIVE"), ("DISABLED", "DISABLED")];
        let status = fields.optional("status", |raw| values::one_of(raw, &states));
        Some(Self(WebhookFilter { recipient: recipient?, status: status? }))
    }
}

/// Lists webhooks by when they were made.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks",
    params(("recipient_id" = Option<String>, Query),
        ("status" = Option<String>, Query, pattern = "^(ACTIVE|DISABLED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<WebhookView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Webhook>, DbError> {
        store::page_of_webhooks(tx, filter.clone(), keyset.clone()).await
    };
    let webhooks = app.channels.db.read(read).await?;
    let place = |last: &Webhook| Page::<Webhook>::position(last.created_at.as_micros(), &last.id);
    let page = Page::cut(webhooks, query.limit, sort, place);
    Ok(page.map(|webhook| WebhookView::from(&webhook)).into_answer(query.format))
}

/// One webhook.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, description = "The webhook", body = WebhookView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let parsed = parse(&id)?;
    let read = async move |tx: &Tx| -> Result<_, Problem> { Ok(commands::webhook(tx, &parsed).await?) };
    Ok(Answer::json(StatusCode::OK, &WebhookView::from(&app.channels.db.read(read).await?)))
}

/// Takes a webhook away; what was to go there has failed.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, description = "How many are left of it: none", body = CountView)))]
pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let parsed = parse(&id)?;
    let (_, request) = asked.keyed("delete webhook", "", &id);
    let delete = async move |tx: &Tx| -> Result<Answer, Problem> {
        commands::delete_webhook(tx, &parsed).await?;
        Ok(Answer::json(StatusCode::OK, &CountView { count: 0 }))
    };
    app.idempotency.write(&app.channels.db, request, delete).await
}

/// Lets a webhook be called again; what was held for it goes out.
#[utoipa::path(post, path = "/v1/webhooks/{id}/enable", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, description = "The webhook, active", body = WebhookView)))]
pub(super) async fn enable(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let parsed = parse(&id)?;
    let (cause, request) = asked.keyed("enable webhook", "", &id);
    let enable = async move |tx: &Tx| -> Result<Answer, Problem> {
        let webhook = commands::enable_webhook(tx, &parsed, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &WebhookView::from(&webhook)))
    };
    let answer = app.idempotency.write(&app.channels.db, request, enable).await;
    app.channels.feed.wake_senders();
    answer
}

/// Calls a webhook no more; what comes meanwhile is held for it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/disable", tag = "webhooks", request_body = ReasonBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The webhook, disabled", body = WebhookView)))]
pub(super) async fn disable(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let parsed = parse(&id)?;
    let (cause, request) = asked.keyed("disable webhook", &body.digest, &id);
    let Reason(reason) = body.value;
    let disable = async move |tx: &Tx| -> Result<Answer, Problem> {
        let webhook = commands::disable_webhook(tx, &parsed, reason.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &WebhookView::from(&webhook)))
    };
    app.idempotency.write(&app.channels.db, request, disable).await
}

/// Sends what was made in a period once more, each under its own `webhook-id`.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", tag = "webhooks", request_body = PeriodBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "How many are sent once more", body = CountView)))]
pub(super) async fn replay(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<PeriodRequest>,
) -> Result<Answer, Problem> {
    let parsed = parse(&id)?;
    let (cause, request) = asked.keyed("replay webhook", &body.digest, &id);
    let PeriodRequest { from, to } = body.value;
    let replay = async move |tx: &Tx| -> Result<Answer, Problem> {
        let count = commands::replay_period(tx, &parsed, (from, to), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &CountView { count }))
    };
    let answer = app.idempotency.write(&app.channels.db, request, replay).await;
    app.channels.feed.wake_senders();
    answer
}

fn parse(id: &str) -> Result<WebhookId, Problem> {
    WebhookId::parse(id).map_err(|_| no_webhook(id))
}
