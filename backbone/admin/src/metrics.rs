//! What is counted of topics and subscriptions, in Prometheus's text format and under Pulsar's names and labels:
//! <https://pulsar.apache.org/docs/4.0.x/reference-metrics/#broker>.
//!
//! Only what the broker knows, and so fewer than Pulsar's. What is counted of a subscription has no sum of its topic.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use axum::{extract::State, response::IntoResponse};
use hexalpes_broker::{Broker, SubscriptionStats, TopicStats};
use hexalpes_wire::TopicName;
use http::header::CONTENT_TYPE;

use crate::{CLUSTER, blocking, refusal::Refusal};

/// A metric of a topic or a subscription: its name, its type, and where its value comes from.
type Metric<T> = (&'static str, &'static str, fn(&T) -> f64);

const OF_TOPICS: [Metric<TopicStats>; 12] = [
    ("pulsar_subscriptions_count", "gauge", |topic| count(topic.subscriptions.len())),
    ("pulsar_producers_count", "gauge", |topic| count(topic.publishers.len())),
    ("pulsar_consumers_count", "gauge", |topic| {
        count(topic.subscriptions.values().map(|subscription| subscription.consumers.len()).sum())
    }),
    ("pulsar_rate_in", "gauge", |topic| topic.msg_rate_in),
    ("pulsar_rate_out", "gauge", |topic| topic.msg_rate_out),
    ("pulsar_throughput_in", "gauge", |topic| topic.msg_throughput_in),
    ("pulsar_throughput_out", "gauge", |topic| topic.msg_throughput_out),
    ("pulsar_storage_size", "gauge", |topic| number(topic.storage_size)),
    ("pulsar_storage_backlog_size", "gauge", |topic| number(topic.backlog_size)),
    ("pulsar_msg_backlog", "gauge", |topic| {
        number(topic.subscriptions.values().map(|subscription| subscription.msg_backlog).sum())
    }),
    ("pulsar_in_messages_total", "counter", |topic| number(topic.msg_in_counter)),
    ("pulsar_in_bytes_total", "counter", |topic| number(topic.bytes_in_counter)),
];

const OF_SUBSCRIPTIONS: [Metric<SubscriptionStats>; 7] = [
    ("pulsar_subscription_back_log", "gauge", |subscription| number(subscription.msg_backlog)),
    ("pulsar_subscription_unacked_messages", "gauge", |subscription| number(subscription.unacked_messages)),
    ("pulsar_subscription_consumers_count", "gauge", |subscription| count(subscription.consumers.len())),
    ("pulsar_subscription_msg_rate_out", "gauge", |subscription| subscription.msg_rate_out),
    ("pulsar_subscription_msg_throughput_out", "gauge", |subscription| subscription.msg_throughput_out),
    ("pulsar_out_messages_total", "counter", |subscription| number(subscription.msg_out_counter)),
    ("pulsar_out_bytes_total", "counter", |subscription| number(subscription.bytes_out_counter)),
];

pub(crate) async fn metrics(State(broker): State<Broker>) -> Result<impl IntoResponse, Refusal> {
    let text = blocking(broker, |broker| Ok(render(&broker.all_stats()))).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn render(topics: &[(TopicName, TopicStats)]) -> String {
    let mut text = Text::default();
    let mut in_namespaces: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in topics {
        *in_namespaces.entry(name.full_namespace()).or_default() += 1;
    }
    text.begin("pulsar_topics_count", "gauge");
    for (namespace, topics) in in_namespaces {
        text.series("pulsar_topics_count", &[("namespace", &namespace)], count(topics));
    }
    for (metric, kind, value) in OF_TOPICS {
        text.begin(metric, kind);
        for (name, topic) in topics {
            let (namespace, name) = (name.full_namespace(), name.to_string());
            text.series(metric, &[("namespace", &namespace), ("topic", &name)], value(topic));
        }
    }
    for (metric, kind, value) in OF_SUBSCRIPTIONS {
        text.begin(metric, kind);
        for (name, topic) in topics {
            let (namespace, name) = (name.full_namespace(), name.to_string());
            for (subscription, stats) in &topic.subscriptions {
                let labels = [("namespace", &*namespace), ("topic", &*name), ("subscription", subscription)];
                text.series(metric, &labels, value(stats));
            }
        }
    }
    text.0
}

/// The format: a line with the type of each metric, then a line for each of its series.
#[derive(Default)]
struct Text(String);

impl Text {
    fn begin(&mut self, metric: &str, kind: &str) {
        self.write(format_args!("# TYPE {metric} {kind}\n"));
    }

    fn series(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        self.write(format_args!("{metric}{{cluster=\"{CLUSTER}\""));
        for (label, of) in labels {
            let escaped = of.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            self.write(format_args!(",{label}=\"{escaped}\""));
        }
        self.write(format_args!("}} {value}\n"));
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) {
        self.0.write_fmt(arguments).expect("a string takes whatever is written to it");
    }
}

#[allow(clippy::cast_precision_loss, reason = "the format has no other numbers, and these are far from 2^53")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[allow(clippy::cast_precision_loss, reason = "the format has no other numbers, and these are far from 2^53")]
const fn count(value: usize) -> f64 {
    value as f64
}
