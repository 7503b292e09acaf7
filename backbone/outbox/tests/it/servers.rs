//! The same promises on the real logs of PostgreSQL, `MariaDB` and `MySQL`, on the backbone.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, OpenError, Tx};
use hexalpes_engines::{Engine, TestDatabase, log_databases};
use hexalpes_kernel::{Edge, Ids as _};
use hexalpes_outbox::{
    BinlogSource, EVENTS_TOPIC, MIGRATIONS, OutboxPlace, PageOrder, RAW_TOPIC, Relay, RelayOptions,
    SlotSource, append,
    operate::{self, Reason},
    page,
};
use tokio::{sync::Notify, task::JoinSet, time};

use crate::support::{PATIENCE, Stage, an_event, names, subjects, until};

pub(crate) struct Server {
    pub(crate) stage: Stage,
    pub(crate) url: String,
    pub(crate) engine: Engine,
    pub(crate) place: OutboxPlace,
    /// None once it is gone.
    pub(crate) database: Option<TestDatabase>,
}

/// A number or a name of its own, whoever else reads the server's log.
pub(crate) fn number(place: &OutboxPlace) -> u32 {
    place.database.bytes().fold(17, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
        | 0x4000_0000
}

pub(crate) async fn open(url: &str) -> Result<Db, OpenError> {
    Db::open(&DatabaseUrl::parse(url).unwrap(), DbOptions::default()).await
}

/// The alarm at which a relay ends.
pub(crate) async fn alarm_of(relay: &Relay) -> String {
    until(relay, |status| status.alarm.is_some() && !status.running).await.alarm.unwrap()
}

impl Server {
    pub(crate) async fn all() -> Vec<Self> {
        let mut servers = Vec::new();
        for database in log_databases() {
            servers.push(Self::on(database).await);
        }
        servers
    }

    /// A stage with that database.
    pub(crate) async fn on(database: TestDatabase) -> Self {
        let url = database.url().to_owned();
        let db = open(&url).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let place = OutboxPlace::of(&db).await.unwrap();
        let stage = Stage::on_database(db).await;
        Self { stage, url, engine: database.engine(), place, database: Some(database) }
    }

    pub(crate) fn relay(&self) -> Relay {
        self.relay_with(RelayOptions::new("commissions"))
    }

    pub(crate) fn relay_with(&self, options: RelayOptions) -> Relay {
        let edge: Arc<dyn Edge> = Arc::clone(&self.stage.edge) as Arc<dyn Edge>;
        let (db, client) = (self.stage.db.clone(), self.stage.client());
        if self.engine == Engine::Postgres {
            let slot = format!("outbox_{}", self.place.database);
            let source = SlotSource::new(&self.url, &self.place, &slot);
            Relay::start_on_log(db, client, edge, options, source)
        } else {
            let source = BinlogSource::new(&self.url, &self.place, number(&self.place));
            Relay::start_on_log(db, client, edge, options, source)
        }
    }

    /// Publishes these with a relay of their own, which reads the log and ends behind them.
    pub(crate) async fn publish(&self, rows: Range<usize>) {
        let relay = self.relay();
        self.stage.begun_again().await;
        self.stage.append(names(rows.end).skip(rows.start)).await;
        self.drained(&relay).await;
        relay.stop().await;
    }

    /// That each topic has the events of these, once and in this order.
    pub(crate) async fn assert_published(&self, expected: &[String], when: &str) {
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            assert_eq!(self.published(topic, when).await, expected, "{topic} {when} on {}", self.engine);
        }
    }

    /// The aggregates whose events a topic has.
    pub(crate) async fn published(&self, topic: &str, when: &str) -> Vec<String> {
        let messages = self.stage.messages(topic, when).await;
        messages.into_iter().map(|message| message.key.unwrap()).collect()
    }

    /// Waits until all rows are said to be published.
    pub(crate) async fn drained(&self, relay: &Relay) {
        let all = async {
            let mut commits = self.stage.db.commits();
            while self.rows().await.iter().any(|(_, _, published)| !published) {
                commits.changed().await.unwrap();
            }
        };
        time::timeout(PATIENCE * 2, all)
            .await
            .unwrap_or_else(|_| panic!("{}: {:?}", self.engine, relay.status()));
    }

    /// Aggregate, id, and whether it is said to be published, by their numbers.
    async fn rows(&self) -> Vec<(String, String, bool)> {
        let rows = page(&self.stage.db, PageOrder::OldestFirst, None, 100_000).await.unwrap();
        rows.into_iter().map(|row| (row.aggregateid.into(), row.id.into(), row.published == 1)).collect()
    }

    /// Those of the rows, by their numbers.
    async fn aggregates(&self) -> Vec<String> {
        self.rows().await.into_iter().map(|(aggregate, ..)| aggregate).collect()
    }

    /// Of each aggregate, the ids in the order in which they were written, on both topics and once.
    async fn assert_once_and_in_order(&self) {
        let mut expected = BTreeMap::<String, Vec<String>>::new();
        for (aggregate, id, _) in self.rows().await {
            expected.entry(aggregate).or_default().push(id);
        }
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            let mut found = BTreeMap::<String, Vec<String>>::new();
            let messages = self.stage.messages(topic, "audit").await;
            let numbers: Vec<u64> = messages.iter().map(|message| message.sequence_id).collect();
            assert_eq!(
                numbers,
                (1..=messages.len() as u64).collect::<Vec<_>>(),
                "{topic} on {}",
                self.engine
            );
            for message in messages {
                let value: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
                let id = value.pointer("/after/id").or(value.get("id")).unwrap();
                found.entry(message.key.unwrap()).or_default().push(id.as_str().unwrap().to_owned());
            }
            assert!(found == expected, "{topic} on {}", self.engine);
        }
    }

    /// Writers beside each other, each with its own aggregates, in transactions of one row and of several.
    async fn write_beside_each_other(&self, writers: usize, transactions: usize) {
        let mut writing = JoinSet::new();
        for writer in 0..writers {
            let (db, edge, cause) = (self.stage.db.clone(), Arc::clone(&self.stage.edge), self.stage.cause());
            writing.spawn(async move {
                for transaction in 0..transactions {
                    let events: Vec<_> = (0..=transaction % 4)
                        .map(|_| an_event(edge.uuid(), &format!("writer-{writer}")))
                        .collect();
                    let cause = cause.clone();
                    let command = async move |tx: &Tx| {
                        for event in &events {
                            append(tx, &cause, event.clone()).await?;
                        }
                        Ok::<_, DbError>(())
                    };
                    db.write(command).await.unwrap();
                }
            });
        }
        while let Some(written) = writing.join_next().await {
            written.unwrap();
        }
    }
}

/// Rows from before, writers beside each other while the relay comes and goes and the broker too.
#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_a_server_is_published_once_and_each_aggregate_in_order() {
    for mut server in Server::all().await {
        server.stage.append_together(names(600)).await;
        let relay = server.relay();
        server.write_beside_each_other(6, 12).await;
        until(&relay, |status| status.num_written > 100).await;
        relay.stop().await;
        server.write_beside_each_other(6, 12).await;
        let relay = server.relay();
        until(&relay, |status| status.num_received_from_source > 0).await;
        server.stage.stop_broker().await;
        server.write_beside_each_other(4, 8).await;
        relay.stop().await;
        server.stage.start_broker().await;
        let relay = server.relay();
        server.write_beside_each_other(4, 8).await;
        server.drained(&relay).await;
        server.assert_once_and_in_order().await;
        relay.stop().await;
    }
}

/// The server gives rows of a table that is in no publication to nobody, and says nothing of it. Nor does it when the
/// table is in it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_left_its_publication_for_a_while_stops_the_relay_until_its_rows_are_taken_anew() {
    for server in Server::all().await.into_iter().filter(|server| server.engine == Engine::Postgres) {
        let relay = server.relay();
        server.stage.append(names(5)).await;
        server.drained(&relay).await;
        let publication = |verb: &str| {
            let alter =
                format!("ALTER PUBLICATION outbox_{} {verb} TABLE outbox_event", server.place.database);
            server.database.as_ref().unwrap().run(&alter).unwrap();
        };
        publication("DROP");
        server.stage.append(names(7).skip(5)).await;
        publication("ADD");
        let stopped = until(&relay, |status| status.alarm.is_some() && !status.running).await;
        assert!(stopped.alarm.unwrap().contains("was not in the publication"));
        relay.restart().await;
        let still = "its log did not have its rows for a while";
        until(&relay, |status| status.alarm.as_ref().is_some_and(|alarm| alarm.contains(still))).await;

        let reason = Reason { who: "ops".to_owned(), why: "two rows are missing".to_owned() };
        operate::resnapshot(&server.stage.db, &*server.stage.edge, &reason).await.unwrap();
        relay.restart().await;
        server.stage.append(names(9).skip(7)).await;
        server.drained(&relay).await;
        relay.stop().await;
        let published = subjects(&server.stage.on(EVENTS_TOPIC, "all").await);
        assert_eq!(published, names(9).collect::<Vec<_>>());
    }
}

/// Its number is lower than one that is published already: who reads by numbers is past it.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_committed_after_a_later_one_is_published() {
    for server in Server::all().await {
        server.stage.append(names(1)).await;
        let relay = server.relay();
        server.drained(&relay).await;
        server.stage.begun_again().await;

        let (is_written, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let late = {
            let (is_written, may_end) = (Arc::clone(&is_written), Arc::clone(&may_end));
            let (cause, event) = (server.stage.cause(), an_event(server.stage.edge.uuid(), "late"));
            let command = async move |tx: &Tx| {
                append(tx, &cause, event.clone()).await?;
                is_written.notify_one();
                may_end.notified().await;
                Ok::<_, DbError>(())
            };
            let db = server.stage.db.clone();
            tokio::spawn(async move { db.write(command).await })
        };
        time::timeout(PATIENCE, is_written.notified()).await.unwrap();
        server.stage.append(["later".to_owned()]).await;
        server.drained(&relay).await;
        assert_eq!(server.aggregates().await, ["com-0", "later"], "the control on {}", server.engine);
        may_end.notify_one();
        late.await.unwrap().unwrap();
        server.drained(&relay).await;
        assert_eq!(server.aggregates().await, ["com-0", "late", "later"], "by numbers on {}", server.engine);
        server.assert_published(&["com-0", "later", "late"].map(str::to_owned), "all").await;
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_relays_on_a_server_one_works_and_the_other_takes_over() {
    for server in Server::all().await {
        let first = server.relay();
        until(&first, |status| status.running).await;
        server.stage.append(names(10)).await;
        server.drained(&first).await;
        let second = server.relay();
        until(&second, |status| status.standby.is_some()).await;
        server.stage.append(names(20).skip(10)).await;
        server.drained(&first).await;
        first.stop().await;
        server.stage.append(names(30).skip(20)).await;
        server.drained(&second).await;
        server.assert_once_and_in_order().await;
        second.stop().await;
    }
}
