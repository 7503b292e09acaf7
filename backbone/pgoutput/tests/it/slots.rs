//! A slot is made once, read by one, confirmed as told, and never silently short of rows.

use std::time::Duration;

use hexalpes_capture::{Log, LogError, Position, Step, Witness};
use hexalpes_engines::{Engine, Front, Postgres, TestDatabase, databases};
use hexalpes_pgoutput::Slot;
use sqlx::{Connection, PgConnection};
use tokio::time::{self, Instant, timeout};

use crate::place::{LIMIT, Place, ids, rows, run};

fn lsn(text: &str) -> u64 {
    let (high, low) = text.split_once('/').unwrap();
    (u64::from_str_radix(high, 16).unwrap() << 32) + u64::from_str_radix(low, 16).unwrap()
}

fn expect_gap(error: &LogError, slot: &str, why: &str) {
    assert!(matches!(error, LogError::Gap { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(why), "{text}");
    assert!(text.contains(&format!("the slot {slot} cannot go on")), "{text}");
    assert!(text.ends_with("take the tables' rows anew"), "{text}");
}

#[tokio::test]
async fn a_slot_is_made_once_and_keeps_what_comes_after() {
    let Some(mut place) = Place::open().await else { return };
    Slot::check(&place.options).await.unwrap();
    let from = Slot::position(&place.options).await.unwrap();
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    assert_eq!(Slot::position(&place.options).await.unwrap(), from);
    let mut log = place.log_from(&from).await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
    let identity = Slot::identity(&place.options).await.unwrap();
    assert_eq!(identity, Slot::identity(&place.options).await.unwrap());
    let (log, member) = identity.split_once('#').unwrap();
    assert!(log.ends_with("/1"), "{log} is on the first timeline");
    assert_ne!(member, "0", "the table is in the publication");
}

/// A server whose files were restored goes on writing, and is soon past the place where it was read. What it has before that is
/// not what was read there.
#[tokio::test]
async fn a_log_that_has_another_transaction_before_the_place_than_was_read_is_a_gap() {
    let Some(mut place) = Place::open().await else { return };
    let from = Slot::position(&place.options).await.unwrap();
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    place.run("INSERT INTO outbox VALUES (2, 'x')").await;
    let mut log = place.log_from(&from).await;
    let (read, end) = rows(&mut log, 2).await;
    assert_eq!((ids(&read), end.witness.end), (vec![1, 2], end.offset));
    drop(log);
    place.run("INSERT INTO outbox VALUES (3, 'x')").await;
    for kept in [end.kept(), end.to_string()] {
        let mut log = place.log_from(&kept.parse().unwrap()).await;
        assert_eq!(ids(&rows(&mut log, 1).await.0), [3], "from {kept}");
        drop(log);
    }
    let other = Position { witness: Witness { digest: 7, ..end.witness }, ..end.clone() };
    let mut log = place.log_from(&other).await;
    let gap = timeout(LIMIT, log.next()).await.unwrap().unwrap_err();
    expect_gap(
        &gap,
        &place.options.slot,
        "the last transaction that was read before is not there, as of a backup",
    );
    drop(log);

    // What was confirmed the server itself knows.
    let mut log = place.log_from(&end).await;
    let (_, last) = rows(&mut log, 1).await;
    log.confirm(&last).await.unwrap();
    drop(log);
    place.run("INSERT INTO outbox VALUES (4, 'x')").await;
    let other = Position { witness: Witness { digest: 7, ..last.witness }, ..last };
    let mut log = place.log_from(&other).await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [4]);
}

#[tokio::test]
async fn a_second_reader_waits_until_the_first_goes() {
    let Some(mut place) = Place::open().await else { return };
    let from = Slot::position(&place.options).await.unwrap();
    let first = place.log_from(&from).await;
    let taken = Slot::open(place.options.clone(), from.clone()).await.unwrap_err();
    let reader = place.slot("active_pid").await.unwrap();
    let expected = format!(
        "the slot {} is taken by another reader; it is free once the server's process {reader} has ended",
        place.options.slot
    );
    assert_eq!(taken.to_string(), expected);
    assert_eq!(Slot::check(&place.options).await.unwrap_err().to_string(), expected);
    drop(first);
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    let mut second = place.log_from(&from).await;
    assert_eq!(ids(&rows(&mut second, 1).await.0), [1]);
}

/// A slot begins where all transactions that were open have ended; until then, nobody else knows where that is.
#[tokio::test]
async fn a_slot_that_is_being_made_says_what_it_waits_for() {
    let Some(mut place) = Place::open().await else { return };
    let mut old = place.another().await;
    run(&mut old, "BEGIN; SELECT txid_current()").await;
    let options = place.options.clone();
    let making = tokio::spawn(async move { Slot::position(&options).await });
    let deadline = Instant::now() + LIMIT;
    let maker = loop {
        if let Some(process) = place.slot("active_pid").await {
            break process;
        }
        assert!(Instant::now() < deadline, "nobody makes the slot");
    };
    let taken = Slot::position(&place.options).await.unwrap_err();
    assert!(matches!(taken, LogError::Taken { .. }), "{taken}");
    let text = taken.to_string();
    assert!(text.contains(&format!("the server's process {maker} makes it, and waits until")), "{text}");

    run(&mut old, "ROLLBACK").await;
    let from = timeout(LIMIT, making).await.unwrap().unwrap().unwrap();
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    assert_eq!(ids(&rows(&mut place.log_from(&from).await, 1).await.0), [1]);
}

#[tokio::test]
async fn what_is_confirmed_reaches_the_server_soon_and_at_the_end() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    let made = place.slot("confirmed_flush_lsn").await.unwrap();
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    let (_, first) = rows(&mut log, 1).await;
    assert_eq!(place.slot("confirmed_flush_lsn").await, Some(made), "nothing is confirmed unasked");
    log.confirm(&first).await.unwrap();
    confirmed(&mut place, &first).await;

    place.run("INSERT INTO outbox VALUES (2, 'x')").await;
    let (_, second) = rows(&mut log, 1).await;
    log.confirm(&second).await.unwrap();
    log.confirm(&first).await.unwrap();
    drop(log);
    confirmed(&mut place, &second).await;
    let mut log = place.log_from(&second).await;
    place.run("INSERT INTO outbox VALUES (3, 'x')").await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [3]);
}

async fn confirmed(place: &mut Place, position: &Position) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let at = lsn(&place.slot("confirmed_flush_lsn").await.unwrap());
        if at == position.offset {
            return;
        }
        assert!(Instant::now() < deadline, "{at} is not {position}");
    }
}

#[tokio::test]
async fn an_idle_table_lets_the_log_go_though_only_another_database_writes() {
    let Some(mut place) = Place::open().await else { return };
    let other = databases().into_iter().find(|database| database.engine() == Engine::Postgres).unwrap();
    let mut sql = PgConnection::connect(other.url()).await.unwrap();
    run(&mut sql, "CREATE TABLE noise (text text)").await;
    let mut log = place.log().await;
    let kept = lsn(&place.slot("restart_lsn").await.unwrap());
    let mut boundaries = Vec::new();
    let letting_go = async {
        loop {
            // A checkpoint says which transactions run, which is what a slot goes by.
            for statement in ["INSERT INTO noise VALUES ('x')", "SELECT pg_switch_wal()", "CHECKPOINT"] {
                run(&mut sql, statement).await;
            }
            while let Ok(step) = timeout(Duration::from_millis(100), log.next()).await {
                let Step::Boundary(position) = step.unwrap() else { panic!("there are no rows") };
                log.confirm(&position).await.unwrap();
                boundaries.push(position);
            }
            if lsn(&place.slot("restart_lsn").await.unwrap()) > kept + (64 << 20) {
                break;
            }
        }
    };
    timeout(2 * LIMIT, letting_go).await.expect("the log is let go");
    assert!(boundaries.is_sorted());
    assert!(log.behind().await.unwrap().is_some());
}

#[tokio::test]
async fn how_far_a_reader_is_behind_is_told() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("INSERT INTO outbox SELECT n, repeat('x', 1000) FROM generate_series(1, 100) n").await;
    let behind = log.behind().await.unwrap().unwrap();
    assert!(behind > 100_000, "{behind} bytes are a hundred thousand");
    rows(&mut log, 100).await;
    log.behind().await.unwrap().expect("it is asked again");
}

/// The server gives such rows to nobody, and says nothing of it.
#[tokio::test]
async fn a_table_that_was_not_in_the_publication_for_a_while_is_a_gap_also_when_it_is_there_again() {
    let Some(mut place) = Place::open().await else { return };
    for leave in [
        "ALTER PUBLICATION \"Outbox's\" DROP TABLE outbox",
        "DROP TABLE outbox; CREATE TABLE outbox (id bigint PRIMARY KEY, payload text)",
        "ALTER PUBLICATION \"Outbox's\" SET TABLE outbox WHERE (id > 7)",
    ] {
        let mut log = place.log().await;
        let identity = Slot::identity(&place.options).await.unwrap();
        log.behind().await.unwrap().unwrap();
        place.run(leave).await;
        for come in ["SELECT 1", "ALTER PUBLICATION \"Outbox's\" SET TABLE outbox"] {
            place.run(come).await;
            let gap = log.behind().await.unwrap_err();
            assert!(matches!(gap, LogError::Gap { .. }), "{leave}, {come}: {gap}");
            assert!(gap.to_string().contains("public.outbox was made anew, or was not in"), "{gap}");
            assert_ne!(Slot::identity(&place.options).await.unwrap(), identity, "{leave}, {come}");
        }
    }
}

#[tokio::test]
async fn a_publication_of_a_whole_schema_has_a_table_also_when_it_is_made_anew() {
    let Some(mut place) = Place::open().await else { return };
    place.run("CREATE PUBLICATION \"Outbox's\" FOR TABLES IN SCHEMA public").await;
    let mut log = place.log().await;
    place.run("DROP TABLE outbox; CREATE TABLE outbox (id bigint PRIMARY KEY, payload text)").await;
    log.behind().await.unwrap().unwrap();
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
}

#[tokio::test]
async fn where_the_log_ends_is_told_while_transactions_are_open() {
    let Some(mut place) = Place::open().await else { return };
    let from = Slot::position(&place.options).await.unwrap();
    let mut other = place.another().await;
    run(&mut other, "BEGIN; INSERT INTO outbox VALUES (1, 'x')").await;
    place.run("INSERT INTO outbox VALUES (2, 'x')").await;
    let end = timeout(LIMIT, Slot::end(&place.options)).await.expect("it waits for nobody").unwrap();
    assert!(from < end);
    // All that was committed is before it.
    run(&mut other, "COMMIT").await;
    let mut log = place.log_from(&end).await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
}

/// Else the log would not be read for as long, nor its silence be noticed.
#[tokio::test]
async fn a_server_that_does_not_say_how_far_its_log_is_is_not_waited_for_long() {
    let Some(mut place) = Place::open().await else { return };
    let front = Front::before(&place.options.url).unwrap();
    front.url().clone_into(&mut place.options.url);
    let mut log = place.log().await;
    log.behind().await.unwrap().unwrap();
    front.swallow();
    time::pause();
    let answer = timeout(LIMIT, log.behind()).await.expect("it is given up in time");
    time::resume();
    assert!(matches!(answer, Err(LogError::Unreachable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_position_whose_log_is_gone_is_a_gap() {
    let Some(mut place) = Place::open().await else { return };
    let slot = place.options.slot.clone();
    let from = Slot::position(&place.options).await.unwrap();

    let beyond = Position::new("", from.offset + (1 << 40));
    let error = Slot::open(place.options.clone(), beyond).await.unwrap_err();
    expect_gap(&error, &slot, "as of a backup");

    let mut log = place.log_from(&from).await;
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    let (_, after) = rows(&mut log, 1).await;
    log.confirm(&after).await.unwrap();
    drop(log);
    confirmed(&mut place, &after).await;
    let error = Slot::open(place.options.clone(), from).await.unwrap_err();
    expect_gap(&error, &slot, "was confirmed");

    timeout(LIMIT, async { while Slot::remove(&place.options).await.is_err() {} }).await.unwrap();
    Slot::remove(&place.options).await.unwrap();
    let error = Slot::open(place.options.clone(), after.clone()).await.unwrap_err();
    expect_gap(&error, &slot, "it is not there any more");

    // Made anew, it does not hide what was between.
    place.run("INSERT INTO outbox VALUES (2, 'x')").await;
    let anew = Slot::position(&place.options).await.unwrap();
    assert!(after < anew);
    expect_gap(&Slot::open(place.options.clone(), after).await.unwrap_err(), &slot, "was confirmed");

    place.run("DROP PUBLICATION \"Outbox's\"").await;
    let error = Slot::open(place.options.clone(), anew.clone()).await.unwrap_err();
    expect_gap(&error, &slot, "its publication is not there any more");
    // Nor does a publication that is made anew.
    place.run("INSERT INTO outbox VALUES (3, 'x')").await;
    assert!(anew < Slot::position(&place.options).await.unwrap());
}

#[tokio::test]
async fn a_slot_that_the_server_invalidated_is_a_gap_and_can_be_made_anew() {
    if databases().iter().all(|database| database.engine() != Engine::Postgres) {
        return;
    }
    let server = Postgres::start_with(&["max_slot_wal_keep_size=1MB", "max_wal_size=64MB"]).unwrap();
    let database = TestDatabase::on_server(Engine::Postgres, &server.url());
    let make = "CREATE TABLE outbox (id bigint PRIMARY KEY, payload text)";
    let mut place = Place::on(database, make, &["outbox"]).await;
    let mut log = place.log().await;
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    let (_, from) = rows(&mut log, 1).await;
    drop(log);
    let losing = async {
        while place.slot("wal_status").await.as_deref() != Some("lost") {
            place.run("INSERT INTO outbox SELECT max(id) + 1, 'x' FROM outbox").await;
            place.run("SELECT pg_switch_wal()").await;
            place.run("CHECKPOINT").await;
        }
    };
    timeout(LIMIT, losing).await.unwrap();
    let error = Slot::open(place.options.clone(), from.clone()).await.unwrap_err();
    expect_gap(&error, &place.options.slot, "the server let go what comes after (max_slot_wal_keep_size)");
    let anew = Slot::position(&place.options).await.unwrap();
    assert!(from < anew);
    let mut log = place.log_from(&anew).await;
    place.run("INSERT INTO outbox VALUES (-1, 'x')").await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [-1]);
    drop(log);
    drop(place);
    drop(server);
}
