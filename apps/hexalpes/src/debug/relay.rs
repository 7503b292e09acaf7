//! What an operator does with the relay of a service: `POST /debug/relay/{pause,resume,restart,resnapshot,skip}`, and
//! `POST /debug/relay/parked/{retry,skip}` with the events that could not be published. `GET /debug/relay/parked` shows
//! these, `GET /debug/relay/deeds` what was done, by whom and why.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use hexalpes_db::{Backend, Db};
use hexalpes_http::{Body, Caused, Fields, FromFields, Problem, Raw, said};
use hexalpes_kernel::Edge;
use hexalpes_outbox::{
    Relay,
    operate::{self, Reason, SkipError},
    parked::{self, ParkedError},
};
use serde_json::{Value, json};
use tracing::warn;

/// Rows that are shown.
const SHOWN_MAX: u64 = 200;

#[derive(Clone)]
struct Desk {
    db: Db,
    edge: Arc<dyn Edge>,
    /// None where another process publishes, or nobody.
    relay: Option<Arc<Relay>>,
}

pub(crate) fn relay(db: Db, edge: Arc<dyn Edge>, relay: Option<Arc<Relay>>) -> Router {
    Router::new()
        .route("/debug/relay/parked", get(all_parked))
        .route("/debug/relay/parked/{verb}", post(of_parked))
        .route("/debug/relay/deeds", get(deeds))
        .route("/debug/relay/{verb}", post(deed))
        .with_state(Desk { db, edge, relay })
}

/// `{"reason", "event_id"}`; the event of one that is parked.
struct Order {
    reason: String,
    event_id: Option<String>,
}

impl FromFields for Order {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let reason = fields.required("reason", Raw::string);
        let event_id = fields.optional("event_id", Raw::string);
        Some(Self { reason: reason?, event_id: event_id? })
    }
}

async fn deed(
    State(Desk { db, edge, relay }): State<Desk>,
    Path(verb): Path<String>,
    Caused(by): Caused,
    body: Body<Order>,
) -> Result<Json<Value>, Problem> {
    let reason = Reason { who: by.actor.as_str().to_owned(), why: body.value.reason };
    // A table has no place that could be left: with a new epoch all of its rows would be published again.
    if db.backend() == Backend::Sqlite && ["resnapshot", "skip"].contains(&verb.as_str()) {
        return Err(Problem::conflict(
            "no_log",
            said!(
                "on SQLite the table is read and no log: there is nothing to {verb}; give up a single event with \
                 `hexalpes relay skip SERVICE --event ID`",
                "en SQLite se lee la tabla y ningún log: {verb} no aplica; un evento solo se abandona con \
                 `hexalpes relay skip SERVICIO --event ID`"
            ),
        ));
    }
    match (verb.as_str(), &relay) {
        ("pause", Some(relay)) => relay.pause(&reason).await?,
        ("pause", None) => operate::pause(&db, &*edge, &reason).await?,
        ("resume", _) => operate::resume(&db, &*edge, &reason).await?,
        ("restart", Some(_)) => operate::note_restart(&db, &*edge, &reason).await?,
        ("resnapshot", _) => operate::resnapshot(&db, &*edge, &reason).await?,
        ("skip", Some(relay)) => relay.skip(&reason).await.map_err(not_skipped)?,
        ("restart" | "skip", None) => return Err(elsewhere()),
        _ => return Err(unknown(&verb)),
    }
    warn!(who = reason.who, why = reason.why, "the relay is told to {verb}");
    // One that has ended at an alarm does not look again.
    if let Some(relay) = relay.filter(|_| verb != "pause") {
        relay.restart().await;
    }
    Ok(Json(json!({ "done": verb })))
}

/// Where the log ends is asked when it is ordered: what is committed later is published.
fn not_skipped(why: SkipError) -> Problem {
    match why {
        SkipError::Database(error) => error.into(),
        why @ (SkipError::Log(_) | SkipError::NoLog) => Problem::unavailable(
            "log_unreachable",
            said!("nothing is skipped: {why}", "no se omite nada: {why}"),
        ),
    }
}

fn elsewhere() -> Problem {
    Problem::conflict(
        "no_relay",
        said!(
            "no relay runs in this process: ask the one that publishes",
            "en este proceso no hay relay: pida al que publica"
        ),
    )
}

fn unknown(verb: &str) -> Problem {
    let known = "pause, resume, restart, resnapshot, skip; parked/retry, parked/skip";
    Problem::not_found(
        "unknown_deed",
        said!("a relay cannot {verb}; it can {known}", "un relay no sabe {verb}; sabe {known}"),
    )
}

async fn of_parked(
    State(Desk { db, edge, .. }): State<Desk>,
    Path(verb): Path<String>,
    Caused(by): Caused,
    body: Body<Order>,
) -> Result<Json<Value>, Problem> {
    let reason = Reason { who: by.actor.as_str().to_owned(), why: body.value.reason };
    let event = body.value.event_id.unwrap_or_default();
    let outcome = match verb.as_str() {
        "retry" => parked::retry(&db, &*edge, &event, &reason).await,
        "skip" => parked::skip(&db, &*edge, &event, &reason).await,
        _ => return Err(unknown(&format!("parked/{verb}"))),
    };
    match outcome {
        Ok(()) => Ok(Json(json!({ "event_id": event, "done": verb }))),
        Err(ParkedError::Database(error)) => Err(error.into()),
        Err(ParkedError::Unknown(event)) => Err(Problem::not_found(
            "event_not_parked",
            said!(
                "no event {event} is parked; GET /debug/relay/parked shows those that are",
                "no hay ningún evento {event} apartado; GET /debug/relay/parked muestra los que hay"
            ),
        )),
    }
}

async fn all_parked(State(desk): State<Desk>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "items": parked::list(&desk.db, SHOWN_MAX).await? })))
}

async fn deeds(State(desk): State<Desk>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "items": operate::deeds(&desk.db, SHOWN_MAX).await? })))
}
