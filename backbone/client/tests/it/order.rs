//! Order, and the room that producers and consumers have.

use std::time::Duration;

use futures::FutureExt;
use hexalpes_client::{Batching, Outgoing, ProducerOptions};

use crate::engine::{next_text, next_texts, numbers, on_every_engine, send_all};

#[tokio::test]
async fn messages_come_in_the_order_in_which_they_were_sent() {
    on_every_engine(async |engine| {
        let topic = engine.topic("order");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..3000)).await;
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 3000).await, numbers(0..3000));
    })
    .await;
}

#[tokio::test]
async fn batched_messages_come_in_the_order_in_which_they_were_sent() {
    on_every_engine(async |engine| {
        let topic = engine.topic("batched-order");
        let batching = Batching { max_messages: 7, ..Batching::default() };
        let options = ProducerOptions { batching: Some(batching), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, numbers(0..1000)).await;
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 1000).await, numbers(0..1000));
    })
    .await;
}

#[tokio::test]
async fn a_message_that_does_not_fit_the_batch_keeps_its_place() {
    on_every_engine(async |engine| {
        let topic = engine.topic("misfit");
        let batching = Batching { max_bytes: 1000, max_delay: Duration::from_mins(1), ..Batching::default() };
        let options = ProducerOptions { batching: Some(batching), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        let large = "x".repeat(5000);
        let sent = ["a", "b", &large, "c"].map(str::to_owned);
        send_all(&producer, sent.clone()).await;
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 4).await, sent);
    })
    .await;
}

#[tokio::test]
async fn calls_of_send_keep_their_order_whatever_is_polled_first() {
    on_every_engine(async |engine| {
        let topic = engine.topic("calls");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let first = producer.send(Outgoing::new("first"));
        let second = producer.send(Outgoing::new("second"));
        second.await.unwrap();
        first.await.unwrap();
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 2).await, ["first", "second"]);
    })
    .await;
}

#[tokio::test]
async fn a_full_producer_waits_and_loses_nothing() {
    on_every_engine(async |engine| {
        let topic = engine.topic("full");
        let options = ProducerOptions { max_pending: 2, ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        let sends: Vec<_> = numbers(0..50).into_iter().map(|n| producer.send(Outgoing::new(n))).collect();
        for sent in futures::future::join_all(sends).await {
            sent.unwrap();
        }
        let consumer = engine.consumer(&topic).await;
        let mut received = next_texts(&consumer, 50).await;
        received.sort_by_key(|n| n.parse::<u32>().unwrap());
        assert_eq!(received, numbers(0..50));
    })
    .await;
}

#[tokio::test]
async fn a_dropped_send_is_sent_all_the_same_and_leaves_its_room() {
    on_every_engine(async |engine| {
        let topic = engine.topic("dropped-send");
        let options = ProducerOptions { max_pending: 1, ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        drop(producer.send(Outgoing::new("dropped")));
        // No room: this one is not queued before it is polled, and it never is.
        drop(producer.send(Outgoing::new("never")));
        producer.send(Outgoing::new("kept")).await.unwrap();
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 2).await, ["dropped", "kept"]);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_next_loses_no_message() {
    on_every_engine(async |engine| {
        let topic = engine.topic("dropped-next");
        let consumer = engine.consumer(&topic).await;
        assert!(consumer.next().now_or_never().is_none());
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["one", "two"]).await;
        assert_eq!(next_text(&consumer).await, "one");
        drop(consumer.next());
        assert_eq!(next_text(&consumer).await, "two");
    })
    .await;
}
