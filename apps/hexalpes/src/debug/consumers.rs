//! `GET /debug/consumers`: how they do; `GET /debug/consumers/blocked`: the keys of which an event became a dead
//! letter, so that later ones follow it; `POST /debug/consumers/release`: lets a key go on.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use hexalpes_consumer::{BlockedKey, Status, blocked_keys, release_key};
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_http::{Body, Fields, FromFields, Problem, Raw};
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tracing::info;

/// Keys that are shown of one consumer.
const BLOCKED_MAX: u64 = 200;

#[derive(Clone)]
struct Desk {
    db: Db,
    subscriptions: Arc<[String]>,
}

/// The consumers of one database.
pub(crate) fn consumers(
    db: Db,
    statuses: Vec<impl Fn() -> Status + Clone + Send + Sync + 'static>,
) -> Router {
    let subscriptions = statuses.iter().map(|status| status().subscription).collect();
    let all = move || std::future::ready(Json(statuses.iter().map(|status| status()).collect::<Vec<_>>()));
    Router::new()
        .route("/debug/consumers", get(all))
        .route("/debug/consumers/blocked", get(blocked))
        .route("/debug/consumers/release", post(release))
        .with_state(Desk { db, subscriptions })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldKey {
    subscription: String,
    /// The key, or its digest where it was too long to be kept.
    key: String,
    /// The event that became a dead letter first.
    event_id: String,
    blocked_at: Timestamp,
}

/// Oldest first, consumer by consumer.
async fn blocked(State(desk): State<Desk>) -> Result<Json<Value>, Problem> {
    let subscriptions = Arc::clone(&desk.subscriptions);
    let read = async move |tx: &Tx| -> Result<Vec<HeldKey>, DbError> {
        let mut all = Vec::new();
        for subscription in &*subscriptions {
            let keys = blocked_keys(tx, subscription, BLOCKED_MAX).await?;
            all.extend(keys.into_iter().map(|BlockedKey { key, event_id, blocked_at }| HeldKey {
                subscription: subscription.clone(),
                key,
                event_id,
                blocked_at,
            }));
        }
        Ok(all)
    };
    Ok(Json(json!({ "items": desk.db.read(read).await? })))
}

/// `{"subscription", "key"}`.
struct Release {
    subscription: String,
    key: String,
}

impl FromFields for Release {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let subscription = fields.required("subscription", Raw::string);
        let key = fields.required("key", Raw::string);
        Some(Self { subscription: subscription?, key: key? })
    }
}

/// Events of the key that come from now on are handled again; its dead letters stay where they are.
async fn release(State(desk): State<Desk>, body: Body<Release>) -> Result<Json<Value>, Problem> {
    let Release { subscription, key } = body.value;
    let is_blocked = desk.subscriptions.contains(&subscription).then_some((subscription, key));
    let released = match is_blocked {
        None => None,
        Some((subscription, key)) => {
            let (name, value) = (subscription.clone(), key.clone());
            let release = async move |tx: &Tx| release_key(tx, &name, &value).await;
            desk.db.write(release).await?.then_some((subscription, key))
        }
    };
    let known = || desk.subscriptions.join(", ");
    let (subscription, key) = released.ok_or_else(|| {
        let why = format!(
            "no consumer holds this key back; look at /debug/consumers/blocked; consumers are {}",
            known()
        );
        Problem::not_found("key_not_blocked", why)
    })?;
    info!(subscription, key, "a key was released");
    Ok(Json(json!({ "subscription": subscription, "key": key, "released": true })))
}
