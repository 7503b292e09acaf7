//! Topics that have partitions: made, grown, deleted and counted as one.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{MatchedPath, State},
};
use hexalpes_broker::{AdminError, Broker, Properties, TopicStats};
use hexalpes_wire::TopicName;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    blocking,
    extract::{Body, Path, Query, Topic},
    lookup::host,
    names,
    refusal::Refusal,
    topics::{Deletion, Telling, listed, note},
};

#[derive(Serialize)]
pub(crate) struct Partitions {
    #[serde(rename = "partitions")]
    count: u32,
    deleted: bool,
    #[serde(skip_serializing_if = "Properties::is_empty")]
    properties: Properties,
}

/// A topic to be made: how many partitions, or that with what is noted beside it.
#[derive(Deserialize)]
struct New {
    partitions: u32,
    #[serde(default)]
    properties: Option<Properties>,
}

impl New {
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.trim_ascii_start().starts_with(b"{") {
            return Ok(serde_json::from_slice(body)?);
        }
        Ok(Self { partitions: number(body)?, properties: None })
    }
}

impl Partitions {
    pub(crate) const fn of(count: u32) -> Self {
        Self { count, deleted: false, properties: Properties::new() }
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
    pub(crate) fn of(
        broker: &Broker,
        topic: &TopicName,
        detail: &Detail,
        telling: Telling,
        by: Option<&str>,
    ) -> Result<Self, AdminError> {
        let there = broker.partition_stats(topic)?;
        let there = there.into_iter().map(|one| telling.apply(broker, by, one));
        let there = there.collect::<Result<Vec<_>, _>>()?;
        let metadata = Partitions::of(broker.partitions(topic, false)?);
        let sum = TopicStats::sum(there.iter().map(|(_, stats)| stats));
        let each = there.into_iter().map(|(topic, stats)| (topic.to_string(), stats));
        let partitions = each.filter(|_| detail.per_partition).collect();
        Ok(Self { sum, metadata, partitions })
    }
}

/// `…/{tenant}/{namespace}/partitioned`, of the kind that the route is of; in the path it stands where a topic's name does.
pub(crate) async fn list(
    State(broker): State<Broker>,
    route: MatchedPath,
    Path((tenant, namespace, topic)): Path<(String, String, String)>,
) -> Result<Json<Vec<String>>, Refusal> {
    if topic != "partitioned" {
        return Err(Refusal::Method);
    }
    let domain = names::domain(route.as_str());
    let all = broker.partitioned_topics().into_iter().map(|(topic, _)| topic);
    listed(&broker, &tenant, &namespace, all, |topic| topic.domain() == domain)
}

/// 0 means a topic without partitions.
pub(crate) async fn read(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(asked): Query<Asked>,
) -> Result<Json<Partitions>, Refusal> {
    names::known_namespace(&broker, &topic.full_namespace())?;
    let may_create = asked.check_allow_auto_creation;
    blocking(broker, move |broker| {
        let partitions = broker.partitions(&topic, may_create)?;
        let properties = broker.topic_properties(&topic).unwrap_or_default();
        let properties = if partitions > 0 { properties } else { Properties::new() };
        Ok(Json(Partitions { properties, ..Partitions::of(partitions) }))
    })
    .await
}

pub(crate) async fn create(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let New { partitions, properties } = New::parse(&body)?;
    blocking(broker, move |broker| {
        broker.create_partitioned(&topic, partitions)?;
        note(broker, &topic, properties)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn grow(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let partitions = number(&body)?;
    blocking(broker, move |broker| Ok(broker.grow_partitioned(&topic, partitions)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| Ok(broker.delete_partitioned(&topic, deletion.force)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn stats(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(detail): Query<Detail>,
    Query(telling): Query<Telling>,
    headers: HeaderMap,
) -> Result<Json<PartitionedStats>, Refusal> {
    blocking(broker, move |broker| {
        Ok(Json(PartitionedStats::of(broker, &topic, &detail, telling, host(&headers))?))
    })
    .await
}

/// The body is a number. One below zero is none of partitions, as 0 is.
pub(crate) fn number(body: &[u8]) -> Result<u32, Refusal> {
    let number: i64 = serde_json::from_slice(body)?;
    Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
