//! What is not set up right is refused with the statement that mends it, and the statement does.

use hexalpes_capture::{Log, LogError};
use hexalpes_engines::{DatabaseServer, Engine, Postgres, TestDatabase, databases};
use hexalpes_pgoutput::{Slot, SlotOptions};

use tokio::time::timeout;

use crate::place::{LIMIT, Place, ids, rows};

const TABLE: &str = "CREATE TABLE outbox (id bigint PRIMARY KEY, payload text)";

/// What is refused, and what mends it.
async fn refused(options: &SlotOptions) -> (String, String) {
    match Slot::check(options).await.unwrap_err() {
        LogError::Refused { what, mend } => (what, mend.0),
        other => panic!("{other} is no refusal"),
    }
}

async fn own_server(settings: &[&str]) -> Option<(Place, DatabaseServer)> {
    databases().iter().find(|database| database.engine() == Engine::Postgres)?;
    let server = Postgres::start_with(settings).unwrap();
    let database = TestDatabase::on_server(Engine::Postgres, &server.url());
    Some((Place::on(database, TABLE, &["outbox"]).await, server))
}

/// What mends it, done to the letter.
fn mended(server: &mut DatabaseServer, mend: &str) {
    let statement = mend.strip_suffix(" and restart the server").unwrap();
    server.run(statement).unwrap();
    server.kill();
    server.start_again().unwrap();
}

#[tokio::test]
async fn a_log_that_is_not_logical_is_refused() {
    let Some((place, mut server)) = own_server(&["wal_level=replica"]).await else { return };
    let (what, mend) = refused(&place.options).await;
    assert_eq!(what, "wal_level is replica");
    assert_eq!(mend, "ALTER SYSTEM SET wal_level = 'logical'; and restart the server");
    mended(&mut server, &mend);
    Slot::check(&place.options).await.unwrap();
    drop((place, server));
}

#[tokio::test]
async fn a_server_without_room_for_another_reader_is_refused() {
    let settings = ["max_replication_slots=2", "max_wal_senders=1"];
    let Some((place, mut server)) = own_server(&settings).await else { return };
    let log = place.log().await;
    let mut other = place.options.clone();
    other.slot = "another".to_owned();
    let (what, mend) = refused(&other).await;
    assert_eq!(what, "all 1 readers of the log that the server allows (max_wal_senders) are there");
    assert_eq!(mend, "ALTER SYSTEM SET max_wal_senders = 3; and restart the server");
    drop(log);
    mended(&mut server, &mend);

    let (what, mend) = refused(&other).await;
    assert_eq!(what, "the server may have 2 replication slots and has 1; 2 more are needed");
    assert_eq!(mend, "ALTER SYSTEM SET max_replication_slots = 3; and restart the server");
    mended(&mut server, &mend);
    Slot::check(&other).await.unwrap();
    drop((place, server));
}

#[tokio::test]
async fn a_publication_that_leaves_rows_out_is_refused() {
    let Some(mut place) = Place::open().await else { return };
    for (make, what, mend) in [
        (
            "CREATE PUBLICATION \"Outbox's\" FOR TABLE outbox WITH (publish = 'update')",
            "the publication Outbox's gives no inserted rows",
            "ALTER PUBLICATION \"Outbox's\" SET (publish = 'insert');",
        ),
        (
            "CREATE PUBLICATION \"Outbox's\"",
            "the publication Outbox's has no table public.outbox",
            "ALTER PUBLICATION \"Outbox's\" ADD TABLE \"public\".\"outbox\";",
        ),
        (
            "CREATE PUBLICATION \"Outbox's\" FOR TABLE outbox WHERE (id > 7)",
            "the publication Outbox's leaves out rows of public.outbox: (id > 7)",
            "ALTER PUBLICATION \"Outbox's\" DROP TABLE \"public\".\"outbox\"; \
             ALTER PUBLICATION \"Outbox's\" ADD TABLE \"public\".\"outbox\";",
        ),
    ] {
        place.run(make).await;
        assert_eq!(refused(&place.options).await, (what.to_owned(), mend.to_owned()));
        assert!(matches!(Slot::position(&place.options).await, Err(LogError::Refused { .. })));
        place.run(mend).await;
        Slot::check(&place.options).await.unwrap();
        place.run("DROP PUBLICATION \"Outbox's\"").await;
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_or_in_no_log_is_refused() {
    let Some(mut place) = Place::with("CREATE UNLOGGED TABLE outbox (id int PRIMARY KEY)", &["outbox"]).await
    else {
        return;
    };
    let (what, mend) = refused(&place.options).await;
    assert_eq!(what, "the rows of public.outbox are in no log");
    assert_eq!(mend, "ALTER TABLE \"public\".\"outbox\" SET LOGGED;");
    place.run(&mend).await;
    Slot::check(&place.options).await.unwrap();
    place.run("ALTER TABLE outbox RENAME TO inbox").await;
    assert_eq!(refused(&place.options).await.0, "there is no table public.outbox");
}

#[tokio::test]
async fn a_table_that_is_renamed_while_it_runs_stops_the_log() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
    place.run("ALTER TABLE outbox RENAME TO inbox; INSERT INTO inbox VALUES (2, 'x')").await;
    let refusing = async {
        loop {
            if let Err(error) = log.next().await {
                return error;
            }
        }
    };
    let refused = timeout(LIMIT, refusing).await.unwrap();
    assert!(refused.to_string().contains("the table outbox is public.inbox now"), "{refused}");
}

#[tokio::test]
async fn rights_that_are_missing_are_named_and_what_mends_them_does() {
    let Some(mut place) = Place::open().await else { return };
    let role = format!("reader_{}", place.options.slot);
    place.run(&format!("CREATE ROLE {role} LOGIN")).await;
    let mut options = place.options.clone();
    options.url = options.url.replace("postgres@", &format!("{role}@"));
    let (what, mend) = refused(&options).await;
    assert_eq!(what, format!("the user {role} may not read the log"));
    assert_eq!(mend, format!("ALTER ROLE \"{role}\" REPLICATION;"));
    place.run(&mend).await;

    let (what, mend) = refused(&options).await;
    assert!(what.contains("cannot be made: the user does not own public.outbox"), "{what}");
    let statement = "CREATE PUBLICATION \"Outbox's\" FOR TABLE \"public\".\"outbox\" \
                     WITH (publish = 'insert', publish_via_partition_root = true);";
    assert_eq!(mend, format!("as who owns the tables, or a superuser: {statement}"));
    place.run(statement).await;
    Slot::check(&options).await.unwrap();
    Slot::position(&options).await.unwrap();
    place.run(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_tried_again_and_a_wrong_one_is_refused() {
    let port = hexalpes_engines::free_port();
    let mut options = SlotOptions {
        url: format!("postgresql://u:geheim@127.0.0.1:{port}/d"),
        tables: Vec::new(),
        slot: "s".to_owned(),
        publication: "p".to_owned(),
    };
    assert!(matches!(Slot::check(&options).await, Err(LogError::Unreachable(_))));
    assert!(!format!("{options:?}").contains("geheim"));
    options.url = "mysql://u:geheim@127.0.0.1/d".to_owned();
    assert_eq!(refused(&options).await.0, "the database's address is none of PostgreSQL");
    let Some(place) = Place::open().await else { return };
    let mut options = place.options.clone();
    options.url = options.url.replace(&options.slot, "missing");
    assert!(refused(&options).await.0.contains("\"missing\" does not exist"));
    options = place.options.clone();
    options.slot = "Not a slot".to_owned();
    let error = Slot::position(&options).await.unwrap_err();
    assert!(error.to_string().contains("name the slot with lower-case letters"), "{error}");
}
