//! Rows of others that are no events, and such as no broker takes.

use hexalpes_e2e::{PATIENCE, Product, messages};
use hexalpes_engines::{eventually, log_databases};
use serde_json::{Value, json};

use super::table::{Table, ids, on_a_real_pulsar};
use crate::command::{ask, create_source};

/// The ids of a source's events that are parked, once there are so many.
fn parked(product: &Product, table: &Table, rows: usize) -> Vec<String> {
    let mut last = String::new();
    let there = eventually(PATIENCE, || {
        last = ask(product, &["relay", "parked", &table.source, "-o", "jsonl"]);
        (last.lines().count() == rows).then_some(())
    });
    assert!(there.is_some(), "{rows} rows: {last}");
    let id = |line: &str| -> String {
        let row: Value = serde_json::from_str(line).expect("it is JSON");
        row["id"].as_str().expect("it has one").to_owned()
    };
    last.lines().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_others_that_are_no_events_wait_with_their_orders_until_somebody_decides() {
    let mut product = Product::start();
    for database in log_databases() {
        wait_until_somebody_decides(&mut product, &Table::make(database, "parked")).await;
    }
}

/// The same where somebody else's broker keeps the topics; what each broker does with them is the same on each database.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_pulsar_rows_of_others_that_are_no_events_wait_until_somebody_decides() {
    let Some((_alone, mut product)) = on_a_real_pulsar().await else { return };
    for database in log_databases().into_iter().take(1) {
        wait_until_somebody_decides(&mut product, &Table::make(database, "parked-pulsar")).await;
    }
}

/// The product is killed once they wait, and once some of them were tried.
async fn wait_until_somebody_decides(product: &mut Product, table: &Table) {
    table.run("alter table salida add column cuando varchar(40) default '2025-01-15T10:30:00Z'");
    let (nullable, wide) = if table.is_postgres() {
        ("alter column clave drop not null", "alter column suceso type text")
    } else {
        ("modify column clave varchar(64) null", "modify column suceso mediumtext not null")
    };
    table.run(&format!("alter table salida {nullable}"));
    table.run(&format!("alter table salida {wide}"));
    let mut config = table.config();
    config["configs"]["hexalpes.column.occurred_at"] = json!("cuando");
    create_source(product, &config);

    // The first is there before, the others come by the log: those of an order behind each, and those of others.
    let insert_as = |key: &str, order: &str, kind: &str, at: &str| {
        table.run(&format!(
            "insert into salida (clave, pedido, suceso, cuerpo, cuando) values \
             ({key}, '{order}', '{kind}', '{{}}', '{at}')"
        ));
    };
    let insert = |key: &str, order: &str, at: &str| insert_as(key, order, "tienda.PedidoPagado", at);
    let at = "2025-01-15T10:30:00Z";
    insert("'a-1'", "a", at);
    table.written(product, 1);
    insert("'b-1'", "b", "mañana");
    insert("'b-2'", "b", at);
    insert("null", "c", at);
    insert("'c-2'", "c", at);
    insert_as("'d-1'", "d", &"d".repeat(200 * 1024), at);
    insert("'a-2'", "a", at);
    let waiting = parked(product, table, 5);
    assert_eq!([&waiting[0], &waiting[1], &waiting[3], &waiting[4]], ["b-1", "b-2", "c-2", "d-1"]);
    // It is counted a moment later.
    table.until(product, |status| {
        (&status["numWritten"], &status["parked"]) == (&json!(7), &json!(5)) && status["running"] == true
    });
    product.kill();
    insert("'b-3'", "b", at);
    product.restart();
    let expected = [waiting, vec!["b-3".to_owned()]].concat();
    assert_eq!(parked(product, table, 6), expected);

    // Another column says when, so that all of that order can go; of the others one has no id, and one no broker takes.
    table.order(product, &["delete"]);
    table.create(product);
    assert_eq!(table.order(product, &["retry", "--event", "b-1"]), "retry of b-1 is done");
    assert_eq!(parked(product, table, 3), [expected[2].as_str(), "c-2", "d-1"]);
    product.kill();
    product.restart();
    for event in [expected[2].as_str(), "d-1"] {
        table.order(product, &["skip", "--event", event]);
    }
    assert_eq!(parked(product, table, 0), Vec::<String>::new());
    let service = product.urls().service.clone();
    for topic in [table.events(), table.raw()] {
        let messages = messages(&service, &topic).await;
        assert_eq!(ids(&messages), ["a-1", "a-2", "b-1", "b-2", "b-3", "c-2"], "{topic}");
    }
    table.order(product, &["delete", "--forget"]);
}
