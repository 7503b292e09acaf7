//! Seed 3's flow on both engines, and read by the official Python client.

use std::process::Command;

use hexalpes_client::{Client, ClientOptions, ConsumerOptions, Outgoing, ProducerOptions};
use hexalpes_e2e::{PATIENCE, Product, calculation, real_pulsar};
use hexalpes_engines::{eventually, python};
use hexalpes_kernel::CloudEvent;
use serde_json::{Value, json};
use tokio::time::timeout;

pub(crate) const CALCULATED: &str = "com.hexabuilders.commissions.CommissionCalculated";
pub(crate) const APPROVED: &str = "com.hexabuilders.commissions.CommissionApproved";

/// Seed 3's flow on a product, and what must be left of it.
pub(crate) async fn seed_3(product: &Product, conversion: &str) -> Vec<String> {
    let (status, calculated) = product.post("/commissions/calculate", &calculation(conversion)).await;
    assert_eq!(status, 201, "{calculated}");
    let approve = json!({ "commissionId": calculated["commissionId"] });
    let (status, approved) = product.post("/commissions/approve", &approve).await;
    assert_eq!((status, &approved["status"]), (200, &json!("APPROVED")), "{approved}");
    let (status, found) = product.get(&format!("/commissions/by-conversion/{conversion}")).await;
    assert_eq!((status, &found["commissionId"]), (200, &calculated["commissionId"]), "{found}");
    let events = product.event_lines(2);
    events.into_iter().map(|event| event.kind).collect()
}

/// Three messages of somebody who knows our topics and no port of ours: a command, a conversion that was recorded,
/// and a command that makes no sense. Gives the conversions of the first two.
async fn speaks_by_topic(product: &Product, name: &str) -> [String; 2] {
    let client =
        Client::connect(ClientOptions::new(&product.urls().service)).await.expect("the broker is there");
    let [asked, recorded] = ["asked", "recorded"].map(|how| format!("conv-{how}-{name}"));
    let command = |id: &str, conversion: &str| {
        json!({
            "specversion": "1.0", "type": "com.hexabuilders.commissions.CalculateCommission", "source": "//shop",
            "id": format!("{id}-{name}"), "data": calculation(conversion),
        })
    };
    let conversion = json!({
        "conversion_id": recorded, "affiliate_id": "aff-1", "gross_amount": 1000.00, "gross_amount_minor": 100_000,
        "currency": "USD", "occurred_at": "2025-01-15T10:30:00Z",
    });
    let nonsense = json!({ "conversionId": "conv-nonsense", "grossAmount": "much" });
    let messages = [
        ("commands", command("cmd-1", &asked).to_string().into()),
        ("conversiones.eventos", conversion.to_string().into()),
        ("commands", Outgoing::new(nonsense.to_string()).property("event_type", "CalculateCommission")),
    ];
    for (topic, message) in messages {
        let producer = client.producer(topic, ProducerOptions::default()).await.expect("the topic is there");
        producer.send(message).await.expect("it is stored");
        producer.close().await;
    }
    let letters = "persistent://public/default/commands-commissions-dlq";
    let letters = client.consumer(letters, ConsumerOptions::new("look").from_earliest()).await;
    let letter = timeout(PATIENCE, letters.expect("dead letters can be read").next()).await;
    let letter = letter.expect("the dead letter is published").expect("it is delivered");
    assert_eq!(letter.property("dlq_code"), Some("invalid_request"));
    assert!(letter.property("dlq_errors").is_some_and(|errors| errors.contains("/grossAmount")));
    [asked, recorded]
}

/// Accepts S3-CMP-7, S4-BEH-6, S4-TOP-2, S0-CON-8.
#[tokio::test]
async fn commands_and_conversions_are_taken_by_topic() {
    let mut product = Product::start();
    let [asked, recorded] = speaks_by_topic(&product, "backbone").await;
    let mut kinds: Vec<_> = product.event_lines(3).into_iter().map(|event| event.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [APPROVED, CALCULATED, CALCULATED]);
    for (conversion, expected) in [(asked, "CALCULATED"), (recorded, "APPROVED")] {
        let (status, found) = product.get(&format!("/commissions/by-conversion/{conversion}")).await;
        assert_eq!((status, &found["status"]), (200, &json!(expected)), "{found}");
    }
    let (_, consumers) = product.get("/debug/consumers").await;
    assert_eq!(
        (&consumers[0]["deadLetters"], &consumers[1]["handled"]),
        (&json!(1), &json!(1)),
        "{consumers}"
    );
    // It says no type, and is a conversion to everybody who hears of them.
    let campaigns = product.api_at("--campaigns-port");
    let of_conversions = |consumers: &Value| {
        let all = consumers.as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["subscription"] == "campaign-management-conversions")
    };
    let consumers = campaigns
        .until("/debug/consumers", |consumers| {
            of_conversions(consumers).is_some_and(|one| one["handled"] == 1 || one["deadLetters"] == 1)
        })
        .await;
    assert_eq!(
        of_conversions(&consumers).map(|one| one["deadLetters"].clone()),
        Some(json!(0)),
        "{consumers}"
    );
    assert_eq!(product.interrupt(), Some(0));
}

/// Accepts S3-QS-7, S3-API-1, S3-API-2, S3-API-3, S3-CMP-1, S3-CMP-5, S3-CMP-5b, S3-QS-6, S4-API-8.
#[tokio::test]
async fn calculate_approve_and_query_leave_two_lines_in_the_audit_trail() {
    let mut product = Product::start();
    assert_eq!(seed_3(&product, "conv-e2e").await, [CALCULATED, APPROVED]);

    let (_, outbox) = product.get("/debug/outbox").await;
    assert_eq!(outbox["items"].as_array().map(Vec::len), Some(2), "{outbox}");
    assert_eq!(product.interrupt(), Some(0));
}

#[tokio::test]
async fn the_same_binary_works_on_a_real_pulsar() {
    let Some(pulsar) = real_pulsar().await else { return };
    let mut product = Product::start_on(Some(pulsar.urls.clone()));
    // The cluster may have other tests' events: ours are told apart by the conversion.
    let name = std::process::id().to_string();
    let conversion = format!("conv-{name}");
    let (status, calculated) = product.post("/commissions/calculate", &calculation(&conversion)).await;
    assert_eq!(status, 201, "{calculated}");
    let [asked, recorded] = speaks_by_topic(&product, &name).await;
    let told = |events: &[CloudEvent]| {
        [&conversion, &asked, &recorded].map(|conversion| {
            events.iter().filter(|event| event.data.get().contains(conversion.as_str())).count()
        })
    };
    let all = eventually(PATIENCE, || (told(&product.event_lines(1)) == [1, 1, 2]).then_some(()));
    assert!(all.is_some(), "{:?}", told(&product.event_lines(1)));
    assert_eq!(product.interrupt(), Some(0));
}

const READ_TOPICS: &str = r#"
import json, pulsar, sys
# The client logs on standard output.
sys.stdout = sys.stderr
client = pulsar.Client(sys.argv[1])
for topic in ["outbox-events", "alpes-mysql.alpes.outbox_event"]:
    consumer = client.subscribe("persistent://public/default/" + topic, "live-" + topic,
                                initial_position=pulsar.InitialPosition.Earliest)
    for _ in range(2):
        message = consumer.receive(20000)
        body = json.loads(message.data())
        print("READ " + body["type"] if "type" in body else "READ " + body["op"] + " " + body["after"]["type"])
        consumer.acknowledge(message)
client.close()
"#;

/// Accepts S3-TOP-1, S3-TOP-2, S3-SUBN-1, S4-TOP-5, S4-TOP-6.
#[tokio::test]
async fn the_official_python_client_reads_both_topics() {
    let Some(python) = python() else { return };
    let product = Product::start();
    seed_3(&product, "conv-python").await;
    let output = Command::new(python)
        .args(["-c", READ_TOPICS, &product.urls().service])
        .output()
        .expect("the interpreter that the tooling prepared runs");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{printed}");
    let changes = [format!("c {CALCULATED}"), format!("c {APPROVED}")];
    let read: Vec<_> = printed.lines().filter_map(|line| line.strip_prefix("READ ")).collect();
    assert_eq!(read, [CALCULATED, APPROVED, &changes[0], &changes[1]]);
}
