//! Names, ports and shapes of seed 3, to the letter.

use std::fs;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_e2e::{Product, calculation};
use sea_query::Query;
use serde_json::{Value, json};

/// The keys of an object, sorted.
fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn calculated(product: &Product, conversion: &str) -> Value {
    let (status, body) = product.post("/commissions/calculate", &calculation(conversion)).await;
    assert_eq!(status, 201, "{body}");
    body
}

/// Accepts S3-API-1, S3-API-3, S4-API-7, S4-API-10.
#[tokio::test]
async fn a_commission_has_the_fields_of_the_seed() {
    let product = Product::start();
    let answered = calculated(&product, "conv-fields").await;
    let (_, found) = product.get("/commissions/by-conversion/conv-fields").await;
    let fields = [
        "affiliateId",
        "approvedAt",
        "campaignId",
        "commissionAmount",
        "commissionAmountMinor",
        "commissionId",
        "conversionId",
        "createdAt",
        "currency",
        "explanation",
        "grossAmount",
        "grossAmountMinor",
        "paidAt",
        "rate",
        "status",
    ];
    for body in [&answered, &found] {
        assert_eq!(keys(body), fields);
        assert_eq!(body["conversionId"], "conv-fields");
        assert_eq!((&body["grossAmount"], &body["currency"]), (&json!(120.5), &json!("USD")));
        assert_eq!((&body["rate"], &body["status"]), (&json!(10), &json!("CALCULATED")), "{body}");
        assert_eq!((&body["commissionAmountMinor"], &body["paidAt"]), (&json!(1205), &Value::Null));
    }
}

/// Accepts S3-QS-2.
#[tokio::test]
async fn a_conversion_that_comes_twice_has_one_commission_and_one_event() {
    let mut product = Product::start();
    let first = calculated(&product, "conv-twice").await;
    let (status, again) = product.post("/commissions/calculate", &calculation("conv-twice")).await;
    assert_eq!((status, &again["duplicate"]), (200, &json!(true)), "{again}");
    assert_eq!(first["commissionId"], again["commissionId"]);
    product.event_lines(1);
    assert_eq!(product.interrupt(), Some(0));
    assert_eq!(product.event_lines(1).len(), 1);
}

/// Accepts S3-SRC-2.
#[tokio::test]
async fn the_relay_says_running_and_counts_under_the_names_of_the_seed() {
    let product = Product::start();
    calculated(&product, "conv-relay").await;
    product.event_lines(1);
    let (status, relay) = product.get("/debug/relay").await;
    assert_eq!((status, &relay["running"]), (200, &json!(true)), "{relay}");
    assert!(relay["numReceivedFromSource"].is_u64() && relay["numWritten"].is_u64(), "{relay}");
}

/// Accepts S3-CMP-2, S3-DB-2, S3-DB-3, S4-OUT-2.
#[tokio::test]
async fn the_tables_are_called_commission_and_outbox_event() {
    let mut product = Product::start();
    calculated(&product, "conv-tables").await;
    assert_eq!(product.interrupt(), Some(0));

    let url = DatabaseUrl::file(product.data().join("commissions.db"));
    let db = Db::open(&url, DbOptions::default()).await.unwrap();
    let [commissions, events] = db
        .read(async |tx: &Tx| -> Result<_, DbError> {
            let commissions = Query::select().column("conversion_id").from("commission").to_owned();
            let columns =
                ["id", "aggregatetype", "aggregateid", "type", "payload", "occurred_at", "published"];
            let events = Query::select().columns(columns).from("outbox_event").to_owned();
            Ok([tx.fetch_all(&commissions).await?, tx.fetch_all(&events).await?])
        })
        .await
        .unwrap();
    let conversions: Vec<String> = commissions.iter().map(|row| row.get("conversion_id").unwrap()).collect();
    assert_eq!((conversions, events.len()), (vec!["conv-tables".to_owned()], 1));
    db.close().await;
}

/// Accepts S3-CLI-1.
#[tokio::test]
async fn without_its_data_folder_it_begins_anew() {
    let mut product = Product::start();
    let first = calculated(&product, "conv-anew").await;
    product.event_lines(1);
    assert_eq!(product.interrupt(), Some(0));
    fs::remove_dir_all(product.data()).unwrap();
    product.restart();

    assert_eq!(product.get("/commissions/by-conversion/conv-anew").await.0, 404);
    let second = calculated(&product, "conv-anew").await;
    assert_ne!(first["commissionId"], second["commissionId"]);
    let subject = product.event_lines(1)[0].subject.clone();
    assert_eq!(subject.as_deref(), second["commissionId"].as_str());
}

/// Accepts S3-CLI-6.
#[tokio::test]
async fn the_topics_are_listed_in_public_default() {
    let product = Product::start();
    let listed = reqwest::get(format!("{}/admin/v2/persistent/public/default", product.urls().admin)).await;
    let topics: Vec<String> = listed.unwrap().json().await.unwrap();
    for topic in ["outbox-events", "alpes-mysql.alpes.outbox_event"] {
        assert!(topics.contains(&format!("persistent://public/default/{topic}")), "{topics:?}");
    }
}

/// Accepts S3-QS-4.
#[tokio::test]
async fn producers_and_consumers_can_be_observed_on_a_topic() {
    let product = Product::start();
    calculated(&product, "conv-metrics").await;
    product.event_lines(1);
    let url = format!("{}/admin/v2/persistent/public/default/outbox-events/stats", product.urls().admin);
    let stats: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(stats["msgInCounter"], 1, "{stats}");
    let publishers = stats["publishers"].as_array().unwrap();
    let names = || publishers.iter().filter_map(|publisher| publisher["producerName"].as_str());
    for context in ["affiliates", "conversions", "commissions"] {
        assert_eq!(names().filter(|name| name.starts_with(&format!("cdc/{context}/"))).count(), 1, "{stats}");
    }
    let subscriptions = stats["subscriptions"].as_object().unwrap();
    let backlogs: Vec<_> = subscriptions.values().map(|subscription| &subscription["msgBacklog"]).collect();
    assert!(!backlogs.is_empty() && backlogs.iter().all(|backlog| backlog.is_u64()), "{stats}");
    assert!(product.api().text("/metrics").await.contains("http_requests_total"));
}
