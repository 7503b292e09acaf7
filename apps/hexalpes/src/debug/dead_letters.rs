//! `POST /debug/dead-letters/replay` and `POST /debug/dead-letters/drop`: what somebody decides of one dead letter. Both
//! are told by an event. Who reads the dead letters themselves, and acks them after, is the command line.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, extract::State, routing::post};
use hexalpes_consumer::{DeadLetter, Dropped, LetterDesk, ReplayError, Replayed};
use hexalpes_http::{Body, Caused, Fields, FromFields, Invalid, Problem, Raw, said, values::timestamp};
use serde_json::{Value, json};

/// The desks of one service's consumers.
pub(crate) fn dead_letters(desks: Vec<LetterDesk>) -> Router {
    Router::new()
        .route("/debug/dead-letters/replay", post(replay))
        .route("/debug/dead-letters/drop", post(drop_letter))
        .with_state(Arc::from(desks))
}

type Desks = Arc<[LetterDesk]>;

/// A dead letter and whose it is; with `release` it is the last of its key.
struct Decision {
    subscription: String,
    letter: DeadLetter,
    releases: bool,
}

impl FromFields for Decision {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let subscription = fields.required("subscription", Raw::string);
        let event_id = fields.required("event_id", Raw::string);
        let key = fields.optional("key", Raw::string);
        let topic = fields.required("topic", Raw::string);
        let properties = fields.optional("properties", properties);
        let payload = fields.required("payload", Raw::string);
        let code = fields.optional("code", Raw::string);
        let reason = fields.optional("reason", Raw::string);
        let is_edited = fields.optional("is_edited", Raw::boolean);
        let died_at = fields.optional("died_at", timestamp);
        let releases = fields.optional("release", Raw::boolean);
        let letter = DeadLetter {
            event_id: event_id?,
            key: key?,
            topic: topic?,
            properties: properties?.unwrap_or_default(),
            payload: payload?.into(),
            is_edited: is_edited?.unwrap_or(false),
            code: code?.unwrap_or_default(),
            reason: reason?.unwrap_or_default(),
            died_at: died_at?,
        };
        Some(Self { subscription: subscription?, letter, releases: releases?.unwrap_or(false) })
    }
}

fn properties(raw: &Raw) -> Result<Vec<(String, String)>, Invalid> {
    let read: Result<BTreeMap<String, String>, _> = serde_json::from_str(raw.text());
    let wrong = said!("must be an object of texts", "debe ser un objeto de textos");
    read.map(|read| read.into_iter().collect()).map_err(|_| Invalid::new("not_texts", wrong))
}

fn desk<'a>(desks: &'a [LetterDesk], subscription: &str) -> Result<&'a LetterDesk, Problem> {
    desks.iter().find(|desk| desk.subscription() == subscription).ok_or_else(|| {
        let known = desks.iter().map(LetterDesk::subscription).collect::<Vec<_>>().join(", ");
        let why = said!(
            "{subscription} is no consumer of this service; they are {known}",
            "{subscription} no es un consumidor de este servicio; son {known}"
        );
        Problem::not_found("unknown_consumer", why)
    })
}

/// Has the handler act on it now.
async fn replay(
    State(desks): State<Desks>,
    Caused(by): Caused,
    body: Body<Decision>,
) -> Result<Json<Value>, Problem> {
    let Decision { subscription, letter, releases } = body.value;
    let desk = desk(&desks, &subscription)?;
    let event_id = letter.event_id.clone();
    match desk.replay(letter, by, releases).await {
        Ok(outcome) => {
            let outcome = match outcome {
                Replayed::Handled => "handled",
                Replayed::Before => "handled_before",
            };
            Ok(Json(json!({ "event_id": event_id, "outcome": outcome })))
        }
        Err(ReplayError::Refused(rejection)) => {
            let why = said!(
                "{event_id} is refused again: {rejection}; edit it, or drop it",
                "{event_id} se rechaza otra vez: {rejection}; edítelo o descártelo"
            );
            Err(Problem::conflict("refused_again", why))
        }
        Err(ReplayError::Database(error)) => Err(error.into()),
    }
}

/// Tells that nobody will handle it.
async fn drop_letter(
    State(desks): State<Desks>,
    Caused(by): Caused,
    body: Body<Decision>,
) -> Result<Json<Value>, Problem> {
    let Decision { subscription, letter, releases } = body.value;
    let desk = desk(&desks, &subscription)?;
    let event_id = letter.event_id.clone();
    let outcome = match desk.drop_letter(letter, by, releases).await? {
        Dropped::Now | Dropped::Before => "dropped",
        Dropped::Handled => "handled_before",
    };
    Ok(Json(json!({ "event_id": event_id, "outcome": outcome })))
}
