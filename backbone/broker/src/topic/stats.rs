//! What is counted of a topic, under the names that Pulsar's REST interface gives it.
//!
//! Counters begin with 0 when the broker is opened, as Pulsar's do, and nothing is known of the time before.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    compaction::CompactionStats, cursor_store::Properties, distribution::Distribution,
    subscription::ConsumerId,
};

/// Defines numbers that are told together, and what they are of several topics or subscriptions: the sum. Those that
/// begin with `first` are the earliest time of them, where 0 is none; those with `last` the latest.
macro_rules! numbers {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $how:ident $field:ident: $kind:ty,)* }) => {
        $(#[$of])*
        #[derive(Debug, Clone, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$doc])* pub $field: $kind,)* }

        impl $name {
            fn add(&mut self, other: &Self) {
                $(self.$field = $how(self.$field, other.$field);)*
            }
        }
    };
}

fn sum<T: std::ops::Add<Output = T>>(one: T, other: T) -> T {
    one + other
}

fn last<T: Ord>(one: T, other: T) -> T {
    one.max(other)
}

pub(super) fn first(one: u64, other: u64) -> u64 {
    if one == 0 || other == 0 { one.max(other) } else { one.min(other) }
}

fn any(one: bool, other: bool) -> bool {
    one || other
}

numbers! {
    /// What is counted of a topic, of several partitions together. Rates are a second, over the last few; times are in
    /// milliseconds since 1970, and 0 for never.
    TopicCounts {
        sum msg_rate_in: f64,
        /// Bytes a second.
        sum msg_throughput_in: f64,
        sum msg_rate_out: f64,
        sum msg_throughput_out: f64,
        sum msg_in_counter: u64,
        sum bytes_in_counter: u64,
        /// Deliveries: a message counts for each subscription, and each time that it is delivered.
        sum msg_out_counter: u64,
        sum bytes_out_counter: u64,
        /// What the entries take on the disk, in bytes.
        sum storage_size: u64,
        /// What the entries take that the slowest subscription has not acked, about.
        sum backlog_size: u64,
        /// Messages have come in chunks.
        any msg_chunk_published: bool,
        /// When the oldest entry was published that a subscription has not acked, if somebody asked for it.
        first earliest_msg_publish_time_in_backlogs: u64,
        /// Producers that wait until they can have the topic alone.
        sum waiting_publishers: usize,
        /// Stretches of entries that are acked beyond the marks of subscriptions.
        sum non_contiguous_deleted_messages_ranges: usize,
        /// What these take.
        sum non_contiguous_deleted_messages_ranges_serialized_size: usize,
        /// What is kept in mind of messages that are not due.
        sum delayed_message_index_size_in_bytes: usize,
    }
}

numbers! {
    /// What is counted of a subscription, as [`TopicCounts`].
    SubscriptionCounts {
        sum msg_rate_out: f64,
        sum msg_throughput_out: f64,
        sum msg_out_counter: u64,
        sum bytes_out_counter: u64,
        /// Messages a second that were given back.
        sum msg_rate_redeliver: f64,
        sum message_ack_rate: f64,
        sum chunked_message_rate: f64,
        /// Entries that are not acked; a batch is one.
        sum msg_backlog: u64,
        /// Without those that are not due yet.
        sum msg_backlog_no_delayed: u64,
        /// Entries that are not due yet, of those that were read.
        sum msg_delayed: u64,
        /// Entries that were read, and wait for a consumer to take them.
        sum msg_in_replay: usize,
        /// What they take on the disk, about.
        sum backlog_size: u64,
        first earliest_msg_publish_time_in_backlog: u64,
        /// Messages that consumers have and did not ack.
        sum unacked_messages: u64,
        sum msg_rate_expired: f64,
        /// Entries that expired, since the start.
        sum total_msg_expired: u64,
        last last_expire_timestamp: u64,
        /// When a consumer said that it takes more.
        last last_consumed_flow_timestamp: u64,
        last last_consumed_timestamp: u64,
        last last_acked_timestamp: u64,
        last last_mark_delete_advanced_timestamp: u64,
        sum draining_hashes_count: u64,
        sum draining_hashes_unacked_messages: u64,
        sum non_contiguous_deleted_messages_ranges: usize,
        sum non_contiguous_deleted_messages_ranges_serialized_size: usize,
        sum delayed_message_index_size_in_bytes: usize,
    }
}

/// A topic, as it is at the moment.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicStats {
    #[serde(flatten)]
    pub counts: TopicCounts,
    #[serde(skip)]
    pub storage: StorageStats,
    /// In bytes, over the last few seconds; 0 if there was none.
    pub average_msg_size: f64,
    /// In bytes; below zero if there is none, as the next.
    pub backlog_quota_limit_size: i64,
    /// In seconds.
    pub backlog_quota_limit_time: i64,
    /// How old the oldest message was that waits, at the last look at a quota of time; below zero if there was none.
    pub oldest_backlog_message_age_seconds: i64,
    pub publishers: Vec<PublisherStats>,
    pub subscriptions: BTreeMap<String, SubscriptionStats>,
    pub deduplication_status: &'static str,
    pub compaction: CompactionStats,
    /// Messages a second that nobody took, where nothing is stored; one counts for each subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_drop_rate: Option<f64>,
    /// Who serves it, as callers reach it; whoever was called knows that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_broker: Option<String>,
    #[serde(flatten)]
    pub(super) absent: AbsentOfTopics,
}

/// What is counted of a topic's storage, for metrics alone. Distributions are of the last minute that is over.
#[derive(Debug, Clone, Default)]
pub struct StorageStats {
    /// Entries a second, over the last minute.
    pub write_rate: f64,
    /// Entries a second that were read for subscriptions, over the last few seconds.
    pub read_rate: f64,
    /// Those of them that memory did not have.
    pub read_cache_misses_rate: f64,
    /// Entries by their bytes, up to 128, 512, 1 K, 2 K, 4 K, 16 K, 100 K and 1 M of them.
    pub entry_sizes: Distribution<8>,
    /// Entries by how long they took from the socket to the disk, up to 0.5, 1, 5, 10, 20, 50, 100, 200 and 1000 ms. The sum is in
    /// microseconds.
    pub write_latencies: Distribution<9>,
    /// How often the backlog was evicted by its quota of size, and of time, since the start.
    pub evictions: [u64; 2],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublisherStats {
    pub access_mode: &'static str,
    pub producer_id: u64,
    pub producer_name: String,
    pub msg_rate_in: f64,
    pub msg_throughput_in: f64,
    pub average_msg_size: f64,
    pub chunked_message_rate: f64,
    pub supports_partial_producer: bool,
    /// Messages a second that nobody took, where nothing is stored: none, for it is counted of subscriptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_drop_rate: Option<f64>,
    #[serde(flatten)]
    pub client: ClientStats,
}

/// Who is at the other end.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
    /// When the producer or the consumer came.
    #[serde(serialize_with = "as_time")]
    pub connected_since: u64,
    /// What it says of itself.
    pub metadata: Properties,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionStats {
    #[serde(flatten)]
    pub counts: SubscriptionCounts,
    /// They are too many to get more, as the policies have it.
    pub blocked_subscription_on_unacked_msgs: bool,
    pub r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_shared_mode: Option<&'static str>,
    pub allow_out_of_order_delivery: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_consumer_name: Option<String>,
    pub is_durable: bool,
    /// The same under another name.
    pub durable: bool,
    /// Messages a second that no consumer took, where nothing is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_drop_rate: Option<f64>,
    /// What somebody noted beside it.
    pub subscription_properties: Properties,
    pub consumers: Vec<ConsumerStats>,
    #[serde(flatten)]
    pub(super) absent: AbsentOfSubscriptions,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerStats {
    #[serde(skip)]
    pub(crate) id: ConsumerId,
    pub consumer_name: String,
    pub msg_rate_out: f64,
    pub msg_throughput_out: f64,
    pub msg_out_counter: u64,
    pub bytes_out_counter: u64,
    pub msg_rate_redeliver: f64,
    pub message_ack_rate: f64,
    pub chunked_message_rate: f64,
    /// Below zero if the last batch had more messages than were left.
    pub available_permits: i64,
    pub unacked_messages: u64,
    /// Of what it was sent.
    pub avg_messages_per_entry: u64,
    pub blocked_consumer_on_unacked_msgs: bool,
    /// Keys that are another's by now, and wait until it has acked what it has of them.
    pub draining_hashes_count: u64,
    pub draining_hashes_unacked_messages: u64,
    pub last_acked_timestamp: u64,
    pub last_consumed_timestamp: u64,
    pub last_consumed_flow_timestamp: u64,
    #[serde(serialize_with = "as_time")]
    pub last_acked_time: u64,
    #[serde(serialize_with = "as_time")]
    pub last_consumed_time: u64,
    /// The hashes of keys that are its own, both ends included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_hash_range_arrays: Option<Vec<[u16; 2]>>,
    #[serde(flatten)]
    pub client: ClientStats,
}

/// An object without anything in it.
#[derive(Debug, Clone, Default, Serialize)]
struct Nothing {}

/// What there is none of here: it is told as where nobody uses it, for those who read it without asking.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AbsentOfTopics {
    system_topic_bytes_in_counter: u64,
    bytes_out_internal_counter: u64,
    publish_rate_limited_times: u64,
    offloaded_storage_size: u64,
    last_offload_ledger_id: u64,
    last_offload_success_time_stamp: u64,
    last_offload_failure_time_stamp: u64,
    ongoing_txn_count: u64,
    aborted_txn_count: u64,
    committed_txn_count: u64,
    replication: Nothing,
}

/// The same of subscriptions: filters, limits of dispatching, replication.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AbsentOfSubscriptions {
    is_replicated: bool,
    replicated: bool,
    consumers_after_mark_delete_position: Nothing,
    filter_processed_msg_count: u64,
    filter_accepted_msg_count: u64,
    filter_rejected_msg_count: u64,
    filter_rescheduled_msg_count: u64,
    dispatch_throttled_msg_events_by_subscription_limit: u64,
    dispatch_throttled_bytes_events_by_subscription_limit: u64,
    dispatch_throttled_msg_events_by_topic_limit: u64,
    dispatch_throttled_bytes_events_by_topic_limit: u64,
    dispatch_throttled_msg_events_by_broker_limit: u64,
    dispatch_throttled_bytes_events_by_broker_limit: u64,
}

impl TopicStats {
    /// Several as if they were one; a subscription of the same name on several is one.
    pub fn sum<'a>(several: impl Iterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for one in several {
            all.counts.add(&one.counts);
            all.backlog_quota_limit_size = one.backlog_quota_limit_size;
            all.backlog_quota_limit_time = one.backlog_quota_limit_time;
            all.oldest_backlog_message_age_seconds =
                all.oldest_backlog_message_age_seconds.max(one.oldest_backlog_message_age_seconds);
            all.deduplication_status = one.deduplication_status;
            all.msg_drop_rate = added(all.msg_drop_rate, one.msg_drop_rate);
            all.publishers.extend(one.publishers.iter().cloned());
            for (name, sub) in &one.subscriptions {
                match all.subscriptions.get_mut(name) {
                    Some(sum) => sum.add(sub),
                    None => {
                        all.subscriptions.insert(name.clone(), sub.clone());
                    }
                }
            }
        }
        if all.counts.msg_rate_in > 0.0 {
            all.average_msg_size = all.counts.msg_throughput_in / all.counts.msg_rate_in;
        }
        all
    }
}

impl SubscriptionStats {
    fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.msg_drop_rate = added(self.msg_drop_rate, other.msg_drop_rate);
        self.consumers.extend(other.consumers.iter().cloned());
    }
}

/// As Pulsar writes times for people.
pub(crate) fn time(ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is what serde calls it with")]
fn as_time<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time(*ms))
}

/// Both, as far as they are known.
fn added(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}
