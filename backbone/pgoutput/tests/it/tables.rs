//! What a table held at one place of the log, and the log from there.

use std::collections::BTreeMap;

use hexalpes_capture::{Inserted, Log, LogError, PAGE_BYTES, Snapshot, Step, Value};
use hexalpes_pgoutput::Slot;

use crate::place::{LIMIT, Place, ids, rows, run};

#[tokio::test]
async fn a_table_is_read_in_pieces_by_its_key() {
    let Some(mut place) = Place::open().await else { return };
    Slot::position(&place.options).await.unwrap();
    place.run("INSERT INTO outbox SELECT n * 10, 'x' FROM generate_series(5, 1, -1) n").await;
    let mut snapshot = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
    place.run("INSERT INTO outbox VALUES (25, 'late')").await;
    assert_eq!(ids(&snapshot.after(None, 2).await.unwrap()), [10, 20]);
    assert_eq!(ids(&snapshot.after(Some(&Value::Integer(20)), 2).await.unwrap()), [30, 40]);
    assert_eq!(ids(&snapshot.after(Some(&Value::Integer(40)), 2).await.unwrap()), [50]);
    assert_eq!(ids(&snapshot.after(Some(&Value::Integer(50)), 2).await.unwrap()), Vec::<i64>::new());
    // And from wherever somebody was.
    assert_eq!(ids(&snapshot.after(Some(&Value::Integer(15)), 2).await.unwrap()), [20, 30]);

    let mut later = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
    assert!(snapshot.position() < later.position());
    assert_eq!(ids(&later.after(Some(&Value::Integer(20)), 2).await.unwrap()), [25, 30]);
    assert_eq!(
        place.ask("SELECT count(*)::text FROM pg_replication_slots WHERE temporary AND database = current_database()").await,
        Some("0".to_owned()),
        "the slots of snapshots are gone"
    );
}

/// However many are asked for.
#[tokio::test]
async fn of_large_rows_no_more_are_kept_at_once_than_a_page_has_bytes() {
    let Some(mut place) = Place::open().await else { return };
    Slot::position(&place.options).await.unwrap();
    place.run("INSERT INTO outbox SELECT n, repeat('x', CASE WHEN n > 3 THEN 4000000 ELSE 1 END) FROM generate_series(1, 12) n").await;
    let mut snapshot = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
    let (mut all, mut key) = (Vec::new(), None);
    loop {
        let page = ids(&snapshot.after(key.as_ref(), 100).await.unwrap());
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3 + PAGE_BYTES / 4_000_000 + 1, "{page:?}");
        key = Some(Value::Integer(*last));
        all.extend(page);
    }
    assert_eq!(all, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn keys_that_are_texts_are_ordered_by_their_bytes() {
    let make = "CREATE TABLE outbox (id text COLLATE \"en-x-icu\" PRIMARY KEY, n int)";
    let Some(mut place) = Place::with(make, &["outbox"]).await else { return };
    place
        .run("INSERT INTO outbox VALUES ('b', 1), ('A', 2), ('a', 3), ('B', 4), ('ä''\\', 5), ('Z', 6)")
        .await;
    let mut snapshot = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
    let mut keys: Vec<String> = Vec::new();
    loop {
        let key = keys.last().map(|key| Value::Text(key.as_str().into()));
        let piece = snapshot.after(key.as_ref(), 2).await.unwrap();
        if piece.is_empty() {
            break;
        }
        keys.extend(piece.iter().map(|row| match row.get("id") {
            Some(Value::Text(id)) => id.to_string(),
            other => panic!("{other:?} is no text"),
        }));
    }
    assert_eq!(keys, ["A", "B", "Z", "a", "b", "ä'\\"]);
}

#[tokio::test]
async fn keys_are_compared_as_the_pieces_are_in_order() {
    for (kind, values) in [
        ("text COLLATE \"en-x-icu\"", "('b'), ('A'), ('a'), ('ä''\\')"),
        ("char(3)", "('b'), ('A'), ('a'), ('ab')"),
        ("size", "('small'), ('middle'), ('great'), ('huge')"),
        ("bigint", "(-5), (0), (7), (70)"),
        ("bytea", "('\\x00'), ('\\x0000'), ('\\xff'), ('\\x41')"),
        ("inet", "('10.0.0.2'), ('10.0.0.10'), ('9.0.0.1'), ('::1')"),
        ("uuid", "(gen_random_uuid()), (gen_random_uuid()), (gen_random_uuid()), (gen_random_uuid())"),
    ] {
        let make = format!(
            "CREATE TYPE size AS ENUM ('small', 'middle', 'great', 'huge'); CREATE TABLE outbox (id {kind} PRIMARY KEY)"
        );
        let Some(mut place) = Place::with(&make, &["outbox"]).await else { return };
        place.run(&format!("INSERT INTO outbox VALUES {values}")).await;
        let mut snapshot = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
        let rows = snapshot.after(None, 9).await.unwrap();
        let keys: Vec<Value> = rows.iter().map(|row| row.values[0].clone()).collect();
        for (at, key) in keys.iter().enumerate() {
            let expected: Vec<bool> = (0..4).map(|other| other > at).collect();
            assert_eq!(snapshot.above(&keys, key).await.unwrap(), expected, "{key:?} in {kind}: {keys:?}");
            assert_eq!(snapshot.after(Some(key), 9).await.unwrap(), rows[at + 1..], "{key:?} in {kind}");
        }
    }
}

#[tokio::test]
async fn the_column_by_which_the_server_numbers_rows_is_found_where_it_alone_tells_them_apart() {
    let Some(mut place) = Place::open().await else { return };
    for (columns, expected) in [
        ("id uuid PRIMARY KEY", None),
        ("id uuid PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY UNIQUE", Some("n")),
        ("id uuid PRIMARY KEY, n bigserial UNIQUE", Some("n")),
        ("id uuid PRIMARY KEY, n bigserial", None),
        ("id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int UNIQUE NOT NULL DEFAULT 3", None),
        ("id uuid, n serial, PRIMARY KEY (n, id)", None),
    ] {
        place.run(&format!("DROP TABLE outbox; CREATE TABLE outbox ({columns})")).await;
        let numbered = Slot::numbered(&place.options, place.table()).await.unwrap();
        assert_eq!(numbered.as_deref(), expected, "{columns}");
    }
    place.run("DROP TABLE outbox").await;
    assert_eq!(Slot::numbered(&place.options, place.table()).await.unwrap(), None, "of no table");
}

#[tokio::test]
async fn a_key_that_may_be_null_is_refused_with_the_statement_that_mends_it() {
    let make = "CREATE TABLE outbox (id int PRIMARY KEY, other int UNIQUE)";
    let Some(mut place) = Place::with(make, &["outbox"]).await else { return };
    let refused = Slot::snapshot(&place.options, place.table(), "other").await.unwrap_err();
    let mend = "ALTER TABLE \"public\".\"outbox\" ALTER COLUMN \"other\" SET NOT NULL;";
    let expected = format!(
        "the rows of public.outbox cannot be told apart by other: it may be null; {mend} or name another one with \
         hexalpes.snapshot.key"
    );
    assert_eq!(refused.to_string(), expected);
    place.run(mend).await;
    Slot::snapshot(&place.options, place.table(), "other").await.unwrap();
}

#[tokio::test]
async fn a_key_that_tells_no_rows_apart_is_refused() {
    let Some(place) = Place::open().await else { return };
    let refused = Slot::snapshot(&place.options, place.table(), "payload").await.unwrap_err();
    let expected = "the rows of public.outbox cannot be told apart by payload: it is not unique, or may be null; \
                    ALTER TABLE \"public\".\"outbox\" ADD PRIMARY KEY (\"payload\");";
    assert_eq!(refused.to_string(), expected);
}

/// Transactions of one to three rows, some of which are rolled back, by several writers at once.
async fn write(mut sql: sqlx::PgConnection, writer: i64) -> u64 {
    let mut kept = 0;
    for round in 0..120 {
        let id = writer * 10_000 + round * 10;
        let count = 1 + (writer + round) % 3;
        let end = if round % 7 == 3 { "ROLLBACK" } else { "COMMIT" };
        run(
            &mut sql,
            &format!(
                "BEGIN; INSERT INTO outbox SELECT n, 'x' FROM generate_series({id}, {id} + {count} - 1) n; \
                 SELECT pg_sleep({}); {end}",
                if round % 11 == 0 { 0.01 } else { 0.0 }
            ),
        )
        .await;
        kept += if end == "COMMIT" { count.unsigned_abs() } else { 0 };
    }
    kept
}

/// Counts each id once more.
fn count(rows: &[Inserted], counts: &mut BTreeMap<i64, u32>) {
    for id in ids(rows) {
        *counts.entry(id).or_default() += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_and_the_log_have_each_row_once_while_others_write() {
    let Some(place) = Place::open().await else { return };
    let from = Slot::position(&place.options).await.unwrap();
    let mut writers = Vec::new();
    for writer in 1..=4 {
        writers.push(tokio::spawn(write(place.another().await, writer)));
    }
    let mut snapshots = Vec::new();
    while snapshots.len() < 6 {
        let mut snapshot = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
        let mut counts = BTreeMap::new();
        count(&snapshot.after(None, 100_000).await.unwrap(), &mut counts);
        snapshots.push((snapshot.position().clone(), counts));
    }
    let mut kept = 0;
    for writer in writers {
        kept += usize::try_from(writer.await.unwrap()).unwrap();
    }
    assert!(
        snapshots.iter().any(|(_, counts)| !counts.is_empty() && counts.len() < kept),
        "it was written meanwhile"
    );

    let mut log = place.log_from(&from).await;
    let mut all = Vec::new();
    while all.len() < kept {
        if let Step::Rows(rows) = tokio::time::timeout(LIMIT, log.next()).await.unwrap().unwrap() {
            all.extend(rows);
        }
    }
    drop(log);
    for (position, mut counts) in snapshots {
        // Both ways to go on: what the log has from the start and leave out, or what it has from there.
        let rest: Vec<Inserted> = all.iter().filter(|row| row.origin.begins >= position).cloned().collect();
        let mut log = place.log_from(&position).await;
        if !rest.is_empty() {
            assert_eq!(ids(&rows(&mut log, rest.len()).await.0), ids(&rest));
        }
        count(&rest, &mut counts);
        assert_eq!((counts.len(), counts.values().all(|count| *count == 1)), (kept, true), "at {position}");
    }
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_said_with_what_mends_it() {
    let Some(mut place) = Place::open().await else { return };
    Slot::position(&place.options).await.unwrap();
    let role = format!("reader_{}", place.options.slot);
    place.run(&format!("CREATE ROLE {role} LOGIN REPLICATION")).await;
    let mut options = place.options.clone();
    options.url = options.url.replace("postgres@", &format!("{role}@"));
    let mut snapshot = Slot::snapshot(&options, place.table(), "id").await.unwrap();
    let refused = snapshot.after(None, 1).await.unwrap_err();
    assert!(matches!(refused, LogError::Refused { .. }), "{refused}");
    let mend = format!(
        "GRANT USAGE ON SCHEMA \"public\" TO \"{role}\"; GRANT SELECT ON \"public\".\"outbox\" TO \"{role}\";"
    );
    assert!(refused.to_string().ends_with(&mend), "{refused}");
    drop(snapshot);
    place.run(&mend).await;
    let mut snapshot = Slot::snapshot(&options, place.table(), "id").await.unwrap();
    assert_eq!(snapshot.after(None, 1).await.unwrap(), []);
    drop(snapshot);
    place.run(&format!("DROP OWNED BY {role}")).await;
    place.run(&format!("DROP ROLE {role}")).await;
}
