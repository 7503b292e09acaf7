//! A table that has rows already, taken together with the log.

use std::collections::BTreeMap;

use hexalpes_binlog::Binlog;
use hexalpes_capture::{LogError, Snapshot as _, Step};
use mysql_async::prelude::Queryable;

use crate::world::{id, next, worlds};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_by_what_is_no_key_is_refused() {
    for world in worlds(&["notes"]) {
        world
            .run(&[
                "CREATE TABLE notes (id INT, other INT, PRIMARY KEY (id, other), twice INT, UNIQUE (twice))",
            ])
            .await;
        let table = &world.options.tables[0];
        for column in ["id", "twice", "none"] {
            let refused = Binlog::snapshot(&world.options, table, column).await.unwrap_err();
            let LogError::Refused { what, .. } = refused else { panic!("{refused}") };
            assert_eq!(what, format!("the column {column} of {table} is not its key"));
        }
    }
}
