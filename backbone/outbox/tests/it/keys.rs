//! Tables of others whose keys the database does not order as bytes: what was there is taken in pieces all the same, and
//! together with what comes meanwhile, whatever is interrupted when.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use hexalpes_capture::{Inserted, LogError, Position, Snapshot, TableName, Value};
use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_engines::{Engine, TestDatabase, log_databases};
use hexalpes_kernel::Edge;
use hexalpes_outbox::{
    BinlogSource, EVENTS_TOPIC, LogSource, OutboxPlace, RAW_TOPIC, Relay, RelayOptions, SlotSource,
};

use crate::{
    foreign::Others,
    servers::number,
    support::{Stage, until},
};

/// A source whose snapshots give no more pages than there are left, and then hang up.
struct Interrupted<S> {
    source: S,
    pages: Arc<AtomicU64>,
}

struct Pages<S> {
    snapshot: S,
    pages: Arc<AtomicU64>,
}

impl<S: LogSource> LogSource for Interrupted<S> {
    type Log = S::Log;
    type Snapshot = Pages<S::Snapshot>;

    async fn check(&self) -> Result<(), LogError> {
        self.source.check().await
    }

    async fn identity(&self) -> Result<String, LogError> {
        self.source.identity().await
    }

    async fn begin(&self) -> Result<Position, LogError> {
        self.source.begin().await
    }

    async fn end(&self) -> Result<Position, LogError> {
        self.source.end().await
    }

    async fn open(&self, from: &Position) -> Result<S::Log, LogError> {
        self.source.open(from).await
    }

    async fn snapshot(&self) -> Result<Self::Snapshot, LogError> {
        Ok(Pages { snapshot: self.source.snapshot().await?, pages: Arc::clone(&self.pages) })
    }
}

impl<S: Snapshot> Snapshot for Pages<S> {
    fn position(&self) -> &Position {
        self.snapshot.position()
    }

    async fn after(&mut self, key: Option<&Value>, limit: u32) -> Result<Vec<Inserted>, LogError> {
        let less = |pages: u64| pages.checked_sub(1);
        if self.pages.fetch_update(Relaxed, Relaxed, less).is_err() {
            return Err(LogError::Unreachable("it hung up".to_owned()));
        }
        self.snapshot.after(key, limit).await
    }

    async fn above(&mut self, keys: &[Value], key: &Value) -> Result<Vec<bool>, LogError> {
        self.snapshot.above(keys, key).await
    }
}

/// A table whose column `seq` is of such a type, and what publishes it.
struct OthersTable {
    stage: Stage,
    database: TestDatabase,
    url: String,
    place: OutboxPlace,
}

impl OthersTable {
    async fn of_keys(database: TestDatabase, kind: &str) -> Self {
        let url = database.url().to_owned();
        let db = Db::open(&DatabaseUrl::parse(&url).unwrap(), DbOptions::default()).await.unwrap();
        let own = OutboxPlace::of(&db).await.unwrap();
        let place = OutboxPlace { table: TableName::new(own.table.schema, "salida"), ..own };
        let table = Self { stage: Stage::set().await, database, url, place };
        table.run(&format!(
            "create table salida (seq {kind} not null primary key, aggregate varchar(40) not null, \
             payload varchar(40) not null)"
        ));
        table
    }

    fn run(&self, statement: &str) {
        let names = match self.database.engine() {
            Engine::Postgres => "set client_encoding to 'UTF8'",
            _ => "set names utf8mb4",
        };
        self.database.run(&format!("{names}; {statement}")).unwrap();
    }

    fn insert(&self, keys: &[String]) {
        let rows: Vec<String> = keys.iter().map(|key| format!("('{key}', 'p-1', '{{}}')")).collect();
        self.run(&format!("insert into salida (seq, aggregate, payload) values {}", rows.join(", ")));
    }

    /// A relay that is given so many pages of what was there.
    fn relay(&self, pages: u64) -> Relay {
        let pages = Arc::new(AtomicU64::new(pages));
        if self.database.engine() == Engine::Postgres {
            let slot = format!("keys_{}", self.place.database);
            let source = SlotSource::new(&self.url, &self.place, &slot);
            self.start(Interrupted { source, pages })
        } else {
            let source = BinlogSource::new(&self.url, &self.place, number(&self.place));
            self.start(Interrupted { source, pages })
        }
    }

    fn start(&self, source: impl LogSource) -> Relay {
        let edge: Arc<dyn Edge> = Arc::clone(&self.stage.edge) as Arc<dyn Edge>;
        let shape = Arc::new(Others { id: "seq", is_lenient: false });
        let options = RelayOptions { shape, ..RelayOptions::new("public/default/t") };
        Relay::start_on_log(self.stage.db.clone(), self.stage.client(), edge, options, source)
    }

    /// How often each key is on a topic.
    async fn times_on(&self, topic: &str) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for message in self.stage.messages(topic, "audit").await {
            *times.entry(message.property("ce_id").unwrap().to_owned()).or_default() += 1;
        }
        times
    }
}

/// Rows that the first two pages have.
const TAKEN: u64 = 32 + 128;

/// Capital and small letters in turns, so that half of the small ones lie above all capitals in bytes and not in words;
/// and what comes late: on either side of where it was interrupted, and in bytes on the other one.
fn words() -> (Vec<String>, Vec<String>) {
    let there = (0..400).map(|at| format!("{}{at:03}", if at % 2 == 1 { 'k' } else { 'K' }));
    let late = ["á-1", "Á-2", "é-3", "ñ-4", "K100y", "k100x", "K300y", "k300x", "Z-5", "z-6", "0-7"];
    (there.collect(), late.map(str::to_owned).to_vec())
}

/// `MariaDB` orders random ones by their last digits first, and those that begin with a time as they are written.
fn uuids() -> (Vec<String>, Vec<String>) {
    let uuid = |at: u32| format!("{at:08x}-0000-4000-8000-{:012x}", 2_000 - at);
    let timed = |at: u32| format!("{at:08x}-0000-7000-8000-{:012x}", 2_000 - at);
    let there = (0..200).flat_map(|at| [uuid(at * 10), timed(at * 10)]);
    (there.collect(), (0..20).flat_map(|at| [uuid(at * 100 + 5), timed(at * 100 + 5)]).collect())
}

fn kinds(engine: Engine) -> Vec<&'static str> {
    match engine {
        Engine::MySql => {
            vec![
                "varchar(40) collate utf8mb4_0900_ai_ci",
                "char(40) character set latin1",
                "varchar(40) collate utf8mb4_bin",
            ]
        }
        Engine::MariaDb => {
            vec!["varchar(40) collate utf8mb4_general_ci", "char(40) collate utf8mb4_bin", "uuid"]
        }
        Engine::Postgres | Engine::Sqlite => vec!["text", "varchar(40) collate \"en-x-icu\"", "uuid"],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_keys_in_a_databases_own_order_are_published_once_although_they_are_taken_in_parts() {
    for first in log_databases() {
        for kind in kinds(first.engine()) {
            let database = TestDatabase::on_server(first.engine(), first.url());
            let table = OthersTable::of_keys(database, kind).await;
            let (there, late) = if kind == "uuid" { uuids() } else { words() };
            table.insert(&there);
            let relay = table.relay(2);
            until(&relay, |status| status.num_written == TAKEN).await;
            relay.stop().await;
            table.insert(&late);
            let relay = table.relay(u64::MAX);
            let rest = (there.len() + late.len()) as u64 - TAKEN;
            until(&relay, |status| status.num_written >= rest).await;
            relay.stop().await;
            let expected: BTreeMap<String, usize> =
                there.iter().chain(&late).map(|key| (key.clone(), 1)).collect();
            for topic in [EVENTS_TOPIC, RAW_TOPIC] {
                let times = table.times_on(topic).await;
                assert!(times == expected, "{kind} on {}: {times:?}", first.engine());
            }
        }
    }
}
