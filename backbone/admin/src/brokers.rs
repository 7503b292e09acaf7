//! The broker itself, and the cluster that it is.

use std::time::Duration;

use axum::{Extension, Json, extract::State};
use hexalpes_broker::Broker;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::{
    CLUSTER, blocking,
    extract::Path,
    lookup::{Scheme, host, web_urls, without_nulls},
    refusal::Refusal,
};

/// A disk that takes longer for one entry is none to rely on, and who asks has given up by then.
const SYNCED_WITHIN: Duration = Duration::from_secs(4);

/// `ok`, if the metadata can be read, and the log has just written and synced an entry.
pub(crate) async fn health(State(broker): State<Broker>) -> Result<&'static str, Refusal> {
    blocking(broker.clone(), |broker| Ok(broker.tenants()?)).await?;
    broker.check_log(SYNCED_WITHIN).await?;
    Ok("ok")
}

pub(crate) async fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// This one, as the caller reached it.
pub(crate) async fn list(
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<String>>, Refusal> {
    known_cluster(cluster)?;
    Ok(Json(host(&headers).map(str::to_owned).into_iter().collect()))
}

/// What a client looks up here: which of the clusters it speaks to.
pub(crate) async fn configuration() -> Json<Value> {
    Json(json!({ "clusterName": CLUSTER }))
}

pub(crate) async fn clusters() -> Json<[&'static str; 1]> {
    Json([CLUSTER])
}

pub(crate) async fn cluster(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    known_cluster(cluster)?;
    let web = web_urls(scheme, &headers);
    Ok(Json(without_nulls(json!({
        "serviceUrl": web.http,
        "serviceUrlTls": web.https,
        "brokerServiceUrl": broker.service_url(),
        "brokerServiceUrlTls": broker.service_url_tls(),
    }))))
}

fn known_cluster(cluster: String) -> Result<(), Refusal> {
    if cluster == CLUSTER { Ok(()) } else { Err(Refusal::NoCluster(cluster)) }
}
