//! `/v1/recipients`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, values,
};

use super::{App, recipient_id};
use crate::commands::{self, NotDone};
use crate::domain::{Changes, Kind, Recipient, RecipientId};
use crate::requests::{
    ChangeRecipientBody, CreateRecipient, CreateRecipientBody, Preferences, PreferencesBody,
};
use crate::store::{self, Preference, RecipientFilter};
use crate::views::{PreferencesView, RecipientView};

/// Adds somebody who works here. Partners and affiliates are known by what events tell.
#[utoipa::path(post, path = "/v1/recipients", tag = "recipients", request_body = CreateRecipientBody,
    responses((status = 201, description = "The recipient", body = RecipientView),
        (status = 409, description = "There is one with the id", content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<App>,
    asked: Asked,
    body: Body<CreateRecipient>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("create recipient", &body.digest, "");
    let CreateRecipient { id, changes } = body.value;
    let id = id.unwrap_or_else(|| RecipientId::new(app.channels.edge.uuid()));
    let mut recipient = Recipient::named(id, Kind::Operator, cause.at);
    recipient.change(changes, cause.at);
    let recipient = Recipient { is_known: true, revision: 1, ..recipient };
    let create = async move |tx: &Tx| -> Result<Answer, Problem> {
        commands::create_recipient(tx, &recipient).await?;
        Ok(Answer::json(StatusCode::CREATED, &RecipientView::from(&recipient)))
    };
    app.idempotency.write(&app.channels.db, request, create).await
}

/// What a list of recipients may be narrowed by.
pub(super) struct Narrowed(RecipientFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let kind = fields.optional("kind", |raw| values::one_of(raw, Kind::ALL));
        let is_known =
            fields.optional("is_known", |raw| values::one_of(raw, &[("true", true), ("false", false)]));
        Some(Self(RecipientFilter { kind: kind?, is_known: is_known? }))
    }
}

/// Lists recipients by when they became known.
#[utoipa::path(get, path = "/v1/recipients", tag = "recipients",
    params(("kind" = Option<String>, Query, pattern = "^(PARTNER|AFFILIATE|OPERATOR)$"),
        ("is_known" = Option<String>, Query, pattern = "^(true|false)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<RecipientView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Recipient>, DbError> {
        store::page_of_recipients(tx, filter.clone(), keyset.clone()).await
    };
    let recipients = app.channels.db.read(read).await?;
    let place = |last: &Recipient| Page::<Recipient>::position(last.created_at.as_micros(), &last.id);
    let page = Page::cut(recipients, query.limit, sort, place);
    Ok(page.map(|recipient| RecipientView::from(&recipient)).into_answer(query.format))
}

/// One recipient.
#[utoipa::path(get, path = "/v1/recipients/{id}", tag = "recipients", params(("id" = String, Path)),
    responses((status = 200, description = "The recipient", body = RecipientView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = recipient_id(&id)?;
    let read = async move |tx: &Tx| -> Result<_, Problem> { Ok(commands::recipient(tx, &id).await?) };
    Ok(Answer::json(StatusCode::OK, &RecipientView::from(&app.channels.db.read(read).await?)))
}

/// Changes what is given. What waited for an address is mailed as soon as there is one.
#[utoipa::path(patch, path = "/v1/recipients/{id}", tag = "recipients", request_body = ChangeRecipientBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The recipient after the change", body = RecipientView),
        (status = 412, description = "Somebody changed it meanwhile", content_type = "application/problem+json")))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<Changes>,
) -> Result<Answer, Problem> {
    let parsed = recipient_id(&id)?;
    let (cause, request) = asked.keyed("change recipient", &body.digest, &id);
    let (edge, changes) = (app.channels.edge.clone(), body.value);
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let changed = commands::change_recipient(tx, &*edge, &parsed, changes.clone(), &seen, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &RecipientView::from(&changed)))
    };
    app.idempotency.write(&app.channels.db, request, change).await
}

/// What the recipient said that it wants to be told.
#[utoipa::path(get, path = "/v1/recipients/{id}/preferences", tag = "recipients", params(("id" = String, Path)),
    responses((status = 200, description = "What was said", body = PreferencesView)))]
pub(super) async fn preferences(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = recipient_id(&id)?;
    let read = async move |tx: &Tx| -> Result<_, Problem> {
        commands::recipient(tx, &id).await?;
        Ok(store::preferences_of(tx, &id).await?)
    };
    Ok(Answer::json(StatusCode::OK, &view(&app.channels.db.read(read).await?)))
}

/// Replaces what the recipient said.
#[utoipa::path(put, path = "/v1/recipients/{id}/preferences", tag = "recipients", request_body = PreferencesBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "What is said now", body = PreferencesView)))]
pub(super) async fn set_preferences(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<Preferences>,
) -> Result<Answer, Problem> {
    let parsed = recipient_id(&id)?;
    let (_, request) = asked.keyed("set preferences", &body.digest, &id);
    let Preferences(preferences) = body.value;
    let set = async move |tx: &Tx| -> Result<Answer, Problem> {
        let set: Result<_, NotDone> = commands::set_preferences(tx, &parsed, &preferences).await;
        Ok(Answer::json(StatusCode::OK, &view(&set?)))
    };
    app.idempotency.write(&app.channels.db, request, set).await
}

fn view(preferences: &[Preference]) -> PreferencesView {
    PreferencesView { preferences: preferences.iter().map(Into::into).collect() }
}
