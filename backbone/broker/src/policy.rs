//! What can be set for a namespace, and most of it also for a topic by itself.

/// A policy of a namespace, and most of them also of a topic, under the name that Pulsar's REST interface gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Deduplication,
    Retention,
    InactiveTopics,
    CompactionThreshold,
    AutoTopicCreation,
    SchemaCompatibility,
    AllowAutoUpdateSchema,
    SchemaValidationEnforced,
    /// In seconds.
    MessageTtl,
    /// By kind: `destination_storage`, `message_age`.
    BacklogQuota,
    MaxProducers,
    MaxConsumers,
    MaxConsumersPerSubscription,
    MaxSubscriptions,
    MaxTopics,
    /// In minutes.
    SubscriptionExpiration,
    AutoSubscriptionCreation,
    SubscriptionTypes,
    DelayedDelivery,
    /// Kept and given back; there is one copy, whatever it says.
    Persistence,
    /// Who may produce and consume: [`Grants`](crate::Grants).
    Grants,
    /// How much a second may be published to a topic.
    PublishRate,
    /// How much a topic delivers, over all subscriptions.
    DispatchRate,
    /// How much is delivered for each subscription.
    SubscriptionDispatchRate,
    /// Kept and given back; there is no other cluster that messages could go to.
    ReplicatorDispatchRate,
    /// How often one consumer may subscribe.
    SubscribeRate,
    /// Of subscriptions that consumers share.
    MaxUnackedPerConsumer,
    MaxUnackedPerSubscription,
    /// Headers and body of one entry, in bytes.
    MaxMessageSize,
    EncryptionRequired,
    /// Whether a subscription's name begins with its consumer's role: `Prefix`, or `None`.
    SubscriptionAuthMode,
    /// Kept and given back, in seconds: what is known of producers is written down once a second here.
    DeduplicationSnapshotInterval,
    /// Kept and given back: there is one cluster.
    AllowedClusters,
    /// What somebody noted beside a namespace.
    Properties,
}

impl Policy {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deduplication => "deduplicationEnabled",
            Self::Retention => "retention_policies",
            Self::InactiveTopics => "inactive_topic_policies",
            Self::CompactionThreshold => "compaction_threshold",
            Self::AutoTopicCreation => "autoTopicCreationOverride",
            Self::SchemaCompatibility => "schema_compatibility_strategy",
            Self::AllowAutoUpdateSchema => "is_allow_auto_update_schema",
            Self::SchemaValidationEnforced => "schema_validation_enforced",
            Self::MessageTtl => "message_ttl_in_seconds",
            Self::BacklogQuota => "backlog_quota_map",
            Self::MaxProducers => "max_producers_per_topic",
            Self::MaxConsumers => "max_consumers_per_topic",
            Self::MaxConsumersPerSubscription => "max_consumers_per_subscription",
            Self::MaxSubscriptions => "max_subscriptions_per_topic",
            Self::MaxTopics => "max_topics_per_namespace",
            Self::SubscriptionExpiration => "subscription_expiration_time_minutes",
            Self::AutoSubscriptionCreation => "autoSubscriptionCreationOverride",
            Self::SubscriptionTypes => "subscription_types_enabled",
            Self::DelayedDelivery => "delayed_delivery_policies",
            Self::Persistence => "persistence",
            Self::Grants => "auth_policies",
            Self::PublishRate => "publishMaxMessageRate",
            Self::DispatchRate => "topicDispatchRate",
            Self::SubscriptionDispatchRate => "subscriptionDispatchRate",
            Self::ReplicatorDispatchRate => "replicatorDispatchRate",
            Self::SubscribeRate => "clusterSubscribeRate",
            Self::MaxUnackedPerConsumer => "max_unacked_messages_per_consumer",
            Self::MaxUnackedPerSubscription => "max_unacked_messages_per_subscription",
            Self::MaxMessageSize => "maxMessageSize",
            Self::EncryptionRequired => "encryption_required",
            Self::SubscriptionAuthMode => "subscription_auth_mode",
            Self::DeduplicationSnapshotInterval => "deduplicationSnapshotIntervalSeconds",
            Self::AllowedClusters => "allowed_clusters",
            Self::Properties => "properties",
        }
    }
}
