//! `GET /debug/outbox`, `GET /debug/relay`, `GET /debug/consumers`, `GET /debug/notifications` and `GET /debug/channels`: what is on its way
//! out, and how those do that carry it, act on it and write it down.

mod consumers;
mod dead_letters;
mod relay;

use axum::{Json, Router, extract::State, response::Response, routing::get};
use hexalpes_db::Db;
use hexalpes_http::{ListQuery, Page, Problem, Record};
use hexalpes_outbox::{OutboxRow, PageOrder, Status};
use serde::Serialize;

pub(crate) use consumers::consumers;
pub(crate) use dead_letters::dead_letters;
pub(crate) use relay::relay;

/// Whose they are stands in each answer: two services may share a port.
pub(crate) fn outbox_and_relay(
    service: &'static str,
    db: Db,
    relay: impl Fn() -> Status + Clone + Send + Sync + 'static,
) -> Router {
    let relay = move || std::future::ready(Json(Of { service, of: relay() }));
    let outbox = move |State(db): State<Db>, query: ListQuery| outbox(service, db, query);
    Router::new().route("/debug/outbox", get(outbox)).route("/debug/relay", get(relay)).with_state(db)
}

pub(crate) fn notifications(
    status: impl Fn() -> hexalpes_notifications::Status + Clone + Send + Sync + 'static,
    channels: impl Fn() -> hexalpes_notifications::ChannelsStatus + Clone + Send + Sync + 'static,
) -> Router {
    Router::new()
        .route("/debug/notifications", get(move || std::future::ready(Json(status()))))
        .route("/debug/channels", get(move || std::future::ready(Json(channels()))))
}

/// The outbox's columns, newest first; with `sort=created_at` or `sort=seq`, which is the same order, oldest first.
async fn outbox(service: &'static str, db: Db, query: ListQuery) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at", "seq"])?;
    let order = if sort.is_descending { PageOrder::NewestFirst } else { PageOrder::OldestFirst };
    let after = query.after::<1>(sort)?.and_then(|[seq]| seq.parse().ok());
    let rows = hexalpes_outbox::page(&db, order, after, u64::from(query.limit) + 1).await?;
    let items = rows.into_iter().map(|row| Of { service, of: row }).collect();
    let page = Page::cut(items, query.limit, sort, |item: &Of<OutboxRow>| [item.of.seq.to_string()]);
    Ok(page.into_answer(query.format))
}

/// Something, and of which service it is.
#[derive(Serialize)]
struct Of<T> {
    service: &'static str,
    #[serde(flatten)]
    of: T,
}

impl Record for Of<OutboxRow> {
    const COLUMNS: &'static [&'static str] = &[
        "seq",
        "id",
        "aggregatetype",
        "aggregateid",
        "type",
        "payload",
        "headers",
        "occurred_at",
        "published",
        "published_at",
        "service",
    ];

    fn cells(&self) -> Vec<String> {
        let row = &self.of;
        vec![
            row.seq.to_string(),
            row.id.to_string(),
            row.aggregatetype.to_string(),
            row.aggregateid.to_string(),
            row.kind.to_string(),
            row.payload.get().to_owned(),
            serde_json::to_string(&row.headers).expect("headers are plain texts"),
            row.occurred_at.to_string(),
            row.published.to_string(),
            row.published_at.map(|at| at.to_string()).unwrap_or_default(),
            self.service.to_owned(),
        ]
    }
}
