//! Each row is on both topics once: those that were there, those of the log, and those of while nobody read it.

use hexalpes_e2e::Product;
use hexalpes_engines::log_databases;
use serde_json::{Value, json};

use super::table::{Table, at_least, ids, json_of, on_a_real_pulsar};

/// Accepts S3-SRC-1, S3-SRC-2, S3-TOP-4, S3-QS-3, C-21.
#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_of_another_program_is_on_both_topics_once_with_what_was_there_before() {
    let mut product = Product::start();
    for database in log_databases() {
        once(&mut product, &Table::make(database, "once")).await;
    }
}

/// The same where somebody else's broker keeps the topics.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_pulsar_has_the_outbox_of_another_program_once_too() {
    let Some((_alone, mut product)) = on_a_real_pulsar().await else { return };
    for database in log_databases() {
        once(&mut product, &Table::make(database, "pulsar")).await;
    }
}

async fn once(product: &mut Product, table: &Table) {
    table.insert(0..40);
    let made = table.create(product);
    assert!(made.contains("parallelism"), "{made}");
    // The last row is written before the snapshot is over, and MySQL lets none go on over a table that is altered.
    table.at_the_log(product);
    table.written(product, 40);

    // A column more, rows that are changed and deleted, and a transaction of several.
    table.run("alter table salida add column nota varchar(20) default 'nueva'");
    table.insert(40..50);
    table.run("update salida set suceso = 'otro' where n < 10");
    table.run("delete from salida where n < 5");
    // A server may take a moment to see that a reader is gone, and let the next one in.
    let status = table.until(product, |status| status["numWritten"] == 50 && status["state"] == "running");
    assert!(status["alarm"].is_null(), "{status}");

    // It goes on behind what it has, also after its end was not asked for.
    product.kill();
    table.insert(50..60);
    product.restart();
    table.insert(60..70);
    let service = product.urls().service.clone();
    let expected: Vec<String> = (0..70).map(|key| format!("k-{key}")).collect();
    let events = at_least(&service, &table.events(), 70).await;
    assert_eq!(ids(&events), expected);
    let changes = at_least(&service, &table.raw(), 70).await;
    assert_eq!(ids(&changes), expected);

    let event = json_of(&events[7]);
    assert_eq!(event["type"], "tienda.PedidoPagado", "{event}");
    assert_eq!((&event["subject"], &event["data"]), (&json!("p-1"), &json!({ "n": 7 })), "{event}");
    assert_eq!(events[7].key.as_deref(), Some("p-1"));
    let (old, new) = (json_of(&changes[7]), json_of(&changes[45]));
    assert_eq!((&old["op"], &new["op"]), (&json!("r"), &json!("c")), "{old} {new}");
    assert_eq!((&new["before"], &new["after"]["importe"]), (&Value::Null, &json!(1.5)), "{new}");
    assert_eq!((&old["after"]["nota"], &new["after"]["nota"]), (&Value::Null, &json!("nueva")));
    assert_eq!((&new["source"]["name"], &new["source"]["table"]), (&json!(table.source), &json!("salida")));
    assert!(new["ts_ms"].is_number(), "{new}");
    assert_eq!(table.order(product, &["delete", "--forget"]), "deleted");
}
