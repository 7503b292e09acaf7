//! Whole transactions, in the order of their commits, and the same ones again.

use hexalpes_capture::{Inserted, Log, LogError, Step, Value};
use serde_json::json;

use tokio::time::timeout;

use crate::place::{LIMIT, Place, ids, rows, run, transaction};

#[tokio::test]
async fn transactions_come_in_the_order_of_their_commits() {
    let Some(mut place) = Place::open().await else { return };
    let mut other = place.another().await;
    let mut log = place.log().await;
    place.run("BEGIN; INSERT INTO outbox VALUES (1, 'first'), (2, 'first')").await;
    run(&mut other, "INSERT INTO outbox VALUES (3, 'second')").await;
    // Whoever reads by ids is past the first two before they are there.
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM outbox ORDER BY id").fetch_all(&mut other).await.unwrap();
    assert_eq!(seen, [3]);
    place.run("COMMIT").await;

    let (second, after_second) = transaction(&mut log).await;
    let (first, after_first) = transaction(&mut log).await;
    let (second, first) = (second.concat(), first.concat());
    assert_eq!((ids(&second), ids(&first)), (vec![3], vec![1, 2]));
    assert!(after_second < after_first);
    assert!(second[0].origin.begins < after_second && after_second <= first[0].origin.begins);
    assert!(second[0].origin.at < first[0].origin.at);
}

#[tokio::test]
async fn a_row_says_its_transaction_and_place_as_debezium_does() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("INSERT INTO outbox VALUES (1, 'a')").await;
    let (_, before) = rows(&mut log, 1).await;
    place.run("BEGIN; INSERT INTO outbox VALUES (2, 'b')").await;
    let id: u64 = place.ask("SELECT pg_current_xact_id()::text").await.unwrap().parse().unwrap();
    place.run("COMMIT").await;
    let (given, after) = rows(&mut log, 1).await;

    let origin = &given[0].origin;
    assert_eq!((origin.connector, origin.is_snapshot), ("postgresql", false));
    let names: Vec<_> = origin.fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["txId", "lsn", "sequence"]);
    let field = |at: usize| json!(origin.fields[at].1);
    assert_eq!(field(0), id);
    let lsn = field(1).as_u64().unwrap();
    assert!(before.offset <= lsn && lsn < after.offset);
    assert_eq!(field(2), format!("[\"{}\",\"{lsn}\"]", before.offset));
    assert_eq!(given[0].table.schema.as_deref(), Some("public"));
    assert_eq!(given[0].table.database, place.options.slot, "each database has a slot of its own name");
}

#[tokio::test]
async fn what_is_rolled_back_never_comes() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("BEGIN; INSERT INTO outbox VALUES (1, 'no'); ROLLBACK").await;
    place
        .run(
            "BEGIN; INSERT INTO outbox VALUES (2, 'yes'); SAVEPOINT s; INSERT INTO outbox VALUES (3, 'no'); \
             ROLLBACK TO s; INSERT INTO outbox VALUES (4, 'yes'); COMMIT",
        )
        .await;
    place
        .run("UPDATE outbox SET payload = 'changed'; DELETE FROM outbox WHERE id = 2; TRUNCATE outbox")
        .await;
    place.run("INSERT INTO outbox VALUES (5, 'last')").await;
    let (given, _) = rows(&mut log, 3).await;
    assert_eq!(ids(&given), [2, 4, 5]);
    assert_eq!(given[0].get("payload"), Some(&Value::Text("yes".into())));
}

#[tokio::test]
async fn every_boundary_leads_to_the_same_rest() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    for id in [1, 11, 21, 31] {
        place.run(&format!("INSERT INTO outbox SELECT n, 'x' FROM generate_series({id}, {id} + 4) n")).await;
    }
    let mut after: Vec<(Vec<Inserted>, _)> = Vec::new();
    for _ in 0..4 {
        after.push(rows(&mut log, 5).await);
    }
    drop(log);
    for (index, (_, boundary)) in after.iter().enumerate().take(3) {
        let mut again = place.log_from(boundary).await;
        for (expected, end) in &after[index + 1..] {
            assert_eq!(rows(&mut again, 5).await, (expected.clone(), end.clone()));
        }
    }
}

#[tokio::test]
async fn a_large_transaction_comes_in_steps() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("INSERT INTO outbox SELECT n, 'x' FROM generate_series(1, 1700) n").await;
    let (steps, _) = transaction(&mut log).await;
    assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 500, 200]);

    // Three of them are more than four megabytes.
    place.run("INSERT INTO outbox SELECT n, repeat('y', 1500000) FROM generate_series(2001, 2007) n").await;
    let (steps, _) = transaction(&mut log).await;
    assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let Some(place) = Place::open().await else { return };
    let mut log = place.log().await;
    let mut other = place.another().await;
    let writing = async {
        for id in 0..200 {
            run(&mut other, &format!("INSERT INTO outbox VALUES ({id}, repeat('z', 20000))")).await;
        }
    };
    let reading = async {
        let mut given = Vec::new();
        while given.len() < 200 {
            tokio::select! {
                biased;
                step = log.next() => if let Step::Rows(step) = step.unwrap() { given.extend(step) },
                () = tokio::task::yield_now() => {}
            }
        }
        given
    };
    let ((), given) = timeout(LIMIT, async { tokio::join!(writing, reading) }).await.unwrap();
    assert_eq!(ids(&given), (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_that_failed_gives_nothing_more() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.slot("pg_terminate_backend(active_pid)").await;
    place.run("INSERT INTO outbox VALUES (1, 'x')").await;
    for _ in 0..2 {
        let failed = loop {
            match timeout(LIMIT, log.next()).await.unwrap() {
                Ok(Step::Boundary(_)) => {}
                Ok(step) => panic!("{step:?} after the end"),
                Err(error) => break error,
            }
        };
        assert!(matches!(failed, LogError::Unreachable(_)), "{failed}");
    }
}
