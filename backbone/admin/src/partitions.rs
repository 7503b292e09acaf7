//! Topics that have partitions: made, grown, deleted and counted as one.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, TopicStats};
use hexalpes_wire::TopicName;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    blocking,
    extract::{Body, Path, Query},
    names,
    refusal::Refusal,
    topics::{Deletion, TopicPath},
};

#[derive(Serialize)]
pub(crate) struct Partitions {
    partitions: u32,
    deleted: bool,
}

impl Partitions {
    pub(crate) const fn of(partitions: u32) -> Self {
        Self { partitions, deleted: false }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    /// Whether asking may make the topic, as its namespace says.
    #[serde(default)]
    pub(crate) check_allow_auto_creation: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    #[serde(default = "yes")]
    per_partition: bool,
}

const fn yes() -> bool {
    true
}

/// A topic with partitions, as the sum of them.
#[derive(Serialize)]
pub(crate) struct PartitionedStats {
    #[serde(flatten)]
    sum: TopicStats,
    metadata: Partitions,
    partitions: BTreeMap<String, TopicStats>,
}

impl PartitionedStats {
    pub(crate) fn of(broker: &Broker, topic: &TopicName, detail: &Detail) -> Result<Self, AdminError> {
        let there = broker.partition_stats(topic)?;
        let metadata = Partitions::of(broker.partitions(topic, false)?);
        let sum = TopicStats::sum(there.iter().map(|(_, stats)| stats));
        let each = there.into_iter().map(|(topic, stats)| (topic.to_string(), stats));
        let partitions = each.filter(|_| detail.per_partition).collect();
        Ok(Self { sum, metadata, partitions })
    }
}

/// `…/persistent/{tenant}/{namespace}/partitioned`; in the path it stands where a topic's name does.
pub(crate) async fn list(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<Vec<String>>, Refusal> {
    if topic != "partitioned" {
        return Err(Refusal::Method);
    }
    let namespace = names::namespace(&tenant, &namespace)?;
    names::known_namespace(&broker, &namespace)?;
    let all = broker.partitioned_topics().into_iter().map(|(topic, _)| topic);
    let stored = all.filter(|topic| topic.is_persistent() && topic.full_namespace() == namespace);
    Ok(Json(stored.map(|topic| topic.to_string()).collect()))
}

/// 0 means a topic without partitions.
pub(crate) async fn read(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(asked): Query<Asked>,
) -> Result<Json<Partitions>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    names::known_namespace(&broker, &topic.full_namespace())?;
    let may_create = asked.check_allow_auto_creation;
    let partitions = blocking(broker, move |broker| Ok(broker.partitions(&topic, may_create)?)).await?;
    Ok(Json(Partitions::of(partitions)))
}

pub(crate) async fn create(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (topic, partitions) = (names::topic(&tenant, &namespace, &topic)?, number(&body)?);
    blocking(broker, move |broker| Ok(broker.create_partitioned(&topic, partitions)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn grow(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (topic, partitions) = (names::topic(&tenant, &namespace, &topic)?, number(&body)?);
    blocking(broker, move |broker| Ok(broker.grow_partitioned(&topic, partitions)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| Ok(broker.delete_partitioned(&topic, deletion.force)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn stats(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(detail): Query<Detail>,
) -> Result<Json<PartitionedStats>, Refusal> {
    let topic = names::topic(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| Ok(Json(PartitionedStats::of(broker, &topic, &detail)?))).await
}

/// The body is a number. One below zero is none of partitions, as 0 is.
pub(crate) fn number(body: &[u8]) -> Result<u32, Refusal> {
    let number: i64 = serde_json::from_slice(body)?;
    Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
