//! The disk refuses the metadata: whoever asked is told, and nothing has changed.

use hexalpes_wire::{
    MessageId,
    proto::{Command, CommandSeek, CommandUnsubscribe, ServerError, SubType},
};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    faulty::FaultyFiles,
    peer::{Peer, Running, ack, until},
};

const TOPIC: &str = "persistent://public/default/orders";

fn subscriptions(running: &Running) -> Value {
    running.stats(TOPIC)["subscriptions"].clone()
}

fn assert_refused(answer: &Command) {
    let Command::Error(refusal) = answer else { panic!("{answer:?} is no refusal") };
    assert_eq!(refusal.error(), ServerError::MetadataError, "{answer:?}");
}

/// A topic with two messages, and the consumer that has had the first of them.
async fn halfway(running: &Running) -> (Peer, MessageId) {
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    producer.send(0, "first").await;
    producer.send(1, "second").await;
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Exclusive).await, Command::success(11));
    consumer.flow(1).await;
    let (id, _, body) = consumer.message().await;
    assert_eq!(body, "first");
    (consumer, id)
}

#[tokio::test]
async fn a_subscription_that_cannot_be_written_down_is_refused_and_is_not_there() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = Running::start_on(&disk, data.path()).await;
    running.broker.create_topic(&TOPIC.parse().unwrap()).unwrap();
    let mut consumer = running.peer().await;
    disk.refuse_metadata(true);
    assert_refused(&consumer.subscribe(TOPIC, SubType::Exclusive).await);
    assert_eq!(subscriptions(&running), json!({}));
    disk.refuse_metadata(false);
    assert_eq!(consumer.subscribe(TOPIC, SubType::Exclusive).await, Command::success(11));
    running.stop().await;
}

#[tokio::test]
async fn a_subscription_whose_end_cannot_be_written_down_goes_on() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = Running::start_on(&disk, data.path()).await;
    let (mut consumer, _) = halfway(&running).await;
    disk.refuse_metadata(true);
    let unsubscribe =
        Command::Unsubscribe(CommandUnsubscribe { consumer_id: 5, request_id: 16, force: None });
    assert_refused(&consumer.ask(&unsubscribe).await);
    consumer.flow(1).await;
    assert_eq!(consumer.message().await.2, "second");
    disk.refuse_metadata(false);
    assert_eq!(consumer.ask(&unsubscribe).await, Command::success(16));
    assert_eq!(subscriptions(&running), json!({}));
    running.stop().await;
}

#[tokio::test]
async fn a_cursor_whose_move_cannot_be_written_down_stays_where_it_is() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = Running::start_on(&disk, data.path()).await;
    let (mut consumer, _) = halfway(&running).await;
    disk.refuse_metadata(true);
    let seek = CommandSeek {
        consumer_id: 5,
        request_id: 13,
        message_id: Some(MessageId::LATEST.into()),
        message_publish_time: None,
    };
    assert_refused(&consumer.ask(&Command::Seek(seek)).await);
    consumer.flow(1).await;
    assert_eq!(consumer.message().await.2, "second");
    assert_eq!(subscriptions(&running)["sub"]["msgBacklog"], 2);
    disk.refuse_metadata(false);
    running.stop().await;
}

#[tokio::test]
async fn a_cursor_that_could_not_be_written_down_is_written_later() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = Running::start_on(&disk, data.path()).await;
    let (mut consumer, first) = halfway(&running).await;
    disk.refuse_metadata(true);
    assert_eq!(consumer.ask(&ack(first)).await, Command::ack_response(5, 12));
    until(|| disk.refused() > 0).await;
    disk.refuse_metadata(false);
    running.stop().await;

    let running = Running::start_on(&disk, data.path()).await;
    assert_eq!(subscriptions(&running)["sub"]["msgBacklog"], 1);
    running.stop().await;
}
