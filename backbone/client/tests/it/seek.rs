//! Moving a subscription: what follows is received once.

use hexalpes_client::{Batching, ProducerOptions, SeekTo};
use hexalpes_wire::proto::{Command, CommandCloseConsumer, CommandSubscribe, MessageMetadata};

use crate::{
    engine::{DEADLINE, next, next_texts, nothing_more, numbers, on_every_engine, send_all},
    raw::{Peer, now_ms},
};

#[tokio::test]
async fn a_seek_to_a_message_delivers_it_and_what_follows_once() {
    on_every_engine(async |engine| {
        let topic = engine.topic("seek-message");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..20)).await;
        let consumer = engine.consumer(&topic).await;
        let mut ids = Vec::new();
        for _ in 0..10 {
            let message = next(&consumer).await;
            consumer.ack(&message.id).await.unwrap();
            ids.push(message.id);
        }
        consumer.seek(SeekTo::Message(ids[4])).await.unwrap();
        assert_eq!(next_texts(&consumer, 16).await, numbers(4..20));
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

/// As of a producer that was killed between the parts of a message: nobody is given such a thing.
#[tokio::test]
async fn a_topic_is_read_to_its_end_also_where_that_is_a_part_of_a_message() {
    on_every_engine(async |engine| {
        let topic = engine.topic("half-a-message");
        let options = ProducerOptions { batching: Some(Batching::default()), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, numbers(0..5)).await;
        let mut peer = Peer::connect(engine).await;
        peer.produce(&topic).await;
        let part = MessageMetadata {
            publish_time: now_ms(),
            uuid: Some("u".to_owned()),
            chunk_id: Some(0),
            num_chunks_from_msg: Some(3),
            total_chunk_msg_size: Some(9),
            ..MessageMetadata::default()
        };
        peer.send(part, "abc").await;
        let consumer = engine.consumer(&topic).await;
        let end = consumer.last_message_id().await.unwrap();
        for _ in 0..2 {
            let read = async {
                let mut texts = Vec::new();
                while let Some(message) = consumer.next_through(end).await.unwrap() {
                    texts.push(String::from_utf8(message.payload.to_vec()).unwrap());
                }
                texts
            };
            let texts = tokio::time::timeout(DEADLINE, read).await.expect("it comes to an end");
            assert_eq!(texts, numbers(0..5));
            consumer.seek(SeekTo::Earliest).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_seek_into_a_batch_delivers_from_that_message_on() {
    on_every_engine(async |engine| {
        let topic = engine.topic("seek-batch");
        let options = ProducerOptions { batching: Some(Batching::default()), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, numbers(0..5)).await;
        send_all(&producer, numbers(5..8)).await;
        let consumer = engine.consumer(&topic).await;
        let mut ids = Vec::new();
        for _ in 0..8 {
            ids.push(next(&consumer).await.id);
        }
        consumer.ack_cumulative(&ids[7]).await.unwrap();
        consumer.seek(SeekTo::Message(ids[3])).await.unwrap();
        assert_eq!(next_texts(&consumer, 5).await, numbers(3..8));
    })
    .await;
}

#[tokio::test]
async fn a_seek_to_the_beginning_delivers_everything_once_and_one_to_the_end_nothing() {
    on_every_engine(async |engine| {
        let topic = engine.topic("seek-ends");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..5)).await;
        let consumer = engine.consumer(&topic).await;
        next_texts(&consumer, 3).await;
        consumer.seek(SeekTo::Earliest).await.unwrap();
        assert_eq!(next_texts(&consumer, 5).await, numbers(0..5));
        consumer.seek(SeekTo::Earliest).await.unwrap();
        consumer.seek(SeekTo::Latest).await.unwrap();
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_seek_to_a_time_delivers_what_was_published_then_or_later() {
    on_every_engine(async |engine| {
        let topic = engine.topic("seek-time");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let consumer = engine.consumer(&topic).await;
        let mut times = Vec::new();
        while times.len() < 3 {
            send_all(&producer, ["x"]).await;
            let message = next(&consumer).await;
            // Messages of one millisecond cannot be told apart by time.
            if times.last() != Some(&message.publish_time) {
                times.push(message.publish_time);
            }
        }
        consumer.seek(SeekTo::Time(times[1])).await.unwrap();
        assert_eq!(next(&consumer).await.publish_time, times[1]);
    })
    .await;
}

/// Sends a message that says it was published so many seconds ago.
async fn send_from_the_past(peer: &mut Peer, sequence_id: u64, seconds: u64, body: &str) {
    let publish_time = now_ms() - seconds * 1000;
    let metadata = MessageMetadata { sequence_id, publish_time, ..MessageMetadata::default() };
    let answer = peer.send(metadata, body).await;
    assert!(matches!(answer, Command::SendReceipt(_)), "{answer:?}");
}

#[tokio::test]
async fn a_subscription_may_start_so_many_seconds_back() {
    on_every_engine(async |engine| {
        let topic = engine.topic("seek-back");
        let mut producer = Peer::connect(engine).await;
        producer.produce(&topic).await;
        for (sequence_id, seconds) in [(0, 7200), (1, 1200), (2, 10)] {
            send_from_the_past(&mut producer, sequence_id, seconds, &seconds.to_string()).await;
        }
        for durable in [false, true] {
            // Also where the durable one is there already, and has its place elsewhere.
            for (back, expected) in [(3600, "1200"), (600, "10")] {
                let mut consumer = Peer::connect(engine).await;
                let asked = CommandSubscribe {
                    subscription: format!("durable-{durable}"),
                    durable: Some(durable),
                    start_message_rollback_duration_sec: Some(back),
                    ..CommandSubscribe::default()
                };
                consumer.subscribe(&topic, asked).await;
                assert_eq!(consumer.message().await.1, expected, "durable: {durable}");
                let close =
                    CommandCloseConsumer { consumer_id: 5, request_id: 6, ..CommandCloseConsumer::default() };
                consumer.say(&Command::CloseConsumer(close)).await;
                while consumer.hears().await.command != Command::success(6) {}
            }
        }
    })
    .await;
}
