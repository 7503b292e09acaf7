//! Tables that change while they are read.

use hexalpes_capture::{Inserted, Log as _, LogError, Step, Value};

use crate::refusals::alone;
use crate::world::{failure, ids, next, rows, worlds};

fn columns(row: &Inserted) -> Vec<(&str, Value)> {
    row.table.columns.iter().map(String::as_str).zip(row.values.iter().cloned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_added_at_the_end_comes_with_the_rows_that_have_it() {
    for world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, a INT)"]).await;
        let mut log = world.open_now().await;
        // The first is read when the table already has the column.
        world
            .run(&[
                "INSERT INTO notes VALUES (1, 10)",
                "ALTER TABLE notes ADD COLUMN b VARCHAR(20) NOT NULL DEFAULT 'none'",
                "INSERT INTO notes (id, a) VALUES (2, 20)",
            ])
            .await;
        let (before, _) = rows(&mut log, 2).await;
        assert_eq!(columns(&before[0]), [("id", Value::Integer(1)), ("a", Value::Integer(10))]);
        let none = Value::Text("none".into());
        assert_eq!(columns(&before[1]), [("id", Value::Integer(2)), ("a", Value::Integer(20)), ("b", none)]);
        world.run(&["ALTER TABLE notes ADD COLUMN c INT", "INSERT INTO notes VALUES (3, 30, 'x', 7)"]).await;
        let (after, _) = rows(&mut log, 1).await;
        assert_eq!(after[0].get("c"), Some(&Value::Integer(7)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_before_another_change_are_refused_unless_the_log_has_their_names() {
    for (world, _server) in alone(&["notes"]).await {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, a INT)"]).await;
        let mut log = world.open_now().await;
        let change =
            ["INSERT INTO notes (id, a) VALUES (1, 10)", "ALTER TABLE notes ADD COLUMN b VARCHAR(20) FIRST"];
        world.run(&change).await;
        let (before, error) = failure(&mut log).await;
        assert_eq!(before, []);
        let LogError::Refused { mend, .. } = error else { panic!("{error}") };
        let Some((statement, "and take the table's rows anew")) = mend.0.split_once("; ") else {
            panic!("{mend}")
        };
        assert_eq!(statement, "SET GLOBAL binlog_row_metadata = 'FULL'");
        drop(log);

        world.run(&[statement, "DROP TABLE notes", "CREATE TABLE notes (id INT PRIMARY KEY, a INT)"]).await;
        let mut log = world.open_now().await;
        world.run(&change).await;
        let (rows, _) = rows(&mut log, 1).await;
        assert_eq!(columns(&rows[0]), [("id", Value::Integer(1)), ("a", Value::Integer(10))]);
    }
}

/// A log without names does not say which of two texts is which, and the database describes the table of today. What is read
/// of the log behind the change is no question.
#[tokio::test(flavor = "multi_thread")]
async fn rows_from_before_columns_of_the_same_type_were_put_between_are_refused_and_not_mixed_up() {
    for (world, _server) in alone(&["notes"]).await {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, a VARCHAR(20))"]).await;
        let mut log = world.open_now().await;
        world.run(&["INSERT INTO notes VALUES (1, 'a-1')"]).await;
        let (_, here) = rows(&mut log, 1).await;
        let known = log.columns().unwrap();
        assert_eq!(*known, ["id", "a"]);
        drop(log);
        world
            .run(&[
                "INSERT INTO notes VALUES (2, 'a-2')",
                "ALTER TABLE notes ADD COLUMN b VARCHAR(20) AFTER id, ADD COLUMN c VARCHAR(20)",
                "INSERT INTO notes VALUES (3, 'b-3', 'a-3', 'c-3')",
            ])
            .await;
        let mut log = world.open(&here).await;
        log.expect(&known);
        let (before, error) = failure(&mut log).await;
        assert_eq!(before, []);
        assert!(matches!(error, LogError::Refused { .. }), "{}: {error}", world.engine);
        drop(log);

        // As the reader says where it has seen the change, and where it has not needed to.
        let there = world.position().await;
        let mut log = world.open(&there).await;
        log.expect(&known);
        world
            .run(&[
                "ALTER TABLE notes ADD COLUMN d INT FIRST",
                "INSERT INTO notes VALUES (0, 4, '', 'a-4', '')",
            ])
            .await;
        let (after, _) = rows(&mut log, 1).await;
        assert_eq!(after[0].get("a"), Some(&Value::Text("a-4".into())));
        assert_eq!(*log.columns().unwrap(), ["d", "id", "b", "a", "c"]);
    }
}

/// Dropped for another one, with its database, or beside others; and one that is only emptied is no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_dropped_is_told_of_before_the_rows_of_the_next_of_its_name() {
    for world in worlds(&["notes"]) {
        let make = "CREATE TABLE notes (id INT PRIMARY KEY)";
        world.run(&[make, "CREATE TABLE others (id INT)"]).await;
        let mut log = world.open_now().await;
        let with_all = format!("DROP DATABASE {0}; CREATE DATABASE {0}; USE {0}", world.schema);
        let with_all: Vec<&str> = with_all.split("; ").collect();
        world.run(&["INSERT INTO notes VALUES (1)", "DROP TABLE IF EXISTS others, notes", make]).await;
        world.run(&["INSERT INTO notes VALUES (2)", "TRUNCATE notes", "INSERT INTO notes VALUES (3)"]).await;
        world.run(&with_all).await;
        world.run(&[make, "INSERT INTO notes VALUES (4)"]).await;
        if world.is_mariadb() {
            world
                .run(&["CREATE OR REPLACE TABLE notes (id INT PRIMARY KEY)", "INSERT INTO notes VALUES (5)"])
                .await;
        } else {
            world.run(&["DROP TABLE notes", make, "INSERT INTO notes VALUES (5)"]).await;
        }
        let mut told = Vec::new();
        while told.last() != Some(&"5".to_owned()) {
            match next(&mut log).await.unwrap() {
                Step::Rows(rows) => told.extend(ids(&rows).iter().map(i64::to_string)),
                Step::Dropped(table) => told.push(table.name),
                Step::Boundary(_) => {}
            }
        }
        assert_eq!(told, ["1", "notes", "2", "3", "notes", "4", "notes", "5"], "{}", world.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_odd_names_are_read_and_others_like_them_are_not() {
    for world in worlds(&["notes` 'ñ", "NOTES"]) {
        world
            .run(&[
                "CREATE TABLE `notes`` 'ñ` (id INT PRIMARY KEY, `a ``b` INT)",
                "CREATE TABLE notes (id INT PRIMARY KEY)",
                "CREATE TABLE NOTES (id INT PRIMARY KEY)",
            ])
            .await;
        let mut log = world.open_now().await;
        world
            .run(&[
                "INSERT INTO notes VALUES (9)",
                "INSERT INTO `notes`` 'ñ` VALUES (1, 2)",
                "INSERT INTO NOTES VALUES (5)",
            ])
            .await;
        let (rows, _) = rows(&mut log, 2).await;
        assert_eq!(columns(&rows[0]), [("id", Value::Integer(1)), ("a `b", Value::Integer(2))]);
        assert_eq!((&*rows[1].table.name, &rows[1].values[0]), ("NOTES", &Value::Integer(5)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_column_is_refused() {
    for world in worlds(&["notes"]) {
        if !world.is_mariadb() {
            continue;
        }
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, a TEXT COMPRESSED)"]).await;
        let mut log = world.open_now().await;
        world.run(&["INSERT INTO notes VALUES (1, 'a')"]).await;
        let (rows, error) = failure(&mut log).await;
        assert_eq!(rows, []);
        let LogError::Refused { what, mend } = error else { panic!("{error}") };
        assert_eq!(
            what,
            format!("the column a of {} is COMPRESSED, which is not read", world.options.tables[0])
        );
        assert_eq!(
            mend.0,
            format!("alter the column a of {} so that it is not COMPRESSED", world.options.tables[0])
        );
    }
}
