//! What a topic goes by: the policies that are set for it, and where there are none, those of its namespace.
//!
//! Both are kept as they came, under the names that Pulsar's REST interface gives them, and were checked then.

use std::collections::BTreeSet;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    broker::deduplicates,
    pace::{Rate, SetDispatchRate, SetPublishRate, SetSubscribeRate},
    policy::Policy,
    retention::Retention,
    subscription::{Kind, UnackedMax},
};

/// The policies of a topic by itself, as a namespace has its own.
pub(crate) type TopicPolicies = Map<String, Value>;

const MS_PER_SECOND: u64 = 1000;
const MS_PER_MINUTE: u64 = 60 * MS_PER_SECOND;

/// A topic that nobody says more of is deleted after so long, as by Pulsar.
const INACTIVE_MS: u64 = MS_PER_MINUTE;

/// How many messages consumers may have and not ack, where nobody says more: as a Pulsar that nobody configured.
const UNACKED_OF_CONSUMER: u64 = 50_000;
const UNACKED_OF_SUBSCRIPTION: u64 = 200_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) deduplicates: bool,
    pub(crate) retention: Retention,
    /// A message that is older counts as acked.
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) size_quota: Option<Quota>,
    pub(crate) age_quota: Option<Quota>,
    pub(crate) inactive: Option<Inactive>,
    /// A subscription that nobody has used for so long ends.
    pub(crate) subscription_ms: Option<u64>,
    pub(crate) producers_max: Option<usize>,
    pub(crate) consumers_max: Option<usize>,
    pub(crate) consumers_per_subscription_max: Option<usize>,
    pub(crate) subscriptions_max: Option<usize>,
    /// The kinds that subscriptions may have; all, if there are none.
    pub(crate) kinds: BTreeSet<String>,
    /// Whether a client may make a subscription.
    pub(crate) makes_subscriptions: bool,
    /// Whether messages are delivered at a time of theirs.
    pub(crate) delays: bool,
    pub(crate) publish_rate: Option<Rate>,
    /// Of all that is delivered.
    pub(crate) dispatch_rate: Option<Rate>,
    /// Of what is delivered for each subscription.
    pub(crate) subscription_rate: Option<Rate>,
    /// Of each consumer's coming.
    pub(crate) subscribe_rate: Option<Rate>,
    pub(crate) unacked: UnackedMax,
    /// Headers and body of one entry that is no chunk.
    pub(crate) message_bytes_max: Option<usize>,
    /// Whether who produces has to encrypt.
    pub(crate) encrypts: bool,
    /// The topic is compacted when it has grown by so much.
    pub(crate) compaction_bytes: Option<u64>,
}

/// How much may wait for the slowest subscription, in bytes or milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: u64,
    pub(crate) over: Over,
}

/// What becomes of a topic that is over its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Over {
    /// Producers wait.
    ProducerRequestHold,
    /// Producers are refused.
    ProducerException,
    /// The oldest messages count as acked.
    ConsumerBacklogEviction,
}

/// When a topic that nobody uses is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inactive {
    pub(crate) after_ms: u64,
    /// Also with subscriptions, once they have everything.
    pub(crate) when_caught_up: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetQuota {
    #[serde(default)]
    limit_size: i64,
    #[serde(default)]
    limit_time: i64,
    policy: Over,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetInactive {
    inactive_topic_delete_mode: String,
    max_inactive_duration_seconds: u64,
    delete_while_inactive: bool,
}

#[derive(Deserialize)]
struct SetDelays {
    active: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetSubscriptionCreation {
    allow_auto_subscription_creation: bool,
}

impl Rules {
    /// Reads the policies of a namespace, and those of a topic, which go before.
    pub(crate) fn of(namespace: Option<&Value>, topic: Option<&TopicPolicies>) -> Self {
        let set = Set { namespace, topic };
        let number = |policy| set.get::<u64>(policy).filter(|number| *number > 0);
        let count = |policy| number(policy).and_then(|number| usize::try_from(number).ok());
        let inactive = set.get::<SetInactive>(Policy::InactiveTopics).map_or(
            Some(Inactive { after_ms: INACTIVE_MS, when_caught_up: false }),
            |set| {
                set.delete_while_inactive.then(|| Inactive {
                    after_ms: set.max_inactive_duration_seconds.saturating_mul(MS_PER_SECOND),
                    when_caught_up: set.inactive_topic_delete_mode == "delete_when_subscriptions_caught_up",
                })
            },
        );
        let creation = set.get::<SetSubscriptionCreation>(Policy::AutoSubscriptionCreation);
        let dispatch_rate = |policy| set.get::<SetDispatchRate>(policy).and_then(|set| set.rate());
        let unacked = |policy, unsaid| set.get::<u64>(policy).unwrap_or(unsaid);
        Self {
            deduplicates: deduplicates(set.either(Policy::Deduplication)),
            retention: Retention::of(set.either(Policy::Retention)),
            ttl_ms: number(Policy::MessageTtl).map(|seconds| seconds.saturating_mul(MS_PER_SECOND)),
            size_quota: set.quota("destination_storage", |quota| u64::try_from(quota.limit_size).ok()),
            age_quota: set.quota("message_age", |quota| {
                let seconds = u64::try_from(quota.limit_time).ok().filter(|seconds| *seconds > 0);
                seconds.map(|seconds| seconds.saturating_mul(MS_PER_SECOND))
            }),
            inactive,
            subscription_ms: number(Policy::SubscriptionExpiration)
                .map(|minutes| minutes.saturating_mul(MS_PER_MINUTE)),
            producers_max: count(Policy::MaxProducers),
            consumers_max: count(Policy::MaxConsumers),
            consumers_per_subscription_max: count(Policy::MaxConsumersPerSubscription),
            subscriptions_max: count(Policy::MaxSubscriptions),
            kinds: set.get(Policy::SubscriptionTypes).unwrap_or_default(),
            makes_subscriptions: creation.is_none_or(|set| set.allow_auto_subscription_creation),
            delays: set.get::<SetDelays>(Policy::DelayedDelivery).is_none_or(|set| set.active),
            publish_rate: set.get::<SetPublishRate>(Policy::PublishRate).and_then(|set| set.rate()),
            dispatch_rate: dispatch_rate(Policy::DispatchRate),
            subscription_rate: dispatch_rate(Policy::SubscriptionDispatchRate),
            subscribe_rate: set.get::<SetSubscribeRate>(Policy::SubscribeRate).and_then(|set| set.rate()),
            unacked: UnackedMax {
                of_consumer: unacked(Policy::MaxUnackedPerConsumer, UNACKED_OF_CONSUMER),
                of_subscription: unacked(Policy::MaxUnackedPerSubscription, UNACKED_OF_SUBSCRIPTION),
            },
            message_bytes_max: count(Policy::MaxMessageSize),
            encrypts: set.get(Policy::EncryptionRequired).unwrap_or(false),
            compaction_bytes: number(Policy::CompactionThreshold),
        }
    }

    pub(crate) fn takes(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(kind.name())
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(None, None)
    }
}

#[derive(Clone, Copy)]
struct Set<'a> {
    namespace: Option<&'a Value>,
    topic: Option<&'a TopicPolicies>,
}

impl<'a> Set<'a> {
    /// A policy of the topic, or of its namespace.
    fn either(self, policy: Policy) -> Option<&'a Value> {
        let of_topic = self.topic.and_then(|topic| topic.get(policy.name()));
        let of_namespace = || self.namespace.and_then(|namespace| namespace.get(policy.name()));
        of_topic.filter(|value| !value.is_null()).or_else(of_namespace)
    }

    fn get<T: DeserializeOwned>(self, policy: Policy) -> Option<T> {
        self.either(policy).and_then(|value| T::deserialize(value).ok())
    }

    /// Each kind of quota by itself.
    fn quota(self, kind: &str, limit: impl Fn(&SetQuota) -> Option<u64>) -> Option<Quota> {
        let name = Policy::BacklogQuota.name();
        let of_topic = self.topic.and_then(|topic| topic.get(name)?.get(kind));
        let of_namespace = || self.namespace.and_then(|namespace| namespace.get(name)?.get(kind));
        let set = SetQuota::deserialize(of_topic.or_else(of_namespace)?).ok()?;
        Some(Quota { limit: limit(&set)?, over: set.policy })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_for_a_topic_goes_before_what_its_namespace_says() {
        let namespace = json!({
            "message_ttl_in_seconds": 60,
            "max_producers_per_topic": 3,
            "max_consumers_per_topic": 0,
            "backlog_quota_map": {
                "destination_storage": { "limitSize": 10, "limitTime": -1, "policy": "producer_exception" },
                "message_age": { "limitSize": 0, "limitTime": 7, "policy": "consumer_backlog_eviction" },
            },
        });
        let Value::Object(topic) = json!({
            "message_ttl_in_seconds": 5,
            "max_producers_per_topic": null,
            "backlog_quota_map": {
                "destination_storage": { "limitSize": 20, "policy": "producer_request_hold" },
            },
        }) else {
            panic!("an object")
        };
        let rules = Rules::of(Some(&namespace), Some(&topic));
        assert_eq!((rules.ttl_ms, rules.producers_max, rules.consumers_max), (Some(5000), Some(3), None));
        assert_eq!(rules.size_quota, Some(Quota { limit: 20, over: Over::ProducerRequestHold }));
        assert_eq!(rules.age_quota, Some(Quota { limit: 7000, over: Over::ConsumerBacklogEviction }));
    }

    #[test]
    fn where_nothing_is_said_it_is_as_with_a_pulsar_that_nobody_configured() {
        let rules = Rules::default();
        assert_eq!(rules.inactive, Some(Inactive { after_ms: 60_000, when_caught_up: false }));
        assert!(rules.takes(Kind::Shared) && rules.makes_subscriptions && rules.delays);
        assert_eq!((rules.ttl_ms, rules.size_quota, rules.subscriptions_max), (None, None, None));
    }
}
