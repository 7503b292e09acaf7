//! Of the broker as a whole: sums of its topics, its connections, and how long it takes.

use hexalpes_broker::{
    Broker, BrokerStats, LOOKUP_QUANTILES, OperationCounts, PUBLISH_QUANTILES, SchemaCounts, Summary,
    TopicStats,
};
use hexalpes_wire::TopicName;

use super::{
    text::{Labels, Metric, Text, count, milliseconds, number},
    topics::{backlog, consumers},
};

type All = [(TopicName, TopicStats)];

const OF_BROKER: [Metric<All>; 16] = [
    ("pulsar_broker_topics_count", |all| count(all.len())),
    ("pulsar_broker_subscriptions_count", |all| {
        count(each(all).map(|topic| topic.subscriptions.len()).sum())
    }),
    ("pulsar_broker_producers_count", |all| count(each(all).map(|topic| topic.publishers.len()).sum())),
    ("pulsar_broker_consumers_count", |all| count(each(all).map(consumers).sum())),
    ("pulsar_broker_rate_in", |all| total(all, |topic| topic.counts.msg_rate_in)),
    ("pulsar_broker_rate_out", |all| total(all, |topic| topic.counts.msg_rate_out)),
    ("pulsar_broker_throughput_in", |all| total(all, |topic| topic.counts.msg_throughput_in)),
    ("pulsar_broker_throughput_out", |all| total(all, |topic| topic.counts.msg_throughput_out)),
    ("pulsar_broker_storage_size", |all| number(each(all).map(|topic| topic.counts.storage_size).sum())),
    ("pulsar_broker_storage_logical_size", |all| {
        number(each(all).map(|topic| topic.counts.storage_size).sum())
    }),
    ("pulsar_broker_storage_write_rate", |all| total(all, |topic| topic.storage.write_rate)),
    ("pulsar_broker_storage_read_rate", |all| total(all, |topic| topic.storage.read_rate)),
    ("pulsar_broker_storage_read_cache_misses_rate", |all| {
        total(all, |topic| topic.storage.read_cache_misses_rate)
    }),
    ("pulsar_broker_msg_backlog", |all| number(each(all).map(backlog).sum())),
    // All topics and subscriptions are those of clients.
    ("pulsar_broker_in_bytes_total", |all| {
        number(each(all).map(|topic| topic.counts.bytes_in_counter).sum())
    }),
    ("pulsar_broker_out_bytes_total", |all| {
        number(each(all).map(|topic| topic.counts.bytes_out_counter).sum())
    }),
];

const OF_CONNECTIONS: [Metric<BrokerStats>; 5] = [
    ("pulsar_active_connections", |broker| {
        number(broker.connections_opened.saturating_sub(broker.connections_closed))
    }),
    ("pulsar_connection_created_total_count", |broker| number(broker.connections_opened)),
    ("pulsar_connection_create_success_count", |broker| number(broker.connections_let_in)),
    ("pulsar_connection_create_fail_count", |broker| number(broker.connections_refused)),
    ("pulsar_connection_closed_total_count", |broker| number(broker.connections_closed)),
];

const OF_LOOKUPS: [Metric<BrokerStats>; 4] = [
    ("pulsar_broker_lookup_answers_total", |broker| number(broker.looking_up.count)),
    ("pulsar_broker_lookup_failures_total", |broker| number(broker.lookups_refused)),
    // There is no other broker, and they are answered at once.
    ("pulsar_broker_lookup_redirects_total", |_| 0.0),
    ("pulsar_broker_lookup_pending_requests", |_| 0.0),
];

const OF_SCHEMAS: [Metric<SchemaCounts>; 5] = [
    ("pulsar_schema_compatible_total", |counts| number(counts.compatible)),
    ("pulsar_schema_incompatible_total", |counts| number(counts.incompatible)),
    ("pulsar_schema_get_ops_failed_total", |counts| number(counts.get.failed)),
    ("pulsar_schema_put_ops_failed_total", |counts| number(counts.put.failed)),
    ("pulsar_schema_del_ops_failed_total", |counts| number(counts.delete.failed)),
];

const EVICTIONS: &str = "pulsar_broker_storage_backlog_quota_exceeded_evictions_total";

pub(super) fn write(text: &mut Text, broker: &Broker, all: &All) {
    let (cluster, stats) = (Labels::new(), broker.broker_stats());
    text.one("pulsar_version_info", &cluster.with("version", env!("CARGO_PKG_VERSION")), 1.0);
    for (metric, value) in &OF_BROKER {
        let labels = match *metric {
            "pulsar_broker_in_bytes_total" => &cluster.with("system_topic", "false"),
            "pulsar_broker_out_bytes_total" => &cluster.with("system_subscription", "false"),
            _ => &cluster,
        };
        text.one(metric, labels, value(all));
    }
    text.begin(EVICTIONS, "counter");
    for (kind, index) in [("size", 0), ("time", 1)] {
        let times = each(all).map(|topic| topic.storage.evictions[index]).sum();
        text.series(EVICTIONS, &cluster.with("quota_type", kind), number(times));
    }
    let connections = cluster
        .with("broker", host(broker.service_url().or(broker.service_url_tls()).unwrap_or_default()))
        .with("metric", "broker_connection");
    text.each(&OF_CONNECTIONS, &[(connections, &stats)]);
    text.each(&OF_LOOKUPS, &[(Labels::new(), &stats)]);
    summary(text, "pulsar_broker_lookup", LOOKUP_QUANTILES, &stats.looking_up);
    summary(text, "pulsar_broker_publish_latency", PUBLISH_QUANTILES, &stats.publishing);
    proofs(text, &stats);
    let schemas =
        stats.schemas.iter().map(|(namespace, counts)| (cluster.with("namespace", namespace), counts));
    let schemas: Vec<_> = schemas.collect();
    text.each(&OF_SCHEMAS, &schemas);
    operations(text, "pulsar_schema_get_ops_latency", &schemas, |counts| counts.get);
    operations(text, "pulsar_schema_put_ops_latency", &schemas, |counts| counts.put);
    operations(text, "pulsar_schema_del_ops_latency", &schemas, |counts| counts.delete);
}

fn proofs(text: &mut Text, stats: &BrokerStats) {
    let of = |wanted: bool| stats.proofs.iter().filter(move |proof| proof.refused.is_none() == wanted);
    for (metric, succeeds) in
        [("pulsar_authentication_success_total", true), ("pulsar_authentication_failures_total", false)]
    {
        text.begin(metric, "counter");
        for proof in of(succeeds) {
            let cluster = Labels::new();
            let mut labels =
                cluster.with("provider_name", provider(proof.method)).with("auth_method", proof.method);
            if let Some(why) = proof.refused {
                labels = labels.with("reason", why);
            }
            text.series(metric, &labels, number(proof.times));
        }
    }
}

/// What Pulsar has for it.
fn provider(method: &str) -> &'static str {
    match method {
        "token" => "AuthenticationProviderToken",
        "basic" => "AuthenticationProviderBasic",
        "tls" => "AuthenticationProviderTls",
        _ => "none",
    }
}

/// In milliseconds.
fn summary<const N: usize>(text: &mut Text, metric: &str, quantiles: [f64; N], summary: &Summary<N>) {
    let cluster = Labels::new();
    text.begin(metric, "summary");
    for (quantile, value) in quantiles.iter().zip(summary.quantiles) {
        let labels = cluster.with("quantile", &format!("{quantile:?}"));
        text.series(metric, &labels, value.map_or(f64::NAN, milliseconds));
    }
    text.series(&format!("{metric}_count"), &cluster, number(summary.count));
    text.series(&format!("{metric}_sum"), &cluster, milliseconds(summary.sum));
}

fn operations(
    text: &mut Text,
    metric: &str,
    all: &[(Labels, &SchemaCounts)],
    of: impl Fn(&SchemaCounts) -> OperationCounts,
) {
    text.begin(metric, "summary");
    for (labels, counts) in all {
        text.series(&format!("{metric}_count"), labels, number(of(counts).done));
        text.series(&format!("{metric}_sum"), labels, milliseconds(of(counts).took));
    }
}

/// Of `pulsar://host:port`.
fn host(url: &str) -> &str {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

fn each(all: &All) -> impl Iterator<Item = &TopicStats> {
    all.iter().map(|(_, stats)| stats)
}

/// 0 for none, where `Iterator::sum` has -0.
fn total(all: &All, rate: impl Fn(&TopicStats) -> f64) -> f64 {
    each(all).fold(0.0, |sum, topic| sum + rate(topic))
}
