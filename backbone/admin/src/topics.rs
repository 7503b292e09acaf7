//! Topics: persistent, and each a whole one, without partitions.

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, TopicStats};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    blocking,
    extract::{Path, Query},
    names,
    refusal::Refusal,
};

/// Tenant, namespace, local name.
type TopicPath = Path<(String, String, String)>;

#[derive(Deserialize)]
pub(crate) struct Deletion {
    #[serde(default)]
    force: bool,
}

pub(crate) async fn list(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Vec<String>>, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    names::known_namespace(&broker, &namespace)?;
    let topics = broker.topics().into_iter().filter(|topic| topic.full_namespace() == namespace);
    Ok(Json(topics.map(|topic| topic.to_string()).collect()))
}

/// What a namespace has not: topics that are not persistent, or have partitions.
pub(crate) async fn none(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<[String; 0]>, Refusal> {
    names::known_namespace(&broker, &names::namespace(&tenant, &namespace)?)?;
    Ok(Json([]))
}

/// In the place of a topic's name, `partitioned` asks for the topics that have partitions.
pub(crate) async fn partitioned(
    broker: State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<[String; 0]>, Refusal> {
    if topic == "partitioned" { none(broker, Path((tenant, namespace))).await } else { Err(Refusal::Method) }
}

/// Of two at once both may hear that they made it: there is one topic either way.
pub(crate) async fn create(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<StatusCode, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| match broker.topic_stats(&topic) {
        Ok(_) => Err(Refusal::Exists(format!("topic {topic}"))),
        Err(AdminError::NoTopic(_)) => Ok(broker.create_topic(&topic)?),
        Err(error) => Err(error.into()),
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| Ok(broker.delete_topic(&topic, deletion.force)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn stats(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<TopicStats>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| Ok(Json(broker.topic_stats(&topic)?))).await
}

pub(crate) async fn subscriptions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<Vec<String>>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    let stats = blocking(broker, move |broker| Ok(broker.topic_stats(&topic)?)).await?;
    Ok(Json(stats.subscriptions.into_keys().collect()))
}

/// 0 means a topic without partitions. One that is not there yet would be made as such.
pub(crate) async fn partitions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<Value>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    names::known_namespace(&broker, &topic.full_namespace())?;
    Ok(Json(json!({ "partitions": 0 })))
}
