//! The broker itself.

use std::time::Duration;

use axum::{Extension, Json, extract::State};
use hexalpes_broker::Broker;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::{
    CLUSTER, blocking, bundles,
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

/// This one, as the caller reached it; as with Pulsar, whatever cluster is asked for.
pub(crate) async fn here(headers: HeaderMap) -> Json<Vec<String>> {
    Json(host(&headers).map(str::to_owned).into_iter().collect())
}

/// There is no other that could lead.
pub(crate) async fn leader(scheme: Option<Extension<Scheme>>, headers: HeaderMap) -> Json<Value> {
    let web = web_urls(scheme, &headers);
    Json(without_nulls(json!({ "serviceUrl": web.http.or(web.https), "brokerId": host(&headers) })))
}

/// No setting changes while the broker runs.
pub(crate) async fn nothing_dynamic() -> Json<[String; 0]> {
    Json([])
}

pub(crate) async fn change(Path((name, _)): Path<(String, String)>) -> Refusal {
    Refusal::NotDynamic(name)
}

pub(crate) async fn forget(Path(name): Path<String>) -> Refusal {
    Refusal::NotDynamic(name)
}

/// The bundles that this broker serves: all that there are.
pub(crate) async fn owned(
    State(broker): State<Broker>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    if host(&headers) != Some(&id) {
        return Err(Refusal::NoBroker(id));
    }
    let status = json!({ "broker_assignment": "shared", "is_controlled": false, "is_active": true });
    let name = |namespace: String| (format!("{namespace}/{}", bundles::name()), status.clone());
    Ok(Json(broker.namespaces().into_iter().map(name).collect()))
}

pub(crate) async fn nothing_set() -> Json<Value> {
    Json(json!({}))
}

/// Where others find the metadata and the ledgers: nowhere, for both lie in the broker's own folder.
pub(crate) async fn internals() -> Json<Value> {
    Json(json!({
        "zookeeperServers": "", "configurationStoreServers": "", "metadataStoreUrl": "",
        "configurationMetadataStoreUrl": "", "ledgersRootPath": "",
    }))
}

/// Has topics go by their policies now, and not when it is looked at them the next time.
pub(crate) async fn check_policies(State(broker): State<Broker>) -> Result<StatusCode, Refusal> {
    blocking(broker, |broker| {
        broker.keep_policies();
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is counted of all topics, by namespace, bundle and domain.
pub(crate) async fn topics(State(broker): State<Broker>) -> Result<Json<Value>, Refusal> {
    blocking(broker, |broker| {
        let mut all = json!({});
        for (name, stats) in broker.all_stats() {
            let domain = name.domain().as_str();
            all[name.full_namespace()][bundles::name()][domain][name.to_string()] =
                serde_json::to_value(stats)?;
        }
        Ok(Json(all))
    })
    .await
}

/// What a client looks up here: which of the clusters it speaks to.
pub(crate) async fn configuration() -> Json<Value> {
    Json(json!({ "clusterName": CLUSTER }))
}
