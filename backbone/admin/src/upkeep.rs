//! Topics as somebody sees to them: how they lie in the log, what was noted of them, their end.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, CursorStats, InternalStats, LedgerStats, Properties};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

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

/// Lets go of what is not to be kept, as is done from time to time for all topics.
pub(crate) async fn trim(State(broker): State<Broker>, Topic(topic): Topic) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| {
        broker.topic_properties(&topic)?;
        broker.keep_policies();
        Ok(StatusCode::OK)
    })
    .await
}

pub(crate) async fn truncate(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| every(broker, &topic, |_| false, |part| broker.truncate(part))).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn create_missed(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| Ok(broker.create_missing_partitions(&topic)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a topic lies in the log, as it is written down; of one that has partitions, each of them.
pub(crate) async fn info(State(broker): State<Broker>, Topic(topic): Topic) -> Result<Json<Value>, Refusal> {
    blocking(broker, move |broker| {
        let Ok(partitions) = partitions_of(broker, &topic) else {
            return Ok(Json(written(&broker.internal_stats(&topic)?)));
        };
        let mut all = Map::new();
        for part in (0..partitions).map(|number| topic.with_partition(number)) {
            match broker.internal_stats(&part) {
                Ok(stats) => drop(all.insert(part.to_string(), written(&stats))),
                Err(AdminError::NoTopic(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Json(json!({ "version": 0, "partitions": all })))
    })
    .await
}

fn written(stats: &InternalStats) -> Value {
    let position = |spelled: &str| {
        let numbers =
            spelled.split_once(':').map(|(ledger, entry)| (ledger.parse::<i64>(), entry.parse::<i64>()));
        match numbers {
            Some((Ok(ledger), Ok(entry))) => json!({ "ledgerId": ledger, "entryId": entry }),
            _ => Value::Null,
        }
    };
    let ledger = |ledger: &LedgerStats| json!({ "ledgerId": ledger.ledger_id, "entries": ledger.entries, "size": ledger.size, "isOffloaded": false });
    let ledgers: Vec<_> = stats.ledgers.iter().map(ledger).collect();
    let cursor = |cursor: &CursorStats| {
        let mark = position(&cursor.mark_delete_position);
        json!({ "version": 0, "cursorsLedgerId": cursor.cursor_ledger, "markDelete": mark })
    };
    let cursors: Map<_, _> =
        stats.cursors.iter().map(|(name, stats)| (name.clone(), cursor(stats))).collect();
    json!({ "version": 0, "ledgers": ledgers, "cursors": cursors })
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
