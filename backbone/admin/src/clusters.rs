//! The cluster that the broker is, and what was noted of others: tenants may be allowed on them, and nothing goes there.

use std::collections::BTreeSet;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use hexalpes_broker::Broker;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::{
    CLUSTER, blocking,
    extract::{Body, Path},
    lookup::{Scheme, web_urls, without_nulls},
    refusal::Refusal,
};

/// What may be noted of a cluster, under Pulsar's names.
const TEXTS: [&str; 8] = [
    "serviceUrl",
    "serviceUrlTls",
    "brokerServiceUrl",
    "brokerServiceUrlTls",
    "proxyServiceUrl",
    "authenticationPlugin",
    "authenticationParameters",
    "listenerName",
];
const SWITCHES: [&str; 3] =
    ["brokerClientTlsEnabled", "tlsAllowInsecureConnection", "brokerClientTlsEnabledWithKeyStore"];
const PEERS: &str = "peerClusterNames";

/// How the addresses begin.
const SCHEMES: [(&str, &str); 4] = [
    ("serviceUrl", "http://"),
    ("serviceUrlTls", "https://"),
    ("brokerServiceUrl", "pulsar://"),
    ("brokerServiceUrlTls", "pulsar+ssl://"),
];

/// Whether there is such a cluster: this one, or one that was noted.
pub(crate) fn is_known(broker: &Broker, cluster: &str) -> bool {
    cluster == CLUSTER || broker.clusters().contains_key(cluster)
}

fn known(broker: &Broker, cluster: String) -> Result<String, Refusal> {
    if is_known(broker, &cluster) { Ok(cluster) } else { Err(Refusal::NoCluster(cluster)) }
}

/// What a body says of a cluster, without what does not belong to it.
fn parsed(body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Err(Refusal::NoClusterData);
    }
    let given: Map<String, Value> = serde_json::from_slice(body)?;
    let mut noted = Map::new();
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        let is_fine = match &*name {
            PEERS => serde_json::from_value::<BTreeSet<String>>(value.clone()).is_ok(),
            name if TEXTS.contains(&name) => value.is_string(),
            name if SWITCHES.contains(&name) => value.is_boolean(),
            _ => continue,
        };
        let scheme = SCHEMES.iter().find(|(of, _)| *of == name).map(|(_, scheme)| *scheme);
        let is_there = |scheme: &str| {
            value.as_str().is_some_and(|url| url.strip_prefix(scheme).is_some_and(|host| !host.is_empty()))
        };
        match scheme {
            Some(scheme) if !is_there(scheme) => return Err(Refusal::ClusterUrl { name, scheme }),
            _ if !is_fine => return Err(Refusal::ClusterField(name)),
            _ => drop(noted.insert(name, value)),
        }
    }
    for name in SWITCHES {
        noted.entry(name).or_insert(Value::Bool(false));
    }
    Ok(Value::Object(noted))
}

/// As by Pulsar: letters, digits, and a few signs.
fn named(cluster: &str) -> Result<(), Refusal> {
    let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "-=:._".contains(letter);
    if cluster.chars().all(is_fine) { Ok(()) } else { Err(Refusal::ClusterName) }
}

pub(crate) async fn list(State(broker): State<Broker>) -> Json<BTreeSet<String>> {
    Json(broker.clusters().into_keys().chain([CLUSTER.to_owned()]).collect())
}

pub(crate) async fn read(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let cluster = known(&broker, cluster)?;
    let mut noted = broker.clusters().remove(&cluster).unwrap_or_default();
    if cluster == CLUSTER {
        let web = web_urls(scheme, &headers);
        noted["serviceUrl"] = web.http.into();
        noted["serviceUrlTls"] = web.https.into();
        noted["brokerServiceUrl"] = broker.service_url().into();
        noted["brokerServiceUrlTls"] = broker.service_url_tls().into();
    }
    Ok(Json(without_nulls(noted)))
}

pub(crate) async fn create(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    named(&cluster)?;
    let data = parsed(&body)?;
    blocking(broker, move |broker| {
        let exists = || Refusal::Exists(format!("cluster {cluster}"));
        if cluster == CLUSTER {
            return Err(exists());
        }
        broker.change_cluster(&cluster, |noted| {
            if !noted.is_null() {
                return Err(exists());
            }
            *noted = data;
            Ok(())
        })
    })
    .await?;
    Ok(StatusCode::OK)
}

/// Where this one is, is what it listens on, and nobody changes it by that.
pub(crate) async fn update(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let data = parsed(&body)?;
    if cluster == CLUSTER {
        return Err(Refusal::OwnCluster);
    }
    blocking(broker, move |broker| {
        broker.change_cluster(&cluster, |noted| {
            if noted.is_null() {
                return Err(Refusal::NoCluster(cluster.clone()));
            }
            *noted = data;
            Ok(())
        })
    })
    .await?;
    Ok(StatusCode::OK)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
) -> Result<StatusCode, Refusal> {
    if cluster == CLUSTER {
        return Err(Refusal::OwnCluster);
    }
    blocking(broker, move |broker| {
        if broker.delete_cluster(&cluster)? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Refusal::NoCluster(cluster))
        }
    })
    .await
}

pub(crate) async fn peers(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
) -> Result<Response, Refusal> {
    let cluster = known(&broker, cluster)?;
    let noted = broker.clusters().remove(&cluster).unwrap_or_default();
    Ok(match &noted[PEERS] {
        Value::Null => StatusCode::OK.into_response(),
        peers => Json(peers).into_response(),
    })
}

pub(crate) async fn set_peers(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let peers: Option<BTreeSet<String>> = serde_json::from_slice(&body)?;
    let cluster = known(&broker, cluster)?;
    for peer in peers.iter().flatten() {
        if *peer == cluster {
            return Err(Refusal::OwnPeer(cluster));
        }
        if !is_known(&broker, peer) {
            return Err(Refusal::NoPeer(peer.clone()));
        }
    }
    blocking(broker, move |broker| {
        broker.change_cluster(&cluster, |noted| {
            noted[PEERS] = json!(peers);
            Ok::<_, Refusal>(())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brokers that fail together: there is one.
pub(crate) async fn domains() -> Json<Value> {
    Json(json!({}))
}

pub(crate) async fn domain(Path((cluster, domain)): Path<(String, String)>) -> Refusal {
    Refusal::NoDomain { cluster, domain }
}

pub(crate) async fn set_domain() -> Refusal {
    Refusal::NotYet("failure domains")
}

/// Namespaces that keep to some brokers: there is one.
pub(crate) async fn isolation(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
) -> Result<(), Refusal> {
    Err(Refusal::NoIsolation(known(&broker, cluster)?))
}

pub(crate) async fn isolation_policy(
    State(broker): State<Broker>,
    Path((cluster, _)): Path<(String, String)>,
) -> Result<(), Refusal> {
    Err(Refusal::NoIsolation(known(&broker, cluster)?))
}

pub(crate) async fn set_isolation() -> Refusal {
    Refusal::NotYet("isolation policies of namespaces")
}
