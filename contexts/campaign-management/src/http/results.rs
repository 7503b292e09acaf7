//! `/v1/campaigns/{id}/results`: what a campaign led to, day by day.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{
    Answer, Asked, Batch, Body, Fields, Filters, Format, FromFields, ListQuery, Page, Problem,
};

use super::{App, campaign_id, found};
use crate::commands::{self, NewResult, ResultRecorded};
use crate::domain::Day;
use crate::domain::report::Period;
use crate::requests::{self, ResultBatchBody, ResultBatchRequest, ResultRequest};
use crate::store;
use crate::views::{DayView, ResultBatchView, ResultItemView};

/// So many days are told where nothing else is asked for.
const DAYS_DEFAULT: i64 = 90;
const DAYS_MAX: i64 = 366;

/// Records up to 1,000 results. Each has its own answer; one that is refused does not hold up the others.
#[utoipa::path(post, path = "/v1/campaigns/{id}/results", tag = "results", request_body = ResultBatchBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "What became of each", body = ResultBatchView)))]
pub(super) async fn record(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ResultBatchRequest>,
) -> Result<Answer, Problem> {
    let campaign = campaign_id(&id)?;
    let (cause, request) = asked.keyed("record results", &body.digest, &id);
    let ResultBatchRequest(items) = body.value;
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let readable: Vec<NewResult> = items
            .iter()
            .filter_map(|item| item.as_ref().ok())
            .map(|ResultRequest(new)| new.clone())
            .collect();
        let outcomes = commands::record_results(tx, &campaign, readable, &cause).await?;
        let view = |index, status, result_id, problem| ResultItemView { index, status, result_id, problem };
        let Batch { created, known, refused, results } = Batch::of(&items, outcomes, done, view);
        let view = ResultBatchView { recorded: created, duplicates: known, refused, results };
        Ok(Answer::json(StatusCode::OK, &view))
    };
    app.idempotency.write(&app.db, request, record).await
}

fn done(ResultRecorded { id, is_duplicate }: ResultRecorded) -> (StatusCode, String) {
    (if is_duplicate { StatusCode::OK } else { StatusCode::CREATED }, id.to_string())
}

/// Which days.
pub(super) struct Days {
    from: Option<Day>,
    until: Option<Day>,
}

impl FromFields for Days {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let from = fields.optional("from", requests::day);
        let until = fields.optional("until", requests::day);
        Some(Self { from: from?, until: until? })
    }
}

/// What a campaign spent and led to, day by day: the last 90 days, or others, 366 at most.
#[utoipa::path(get, path = "/v1/campaigns/{id}/results", tag = "results",
    params(("id" = String, Path),
        ("from" = Option<String>, Query, description = "The first day in UTC", format = Date),
        ("until" = Option<String>, Query, description = "The last day in UTC", format = Date)),
    responses((status = 200, description = "The days on which anything happened", content((Vec<DayView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Days { from, until }): Filters<Days>,
) -> Result<Response, Problem> {
    let campaign = found(&app, &id).await?;
    let currency = campaign.parts().currency;
    let end = until.unwrap_or(Day::of(app.edge.now())).plus(1);
    let start = from.unwrap_or(end.plus(-DAYS_DEFAULT)).max(end.plus(-DAYS_MAX));
    let period = Period { start, end };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::days_of(tx, campaign.id(), period).await };
    let days = app.db.read(read).await?;
    let days: Vec<DayView> =
        days.into_iter().map(|(day, totals)| DayView::of(day, totals, currency)).collect();
    match query.format {
        Format::Json => Ok(axum::Json(days).into_response()),
        csv @ Format::Csv => Ok(Page { items: days, next_cursor: None }.into_answer(csv)),
    }
}
