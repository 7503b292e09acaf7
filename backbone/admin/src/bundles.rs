//! What of a namespace is about several brokers and clusters, of which there is one each; and what is done to all of its
//! topics at once.

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker};
use hexalpes_wire::TopicName;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    CLUSTER, blocking, clusters,
    extract::{Body, Path, Topic},
    names,
    refusal::Refusal,
};

/// All hashes of topics, for there is nobody to divide them with.
const FIRST: &str = "0x00000000";
const LAST: &str = "0xffffffff";

/// Tenant, namespace.
type NamespacePath = Path<(String, String)>;

pub(crate) fn all() -> Value {
    json!({ "boundaries": [FIRST, LAST], "numBundles": 1 })
}

/// The name of the one bundle.
pub(crate) fn name() -> String {
    format!("{FIRST}_{LAST}")
}

fn known(broker: &Broker, tenant: &str, namespace: &str) -> Result<String, Refusal> {
    let namespace = names::namespace(tenant, namespace)?;
    names::known_namespace(broker, &namespace)?;
    Ok(namespace)
}

pub(crate) async fn read(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
) -> Result<Json<Value>, Refusal> {
    known(&broker, &tenant, &namespace)?;
    Ok(Json(all()))
}

/// There is no other broker that could serve it.
pub(crate) async fn unload(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
) -> Result<StatusCode, Refusal> {
    known(&broker, &tenant, &namespace)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn unload_bundle(
    State(broker): State<Broker>,
    Path((tenant, namespace, bundle)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    known(&broker, &tenant, &namespace)?;
    known_bundle(bundle)?;
    Ok(StatusCode::NO_CONTENT)
}

fn known_bundle(bundle: String) -> Result<(), Refusal> {
    if bundle == name() { Ok(()) } else { Err(Refusal::NoBundle(bundle)) }
}

pub(crate) async fn clear_bundle(
    broker: State<Broker>,
    Path((tenant, namespace, bundle)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    known_bundle(bundle)?;
    clear(broker, Path((tenant, namespace))).await
}

pub(crate) async fn clear_subscription_of_bundle(
    broker: State<Broker>,
    Path((tenant, namespace, bundle, subscription)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Refusal> {
    known_bundle(bundle)?;
    clear_subscription(broker, Path((tenant, namespace, subscription))).await
}

pub(crate) async fn unsubscribe_bundle(
    broker: State<Broker>,
    Path((tenant, namespace, bundle, subscription)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Refusal> {
    known_bundle(bundle)?;
    unsubscribe(broker, Path((tenant, namespace, subscription))).await
}

/// The topic's bundle.
pub(crate) async fn of_topic(State(broker): State<Broker>, Topic(topic): Topic) -> Result<String, Refusal> {
    names::known_namespace(&broker, &topic.full_namespace())?;
    Ok(name())
}

pub(crate) async fn clusters(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
) -> Result<Json<[&'static str; 1]>, Refusal> {
    known(&broker, &tenant, &namespace)?;
    Ok(Json([CLUSTER]))
}

/// Takes the one cluster, and no other.
pub(crate) async fn set_clusters(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    known(&broker, &tenant, &namespace)?;
    let wanted: Vec<String> = serde_json::from_slice(&body)?;
    if wanted.is_empty() {
        return Err(Refusal::NoClusters);
    }
    match wanted.into_iter().find(|cluster| cluster != CLUSTER) {
        Some(other) if clusters::is_known(&broker, &other) => {
            Err(Refusal::NotYet("topics that are replicated to other clusters"))
        }
        Some(other) => Err(Refusal::OtherCluster(other)),
        None => Ok(StatusCode::OK),
    }
}

pub(crate) async fn clear(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
) -> Result<StatusCode, Refusal> {
    of_all(broker, &tenant, &namespace, |broker, topic| {
        let subscriptions = broker.subscriptions(topic)?;
        subscriptions.iter().try_for_each(|subscription| broker.clear_backlog(topic, subscription))
    })
    .await
}

pub(crate) async fn clear_subscription(
    State(broker): State<Broker>,
    Path((tenant, namespace, subscription)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    of_all(broker, &tenant, &namespace, move |broker, topic| broker.clear_backlog(topic, &subscription)).await
}

pub(crate) async fn unsubscribe(
    State(broker): State<Broker>,
    Path((tenant, namespace, subscription)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    of_all(broker, &tenant, &namespace, move |broker, topic| {
        broker.delete_subscription(topic, &subscription, false)
    })
    .await
}

/// Does it to every persistent topic; one that has gone meanwhile, or has no such subscription, is passed over.
async fn of_all(
    broker: Broker,
    tenant: &str,
    namespace: &str,
    act: impl Fn(&Broker, &TopicName) -> Result<(), AdminError> + Send + 'static,
) -> Result<StatusCode, Refusal> {
    let namespace = known(&broker, tenant, namespace)?;
    blocking(broker, move |broker| {
        let is_of_it = |topic: &TopicName| topic.is_persistent() && topic.full_namespace() == namespace;
        for topic in broker.topics().into_iter().filter(is_of_it) {
            match act(broker, &topic) {
                Ok(()) | Err(AdminError::NoTopic(_) | AdminError::NoSubscription { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
