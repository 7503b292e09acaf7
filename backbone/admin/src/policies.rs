//! A namespace's policies one by one: checked, stored and given back as they came.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use hexalpes_broker::{Broker, Grants, PARTITIONS_MAX, Policy, Properties};
use hexalpes_registry::Strategy;
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Number, Value};

use crate::{
    CLUSTER, absent, blocking,
    extract::{Body, Path},
    names,
    quotas::Quotas,
    refusal::Refusal,
};

/// Of subscriptions.
const KINDS: [&str; 4] = ["Exclusive", "Failover", "Shared", "Key_Shared"];

/// Tenant, namespace, policy.
type PolicyPath = Path<(String, String, String)>;

/// `-1` is without limit.
#[derive(Serialize, Deserialize)]
struct Retention {
    #[serde(rename = "retentionTimeInMinutes")]
    time_minutes: i64,
    #[serde(rename = "retentionSizeInMB")]
    size_mb: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InactiveTopics {
    inactive_topic_delete_mode: DeleteMode,
    max_inactive_duration_seconds: i32,
    delete_while_inactive: bool,
}

/// What becomes of a topic that somebody uses and nobody made.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AutoTopicCreation {
    #[serde(rename = "allowAutoTopicCreation")]
    is_allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_type: Option<TopicType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_num_partitions: Option<u32>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum TopicType {
    Partitioned,
    NonPartitioned,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeleteMode {
    DeleteWhenNoSubscriptions,
    DeleteWhenSubscriptionsCaughtUp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DelayedDelivery {
    active: bool,
    /// In milliseconds. Kept and given back: what is due is delivered when it is.
    tick_time: i64,
    #[serde(default)]
    max_delivery_delay_in_millis: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AutoSubscriptionCreation {
    allow_auto_subscription_creation: bool,
}

/// How many copies there are to be. Here there is one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Persistence {
    bookkeeper_ensemble: u32,
    bookkeeper_write_quorum: u32,
    bookkeeper_ack_quorum: u32,
    managed_ledger_max_mark_delete_rate: Number,
}

/// A limit of 0 or less is none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishRate {
    #[serde(default = "unlimited")]
    publish_throttling_rate_in_msg: i32,
    #[serde(default = "unlimited")]
    publish_throttling_rate_in_byte: i64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DispatchRate {
    dispatch_throttling_rate_in_msg: i32,
    dispatch_throttling_rate_in_byte: i64,
    /// Kept and given back: the rate counts as it is.
    relative_to_publish_rate: bool,
    /// In seconds; 0 is 1.
    rate_period_in_second: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscribeRate {
    #[serde(default = "unlimited")]
    subscribe_throttling_rate_per_consumer: i32,
    #[serde(default = "half_a_minute")]
    rate_period_in_second: u32,
}

fn unlimited<T: From<i8>>() -> T {
    T::from(-1)
}

const fn half_a_minute() -> u32 {
    30
}

/// Nothing where the namespace leaves it to the broker.
pub(crate) async fn read(
    State(broker): State<Broker>,
    Path((tenant, namespace, policy)): PolicyPath,
) -> Result<Response, Refusal> {
    if let Some(unset) = absent::read(&policy) {
        names::known_namespace(&broker, &names::namespace(&tenant, &namespace)?)?;
        return Ok(unset);
    }
    let (namespace, policy) = parsed(&tenant, &namespace, &policy)?;
    let set = broker.policy(&namespace, policy)?.filter(|value| !value.is_null());
    Ok(match set.or_else(|| unset_value(policy)) {
        Some(value) => Json(value).into_response(),
        None => StatusCode::OK.into_response(),
    })
}

/// Pulsar answers these, and not nothing, where nobody said more.
fn unset_value(policy: Policy) -> Option<Value> {
    match policy {
        Policy::SchemaCompatibility => Some(Strategy::Undefined.name().into()),
        Policy::AllowAutoUpdateSchema => Some(true.into()),
        Policy::SchemaValidationEnforced | Policy::EncryptionRequired => Some(false.into()),
        Policy::SubscriptionAuthMode => Some("None".into()),
        Policy::MaxTopics => Some(0.into()),
        Policy::SubscriptionTypes | Policy::AllowedClusters => Some(Value::Array(Vec::new())),
        _ => None,
    }
}

/// These alone are set by PUT, and by nothing else.
const fn is_set_by_put(policy: Policy) -> bool {
    matches!(policy, Policy::SchemaCompatibility | Policy::CompactionThreshold)
}

pub(crate) async fn replace(
    State(broker): State<Broker>,
    Path((tenant, namespace, policy)): PolicyPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (namespace, policy) = parsed(&tenant, &namespace, &policy)?;
    if !is_set_by_put(policy) {
        return Err(Refusal::Method);
    }
    let value = checked(policy, given(policy, &body)?)?;
    store(broker, namespace, policy, value).await
}

pub(crate) async fn set(
    State(broker): State<Broker>,
    Path((tenant, namespace, policy)): PolicyPath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (namespace, policy) = parsed(&tenant, &namespace, &policy)?;
    if is_set_by_put(policy) {
        return Err(Refusal::Method);
    }
    let value = checked(policy, given(policy, &body)?)?;
    store(broker, namespace, policy, value).await
}

/// The body; nothing is null, where that means that nothing is set any more.
pub(crate) fn given(policy: Policy, body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() && is_unset_by_nothing(policy) {
        Ok(Value::Null)
    } else {
        Ok(serde_json::from_slice(body)?)
    }
}

const fn is_unset_by_nothing(policy: Policy) -> bool {
    use Policy::{
        DeduplicationSnapshotInterval, DispatchRate, PublishRate, ReplicatorDispatchRate, SubscribeRate,
        SubscriptionAuthMode, SubscriptionDispatchRate,
    };
    matches!(
        policy,
        PublishRate
            | DispatchRate
            | SubscriptionDispatchRate
            | ReplicatorDispatchRate
            | SubscribeRate
            | SubscriptionAuthMode
            | DeduplicationSnapshotInterval
    )
}

pub(crate) async fn unset(
    State(broker): State<Broker>,
    Path((tenant, namespace, policy)): PolicyPath,
) -> Result<StatusCode, Refusal> {
    let (namespace, policy) = parsed(&tenant, &namespace, &policy)?;
    store(broker, namespace, policy, Value::Null).await
}

async fn store(
    broker: Broker,
    namespace: String,
    policy: Policy,
    value: Value,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| Ok(broker.set_policy(&namespace, policy, value)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(tenant: &str, namespace: &str, policy: &str) -> Result<(String, Policy), Refusal> {
    let policy = match policy {
        "deduplication" => Policy::Deduplication,
        "retention" => Policy::Retention,
        "inactiveTopicPolicies" => Policy::InactiveTopics,
        "compactionThreshold" => Policy::CompactionThreshold,
        "autoTopicCreation" => Policy::AutoTopicCreation,
        "schemaCompatibilityStrategy" => Policy::SchemaCompatibility,
        "isAllowAutoUpdateSchema" => Policy::AllowAutoUpdateSchema,
        "schemaValidationEnforced" => Policy::SchemaValidationEnforced,
        "messageTTL" => Policy::MessageTtl,
        "maxProducersPerTopic" => Policy::MaxProducers,
        "maxConsumersPerTopic" => Policy::MaxConsumers,
        "maxConsumersPerSubscription" => Policy::MaxConsumersPerSubscription,
        "maxSubscriptionsPerTopic" => Policy::MaxSubscriptions,
        "maxTopicsPerNamespace" => Policy::MaxTopics,
        "subscriptionExpirationTime" => Policy::SubscriptionExpiration,
        "autoSubscriptionCreation" => Policy::AutoSubscriptionCreation,
        "subscriptionTypesEnabled" => Policy::SubscriptionTypes,
        "delayedDelivery" => Policy::DelayedDelivery,
        "persistence" => Policy::Persistence,
        "publishRate" => Policy::PublishRate,
        "dispatchRate" => Policy::DispatchRate,
        "subscriptionDispatchRate" => Policy::SubscriptionDispatchRate,
        "replicatorDispatchRate" => Policy::ReplicatorDispatchRate,
        "subscribeRate" => Policy::SubscribeRate,
        "maxUnackedMessagesPerConsumer" => Policy::MaxUnackedPerConsumer,
        "maxUnackedMessagesPerSubscription" => Policy::MaxUnackedPerSubscription,
        "encryptionRequired" => Policy::EncryptionRequired,
        "subscriptionAuthMode" => Policy::SubscriptionAuthMode,
        "deduplicationSnapshotInterval" => Policy::DeduplicationSnapshotInterval,
        "allowedClusters" => Policy::AllowedClusters,
        other => return Err(absent::refused(other)),
    };
    Ok((names::namespace(tenant, namespace)?, policy))
}

/// The value, if it is one for this policy, without what does not belong to it.
pub(crate) fn checked(policy: Policy, value: Value) -> Result<Value, Refusal> {
    match policy {
        _ if value.is_null() && is_unset_by_nothing(policy) => Ok(Value::Null),
        Policy::Deduplication
        | Policy::AllowAutoUpdateSchema
        | Policy::SchemaValidationEnforced
        | Policy::EncryptionRequired => canonical::<bool>(value),
        Policy::PublishRate => canonical::<PublishRate>(value),
        Policy::DispatchRate | Policy::SubscriptionDispatchRate | Policy::ReplicatorDispatchRate => {
            canonical::<DispatchRate>(value)
        }
        Policy::SubscribeRate => canonical::<SubscribeRate>(value),
        Policy::SubscriptionAuthMode => match value.as_str() {
            Some("None" | "Prefix") => Ok(value),
            _ => Err(Refusal::SubscriptionAuthMode),
        },
        Policy::AllowedClusters => {
            let wanted = BTreeSet::<String>::deserialize(&value)?;
            match wanted.iter().find(|cluster| *cluster != CLUSTER) {
                Some(other) => Err(Refusal::OtherCluster(other.clone())),
                None => Ok(serde_json::to_value(wanted)?),
            }
        }
        Policy::Properties => canonical::<Properties>(value),
        Policy::SchemaCompatibility => {
            let strategy = Option::<String>::deserialize(&value)?.map(|name| name.parse::<Strategy>());
            Ok(strategy.transpose()?.unwrap_or(Strategy::Undefined).name().into())
        }
        Policy::InactiveTopics => canonical::<InactiveTopics>(value),
        Policy::MessageTtl
        | Policy::MaxProducers
        | Policy::MaxConsumers
        | Policy::MaxConsumersPerSubscription
        | Policy::MaxSubscriptions
        | Policy::MaxTopics
        | Policy::MaxUnackedPerConsumer
        | Policy::MaxUnackedPerSubscription
        | Policy::MaxMessageSize
        | Policy::DeduplicationSnapshotInterval
        | Policy::SubscriptionExpiration => match i32::deserialize(&value)? {
            number @ 0.. => Ok(number.into()),
            number => Err(Refusal::Negative { policy: policy.name(), number }),
        },
        Policy::BacklogQuota => canonical::<Quotas>(value),
        Policy::AutoSubscriptionCreation => canonical::<AutoSubscriptionCreation>(value),
        Policy::SubscriptionTypes => {
            let names = BTreeSet::<String>::deserialize(&value)?;
            match names.iter().find(|name| !KINDS.contains(&name.as_str())) {
                Some(other) => Err(Refusal::SubscriptionType(other.clone())),
                None => Ok(serde_json::to_value(names)?),
            }
        }
        Policy::DelayedDelivery => canonical::<DelayedDelivery>(value),
        Policy::Persistence => canonical::<Persistence>(value),
        Policy::Grants => canonical::<Grants>(value),
        Policy::CompactionThreshold => {
            let bytes = i64::deserialize(&value)?;
            if bytes < 0 { Err(Refusal::CompactionThreshold) } else { Ok(bytes.into()) }
        }
        Policy::AutoTopicCreation => {
            let creation = AutoTopicCreation::deserialize(&value)?;
            let is_fine = match (&creation.topic_type, creation.default_num_partitions) {
                _ if !creation.is_allowed => true,
                (Some(TopicType::Partitioned), Some(partitions)) => {
                    (1..=PARTITIONS_MAX).contains(&partitions)
                }
                (Some(TopicType::NonPartitioned), None) => true,
                _ => false,
            };
            if is_fine { Ok(serde_json::to_value(creation)?) } else { Err(Refusal::AutoTopicCreation) }
        }
        Policy::Retention => {
            let retention = Retention::deserialize(&value)?;
            let (time, size) = (retention.time_minutes, retention.size_mb);
            // As in Pulsar: 0 keeps nothing, and beside another limit it would take that one's effect.
            if time < -1 || size < -1 || (time == 0) != (size == 0) {
                return Err(Refusal::Retention);
            }
            Ok(serde_json::to_value(retention)?)
        }
    }
}

fn canonical<T: Serialize + DeserializeOwned>(value: Value) -> Result<Value, Refusal> {
    Ok(serde_json::to_value(serde_json::from_value::<T>(value)?)?)
}
