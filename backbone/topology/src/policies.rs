//! What a namespace may be told, in the file's words and in those of Pulsar's REST.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::file::Permissions;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policies {
    pub(crate) deduplication: Option<bool>,
    pub(crate) retention: Option<Retention>,
    /// How long a message waits for who has not acked it; 0 is for ever.
    pub(crate) ttl_seconds: Option<u32>,
    pub(crate) inactive_topics: Option<InactiveTopics>,
    pub(crate) backlog_quota: Option<BacklogQuota>,
    pub(crate) schema_compatibility: Option<Compatibility>,
    pub(crate) schema_auto_update: Option<bool>,
    pub(crate) schema_validation_enforced: Option<bool>,
    pub(crate) auto_topics: Option<AutoTopics>,
    pub(crate) auto_subscriptions: Option<bool>,
    /// All roles that may do something; those that are not there may nothing.
    pub(crate) permissions: Option<Permissions>,
}

/// `-1` is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    time_minutes: i64,
    size_mb: i64,
}

/// What becomes of topics that nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InactiveTopics {
    Keep,
    /// After a minute without anybody.
    DeleteWithoutSubscriptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacklogQuota {
    /// `-1` is without limit.
    limit_bytes: i64,
    #[serde(default = "without_limit")]
    limit_seconds: i64,
    over: OverQuota,
}

const fn without_limit() -> i64 {
    -1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OverQuota {
    ProducersWait,
    ProducersAreRefused,
    OldestMessagesGo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Compatibility {
    AlwaysIncompatible,
    AlwaysCompatible,
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

impl Compatibility {
    const fn name(self) -> &'static str {
        match self {
            Self::AlwaysIncompatible => "ALWAYS_INCOMPATIBLE",
            Self::AlwaysCompatible => "ALWAYS_COMPATIBLE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }
}

/// Whether a topic that somebody uses and nobody made is made, and with how many partitions; 0 is without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoTopics {
    allowed: bool,
    #[serde(default)]
    partitions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Produce,
    Consume,
    Functions,
    Sources,
    Sinks,
    Packages,
}

impl Action {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Functions => "functions",
            Self::Sources => "sources",
            Self::Sinks => "sinks",
            Self::Packages => "packages",
        }
    }
}

/// A policy that the file says, as REST reads and writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The file's name for it.
    pub(crate) field: &'static str,
    /// The last part of the path that it is read at.
    pub(crate) read: &'static str,
    /// A member of what is read there, where that is more.
    pub(crate) member: Option<&'static str>,
    /// The last part of the path that it is written to.
    pub(crate) write: &'static str,
    pub(crate) is_put: bool,
    pub(crate) value: Value,
}

impl Setting {
    const fn new(field: &'static str, path: &'static str, value: Value) -> Self {
        Self { field, read: path, member: None, write: path, is_put: false, value }
    }
}

impl Policies {
    /// Everything but the permissions, in a fixed order.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let one = |field, path, value: Option<Value>| value.map(|value| Setting::new(field, path, value));
        let retention = |it: Retention| json!({ "retentionTimeInMinutes": it.time_minutes, "retentionSizeInMB": it.size_mb });
        let inactive = |it| {
            json!({
                "inactiveTopicDeleteMode": "delete_when_no_subscriptions",
                "maxInactiveDurationSeconds": 60,
                "deleteWhileInactive": it != InactiveTopics::Keep,
            })
        };
        let automatic = |it: AutoTopics| match (it.allowed, it.partitions) {
            (false, _) => json!({ "allowAutoTopicCreation": false }),
            (true, 0) => json!({ "allowAutoTopicCreation": true, "topicType": "non-partitioned" }),
            (true, partitions) => json!({
                "allowAutoTopicCreation": true,
                "topicType": "partitioned",
                "defaultNumPartitions": partitions,
            }),
        };
        let quota = |it: BacklogQuota| Setting {
            read: "backlogQuotaMap",
            member: Some("destination_storage"),
            ..Setting::new(
                "backlog_quota",
                "backlogQuota?backlogQuotaType=destination_storage",
                it.on_the_wire(),
            )
        };
        let compatibility = |it: Compatibility| Setting {
            is_put: true,
            ..Setting::new("schema_compatibility", "schemaCompatibilityStrategy", it.name().into())
        };
        [
            one("deduplication", "deduplication", self.deduplication.map(Value::from)),
            one("retention", "retention", self.retention.map(retention)),
            one("ttl_seconds", "messageTTL", self.ttl_seconds.map(Value::from)),
            one("inactive_topics", "inactiveTopicPolicies", self.inactive_topics.map(inactive)),
            self.backlog_quota.map(quota),
            self.schema_compatibility.map(compatibility),
            one("schema_auto_update", "isAllowAutoUpdateSchema", self.schema_auto_update.map(Value::from)),
            one(
                "schema_validation_enforced",
                "schemaValidationEnforced",
                self.schema_validation_enforced.map(Value::from),
            ),
            one("auto_topics", "autoTopicCreation", self.auto_topics.map(automatic)),
            one(
                "auto_subscriptions",
                "autoSubscriptionCreation",
                self.auto_subscriptions.map(|allowed| json!({ "allowAutoSubscriptionCreation": allowed })),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl BacklogQuota {
    fn on_the_wire(self) -> Value {
        let policy = match self.over {
            OverQuota::ProducersWait => "producer_request_hold",
            OverQuota::ProducersAreRefused => "producer_exception",
            OverQuota::OldestMessagesGo => "consumer_backlog_eviction",
        };
        json!({ "limitSize": self.limit_bytes, "limitTime": self.limit_seconds, "policy": policy })
    }
}

/// Whether a broker has what is wanted: what it says besides counts for nothing, and neither does what is `null`.
pub(crate) fn is_so(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| is_so(there.get(name).unwrap_or(&Value::Null), value))
        }
        (there, wanted) => there == wanted,
    }
}
