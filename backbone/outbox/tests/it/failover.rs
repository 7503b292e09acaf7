//! A server goes, and its replica takes over under the same address: another log, of which nobody knows what of it was
//! published. The relay says so, and an operator has it go on.

use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::Position;
use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_engines::{DatabaseServer, Engine, MariaDb, MySql, TestDatabase, log_databases};
use hexalpes_outbox::{
    EVENTS_TOPIC, MIGRATIONS, OutboxPlace, PageOrder,
    operate::{self, Reason},
    page,
};
use tokio::{task, time::timeout};
use url::Url;

use crate::{
    servers::Server,
    support::{PATIENCE, Stage, names, subjects, until},
};

fn start(engine: Engine) -> DatabaseServer {
    let started = if engine == Engine::MariaDb { MariaDb::start() } else { MySql::start() };
    started.unwrap_or_else(|absent| panic!("{absent}"))
}

/// How a server becomes the replica of another one, from that place on.
fn replicate(engine: Engine, from: &Url, at: &Position) -> String {
    let (host, port) = (from.host_str().unwrap(), from.port().unwrap());
    let (user, password) = (from.username(), from.password().unwrap());
    let Position { file, offset } = at;
    let set = "SET GLOBAL server_id = 2";
    if engine == Engine::MariaDb {
        format!(
            "{set}; CHANGE MASTER TO MASTER_HOST = '{host}', MASTER_PORT = {port}, MASTER_USER = '{user}', \
             MASTER_PASSWORD = '{password}', MASTER_LOG_FILE = '{file}', MASTER_LOG_POS = {offset}, \
             MASTER_USE_GTID = no, MASTER_SSL_VERIFY_SERVER_CERT = 0; START SLAVE"
        )
    } else {
        format!(
            "{set}; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{host}', SOURCE_PORT = {port}, SOURCE_USER = '{user}', \
             SOURCE_PASSWORD = '{password}', SOURCE_LOG_FILE = '{file}', SOURCE_LOG_POS = {offset}, \
             GET_SOURCE_PUBLIC_KEY = 1; START REPLICA"
        )
    }
}

async fn open(url: &str) -> Result<Db, hexalpes_db::OpenError> {
    Db::open(&DatabaseUrl::parse(url).unwrap(), DbOptions::default()).await
}

/// The replica's database, once it has so many rows and their marks.
async fn caught_up(url: &str, rows: usize, published: usize) -> Db {
    let reached = async {
        loop {
            if let Ok(db) = open(url).await
                && let Ok(there) = page(&db, PageOrder::OldestFirst, None, 1_000).await
                && there.len() == rows
                && there.iter().filter(|row| row.published == 1).count() == published
            {
                return db;
            }
            task::yield_now().await;
        }
    };
    timeout(PATIENCE, reached).await.expect("the replica has what the server had")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_to_a_replica_the_relay_stops_and_goes_on_from_the_table_when_it_is_told_to() {
    let engines: Vec<Engine> = log_databases().iter().map(TestDatabase::engine).collect();
    for engine in engines.into_iter().filter(|engine| *engine != Engine::Postgres) {
        let (first, second) = (start(engine), start(engine));
        let options = BinlogOptions { url: first.url(), tables: Vec::new(), server_id: 7 };
        let begin = Binlog::position(&options).await.unwrap();
        let console = TestDatabase::on_server(engine, &second.url());
        console.run(&replicate(engine, &Url::parse(&first.url()).unwrap(), &begin)).unwrap();

        let database = TestDatabase::on_server(engine, &first.url());
        let url = database.url().to_owned();
        let db = open(&url).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let place = OutboxPlace::of(&db).await.unwrap();
        let stage = Stage::on_database(db).await;
        let mut server = Server { stage, url, engine, place, database: Some(database) };
        let relay = server.relay();
        server.stage.append(names(10)).await;
        server.drained(&relay).await;
        relay.stop().await;
        server.stage.append(names(13).skip(10)).await;

        let name = server.place.database.clone();
        let (address, _) = console.url().rsplit_once('/').unwrap();
        let url = format!("{address}/{name}");
        let db = caught_up(&url, 13, 10).await;
        console.run(if engine == Engine::MariaDb { "STOP SLAVE" } else { "STOP REPLICA" }).unwrap();
        server.database = None;
        drop(first);

        (server.stage.db, server.url) = (db, url);
        let relay = server.relay();
        let stopped = until(&relay, |status| status.alarm.is_some() && !status.running).await;
        let alarm = stopped.alarm.unwrap();
        assert!(alarm.contains("the database's log is another one than before"), "{engine}: {alarm}");
        assert!(
            alarm.contains("`hexalpes relay resnapshot` publishes what is not marked"),
            "{engine}: {alarm}"
        );
        let reason = Reason { who: "ops".to_owned(), why: "the server burnt".to_owned() };
        operate::resnapshot(&server.stage.db, &*server.stage.edge, &reason).await.unwrap();
        relay.restart().await;
        server.stage.append(names(15).skip(13)).await;
        server.drained(&relay).await;
        assert_eq!(relay.status().alarm, None);
        relay.stop().await;
        let expected: Vec<String> = names(15).collect();
        assert_eq!(subjects(&server.stage.on(EVENTS_TOPIC, "all").await), expected, "{engine}");
        drop(console);
        drop(second);
    }
}
