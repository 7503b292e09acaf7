//! A topic's policies one by one: they go before those of its namespace.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use hexalpes_broker::{Broker, Policy};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    absent, blocking,
    extract::{Body, Path, Query, Topic},
    policies::{checked, given},
    refusal::Refusal,
};

/// Tenant, namespace, local name, policy.
type PolicyPath = Path<(String, String, String, String)>;

#[derive(Deserialize)]
pub(crate) struct Applied {
    /// Also what the namespace says, and what counts where nobody says anything.
    #[serde(default)]
    pub(crate) applied: bool,
}

#[derive(Deserialize)]
pub(crate) struct Seconds {
    /// Pulsar's clients say it here, and not in the body.
    #[serde(rename = "messageTTL")]
    message_ttl: Option<i32>,
}

fn parsed(policy: &str) -> Result<Policy, Refusal> {
    Ok(match policy {
        "messageTTL" => Policy::MessageTtl,
        "retention" => Policy::Retention,
        "inactiveTopicPolicies" => Policy::InactiveTopics,
        "deduplicationEnabled" => Policy::Deduplication,
        "delayedDelivery" => Policy::DelayedDelivery,
        "subscriptionTypesEnabled" => Policy::SubscriptionTypes,
        "maxProducers" => Policy::MaxProducers,
        "maxConsumers" => Policy::MaxConsumers,
        "maxConsumersPerSubscription" => Policy::MaxConsumersPerSubscription,
        "maxSubscriptionsPerTopic" => Policy::MaxSubscriptions,
        "persistence" => Policy::Persistence,
        "publishRate" => Policy::PublishRate,
        "dispatchRate" => Policy::DispatchRate,
        "subscriptionDispatchRate" => Policy::SubscriptionDispatchRate,
        "replicatorDispatchRate" => Policy::ReplicatorDispatchRate,
        "subscribeRate" => Policy::SubscribeRate,
        "maxUnackedMessagesOnConsumer" => Policy::MaxUnackedPerConsumer,
        "maxUnackedMessagesOnSubscription" => Policy::MaxUnackedPerSubscription,
        "maxMessageSize" => Policy::MaxMessageSize,
        "deduplicationSnapshotInterval" => Policy::DeduplicationSnapshotInterval,
        "compactionThreshold" => Policy::CompactionThreshold,
        "schemaCompatibilityStrategy" => Policy::SchemaCompatibility,
        "schemaValidationEnforced" => Policy::SchemaValidationEnforced,
        "autoSubscriptionCreation" => Policy::AutoSubscriptionCreation,
        other => return Err(absent::refused(other)),
    })
}

/// What counts where neither the topic nor its namespace says anything.
fn unsaid(policy: Policy) -> Option<Value> {
    Some(match policy {
        Policy::Retention => json!({ "retentionTimeInMinutes": 0, "retentionSizeInMB": 0 }),
        Policy::InactiveTopics => json!({
            "inactiveTopicDeleteMode": "delete_when_no_subscriptions",
            "maxInactiveDurationSeconds": 60,
            "deleteWhileInactive": true,
        }),
        Policy::Deduplication => false.into(),
        Policy::DelayedDelivery => {
            json!({ "active": true, "tickTime": 1000, "maxDeliveryDelayInMillis": 0 })
        }
        Policy::MessageTtl | Policy::MaxProducers | Policy::MaxConsumers | Policy::CompactionThreshold => {
            0.into()
        }
        Policy::DispatchRate | Policy::SubscriptionDispatchRate | Policy::ReplicatorDispatchRate => json!({
            "dispatchThrottlingRateInMsg": 0,
            "dispatchThrottlingRateInByte": 0,
            "relativeToPublishRate": false,
            "ratePeriodInSecond": 1,
        }),
        Policy::SubscribeRate => {
            json!({ "subscribeThrottlingRatePerConsumer": 0, "ratePeriodInSecond": 30 })
        }
        Policy::MaxUnackedPerConsumer => 50_000.into(),
        Policy::MaxUnackedPerSubscription => 200_000.into(),
        Policy::AutoSubscriptionCreation => json!({ "allowAutoSubscriptionCreation": true }),
        Policy::SchemaCompatibility => "FULL".into(),
        _ => return None,
    })
}

/// Nothing where it is not set.
pub(crate) async fn read(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, policy)): PolicyPath,
    Query(Applied { applied }): Query<Applied>,
) -> Result<Response, Refusal> {
    if let Some(unset) = absent::read(&policy) {
        broker.topic_properties(&topic)?;
        return Ok(unset);
    }
    let policy = parsed(&policy)?;
    let own = broker.topic_policy(&topic, policy)?;
    let says = |set: &Value| !set.is_null() && *set != "UNDEFINED";
    let of_namespace = broker.policy(&topic.full_namespace(), policy)?.filter(says);
    let others = applied.then(|| of_namespace.or_else(|| unsaid(policy))).flatten();
    let none = match policy {
        Policy::SubscriptionTypes => Some(json!([])),
        Policy::SchemaValidationEnforced => Some(false.into()),
        _ => None,
    };
    Ok(match own.or(others).or(none) {
        Some(set) => Json(set).into_response(),
        None => match policy {
            // As by Pulsar, whose two ways of saying nothing these are.
            Policy::MaxConsumersPerSubscription
            | Policy::MaxSubscriptions
            | Policy::PublishRate
            | Policy::MaxMessageSize => StatusCode::NO_CONTENT,
            _ => StatusCode::OK,
        }
        .into_response(),
    })
}

pub(crate) async fn set(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, policy)): PolicyPath,
    Query(Seconds { message_ttl }): Query<Seconds>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let policy = parsed(&policy)?;
    if policy == Policy::SchemaCompatibility {
        return Err(Refusal::Method);
    }
    let value = match message_ttl {
        Some(seconds) if policy == Policy::MessageTtl => seconds.into(),
        _ => given(policy, &body)?,
    };
    let value = checked(policy, value)?;
    let most = broker.message_bytes_max();
    if policy == Policy::MaxMessageSize && value.as_u64().is_some_and(|bytes| bytes > most as u64) {
        return Err(Refusal::MessageSize(most));
    }
    blocking(broker, move |broker| Ok(broker.change_topic_policy(&topic, policy, |set| *set = value)?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one policy that is set by PUT.
pub(crate) async fn replace(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, policy)): PolicyPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let policy = parsed(&policy)?;
    if policy != Policy::SchemaCompatibility {
        return Err(Refusal::Method);
    }
    let value = checked(policy, serde_json::from_slice(&body)?)?;
    blocking(broker, move |broker| Ok(broker.change_topic_policy(&topic, policy, |set| *set = value)?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All of a topic's own.
pub(crate) async fn clear(State(broker): State<Broker>, Topic(topic): Topic) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| Ok(broker.clear_topic_policies(&topic)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn unset(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, policy)): PolicyPath,
) -> Result<StatusCode, Refusal> {
    let policy = parsed(&policy)?;
    blocking(broker, move |broker| Ok(broker.change_topic_policy(&topic, policy, |set| *set = Value::Null)?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
