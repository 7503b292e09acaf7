//! `/v1/inbox`: what a recipient was told in the app.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::Tx;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, Format, FromFields, ListQuery, Page, Problem, values,
};

use super::{App, recipient_id};
use crate::commands;
use crate::domain::NotificationId;
use crate::problems::no_notification;
use crate::requests::{self, ReadUntil, ReadUntilBody};
use crate::store::{self, InboxFilter, Notice};
use crate::views::{CountView, InboxView, NoticeView};

/// What an inbox may be narrowed by.
pub(super) struct Narrowed(InboxFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let is_unread =
            fields.optional("unread", |raw| values::one_of(raw, &[("true", true), ("false", false)]));
        let kind = fields.optional("event_type", |raw| requests::kind(raw, false));
        Some(Self(InboxFilter { is_unread: is_unread?, kind: kind? }))
    }
}

/// Lists what a recipient was told, and how much of it was not read.
#[utoipa::path(get, path = "/v1/inbox/{recipient}", tag = "inbox",
    params(("recipient" = String, Path), ("unread" = Option<String>, Query, pattern = "^(true|false)$"),
        ("event_type" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((InboxView = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    Path(recipient): Path<String>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let id = recipient_id(&recipient)?;
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset_by_numbers(sort)?;
    let format = query.format;
    let read = async move |tx: &Tx| -> Result<(Vec<Notice>, u64), Problem> {
        commands::recipient(tx, &id).await?;
        let page = store::page_of_inbox(tx, &id, filter.clone(), keyset.clone()).await?;
        // CSV does not say it.
        let unread = if format == Format::Json { store::unread(tx, &id).await? } else { 0 };
        Ok((page, unread))
    };
    let (notices, unread) = app.channels.db.read(read).await?;
    let place = |last: &Notice| Page::<Notice>::position(last.told.created_at.as_micros(), &last.seq);
    let page = Page::cut(notices, query.limit, sort, place).map(|notice| NoticeView::from(&notice));
    Ok(match query.format {
        Format::Csv => page.into_answer(Format::Csv),
        Format::Json => {
            let Page { items, next_cursor } = page;
            Answer::json(StatusCode::OK, &InboxView { items, next_cursor, unread }).into_response()
        }
    })
}

/// Marks all that came, or all that came until a time, as read.
#[utoipa::path(post, path = "/v1/inbox/{recipient}/read", tag = "inbox", request_body = ReadUntilBody,
    params(("recipient" = String, Path)),
    responses((status = 200, description = "How many were not read before", body = CountView)))]
pub(super) async fn read_all(
    State(app): State<App>,
    Path(recipient): Path<String>,
    asked: Asked,
    body: Body<ReadUntil>,
) -> Result<Answer, Problem> {
    let id = recipient_id(&recipient)?;
    let (cause, request) = asked.keyed("read inbox", &body.digest, &recipient);
    let ReadUntil(until) = body.value;
    let mark = async move |tx: &Tx| -> Result<Answer, Problem> {
        commands::recipient(tx, &id).await?;
        let count = store::mark_all_read(tx, &id, until, cause.at).await?;
        Ok(Answer::json(StatusCode::OK, &CountView { count }))
    };
    app.idempotency.write(&app.channels.db, request, mark).await
}

/// Marks one as read; reading it again changes nothing.
#[utoipa::path(post, path = "/v1/inbox/{recipient}/{notification}/read", tag = "inbox",
    params(("recipient" = String, Path), ("notification" = String, Path)),
    responses((status = 200, description = "The notification", body = NoticeView)))]
pub(super) async fn read(
    State(app): State<App>,
    Path((recipient, notification)): Path<(String, String)>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let (id, parsed) = (recipient_id(&recipient)?, NotificationId::parse(&notification).ok());
    let (cause, request) = asked.keyed("read notification", "", &notification);
    let mark = async move |tx: &Tx| -> Result<Answer, Problem> {
        commands::recipient(tx, &id).await?;
        let parsed = parsed.clone().ok_or_else(|| no_notification(&notification))?;
        let is_there = |notice: &Notice| notice.told.recipient == id && notice.told.in_app;
        store::notice(tx, &parsed).await?.filter(is_there).ok_or_else(|| no_notification(&parsed))?;
        store::mark_read(tx, &parsed, cause.at).await?;
        let notice = store::notice(tx, &parsed).await?.ok_or_else(|| no_notification(&parsed))?;
        Ok(Answer::json(StatusCode::OK, &NoticeView::from(&notice)))
    };
    app.idempotency.write(&app.channels.db, request, mark).await
}
