//! Servers that are not set up to be read, and logs that are not there any more. Each on a server of its own, for
//! settings hold for all of it.

use std::time::Duration;

use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::{Log as _, LogError, Position, Step, TableName};
use hexalpes_engines::{DatabaseServer, Engine, MariaDb, MySql, TestDatabase, log_databases};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, Row};
use tokio::time::timeout;

use crate::world::{WITHIN, World, failure, ids, is_read, rows, worlds};

/// A server of each kind that nobody else uses, which goes with the second value; none in a plain `cargo test`.
pub(crate) async fn alone(tables: &[&str]) -> Vec<(World, DatabaseServer)> {
    let engines: Vec<Engine> =
        log_databases().iter().map(TestDatabase::engine).filter(|it| is_read(*it)).collect();
    let mut servers = Vec::new();
    for engine in engines {
        let started = if engine == Engine::MariaDb { MariaDb::start() } else { MySql::start() };
        let server = started.unwrap_or_else(|absent| panic!("{absent}"));
        servers.push((World::alone(engine, &server.url(), "alone", tables).await, server));
    }
    servers
}

fn refused(result: Result<(), LogError>) -> (String, String) {
    match result {
        Err(LogError::Refused { what, mend }) => (what, mend.0),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_wrong_setting_is_refused_with_what_mends_it() {
    for (world, _server) in alone(&["notes"]).await {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY)"]).await;
        Binlog::check(&world.options).await.unwrap();
        let mut settings = vec![
            ("binlog_format", "STATEMENT", "ROW"),
            ("binlog_format", "MIXED", "ROW"),
            ("binlog_row_image", "MINIMAL", "FULL"),
            ("binlog_row_image", "NOBLOB", "FULL"),
        ];
        if world.is_mariadb() {
            settings.push(("log_bin_compress", "ON", "OFF"));
        }
        for (name, wrong, right) in settings {
            world.run(&[&format!("SET GLOBAL {name} = {wrong}")]).await;
            let (what, mend) = refused(Binlog::check(&world.options).await);
            assert_eq!(what, format!("{name} is {wrong}"));
            let value = if right == "OFF" { right.to_owned() } else { format!("'{right}'") };
            let statement = format!("SET GLOBAL {name} = {value};");
            assert_eq!(mend, format!("{statement} and write {name} = {right} under [mysqld] in my.cnf"));
            world.run(&[&statement]).await;
            Binlog::check(&world.options).await.unwrap();
        }
        let own = BinlogOptions { server_id: 1, ..world.options.clone() };
        assert_eq!(refused(Binlog::check(&own).await).0, "the server id 1 is the server's own or none");
    }
}

#[tokio::test]
async fn a_server_without_a_log_is_refused_whatever_it_is_asked() {
    if !worlds(&[]).iter().any(World::is_mariadb) {
        return;
    }
    let server = MariaDb::start_with(&["--skip-log-bin"]).unwrap_or_else(|absent| panic!("{absent}"));
    let world = World::alone(Engine::MariaDb, &server.url(), "alone", &["notes"]).await;
    world.run(&["CREATE TABLE notes (id INT PRIMARY KEY)"]).await;
    let position = Binlog::position(&world.options).await;
    let snapshot = Binlog::snapshot(&world.options, &world.options.tables[0], "id").await;
    for answer in [Binlog::check(&world.options).await, position.map(drop), snapshot.map(drop)] {
        let (what, mend) = refused(answer);
        assert_eq!(what, "log_bin is OFF");
        assert_eq!(mend, "write log_bin = binlog under [mysqld] in my.cnf and start the server again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_table_is_refused_with_what_mends_it() {
    for world in worlds(&["notes"]) {
        let (table, name) = (&world.options.tables[0], format!("`{}`.`notes`", world.schema));
        let (_, mend) = refused(Binlog::check(&world.options).await);
        assert_eq!(mend, "make the table, or name another one");
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY) ENGINE = MyISAM"]).await;
        let (what, mend) = refused(Binlog::check(&world.options).await);
        assert_eq!(what, format!("the table {table} is no table of a transactional engine: \"MyISAM\""));
        assert_eq!(mend, format!("ALTER TABLE {name} ENGINE = InnoDB;"));
        world.run(&[&mend, "ALTER TABLE notes ADD COLUMN old TEXT CHARACTER SET dec8"]).await;
        let (what, mend) = refused(Binlog::check(&world.options).await);
        assert_eq!(
            what,
            format!("the column old of {table} is in the character set dec8, which is not read")
        );
        assert_eq!(mend, format!("ALTER TABLE {name} CONVERT TO CHARACTER SET utf8mb4;"));
        world.run(&[&mend]).await;
        Binlog::check(&world.options).await.unwrap();
    }
}

/// Where the server takes names in any case, its log has them in small letters.
#[tokio::test]
async fn a_table_under_a_name_that_the_log_does_not_have_is_refused_with_that_which_it_has() {
    if !worlds(&[]).iter().any(World::is_mariadb) {
        return;
    }
    let server = MariaDb::start_with(&["--lower-case-table-names=1"]).unwrap();
    let world = World::alone(Engine::MariaDb, &server.url(), "alone", &["notes"]).await;
    world.run(&["CREATE TABLE Notes (id INT PRIMARY KEY)"]).await;
    Binlog::check(&world.options).await.unwrap();
    for (schema, name) in [("alone", "Notes"), ("Alone", "notes")] {
        let tables = vec![TableName::new(schema, name)];
        let (what, mend) = refused(Binlog::check(&BinlogOptions { tables, ..world.options.clone() }).await);
        assert_eq!(what, format!("the log calls the table {schema}.{name} alone.notes"));
        assert_eq!(mend, "write alone.notes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_right_is_refused_with_the_statement_that_grants_it() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY)"]).await;
        let user = format!("u{}", world.options.server_id);
        world.run(&[&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'secret'")]).await;
        let url = world.options.url.replace("hexalpes:hexalpes@", &format!("{user}:secret@"));
        let url = url.rsplit_once('/').unwrap().0.to_owned();
        let options = BinlogOptions { url: format!("{url}/"), ..world.options.clone() };
        let table = format!("`{}`.`notes`", world.schema);
        for right in ["REPLICATION CLIENT ON *.*", "REPLICATION SLAVE ON *.*", &format!("SELECT ON {table}")]
        {
            let (what, mend) = refused(Binlog::check(&options).await);
            assert_eq!(
                what,
                format!("the user '{user}'@'%' lacks the right {}", right.replace(" ON ", " on "))
            );
            assert_eq!(mend, format!("GRANT {right} TO '{user}'@'%';"));
            world.run(&[&mend]).await;
        }
        Binlog::check(&options).await.unwrap();
        if !world.is_mariadb() {
            let right = format!("LOCK TABLES on `{}`.*", world.schema);
            let (what, mend) = refused(Binlog::check_snapshot(&options).await);
            assert_eq!(what, format!("the user '{user}'@'%' lacks the right {right}"));
            let snapshot = Binlog::snapshot(&options, &options.tables[0], "id").await;
            assert_eq!(refused(snapshot.map(drop)), (what, mend.clone()), "as it would be refused later");
            world.run(&[&mend]).await;
        }
        Binlog::check_snapshot(&options).await.unwrap();
        Binlog::snapshot(&options, &options.tables[0], "id").await.unwrap();
        let from = Binlog::position(&options).await.unwrap();
        let mut log = Binlog::open(options, from).await.unwrap();
        world.run(&["INSERT INTO notes VALUES (1)"]).await;
        assert_eq!(ids(&rows(&mut log, 1).await.0), [1], "more is not needed");
        world.run(&[&format!("DROP USER '{user}'@'%'")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_logged_as_a_statement_stops_it_unless_it_is_of_another_database() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY)"]).await;
        let mut log = world.open_now().await;
        let other = TestDatabase::on_server(world.engine, &world.options.url);
        let elsewhere = Conn::new(Opts::from_url(other.url()).unwrap());
        let mut elsewhere = elsewhere.await.unwrap();
        for statement in [
            "CREATE TABLE notes (id INT PRIMARY KEY)",
            "SET SESSION binlog_format = 'STATEMENT'",
            "INSERT INTO notes VALUES (9)",
        ] {
            elsewhere.query_drop(statement).await.unwrap();
        }
        world
            .run(&[
                "INSERT INTO notes VALUES (1)",
                "SET SESSION binlog_format = 'STATEMENT'",
                "INSERT INTO notes VALUES (2)",
            ])
            .await;
        let (rows, error) = failure(&mut log).await;
        assert_eq!(ids(&rows), [1]);
        let (what, mend) = refused(Err(error));
        assert!(what.ends_with(&format!("perhaps of {}.notes", world.schema)), "{what}");
        assert!(mend.starts_with("SET GLOBAL binlog_format = 'ROW';"), "{mend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_all_of_its_columns_stops_it() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, a INT, b INT)"]).await;
        let mut log = world.open_now().await;
        world
            .run(&["SET SESSION binlog_row_image = 'MINIMAL'", "INSERT INTO notes (id, b) VALUES (2, 3)"])
            .await;
        let (_, error) = failure(&mut log).await;
        let (what, mend) = refused(Err(error));
        assert_eq!(what, format!("a row of {}.notes was logged without its column a", world.schema));
        assert!(mend.starts_with("SET GLOBAL binlog_row_image = 'FULL';"), "{mend}");
    }
}

#[tokio::test]
async fn a_compressed_log_stops_it() {
    for (world, _server) in alone(&["notes"]).await {
        if !world.is_mariadb() {
            continue;
        }
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, a TEXT)"]).await;
        let mut log = world.open_now().await;
        world
            .run(&[
                "INSERT INTO notes VALUES (1, 'a')",
                "SET GLOBAL log_bin_compress = ON",
                "INSERT INTO notes VALUES (2, REPEAT('a', 1000))",
            ])
            .await;
        let (rows, error) = failure(&mut log).await;
        assert_eq!(ids(&rows), [1]);
        let (_, mend) = refused(Err(error));
        assert_eq!(mend, "SET GLOBAL log_bin_compress = OFF; and take the tables' rows anew");
    }
}

/// A server keeps a file until all that it has is in the tables for good.
async fn purge(world: &World, to: &str) {
    let mut session = world.session().await;
    let purging = async {
        loop {
            session.query_drop(format!("PURGE BINARY LOGS TO '{to}'")).await.unwrap();
            let oldest: Row = session.query_first("SHOW BINARY LOGS").await.unwrap().unwrap();
            if oldest.get::<String, _>(0).unwrap() == to {
                break;
            }
        }
    };
    timeout(WITHIN, purging).await.expect("the log is purged");
}

#[tokio::test]
async fn a_log_that_was_purged_or_is_another_is_a_gap_and_a_server_that_is_gone_is_none() {
    for (world, server) in alone(&["notes"]).await {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY)"]).await;
        let from = world.position().await;
        world.run(&["INSERT INTO notes VALUES (1)", "FLUSH BINARY LOGS"]).await;
        let now = world.position().await;
        world.run(&["FLUSH BINARY LOGS"]).await;
        purge(&world, &now.file).await;
        let gap = Binlog::open(world.options.clone(), from.clone()).await.unwrap_err();
        let LogError::Gap { what, .. } = gap else { panic!("{gap}") };
        assert_eq!(what, format!("the log file {} is gone; the oldest there is {}", from.file, now.file));

        let beyond = Position::new(&*now.file, 1 << 30);
        let gap = Binlog::open(world.options.clone(), beyond).await.unwrap_err();
        let LogError::Gap { what, .. } = gap else { panic!("{gap}") };
        assert!(what.ends_with(", before 1073741824"), "{what}");

        // Checksums may go and come while it reads.
        let mut log = world.open(&now).await;
        world
            .run(&[
                "SET GLOBAL binlog_checksum = NONE",
                "INSERT INTO notes VALUES (2)",
                "SET GLOBAL binlog_checksum = CRC32",
                "INSERT INTO notes VALUES (3)",
            ])
            .await;
        assert_eq!(ids(&rows(&mut log, 2).await.0), [2, 3]);
        // A server may note a checkpoint when it comes to it.
        let caught_up = async {
            while log.behind().await.unwrap() != Some(0) {
                if let Ok(step) = timeout(Duration::from_millis(1), log.next()).await {
                    assert!(matches!(step.unwrap(), Step::Boundary(_)), "no row was inserted");
                }
            }
        };
        timeout(WITHIN, caught_up).await.expect("all is read");
        drop(server);
        let (_, error) = failure(&mut log).await;
        assert!(matches!(error, LogError::Unreachable(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distributed_transaction_stops_it_unless_it_is_committed_at_once() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY)"]).await;
        let mut log = world.open_now().await;
        let xid = &world.schema;
        let run = async |id: u32, end: &[&str]| {
            let insert = format!("INSERT INTO notes VALUES ({id})");
            let statements = ["XA START XID", &insert, "XA END XID"].into_iter().chain(end.iter().copied());
            let statements: Vec<String> =
                statements.map(|statement| statement.replace("XID", &format!("'{xid}{id}'"))).collect();
            world.run(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
        };
        run(1, &["XA COMMIT XID ONE PHASE"]).await;
        run(2, &["XA PREPARE XID", "XA COMMIT XID"]).await;
        let (rows, error) = failure(&mut log).await;
        assert_eq!(ids(&rows), [1]);
        let (what, mend) = refused(Err(error));
        assert!(what.starts_with("a distributed transaction (XA) inserted rows before "), "{what}");
        assert_eq!(mend, "insert without XA, and take the table's rows anew");
    }
}
