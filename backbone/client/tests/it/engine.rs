//! The engines under test, and short ways to open things on them.

use std::net::SocketAddr;
use std::ops::AsyncFn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{
    AdminClient, AdminOptions, Client, ClientOptions, Consumer, ConsumerOptions, Message, Outgoing, Producer,
    ProducerOptions,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine; reached only by what fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// One engine, with a namespace in which it deduplicates and keeps everything.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) url: String,
    pub(crate) admin: AdminClient,
    pub(crate) admin_url: String,
    namespace: String,
}

/// Runs a scenario on each engine.
pub(crate) async fn on_every_engine(scenario: impl AsyncFn(&Engine)) {
    on_the_backbone(&scenario).await;
    if let Some(urls) = hexalpes_engines::pulsar() {
        run("Pulsar", urls.service, urls.admin, &scenario).await;
    }
}

/// Runs a scenario on the backbone alone: what Pulsar's own programs do with Pulsar shows nothing.
pub(crate) async fn on_the_backbone(scenario: impl AsyncFn(&Engine)) {
    let backbone = Backbone::start().await;
    run("backbone", backbone.url(), backbone.admin_url(), &scenario).await;
    backbone.stop().await;
}

async fn run(name: &'static str, url: String, admin_url: String, scenario: &impl AsyncFn(&Engine)) {
    // Captured, and shown with a failure.
    println!("on {name}");
    scenario(&Engine::prepared(url, admin_url).await).await;
}

/// Our own broker, in this process, with a data folder of its own for each scenario.
struct Backbone {
    broker: Broker,
    address: SocketAddr,
    admin_address: SocketAddr,
    _folder: TempDir,
}

impl Backbone {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, admin_address) = (listener.local_addr().unwrap(), admin_listener.local_addr().unwrap());
        let broker = Broker::open(BrokerOptions::new(folder.path(), format!("pulsar://{address}"))).unwrap();
        let serving = broker.clone();
        tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
        let router = hexalpes_admin::router(broker.clone());
        tokio::spawn(async move { axum::serve(admin_listener, router).await });
        Self { broker, address, admin_address, _folder: folder }
    }

    fn url(&self) -> String {
        format!("pulsar://{}", self.address)
    }

    fn admin_url(&self) -> String {
        format!("http://{}", self.admin_address)
    }

    async fn stop(self) {
        self.broker.close().await.unwrap();
    }
}

impl Engine {
    async fn prepared(url: String, admin_url: String) -> Self {
        let admin = AdminClient::new(AdminOptions::new(&admin_url)).unwrap();
        let namespace = format!("public/client-{}", std::process::id());
        admin.create_namespace(&namespace).await.unwrap();
        admin.set_deduplication(&namespace, true).await.unwrap();
        Self { url, admin, admin_url, namespace }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A topic that no other test has.
    pub(crate) fn topic(&self, about: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("persistent://{}/{about}-{count}", self.namespace)
    }

    /// A topic with so many partitions that no other test has.
    pub(crate) async fn partitioned(&self, about: &str, partitions: u32) -> String {
        let topic = self.topic(about);
        self.admin.create_partitioned_topic(&topic.parse().unwrap(), partitions).await.unwrap();
        topic
    }

    pub(crate) async fn client(&self) -> Client {
        client_of(&self.url).await
    }

    /// A client that sees soon what is new.
    pub(crate) async fn curious_client(&self) -> Client {
        let options = ClientOptions {
            operation_timeout: DEADLINE,
            discovery_interval: Duration::from_millis(50),
            ..ClientOptions::new(&self.url)
        };
        Client::connect(options).await.unwrap()
    }

    pub(crate) async fn producer(&self, topic: &str, options: ProducerOptions) -> Producer {
        self.client().await.producer(topic, options).await.unwrap()
    }

    /// A consumer from the topic's beginning.
    pub(crate) async fn consumer(&self, topic: &str) -> Consumer {
        self.client().await.consumer(topic, ConsumerOptions::new("sub").from_earliest()).await.unwrap()
    }

    /// How many messages the subscription `sub` still has to deliver or see acked, as soon as it is that many.
    pub(crate) async fn backlog_becomes(&self, topic: &str, expected: u64) {
        let topic = topic.parse().unwrap();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let stats = self.admin.stats(&topic).await.unwrap();
            let backlog = stats["subscriptions"]["sub"]["msgBacklog"].as_u64();
            if backlog == Some(expected) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "backlog is {backlog:?}, not {expected}");
            hexalpes_engines::a_moment().await;
        }
    }
}

pub(crate) async fn client_of(url: &str) -> Client {
    Client::connect(ClientOptions { operation_timeout: DEADLINE, ..ClientOptions::new(url) }).await.unwrap()
}

/// The next message, within the deadline.
pub(crate) async fn next(consumer: &Consumer) -> Message {
    tokio::time::timeout(DEADLINE, consumer.next()).await.expect("a message comes in time").unwrap()
}

pub(crate) async fn next_text(consumer: &Consumer) -> String {
    text(&next(consumer).await)
}

/// The payloads of the next messages, as text.
pub(crate) async fn next_texts(consumer: &Consumer, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.push(next_text(consumer).await);
    }
    texts
}

pub(crate) fn text(message: &Message) -> String {
    String::from_utf8(message.payload.to_vec()).unwrap()
}

/// Sends these and waits for their receipts.
pub(crate) async fn send_all<T: Into<Outgoing>>(producer: &Producer, messages: impl IntoIterator<Item = T>) {
    let mut receipts = Vec::new();
    for message in messages {
        receipts.push(producer.queue(message.into()).await.unwrap());
    }
    producer.flush().await;
    for receipt in receipts {
        receipt.await.unwrap();
    }
}

/// Asks until it is so, within the deadline.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        while !is_so().await {
            again.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("it is so in time");
}

pub(crate) fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

/// That nothing more is there: a marker sent now is the next message.
pub(crate) async fn nothing_more(producer: &Producer, consumer: &Consumer) {
    producer.send(Outgoing::new("marker")).await.unwrap();
    assert_eq!(next_text(consumer).await, "marker");
}
