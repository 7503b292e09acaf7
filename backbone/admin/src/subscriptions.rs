//! Subscriptions: made, ended, moved. Of a topic with partitions, on each of them.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, BacklogAnalysis, Broker, Expired, Properties, SubscriptionStart};
use http::StatusCode;

use crate::{
    blocking,
    each::{every, no_subscription, parts, whole},
    extract::{Body, Path, Query, Topic},
    positions::{Beginning, Id},
    refusal::Refusal,
    topics::Deletion,
};

/// Tenant, namespace, local name, subscription.
pub(crate) type SubscriptionPath = Path<(String, String, String, String)>;

/// The same with a number behind it.
pub(crate) type NumberPath = Path<(String, String, String, String, i64)>;

pub(crate) async fn create(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let Beginning { start, properties } = Beginning::parse(&body)?;
    blocking(broker, move |broker| {
        broker.partitions(&topic, true)?;
        // As by Pulsar: what some partitions have already, the others get.
        every(
            broker,
            &topic,
            |error| matches!(error, AdminError::SubscriptionExists),
            |part| broker.create_subscription(part, &subscription, start, properties.clone()),
        )
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| {
            broker.delete_subscription(part, &subscription, deletion.force)
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn skip(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription, entries)): NumberPath,
) -> Result<StatusCode, Refusal> {
    let entries = u64::try_from(entries).unwrap_or(0);
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(broker.skip(&topic, &subscription, entries)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn clear(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| broker.clear_backlog(part, &subscription))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn reset_to_time(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription, time)): NumberPath,
) -> Result<StatusCode, Refusal> {
    let to = SubscriptionStart::Published(u64::try_from(time).unwrap_or(0));
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| broker.reset_cursor(part, &subscription, to))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn reset_to_message(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    if body.is_empty() {
        return Err(Refusal::NoPlace);
    }
    let Beginning { start, .. } = Beginning::parse(&body)?;
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(broker.reset_cursor(&topic, &subscription, start)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// By age in seconds; 0 and less expire nothing.
pub(crate) async fn expire(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription, seconds)): NumberPath,
) -> Result<StatusCode, Refusal> {
    let expired = older_than(seconds);
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| broker.expire_messages(part, &subscription, expired))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn expire_all(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, seconds)): Path<(String, String, String, i64)>,
) -> Result<StatusCode, Refusal> {
    let expired = older_than(seconds);
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| {
            let mut refused = None;
            for subscription in broker.subscriptions(part)? {
                refused = broker.expire_messages(part, &subscription, expired).err().or(refused);
            }
            refused.map_or(Ok(()), Err)
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Up to a message, and it.
pub(crate) async fn expire_through(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let expired = Expired::Through(Id::parse(&body)?.message());
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(broker.expire_messages(&topic, &subscription, expired)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn older_than(seconds: i64) -> Expired {
    Expired::OlderThan(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).unwrap_or(u64::MAX))
}

/// Of a topic with partitions, those of the first that has the subscription.
pub(crate) async fn properties(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
) -> Result<Json<Properties>, Refusal> {
    blocking(broker, move |broker| {
        let mut refused = AdminError::NoTopic(topic.clone());
        for part in parts(broker, &topic) {
            match broker.subscription_properties(&part, &subscription) {
                Ok(properties) => return Ok(Json(properties)),
                Err(error) => refused = error,
            }
        }
        Err(refused.into())
    })
    .await
}

pub(crate) async fn set_properties(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let properties: Properties = serde_json::from_slice(&body)?;
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| {
            broker.set_subscription_properties(part, &subscription, properties.clone())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What waits, looked at entry by entry.
pub(crate) async fn analyze(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
) -> Result<Json<BacklogAnalysis>, Refusal> {
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(Json(broker.analyze_backlog(&topic, &subscription)?))
    })
    .await
}

/// No subscription is replicated, for there is no other cluster.
pub(crate) async fn replicated(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
) -> Result<Json<BTreeMap<String, bool>>, Refusal> {
    blocking(broker, move |broker| {
        let mut all = BTreeMap::new();
        for part in parts(broker, &topic) {
            broker.subscription_properties(&part, &subscription)?;
            all.insert(part.to_string(), false);
        }
        Ok(Json(all))
    })
    .await
}

pub(crate) async fn set_replicated(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription)): SubscriptionPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let is_wanted: bool = serde_json::from_slice(&body)?;
    blocking(broker, move |broker| {
        every(broker, &topic, no_subscription, |part| {
            broker.subscription_properties(part, &subscription).map(drop)
        })
    })
    .await?;
    if is_wanted { Err(Refusal::NotYet("replicated subscriptions")) } else { Ok(StatusCode::NO_CONTENT) }
}
