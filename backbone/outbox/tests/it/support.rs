//! The stage of these tests: a database, a broker in the same process, and a relay between them.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use hexalpes_broker::{Broker, BrokerOptions, OpenError as BrokerOpenError, Policy};
use hexalpes_client::{Client, ClientOptions, ConsumerOptions, Message, TopicName};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{
    Actor, CausationId, Cause, Clock as _, CloudEvent, CorrelationId, Edge, FixedEdge, Ids as _, Timestamp,
    Uuid,
};
use hexalpes_outbox::{
    EVENTS_TOPIC, MIGRATIONS, NewEvent, RAW_TOPIC, Relay, RelayOptions, Status, append, newest,
    operate::Reason,
};
use sea_query::Query;
use serde_json::{Value, value::RawValue};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Reached only by what fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A topic that has said nothing for so long has no more.
const SILENCE: Duration = Duration::from_millis(300);

/// Why somebody who operates the relay does what he does.
pub(crate) fn because(why: &str) -> Reason {
    Reason { who: "ops".to_owned(), why: why.to_owned() }
}

/// A database and a broker, and what is done with them.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) db: Db,
    broker: Option<Broker>,
    /// Who takes its connections; it has the folder as long as that one does.
    serving: Option<JoinHandle<()>>,
    address: SocketAddr,
    pub(crate) edge: Arc<FixedEdge>,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = open_database(folder.path()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T10:30:00Z").unwrap()));
        let mut stage = Self { folder, db, broker: None, serving: None, address, edge };
        stage.serve(listener).await;
        stage
    }

    /// A stage with the database of a server.
    pub(crate) async fn on_database(db: Db) -> Self {
        Self { db, ..Self::set().await }
    }

    /// The stage's database as another process has it: nothing but the file is shared.
    pub(crate) async fn opened_again(&self) -> Db {
        open_database(self.folder.path()).await
    }

    /// A stage on which the topics of events have so many partitions.
    pub(crate) async fn with_partitions(partitions: u32) -> Self {
        let stage = Self::set().await;
        stage.make_partitions(partitions);
        stage
    }

    pub(crate) fn make_partitions(&self, partitions: u32) {
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            self.broker().create_partitioned(&TopicName::parse(topic).unwrap(), partitions).unwrap();
        }
    }

    pub(crate) fn broker(&self) -> &Broker {
        self.broker.as_ref().expect("it is there")
    }

    async fn serve(&mut self, listener: TcpListener) {
        let data = self.broker_data();
        std::fs::create_dir_all(&data).unwrap();
        let open = async {
            loop {
                match Broker::open(BrokerOptions::new(&data, self.service_url())) {
                    // A connection of the one before that is about to end has its folder as long.
                    Err(BrokerOpenError::Lock(_)) => hexalpes_engines::a_moment().await,
                    opened => return opened.unwrap(),
                }
            }
        };
        let broker = timeout(PATIENCE, open).await.expect("the broker before gives its folder back");
        broker.set_policy("public/default", Policy::Deduplication, Value::Bool(true)).unwrap();
        let serving = broker.clone();
        let serving = async move { serving.serve(listener, CancellationToken::new()).await };
        (self.broker, self.serving) = (Some(broker), Some(tokio::spawn(serving)));
    }

    pub(crate) fn broker_data(&self) -> std::path::PathBuf {
        self.folder.path().join("backbone")
    }

    pub(crate) fn service_url(&self) -> String {
        format!("pulsar://{}", self.address)
    }

    pub(crate) async fn stop_broker(&mut self) {
        self.broker.take().expect("it is there").close().await.unwrap();
        self.serving.take().expect("it is there").await.unwrap();
    }

    pub(crate) async fn start_broker(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener).await;
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(ClientOptions::new(self.service_url())).unwrap()
    }

    pub(crate) fn relay(&self) -> Relay {
        self.relay_with(RelayOptions::new("commissions"))
    }

    pub(crate) fn relay_with(&self, options: RelayOptions) -> Relay {
        let edge: Arc<dyn Edge> = Arc::<FixedEdge>::clone(&self.edge);
        Relay::start(self.db.clone(), self.client(), edge, options)
    }

    /// Appends events for these aggregates, each in a transaction of its own.
    pub(crate) async fn append(&self, aggregates: impl IntoIterator<Item = String>) {
        self.append_by(&self.db, aggregates).await;
    }

    pub(crate) async fn append_by(&self, db: &Db, aggregates: impl IntoIterator<Item = String>) {
        for aggregate in aggregates {
            let (id, cause) = (self.edge.uuid(), self.cause());
            let command = async move |tx: &Tx| append(tx, &cause, an_event(id, &aggregate)).await;
            db.write(command).await.unwrap();
        }
    }

    /// Appends events for these aggregates, all in one transaction.
    pub(crate) async fn append_together(&self, aggregates: impl IntoIterator<Item = String>) {
        let cause = self.cause();
        let events: Vec<_> =
            aggregates.into_iter().map(|aggregate| an_event(self.edge.uuid(), &aggregate)).collect();
        let command = async move |tx: &Tx| -> Result<(), DbError> {
            for event in &events {
                append(tx, &cause, event.clone()).await?;
            }
            Ok(())
        };
        self.db.write(command).await.unwrap();
    }

    /// An event that has more than a message may have, compressed or not.
    pub(crate) async fn append_large(&self, aggregate: &str) {
        let (cause, data) = (self.cause(), RawValue::from_string(noise(6 << 20)).unwrap());
        let event = NewEvent { data, ..an_event(self.edge.uuid(), aggregate) };
        let command = async move |tx: &Tx| append(tx, &cause, event.clone()).await;
        self.db.write(command).await.unwrap();
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause {
            correlation: CorrelationId::parse("CORR-1").unwrap(),
            causation: CausationId::parse("CMD-1").unwrap(),
            actor: Actor::anonymous(),
            at: self.edge.now(),
        }
    }

    /// Waits until the newest row is published, and with it all.
    pub(crate) async fn drained(&self) {
        let all = async {
            let mut commits = self.db.commits();
            while newest(&self.db, None, 1).await.unwrap().iter().any(|row| row.published == 0) {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, all).await.expect("the relay publishes what waits");
    }

    /// Everything on a topic, by a subscription of its own.
    pub(crate) async fn messages(&self, topic: &str, subscription: &str) -> Vec<Message> {
        everything_on(&self.client(), topic, subscription).await
    }

    pub(crate) async fn on(&self, topic: &str, subscription: &str) -> Vec<String> {
        let messages = self.messages(topic, subscription).await;
        messages.iter().map(|message| String::from_utf8(message.payload.to_vec()).unwrap()).collect()
    }

    /// As in a copy of the database that was made when this was so.
    pub(crate) async fn take_back(&self, ordinal: i64) {
        let take_back = async move |tx: &Tx| -> Result<(), DbError> {
            let checkpoint = Query::update()
                .table("relay_checkpoint")
                .values([("ordinal", ordinal.into()), ("events", ordinal.into())])
                .to_owned();
            tx.execute(&checkpoint).await?;
            tx.execute(Query::update().table("outbox_event").value("published", 0_i64)).await.map(drop)
        };
        self.db.write(take_back).await.unwrap();
    }
}

pub(crate) async fn everything_on(client: &Client, topic: &str, subscription: &str) -> Vec<Message> {
    let options = ConsumerOptions::new(subscription).from_earliest();
    let consumer = client.consumer(topic, options).await.unwrap();
    let mut messages = Vec::new();
    while let Ok(message) = timeout(SILENCE, consumer.next()).await {
        messages.push(message.unwrap());
    }
    messages
}

pub(crate) async fn open_database(folder: &Path) -> Db {
    let url = format!("sqlite:{}", folder.join("outbox.db").display());
    let db = Db::open(&DatabaseUrl::parse(&url).unwrap(), DbOptions::default()).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    db
}

pub(crate) fn an_event(id: Uuid, aggregate: &str) -> NewEvent {
    let data = serde_json::json!({ "affiliate_name": "Ñandú & Cía 📡" });
    NewEvent {
        id,
        aggregate_type: "commissions",
        aggregate_id: aggregate.to_owned(),
        kind: "com.hexabuilders.commissions.CommissionCalculated",
        data: RawValue::from_string(data.to_string()).unwrap(),
    }
}

/// A JSON text that nothing makes shorter by much.
pub(crate) fn noise(bytes: usize) -> String {
    let mut state = 1_u32;
    let signs = (0..bytes).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'0' + u8::try_from(state >> 26).unwrap() % 43)
    });
    format!("\"{}\"", signs.collect::<String>())
}

pub(crate) fn name(number: usize) -> String {
    format!("com-{number}")
}

pub(crate) fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(name)
}

pub(crate) fn subjects(events: &[String]) -> Vec<String> {
    events.iter().map(|event| CloudEvent::parse(event.as_bytes()).unwrap().subject.unwrap()).collect()
}

/// Waits until a relay's status is as wanted.
pub(crate) async fn until(relay: &Relay, wanted: impl Fn(&Status) -> bool) -> Status {
    let reached = async {
        while !wanted(&relay.status()) {
            hexalpes_engines::a_moment().await;
        }
    };
    timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{:?}", relay.status()));
    relay.status()
}
