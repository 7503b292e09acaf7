//! Compaction under power cuts, retention and thresholds: what is left is whole, whatever happens in the middle.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hexalpes_broker::{BrokerOptions, Policy};
use hexalpes_files::ForgetfulFiles;
use hexalpes_log::Options;
use hexalpes_wire::{
    TopicName,
    frame::Payload,
    proto::{Command, CommandSubscribe, MessageMetadata},
};
use serde_json::json;
use tempfile::tempdir;

use crate::peer::{Peer, Running, until};

const TOPIC: &str = "persistent://public/default/table";
const KEYS: u64 = 10;

fn name() -> TopicName {
    TOPIC.parse().unwrap()
}

/// Sends numbers with keys in turn, and at last the key `end`.
async fn send(peer: &mut Peer, numbers: std::ops::Range<u64>) {
    for number in numbers.clone().chain([numbers.end]) {
        let key = if number == numbers.end { "end".to_owned() } else { format!("key-{}", number % KEYS) };
        let metadata = MessageMetadata {
            producer_name: "p".to_owned(),
            sequence_id: number,
            partition_key: Some(key),
            ..MessageMetadata::default()
        };
        let raw = Payload::new(&metadata, number.to_string().as_bytes()).into_raw();
        let answer = peer.send_payload(number, &raw).await;
        assert!(matches!(answer, Command::SendReceipt(_)), "{answer:?}");
    }
}

async fn producer(running: &Running) -> Peer {
    let mut peer = running.peer().await;
    assert!(matches!(peer.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)));
    peer
}

/// Somebody who reads from the beginning, as consumer 5.
async fn reader(running: &Running, durable: bool, as_compacted: bool) -> Peer {
    let mut peer = running.peer().await;
    let subscribe = CommandSubscribe {
        topic: TOPIC.to_owned(),
        subscription: "reader".to_owned(),
        consumer_id: 5,
        request_id: 11,
        initial_position: Some(1),
        durable: Some(durable),
        read_compacted: Some(as_compacted),
        ..CommandSubscribe::default()
    };
    assert_eq!(peer.ask(&Command::Subscribe(Box::new(subscribe))).await, Command::success(11));
    peer
}

/// All that is read from the beginning up to this number.
async fn read(running: &Running, as_compacted: bool, last: u64) -> Vec<u64> {
    let mut peer = reader(running, false, as_compacted).await;
    peer.flow(100_000).await;
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        numbers.push(peer.message().await.2.parse().unwrap());
    }
    numbers
}

async fn compact(running: &Running) -> String {
    running.broker.compact(&name()).unwrap();
    until(|| running.broker.compaction(&name()).unwrap().status != "RUNNING").await;
    running.broker.compaction(&name()).unwrap().status.to_owned()
}

/// The newest of each key.
fn newest(numbers: impl IntoIterator<Item = u64>, end: u64) -> Vec<u64> {
    let by_key: BTreeMap<u64, u64> = numbers.into_iter().map(|number| (number % KEYS, number)).collect();
    let mut left: Vec<_> = by_key.into_values().collect();
    left.sort_unstable();
    left.push(end);
    left
}

/// What is read after a power cut so many operations after the second compaction began.
async fn after_cut(operations: u32) -> Vec<u64> {
    let (disk, data) = (ForgetfulFiles::new(), tempdir().unwrap());
    let options =
        |url| BrokerOptions { files: Arc::new(disk.clone()), ..BrokerOptions::new(data.path(), url) };
    let running = Running::open(options).await.unwrap();
    let mut peer = producer(&running).await;
    send(&mut peer, 0..100).await;
    assert_eq!(compact(&running).await, "SUCCESS");
    send(&mut peer, 101..135).await;
    disk.cut_power_after(operations);
    compact(&running).await;
    // It is cut now, if it was not.
    disk.cut_power_after(0);
    running.crash().await;
    disk.forget_torn(operations.into());

    let running = Running::open(options).await.unwrap();
    let left = read(&running, true, 135).await;
    assert_eq!(read(&running, false, 135).await.len(), 136, "the topic itself is as it was");
    // And what there is can be compacted again.
    assert_eq!(compact(&running).await, "SUCCESS");
    assert_eq!(read(&running, true, 135).await, newest((0..100).chain(101..135), 135));
    running.stop().await;
    left
}

#[tokio::test]
async fn a_power_cut_leaves_one_compaction_or_the_other() {
    let mut before = newest(0..100, 100);
    before.extend(101..=135);
    let after = newest((0..100).chain(101..135), 135);
    let (mut old, mut new) = (0, 0);
    for operations in (0..40).step_by(2) {
        let left = after_cut(operations).await;
        match left {
            left if left == before => old += 1,
            left if left == after => new += 1,
            left => panic!("after {operations} operations: {left:?}"),
        }
    }
    assert!(old > 0 && new > 0, "{old} were cut before the end, {new} after it");
}

#[tokio::test]
async fn what_is_compacted_stays_where_the_topic_itself_is_trimmed() {
    let data = tempdir().unwrap();
    let options = |url| BrokerOptions {
        log: Options { segment_bytes: 1000, ..Options::default() },
        trim_every: Duration::from_millis(5),
        ..BrokerOptions::new(data.path(), url)
    };
    let running = Running::open(options).await.unwrap();
    // Nothing goes before it is compacted, though nobody else has a subscription.
    running.broker.set_policy("public/default", Policy::CompactionThreshold, json!(1_000_000)).unwrap();
    let mut peer = producer(&running).await;
    until(|| running.stats(TOPIC)["subscriptions"]["__compaction"].is_object()).await;
    send(&mut peer, 0..200).await;
    let expected = newest(0..200, 200);
    // Nor if its subscription is moved: another topic, of which nothing is kept, shows that it was looked at.
    running.broker.clear_backlog(&name(), "__compaction").unwrap();
    let other = "persistent://public/other/other";
    running.broker.create_namespace("public/other").unwrap();
    let mut plain = running.peer().await;
    assert!(matches!(plain.open_producer(other, Some("p")).await, Command::ProducerSuccess(_)));
    for number in 0..100 {
        plain.send(number, "a message like many others").await;
    }
    until(|| running.stats(other)["storageSize"].as_u64().unwrap() < 2000).await;
    let stored = running.stats(TOPIC)["storageSize"].as_u64().unwrap();
    assert_eq!(read(&running, true, 200).await.len(), 201);
    running.broker.set_policy("public/default", Policy::CompactionThreshold, json!(100)).unwrap();
    until(|| running.broker.compaction(&name()).unwrap().status == "SUCCESS").await;
    until(|| running.stats(TOPIC)["storageSize"].as_u64().unwrap() < stored / 4).await;
    assert_eq!(read(&running, true, 200).await, expected);
    assert!(read(&running, false, 200).await.len() < 50);
    assert_eq!(running.stats(TOPIC)["compaction"]["lastCompactionRemovedEventCount"], 190);
    running.stop().await;
    let running = Running::start(data.path()).await;
    assert_eq!(read(&running, true, 200).await, expected);
    running.broker.delete_topic(&name(), true).unwrap();
    running.stop().await;
}

#[tokio::test]
async fn who_reads_while_another_compaction_takes_the_place_misses_no_key() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = producer(&running).await;
    send(&mut peer, 0..300).await;
    assert_eq!(compact(&running).await, "SUCCESS");
    let mut reader = reader(&running, true, true).await;
    reader.flow(4).await;
    let mut read = Vec::new();
    while read.len() < 4 {
        read.push(reader.message().await.2.parse::<u64>().unwrap());
    }
    // Two of the keys that were not read yet move behind what was compacted.
    send(&mut peer, 301..303).await;
    assert_eq!(compact(&running).await, "SUCCESS");
    reader.flow(100).await;
    while read.last() != Some(&303) {
        read.push(reader.message().await.2.parse().unwrap());
    }
    let keys: BTreeMap<u64, u64> =
        read.iter().filter(|n| ![300, 303].contains(*n)).map(|n| (n % KEYS, *n)).collect();
    assert_eq!(keys.len() as u64, KEYS);
    assert_eq!((keys[&1], keys[&2]), (301, 302));
    running.stop().await;
}
