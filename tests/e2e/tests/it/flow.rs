//! Seed 3's flow on both engines, and read by the official Python client.

use std::process::Command;

use hexalpes_e2e::{Product, calculation};
use hexalpes_engines::{pulsar, python};
use serde_json::json;

const CALCULATED: &str = "com.hexabuilders.commissions.CommissionCalculated";
const APPROVED: &str = "com.hexabuilders.commissions.CommissionApproved";
/// Seed 3's flow on a product, and what must be left of it.
async fn seed_3(product: &Product, conversion: &str) -> Vec<String> {
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

/// Accepts S3-QS-7, S3-API-1, S3-API-2, S3-API-3, S3-CMP-5, S3-QS-6.
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
    let Some(urls) = pulsar() else { return };
    let mut product = Product::start_on(Some(urls));
    // The cluster may have other tests' events: ours are told apart by the conversion.
    let conversion = format!("conv-{}", std::process::id());
    let (status, calculated) = product.post("/commissions/calculate", &calculation(&conversion)).await;
    assert_eq!(status, 201, "{calculated}");
    let events = product.event_lines(1);
    assert!(events.iter().any(|event| event.data.get().contains(&conversion)));
    assert_eq!(product.interrupt(), Some(0));
}

const READ_TOPICS: &str = r#"
import json, pulsar, sys
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

/// Accepts S3-TOP-1, S3-TOP-2, S3-SUBN-1.
#[tokio::test]
async fn the_official_python_client_reads_both_topics() {
    let Some(python) = python() else { return };
    let product = Product::start();
    seed_3(&product, "conv-python").await;
    let output = Command::new(python)
        .args(["-c", READ_TOPICS, &product.urls().service])
        .output()
        .expect("the interpreter that the tooling prepared runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let changes = [format!("c {CALCULATED}"), format!("c {APPROVED}")];
    // The client's own log is between them.
    let read: Vec<_> = printed.lines().filter_map(|line| line.strip_prefix("READ ")).collect();
    assert_eq!(read, [CALCULATED, APPROVED, &changes[0], &changes[1]]);
}
