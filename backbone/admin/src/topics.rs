//! Topics: persistent or not, and each a whole one, or a partition.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{MatchedPath, State},
};
use hexalpes_broker::{AdminError, Broker, Properties, TopicStats};
use hexalpes_wire::TopicName;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    blocking,
    extract::{Body, Path, Query, Topic},
    lookup::host,
    names,
    refusal::Refusal,
};

#[derive(Deserialize)]
pub(crate) struct Deletion {
    #[serde(default)]
    pub(crate) force: bool,
}

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

/// Those of some topics that are in a namespace, which must be there, and meant.
pub(crate) fn listed(
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

/// Of the kind that the route is of.
pub(crate) async fn list(
    State(broker): State<Broker>,
    route: MatchedPath,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Vec<String>>, Refusal> {
    let domain = names::domain(route.as_str());
    listed(&broker, &tenant, &namespace, broker.topics(), |topic| topic.domain() == domain)
}

/// Of two at once both may hear that they made it: there is one topic either way.
pub(crate) async fn create(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let noted: Option<Properties> = if body.is_empty() { None } else { serde_json::from_slice(&body)? };
    blocking(broker, move |broker| match broker.topic_stats(&topic) {
        Ok(_) => Err(Refusal::Exists(format!("topic {topic}"))),
        Err(AdminError::NoTopic(_)) => {
            broker.create_topic(&topic)?;
            note(broker, &topic, noted)
        }
        Err(error) => Err(error.into()),
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Notes beside a topic that was just made what it was made with.
pub(crate) fn note(broker: &Broker, topic: &TopicName, noted: Option<Properties>) -> Result<(), Refusal> {
    match noted.filter(|noted| !noted.is_empty()) {
        Some(noted) => Ok(broker.set_topic_properties(topic, noted)?),
        None => Ok(()),
    }
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| Ok(broker.delete_topic(&topic, deletion.force)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Of what else there is to be told.
#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Telling {
    get_earliest_time_in_backlog: bool,
    exclude_publishers: bool,
    exclude_consumers: bool,
}

impl Telling {
    /// Adds what is wanted besides, and takes away what is not. `by` is how the caller reaches this broker.
    pub(crate) fn apply(
        self,
        broker: &Broker,
        by: Option<&str>,
        (topic, mut stats): (TopicName, TopicStats),
    ) -> Result<(TopicName, TopicStats), AdminError> {
        if self.get_earliest_time_in_backlog {
            broker.add_earliest(&topic, &mut stats)?;
        }
        if self.exclude_publishers {
            stats.publishers.clear();
        }
        if self.exclude_consumers {
            stats.subscriptions.values_mut().for_each(|subscription| subscription.consumers.clear());
        }
        stats.owner_broker = by.map(str::to_owned);
        Ok((topic, stats))
    }
}

pub(crate) async fn stats(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(telling): Query<Telling>,
    headers: HeaderMap,
) -> Result<Json<TopicStats>, Refusal> {
    blocking(broker, move |broker| {
        let stats = broker.topic_stats(&topic)?;
        Ok(Json(telling.apply(broker, host(&headers), (topic, stats))?.1))
    })
    .await
}

pub(crate) async fn subscriptions(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<BTreeSet<String>>, Refusal> {
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
