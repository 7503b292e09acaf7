//! Topics as somebody sees to them: how they lie in the log, what was noted of them, their end.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, InternalStats, Properties};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    blocking,
    each::{every, whole},
    extract::{Body, Query, Topic},
    partitions::Partitions,
    positions::IdView,
    refusal::Refusal,
};

#[derive(Serialize)]
pub(crate) struct PartitionedInternals {
    metadata: Partitions,
    partitions: BTreeMap<String, InternalStats>,
}

#[derive(Deserialize)]
pub(crate) struct Key {
    key: String,
}

pub(crate) async fn internals(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<InternalStats>, Refusal> {
    blocking(broker, move |broker| Ok(Json(broker.internal_stats(&topic)?))).await
}

pub(crate) async fn partitioned_internals(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<PartitionedInternals>, Refusal> {
    blocking(broker, move |broker| {
        let metadata = Partitions::of(partitions_of(broker, &topic)?);
        let mut partitions = BTreeMap::new();
        for part in crate::each::parts(broker, &topic) {
            match broker.internal_stats(&part) {
                Ok(stats) => drop(partitions.insert(part.to_string(), stats)),
                Err(AdminError::NoTopic(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Json(PartitionedInternals { metadata, partitions }))
    })
    .await
}

/// How many partitions a topic has that has some.
fn partitions_of(broker: &Broker, topic: &hexalpes_wire::TopicName) -> Result<u32, Refusal> {
    match broker.partitions(topic, false) {
        Ok(partitions @ 1..) => Ok(partitions),
        _ => Err(AdminError::NotPartitionedToRead(topic.clone()).into()),
    }
}

pub(crate) async fn terminate(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<IdView>, Refusal> {
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(Json(broker.terminate(&topic)?.whole_entry().into()))
    })
    .await
}

pub(crate) async fn terminate_partitions(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<BTreeMap<u32, IdView>>, Refusal> {
    blocking(broker, move |broker| {
        let partitions = partitions_of(broker, &topic).map_err(|_| Refusal::NotPartitioned(topic.clone()))?;
        let terminated =
            |number| Ok((number, broker.terminate(&topic.with_partition(number))?.whole_entry().into()));
        (0..partitions).map(terminated).collect::<Result<_, Refusal>>().map(Json)
    })
    .await
}

/// There is no other broker that could serve the topic.
pub(crate) async fn unload(State(broker): State<Broker>, Topic(topic): Topic) -> Result<StatusCode, Refusal> {
    broker.topic_properties(&topic)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn truncate(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| every(broker, &topic, |_| false, |part| broker.truncate(part))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A topic's partitions are all there always.
pub(crate) async fn create_missed(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<StatusCode, Refusal> {
    partitions_of(&broker, &topic)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn properties(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<Properties>, Refusal> {
    Ok(Json(broker.topic_properties(&topic)?))
}

pub(crate) async fn set_properties(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let more: Properties = serde_json::from_slice(&body)?;
    blocking(broker, move |broker| Ok(broker.set_topic_properties(&topic, more)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn remove_property(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(Key { key }): Query<Key>,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| Ok(broker.remove_topic_property(&topic, &key)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
