//! The metrics of events, under the names of the seeds.

use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_e2e::{Api, PATIENCE, Product, calculation};
use hexalpes_engines::PulsarUrls;

/// Of each metric: its type, one label of a series that there is, and its name in seed 2.
const METRICS: [(&str, &str, &str, &str); 10] = [
    (
        "pulsar_events_published_total",
        "counter",
        r#"topic="persistent://public/default/outbox-events""#,
        "events_published_total",
    ),
    (
        "pulsar_events_published_by_type_total",
        "counter",
        r#"event_type="CommissionCalculated""#,
        "events_published_by_type",
    ),
    (
        "pulsar_event_publish_duration_seconds",
        "histogram",
        r#"service="commissions""#,
        "event_publish_duration",
    ),
    ("pulsar_event_publish_errors_total", "counter", r#"service="commissions""#, "event_publish_errors"),
    ("pulsar_events_consumed_total", "counter", r#"service="notifications""#, "events_consumed_total"),
    (
        "pulsar_events_consumed_by_type_total",
        "counter",
        r#"event_type="CommissionCalculated""#,
        "events_consumed_by_type",
    ),
    (
        "pulsar_event_processing_duration_seconds",
        "histogram",
        r#"subscription="commissions-commands""#,
        "event_processing_duration",
    ),
    (
        "pulsar_event_processing_errors_total",
        "counter",
        r#"topic="persistent://public/default/commands""#,
        "event_processing_errors",
    ),
    ("pulsar_consumer_lag", "gauge", r#"subscription="commissions-commands""#, "consumer_lag"),
    (
        "pulsar_dead_letter_queue_size",
        "gauge",
        r#"topic="persistent://public/default/commands-commissions-dlq"} 1"#,
        "dead_letter_queue_size",
    ),
];

/// An event is published and consumed, and a message becomes a dead letter.
async fn history(product: &Product) {
    let (status, body) = product.post("/commissions/calculate", &calculation("conv-metrics")).await;
    assert_eq!(status, 201, "{body}");
    product.event_lines(1);
    let PulsarUrls { service, .. } = product.urls();
    let client = Client::connect(ClientOptions::new(service)).await.unwrap();
    let producer = client.producer("commands", ProducerOptions::default()).await.unwrap();
    producer.send(Outgoing::new("{}").property("event_type", "CalculateCommission")).await.unwrap();
    producer.close().await;
}

/// Whether the text has the metric with its type, and a series with this in it.
fn has(text: &str, name: &str, kind: &str, part: &str) -> bool {
    let declared = format!("# TYPE {name} {kind}");
    let begins = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with("_count{"))
    };
    text.lines().any(|line| line == declared) && text.lines().filter(begins).any(|line| line.contains(part))
}

/// The text of `/metrics` when it has all of it: some are looked at now and then.
async fn whole_text(api: &Api, named: impl Fn(&(&str, &str, &str, &str)) -> String) -> String {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let text = api.text("/metrics").await;
        let missing = METRICS.iter().find(|metric| !has(&text, &named(metric), metric.1, metric.2));
        let Some((name, ..)) = missing else { return text };
        assert!(tokio::time::Instant::now() < deadline, "{name} is not in\n{text}");
        hexalpes_engines::a_moment().await;
    }
}

/// Accepts S0-MET-1, S0-MET-2, S0-MET-3, S0-MET-4.
#[tokio::test]
async fn events_are_counted_under_the_names_of_the_seed_beside_what_the_broker_counts() {
    let product = Product::start();
    history(&product).await;
    let text = whole_text(product.api(), |(name, ..)| (*name).to_owned()).await;
    for help in [
        "# HELP pulsar_events_published_total Total events published",
        "# HELP pulsar_event_publish_duration_seconds Event publish duration",
        "# HELP pulsar_events_consumed_total Total events consumed",
        "# HELP pulsar_consumer_lag Consumer lag in messages",
    ] {
        assert!(text.lines().any(|line| line == help), "{help} is not in\n{text}");
    }
    assert!(!text.contains("\nevents_published_total"), "{text}");
    let port = product.urls().admin.rsplit_once(':').unwrap().1.parse().unwrap();
    let text = whole_text(&Api::on_port(port), |(name, ..)| (*name).to_owned()).await;
    assert!(text.contains("\npulsar_subscription_back_log{"), "{text}");
}

/// Accepts S2-MET-1, S2-MET-2, S2-MET-3, S2-MET-4, S2-MET-5, S2-MET-6, S2-MET-7, S2-MET-8, S2-MET-9, S2-MET-10.
#[tokio::test]
async fn the_bare_names_of_seed_2_are_there_for_who_wants_them() {
    let product = Product::start_set(vec![("HEXALPES_SEED_METRIC_NAMES", "true".to_owned())]);
    history(&product).await;
    whole_text(product.api(), |(.., bare)| (*bare).to_owned()).await;
    whole_text(product.api(), |(name, ..)| (*name).to_owned()).await;
}
