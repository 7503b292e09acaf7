//! The relay on a broker in the same process: each row once, in order, whatever is interrupted.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{path::Path, sync::Arc, time::Duration};

use hexalpes_broker::{Broker, BrokerOptions, Policy};
use hexalpes_client::{Client, ClientOptions, ConsumerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{
    Actor, CausationId, Cause, CloudEvent, CorrelationId, Edge, FixedEdge, Ids as _, Timestamp,
};
use hexalpes_outbox::{EVENTS_TOPIC, MIGRATIONS, NewEvent, RAW_TOPIC, Relay, RelayOptions, append, newest};
use sea_query::Query;
use serde_json::{Value, value::RawValue};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);
/// A topic that has said nothing for so long has no more.
const SILENCE: Duration = Duration::from_millis(300);

struct Stage {
    folder: TempDir,
    db: Db,
    broker: Broker,
    address: std::net::SocketAddr,
    edge: Arc<FixedEdge>,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = open_database(folder.path()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let broker = serve(folder.path(), listener);
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T10:30:00Z").unwrap()));
        Self { folder, db, broker, address, edge }
    }

    fn client(&self) -> Client {
        Client::new(ClientOptions::new(format!("pulsar://{}", self.address))).unwrap()
    }

    fn relay(&self) -> Relay {
        let edge: Arc<dyn Edge> = Arc::<FixedEdge>::clone(&self.edge);
        Relay::start(self.db.clone(), self.client(), edge, RelayOptions { service: "commissions".to_owned() })
    }

    /// Appends events for these aggregates, each in a transaction of its own.
    async fn append(&self, aggregates: impl IntoIterator<Item = String>) {
        for aggregate in aggregates {
            let (id, edge) = (self.edge.uuid(), Arc::clone(&self.edge));
            let command = async move |tx: &Tx| append(tx, &cause(&edge), an_event(id, &aggregate)).await;
            self.db.write(command).await.unwrap();
        }
    }

    async fn published(&self, count: usize) {
        let all = async {
            let mut commits = self.db.commits();
            while newest(&self.db, None, 1000).await.unwrap().iter().filter(|row| row.published == 1).count()
                < count
            {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, all).await.expect("the relay publishes what waits");
    }

    /// Everything on a topic, by a subscription of its own.
    async fn on(&self, topic: &str, subscription: &str) -> Vec<String> {
        let options = ConsumerOptions::new(subscription).from_earliest();
        let consumer = self.client().consumer(topic, options).await.unwrap();
        let mut payloads = Vec::new();
        while let Ok(message) = timeout(SILENCE, consumer.next()).await {
            payloads.push(String::from_utf8(message.unwrap().payload.to_vec()).unwrap());
        }
        payloads
    }
}

async fn open_database(folder: &Path) -> Db {
    let url = format!("sqlite:{}", folder.join("outbox.db").display());
    let db = Db::open(&DatabaseUrl::parse(&url).unwrap(), DbOptions::default()).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    db
}

fn serve(folder: &Path, listener: TcpListener) -> Broker {
    let data = folder.join("backbone");
    std::fs::create_dir_all(&data).unwrap();
    let service_url = format!("pulsar://{}", listener.local_addr().unwrap());
    let broker = Broker::open(BrokerOptions::new(data, service_url)).unwrap();
    broker.set_policy("public/default", Policy::Deduplication, Value::Bool(true)).unwrap();
    let serving = broker.clone();
    tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
    broker
}

fn cause(edge: &FixedEdge) -> Cause {
    Cause {
        correlation: CorrelationId::parse("CORR-1").unwrap(),
        causation: CausationId::parse("CMD-1").unwrap(),
        actor: Actor::anonymous(),
        at: hexalpes_kernel::Clock::now(edge),
    }
}

fn an_event(id: hexalpes_kernel::Uuid, aggregate: &str) -> NewEvent {
    let data = serde_json::json!({ "affiliate_name": "Ñandú & Cía 📡" });
    NewEvent {
        id,
        aggregate_type: "commissions",
        aggregate_id: aggregate.to_owned(),
        kind: "com.hexabuilders.commissions.CommissionCalculated",
        data: RawValue::from_string(data.to_string()).unwrap(),
    }
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("com-{number}"))
}

fn subjects(events: &[String]) -> Vec<String> {
    events.iter().map(|event| CloudEvent::parse(event.as_bytes()).unwrap().subject.unwrap()).collect()
}

/// Accepts S3-TOP-1, S3-TOP-2, S4-OUT-1.
#[tokio::test]
async fn every_row_is_on_both_topics_in_the_order_of_the_commits() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(50)).await;
    stage.published(50).await;

    let events = stage.on(EVENTS_TOPIC, "all").await;
    assert_eq!(subjects(&events), names(50).collect::<Vec<_>>());
    assert!(events[0].contains("Ñandú & Cía 📡"));
    let changes = stage.on(RAW_TOPIC, "all").await;
    let change: Value = serde_json::from_str(&changes[49]).unwrap();
    assert_eq!((changes.len(), &change["op"], &change["after"]["seq"]), (50, &"c".into(), &50.into()));
    relay.stop().await;
}

/// Accepts S3-SRC-2.
#[tokio::test]
async fn the_status_counts_what_was_read_and_written() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.published(3).await;
    let counted = async {
        while relay.status().num_written < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, counted).await.expect("the status follows");
    let status = serde_json::to_value(relay.status()).unwrap();
    assert_eq!((&status["running"], &status["numReceivedFromSource"]), (&true.into(), &3.into()), "{status}");
    relay.stop().await;
}

/// As after a crash between the receipts and the checkpoint.
#[tokio::test]
async fn rows_whose_checkpoint_was_lost_are_not_published_twice() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(20)).await;
    stage.published(20).await;
    relay.stop().await;

    let forget = async |tx: &Tx| -> Result<(), DbError> {
        tx.execute(Query::update().table("relay_checkpoint").value("ordinal", 5_i64)).await?;
        tx.execute(Query::update().table("outbox_event").value("published", 0_i64)).await.map(drop)
    };
    stage.db.write(forget).await.unwrap();
    let relay = stage.relay();
    stage.append(["last".to_owned()]).await;
    stage.published(16).await;
    assert_eq!(stage.on(EVENTS_TOPIC, "all").await.len(), 21);
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), 21);
    relay.stop().await;
}

#[tokio::test]
async fn a_database_that_was_restored_from_an_older_copy_stops_the_relay() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(5)).await;
    stage.published(5).await;
    relay.stop().await;

    let restore = async |tx: &Tx| -> Result<(), DbError> {
        tx.execute(Query::delete().from_table("outbox_event")).await?;
        tx.execute(Query::update().table("relay_checkpoint").value("ordinal", 2_i64)).await.map(drop)
    };
    stage.db.write(restore).await.unwrap();
    let relay = stage.relay();
    let stopped = async {
        while relay.status().alarm.is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, stopped).await.expect("it notices");
    let status = relay.status();
    assert!(!status.running && status.alarm.unwrap().contains("restored from an older copy"));
    relay.stop().await;
}

/// Accepts S3-QS-5.
#[tokio::test]
async fn while_the_broker_is_away_commands_go_on_and_the_outbox_drains_on_its_return() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.published(3).await;
    stage.broker.close().await.unwrap();
    stage.append(names(30).skip(3)).await;
    let Stage { folder, db, broker, address, edge } = stage;
    drop(broker);
    let listener = TcpListener::bind(address).await.unwrap();
    let stage = Stage { broker: serve(folder.path(), listener), folder, db, address, edge };
    stage.published(30).await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(30).collect::<Vec<_>>());
    relay.stop().await;
}
