//! `/metrics` as Prometheus reads it, and as dashboards ask for it.

#![allow(clippy::float_cmp, reason = "counts are whole numbers")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::Extension;
use hexalpes_admin::Beside;
use hexalpes_auth::{Authentication, Claims, SecretKey, TokenKey};
use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{Client, ClientOptions, ConsumerOptions, Outgoing, Producer, ProducerOptions, Token};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::call;

const DEADLINE: Duration = Duration::from_secs(20);

const TOPIC: &str = "persistent://public/default/orders";

type Labels = BTreeMap<String, String>;

/// The text format, version 0.0.4, read strictly: what is against it is a panic.
#[derive(Default)]
struct Exposition {
    types: BTreeMap<String, String>,
    series: BTreeMap<(String, Labels), f64>,
}

impl Exposition {
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut all = Self::default();
        let mut block = String::new();
        for line in text.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                let (name, kind) = declared.split_once(' ').unwrap();
                assert!(is_name(name), "{line}");
                assert!(["counter", "gauge", "summary", "histogram", "untyped"].contains(&kind), "{line}");
                let before = all.types.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{name} is declared twice");
                name.clone_into(&mut block);
            } else if !line.is_empty() && !line.starts_with('#') {
                let (name, labels, value) = series(line);
                assert!(is_of(&name, &block, &all.types[&block]), "{line} is in the block of {block}");
                let is_new = all.series.insert((name, labels), value).is_none();
                assert!(is_new, "{line} comes twice");
            }
        }
        all
    }

    fn has(&self, name: &str) -> bool {
        self.series.keys().any(|(of, _)| of == name)
    }

    /// The value of the one series that has these labels.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits =
            |of: &Labels| labels.iter().all(|(label, value)| of.get(*label).is_some_and(|of| of == value));
        let found: Vec<_> = self.series.iter().filter(|((of, had), _)| of == name && fits(had)).collect();
        let [(_, value)] = found[..] else { panic!("{name} {labels:?}: {found:?}") };
        *value
    }
}

fn is_name(name: &str) -> bool {
    let begins = |first: char| first.is_ascii_alphabetic() || first == '_';
    name.starts_with(begins) && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn is_of(name: &str, block: &str, kind: &str) -> bool {
    let parts: &[&str] = match kind {
        "summary" => &["", "_count", "_sum"],
        "histogram" => &["_bucket", "_count", "_sum"],
        _ => &[""],
    };
    name.strip_prefix(block).is_some_and(|rest| parts.contains(&rest))
}

/// `name{label="value",…} value`, with the escapes of the format.
fn series(line: &str) -> (String, Labels, f64) {
    let (name, mut rest) = line.split_at(line.find(['{', ' ']).unwrap());
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let (mut value, mut chars) = (String::new(), behind.char_indices());
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at + 1,
                    (_, '\\') => value.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        escaped => {
                            assert!("\\\"".contains(escaped), "{line}");
                            escaped
                        }
                    }),
                    (_, char) => value.push(char),
                }
            };
            assert_eq!(labels.insert(label.to_owned(), value), None, "{line} has {label} twice");
            rest = behind[end..].strip_prefix(',').unwrap_or(&behind[end..]);
        }
        rest = &rest[1..];
    }
    (name.to_owned(), labels, rest.trim_start().parse().unwrap_or_else(|_| panic!("{line} has no number")))
}

/// A broker with both of its ports, and something beside its metrics.
struct Whole {
    broker: Broker,
    client: Client,
    admin: String,
    authorization: String,
    _data: TempDir,
}

impl Whole {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let listeners = [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
        let [service, admin] = listeners.map(Result::unwrap);
        let url = format!("pulsar://{}", service.local_addr().unwrap());
        let address = admin.local_addr().unwrap().to_string();
        let secret = SecretKey::new(vec![7; 32]).unwrap();
        let token = Claims { sub: Some("somebody".to_owned()), ..Claims::default() }.sign(&secret);
        let authentication = Authentication::by_token(TokenKey::secret(secret), None);
        let options = BrokerOptions {
            authentication: Some(Arc::new(authentication)),
            ..BrokerOptions::new(data.path(), &url)
        };
        let broker = Broker::open(options).unwrap();
        let serving = broker.clone();
        tokio::spawn(async move { serving.serve(service, CancellationToken::new()).await });
        let beside = Beside::new(|| "# TYPE beside_total counter\nbeside_total{of=\"it\"} 7\n".to_owned());
        let router = hexalpes_admin::router(broker.clone()).layer(Extension(beside));
        tokio::spawn(async move { axum::serve(admin, router).await.unwrap() });
        let options = ClientOptions { token: Some(Token::new(token.clone())), ..ClientOptions::new(&url) };
        let client = Client::connect(options).await.unwrap();
        let authorization = format!("authorization: Bearer {token}\r\n");
        Self { broker, client, admin: address, authorization, _data: data }
    }

    async fn metrics(&self) -> Exposition {
        let (status, text) = call(&self.admin, "GET /metrics", "", "").await;
        assert_eq!(status, 200);
        Exposition::parse(text.as_str().unwrap())
    }

    /// Status and body of a call that is answered well.
    async fn call(&self, request: &str, body: &str) -> Value {
        let headers = format!("{}content-type: application/json\r\n", self.authorization);
        let (status, answer) = call(&self.admin, request, &headers, body).await;
        assert!(status < 300, "{request}: {status} {answer}");
        answer
    }

    /// Sends, consumes, registers a schema and compacts. The producer stays.
    async fn history(&self) -> Producer {
        let subscribing = ConsumerOptions::new("sub").from_earliest();
        let consumer = self.client.consumer(TOPIC, subscribing).await.unwrap();
        let producer = self.client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for n in 0..3 {
            producer.send(Outgoing::new(format!("message {n}")).key("one")).await.unwrap();
        }
        for _ in 0..3 {
            let message = tokio::time::timeout(DEADLINE, consumer.next()).await.unwrap().unwrap();
            consumer.ack(&message).await.unwrap();
        }
        consumer.close().await;
        let schemas = "/admin/v2/schemas/public/default/other/schema";
        let schema = json!({ "type": "STRING", "schema": "", "properties": {} });
        self.call(&format!("POST {schemas}"), &schema.to_string()).await;
        self.call(&format!("GET {schemas}"), "").await;
        let compaction = "/admin/v2/persistent/public/default/orders/compaction";
        self.call(&format!("PUT {compaction}"), "").await;
        let deadline = Instant::now() + DEADLINE;
        while self.call(&format!("GET {compaction}"), "").await["status"] != "SUCCESS" {
            assert!(Instant::now() < deadline, "it is not compacted in time");
            tokio::task::yield_now().await;
        }
        producer
    }
}

#[tokio::test]
async fn what_dashboards_ask_for_is_all_there_each_series_once() {
    let whole = Whole::start().await;
    let _producer = whole.history().await;
    // Without a token, as a scraper comes.
    let metrics = whole.metrics().await;
    let asked = include_str!("dashboards.txt").lines().filter(|line| !line.starts_with('#'));
    let missing: Vec<_> = asked.filter(|name| !metrics.has(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(metrics.value("beside_total", &[("of", "it")]), 7.0);
    assert!(
        metrics
            .series
            .keys()
            .filter(|(name, _)| name != "beside_total")
            .all(|(_, labels)| { labels.get("cluster").is_some_and(|cluster| cluster == "standalone") })
    );
    whole.broker.close().await.unwrap();
}

#[tokio::test]
async fn metrics_count_what_was_done() {
    let whole = Whole::start().await;
    let _producer = whole.history().await;
    let metrics = whole.metrics().await;
    let (topic, sub) = (("topic", TOPIC), ("subscription", "sub"));
    for (name, labels, expected) in [
        ("pulsar_in_messages_total", &[topic][..], 3.0),
        ("pulsar_producers_count", &[topic], 1.0),
        ("pulsar_msg_backlog", &[topic], 0.0),
        ("pulsar_out_messages_total", &[topic, sub], 3.0),
        ("pulsar_subscription_back_log", &[topic, sub], 0.0),
        ("pulsar_compaction_succeed_count", &[topic], 1.0),
        ("pulsar_compaction_removed_event_count", &[topic], 2.0),
        ("pulsar_topics_count", &[("namespace", "public/default")], 1.0),
        ("pulsar_broker_topics_count", &[], 1.0),
        ("pulsar_broker_publish_latency_count", &[], 3.0),
        ("pulsar_active_connections", &[("broker", "127.0.0.1"), ("metric", "broker_connection")], 1.0),
        ("pulsar_connection_create_success_count", &[], 1.0),
        ("pulsar_schema_compatible_total", &[("namespace", "public/default")], 1.0),
        ("pulsar_schema_get_ops_latency_count", &[("namespace", "public/default")], 1.0),
    ] {
        assert_eq!(metrics.value(name, labels), expected, "{name}");
    }
    let acked = metrics.value("pulsar_subscription_last_acked_timestamp", &[topic, sub]);
    let consumed = metrics.value("pulsar_subscription_last_consumed_timestamp", &[topic, sub]);
    assert!(1.6e12 < consumed && consumed <= acked, "{consumed}, {acked}");
    let by_token = [("provider_name", "AuthenticationProviderToken"), ("auth_method", "token")];
    let proofs = metrics.value("pulsar_authentication_success_total", &by_token);
    assert!(proofs > 1.0, "{proofs}");
    assert!(!metrics.has("pulsar_authentication_failures_total"));
    assert!(metrics.value("process_resident_memory_bytes", &[]) > 1e6);
    assert_eq!(metrics.types["pulsar_in_messages_total"], "counter");
    assert_eq!(metrics.types["pulsar_msg_backlog"], "gauge");
    assert_eq!(metrics.types["pulsar_broker_publish_latency"], "summary");

    let (status, _) = call(&whole.admin, "GET /admin/v2/clusters", "authorization: Bearer no\r\n", "").await;
    assert_eq!(status, 401);
    let options = ClientOptions {
        token: Some(Token::new("no")),
        ..ClientOptions::new(whole.broker.service_url().unwrap())
    };
    Client::connect(options).await.unwrap_err();
    let metrics = whole.metrics().await;
    let refused = [by_token[1], ("reason", "INVALID_TOKEN")];
    assert!(metrics.value("pulsar_authentication_failures_total", &refused) >= 2.0);
    assert!(metrics.value("pulsar_connection_create_fail_count", &[]) >= 1.0);
    whole.broker.close().await.unwrap();
}

#[tokio::test]
async fn what_is_counted_of_a_topic_is_forgotten_with_it() {
    let whole = Whole::start().await;
    // One that still writes would come back, and the topic with it.
    whole.history().await.close().await;
    whole.call("DELETE /admin/v2/persistent/public/default/orders?force=true", "").await;
    let metrics = whole.metrics().await;
    assert!(!metrics.series.keys().any(|(_, labels)| labels.contains_key("topic")));
    assert_eq!(metrics.value("pulsar_broker_topics_count", &[]), 0.0);
    whole.broker.close().await.unwrap();
}
