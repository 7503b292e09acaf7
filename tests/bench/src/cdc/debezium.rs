//! A real Debezium: a source of a real Pulsar, made by `pulsar-admin`, with the settings of seed 3 for one table. Its
//! router is left out, for with it the connector's schemas collide: rows are read from the raw topic.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hexalpes_client::{Client, ClientOptions, ConsumerOptions};
use hexalpes_engines::{Engine, Pulsar, TestDatabase, eventually};
use serde_json::{Value, json};

use super::counter::messages;
use super::drain::{Drained, Draining};
use super::latency;
use super::rows::Rows;
use crate::stats::Latencies;

const NAME: &str = "bench-outbox";
/// What topics of its rows begin with.
const SERVER_NAME: &str = "bench";
/// Its JVM has to start.
const STARTED_WITHIN: Duration = Duration::from_mins(2);
/// It asks for rows every 500 ms, as it does unless it is told otherwise.
const QUIET_FOR: Duration = Duration::from_secs(2);

/// The connector runs while it is measured, and at no other time.
pub(super) struct Debezium<'a> {
    pulsar: &'a Pulsar,
    topic: String,
}

impl<'a> Debezium<'a> {
    /// Of the databases that are measured. The newest for Pulsar, 1.9.7, asks MySQL for its place in the log by a statement
    /// that MySQL has not had since 8.4.
    pub(super) fn reads(engine: Engine) -> bool {
        matches!(engine, Engine::Postgres | Engine::MariaDb)
    }

    /// Makes the source, and waits until the row that is there already has arrived.
    pub(super) fn start(pulsar: &'a Pulsar, database: &TestDatabase) -> Result<Self> {
        let name = database.name().context("it reads a server's database")?;
        let schema = if database.engine() == Engine::Postgres { "public" } else { name };
        let topic = format!("{SERVER_NAME}.{schema}.outbox_event");
        let file = tempfile::Builder::new().prefix("hexalpes-bench-").suffix(".json").tempfile()?;
        serde_json::to_writer(file.as_file(), &configuration(pulsar, database, name)?)?;
        let path = file.path().to_str().context("a path is text")?;
        // Nobody reads the topic while the connector is stopped, and a topic that was removed counts from 0 again.
        let kept = ["--disable-delete-while-inactive", "-t", "1d", "-m", "delete_when_no_subscriptions"];
        pulsar
            .admin(&[&["namespaces", "set-inactive-topic-policies", "public/default"][..], &kept].concat())?;
        pulsar.admin(&["sources", "create", "--source-config-file", path])?;
        let source = Self { pulsar, topic };
        source.wait_for(1)?;
        source.stop()?;
        Ok(source)
    }

    fn stop(&self) -> Result<()> {
        self.pulsar.admin(&["sources", "stop", "--name", NAME])?;
        let gone = || self.pulsar.source_process_ids().ok().filter(Vec::is_empty);
        eventually(STARTED_WITHIN, gone).map(drop).context("the connector does not stop")
    }

    fn start_again(&self) -> Result<()> {
        self.pulsar.admin(&["sources", "start", "--name", NAME]).map(drop)
    }

    /// Publishes the rows that were written while it was stopped.
    pub(super) fn drain(&self, rows: u32, database: Option<u32>) -> Result<Drained> {
        let had = self.count()?;
        self.start_again()?;
        let topics = [self.topic.clone()];
        let draining = Draining {
            admin_port: self.admin_port()?,
            topics: &topics,
            had,
            relay: self.process()?,
            broker: self.pulsar.process_id(),
            database,
        };
        let drained = draining.measure(rows)?;
        self.stop()?;
        Ok(drained)
    }

    /// From commits to a consumer of the raw topic, once it has nothing else to do.
    pub(super) async fn latencies(&self, rows: &Rows, per_second: u32, span: Duration) -> Result<Latencies> {
        self.start_again()?;
        self.process()?;
        // What others have written meanwhile comes first, and one more row shows that it is through.
        let had = self.count()?;
        rows.commit(1, Duration::from_secs(1)).await?;
        self.wait_for(had + 1)?;
        self.settle()?;
        let client = Client::connect(ClientOptions::new(self.pulsar.service_url())).await?;
        let topic = format!("persistent://public/default/{}", self.topic);
        let consumer = client.consumer(&topic, ConsumerOptions::new(format!("bench-{per_second}"))).await?;
        rows.warm_up(per_second).await?;
        let measured = latency::measured(&consumer, rows.commit(per_second, span)).await?;
        consumer.unsubscribe().await?;
        self.stop()?;
        Ok(measured)
    }

    /// Waits until nothing has come for a while.
    fn settle(&self) -> Result<()> {
        let mut before = self.count()?;
        loop {
            let more = eventually(QUIET_FOR, || self.count().ok().filter(|count| *count > before));
            match more {
                Some(count) => before = count,
                None => return Ok(()),
            }
        }
    }

    fn wait_for(&self, count: u64) -> Result<()> {
        let there = || self.count().ok().filter(|found| *found >= count);
        match eventually(STARTED_WITHIN, there) {
            Some(_) => Ok(()),
            None => bail!(
                "the connector does not publish: {}",
                self.pulsar.admin(&["sources", "status", "--name", NAME])?
            ),
        }
    }

    /// The connector's JVM, as soon as it runs.
    fn process(&self) -> Result<u32> {
        let running = || self.pulsar.source_process_ids().ok()?.first().copied();
        eventually(STARTED_WITHIN, running).context("the connector does not start")
    }

    fn count(&self) -> Result<u64> {
        messages(self.admin_port()?, &self.topic)
    }

    fn admin_port(&self) -> Result<u16> {
        let url = self.pulsar.admin_url();
        let (_, port) = url.rsplit_once(':').context("a URL has a port")?;
        Ok(port.parse()?)
    }
}

impl Drop for Debezium<'_> {
    /// The slot of a connector that runs cannot go with its database, and nobody can be told.
    fn drop(&mut self) {
        let _ = self.pulsar.admin(&["sources", "delete", "--name", NAME]);
    }
}

fn configuration(pulsar: &Pulsar, database: &TestDatabase, name: &str) -> Result<Value> {
    let (user, password, port) = database.account().context("a server has an account")?;
    let mut settings = json!({
        "database.hostname": "127.0.0.1",
        "database.port": port.to_string(),
        "database.user": user,
        "database.password": password,
        "database.server.name": SERVER_NAME,
        // Of an outbox's rows, what happens to them later is nobody's event; ours marks them as published.
        "skipped.operations": "u,d",
        "tombstones.on.delete": "false",
        "decimal.handling.mode": "double",
    });
    let (connector, own) = match database.engine() {
        Engine::Postgres => (
            "debezium-postgres",
            json!({
                "database.dbname": name,
                "plugin.name": "pgoutput",
                "slot.name": "debezium",
                "publication.name": "debezium",
                "publication.autocreate.mode": "filtered",
                "table.include.list": "public.outbox_event",
            }),
        ),
        _ => (
            "debezium-mysql",
            json!({
                "database.server.id": "223344",
                "database.history": "org.apache.pulsar.io.debezium.PulsarDatabaseHistory",
                "database.history.pulsar.topic": format!("persistent://public/default/schema-changes.{name}"),
                "database.history.pulsar.service.url": pulsar.service_url(),
                "database.include.list": name,
                "table.include.list": format!("{name}.outbox_event"),
                "include.schema.changes": "false",
                "database.allowPublicKeyRetrieval": "true",
                "database.ssl.mode": "disabled",
            }),
        ),
    };
    if let (Some(settings), Value::Object(own)) = (settings.as_object_mut(), own) {
        settings.extend(own);
    }
    Ok(json!({
        "tenant": "public",
        "namespace": "default",
        "name": NAME,
        "topicName": "persistent://public/default/bench-outbox",
        "parallelism": 1,
        "archive": format!("builtin://{connector}"),
        "configs": settings,
    }))
}
