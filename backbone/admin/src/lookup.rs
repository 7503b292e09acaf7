//! Which broker serves a topic: this one.

use axum::{Json, extract::State};
use hexalpes_broker::Broker;
use http::{HeaderMap, header::HOST};
use serde_json::{Value, json};

use crate::{extract::Path, names, refusal::Refusal};

pub(crate) async fn lookup(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    names::known_namespace(&broker, &topic.full_namespace())?;
    let (service, http) = (broker.service_url(), http_url(&headers));
    Ok(Json(json!({ "brokerUrl": service, "nativeUrl": service, "httpUrl": http })))
}

/// Where the caller reached this interface, by its own word: what it can reach, whatever lies between.
pub(crate) fn http_url(headers: &HeaderMap) -> Option<String> {
    Some(format!("http://{}", host(headers)?))
}

pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}
