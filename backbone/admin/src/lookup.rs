//! Which broker serves a topic: this one.

use axum::{Extension, Json, extract::State};
use hexalpes_broker::Broker;
use http::{HeaderMap, header::HOST};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    extract::{Query, Topic},
    names,
    refusal::Refusal,
};

/// Says the same as `listenerName`.
const LISTENER_NAME: &str = "X-Pulsar-ListenerName";

/// Which of a broker's addresses is asked for; this one has one, without a name.
#[derive(Deserialize)]
pub(crate) struct LookupQuery {
    #[serde(rename = "listenerName")]
    listener_name: Option<String>,
}

pub(crate) async fn lookup(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(asked): Query<LookupQuery>,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let named = headers.get(LISTENER_NAME).and_then(|name| name.to_str().ok());
    if let Some(listener) = asked.listener_name.as_deref().or(named).filter(|name| !name.is_empty()) {
        return Err(Refusal::NoListener(listener.to_owned()));
    }
    names::known_namespace(&broker, &topic.full_namespace())?;
    let (service, web) = (broker.service_url(), web_urls(scheme, &headers));
    Ok(Json(without_nulls(json!({
        "brokerUrl": service,
        "brokerUrlTls": broker.service_url_tls(),
        "nativeUrl": service,
        "httpUrl": web.http,
        "httpUrlTls": web.https,
    }))))
}

/// What is not there is left out, as by Pulsar.
pub(crate) fn without_nulls(mut answer: Value) -> Value {
    if let Value::Object(members) = &mut answer {
        members.retain(|_, member| !member.is_null());
    }
    answer
}

/// How this interface is served; plainly, unless a router says otherwise.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    Https,
}

/// Where the caller reached this interface, by its own word: what it can reach, whatever lies between.
pub(crate) struct WebUrls {
    pub(crate) http: Option<String>,
    pub(crate) https: Option<String>,
}

pub(crate) fn web_urls(scheme: Option<Extension<Scheme>>, headers: &HeaderMap) -> WebUrls {
    let host = host(headers);
    match scheme {
        None => WebUrls { http: host.map(|host| format!("http://{host}")), https: None },
        Some(Extension(Scheme::Https)) => {
            WebUrls { http: None, https: host.map(|host| format!("https://{host}")) }
        }
    }
}

pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}
