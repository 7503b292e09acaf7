//! In which order rows come, in what steps, and from where they come again.

use std::time::Duration;

use hexalpes_binlog::Binlog;
use hexalpes_capture::{Log, LogError, Position, Step, Value};
use mysql_async::prelude::Queryable;
use serde_json::json;
use tokio::time::timeout;

use crate::world::{WITHIN, World, id, ids, next, rows, steps, worlds};

const TABLE: &str = "CREATE TABLE notes (id INT PRIMARY KEY, text LONGTEXT)";
const OTHER: &str = "CREATE TABLE others (id INT PRIMARY KEY, text LONGTEXT)";

#[tokio::test(flavor = "multi_thread")]
async fn transactions_come_in_the_order_of_their_commits() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        let (mut first, mut second) = (world.session().await, world.session().await);
        first.query_drop("BEGIN").await.unwrap();
        first.query_drop("INSERT INTO notes VALUES (1, 'begun first')").await.unwrap();
        second.query_drop("INSERT INTO notes VALUES (2, 'committed first')").await.unwrap();
        // Whoever reads by ids is past 1 before it is there.
        let seen: Vec<i64> = second.query("SELECT id FROM notes ORDER BY id").await.unwrap();
        assert_eq!(seen, [2]);
        first.query_drop("INSERT INTO notes VALUES (3, 'begun first')").await.unwrap();
        first.query_drop("COMMIT").await.unwrap();
        let (rows, _) = rows(&mut log, 3).await;
        assert_eq!(ids(&rows), [2, 1, 3]);
        assert!(rows[0].origin.begins < rows[1].origin.begins, "each is of a transaction of its own");
        assert_eq!(rows[1].origin.begins, rows[2].origin.begins);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_rolled_back_never_come() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE, "CREATE TABLE lasting (id INT) ENGINE = MyISAM"]).await;
        let mut log = world.open_now().await;
        world.run(&["BEGIN", "INSERT INTO notes VALUES (1, 'x')", "ROLLBACK"]).await;
        let to_savepoint = async |id: u32, between: &str, savepoint: &str| {
            let insert = format!("INSERT INTO notes VALUES ({id}, 'x')");
            let begin = ["BEGIN", &insert, "SAVEPOINT here", between, "INSERT INTO notes VALUES (9, 'x')"];
            let back = format!("ROLLBACK TO SAVEPOINT {savepoint}");
            world.run(&[&begin[..], &[&back, "COMMIT"]].concat()).await;
        };
        to_savepoint(2, "DO 0", "here").await;
        let mut expected = vec![2];
        // With global ids, MySQL refuses to mix what can be rolled back and what cannot.
        if world.is_mariadb() {
            to_savepoint(3, "INSERT INTO lasting VALUES (1)", "here").await;
            // To the server a name is the same whatever its letters' case.
            to_savepoint(5, "INSERT INTO lasting VALUES (1)", "HERE").await;
            let early = ["BEGIN", "SAVEPOINT early", "INSERT INTO lasting VALUES (1)"];
            let late = ["INSERT INTO notes VALUES (7, 'x')", "ROLLBACK TO early"];
            world.run(&[&early[..], &late, &["INSERT INTO notes VALUES (6, 'x')", "COMMIT"]].concat()).await;
            let lasts = "INSERT INTO lasting VALUES (2)";
            world.run(&["BEGIN", "INSERT INTO notes VALUES (8, 'x')", lasts, "ROLLBACK"]).await;
            expected.extend([3, 5, 6]);
        }
        world.run(&["INSERT INTO notes VALUES (4, 'x')"]).await;
        expected.push(4);
        let (rows, _) = rows(&mut log, expected.len()).await;
        assert_eq!(ids(&rows), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_deletes_and_other_tables_give_no_rows() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE, OTHER]).await;
        let mut log = world.open_now().await;
        world
            .run(&[
                "INSERT INTO others VALUES (1, 'x'), (2, 'y')",
                "INSERT INTO notes VALUES (1, 'a'), (2, 'b')",
                "UPDATE notes SET text = 'c' WHERE id = 1",
                "DELETE FROM notes WHERE id = 2",
                "TRUNCATE TABLE others",
                "REPLACE INTO notes VALUES (3, '')",
            ])
            .await;
        let (rows, _) = rows(&mut log, 3).await;
        assert_eq!(ids(&rows), [1, 2, 3]);
        assert_eq!(rows[2].get("text"), Some(&Value::Text("".into())), "nothing is something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_each_boundary_the_rest_comes_again() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE, OTHER]).await;
        let begin = world.position().await;
        world
            .run(&[
                "INSERT INTO notes VALUES (1, 'a')",
                "INSERT INTO notes VALUES (3, 'b'), (2, 'c')",
                "INSERT INTO others VALUES (1, 'x')",
                "FLUSH BINARY LOGS",
                "INSERT INTO notes VALUES (4, 'd')",
                "BEGIN",
                "INSERT INTO notes VALUES (5, 'e')",
                "INSERT INTO others VALUES (2, 'x')",
                "INSERT INTO notes VALUES (6, 'f')",
                "COMMIT",
            ])
            .await;
        let mut log = world.open(&begin).await;
        let (mut all, mut boundaries) = (Vec::new(), vec![(0, begin)]);
        while all.len() < 6 || boundaries.last().unwrap().0 < 6 {
            match next(&mut log).await.unwrap() {
                Step::Rows(rows) => all.extend(rows),
                Step::Boundary(at) => boundaries.push((all.len(), at)),
                Step::Dropped(table) => panic!("{table} is dropped"),
            }
        }
        assert_eq!(ids(&all), [1, 3, 2, 4, 5, 6]);
        assert!(boundaries.is_sorted_by(|one, other| one.1 < other.1), "{boundaries:?}");
        for (before, at) in &boundaries[..boundaries.len() - 1] {
            drop(log);
            log = world.open(at).await;
            let (rest, end) = rows(&mut log, 6 - before).await;
            assert_eq!(rest, all[*before..]);
            assert_eq!(end, boundaries.last().unwrap().1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_transaction_comes_in_several_steps_and_ends_once() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        let mut session = world.session().await;
        session.query_drop("BEGIN").await.unwrap();
        for chunk in 0..13 {
            let values: Vec<String> =
                (0..100).map(|at| format!("({}, 'a note')", chunk * 100 + at)).collect();
            session.query_drop(format!("INSERT INTO notes VALUES {}", values.join(", "))).await.unwrap();
        }
        session.query_drop("COMMIT").await.unwrap();
        let steps = steps(&mut log).await;
        assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 300]);
        assert_eq!(ids(&steps.concat()), (0..1_300).collect::<Vec<i64>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_megabytes_come_whole_and_a_few_at_a_time() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        let mut session = world.session().await;
        session.query_drop("BEGIN").await.unwrap();
        for id in 1..4 {
            let text = "ñ".repeat(2 << 20);
            session.exec_drop("INSERT INTO notes VALUES (?, ?)", (id, text)).await.unwrap();
        }
        session.query_drop("COMMIT").await.unwrap();
        let steps = steps(&mut log).await;
        assert_eq!(steps.iter().map(|rows| ids(rows)).collect::<Vec<_>>(), [[1], [2], [3]]);
        for row in steps.concat() {
            let Some(Value::Text(text)) = row.get("text") else { panic!("a text") };
            assert!(text.len() == 4 << 20 && text.chars().all(|each| each == 'ñ'));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_is_inserted_the_boundary_moves_to_the_next_file() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        world.run(&["INSERT INTO notes VALUES (1, 'a')"]).await;
        let (_, before) = rows(&mut log, 1).await;
        world.run(&["FLUSH BINARY LOGS"]).await;
        // Other tests write too, so that it may be on its way for a while.
        loop {
            let Step::Boundary(at) = next(&mut log).await.unwrap() else { panic!("no row was inserted") };
            if at.file != before.file {
                assert!(at > before);
                break;
            }
        }
        world.run(&["INSERT INTO notes VALUES (2, 'a')"]).await;
        assert_eq!(ids(&rows(&mut log, 1).await.0), [2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_that_is_given_up_loses_nothing() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        let writer = async {
            let mut session = world.session().await;
            for id in 0..200 {
                session.exec_drop("INSERT INTO notes VALUES (?, 'a')", (id,)).await.unwrap();
            }
        };
        let reader = async {
            let mut seen = Vec::new();
            while seen.len() < 200 {
                match timeout(Duration::from_micros(50), log.next()).await {
                    Ok(Ok(Step::Rows(rows))) => seen.extend(ids(&rows)),
                    Ok(Err(error)) => panic!("{error}"),
                    Ok(Ok(Step::Boundary(_) | Step::Dropped(_))) | Err(_) => {}
                }
            }
            seen
        };
        let ((), seen) = timeout(WITHIN, async { tokio::join!(writer, reader) }).await.unwrap();
        assert_eq!(seen, (0..200).collect::<Vec<i64>>());
    }
}

async fn seconds(world: &World) -> i64 {
    world.session().await.query_first("SELECT UNIX_TIMESTAMP()").await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_says_where_it_comes_from_as_debezium_does() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let before = world.position().await;
        let mut log = world.open(&before).await;
        let begun = seconds(&world).await;
        world.run(&["INSERT INTO notes VALUES (1, 'a'), (2, 'b')"]).await;
        let ended = seconds(&world).await;
        let (rows, after) = rows(&mut log, 2).await;
        let name = if world.is_mariadb() { "mariadb" } else { "mysql" };
        for (number, row) in rows.iter().enumerate() {
            let origin = &row.origin;
            assert_eq!((origin.connector, origin.is_snapshot), (name, false));
            assert!(origin.begins >= before && origin.begins < after);
            let fields: Vec<&str> = origin.fields.iter().map(|(name, _)| *name).collect();
            assert_eq!(fields, ["server_id", "gtid", "file", "pos", "row", "thread", "query"]);
            let field = |at: usize| json!(origin.fields[at].1);
            assert_eq!(field(0), 1);
            let gtid = field(1);
            let gtid = gtid.as_str().unwrap();
            assert!(gtid.starts_with("0-1-") || gtid.len() > 37, "{gtid}");
            assert_eq!(field(2), *after.file);
            let pos = field(3).as_u64().unwrap();
            assert!(pos > origin.begins.offset && pos < after.offset);
            assert_eq!(field(4), number);
            assert!(field(5).is_null() && field(6).is_null());
            let at = origin.at.as_micros() / 1_000_000;
            assert!(begun <= at && at <= ended, "{at} is when it was committed");
        }
        assert_eq!(*rows[0].table.database, world.schema);
        assert_eq!((id(&rows[0]), &*rows[0].table.name), (1, "notes"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_yet_is_counted_in_bytes() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        world.run(&["INSERT INTO notes VALUES (1, REPEAT('a', 100000))", "FLUSH BINARY LOGS"]).await;
        assert!(log.behind().await.unwrap().unwrap() > 100_000);
        rows(&mut log, 1).await;
        log.confirm(&Position::new("binlog.000001", 4)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_has_one_reader_and_another_when_that_is_gone() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let from = world.position().await;
        let mut first = world.open(&from).await;
        let second = Binlog::open(world.options.clone(), from.clone()).await;
        let number = format!("the server id {}", world.options.server_id);
        for taken in [second.unwrap_err(), Binlog::check(&world.options).await.unwrap_err()] {
            assert!(matches!(&taken, LogError::Taken { what, .. } if *what == number), "{taken}");
        }
        world.run(&["INSERT INTO notes VALUES (1, 'a')"]).await;
        assert_eq!(ids(&rows(&mut first, 1).await.0), [1], "the first was not disturbed");
        drop(first);
        let mut second = world.open(&from).await;
        assert_eq!(ids(&rows(&mut second, 1).await.0), [1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_known_again() {
    for world in worlds(&["notes"]) {
        let identity = Binlog::identity(&world.options).await.unwrap();
        assert_eq!(Binlog::identity(&world.options).await.unwrap(), identity);
        assert!(identity == "1-0" || identity.len() == 36, "{identity}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_transaction_is_read_and_ends_where_the_log_has_its_end() {
    for world in worlds(&["notes"]) {
        if world.is_mariadb() {
            continue;
        }
        world.run(&[TABLE, OTHER]).await;
        let mut log = world.open_now().await;
        world
            .run(&[
                "SET SESSION binlog_transaction_compression = ON",
                "BEGIN",
                "INSERT INTO notes VALUES (1, REPEAT('a', 1000)), (2, 'b')",
                "INSERT INTO others VALUES (1, 'x')",
                "INSERT INTO notes VALUES (3, 'c')",
                "COMMIT",
                "INSERT INTO others VALUES (2, 'x')",
                "INSERT INTO notes VALUES (4, 'd')",
            ])
            .await;
        let (first, between) = rows(&mut log, 3).await;
        assert_eq!(ids(&first), [1, 2, 3]);
        let places: Vec<_> =
            first.iter().map(|row| json!(row.origin.fields[3].1).as_u64().unwrap()).collect();
        assert!(
            places[0] == places[2] && first[0].origin.begins.offset < places[0] && places[0] < between.offset
        );
        drop(log);
        let mut log = world.open(&between).await;
        assert_eq!(ids(&rows(&mut log, 1).await.0), [4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_transaction_has_its_tag() {
    for world in worlds(&["notes"]) {
        if world.is_mariadb() {
            continue;
        }
        world.run(&[TABLE]).await;
        let mut log = world.open_now().await;
        world.run(&["SET gtid_next = 'AUTOMATIC:alpes'", "INSERT INTO notes VALUES (1, 'a')"]).await;
        let (rows, _) = rows(&mut log, 1).await;
        let gtid = json!(rows[0].origin.fields[1].1);
        let gtid = gtid.as_str().unwrap();
        let server = Binlog::identity(&world.options).await.unwrap();
        assert!(gtid.starts_with(&format!("{server}:alpes:")), "{gtid}");
    }
}
