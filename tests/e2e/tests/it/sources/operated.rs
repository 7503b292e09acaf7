//! What operators do with sources and relays while they run, and what is noted of it.

use hexalpes_e2e::{Api, Product, calculation, messages};
use hexalpes_engines::log_databases;
use serde_json::{Value, json};

use super::table::{Table, ids};
use crate::command::ask;

/// Accepts S3-CLI-6b, S3-SRC-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_runs_is_listed_restarted_skipped_and_begun_anew_and_that_is_noted() {
    let product = Product::start();
    for database in log_databases() {
        let table = Table::make(database, "operated");
        table.insert(0..10);
        table.create(&product);
        table.at_the_log(&product);
        listed(&product, &table).await;

        // What was written is not written again, and what comes is.
        assert_eq!(table.order(&product, &["restart"]), "running");
        table.insert(10..15);
        table.written(&product, 5);
        assert_eq!(published(&product, &table).await, keys(0..15));

        // What came while it was paused is left out.
        assert_eq!(table.order(&product, &["pause"]), "paused");
        table.insert(15..20);
        assert_eq!(table.order(&product, &["skip"]), "paused");
        assert_eq!(table.order(&product, &["resume"]), "running");
        table.at_the_log(&product);
        table.insert(20..25);
        table.written(&product, 5);
        assert_eq!(published(&product, &table).await, [keys(0..15), keys(20..25)].concat());

        // All of the table once more, also what was left out.
        assert_eq!(table.order(&product, &["resnapshot"]), "running");
        table.at_the_log(&product);
        table.written(&product, 25);
        assert_eq!(published(&product, &table).await, [keys(0..15), keys(20..25), keys(0..25)].concat());
        noted(&product, &table).await;

        // Nothing of it is known any more, neither here nor on the server.
        assert_eq!(table.order(&product, &["delete", "--forget"]), "deleted");
        if table.is_postgres() {
            table.run(&format!(
                "do $$ begin if exists (select 1 from pg_replication_slots where slot_name = 'hexalpes_{}') then \
                 raise 'the slot is still there'; end if; end $$",
                table.source.replace('-', "_")
            ));
        }
        table.create(&product);
        table.at_the_log(&product);
        table.written(&product, 25);
        let all = published(&product, &table).await;
        assert_eq!((all.len(), &all[45..]), (70, &keys(0..25)[..]));
        assert_eq!(table.order(&product, &["delete", "--forget"]), "deleted");
    }
}

fn keys(keys: impl IntoIterator<Item = usize>) -> Vec<String> {
    keys.into_iter().map(|key| format!("k-{key}")).collect()
}

/// The ids on both topics, which have the same.
async fn published(product: &Product, table: &Table) -> Vec<String> {
    let service = &product.urls().service;
    let events = ids(&messages(service, &table.events()).await);
    assert_eq!(ids(&messages(service, &table.raw()).await), events, "{}", table.engine());
    events
}

/// Each of our ways to look at it, and Pulsar's.
async fn listed(product: &Product, table: &Table) {
    let full = format!("public/default/{}", table.source);
    let row_of = |words: &[&str]| -> Value {
        let told = ask(product, &[&["relay"], words, &["-o", "json"]].concat());
        let rows: Value = serde_json::from_str(&told).expect("it is JSON");
        let found = rows.as_array().expect("a list").iter().find(|row| row["name"] == *full);
        found.unwrap_or_else(|| panic!("{rows}")).clone()
    };
    let listed = row_of(&["list"]);
    assert_eq!((&listed["service"], &listed["numWritten"]), (&json!(full), &json!(10)), "{listed}");
    assert_eq!((&listed["running"], &listed["alarm"]), (&json!(true), &Value::Null), "{listed}");
    let lag = row_of(&["lag"]);
    assert!(lag["lagLogBytes"].is_u64() && lag["state"] == "running", "{lag}");

    let pulsars = format!("/admin/v3/sources/{full}/status");
    let (_, admin) = product.urls().admin.rsplit_once(':').expect("it names a port");
    let admin = Api::on_port(admin.parse().expect("it is a number"));
    for api in [product.api(), &admin] {
        let (status, told) = api.get(&pulsars).await;
        assert_eq!((status, &told["numRunning"]), (200, &json!(1)), "{told}");
        let instance = &told["instances"][0]["status"];
        assert_eq!((&instance["running"], &instance["error"]), (&json!(true), &json!("")), "{told}");
        assert_eq!((&instance["numReceivedFromSource"], &instance["numWritten"]), (&json!(10), &json!(10)));
    }
}

/// What was done so far, by whom and why.
async fn noted(product: &Product, table: &Table) {
    let path = format!("/admin/v3/sources/public/default/{}/relay/deeds", table.source);
    let (_, deeds) = product.get(&path).await;
    let deeds = deeds["items"].as_array().expect("a list");
    let whats: Vec<&str> = deeds.iter().rev().filter_map(|deed| deed["what"].as_str()).collect();
    assert_eq!(whats, ["create", "restart", "pause", "skip", "resume", "resnapshot"]);
    assert!(deeds[..5].iter().all(|deed| deed["why"] == "a test" && deed["at"].is_string()), "{deeds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_of_a_service_is_paused_and_resumed_and_what_was_done_is_noted() {
    let product = Product::start();
    let told = ask(&product, &["relay", "pause", "commissions", "--reason", "maintenance"]);
    assert_eq!(told.trim(), "commissions: pause is done");
    while product.get("/debug/relay").await.1["standby"].is_null() {}
    let (status, answer) = product.post("/commissions/calculate", &calculation("conv-paused")).await;
    assert_eq!(status, 201, "{answer}");
    let (_, outbox) = product.get("/debug/outbox").await;
    assert_eq!(outbox["items"][0]["published"], 0, "{outbox}");
    let told = ask(&product, &["relay", "resume", "commissions", "--reason", "it is over"]);
    assert_eq!(told.trim(), "commissions: resume is done");
    product.event_lines(1);
    let (_, deeds) = product.get("/debug/relay/deeds").await;
    let whats: Vec<&Value> =
        deeds["items"].as_array().expect("a list").iter().map(|deed| &deed["what"]).collect();
    assert_eq!(whats, ["resume", "pause"]);
    assert_eq!(deeds["items"][1]["why"], "maintenance", "{deeds}");
    assert_eq!(ask(&product, &["relay", "parked", "commissions", "-o", "jsonl"]).trim(), "");

    // It reads the table: begun anew, it would publish all of it again.
    for verb in ["skip", "resnapshot"] {
        let (status, problem) =
            product.post(&format!("/debug/relay/{verb}"), &json!({ "reason": "a try" })).await;
        assert_eq!((status, problem["code"].as_str()), (409, Some("no_log")), "{problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.ends_with("event with `hexalpes relay skip SERVICE --event ID`"), "{detail}");
    }
}
