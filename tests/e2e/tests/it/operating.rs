//! What an operator asks: is it well, what followed from this, what could nobody handle, what do topics carry.

use std::fs;

use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_e2e::{Api, Backbone, PATIENCE, Product, calculation};
use hexalpes_engines::eventually;
use serde_json::{Value, json};

use crate::command::ask;

const FLAGS: [&str; 9] = [
    "--partners-port",
    "--affiliates-port",
    "--conversions-port",
    "--marketing-port",
    "--commissions-port",
    "--campaigns-port",
    "--recruitment-port",
    "--analytics-port",
    "--notifications-port",
];

/// Accepts S0-API-1, S0-API-3, S2-API-1, C-17.
#[tokio::test]
async fn every_service_says_that_broker_and_events_are_well() {
    let product = Product::start();
    for flag in FLAGS {
        let api = product.api_at(flag);
        let (status, pulsar) = api.get("/health/pulsar").await;
        assert_eq!(
            (status, &pulsar["pulsar_broker"], &pulsar["admin_api"]),
            (200, &json!("healthy"), &json!("healthy"))
        );
        assert!(pulsar["namespaces_count"].as_u64().unwrap() >= 6, "{pulsar}");
        let (status, events) = api.get("/health/events").await;
        // Nothing waits, nothing failed and nothing is dead: all of that is well.
        let expected = json!({
            "pulsar_connection": true, "consumer_lag": 0, "error_rate": 0.0, "dead_letter_queue_size": 0,
        });
        assert_eq!((status, events), (200, expected), "{flag}");
        for path in ["/health/live", "/health/ready"] {
            let (status, report) = api.get(path).await;
            assert_eq!((status, &report["status"]), (200, &json!("ok")), "{flag}{path}: {report}");
        }
    }
}

/// Accepts S0-API-2.
#[tokio::test]
async fn without_a_broker_both_say_503_and_the_service_lives() {
    let mut backbone = Backbone::start();
    let product = Product::serve_on(backbone.urls());
    let well = eventually_status(product.api(), "/health/pulsar", 200).await;
    assert_eq!(well["pulsar_broker"], "healthy");
    assert_eq!(backbone.interrupt(), Some(0));
    let away = eventually_status(product.api(), "/health/pulsar", 503).await;
    assert_eq!(away["pulsar_broker"], "unhealthy");
    assert!(!away["error"].as_str().unwrap().is_empty() && away.as_object().unwrap().len() == 2, "{away}");
    let (status, events) = product.get("/health/events").await;
    assert_eq!((status, &events["pulsar_connection"]), (503, &json!(false)), "{events}");
    assert_eq!(product.get("/health/live").await.0, 200);
}

async fn eventually_status(api: &Api, path: &str, wanted: u16) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let (status, body) = api.get(path).await;
        if status == wanted {
            return body;
        }
        assert!(begun.elapsed() < PATIENCE, "{path} answers {status}: {body}");
    }
}

/// As the conversions context tells of it, under a key that all of these have.
fn recorded(conversion: &str, amount: i64) -> Value {
    json!({
        "conversion_id": conversion, "affiliate_id": "aff-1", "gross_amount": amount,
        "gross_amount_minor": amount * 100, "currency": "USD", "occurred_at": "2025-01-15T10:30:00Z",
    })
}

/// Accepts C-3, C-6.
#[tokio::test]
async fn dead_letters_are_edited_and_replayed_in_order_and_the_trail_tells_of_it() {
    const LETTERS: &str = "conversiones.eventos-commissions-dlq";
    let product = Product::start();
    let client = Client::connect(ClientOptions::new(&product.urls().service)).await.unwrap();
    let producer = client.producer("conversiones.eventos", ProducerOptions::default()).await.unwrap();
    for (conversion, amount) in [("conv-wrong", -1), ("conv-behind", 10)] {
        let message = Outgoing::new(recorded(conversion, amount).to_string()).key("customer-1");
        producer.send(message).await.unwrap();
    }
    let rows = |arguments: &[&str]| -> Vec<Value> {
        serde_json::from_str(&ask(&product, &[arguments, &["-o", "json"]].concat())).unwrap()
    };
    let two = |topics: Vec<Value>| {
        topics
            .iter()
            .any(|topic| topic["topic"].as_str().unwrap().ends_with(LETTERS) && topic["waiting"] == 2)
    };
    let waiting = eventually(PATIENCE, || two(rows(&["dlq", "list"])).then_some(()));
    assert!(waiting.is_some(), "{}", product.log());
    let letters = rows(&["dlq", "list", LETTERS]);
    assert_eq!(letters.iter().map(|letter| &letter["key"]).collect::<Vec<_>>(), ["customer-1"; 2]);
    let wrong = letters[0]["event"].as_str().unwrap();
    assert_eq!(letters[1]["reason"], format!("behind {wrong}"));
    let shown = ask(&product, &["dlq", "show", LETTERS, wrong]);
    assert!(shown.contains("conv-wrong") && shown.contains("dlq_reason"), "{shown}");

    let edited = product.data().join("edited.json");
    fs::write(&edited, recorded("conv-wrong", 7).to_string()).unwrap();
    let data = edited.display().to_string();
    let said = ask(&product, &["dlq", "replay", LETTERS, "--event", wrong, "--edit", &data]);
    assert!(said.contains(&format!("{wrong}: handled")) && said.contains("2 decided"), "{said}");
    for conversion in ["conv-wrong", "conv-behind"] {
        let (status, commission) = product.get(&format!("/commissions/by-conversion/{conversion}")).await;
        assert_eq!(status, 200, "{commission}");
    }
    assert!(rows(&["dlq", "list", LETTERS]).is_empty());
    assert!(rows(&["consumers", "blocked"]).is_empty());
    // Two commissions, calculated and approved, and what was decided twice.
    let told = product.event_lines(6);
    let replayed: Vec<_> = told.iter().filter(|event| event.bare_kind() == "DeadLetterReplayed").collect();
    assert_eq!(replayed.len(), 2);
    assert!(replayed[0].data.get().contains("\"is_edited\":true"), "{}", replayed[0].data);
}

/// Accepts S2-PRP-5.
#[tokio::test]
async fn a_trace_is_the_tree_of_what_followed_from_one_request() {
    let product = Product::start();
    let (status, _) = product.post("/commissions/calculate", &calculation("conv-1")).await;
    assert_eq!(status, 201);
    let correlation = product.event_lines(1)[0].correlationid.clone().unwrap();
    let shown = ask(&product, &["trace", correlation.as_str()]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].contains("commissions") && lines[0].contains("command "), "{shown}");
    assert!(lines[1].contains("└ CommissionCalculated"), "{shown}");
}

/// Accepts S0-CLI-7, S0-CLI-8, S0-SCH-3, S0-SCH-4, C-25.
#[tokio::test]
async fn schemas_are_listed_shown_and_checked() {
    const REGISTRATION: &str = "persistent://hexabuilders/partner-management/partner-registration";
    let product = Product::start();
    let listed = ask(&product, &["schemas", "list", "hexabuilders"]);
    let line = listed.lines().find(|line| line.starts_with(REGISTRATION)).unwrap();
    assert!(line.contains("AVRO") && line.contains(" 1 "), "{line}");
    let first: Value =
        serde_json::from_str(&ask(&product, &["schemas", "get", REGISTRATION, "--version", "0"])).unwrap();
    assert_eq!(first["fields"].as_array().unwrap().len(), 8);
    let said = ask(&product, &["schemas", "check"]);
    assert!(said.contains("all readers can go on"), "{said}");
}
