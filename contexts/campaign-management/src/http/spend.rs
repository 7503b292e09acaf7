//! `/v1/campaigns/{id}/spend`: one, or up to a thousand, each with its own answer.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Batch, Body, ListQuery, Page, Problem};

use super::{App, campaign_id, found};
use crate::commands::{self, NewSpend, SpendRecorded};
use crate::domain::Entry;
use crate::requests::{SpendBatchBody, SpendBatchRequest, SpendBody, SpendRequest};
use crate::store;
use crate::views::{SpendBatchView, SpendItemView, SpendView};

/// Records what was spent, or corrects it. Alerts and pauses follow in the same transaction.
#[utoipa::path(post, path = "/v1/campaigns/{id}/spend", tag = "spend", request_body = SpendBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "Recorded", body = SpendView),
        (status = 200, description = "It was there already, told in the same words", body = SpendView),
        (status = 409, description = "The campaign is paused or does not run, or the id says something else", content_type = "application/problem+json")))]
pub(super) async fn record(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<SpendRequest>,
) -> Result<Answer, Problem> {
    let campaign = campaign_id(&id)?;
    let (cause, request) = asked.keyed("record spend", &body.digest, &id);
    let SpendRequest(spend) = body.value;
    let ids = app.edge.clone();
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let spend: Vec<NewSpend> = vec![spend.clone()];
        let outcomes = commands::record_spend(tx, &campaign, spend, &*ids, &cause).await?;
        let outcome = outcomes.into_iter().next().expect("one was asked for");
        let (status, view) = done(outcome?);
        Ok(Answer::json(status, &view))
    };
    app.idempotency.write(&app.db, request, record).await
}

/// Records up to 1,000. Each has its own answer; one that is refused does not hold up the others.
#[utoipa::path(post, path = "/v1/campaigns/{id}/spend/batch", tag = "spend", request_body = SpendBatchBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "What became of each", body = SpendBatchView)))]
pub(super) async fn record_batch(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<SpendBatchRequest>,
) -> Result<Answer, Problem> {
    let campaign = campaign_id(&id)?;
    let (cause, request) = asked.keyed("record spends", &body.digest, &id);
    let SpendBatchRequest(items) = body.value;
    let ids = app.edge.clone();
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let readable: Vec<NewSpend> =
            items.iter().filter_map(|item| item.as_ref().ok()).map(|SpendRequest(new)| new.clone()).collect();
        let outcomes = commands::record_spend(tx, &campaign, readable, &*ids, &cause).await?;
        let view = |index, status, spend, problem| SpendItemView { index, status, spend, problem };
        let Batch { created, known, refused, results } = Batch::of(&items, outcomes, done, view);
        let view = SpendBatchView { recorded: created, duplicates: known, refused, results };
        Ok(Answer::json(StatusCode::OK, &view))
    };
    app.idempotency.write(&app.db, request, record).await
}

fn done(SpendRecorded { entry, is_duplicate }: SpendRecorded) -> (StatusCode, SpendView) {
    let status = if is_duplicate { StatusCode::OK } else { StatusCode::CREATED };
    (status, SpendView::of(&entry, is_duplicate))
}

/// Lists a campaign's spend and its corrections by the time at which they were recorded.
#[utoipa::path(get, path = "/v1/campaigns/{id}/spend", tag = "spend",
    params(("id" = String, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?recorded_at$")),
    responses((status = 200, description = "A page", content((PageOf<SpendView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    let sort = query.sort(&["recorded_at"])?;
    let keyset = query.keyset(sort)?;
    let campaign = found(&app, &id).await?.id().clone();
    let read = async move |tx: &Tx| -> Result<Vec<Entry>, DbError> {
        store::page_of_spend(tx, &campaign, keyset.clone()).await
    };
    let entries = app.db.read(read).await?;
    let place = |last: &Entry| Page::<Entry>::position(last.recorded_at.as_micros(), &last.id);
    let page = Page::cut(entries, query.limit, sort, place);
    Ok(page.map(|entry| SpendView::of(&entry, false)).into_answer(query.format))
}
