//! The stage of these tests: a broker, a database, and a handler that does what its events tell it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hexalpes_broker::{Broker, BrokerOptions, Policy, TenantInfo};
use hexalpes_client::{
    Client, ClientOptions, Message, Outgoing, ProducerOptions, SubscriptionKind, TopicName,
};
use hexalpes_consumer::{
    ConsumerOptions, Event, EventConsumer, FieldRejection, HandleError, Handler, Patience, Rejection, Status,
};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Migration, Tx, columns};
use hexalpes_kernel::{Cause, Edge, SystemEdge};
use hexalpes_outbox::{OutboxRow, Relay, RelayOptions};
use parking_lot::Mutex;
use sea_query::{Expr, ExprTrait as _, Order, Query, Table};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Reached only by what fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A topic that has said nothing for so long has no more.
const SILENCE: Duration = Duration::from_millis(300);
pub(crate) const TOPIC: &str = "persistent://public/default/sales";
pub(crate) const SUBSCRIPTION: &str = "books-sales";

const MIGRATIONS: &[Migration] = &[Migration::new("test", 1, "create effect", |backend| {
    vec![
        backend.schema(
            Table::create()
                .table("effect")
                .col(columns::sequence("seq"))
                .col(columns::id(backend, "name").not_null()),
        ),
    ]
})];

/// Does what the event's data says, and counts its runs: `{"name", "fail": how, "times": runs that fail}`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Puppet {
    runs: Arc<Mutex<HashMap<String, u32>>>,
    pub(crate) knows: Arc<AtomicBool>,
    pub(crate) causes: Arc<Mutex<Vec<Cause>>>,
    /// What the events were called that it was given.
    pub(crate) ids: Arc<Mutex<Vec<String>>>,
}

impl Puppet {
    pub(crate) fn runs(&self, name: &str) -> u32 {
        self.runs.lock().get(name).copied().unwrap_or(0)
    }
}

impl Handler for Puppet {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        let data: Value = serde_json::from_slice(&event.data).unwrap_or_default();
        let name = data["name"].as_str().unwrap_or(&event.id).to_owned();
        let runs = {
            let mut runs = self.runs.lock();
            let runs = runs.entry(name.clone()).or_default();
            *runs += 1;
            *runs
        };
        // Whatever comes after, this must be rolled back with it.
        let effect =
            Query::insert().into_table("effect").columns(["name"]).values_panic([name.into()]).to_owned();
        tx.execute(&effect).await?;
        self.causes.lock().push(cause.clone());
        self.ids.lock().push(event.id.clone());
        let fails = data["times"].as_u64().is_none_or(|times| u64::from(runs) <= times);
        let why = "the exchange is closed".to_owned();
        match data["fail"].as_str() {
            Some("transient") if fails => Err(HandleError::Transient { why }),
            Some("unexpected") if fails => Err(HandleError::Unexpected { why }),
            Some("panic") if fails => panic!("{why}"),
            Some("damage") => Err(DbError::Damaged("page 7".to_owned()).into()),
            Some("reject") if fails => Err(HandleError::Rejected(Rejection {
                errors: vec![FieldRejection {
                    pointer: "/amount".to_owned(),
                    code: "not_positive".to_owned(),
                    message: "must be more than zero".to_owned(),
                }],
                ..Rejection::new("invalid_request", "/amount: must be more than zero: Ñandú")
            })),
            Some("unknown") if !self.knows.load(Ordering::SeqCst) => {
                Err(HandleError::Unknown { what: "sale s-1".to_owned() })
            }
            _ => Ok(()),
        }
    }
}

/// Where events come from and effects go.
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) puppet: Puppet,
    pub(crate) topic: String,
    url: String,
    /// With who takes its connections, who has the folder as long.
    broker: Option<(Broker, SocketAddr, JoinHandle<()>)>,
    folder: TempDir,
}

impl Stage {
    /// A broker and SQLite.
    pub(crate) async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = DatabaseUrl::file(folder.path().join("test.db"));
        let mut stage = Self::at(String::new(), TOPIC, &place, folder).await;
        stage.start_broker(None).await;
        stage
    }

    /// A broker and any database.
    pub(crate) async fn on(place: &DatabaseUrl) -> Self {
        let mut stage = Self::at(String::new(), TOPIC, place, tempfile::tempdir().unwrap()).await;
        stage.start_broker(None).await;
        stage
    }

    /// Somebody else's broker.
    pub(crate) async fn at(url: String, topic: &str, place: &DatabaseUrl, folder: TempDir) -> Self {
        let db = Db::open(place, DbOptions::default()).await.unwrap();
        for part in [hexalpes_outbox::MIGRATIONS, hexalpes_consumer::MIGRATIONS, MIGRATIONS] {
            db.migrate(part).await.unwrap();
        }
        Self { db, puppet: Puppet::default(), topic: topic.to_owned(), url, broker: None, folder }
    }

    /// Before anything uses the topic.
    pub(crate) fn make_partitions(&self, partitions: u32) {
        let (broker, ..) = self.broker.as_ref().expect("it has a broker of its own");
        broker.create_partitioned(&TopicName::parse(&self.topic).unwrap(), partitions).unwrap();
    }

    async fn start_broker(&mut self, address: Option<SocketAddr>) {
        let address = address.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        self.url = format!("pulsar://{address}");
        let data = self.folder.path().join("backbone");
        std::fs::create_dir_all(&data).unwrap();
        let broker = Broker::open(BrokerOptions::new(data, &self.url)).unwrap();
        if !broker.tenants().unwrap().contains(&"hexabuilders".to_owned()) {
            broker.create_tenant("hexabuilders", TenantInfo::default()).unwrap();
            for namespace in ["hexabuilders/books", "hexabuilders/system"] {
                broker.create_namespace(namespace).unwrap();
            }
        }
        for namespace in ["public/default", "hexabuilders/books", "hexabuilders/system"] {
            broker.set_policy(namespace, Policy::Deduplication, Value::Bool(true)).unwrap();
        }
        let serving = broker.clone();
        let serving = async move { serving.serve(listener, CancellationToken::new()).await };
        self.broker = Some((broker, address, tokio::spawn(serving)));
    }

    pub(crate) async fn restart_broker(&mut self) {
        let (broker, address, serving) = self.broker.take().unwrap();
        broker.close().await.unwrap();
        drop(broker);
        serving.await.unwrap();
        self.start_broker(Some(address)).await;
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(ClientOptions::new(&self.url)).unwrap()
    }

    pub(crate) fn options(&self) -> ConsumerOptions {
        let quick = Patience {
            transient_min: Duration::from_millis(20),
            transient_max: Duration::from_millis(50),
            other: Duration::from_millis(10),
            unknown: Duration::from_millis(10),
            unknown_max: PATIENCE,
        };
        let topic = TopicName::parse(&self.topic).unwrap();
        ConsumerOptions { patience: quick, ..ConsumerOptions::new("books", "sales", topic) }
    }

    pub(crate) fn start(&self) -> EventConsumer {
        self.start_with(self.options())
    }

    pub(crate) fn start_with(&self, options: ConsumerOptions) -> EventConsumer {
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
        EventConsumer::start(self.db.clone(), self.client(), edge, self.puppet.clone(), options).unwrap()
    }

    pub(crate) async fn send(&self, messages: impl IntoIterator<Item = Outgoing>) {
        let producer = self.client().producer(&self.topic, ProducerOptions::default()).await.unwrap();
        for message in messages {
            producer.send(message).await.unwrap();
        }
        producer.close().await;
    }

    /// Has the subscription send everything again, as after acks that were lost.
    pub(crate) async fn rewind(&self) {
        let options = hexalpes_client::ConsumerOptions::new(SUBSCRIPTION).kind(SubscriptionKind::Failover);
        let consumer = self.client().consumer(&self.topic, options).await.unwrap();
        consumer.seek(hexalpes_client::SeekTo::Message(hexalpes_client::MessageId::EARLIEST)).await.unwrap();
        consumer.close().await;
    }

    /// The names of the effects, in the order in which they happened.
    pub(crate) async fn effects(&self) -> Vec<String> {
        let select = Query::select().column("name").from("effect").order_by("seq", Order::Asc).to_owned();
        let read = async move |tx: &Tx| -> Result<Vec<String>, DbError> {
            tx.fetch_all(&select).await?.iter().map(|row| row.get("name")).collect()
        };
        self.db.read(read).await.unwrap()
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let select = Query::select().expr_as(Expr::col("consumer").count(), "count").from(table).to_owned();
        let read = async move |tx: &Tx| -> Result<i64, DbError> { tx.fetch_one(&select).await?.get("count") };
        self.db.read(read).await.unwrap()
    }

    /// Has the inbox say of dead letters what it said before it marked them.
    pub(crate) async fn take_marks(&self) {
        let select = Query::select().columns(["event_id", "digest"]).from("inbox_event").to_owned();
        let take = async move |tx: &Tx| -> Result<(), DbError> {
            for row in tx.fetch_all(&select).await? {
                let (id, digest): (String, String) = (row.get("event_id")?, row.get("digest")?);
                let plain = digest.rsplit(':').next().unwrap_or_default().to_owned();
                let update = Query::update()
                    .table("inbox_event")
                    .value("digest", plain)
                    .and_where(Expr::col("event_id").eq(id))
                    .to_owned();
                tx.execute(&update).await?;
            }
            Ok(())
        };
        self.db.write(take).await.unwrap();
    }

    /// The dead letters on their canonical topic, as the outbox has them.
    pub(crate) async fn letters(&self) -> Vec<OutboxRow> {
        let canonical = format!("{}-books-dlq", self.topic);
        let mut rows = hexalpes_outbox::newest(&self.db, None, 1000).await.unwrap();
        rows.reverse();
        rows.retain(|row| row.headers.route.as_ref().is_some_and(|route| route.topic == canonical));
        rows
    }

    /// Everything on a topic once the relay has carried all.
    pub(crate) async fn carried(&self, topic: &str) -> Vec<Message> {
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
        let relay = Relay::start(self.db.clone(), self.client(), edge, RelayOptions::new("books"));
        let drained = async {
            let mut commits = self.db.commits();
            while hexalpes_outbox::newest(&self.db, None, 1)
                .await
                .unwrap()
                .iter()
                .any(|row| row.published == 0)
            {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, drained).await.expect("the relay publishes what waits");
        relay.stop().await;
        let options = hexalpes_client::ConsumerOptions::new("look").from_earliest();
        let consumer = self.client().consumer(topic, options).await.unwrap();
        let mut messages = Vec::new();
        while let Ok(message) = timeout(SILENCE, consumer.next()).await {
            messages.push(message.unwrap());
        }
        messages
    }
}

/// The properties of a dead letter in the outbox.
pub(crate) fn property<'a>(row: &'a OutboxRow, name: &str) -> Option<&'a str> {
    let route = row.headers.route.as_ref().unwrap();
    route.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// An event in an envelope; `data` has its name and what is to become of it.
pub(crate) fn event(id: &str, key: &str, data: &Value) -> Outgoing {
    let envelope = json!({
        "specversion": "1.0", "type": "com.hexabuilders.sales.Sold", "source": "//sales/1", "id": id,
        "time": "2025-01-15T10:30:00Z", "datacontenttype": "application/json", "data": data,
        "correlationid": "CORR-1",
    });
    let message = Outgoing::new(envelope.to_string());
    if key.is_empty() { message } else { message.key(key) }
}

/// An event that is handled at once.
pub(crate) fn good(name: &str, key: &str) -> Outgoing {
    event(name, key, &json!({ "name": name }))
}

/// An event that fails in some way, so many times; 0: always.
pub(crate) fn failing(name: &str, key: &str, fail: &str, times: u32) -> Outgoing {
    let mut data = json!({ "name": name, "fail": fail });
    if times > 0 {
        data["times"] = times.into();
    }
    event(name, key, &data)
}

/// Waits until the status is as wanted.
pub(crate) async fn until(consumer: &EventConsumer, wanted: impl Fn(&Status) -> bool) -> Status {
    let reached = async {
        while !wanted(&consumer.status()) {
            hexalpes_engines::a_moment().await;
        }
    };
    timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{:?}", consumer.status()));
    consumer.status()
}

/// Events that are done, one way or another.
pub(crate) fn done(status: &Status) -> u64 {
    status.handled + status.duplicates + status.dead_letters
}
