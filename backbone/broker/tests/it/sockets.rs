use std::{fs, path::Path};

use hexalpes_broker::Policy;
use hexalpes_wire::{
    MessageId,
    proto::{
        AckType, Command, CommandConsumerStats, CommandGetLastMessageId, CommandGetSchema,
        CommandGetTopicsOfNamespace, CommandNewTxn, CommandRedeliverUnacknowledgedMessages, CommandSeek,
        CommandUnsubscribe, ServerError, SubType, TopicsMode,
    },
};
use tempfile::tempdir;

use crate::peer::{Peer, Running, ack, payload};

const TOPIC: &str = "persistent://public/default/orders";

async fn subscribed(running: &Running, kind: SubType) -> Peer {
    let mut peer = running.peer().await;
    let answer = peer.subscribe(TOPIC, kind).await;
    assert_eq!(answer, Command::success(11));
    peer
}

async fn producing(running: &Running) -> Peer {
    let mut peer = running.peer().await;
    let answer = peer.open_producer(TOPIC, Some("p")).await;
    assert!(matches!(answer, Command::ProducerSuccess(_)), "{answer:?}");
    peer
}

fn stored_at(answer: &Command) -> MessageId {
    let Command::SendReceipt(receipt) = answer else { panic!("{answer:?} is no receipt") };
    receipt.message_id.as_ref().unwrap().into()
}

#[tokio::test]
async fn what_is_sent_is_delivered_with_its_id() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut consumer = subscribed(&running, SubType::Exclusive).await;
    consumer.flow(10).await;
    let mut producer = producing(&running).await;
    for n in 0..3 {
        let id = stored_at(&producer.send(n, &n.to_string()).await);
        assert_eq!(consumer.message().await, (id, 0, n.to_string()));
    }
    running.stop().await;
}

#[tokio::test]
async fn acks_survive_a_restart() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = producing(&running).await;
    producer.send(0, "acked").await;
    producer.send(1, "kept").await;
    let mut consumer = subscribed(&running, SubType::Shared).await;
    consumer.flow(10).await;
    let (acked, ..) = consumer.message().await;
    assert_eq!(consumer.message().await.2, "kept");
    assert_eq!(consumer.ask(&ack(acked)).await, Command::ack_response(5, 12));
    running.stop().await;

    let running = Running::start(data.path()).await;
    let mut consumer = subscribed(&running, SubType::Shared).await;
    consumer.flow(10).await;
    assert_eq!(consumer.message().await.2, "kept");
    running.stop().await;
}

#[tokio::test]
async fn duplicates_are_known_after_a_restart() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    running.broker.set_policy("public/default", Policy::Deduplication, true.into()).unwrap();
    let mut producer = producing(&running).await;
    producer.send(7, "once").await;
    assert_eq!(producer.send(7, "once").await, Command::duplicate_receipt(1, 7, 7));
    running.stop().await;

    let running = Running::start(data.path()).await;
    let mut producer = running.peer().await;
    let opened = producer.open_producer(TOPIC, Some("p")).await;
    assert_eq!(opened, Command::producer_success(10, "p", Some(7)));
    assert_eq!(producer.send(7, "once").await, Command::duplicate_receipt(1, 7, 7));
    assert_ne!(stored_at(&producer.send(8, "new").await), MessageId::EARLIEST);
    running.stop().await;
}

#[tokio::test]
async fn a_wrong_checksum_is_refused_and_the_producer_goes_on() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = producing(&running).await;
    let mut broken = payload(0, "broken");
    *broken.last_mut().unwrap() ^= 1;
    let answer = producer.send_payload(0, &broken).await;
    let Command::SendError(refusal) = answer else { panic!("{answer:?} is no refusal") };
    assert_eq!(refusal.error(), ServerError::ChecksumError);
    stored_at(&producer.send(0, "whole").await);
    running.stop().await;
}

#[tokio::test]
async fn an_oversized_frame_closes_only_its_connection() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = producing(&running).await;
    let mut bad = running.peer().await;
    bad.say_raw(&u32::MAX.to_be_bytes()).await;
    assert!(bad.hears().await.is_none());
    stored_at(&producer.send(0, "still here").await);
    running.stop().await;
}

#[tokio::test]
async fn an_exclusive_subscription_takes_one_consumer() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let _first = subscribed(&running, SubType::Exclusive).await;
    let answer = running.peer().await.subscribe(TOPIC, SubType::Exclusive).await;
    let Command::Error(refusal) = answer else { panic!("{answer:?} is no refusal") };
    assert_eq!(refusal.error(), ServerError::ConsumerBusy);
    running.stop().await;
}

#[tokio::test]
async fn a_producer_name_is_taken_once() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let _first = producing(&running).await;
    let answer = running.peer().await.open_producer(TOPIC, Some("p")).await;
    let Command::Error(refusal) = answer else { panic!("{answer:?} is no refusal") };
    assert_eq!(refusal.error(), ServerError::ProducerBusy);
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_supported_is_answered() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    let begin = CommandNewTxn { request_id: 4, ..CommandNewTxn::default() };
    let answer = peer.ask(&Command::NewTxn(begin)).await;
    assert!(matches!(answer, Command::Error(_)), "{answer:?}");
    assert_eq!(peer.ask(&Command::ping()).await, Command::pong());
    running.stop().await;
}

/// A consumer that takes whatever schema there is asks for it first, and goes on without one.
#[tokio::test]
async fn a_topic_says_that_it_has_no_schema() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    let asked = CommandGetSchema { request_id: 3, topic: TOPIC.to_owned(), schema_version: None };
    let answer = peer.ask(&Command::GetSchema(asked)).await;
    let Command::GetSchemaResponse(none) = answer else { panic!("{answer:?}") };
    assert_eq!((none.request_id, none.error_code()), (3, ServerError::TopicNotFound));
    running.stop().await;
}

#[tokio::test]
async fn what_is_given_back_comes_again() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let id = stored_at(&producing(&running).await.send(0, "again").await);
    let mut consumer = subscribed(&running, SubType::Shared).await;
    consumer.flow(10).await;
    assert_eq!(consumer.message().await.1, 0);
    let back = CommandRedeliverUnacknowledgedMessages {
        consumer_id: 5,
        message_ids: vec![id.into()],
        consumer_epoch: None,
    };
    consumer.say(&Command::RedeliverUnacknowledgedMessages(back)).await;
    assert_eq!(consumer.message().await, (id, 1, "again".to_owned()));
    running.stop().await;
}

#[tokio::test]
async fn a_seek_goes_to_a_message_or_a_time() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = producing(&running).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(stored_at(&producer.send(n, &n.to_string()).await));
    }
    let seek = CommandSeek { consumer_id: 5, request_id: 13, ..CommandSeek::default() };
    let to_first = CommandSeek { message_id: Some(ids[0].into()), ..seek.clone() };
    let to_time = CommandSeek { message_publish_time: Some(1002), ..seek };
    for (seek, first) in [(to_first, "0"), (to_time, "2")] {
        let mut consumer = subscribed(&running, SubType::Exclusive).await;
        assert_eq!(consumer.ask(&Command::Seek(seek)).await, Command::close_consumer(5));
        assert_eq!(consumer.hears().await.unwrap().command, Command::success(13));
        assert_eq!(consumer.subscribe(TOPIC, SubType::Exclusive).await, Command::success(11));
        consumer.flow(1).await;
        assert_eq!(consumer.message().await.2, first);
        let asked = CommandGetLastMessageId { consumer_id: 5, request_id: 14 };
        let answer = consumer.ask(&Command::GetLastMessageId(asked)).await;
        let Command::GetLastMessageIdResponse(last) = answer else { panic!("{answer:?}") };
        assert_eq!(MessageId::from(&last.last_message_id), ids[3]);
        let closing = hexalpes_wire::proto::CommandCloseConsumer {
            consumer_id: 5,
            request_id: 15,
            ..Default::default()
        };
        assert_eq!(consumer.ask(&Command::CloseConsumer(closing)).await, Command::success(15));
    }
    running.stop().await;
}

/// What a crash would leave: the files as they are, while the broker that has them open is not closed.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_seek_that_was_answered_survives_a_crash() {
    let (data, crashed) = (tempdir().unwrap(), tempdir().unwrap());
    let running = Running::start(data.path()).await;
    producing(&running).await.send(0, "passed over").await;
    let mut consumer = subscribed(&running, SubType::Exclusive).await;
    let seek = CommandSeek {
        consumer_id: 5,
        request_id: 13,
        message_id: Some(MessageId::LATEST.into()),
        message_publish_time: None,
    };
    assert_eq!(consumer.ask(&Command::Seek(seek)).await, Command::close_consumer(5));
    assert_eq!(consumer.hears().await.unwrap().command, Command::success(13));
    copy_folder(data.path(), crashed.path());
    running.stop().await;

    let running = Running::start(crashed.path()).await;
    let stats = running.stats(TOPIC);
    assert_eq!(stats["subscriptions"]["sub"]["msgBacklog"], 0);
    running.stop().await;
}

/// A client acks "earliest" when it closes a reader that has read nothing since a seek.
#[tokio::test]
async fn an_ack_of_earliest_acks_nothing_and_one_of_latest_all_there_is() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = producing(&running).await;
    producer.send(0, "first").await;
    let mut consumer = subscribed(&running, SubType::Exclusive).await;
    for (acked, backlog) in [(MessageId::EARLIEST, 1), (MessageId::LATEST, 0)] {
        let Command::Ack(mut ack) = ack(acked) else { unreachable!() };
        ack.ack_type = AckType::Cumulative.into();
        assert_eq!(consumer.ask(&Command::Ack(ack)).await, Command::ack_response(5, 12));
        let stats = running.stats(TOPIC);
        assert_eq!(stats["subscriptions"]["sub"]["msgBacklog"], backlog);
    }
    producer.send(1, "second").await;
    consumer.flow(10).await;
    assert_eq!(consumer.message().await.2, "second");
    running.stop().await;
}

#[tokio::test]
async fn an_ended_subscription_stays_ended() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut consumer = subscribed(&running, SubType::Shared).await;
    let unsubscribe = CommandUnsubscribe { consumer_id: 5, request_id: 16, force: None };
    assert_eq!(consumer.ask(&Command::Unsubscribe(unsubscribe)).await, Command::success(16));
    running.stop().await;

    let running = Running::start(data.path()).await;
    let stats = running.stats(TOPIC);
    assert_eq!(stats["subscriptions"], serde_json::json!({}));
    running.stop().await;
}

#[tokio::test]
async fn consumer_stats_count_permits_what_is_unacked_and_what_is_left() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut producer = producing(&running).await;
    for n in 0..3 {
        producer.send(n, "body").await;
    }
    let mut consumer = subscribed(&running, SubType::Shared).await;
    consumer.flow(2).await;
    let (first, ..) = consumer.message().await;
    consumer.message().await;
    consumer.ask(&ack(first)).await;
    consumer.say(&Command::ConsumerStats(CommandConsumerStats { consumer_id: 5, request_id: 20 })).await;
    let answer = consumer.answer().await;
    let Command::ConsumerStatsResponse(stats) = answer else { panic!("{answer:?}") };
    assert_eq!((stats.request_id, stats.r#type.as_deref()), (20, Some("Shared")));
    let counts = (stats.available_permits, stats.unacked_messages, stats.msg_backlog);
    assert_eq!(counts, (Some(0), Some(1), Some(2)));
    let rates =
        [stats.msg_rate_out, stats.msg_rate_redeliver, stats.message_ack_rate, stats.msg_rate_expired];
    assert_eq!(rates, [Some(0.0); 4]);
    assert!(stats.connected_since.is_some_and(|since| since.starts_with("20") && since.ends_with('Z')));
    running.stop().await;
}

#[tokio::test]
async fn the_topics_of_a_namespace_are_those_in_it() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    running.broker.create_namespace("public/other").unwrap();
    for topic in ["public/default/a", "public/default/b", "public/other/c"] {
        running.broker.create_topic(&format!("persistent://{topic}").parse().unwrap()).unwrap();
    }
    let mut peer = running.peer().await;
    let mut topics = async |namespace: &str, mode: TopicsMode| {
        let asked = CommandGetTopicsOfNamespace {
            request_id: 21,
            namespace: namespace.to_owned(),
            mode: Some(mode.into()),
            ..CommandGetTopicsOfNamespace::default()
        };
        let answer = peer.ask(&Command::GetTopicsOfNamespace(asked)).await;
        let Command::GetTopicsOfNamespaceResponse(there) = answer else { panic!("{answer:?}") };
        assert_eq!(there.request_id, 21);
        there.topics
    };
    let both = ["persistent://public/default/a", "persistent://public/default/b"];
    assert_eq!(topics("public/default", TopicsMode::Persistent).await, both);
    assert_eq!(topics("public/default", TopicsMode::All).await, both);
    assert!(topics("public/default", TopicsMode::NonPersistent).await.is_empty());
    assert_eq!(topics("public/other", TopicsMode::All).await, ["persistent://public/other/c"]);
    assert!(topics("public/none", TopicsMode::All).await.is_empty());
    running.stop().await;
}
