//! Our relay in `hexalpes serve commissions`, and the broker in `hexalpes backbone`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hexalpes_client::{Client, ClientOptions, ConsumerOptions};
use hexalpes_db::{Backend, DatabaseUrl};
use hexalpes_engines::{TestDatabase, eventually};

use super::drain::{Drained, Draining, has_exactly};
use super::latency::{self, Committed, connections};
use super::rows::Rows;
use crate::load::{Pace, keep_busy};
use crate::post::Connection;
use crate::process::Process;
use crate::request;
use crate::stats::Latencies;

const EVENTS_TOPIC: &str = "outbox-events";
/// Where each row arrives, besides the context's own topic.
const TOPICS: [&str; 2] = [EVENTS_TOPIC, "alpes-mysql.alpes.outbox_event"];
const PATIENCE: Duration = Duration::from_secs(30);

/// The relay runs while it is measured, and at no other time.
pub(super) struct Ours {
    backbone: Process,
    relay: Process,
    database: DatabaseUrl,
    /// Rows that are on the topics.
    published: u64,
}

impl Ours {
    /// On a server's database, else on a file.
    pub(super) fn start(database: Option<&TestDatabase>) -> Result<Self> {
        let mut backbone = Process::start("backbone")?;
        backbone.ready(backbone.admin_port(), "/admin/v2/brokers/health")?;
        let (service, admin) =
            (backbone.service_url(), format!("http://127.0.0.1:{}", backbone.admin_port()));
        let mut environment = vec![("PULSAR_BROKER_URL", service.as_str()), ("PULSAR_ADMIN_URL", &admin)];
        environment.extend(database.map(|database| ("COMMISSIONS_DATABASE_URL", database.url())));
        let mut relay = Process::start_set(&["serve", "commissions"], &environment)?;
        relay.ready(relay.api_port(), "/health")?;
        let database = match database {
            Some(database) => DatabaseUrl::parse(database.url())?,
            None => DatabaseUrl::file(relay.database_file("commissions")),
        };
        Ok(Self { backbone, relay, database, published: 0 })
    }

    pub(super) fn database_url(&self) -> &DatabaseUrl {
        &self.database
    }

    /// Has a command write the row that others are made like, and waits until it is on the topics and the relay has its
    /// place in the log: ended before, it would go on with a snapshot.
    pub(super) async fn write_the_first(&mut self) -> Result<()> {
        Connection::open(self.relay.api_port()).await?.calculate(0).await?;
        self.arrived(1)?;
        self.reads_the_log().await?;
        self.relay.end()
    }

    /// It says how far behind the log's end it is as soon as it reads it. On `SQLite` there is none.
    async fn reads_the_log(&self) -> Result<()> {
        if self.database.backend() == Backend::Sqlite {
            return Ok(());
        }
        let reading = async {
            let mut connection = request::Connection::open(self.relay.api_port()).await?;
            while connection.json("GET", "/debug/relay", "").await?["lagLogBytes"].is_null() {}
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, reading).await.context("the relay does not come to its log")?
    }

    fn start_again(&mut self) -> Result<()> {
        self.relay.start_again()?;
        self.relay.ready(self.relay.api_port(), "/health").map(drop)
    }

    /// Publishes the rows that were written while it was stopped.
    pub(super) fn drain(&mut self, rows: u32, database: Option<u32>) -> Result<Drained> {
        self.start_again()?;
        let topics = TOPICS.map(str::to_owned);
        let draining = Draining {
            admin_port: self.backbone.admin_port(),
            topics: &topics,
            had: self.published,
            relay: self.relay.id(),
            broker: self.backbone.id(),
            database,
        };
        let drained = draining.measure(rows).with_context(|| self.relay.log())?;
        self.arrived(u64::from(rows))?;
        self.relay.end()?;
        Ok(drained)
    }

    /// From commits to a consumer. On `SQLite` commands of the product commit, for it is its process that commits there.
    pub(super) async fn latencies(
        &mut self,
        rows: &Rows,
        per_second: u32,
        span: Duration,
    ) -> Result<Latencies> {
        self.start_again()?;
        // Nothing waits for it any more when the first commit comes, nor it for its own start.
        self.catch_up(rows)?;
        self.reads_the_log().await?;
        let client = Client::connect(ClientOptions::new(self.backbone.service_url())).await?;
        let topic = format!("persistent://public/default/{EVENTS_TOPIC}");
        let name = format!("bench-{per_second}");
        let consumer = client.consumer(&topic, ConsumerOptions::new(name)).await?;
        rows.warm_up(per_second).await?;
        let committing = async {
            match rows.database() {
                Some(_) => rows.commit(per_second, span).await,
                None => self.command(rows, per_second, span).await,
            }
        };
        let measured = latency::measured(&consumer, committing).await.with_context(|| self.relay.log())?;
        consumer.unsubscribe().await?;
        self.catch_up(rows)?;
        self.relay.end()?;
        Ok(measured)
    }

    async fn command(&self, rows: &Rows, per_second: u32, span: Duration) -> Result<Committed> {
        let committed = std::cell::RefCell::new(Committed::new());
        let (connections, pace) = connections(per_second);
        let mut opened = Vec::new();
        for _ in 0..connections {
            opened.push(Connection::open(self.relay.api_port()).await?);
        }
        keep_busy(opened, Some(Pace::in_turn(pace)), span, async |connection: &mut Connection| {
            let number = rows.numbers().replace(rows.numbers().get() + 1);
            connection.calculate(number).await?;
            committed.borrow_mut().insert(number, std::time::Instant::now());
            Ok(())
        })
        .await?;
        Ok(committed.into_inner())
    }

    /// Waits until every row that was ever written is on the topics.
    fn catch_up(&mut self, rows: &Rows) -> Result<()> {
        let missing = u64::from(rows.numbers().get()) - self.published;
        self.arrived(missing)
    }

    /// Waits for so many more rows, and sees that none came twice.
    fn arrived(&mut self, rows: u64) -> Result<()> {
        self.published += rows;
        let (port, topics) = (self.backbone.admin_port(), TOPICS.map(str::to_owned));
        let there = || has_exactly(port, &topics, self.published).ok();
        if eventually(PATIENCE, there).is_none() {
            has_exactly(port, &topics, self.published).with_context(|| self.relay.log())?;
        }
        Ok(())
    }
}
