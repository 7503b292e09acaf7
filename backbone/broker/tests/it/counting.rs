//! What is counted of a topic, and who is there.

use hexalpes_wire::{
    frame::Payload,
    proto::{Command, MessageMetadata, SubType},
};
use serde_json::json;
use tempfile::tempdir;

use crate::peer::{Running, ack};

const TOPIC: &str = "persistent://public/default/orders";

/// So many messages in one entry.
fn batch(sequence_id: u64, messages: i32) -> Vec<u8> {
    let metadata = MessageMetadata {
        producer_name: "p".to_owned(),
        sequence_id,
        publish_time: 1,
        num_messages_in_batch: Some(messages),
        ..MessageMetadata::default()
    };
    Payload::new(&metadata, b"body").into_raw().to_vec()
}

#[tokio::test]
async fn stats_count_messages_in_batches_and_the_backlog_in_entries() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    for sequence_id in [0, 5] {
        let stored = producer.send_payload(sequence_id, &batch(sequence_id, 5)).await;
        assert!(matches!(stored, Command::SendReceipt(_)), "{stored:?}");
    }
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Failover).await, Command::success(11));
    consumer.flow(20).await;
    // That it is the active one comes first.
    consumer.answer().await;
    let (first, ..) = consumer.message().await;
    consumer.message().await;
    assert_eq!(consumer.ask(&ack(first)).await, Command::ack_response(5, 12));

    let stats = running.stats(TOPIC);
    let entry = batch(0, 5).len();
    assert_eq!((&stats["msgInCounter"], &stats["bytesInCounter"]), (&json!(10), &json!(2 * entry)));
    assert_eq!((&stats["msgOutCounter"], &stats["bytesOutCounter"]), (&json!(10), &json!(2 * entry)));
    let storage = stats["storageSize"].as_u64().unwrap();
    assert!(storage > 2 * entry as u64, "{stats}");
    assert_eq!(stats["backlogSize"], storage / 2);
    let publisher = &stats["publishers"][0];
    assert_eq!((&publisher["producerName"], &publisher["accessMode"]), (&json!("p"), &json!("Shared")));
    assert_eq!(publisher["clientVersion"], "test");
    assert!(publisher["address"].as_str().unwrap().starts_with("/127.0.0.1:"), "{publisher}");

    let subscription = &stats["subscriptions"]["sub"];
    for (name, value) in [
        ("msgBacklog", json!(1)),
        ("backlogSize", json!(storage / 2)),
        ("unackedMessages", json!(0)),
        ("msgOutCounter", json!(10)),
        ("type", json!("Failover")),
        ("activeConsumerName", subscription["consumers"][0]["consumerName"].clone()),
        ("isDurable", json!(true)),
    ] {
        assert_eq!(subscription[name], value, "{name}");
    }
    let consuming = &subscription["consumers"][0];
    assert_eq!((&consuming["avgMessagesPerEntry"], &consuming["availablePermits"]), (&json!(5), &json!(10)));
    assert_eq!((&consuming["msgOutCounter"], &consuming["clientVersion"]), (&json!(10), &json!("test")));
    running.stop().await;
}

/// A counter that goes down reads as a restart.
#[tokio::test]
async fn what_was_delivered_stays_counted_when_its_subscription_is_gone() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    producer.send(0, "body").await;
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Exclusive).await, Command::success(11));
    consumer.flow(1).await;
    consumer.message().await;
    let unsubscribe =
        hexalpes_wire::proto::CommandUnsubscribe { consumer_id: 5, request_id: 16, force: None };
    assert_eq!(consumer.ask(&Command::Unsubscribe(unsubscribe)).await, Command::success(16));
    let stats = running.stats(TOPIC);
    assert_eq!((&stats["msgOutCounter"], &stats["subscriptions"]), (&json!(1), &json!({})));
    running.stop().await;
}
