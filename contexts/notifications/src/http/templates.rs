//! `/v1/templates`: the words in which events are told.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{Answer, Asked, Body, Problem};

use super::App;
use crate::commands;
use crate::domain::{Known, Language, known};
use crate::problems::no_template;
use crate::requests::{TemplateBody, TemplateRequest};
use crate::store;
use crate::views::{TemplateView, VersionView};

/// Lists the events that are told, in which words, and what a template may name.
#[utoipa::path(get, path = "/v1/templates", tag = "templates",
    responses((status = 200, description = "All that are built in", body = Vec<TemplateView>)))]
pub(super) async fn list() -> Answer {
    Answer::json(StatusCode::OK, &TemplateView::all())
}

/// The words for one type of events, and all versions of one's own.
#[utoipa::path(get, path = "/v1/templates/{event_type}", tag = "templates", params(("event_type" = String, Path)),
    responses((status = 200, description = "The words", body = TemplateView)))]
pub(super) async fn read(State(app): State<App>, Path(kind): Path<String>) -> Result<Answer, Problem> {
    let known = known(&kind).ok_or_else(|| no_template(kind))?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::versions(tx, known.bare()).await };
    let versions = app.channels.db.read(read).await?;
    Ok(Answer::json(StatusCode::OK, &TemplateView::of(known, &versions)))
}

/// Writes the next version of one's own words. A place that the event has not is refused.
#[utoipa::path(put, path = "/v1/templates/{event_type}/{language}", tag = "templates", request_body = TemplateBody,
    params(("event_type" = String, Path), ("language" = String, Path, pattern = "^(es|en)$")),
    responses((status = 200, description = "The version, which is used from now on", body = VersionView)))]
pub(super) async fn write(
    State(app): State<App>,
    Path((kind, language)): Path<(String, String)>,
    asked: Asked,
    body: Body<TemplateRequest>,
) -> Result<Answer, Problem> {
    let TemplateRequest { title, body: text } = body.value;
    written(&app, (&kind, &language), asked, &body.digest, (title, text)).await
}

/// Leads back to the built-in words, by a version that says so.
#[utoipa::path(delete, path = "/v1/templates/{event_type}/{language}", tag = "templates",
    params(("event_type" = String, Path), ("language" = String, Path, pattern = "^(es|en)$")),
    responses((status = 200, description = "The version that has no words of its own", body = VersionView)))]
pub(super) async fn take_away(
    State(app): State<App>,
    Path((kind, language)): Path<(String, String)>,
    asked: Asked,
) -> Result<Answer, Problem> {
    written(&app, (&kind, &language), asked, "", (String::new(), String::new())).await
}

async fn written(
    app: &App,
    (kind, language): (&str, &str),
    asked: Asked,
    digest: &str,
    words: (String, String),
) -> Result<Answer, Problem> {
    let found: Option<(&'static Known, Language)> = known(kind).zip(Language::parse(language));
    let (known, language) = found.ok_or_else(|| no_template(format!("{kind}/{language}")))?;
    let scope = if digest.is_empty() { "take template away" } else { "write template" };
    let (cause, request) = asked.keyed(scope, digest, &format!("{kind}/{}", language.name()));
    let write = async move |tx: &Tx| -> Result<Answer, Problem> {
        let version = commands::write_template(tx, known, language, words.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &VersionView::from(&version)))
    };
    app.idempotency.write(&app.channels.db, request, write).await
}
