//! Topics: persistent, and each a whole one, or a partition.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, TopicStats};
use hexalpes_wire::TopicName;
use http::StatusCode;
use serde::Deserialize;

use crate::{
    blocking,
    extract::{Path, Query},
    names,
    refusal::Refusal,
};

/// Tenant, namespace, local name.
pub(crate) type TopicPath = Path<(String, String, String)>;

#[derive(Deserialize)]
pub(crate) struct Deletion {
    #[serde(default)]
    pub(crate) force: bool,
}

pub(crate) async fn list(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Vec<String>>, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    names::known_namespace(&broker, &namespace)?;
    let is_of_it = |topic: &TopicName| topic.is_persistent() && topic.full_namespace() == namespace;
    let topics = broker.topics().into_iter().filter(is_of_it);
    Ok(Json(topics.map(|topic| topic.to_string()).collect()))
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
) -> Result<Json<BTreeSet<String>>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| {
        let stats = match broker.partition_stats(&topic) {
            Ok(partitions) => partitions.into_iter().map(|(_, stats)| stats).collect(),
            Err(_) => vec![broker.topic_stats(&topic)?],
        };
        let names: BTreeSet<_> =
            stats.into_iter().flat_map(|stats| stats.subscriptions.into_keys()).collect();
        Ok(Json(names))
    })
    .await
}
