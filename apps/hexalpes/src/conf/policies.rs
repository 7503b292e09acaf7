//! What holds for a namespace that says nothing of its own, as policies under the names that a namespace has them by.

use anyhow::{Result, anyhow, bail, ensure};
use hexalpes_broker::{PARTITIONS_MAX, Policy};
use serde_json::{Map, Value, json};

use super::{Entries, Entry};

/// Numbers of which 0 and less mean that there is no limit.
const LIMITS: [(&str, Policy); 6] = [
    ("ttlDurationDefaultInSeconds", Policy::MessageTtl),
    ("subscriptionExpirationTimeMinutes", Policy::SubscriptionExpiration),
    ("maxProducersPerTopic", Policy::MaxProducers),
    ("maxConsumersPerTopic", Policy::MaxConsumers),
    ("maxConsumersPerSubscription", Policy::MaxConsumersPerSubscription),
    ("maxSubscriptionsPerTopic", Policy::MaxSubscriptions),
];

impl Entries {
    pub(super) fn policies(&mut self) -> Result<Map<String, Value>> {
        let mut defaults = Map::new();
        let mut set = |policy: Policy, value: Value| defaults.insert(policy.name().to_owned(), value);
        set(Policy::AutoTopicCreation, self.topic_creation()?);
        let minutes =
            self.parsed::<i64>("defaultRetentionTimeInMinutes", "a number of minutes")?.unwrap_or(0);
        let megabytes = self.parsed::<i64>("defaultRetentionSizeInMB", "a number of megabytes")?.unwrap_or(0);
        if minutes != 0 && megabytes != 0 {
            let retention = json!({ "retentionTimeInMinutes": minutes, "retentionSizeInMB": megabytes });
            set(Policy::Retention, retention);
        }
        if let Some(deduplicates) = self.is_on("brokerDeduplicationEnabled")? {
            set(Policy::Deduplication, deduplicates.into());
        }
        if let Some(may_update) = self.is_on("isAllowAutoUpdateSchemaEnabled")? {
            set(Policy::AllowAutoUpdateSchema, may_update.into());
        }
        if let Some(is_enforced) = self.is_on("isSchemaValidationEnforced")? {
            set(Policy::SchemaValidationEnforced, is_enforced.into());
        }
        if let Some(Entry { value, place }) = self.take("schemaCompatibilityStrategy") {
            let strategy = value.parse::<hexalpes_registry::Strategy>();
            let strategy = strategy.map_err(|error| anyhow!("{place}: {error}"))?;
            set(Policy::SchemaCompatibility, strategy.name().into());
        }
        for (name, policy) in LIMITS {
            if let Some(limit) = self.parsed::<i64>(name, "a number")?.filter(|limit| *limit > 0) {
                set(policy, limit.into());
            }
        }
        for (name, policy) in [
            ("maxUnackedMessagesPerConsumer", Policy::MaxUnackedPerConsumer),
            ("maxUnackedMessagesPerSubscription", Policy::MaxUnackedPerSubscription),
        ] {
            // 0 is without limit, and not as a Pulsar that nobody configured.
            if let Some(limit) = self.parsed::<i64>(name, "a number")? {
                set(policy, limit.max(0).into());
            }
        }
        for (policy, rate) in self.rates()? {
            set(policy, rate);
        }
        if let Some(quotas) = self.quotas()? {
            set(Policy::BacklogQuota, quotas);
        }
        if let Some(inactive) = self.inactive()? {
            set(Policy::InactiveTopics, inactive);
        }
        if let Some(may_subscribe) = self.is_on("allowAutoSubscriptionCreation")? {
            set(Policy::AutoSubscriptionCreation, json!({ "allowAutoSubscriptionCreation": may_subscribe }));
        }
        if let Some(delays) = self.is_on("delayedDeliveryEnabled")? {
            set(Policy::DelayedDelivery, json!({ "active": delays, "tickTime": 0 }));
        }
        Ok(defaults)
    }

    /// How fast may be published, delivered and subscribed; 0 and less is without limit.
    fn rates(&mut self) -> Result<Vec<(Policy, Value)>> {
        let mut number =
            |name: &str| Ok::<_, anyhow::Error>(self.parsed::<i64>(name, "a number")?.unwrap_or(0));
        let mut rates = Vec::new();
        let (messages, bytes) =
            (number("maxPublishRatePerTopicInMessages")?, number("maxPublishRatePerTopicInBytes")?);
        let rate = json!({ "publishThrottlingRateInMsg": messages, "publishThrottlingRateInByte": bytes });
        rates.push((Policy::PublishRate, messages.max(bytes), rate));
        for (of, policy) in
            [("Topic", Policy::DispatchRate), ("Subscription", Policy::SubscriptionDispatchRate)]
        {
            let messages = number(&format!("dispatchThrottlingRatePer{of}InMsg"))?;
            let bytes = number(&format!("dispatchThrottlingRatePer{of}InByte"))?;
            let rate = json!({
                "dispatchThrottlingRateInMsg": messages, "dispatchThrottlingRateInByte": bytes,
                "relativeToPublishRate": false, "ratePeriodInSecond": 1,
            });
            rates.push((policy, messages.max(bytes), rate));
        }
        let often = number("subscribeThrottlingRatePerConsumer")?;
        let period = number("subscribeRatePeriodPerConsumerInSecond")?.max(1);
        let rate = json!({ "subscribeThrottlingRatePerConsumer": often, "ratePeriodInSecond": period });
        rates.push((Policy::SubscribeRate, often, rate));
        Ok(rates
            .into_iter()
            .filter(|(_, limit, _)| *limit > 0)
            .map(|(policy, _, rate)| (policy, rate))
            .collect())
    }

    fn topic_creation(&mut self) -> Result<Value> {
        let may_create = self.is_on("allowAutoTopicCreation")?.unwrap_or(true);
        let partitions = self.parsed::<u32>("defaultNumPartitions", "a number of partitions")?.unwrap_or(1);
        let kind = self.take("allowAutoTopicCreationType");
        let (kind, place) =
            kind.map_or(("non-partitioned".to_owned(), String::new()), |it| (it.value, it.place));
        Ok(match kind.as_str() {
            "partitioned" => {
                ensure!(
                    (1..=PARTITIONS_MAX).contains(&partitions),
                    "defaultNumPartitions is {partitions}, and must be within 1 and {PARTITIONS_MAX}"
                );
                json!({ "allowAutoTopicCreation": may_create, "topicType": kind, "defaultNumPartitions": partitions })
            }
            "non-partitioned" => json!({ "allowAutoTopicCreation": may_create, "topicType": kind }),
            _ => bail!("{place}: {kind:?} is neither partitioned nor non-partitioned"),
        })
    }

    /// How much may wait for the slowest subscription.
    fn quotas(&mut self) -> Result<Option<Value>> {
        let bytes = self.parsed::<i64>("backlogQuotaDefaultLimitBytes", "a number of bytes")?;
        let gigabytes = self.parsed::<i64>("backlogQuotaDefaultLimitGB", "a number of gigabytes")?;
        let seconds = self.parsed::<i64>("backlogQuotaDefaultLimitSecond", "a number of seconds")?;
        let policy = self.one_of(
            "backlogQuotaDefaultRetentionPolicy",
            &["producer_request_hold", "producer_exception", "consumer_backlog_eviction"],
        )?;
        let bytes = bytes.filter(|bytes| *bytes > 0);
        // The older name, which Pulsar reads where the newer one says nothing.
        let bytes = bytes.or(gigabytes.filter(|count| *count > 0).map(|count| count.saturating_mul(1 << 30)));
        let seconds = seconds.filter(|seconds| *seconds > 0);
        let quota = |size: i64, time: i64| json!({ "limitSize": size, "limitTime": time, "policy": policy });
        let mut quotas = Map::new();
        if let Some(bytes) = bytes {
            quotas.insert("destination_storage".to_owned(), quota(bytes, -1));
        }
        if let Some(seconds) = seconds {
            quotas.insert("message_age".to_owned(), quota(-1, seconds));
        }
        Ok(Some(quotas).filter(|quotas| !quotas.is_empty()).map(Value::Object))
    }

    /// When a topic that nobody uses is deleted.
    fn inactive(&mut self) -> Result<Option<Value>> {
        let name = "brokerDeleteInactiveTopicsMaxInactiveDurationSeconds";
        let seconds = self.parsed::<u32>(name, "a number of seconds")?.filter(|seconds| *seconds > 0);
        let is_set = self.left.contains_key("brokerDeleteInactiveTopicsMode");
        let mode = self.one_of(
            "brokerDeleteInactiveTopicsMode",
            &["delete_when_no_subscriptions", "delete_when_subscriptions_caught_up"],
        )?;
        if !is_set && seconds.is_none() {
            return Ok(None);
        }
        Ok(Some(json!({
            "inactiveTopicDeleteMode": mode,
            "maxInactiveDurationSeconds": seconds.unwrap_or(60),
            "deleteWhileInactive": true,
        })))
    }

    /// One of these words, the first where there is none.
    fn one_of(&mut self, name: &str, words: &[&'static str]) -> Result<&'static str> {
        let Some(Entry { value, place }) = self.take(name) else { return Ok(words[0]) };
        let found = words.iter().find(|word| **word == value.trim());
        found.copied().ok_or_else(|| anyhow!("{place}: {value:?} is none of {}", words.join(", ")))
    }
}
