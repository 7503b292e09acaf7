//! `/v1/inbox/{recipient}/events`: an inbox as it fills, by server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{Problem, said};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time;

use super::{App, recipient_id};
use crate::channels::Following;
use crate::commands;
use crate::store::{self, Notice};
use crate::views::NoticeView;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Read at a time.
const PAGE: u64 = 100;
/// As late as what another process made is seen.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follows an inbox. Each event is a notification; who comes back with `Last-Event-ID` misses none.
#[utoipa::path(get, path = "/v1/inbox/{recipient}/events", tag = "inbox",
    params(("recipient" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "The last that was seen; without it, what comes from now on", minimum = 0)),
    responses((status = 200, description = "Events named `notification`, each with a notification as its data", content((String = "text/event-stream")))))]
pub(super) async fn follow(
    State(app): State<App>,
    Path(recipient): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let recipient = recipient_id(&recipient)?;
    let seen = headers.get(&LAST_EVENT_ID).map(|value| {
        let seq = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
        seq.filter(|seq| *seq >= 0)
    });
    let id = recipient.clone();
    let read = async move |tx: &Tx| -> Result<i64, Problem> {
        commands::recipient(tx, &id).await?;
        match seen {
            Some(seq) => seq.ok_or_else(unreadable),
            None => Ok(store::last_seq(tx, &id).await?),
        }
    };
    let seq = app.channels.db.read(read).await?;
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        let why = said!("too many inboxes are followed", "se siguen demasiadas bandejas");
        Problem::unavailable("too_many_streams", why)
    })?;
    let news = app.channels.feed.follow(recipient);
    let following = Stream { app, news, seq, waiting: VecDeque::new(), _permit: permit };
    let events = stream::unfold(following, async |mut following| {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn unreadable() -> Problem {
    let why = said!(
        "Last-Event-ID: must be the id of an event that was seen, such as 17",
        "Last-Event-ID: debe ser el id de un evento visto, como 17"
    );
    Problem::unprocessable("invalid_header", why).with("header", LAST_EVENT_ID.as_str())
}

struct Stream {
    app: App,
    news: Following,
    seq: i64,
    waiting: VecDeque<Notice>,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    /// The next one; `None` when the service stops, or its database does.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(notice) = self.waiting.pop_front() {
                self.seq = notice.seq;
                let data = serde_json::to_string(&NoticeView::from(&notice)).ok()?;
                return Some(Event::default().id(notice.seq.to_string()).event("notification").data(data));
            }
            let (recipient, seq) = (self.news.recipient.clone(), self.seq);
            let read = async move |tx: &Tx| -> Result<Vec<Notice>, DbError> {
                store::since(tx, &recipient, seq, PAGE).await
            };
            self.waiting = self.app.channels.db.read(read).await.ok()?.into();
            if !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                () = self.app.stop.cancelled() => return None,
                () = self.news.told() => {}
                () = time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}
