//! Sources over HTTP, as Pulsar's `sources` calls them: <https://pulsar.apache.org/source-rest-api/?version=v3>.
//!
//! A connector's archive that comes with a configuration is read and thrown away: what reads the log is built in.
//! Below `relay` is what Pulsar has no call for.

use std::{
    convert::Infallible,
    panic::resume_unwind,
    sync::{Arc, OnceLock},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest as _, FromRequestParts, Multipart, Path, Query, Request},
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hexalpes_db::{ErrorKind, OpenError};
use hexalpes_kernel::Actor;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::{
    config::ConfigError,
    sources::{By, OfParked, SourceStatus, Sources, SourcesError},
};

/// A configuration is a few keys; what is longer is none.
const CONFIG_BYTES_MAX: usize = 1 << 20;
/// The only instance of a source: a log is read by one.
const INSTANCE: &str = "0";

/// Where sources are called from before they are open: a broker's port is there before a client of it.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<OnceLock<Sources>>);

impl Door {
    /// From now on they are called. A door that was opened stays so.
    pub fn open(&self, sources: Sources) {
        let _ = self.0.set(sources);
    }
}

/// The sources behind a door.
struct Open(Sources);

impl FromRequestParts<Door> for Open {
    type Rejection = Refusal;

    async fn from_request_parts(_: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        door.0.get().cloned().map(Self).ok_or(Refusal::Closed)
    }
}

/// All routes, each below `/admin/v3/sources`, and below `/admin/v3/source`, which Pulsar's own client calls.
pub fn routes(door: Door) -> Router {
    let both = ["/admin/v3/sources", "/admin/v3/source"].map(below);
    let all = both.into_iter().fold(Router::new(), Router::merge);
    // An archive has hundreds of megabytes, which pass by.
    all.layer(DefaultBodyLimit::disable()).layer(middleware::from_fn(to_its_end)).with_state(door)
}

/// What was begun is done, though who asked for it goes away: else a source that was stopped for it would not start again.
async fn to_its_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Refusal::Closed.into_response(),
        },
    }
}

fn below(root: &str) -> Router<Door> {
    let at = |rest: &str| format!("{root}{rest}");
    let of = |rest: &str| format!("{root}/{{tenant}}/{{namespace}}/{{source}}{rest}");
    Router::new()
        .route(&at("/builtinsources"), get(built_in))
        .route(&at("/reloadBuiltInSources"), post(nothing_to_reload))
        .route(root, get(all))
        .route(&at("/{tenant}/{namespace}"), get(list))
        .route(&of(""), post(create).get(config).delete(delete).put(no_update))
        .route(&of("/status"), get(status))
        .route(&of("/{instance}/status"), get(status_of_instance))
        .route(&of("/{verb}"), post(deed))
        .route(&of("/{instance}/{verb}"), post(deed_of_instance))
        .route(&of("/relay"), get(relay))
        .route(&of("/relay/deeds"), get(relay_deeds))
        .route(&of("/relay/parked"), get(relay_parked))
        .route(&of("/relay/parked/{verb}"), post(relay_of_parked))
        .route(&of("/relay/{verb}"), post(relay_deed))
}

#[derive(Deserialize)]
struct Names {
    tenant: String,
    namespace: String,
    source: String,
}

impl Names {
    fn full(&self) -> String {
        format!("{}/{}/{}", self.tenant, self.namespace, self.source)
    }
}

/// Why a call is refused, as Pulsar says it.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Sources(#[from] SourcesError),
    #[error("{0}")]
    Body(String),
    #[error(
        "sourceConfig is missing: send it as a part of multipart/form-data, or alone as application/json"
    )]
    NoConfig,
    #[error(
        "{key} is {said:?} in the path and {written:?} in the configuration: write the same, or leave it out there"
    )]
    Names { key: &'static str, said: String, written: String },
    #[error(
        "a source is not changed while it is there: delete it, and create it anew; it goes on where it was"
    )]
    Update,
    #[error("no sources run here: the relay is off, or they are not open yet")]
    Closed,
    #[error(
        "there is no call {0}: stop, start and restart are, and below relay: pause, resume, restart, resnapshot, skip, delete, parked/retry, \
         parked/skip"
    )]
    Verb(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Sources(SourcesError::Unknown(_) | SourcesError::NotParked { .. }) | Self::Verb(_) => {
                StatusCode::NOT_FOUND
            }
            // Where sources are kept on a server, that may be away.
            Self::Sources(
                SourcesError::Database(why) | SourcesError::Open(OpenError::Server { why, .. }),
            ) if why.kind() == ErrorKind::Transient => StatusCode::SERVICE_UNAVAILABLE,
            Self::Sources(
                SourcesError::Open(_)
                | SourcesError::Migrate(_)
                | SourcesError::Database(_)
                | SourcesError::Folder { .. }
                | SourcesError::Unreadable { .. },
            ) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Update => StatusCode::METHOD_NOT_ALLOWED,
            Self::Sources(SourcesError::Skip(_) | SourcesError::Read(_)) | Self::Closed => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(json!({ "reason": self.to_string() }))).into_response()
    }
}

/// Who calls: whoever says so.
struct Caller(Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let said = parts.headers.get("X-Actor").and_then(|value| value.to_str().ok());
        Ok(Self(said.and_then(|name| Actor::parse(name).ok()).unwrap_or_else(Actor::anonymous)))
    }
}

impl Caller {
    fn by(self, reason: impl Into<String>) -> By {
        By { actor: self.0, reason: reason.into() }
    }
}

async fn create(
    Open(sources): Open,
    Path(names): Path<Names>,
    caller: Caller,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut config, is_ours) = read(request).await?;
    let object = config.as_object_mut().ok_or(SourcesError::Config(ConfigError::Shape))?;
    for (key, said) in [("tenant", &names.tenant), ("namespace", &names.namespace), ("name", &names.source)] {
        let written = object.get(key).and_then(Value::as_str).unwrap_or(said).to_owned();
        if written != *said {
            return Err(Refusal::Names { key, said: said.clone(), written });
        }
        object.insert(key.to_owned(), Value::from(said.as_str()));
    }
    let made = sources.create(&config, &caller.by("")).await?;
    Ok(if is_ours { Json(made).into_response() } else { StatusCode::NO_CONTENT.into_response() })
}

/// The configuration that a request brings, and whether it came alone, as our own command sends it.
async fn read(request: Request) -> Result<(Value, bool), Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let wrong = |why: &dyn std::fmt::Display| Refusal::Body(format!("the body cannot be read: {why}"));
    if kind.starts_with("application/json") {
        let body = axum::body::to_bytes(request.into_body(), CONFIG_BYTES_MAX).await;
        let body = body.map_err(|why| wrong(&why))?;
        return Ok((serde_json::from_slice(&body).map_err(|why| wrong(&why))?, true));
    }
    let mut parts = Multipart::from_request(request, &()).await.map_err(|why| wrong(&why))?;
    let mut config = None;
    while let Some(mut part) = parts.next_field().await.map_err(|why| wrong(&why))? {
        let is_config = part.name() == Some("sourceConfig");
        let mut text = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|why| wrong(&why))? {
            if !is_config {
                continue;
            }
            if text.len() + chunk.len() > CONFIG_BYTES_MAX {
                return Err(wrong(&format!("sourceConfig has more than {CONFIG_BYTES_MAX} bytes")));
            }
            text.extend_from_slice(&chunk);
        }
        if is_config {
            config = Some(serde_json::from_slice(&text).map_err(|why| wrong(&why))?);
        }
    }
    Ok((config.ok_or(Refusal::NoConfig)?, false))
}

async fn config(Open(sources): Open, Path(names): Path<Names>) -> Result<Json<Value>, Refusal> {
    Ok(Json(sources.config(&names.full()).await?))
}

#[derive(Deserialize)]
struct DeleteQuery {
    #[serde(default)]
    forget: bool,
}

async fn delete(
    Open(sources): Open,
    Path(names): Path<Names>,
    Query(query): Query<DeleteQuery>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    sources.delete(&names.full(), query.forget, &caller.by("")).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn no_update() -> Refusal {
    Refusal::Update
}

async fn list(Open(sources): Open, Path((tenant, namespace)): Path<(String, String)>) -> Json<Vec<String>> {
    Json(sources.names(&tenant, &namespace).await)
}

async fn all(Open(sources): Open) -> Json<Vec<SourceStatus>> {
    Json(sources.all().await)
}

async fn built_in() -> Json<Value> {
    let one = |name: &str, what: &str| json!({ "name": name, "description": what });
    Json(json!([
        one("debezium-mysql", "The outbox of another program, from the binary log of MySQL"),
        one("debezium-mariadb", "The outbox of another program, from the binary log of MariaDB"),
        one("debezium-postgres", "The outbox of another program, from a logical slot of PostgreSQL"),
    ]))
}

async fn nothing_to_reload() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn status(Open(sources): Open, Path(names): Path<Names>) -> Result<Json<Value>, Refusal> {
    let status = sources.status(&names.full()).await?;
    let is_running = status.relay.running && status.state != "paused";
    Ok(Json(json!({
        "numInstances": 1,
        "numRunning": u8::from(is_running),
        "instances": [{ "instanceId": 0, "status": instance(&status, is_running) }],
    })))
}

async fn status_of_instance(
    Open(sources): Open,
    Path((tenant, namespace, source, instance_id)): Path<(String, String, String, String)>,
) -> Result<Json<Value>, Refusal> {
    let names = Names { tenant, namespace, source };
    let status = sources.status(&names.full()).await?;
    the_one(&names, instance_id)?;
    let is_running = status.relay.running && status.state != "paused";
    Ok(Json(instance(&status, is_running)))
}

/// With Pulsar's names.
fn instance(status: &SourceStatus, is_running: bool) -> Value {
    let relay = &status.relay;
    let error = relay.alarm.clone().or_else(|| relay.standby.clone()).unwrap_or_default();
    json!({
        "running": is_running,
        "error": error,
        "numRestarts": status.restarts,
        "numReceivedFromSource": relay.num_received_from_source,
        "numSystemExceptions": 0,
        "latestSystemExceptions": [],
        "numSourceExceptions": u8::from(relay.alarm.is_some()),
        "latestSourceExceptions": [],
        "numWritten": relay.num_written,
        "lastReceivedTime": 0,
        "workerId": "hexalpes",
    })
}

fn the_one(names: &Names, instance: String) -> Result<(), Refusal> {
    if instance == INSTANCE {
        return Ok(());
    }
    Err(SourcesError::Instance { name: names.source.clone(), instance }.into())
}

async fn deed(
    Open(sources): Open,
    Path((tenant, namespace, source, verb)): Path<(String, String, String, String)>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    pulsars(&sources, &Names { tenant, namespace, source }, verb, caller).await
}

async fn deed_of_instance(
    Open(sources): Open,
    Path((tenant, namespace, source, instance, verb)): Path<(String, String, String, String, String)>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let names = Names { tenant, namespace, source };
    sources.status(&names.full()).await?;
    the_one(&names, instance)?;
    pulsars(&sources, &names, verb, caller).await
}

/// What Pulsar's command line calls.
async fn pulsars(
    sources: &Sources,
    names: &Names,
    verb: String,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let (name, by) = (names.full(), caller.by(""));
    match verb.as_str() {
        "restart" => sources.restart(&name, &by).await?,
        "stop" => sources.pause(&name, &by).await?,
        "start" => sources.resume(&name, &by).await?,
        _ => return Err(Refusal::Verb(verb)),
    };
    Ok(StatusCode::NO_CONTENT)
}

async fn relay(Open(sources): Open, Path(names): Path<Names>) -> Result<Json<SourceStatus>, Refusal> {
    Ok(Json(sources.status(&names.full()).await?))
}

/// Why something is done.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    forget: bool,
}

async fn relay_deed(
    Open(sources): Open,
    Path((tenant, namespace, source, verb)): Path<(String, String, String, String)>,
    caller: Caller,
    Json(why): Json<Why>,
) -> Result<Response, Refusal> {
    let name = Names { tenant, namespace, source }.full();
    let by = caller.by(why.reason);
    let status = match verb.as_str() {
        "pause" => sources.pause(&name, &by).await?,
        "resume" => sources.resume(&name, &by).await?,
        "restart" => sources.restart(&name, &by).await?,
        "resnapshot" => sources.resnapshot(&name, &by).await?,
        "skip" => sources.skip(&name, &by).await?,
        "delete" => {
            sources.delete(&name, why.forget, &by).await?;
            return Ok(Json(json!({ "state": "deleted" })).into_response());
        }
        _ => return Err(Refusal::Verb(verb)),
    };
    Ok(Json(status).into_response())
}

async fn relay_parked(Open(sources): Open, Path(names): Path<Names>) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({ "items": sources.parked(&names.full()).await? })))
}

async fn relay_deeds(Open(sources): Open, Path(names): Path<Names>) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({ "items": sources.deeds(&names.full()).await? })))
}

/// Why something is done with which event that is parked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    event_id: String,
    #[serde(default)]
    reason: String,
}

async fn relay_of_parked(
    Open(sources): Open,
    Path((tenant, namespace, source, verb)): Path<(String, String, String, String)>,
    caller: Caller,
    Json(which): Json<Which>,
) -> Result<Json<SourceStatus>, Refusal> {
    let name = Names { tenant, namespace, source }.full();
    let what = match verb.as_str() {
        "retry" => OfParked::Retry,
        "skip" => OfParked::Skip,
        _ => return Err(Refusal::Verb(verb)),
    };
    Ok(Json(sources.of_parked(&name, &which.event_id, what, &caller.by(which.reason)).await?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use tokio::{sync::Notify, time::timeout};
    use tower::ServiceExt as _;

    use super::*;

    /// Whether a call was done whose caller went away amid it.
    async fn is_done(method: &str) -> bool {
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (waits, does) = (Arc::clone(&go), Arc::clone(&done));
        let slow = async move || {
            waits.notified().await;
            does.notify_one();
        };
        let routes = Router::new().route("/", get(slow.clone()).post(slow));
        let routes = routes.layer(middleware::from_fn(to_its_end));
        let call = Request::builder().method(method).body(Body::empty()).unwrap();
        assert!(timeout(Duration::ZERO, routes.oneshot(call)).await.is_err());
        go.notify_one();
        timeout(Duration::from_millis(200), done.notified()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_deed_is_done_though_its_caller_goes_away_and_a_question_is_dropped() {
        assert!(is_done("POST").await);
        assert!(!is_done("GET").await);
    }
}
