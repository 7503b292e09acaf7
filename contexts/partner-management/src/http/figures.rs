//! How a partner does: `/v1/partners/{id}/metrics`, and what it is counted of.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::Tx;
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::{App, partner_id, status_of};
use crate::commands::{self, AcknowledgeAlert};
use crate::domain::{AlertId, Hire, Match, RequestId};
use crate::problems::no_alert;
use crate::store::{self, KnownAlert};
use crate::views::{AlertView, HireView, MatchView, MetricsView};

/// All of a partner's figures, as they are now.
#[utoipa::path(get, path = "/v1/partners/{id}/metrics", tag = "figures", params(("id" = String, Path)),
    responses((status = 200, description = "The figures", body = MetricsView)))]
pub(super) async fn metrics(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let partner = partner_id(&id)?;
    let read = async move |tx: &Tx| -> Result<MetricsView, Problem> {
        let status = status_of(tx, &partner).await?;
        Ok(MetricsView::of(&partner, status, &store::metrics_of(tx, &partner).await?))
    };
    Ok(Answer::json(StatusCode::OK, &app.db.read(read).await?))
}

/// What a list of matches may be narrowed by.
pub(super) struct OfRequest(Option<RequestId>);

impl FromFields for OfRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("request_id", |raw| values::id(raw, RequestId::parse)).map(Self)
    }
}

/// Lists candidates that fit what a partner looks for, by when they were found.
#[utoipa::path(get, path = "/v1/partners/{id}/matches", tag = "figures",
    params(("id" = String, Path), ("request_id" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?matched_at$")),
    responses((status = 200, description = "A page", content((PageOf<MatchView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn matches(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(OfRequest(request)): Filters<OfRequest>,
) -> Result<Response, Problem> {
    let partner = partner_id(&id)?;
    let sort = query.sort(&["matched_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Match>, Problem> {
        status_of(tx, &partner).await?;
        Ok(store::page_of_matches(tx, &partner, request.clone(), keyset.clone()).await?)
    };
    let matches = app.db.read(read).await?;
    let place = |last: &Match| Page::<Match>::position(last.at.as_micros(), &last.id);
    let page = Page::cut(matches, query.limit, sort, place);
    Ok(page.map(|found| MatchView::from(&found)).into_answer(query.format))
}

/// A list that cannot be narrowed.
pub(super) struct Whole;

impl FromFields for Whole {
    fn from_fields(_fields: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

/// Lists who was hired for a partner, by when.
#[utoipa::path(get, path = "/v1/partners/{id}/hires", tag = "figures",
    params(("id" = String, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?hired_at$")),
    responses((status = 200, description = "A page", content((PageOf<HireView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn hires(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Whole): Filters<Whole>,
) -> Result<Response, Problem> {
    let partner = partner_id(&id)?;
    let sort = query.sort(&["hired_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Hire>, Problem> {
        status_of(tx, &partner).await?;
        Ok(store::page_of_hires(tx, &partner, keyset.clone()).await?)
    };
    let hires = app.db.read(read).await?;
    let place = |last: &Hire| Page::<Hire>::position(last.at.as_micros(), &last.id);
    let page = Page::cut(hires, query.limit, sort, place);
    Ok(page.map(|hire| HireView::from(&hire)).into_answer(query.format))
}

/// What a list of alerts may be narrowed by.
pub(super) struct Open(Option<bool>);

impl FromFields for Open {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let words = [("true", true), ("false", false)];
        fields.optional("open", |raw| values::one_of(raw, &words)).map(Self)
    }
}

/// Lists a partner's budget alerts, by when they came.
#[utoipa::path(get, path = "/v1/partners/{id}/budget-alerts", tag = "figures",
    params(("id" = String, Path), ("open" = Option<bool>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?alerted_at$")),
    responses((status = 200, description = "A page", content((PageOf<AlertView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn alerts(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Open(open)): Filters<Open>,
) -> Result<Response, Problem> {
    let partner = partner_id(&id)?;
    let sort = query.sort(&["alerted_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<KnownAlert>, Problem> {
        status_of(tx, &partner).await?;
        Ok(store::page_of_alerts(tx, &partner, open, keyset.clone()).await?)
    };
    let alerts = app.db.read(read).await?;
    let place = |last: &KnownAlert| Page::<KnownAlert>::position(last.alert.at.as_micros(), &last.alert.id);
    let page = Page::cut(alerts, query.limit, sort, place);
    Ok(page.map(|alert| AlertView::from(&alert)).into_answer(query.format))
}

/// Says that somebody saw an alert, which is no longer open then.
#[utoipa::path(post, path = "/v1/partners/{id}/budget-alerts/{alert_id}/acknowledge", tag = "figures",
    params(("id" = String, Path), ("alert_id" = String, Path)),
    responses((status = 200, description = "The alert, acknowledged", body = AlertView)))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    Path((id, alert)): Path<(String, String)>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let partner = partner_id(&id)?;
    let (cause, request) = asked.keyed("acknowledge budget alert", "", &alert);
    let alert = AlertId::parse(&alert).map_err(|_| no_alert(&alert))?;
    let (ids, command) = (Arc::clone(&app.edge), AcknowledgeAlert { partner, alert });
    let acknowledge = async move |tx: &Tx| -> Result<Answer, Problem> {
        status_of(tx, &command.partner).await?;
        let known = commands::acknowledge_alert(tx, &*ids, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &AlertView::from(&known)))
    };
    app.idempotency.write(&app.db, request, acknowledge).await
}
