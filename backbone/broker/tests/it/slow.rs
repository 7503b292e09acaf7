//! A consumer that takes much and reads nothing.

use hexalpes_wire::proto::{Command, SubType};
use serde_json::Value;
use tempfile::tempdir;

use crate::peer::{Peer, Running, ack, until};

const TOPIC: &str = "persistent://public/default/orders";
const MIB: usize = 1 << 20;

fn subscription(running: &Running) -> Value {
    running.stats(TOPIC)["subscriptions"]["sub"].clone()
}

/// A consumer with permits without end, and so many messages of 1 MiB for it.
async fn consuming(running: &Running, messages: u64) -> Peer {
    let mut consumer = running.narrow_peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Shared).await, Command::success(11));
    consumer.flow(1_000_000).await;
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    for n in 0..messages {
        let receipt = producer.send(n, &n.to_string().repeat(MIB)[..MIB]).await;
        assert!(matches!(receipt, Command::SendReceipt(_)), "{receipt:?}");
    }
    consumer
}

#[tokio::test]
async fn what_a_slow_reader_has_not_read_stays_on_the_disk_and_comes_when_it_reads() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut consumer = consuming(&running, 40).await;
    let sent = subscription(&running)["consumers"][0]["msgOutCounter"].as_u64().unwrap();
    // The limit, one read of the log, and what the sockets hold.
    assert!(sent < 20, "{sent} MiB are on their way to one that does not read");
    for n in 0..40 {
        assert!(consumer.message().await.2.starts_with(&n.to_string()), "{n} does not come in its turn");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_slow_reader_is_heard_while_messages_wait_for_it() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut consumer = consuming(&running, 7).await;
    let (first, ..) = consumer.message().await;
    consumer.say(&ack(first)).await;
    until(|| subscription(&running)["msgBacklog"] == 6).await;
    running.stop().await;
}
