//! A table that has rows already, taken together with the log.

use std::collections::BTreeMap;

use hexalpes_binlog::Binlog;
use hexalpes_capture::{LogError, PAGE_BYTES, Snapshot as _, Step, Value};
use mysql_async::prelude::Queryable;

use crate::world::{id, ids, next, worlds};

const WRITERS: i64 = 4;
const ROWS_EACH: i64 = 250;

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_the_log_have_each_row_once_while_others_write() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, text TEXT)"]).await;
        let begin = world.position().await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let session = world.session();
                async move {
                    let mut session = session.await;
                    for at in 0..ROWS_EACH {
                        // Transactions of two statements overlap.
                        let id = writer * ROWS_EACH + at;
                        session.query_drop("BEGIN").await.unwrap();
                        session.exec_drop("INSERT INTO notes VALUES (?, 'a')", (id,)).await.unwrap();
                        session.query_drop("COMMIT").await.unwrap();
                    }
                }
            })
            .collect();
        let taking = async {
            let mut log = world.open(&begin).await;
            // Some rows are there.
            while !matches!(next(&mut log).await.unwrap(), Step::Rows(_)) {}
            drop(log);
            let table = &world.options.tables[0];
            let mut snapshot = Binlog::snapshot(&world.options, table, "id").await.unwrap();
            let mut log = world.open(&begin).await;
            let mut times: BTreeMap<i64, u32> = BTreeMap::new();
            let mut key = None;
            loop {
                let rows = snapshot.after(key.as_ref(), 50).await.unwrap();
                for row in &rows {
                    *times.entry(id(row)).or_default() += 1;
                }
                match rows.last() {
                    Some(last) => key = last.get("id").cloned(),
                    None => break,
                }
            }
            let taken = times.len();
            assert!(taken > 0);
            let mut logged = 0;
            while logged < WRITERS * ROWS_EACH {
                if let Step::Rows(rows) = next(&mut log).await.unwrap() {
                    logged += i64::try_from(rows.len()).unwrap();
                    for row in rows.iter().filter(|row| row.origin.begins >= *snapshot.position()) {
                        *times.entry(id(row)).or_default() += 1;
                    }
                }
            }
            times
        };
        let (_, times) = futures::join!(futures::future::join_all(writers), taking);
        assert_eq!(times, (0..WRITERS * ROWS_EACH).map(|id| (id, 1)).collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_stays_as_it_was_when_it_was_taken() {
    for world in worlds(&["notes"]) {
        world
            .run(&[
                "CREATE TABLE notes (id VARCHAR(10) PRIMARY KEY)",
                "INSERT INTO notes VALUES ('a'), ('b')",
            ])
            .await;
        let table = &world.options.tables[0];
        let mut snapshot = Binlog::snapshot(&world.options, table, "id").await.unwrap();
        world.run(&["INSERT INTO notes VALUES ('c')"]).await;
        let first = snapshot.after(None, 1).await.unwrap();
        let rest = snapshot.after(first[0].get("id"), 10).await.unwrap();
        assert_eq!((first.len(), rest.len()), (1, 1));
        assert_eq!(first[0].origin.begins, *snapshot.position());
    }
}

/// However many are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn of_large_rows_no_more_are_kept_at_once_than_a_page_has_bytes() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, text LONGTEXT)"]).await;
        for id in 1..=12 {
            let bytes = if id > 3 { 4_000_000 } else { 1 };
            world.run(&[&format!("INSERT INTO notes VALUES ({id}, REPEAT('x', {bytes}))")]).await;
        }
        let mut snapshot = Binlog::snapshot(&world.options, &world.options.tables[0], "id").await.unwrap();
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
}

#[tokio::test(flavor = "multi_thread")]
async fn the_column_by_which_a_server_numbers_rows_is_found_where_it_alone_tells_them_apart() {
    for world in worlds(&["notes"]) {
        let numbered = async || Binlog::numbered(&world.options, &world.options.tables[0]).await.unwrap();
        assert_eq!(numbered().await, None, "of no table");
        for (columns, expected) in [
            ("id CHAR(36) PRIMARY KEY", None),
            ("id CHAR(36) PRIMARY KEY, n INT AUTO_INCREMENT UNIQUE", Some("n")),
            ("id CHAR(36) PRIMARY KEY, n INT AUTO_INCREMENT, KEY (n)", None),
            ("n BIGINT AUTO_INCREMENT, id CHAR(36), PRIMARY KEY (n, id)", None),
            ("id CHAR(36) UNIQUE, n BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT", Some("n")),
        ] {
            world.run(&["DROP TABLE IF EXISTS notes", &format!("CREATE TABLE notes ({columns})")]).await;
            assert_eq!(numbered().await.as_deref(), expected, "{columns}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_by_what_is_no_key_is_refused() {
    for world in worlds(&["notes"]) {
        world
            .run(&[
                "CREATE TABLE notes (id INT, other INT, PRIMARY KEY (id, other), twice VARCHAR(9), UNIQUE (twice), \
                 size ENUM('s', 'm') NOT NULL UNIQUE)",
            ])
            .await;
        let table = &world.options.tables[0];
        let (name, another) =
            (format!("`{}`.`notes`", table.schema), "name another one with hexalpes.snapshot.key");
        let collation = world.ask("SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()").await;
        let not_null = format!("ALTER TABLE {name} MODIFY `twice` varchar(9) COLLATE {collation} NOT NULL;");
        for (column, why, mend) in [
            ("id", "it is not unique", format!("ALTER TABLE {name} ADD UNIQUE (`id`); or {another}")),
            ("twice", "it may be NULL", format!("{not_null} or {another}")),
            ("none", "there is no such column", format!("{another}, such as the primary key")),
            (
                "size",
                "it is of type enum",
                format!("{another}, a column of whole numbers, texts, bytes or UUIDs"),
            ),
        ] {
            let refused = Binlog::snapshot(&world.options, table, column).await.unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("the column {column} of {table} is not its key: {why}; {mend}")
            );
            assert!(matches!(refused, LogError::Refused { .. }), "{refused:?}");
        }
        world.run(&[&not_null]).await;
        Binlog::snapshot(&world.options, table, "twice").await.unwrap();
    }
}

fn words(words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| Value::Text((*word).into())).collect()
}

/// What comes behind a key is above it, and what comes before it or is the same is not, in whatever order that is.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_compared_as_the_pieces_are_in_order() {
    for world in worlds(&["notes"]) {
        let nopad = if world.is_mariadb() { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" };
        for kind in [
            "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            &format!("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE {nopad}"),
            "VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
            "CHAR(20) CHARACTER SET latin1 COLLATE latin1_bin",
        ] {
            world
                .run(&[
                    "DROP TABLE IF EXISTS notes",
                    &format!("CREATE TABLE notes (id {kind} PRIMARY KEY)"),
                    "INSERT INTO notes VALUES (_utf8mb4 x'C3B1'), ('a'), ('B'), ('c'), ('a\t'), ('ab'), ('Z'), ('_'), \
                     (_utf8mb4 x'E282AC')",
                ])
                .await;
            let table = &world.options.tables[0];
            let mut snapshot = Binlog::snapshot(&world.options, table, "id").await.unwrap();
            let rows = snapshot.after(None, 20).await.unwrap();
            let keys: Vec<Value> = rows.iter().map(|row| row.values[0].clone()).collect();
            assert_eq!(keys.len(), 9);
            for (at, key) in keys.iter().enumerate() {
                let expected: Vec<bool> = (0..keys.len()).map(|other| other > at).collect();
                assert_eq!(
                    snapshot.above(&keys, key).await.unwrap(),
                    expected,
                    "{key:?} in {kind}: {keys:?}"
                );
                let behind = snapshot.after(Some(key), 20).await.unwrap();
                assert_eq!(behind, rows[at + 1..], "{key:?} in {kind}: {keys:?}");
            }
            if kind.contains("general_ci") {
                let others = words(&["A", "b", "C", "ZZ"]);
                let above = snapshot.above(&others, &Value::Text("B".into())).await.unwrap();
                assert_eq!(above, [false, false, true, true]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_texts_are_compared_as_they_are_in_order_too() {
    for world in worlds(&["notes"]) {
        let mut kinds = vec![
            ("VARBINARY(9)", ["x'00'", "x'0000'", "x'6162'", "x'41'", "x'FF'"]),
            ("BIGINT", ["-5", "0", "7", "70", "9223372036854775807"]),
        ];
        if world.is_mariadb() {
            kinds.push((
                "UUID",
                [
                    "'00000002-0000-4000-8000-000000000001'",
                    "'00000001-0000-4000-8000-000000000002'",
                    "'00000003-0000-7000-8000-000000000000'",
                    "'00000004-0000-7000-8000-000000000000'",
                    "'00000000-0000-1000-8000-000000000003'",
                ],
            ));
            kinds.push((
                "INET6",
                ["'::1'", "'2001:db8::10'", "'2001:db8::2'", "'fe80::1'", "'::ffff:10.0.0.1'"],
            ));
        }
        for (kind, values) in kinds {
            let insert = format!("INSERT INTO notes VALUES ({})", values.join("), ("));
            let create = format!("CREATE TABLE notes (id {kind} PRIMARY KEY)");
            world.run(&["DROP TABLE IF EXISTS notes", &create, &insert]).await;
            let mut snapshot =
                Binlog::snapshot(&world.options, &world.options.tables[0], "id").await.unwrap();
            let rows = snapshot.after(None, 9).await.unwrap();
            let keys: Vec<Value> = rows.iter().map(|row| row.values[0].clone()).collect();
            for (at, key) in keys.iter().enumerate() {
                let expected: Vec<bool> = (0..5).map(|other| other > at).collect();
                assert_eq!(
                    snapshot.above(&keys, key).await.unwrap(),
                    expected,
                    "{key:?} in {kind}: {keys:?}"
                );
                assert_eq!(snapshot.after(Some(key), 9).await.unwrap(), rows[at + 1..], "{key:?} in {kind}");
            }
        }
    }
}
