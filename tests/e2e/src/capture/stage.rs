//! A server, a broker and relays, each of which can be killed and started again.

use std::fmt;
use std::time::Duration;

use hexalpes_client::{AdminClient, AdminOptions, Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_engines::{DatabaseServer, Engine, Pulsar, PulsarUrls, TestDatabase};
use hexalpes_outbox::{newest_ordinal, unpublished};

use super::compared::{Captured, Topics};
use super::writers::{KIND, MIGRATIONS, MISFIT, write_rows};
use crate::{Backbone, Product, source_config};

/// How long a backlog may take.
const DRAINED_WITHIN: Duration = Duration::from_mins(5);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Of a backlog's rows.
const FILLER_BYTES: usize = 1_000;

/// What the product calls an outbox that is none of ours.
const SOURCE: &str = "killed";

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Relay,
    Broker,
    Database,
    /// With all relays.
    Everything,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Relay, Self::Broker, Self::Database, Self::Everything];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Relay => "a relay",
            Self::Broker => "the broker",
            Self::Database => "the database",
            Self::Everything => "everything",
        })
    }
}

/// Whose topics there are.
#[derive(Debug)]
enum Broker {
    Ours(Backbone),
    Pulsar(Pulsar),
}

impl Broker {
    fn urls(&self) -> PulsarUrls {
        match self {
            Self::Ours(backbone) => backbone.urls(),
            Self::Pulsar(pulsar) => PulsarUrls { service: pulsar.service_url(), admin: pulsar.admin_url() },
        }
    }

    fn kill(&mut self) {
        match self {
            Self::Ours(backbone) => backbone.kill(),
            Self::Pulsar(pulsar) => pulsar.kill(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Ours(backbone) => backbone.restart(),
            Self::Pulsar(pulsar) => pulsar.start_again().expect("the real Pulsar comes back"),
        }
    }
}

/// With the tables of an outbox and of who writes it.
async fn open(database: &TestDatabase) -> Db {
    let url = DatabaseUrl::parse(database.url()).expect("a test database has an address");
    let db = Db::open(&url, DbOptions::default()).await.expect("the server is there");
    for migrations in [hexalpes_outbox::MIGRATIONS, MIGRATIONS] {
        db.migrate(migrations).await.expect("the server takes tables");
    }
    db
}

/// Gone with its value, all of it.
#[derive(Debug)]
pub struct CaptureStage {
    pub db: Db,
    broker: Broker,
    /// One of them works; others wait for their turn.
    pub relays: Vec<Product>,
    topics: Topics,
    /// Its rows are marked once they are on the topics; those of a source are not.
    has_marks: bool,
    // Last: what is above asks it.
    database: TestDatabase,
    /// None of SQLite's.
    server: Option<DatabaseServer>,
}

impl CaptureStage {
    /// On a server that nobody else uses, or a file of `SQLite`'s, with so many relays.
    pub async fn set(server: Option<DatabaseServer>, relays: usize) -> Self {
        Self::set_on(Broker::Ours(Backbone::start()), server, relays).await
    }

    /// The same on a real Pulsar that nobody else uses, and that leaves out what it has.
    pub async fn set_on_pulsar(pulsar: Pulsar, server: Option<DatabaseServer>, relays: usize) -> Self {
        let admin = AdminClient::new(AdminOptions::new(pulsar.admin_url())).expect("it is an address");
        admin.set_deduplication("public/default", true).await.expect("the cluster takes the policy");
        Self::set_on(Broker::Pulsar(pulsar), server, relays).await
    }

    async fn set_on(broker: Broker, server: Option<DatabaseServer>, relays: usize) -> Self {
        let database = match &server {
            Some(server) => TestDatabase::on_server(server.engine(), &server.url()),
            None => TestDatabase::sqlite(),
        };
        let relays = (0..relays).map(|_| Product::serve_from(broker.urls(), database.url())).collect();
        let db = open(&database).await;
        Self { db, broker, relays, topics: Topics::own(), has_marks: true, database, server }
    }

    /// On a server that nobody else uses, with an outbox that is none of ours, and so many products that can be told to read it:
    /// one keeps what it knows beside its data, several share it on that server.
    pub async fn set_for_a_source(server: DatabaseServer, relays: usize) -> Self {
        let database = TestDatabase::on_server(server.engine(), &server.url());
        let broker = Broker::Ours(Backbone::start());
        let relays = if relays == 1 {
            vec![Product::serve_on(broker.urls())]
        } else {
            let first = Product::serve_sharing(broker.urls(), database.url(), None);
            let others = (1..relays)
                .map(|_| Product::serve_sharing(broker.urls(), database.url(), Some(&first)))
                .collect::<Vec<_>>();
            [first].into_iter().chain(others).collect()
        };
        let db = open(&database).await;
        let schema = database.schema().expect("it is a server's");
        let changes = format!("persistent://public/default/{SOURCE}.{schema}.outbox_event");
        let topics = Topics { events: format!("persistent://public/default/{SOURCE}-events"), changes };
        Self { db, broker, relays, topics, has_marks: false, database, server: Some(server) }
    }

    /// Has the product read the outbox, from its first row on.
    pub async fn create_source(&self) {
        let schema = self.database.schema().expect("it is a server's");
        let table = format!("{schema}.outbox_event");
        let config = source_config(self.database.url(), SOURCE, &table, &self.topics.events);
        let path = format!("/admin/v3/sources/public/default/{SOURCE}");
        let (status, told) = self.relays[0].post(&path, &config).await;
        assert!((200..300).contains(&status), "{status}: {told}");
    }

    /// Where the topics are.
    pub fn service_url(&self) -> String {
        self.broker.urls().service
    }

    /// The topic of the outbox's events.
    pub fn events_topic(&self) -> &str {
        &self.topics.events
    }

    pub fn engine(&self) -> Engine {
        self.database.engine()
    }

    /// kill −9 of a part; of relays, the one with that number.
    pub fn kill(&mut self, part: Part, relay: usize) {
        match part {
            Part::Relay => self.relays[relay].kill(),
            Part::Broker => self.broker.kill(),
            Part::Database => self.own_server().kill(),
            Part::Everything => {
                self.relays.iter_mut().for_each(Product::kill);
                self.broker.kill();
                self.own_server().kill();
            }
        }
    }

    /// What was killed comes back, and is ready when this returns.
    pub fn restart(&mut self, part: Part, relay: usize) {
        match part {
            Part::Relay => self.relays[relay].restart(),
            Part::Broker => self.broker.restart(),
            Part::Database => self.own_server().start_again().expect("the server comes back"),
            Part::Everything => {
                self.restart(Part::Database, relay);
                self.broker.restart();
                self.relays.iter_mut().for_each(Product::restart);
            }
        }
    }

    /// Waits until every row is marked as published, whether or not they are on the topics; of a source, until these have as
    /// many rows.
    pub async fn drained(&self) -> Result<(), String> {
        self.drained_within(DRAINED_WITHIN).await
    }

    pub async fn drained_within(&self, limit: Duration) -> Result<(), String> {
        let mut left = None;
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let waiting = async {
            loop {
                let open = self.open_rows().await?;
                if open == 0 {
                    return Ok(());
                }
                left = Some(open);
                looks.tick().await;
            }
        };
        match tokio::time::timeout(limit, waiting).await {
            Ok(drained) => drained,
            Err(_) => Err(format!("{left:?} rows are not published after {limit:?}: {}", self.logs())),
        }
    }

    async fn open_rows(&self) -> Result<u64, String> {
        if !self.has_marks {
            let Captured { rows, events, changes, .. } = self.captured().await;
            return Ok(rows.len().saturating_sub(events.len().min(changes.len())) as u64);
        }
        let newest = newest_ordinal(&self.db).await.map_err(|error| error.to_string())?;
        unpublished(&self.db, newest).await.map_err(|error| error.to_string())
    }

    /// Reads everything.
    pub async fn captured(&self) -> Captured {
        Captured::read(&self.db, &self.service_url(), self.topics.clone()).await
    }

    /// Somebody else publishes to a topic of ours, for the comparison to find.
    pub async fn publish(&self, topic: &str, payload: Vec<u8>, key: &str) {
        let client = Client::connect(ClientOptions::new(self.service_url())).await;
        let client = client.expect("the broker is there");
        let producer = client.producer(topic, ProducerOptions::default()).await.expect("the topic is there");
        producer.send(Outgoing::new(payload).key(key)).await.expect("the topic takes it");
    }

    /// What the relays have printed.
    pub fn logs(&self) -> String {
        let logs: Vec<String> = self.relays.iter().map(Product::log).collect();
        logs.join("\n--- the next relay\n")
    }

    fn own_server(&mut self) -> &mut DatabaseServer {
        self.server.as_mut().expect("SQLite is no server that could be killed")
    }

    /// Memory of the relays' processes, the largest, in bytes.
    pub fn memory(&self) -> u64 {
        self.relays.iter().map(Product::memory).max().unwrap_or_default()
    }

    /// The most that one of them ever took.
    pub fn memory_peak(&self) -> u64 {
        self.relays.iter().map(Product::memory_peak).max().unwrap_or_default()
    }

    /// Writes so many rows of so many bytes, one of each aggregate in turn, from the first on.
    pub async fn write(&self, rows: usize, bytes: usize) {
        write_rows(&self.db, KIND, rows, bytes).await;
    }

    /// Writes a row of the first aggregate that can never be published.
    pub async fn write_a_misfit(&self) {
        write_rows(&self.db, MISFIT, 1, 0).await;
    }

    /// Has so many rows of a kilobyte written, a few a commit, behind those that each aggregate has; by a server itself.
    pub async fn write_backlog(&self, rows: usize) {
        let statements = match self.engine() {
            Engine::Sqlite => return self.write(rows, FILLER_BYTES).await,
            Engine::Postgres => include_str!("backlog_postgres.sql"),
            Engine::MariaDb | Engine::MySql => include_str!("backlog_mysql.sql"),
        };
        let filler = FILLER_BYTES.to_string();
        let statements = statements.replace("{ROWS}", &rows.to_string()).replace("{FILLER}", &filler);
        self.database.run(&statements).expect("the server takes rows");
    }
}
