//! Of each namespace, topic and subscription.

use std::collections::BTreeMap;

use hexalpes_broker::{Distribution, SubscriptionStats, TopicStats};
use hexalpes_wire::TopicName;

use super::text::{Labels, Metric, Text, count, number, signed};

const OF_TOPICS: [Metric<TopicStats>; 23] = [
    ("pulsar_subscriptions_count", |topic| count(topic.subscriptions.len())),
    ("pulsar_producers_count", |topic| count(topic.publishers.len())),
    ("pulsar_consumers_count", |topic| count(consumers(topic))),
    ("pulsar_rate_in", |topic| topic.counts.msg_rate_in),
    ("pulsar_rate_out", |topic| topic.counts.msg_rate_out),
    ("pulsar_throughput_in", |topic| topic.counts.msg_throughput_in),
    ("pulsar_throughput_out", |topic| topic.counts.msg_throughput_out),
    ("pulsar_average_msg_size", |topic| topic.average_msg_size),
    ("pulsar_msg_backlog", |topic| number(backlog(topic))),
    ("pulsar_storage_size", |topic| number(topic.counts.storage_size)),
    // There is one copy.
    ("pulsar_storage_logical_size", |topic| number(topic.counts.storage_size)),
    ("pulsar_storage_offloaded_size", |_| 0.0),
    ("pulsar_storage_backlog_size", |topic| number(topic.counts.backlog_size)),
    ("pulsar_storage_backlog_age_seconds", |topic| signed(topic.oldest_backlog_message_age_seconds)),
    ("pulsar_storage_backlog_quota_limit", |topic| signed(topic.backlog_quota_limit_size)),
    ("pulsar_storage_backlog_quota_limit_time", |topic| signed(topic.backlog_quota_limit_time)),
    ("pulsar_storage_write_rate", |topic| topic.storage.write_rate),
    ("pulsar_storage_read_rate", |topic| topic.storage.read_rate),
    ("pulsar_storage_read_cache_misses_rate", |topic| topic.storage.read_cache_misses_rate),
    ("pulsar_publish_rate_limit_times", |_| 0.0),
    ("pulsar_delayed_message_index_size_bytes", |topic| {
        count(topic.counts.delayed_message_index_size_in_bytes)
    }),
    ("pulsar_in_messages_total", |topic| number(topic.counts.msg_in_counter)),
    ("pulsar_in_bytes_total", |topic| number(topic.counts.bytes_in_counter)),
];

/// Milliseconds; the sum is in microseconds.
const LATENCIES: [&str; 9] = ["0_5", "1", "5", "10", "20", "50", "100", "200", "1000"];
const SIZES: [&str; 8] = ["128", "512", "1_kb", "2_kb", "4_kb", "16_kb", "100_kb", "1_mb"];

/// Of topics that were compacted since the start.
const OF_COMPACTED: [Metric<TopicStats>; 4] = [
    ("pulsar_compaction_removed_event_count", |topic| number(topic.compaction.removed_events)),
    ("pulsar_compaction_succeed_count", |topic| number(topic.compaction.succeeded)),
    ("pulsar_compaction_failed_count", |topic| number(topic.compaction.failed)),
    ("pulsar_compaction_duration_time_in_mills", |topic| {
        number(topic.compaction.last_compaction_duration_ms)
    }),
];

const OF_SUBSCRIPTIONS: [Metric<SubscriptionStats>; 26] = [
    ("pulsar_subscription_back_log", |sub| number(sub.counts.msg_backlog)),
    ("pulsar_subscription_back_log_no_delayed", |sub| number(sub.counts.msg_backlog_no_delayed)),
    ("pulsar_subscription_delayed", |sub| number(sub.counts.msg_delayed)),
    ("pulsar_subscription_delayed_message_index_size_bytes", |sub| {
        count(sub.counts.delayed_message_index_size_in_bytes)
    }),
    ("pulsar_subscription_in_replay", |sub| count(sub.counts.msg_in_replay)),
    ("pulsar_subscription_unacked_messages", |sub| number(sub.counts.unacked_messages)),
    ("pulsar_subscription_blocked_on_unacked_messages", |sub| {
        f64::from(u8::from(sub.blocked_subscription_on_unacked_msgs))
    }),
    ("pulsar_subscription_consumers_count", |sub| count(sub.consumers.len())),
    ("pulsar_subscription_msg_rate_out", |sub| sub.counts.msg_rate_out),
    ("pulsar_subscription_msg_throughput_out", |sub| sub.counts.msg_throughput_out),
    ("pulsar_subscription_msg_rate_redeliver", |sub| sub.counts.msg_rate_redeliver),
    ("pulsar_subscription_msg_ack_rate", |sub| sub.counts.message_ack_rate),
    ("pulsar_subscription_msg_rate_expired", |sub| sub.counts.msg_rate_expired),
    ("pulsar_subscription_msg_drop_rate", |sub| sub.msg_drop_rate.unwrap_or(0.0)),
    // A gauge's name for what only goes up: Pulsar's.
    ("pulsar_subscription_total_msg_expired", |sub| number(sub.counts.total_msg_expired)),
    ("pulsar_subscription_last_expire_timestamp", |sub| number(sub.counts.last_expire_timestamp)),
    ("pulsar_subscription_last_acked_timestamp", |sub| number(sub.counts.last_acked_timestamp)),
    ("pulsar_subscription_last_consumed_flow_timestamp", |sub| {
        number(sub.counts.last_consumed_flow_timestamp)
    }),
    ("pulsar_subscription_last_consumed_timestamp", |sub| number(sub.counts.last_consumed_timestamp)),
    ("pulsar_subscription_last_mark_delete_advanced_timestamp", |sub| {
        number(sub.counts.last_mark_delete_advanced_timestamp)
    }),
    // Nothing is filtered.
    ("pulsar_subscription_filter_processed_msg_count", |_| 0.0),
    ("pulsar_subscription_filter_accepted_msg_count", |_| 0.0),
    ("pulsar_subscription_filter_rejected_msg_count", |_| 0.0),
    ("pulsar_subscription_filter_rescheduled_msg_count", |_| 0.0),
    ("pulsar_out_messages_total", |sub| number(sub.counts.msg_out_counter)),
    ("pulsar_out_bytes_total", |sub| number(sub.counts.bytes_out_counter)),
];

pub(super) fn consumers(topic: &TopicStats) -> usize {
    topic.subscriptions.values().map(|sub| sub.consumers.len()).sum()
}

pub(super) fn backlog(topic: &TopicStats) -> u64 {
    topic.subscriptions.values().map(|sub| sub.counts.msg_backlog).sum()
}

pub(super) fn write(text: &mut Text, all: &[(TopicName, TopicStats)]) {
    let cluster = Labels::new();
    let of_topic =
        |name: &TopicName| cluster.with("namespace", &name.full_namespace()).with("topic", &name.to_string());
    let mut in_namespaces: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in all {
        *in_namespaces.entry(name.full_namespace()).or_default() += 1;
    }
    text.begin("pulsar_topics_count", "gauge");
    for (namespace, topics) in in_namespaces {
        text.series("pulsar_topics_count", &cluster.with("namespace", &namespace), count(topics));
    }
    let topics: Vec<_> = all.iter().map(|(name, stats)| (of_topic(name), stats)).collect();
    text.each(&OF_TOPICS, &topics);
    distribution(text, &topics, "pulsar_storage_write_latency", &LATENCIES, |topic| {
        &topic.storage.write_latencies
    });
    values(text, &topics, "pulsar_storage_write_latency_overflow", |topic| {
        topic.storage.write_latencies.beyond
    });
    distribution(text, &topics, "pulsar_entry_size", &SIZES, |topic| &topic.storage.entry_sizes);
    // The first is the name that Pulsar 4 has, the second the one that dashboards ask for.
    for metric in ["pulsar_entry_size_le_overflow", "pulsar_entry_size_overflow"] {
        values(text, &topics, metric, |topic| topic.storage.entry_sizes.beyond);
    }
    evictions(text, &topics);
    let compacted = all.iter().filter(|(_, stats)| stats.compaction.succeeded + stats.compaction.failed > 0);
    let compacted: Vec<_> = compacted.map(|(name, stats)| (of_topic(name), stats)).collect();
    text.each(&OF_COMPACTED, &compacted);
    let subscriptions = all.iter().flat_map(|(name, stats)| {
        let labels = of_topic(name);
        stats.subscriptions.iter().map(move |(name, stats)| (labels.with("subscription", name), stats))
    });
    text.each(&OF_SUBSCRIPTIONS, &subscriptions.collect::<Vec<_>>());
}

type Topics<'a> = [(Labels, &'a TopicStats)];

/// As Pulsar writes it: a metric for each bound, for what lies between it and the one before.
fn distribution<const N: usize>(
    text: &mut Text,
    topics: &Topics<'_>,
    metric: &str,
    bounds: &[&str; N],
    of: impl Fn(&TopicStats) -> &Distribution<N>,
) {
    for (index, bound) in bounds.iter().enumerate() {
        values(text, topics, &format!("{metric}_le_{bound}"), |topic| of(topic).within[index]);
    }
    values(text, topics, &format!("{metric}_count"), |topic| of(topic).count());
    values(text, topics, &format!("{metric}_sum"), |topic| of(topic).sum);
}

fn values(text: &mut Text, topics: &Topics<'_>, metric: &str, value: impl Fn(&TopicStats) -> u64) {
    text.begin(metric, "gauge");
    for (labels, topic) in topics {
        text.series(metric, labels, number(value(topic)));
    }
}

fn evictions(text: &mut Text, topics: &Topics<'_>) {
    const METRIC: &str = "pulsar_storage_backlog_quota_exceeded_evictions_total";
    text.begin(METRIC, "counter");
    for (labels, topic) in topics {
        for (kind, times) in ["size", "time"].into_iter().zip(topic.storage.evictions) {
            text.series(METRIC, &labels.with("quota_type", kind), number(times));
        }
    }
}
