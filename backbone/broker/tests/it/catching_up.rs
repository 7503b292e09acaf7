//! Consumers of what memory does not have any more.

use std::path::Path;

use hexalpes_wire::proto::{Command, CommandSeek, SubType};
use tempfile::tempdir;

use crate::{
    faulty::FaultyFiles,
    peer::{Peer, Running, until},
};

const TOPIC: &str = "persistent://public/default/orders";

async fn producing(running: &Running) -> Peer {
    let mut producer = running.peer().await;
    let opened = producer.open_producer(TOPIC, Some("p")).await;
    assert!(matches!(opened, Command::ProducerSuccess(_)), "{opened:?}");
    producer
}

async fn subscribed(running: &Running, kind: SubType) -> Peer {
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, kind).await, Command::success(11));
    consumer
}

/// A broker that was started anew since so many messages were sent, numbered from 0.
async fn started_anew(disk: &FaultyFiles, data: &Path, messages: u64) -> Running {
    let running = Running::start_on(disk, data).await;
    let mut producer = producing(&running).await;
    for n in 0..messages {
        producer.send(n, &n.to_string()).await;
    }
    running.stop().await;
    Running::start_on(disk, data).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_file_is_read_for_one_the_topic_serves_the_others() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = started_anew(&disk, data.path(), 3).await;
    let mut producer = producing(&running).await;
    let (mut behind, mut other) = (subscribed(&running, SubType::Exclusive).await, running.peer().await);
    let mut latest = running.peer().await;
    disk.hold_reads(true);
    behind.flow(10).await;
    until(|| disk.holds_a_read()).await;

    let sent = producer.send(3, "3").await;
    assert!(matches!(sent, Command::SendReceipt(_)), "{sent:?}");
    assert_eq!(other.subscribe_as(TOPIC, "other", SubType::Shared).await, Command::success(11));
    assert_eq!(latest.ask(&Command::ping()).await, Command::pong());
    disk.hold_reads(false);
    for n in 0..4 {
        assert_eq!(behind.message().await.2, n.to_string());
    }
    running.stop().await;
}

/// What is read for the place before the seek is not delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_ends_while_a_file_is_read_for_it_begins_anew() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = started_anew(&disk, data.path(), 3).await;
    let mut first = subscribed(&running, SubType::Shared).await;
    let mut second = subscribed(&running, SubType::Shared).await;
    disk.hold_reads(true);
    first.flow(10).await;
    until(|| disk.holds_a_read()).await;
    let last = hexalpes_wire::MessageId::LATEST;
    let seek = CommandSeek {
        consumer_id: 5,
        request_id: 13,
        message_id: Some(last.into()),
        ..CommandSeek::default()
    };
    assert_eq!(second.ask(&Command::Seek(seek)).await, Command::close_consumer(5));
    assert_eq!(second.hears().await.unwrap().command, Command::success(13));
    disk.hold_reads(false);
    assert_eq!(first.answer().await, Command::close_consumer(5));
    assert_eq!(first.subscribe(TOPIC, SubType::Shared).await, Command::success(11));
    first.flow(10).await;
    producing(&running).await.send(3, "3").await;
    assert_eq!(first.message().await.2, "3");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_share_what_is_in_files_get_each_message_once() {
    const MESSAGES: u64 = 2000;
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = started_anew(&disk, data.path(), MESSAGES).await;
    let mut consumers = Vec::new();
    for _ in 0..4 {
        consumers.push(subscribed(&running, SubType::Shared).await);
    }
    let consuming = consumers.into_iter().map(|mut consumer| {
        tokio::spawn(async move {
            let mut bodies = Vec::new();
            for _ in 0..MESSAGES / 40 {
                consumer.flow(10).await;
                for _ in 0..10 {
                    bodies.push(consumer.message().await.2.parse::<u64>().unwrap());
                }
            }
            assert!(bodies.is_sorted());
            (consumer, bodies)
        })
    });
    // Nobody leaves before the end: what one has would go to the others.
    let (mut there, mut all) = (Vec::new(), Vec::new());
    for consuming in consuming.collect::<Vec<_>>() {
        let (consumer, bodies) = consuming.await.unwrap();
        there.push(consumer);
        all.extend(bodies);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..MESSAGES));
    running.stop().await;
}
