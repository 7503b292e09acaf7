//! Topics that are not persistent: paths with `non-persistent` in them, and lists with topics of both kinds.
//!
//! Of what only stored topics have there is nothing here.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, TopicStats};
use hexalpes_wire::TopicName;
use http::StatusCode;
use serde::Deserialize;

use crate::{
    blocking,
    extract::{Body, Path, Query},
    names,
    partitions::{Asked, Detail, PartitionedStats, Partitions, number},
    refusal::Refusal,
    topics::{Deletion, TopicPath},
};

/// Which topics a list is of.
#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Mode {
    #[default]
    Persistent,
    NonPersistent,
    All,
}

#[derive(Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    mode: Mode,
}

fn named(tenant: &str, namespace: &str, local: &str) -> Result<TopicName, Refusal> {
    Ok(TopicName::parse(&format!("non-persistent://{tenant}/{namespace}/{local}"))?)
}

fn listed(
    broker: &Broker,
    tenant: &str,
    namespace: &str,
    all: impl IntoIterator<Item = TopicName>,
    is_meant: impl Fn(&TopicName) -> bool,
) -> Result<Json<Vec<String>>, Refusal> {
    let namespace = names::namespace(tenant, namespace)?;
    names::known_namespace(broker, &namespace)?;
    let meant = all.into_iter().filter(|topic| topic.full_namespace() == namespace && is_meant(topic));
    Ok(Json(meant.map(|topic| topic.to_string()).collect()))
}

/// `/namespaces/{tenant}/{namespace}/topics`
pub(crate) async fn of_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
    Query(Listing { mode }): Query<Listing>,
) -> Result<Json<Vec<String>>, Refusal> {
    listed(&broker, &tenant, &namespace, broker.topics(), |topic| match mode {
        Mode::All => true,
        Mode::Persistent => topic.is_persistent(),
        Mode::NonPersistent => !topic.is_persistent(),
    })
}

pub(crate) async fn list(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Vec<String>>, Refusal> {
    listed(&broker, &tenant, &namespace, broker.topics(), |topic| !topic.is_persistent())
}

pub(crate) async fn partitioned(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Vec<String>>, Refusal> {
    let all = broker.partitioned_topics().into_iter().map(|(topic, _)| topic);
    listed(&broker, &tenant, &namespace, all, |topic| !topic.is_persistent())
}

pub(crate) async fn create(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<StatusCode, Refusal> {
    let topic = named(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| match broker.topic_stats(&topic) {
        Ok(_) => Err(AdminError::Exists.into()),
        Err(_) => Ok(broker.create_topic(&topic)?),
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    let topic = named(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| Ok(broker.delete_topic(&topic, deletion.force)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn stats(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<TopicStats>, Refusal> {
    Ok(Json(broker.topic_stats(&named(&tenant, &namespace, &topic)?)?))
}

pub(crate) async fn subscriptions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<BTreeSet<String>>, Refusal> {
    let stats = broker.topic_stats(&named(&tenant, &namespace, &topic)?)?;
    Ok(Json(stats.subscriptions.into_keys().collect()))
}

/// 0 means a topic without partitions.
pub(crate) async fn read_partitions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(asked): Query<Asked>,
) -> Result<Json<Partitions>, Refusal> {
    let topic = named(&tenant, &namespace, &topic)?;
    names::known_namespace(&broker, &topic.full_namespace())?;
    let partitions =
        blocking(broker, move |broker| Ok(broker.partitions(&topic, asked.check_allow_auto_creation)?));
    Ok(Json(Partitions::of(partitions.await?)))
}

pub(crate) async fn create_partitions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (topic, partitions) = (named(&tenant, &namespace, &topic)?, number(&body)?);
    blocking(broker, move |broker| Ok(broker.create_partitioned(&topic, partitions)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn grow_partitions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (topic, partitions) = (named(&tenant, &namespace, &topic)?, number(&body)?);
    blocking(broker, move |broker| Ok(broker.grow_partitioned(&topic, partitions)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete_partitions(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    let topic = named(&tenant, &namespace, &topic)?;
    blocking(broker, move |broker| Ok(broker.delete_partitioned(&topic, deletion.force)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn partitioned_stats(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
    Query(detail): Query<Detail>,
) -> Result<Json<PartitionedStats>, Refusal> {
    let topic = named(&tenant, &namespace, &topic)?;
    Ok(Json(PartitionedStats::of(&broker, &topic, &detail)?))
}
