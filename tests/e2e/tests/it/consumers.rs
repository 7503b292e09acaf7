//! The handlers of events, as an operator meets them.

use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_e2e::{Backbone, PATIENCE, Product, calculation};
use hexalpes_engines::{Engine, databases, eventually};
use serde_json::{Value, json};

use crate::command::ask;

fn rows(product: &Product, arguments: &[&str]) -> Vec<Value> {
    let said = ask(product, &[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&said).unwrap()
}

/// As the conversions context tells of it, under a key that all of these have.
fn recorded(conversion: &str, amount: i64) -> Outgoing {
    let data = json!({
        "conversion_id": conversion, "affiliate_id": "aff-1", "gross_amount": amount,
        "gross_amount_minor": amount * 100, "currency": "USD", "occurred_at": "2025-01-15T10:30:00Z",
    });
    Outgoing::new(data.to_string()).key("customer-1")
}

/// Accepts C-6.
#[tokio::test]
async fn a_key_that_is_held_back_goes_on_when_somebody_releases_it() {
    let product = Product::start();
    let client = Client::connect(ClientOptions::new(&product.urls().service)).await.unwrap();
    let producer = client.producer("conversiones.eventos", ProducerOptions::default()).await.unwrap();
    let done = |count: u64| {
        let counts = |consumer: &Value| {
            consumer["subscription"] == "commissions-conversions"
                && consumer["handled"].as_u64().unwrap() + consumer["deadLetters"].as_u64().unwrap() == count
        };
        let ended =
            eventually(PATIENCE, || rows(&product, &["consumers", "list"]).iter().any(counts).then_some(()));
        assert!(ended.is_some(), "{count} events are not done: {}", product.log());
    };
    producer.send(recorded("conv-wrong", -1)).await.unwrap();
    producer.send(recorded("conv-behind", 10)).await.unwrap();
    done(2);
    let blocked = rows(&product, &["consumers", "blocked"]);
    assert_eq!((blocked.len(), &blocked[0]["key"]), (1, &json!("customer-1")), "{blocked:?}");
    assert_eq!(product.get("/commissions/by-conversion/conv-behind").await.0, 404);

    let said = ask(&product, &["consumers", "release", "commissions-conversions", "customer-1"]);
    assert!(said.contains("handles events of customer-1 again"), "{said}");
    assert!(rows(&product, &["consumers", "blocked"]).is_empty());
    producer.send(recorded("conv-after", 10)).await.unwrap();
    done(3);
    assert_eq!(product.get("/commissions/by-conversion/conv-after").await.0, 200);

    let again = json!({ "subscription": "commissions-conversions", "key": "customer-1" });
    let (status, problem) = product.post("/debug/consumers/release", &again).await;
    assert_eq!((status, &problem["code"]), (404, &json!("key_not_blocked")));
}

/// A relay can be left out there too, and the service says so.
#[tokio::test]
async fn on_a_server_database_commands_are_answered_and_their_events_stay() {
    for database in databases().iter().filter(|database| !matches!(database.engine(), Engine::Sqlite)) {
        let backbone = Backbone::start();
        let mut product = Product::serve_without_relay(backbone.urls(), database.url());
        let (status, answer) = product.post("/commissions/calculate", &calculation("conv-1")).await;
        assert_eq!(status, 201, "{answer}");
        let (_, outbox) = product.get("/debug/outbox?sort=-created_at").await;
        assert_eq!((&outbox["items"][0]["published"], &outbox["next_cursor"]), (&json!(0), &Value::Null));
        let (_, relay) = product.get("/debug/relay").await;
        assert!(relay["standby"].as_str().is_some_and(|why| why.contains("--no-relay")), "{relay}");
        assert_eq!(product.interrupt(), Some(0));
    }
}
