//! Messages that are to be delivered later.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hexalpes_broker::{BrokerOptions, Clock};
use hexalpes_wire::{
    frame::Payload,
    proto::{Command, MessageMetadata, SubType},
};
use tempfile::tempdir;

use crate::peer::{Peer, Running, ack, until};

const TOPIC: &str = "persistent://public/default/orders";

async fn send_due(producer: &mut Peer, sequence_id: u64, due_ms: i64, body: &str) {
    let metadata = MessageMetadata {
        producer_name: "p".to_owned(),
        sequence_id,
        publish_time: 1,
        deliver_at_time: Some(due_ms),
        ..MessageMetadata::default()
    };
    let payload = Payload::new(&metadata, body.as_bytes()).into_raw();
    let sent = producer.send_payload(sequence_id, &payload).await;
    assert!(matches!(sent, Command::SendReceipt(_)), "{sent:?}");
}

async fn taking(running: &Running, kind: SubType) -> Peer {
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, kind).await, Command::success(11));
    consumer.flow(10).await;
    consumer
}

#[tokio::test]
async fn a_delay_survives_a_restart() {
    let (data, time_ms) = (tempdir().unwrap(), Arc::new(AtomicU64::new(0)));
    let start = || {
        let now = Arc::clone(&time_ms);
        let clock = Clock::new(move || now.load(Ordering::Relaxed));
        Running::open(|url| BrokerOptions { clock, ..BrokerOptions::new(data.path(), url) })
    };
    let mut running = start().await.unwrap();
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    let mut consumer = taking(&running, SubType::KeyShared).await;
    send_due(&mut producer, 0, 5_000, "later").await;
    send_due(&mut producer, 1, 1, "soon").await;
    time_ms.store(1, Ordering::Relaxed);
    consumer.flow(1).await;
    let (soon, _, body) = consumer.message().await;
    assert_eq!(body, "soon");
    consumer.say(&ack(soon)).await;
    let delayed = |running: &Running| running.stats(TOPIC)["subscriptions"]["sub"]["msgDelayed"].as_u64();
    until(|| running.stats(TOPIC)["subscriptions"]["sub"]["msgBacklog"] == 1).await;
    assert_eq!(delayed(&running), Some(1));
    running.stop().await;

    running = start().await.unwrap();
    let mut consumer = taking(&running, SubType::KeyShared).await;
    until(|| delayed(&running) == Some(1)).await;
    time_ms.store(5_000, Ordering::Relaxed);
    consumer.flow(1).await;
    let (_, redelivered, body) = consumer.message().await;
    assert_eq!((redelivered, body.as_str()), (0, "later"));
    assert_eq!(delayed(&running), Some(0));
    running.stop().await;
}

#[tokio::test]
async fn a_consumer_alone_gets_what_is_not_due() {
    let data = tempdir().unwrap();
    let clock = Clock::new(|| 0);
    let options = |url| BrokerOptions { clock, ..BrokerOptions::new(data.path(), url) };
    let running = Running::open(options).await.unwrap();
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    send_due(&mut producer, 0, 5_000, "later").await;
    assert_eq!(taking(&running, SubType::Exclusive).await.message().await.2, "later");
    running.stop().await;
}
