//! What is kept of a topic, and what goes.

use std::{path::Path, sync::Arc, time::Duration};

use hexalpes_broker::{BrokerOptions, Clock, Policy, TenantInfo};
use hexalpes_files::{Files, RealFiles};
use hexalpes_log::{Appended, FileError, Log, Options, Receipts, TopicId};
use hexalpes_wire::proto::{Command, SubType};
use serde_json::json;
use tempfile::tempdir;

use crate::peer::{Running, ack, until};

const READ: &str = "persistent://public/default/read";
const ALONE: &str = "persistent://public/default/alone";
const UNREAD: &str = "persistent://public/default/unread";

/// Each entry is a segment of its own, and it is a day after all of them.
async fn start(data: &Path) -> Running {
    let options = |url| BrokerOptions {
        log: Options { segment_bytes: 1, ..Options::default() },
        trim_every: Duration::from_millis(5),
        clock: Clock::new(|| 86_400_000),
        ..BrokerOptions::new(data, url)
    };
    let running = Running::open(options).await.unwrap();
    running.broker.set_policy("public/default", Policy::Deduplication, json!(true)).unwrap();
    send(&running, ALONE, 1).await;
    running
}

/// Sends messages that all take as much.
async fn send(running: &Running, topic: &str, messages: u64) {
    let mut producer = running.peer().await;
    assert!(matches!(producer.open_producer(topic, Some("p")).await, Command::ProducerSuccess(_)));
    for n in 0..messages {
        assert!(matches!(producer.send(n, &n.to_string()).await, Command::SendReceipt(_)));
    }
}

fn bytes(running: &Running, topic: &str) -> u64 {
    running.broker.topic_stats(&topic.parse().unwrap()).unwrap().counts.storage_size
}

/// How many entries a topic has, by what one takes that is alone on its topic.
fn kept(running: &Running, topic: &str) -> u64 {
    bytes(running, topic) / bytes(running, ALONE)
}

#[tokio::test]
async fn what_everybody_acked_goes_and_the_rest_stays_also_for_the_deduplication() {
    let data = tempdir().unwrap();
    let running = start(data.path()).await;
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(READ, SubType::Exclusive).await, Command::success(11));
    send(&running, READ, 5).await;
    // What nobody reads goes but for the newest: when it is gone, it was looked at the other topic too.
    send(&running, UNREAD, 5).await;
    until(|| kept(&running, UNREAD) == 1).await;
    assert_eq!(kept(&running, READ), 5);

    for expected in ["0", "1", "2"] {
        consumer.flow(1).await;
        let (id, _, body) = consumer.message().await;
        assert_eq!(body, expected);
        consumer.ask(&ack(id)).await;
    }
    until(|| kept(&running, READ) == 3).await;
    running.stop().await;

    let running = start(data.path()).await;
    let mut late = running.peer().await;
    late.subscribe_as(READ, "late", SubType::Exclusive).await;
    late.flow(1).await;
    assert_eq!(late.message().await.2, "2");
    let Command::ProducerSuccess(opened) = late.open_producer(READ, Some("p")).await else {
        panic!("not opened")
    };
    assert_eq!(opened.last_sequence_id, Some(4));
    running.stop().await;
}

/// Accepts S0-TC-2, S0-TC-3.
#[tokio::test]
async fn a_namespace_says_how_long_and_how_much_is_kept() {
    let data = tempdir().unwrap();
    let running = start(data.path()).await;
    let say = |minutes: i64, megabytes: i64| {
        let set = json!({ "retentionTimeInMinutes": minutes, "retentionSizeInMB": megabytes });
        running.broker.set_policy("public/default", Policy::Retention, set).unwrap();
    };
    running.broker.create_tenant("acme", TenantInfo::default()).unwrap();
    running.broker.create_namespace("acme/eu").unwrap();
    for (minutes, megabytes) in [(-1, -1), (2 * 24 * 60, -1), (-1, 1)] {
        say(minutes, megabytes);
        let topic = format!("{READ}-{minutes}-{megabytes}");
        send(&running, &topic, 5).await;
        // Another namespace keeps nothing.
        let witness = format!("persistent://acme/eu/witness-{minutes}-{megabytes}");
        send(&running, &witness, 5).await;
        until(|| kept(&running, &witness) == 1).await;
        assert_eq!(kept(&running, &topic), 5, "{minutes} minutes, {megabytes} MB");
    }
    say(23 * 60, -1);
    until(|| kept(&running, &format!("{READ}--1--1")) == 1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_producer_that_was_away_too_long_is_forgotten_and_one_that_is_there_is_not() {
    let data = tempdir().unwrap();
    let options = |url| BrokerOptions {
        trim_every: Duration::from_millis(5),
        producer_absent_max: Duration::from_millis(1),
        ..BrokerOptions::new(data.path(), url)
    };
    let running = Running::open(options).await.unwrap();
    running.broker.set_policy("public/default", Policy::Deduplication, json!(true)).unwrap();
    let mut there = running.peer().await;
    assert!(matches!(there.open_producer(READ, Some("there")).await, Command::ProducerSuccess(_)));
    assert!(matches!(there.send(7, "seven").await, Command::SendReceipt(_)));
    send(&running, READ, 3).await;
    let forgotten = async {
        let mut again = tokio::time::interval(Duration::from_millis(5));
        loop {
            again.tick().await;
            // While it is back it is not looked for.
            match running.peer().await.open_producer(READ, Some("p")).await {
                Command::ProducerSuccess(success) if success.last_sequence_id() == -1 => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), forgotten).await.expect("it is forgotten in time");
    assert_eq!(there.send(7, "seven").await, Command::duplicate_receipt(1, 7, 7));
    running.stop().await;
}

/// A crash between making a topic known and its first entry, or between forgetting it and its last, leaves them.
#[tokio::test]
async fn entries_of_a_topic_that_nobody_knows_go_with_the_next_start() {
    struct Nobody;
    impl Receipts for Nobody {
        fn synced(&self, _: &[Appended]) {}
        fn failed(&self, _: &[Appended], _: &FileError) {}
    }
    let data = tempdir().unwrap();
    Running::start(data.path()).await.stop().await;
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let (log, _) = Log::open(&files, &data.path().join("log"), Options::default()).unwrap();
    let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
    log.append(TopicId(99), 0, &[b"orphan"], &receipts, 0).unwrap();
    log.commit_now();
    log.close().unwrap();
    drop(log);
    let segments = || files.list(&data.path().join("log/segments")).unwrap();
    assert_eq!(segments(), ["99-1.segment"]);
    Running::start(data.path()).await.stop().await;
    assert_eq!(segments(), [""; 0]);
}
