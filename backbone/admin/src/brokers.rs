//! The broker itself, and the cluster that it is.

use axum::{Json, extract::State};
use hexalpes_broker::Broker;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::{CLUSTER, blocking, extract::Path, lookup::http_url, refusal::Refusal};

/// `ok`, if the metadata can be read.
pub(crate) async fn health(State(broker): State<Broker>) -> Result<&'static str, Refusal> {
    blocking(broker, |broker| Ok(broker.tenants()?)).await?;
    Ok("ok")
}

pub(crate) async fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

pub(crate) async fn clusters() -> Json<[&'static str; 1]> {
    Json([CLUSTER])
}

pub(crate) async fn cluster(
    State(broker): State<Broker>,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    if cluster != CLUSTER {
        return Err(Refusal::NoCluster(cluster));
    }
    Ok(Json(json!({ "serviceUrl": http_url(&headers), "brokerServiceUrl": broker.service_url() })))
}
