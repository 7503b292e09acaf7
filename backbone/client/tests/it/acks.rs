//! Acks and nacks, alone and inside batches.

use std::time::Duration;

use hexalpes_client::{
    Batching, ConsumeError, Consumer, ConsumerOptions, Message, Producer, ProducerOptions, SubscriptionKind,
};

use crate::engine::{
    Engine, next, next_text, next_texts, nothing_more, numbers, on_every_engine, send_all, text,
};

/// A topic with one batch of the numbers up to `size`.
async fn batch_of(engine: &Engine, size: u32) -> (String, Producer) {
    let topic = engine.topic("batch");
    let batching = Batching { max_delay: Duration::from_mins(10), ..Batching::default() };
    let options = ProducerOptions { batching: Some(batching), ..ProducerOptions::default() };
    let producer = engine.producer(&topic, options).await;
    send_all(&producer, numbers(0..size)).await;
    // What comes later need not be batched.
    (topic.clone(), engine.producer(&topic, ProducerOptions::default()).await)
}

async fn consumer(engine: &Engine, topic: &str, options: ConsumerOptions) -> Consumer {
    engine.client().await.consumer(topic, options.from_earliest()).await.unwrap()
}

/// Acks tracked on this end alone, with receipts, so that what was acked is known to be.
fn whole_batches() -> ConsumerOptions {
    ConsumerOptions { batch_index_acks: false, ack_receipts: true, ..ConsumerOptions::new("sub") }
}

async fn take(consumer: &Consumer, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(next(consumer).await);
    }
    messages
}

#[tokio::test]
async fn a_batch_is_acked_when_all_its_messages_are() {
    on_every_engine(async |engine| {
        let (topic, producer) = batch_of(engine, 3).await;
        let first = consumer(engine, &topic, whole_batches()).await;
        let messages = take(&first, 3).await;
        first.ack(&messages[2].id).await.unwrap();
        first.ack(&messages[0].id).await.unwrap();
        first.close().await;

        // The broker knows of neither ack: the batch comes whole.
        let second = consumer(engine, &topic, whole_batches()).await;
        let messages = take(&second, 3).await;
        for message in &messages {
            second.ack(&message.id).await.unwrap();
        }
        second.close().await;

        let third = consumer(engine, &topic, whole_batches()).await;
        nothing_more(&producer, &third).await;
    })
    .await;
}

#[tokio::test]
async fn a_cumulative_ack_inside_a_batch_loses_nothing_after_it() {
    on_every_engine(async |engine| {
        for batch_index_acks in [false, true] {
            let (topic, producer) = batch_of(engine, 4).await;
            let options = || ConsumerOptions { batch_index_acks, ..whole_batches() };
            let first = consumer(engine, &topic, options()).await;
            let messages = take(&first, 4).await;
            first.ack_cumulative(&messages[1].id).await.unwrap();
            first.close().await;

            // Brokers that keep no bits send the whole batch; none may leave out 2 or 3.
            let second = consumer(engine, &topic, options()).await;
            let mut message = next(&second).await;
            while text(&message) != "2" {
                message = next(&second).await;
            }
            let last = next(&second).await;
            assert_eq!(text(&last), "3");
            second.ack_cumulative(&last.id).await.unwrap();
            second.close().await;

            let third = consumer(engine, &topic, options()).await;
            nothing_more(&producer, &third).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_cumulative_ack_acks_everything_before_it() {
    on_every_engine(async |engine| {
        let topic = engine.topic("cumulative");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..10)).await;
        let first = consumer(engine, &topic, whole_batches()).await;
        let messages = take(&first, 10).await;
        first.ack_cumulative(&messages[6].id).await.unwrap();
        engine.backlog_becomes(&topic, 3).await;
        first.close().await;
        let second = consumer(engine, &topic, whole_batches()).await;
        assert_eq!(next_texts(&second, 3).await, numbers(7..10));
    })
    .await;
}

#[tokio::test]
async fn a_shared_subscription_refuses_a_cumulative_ack_by_type() {
    on_every_engine(async |engine| {
        let (topic, _producer) = batch_of(engine, 1).await;
        let shared = ConsumerOptions::new("sub").kind(SubscriptionKind::Shared);
        let consumer = consumer(engine, &topic, shared).await;
        let message = next(&consumer).await;
        let error = consumer.ack_cumulative(&message.id).await.unwrap_err();
        assert!(matches!(error, ConsumeError::CumulativeOnShared));
    })
    .await;
}

#[tokio::test]
async fn a_nacked_message_comes_again_and_says_how_often_it_came() {
    on_every_engine(async |engine| {
        let topic = engine.topic("nacked");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["good", "bad"]).await;
        let options = ConsumerOptions {
            nack_delay: Duration::from_millis(10),
            ..ConsumerOptions::new("sub").kind(SubscriptionKind::Shared)
        };
        let consumer = consumer(engine, &topic, options).await;
        let messages = take(&consumer, 2).await;
        consumer.ack(&messages[0].id).await.unwrap();
        for count in 0..3 {
            let bad = if count == 0 { messages[1].clone() } else { next(&consumer).await };
            assert_eq!((text(&bad).as_str(), bad.redelivery_count), ("bad", count));
            consumer.nack(&bad.id);
        }
        let bad = next(&consumer).await;
        consumer.ack(&bad.id).await.unwrap();
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_nack_in_a_batch_brings_back_what_of_it_is_not_acked() {
    on_every_engine(async |engine| {
        let (topic, producer) = batch_of(engine, 3).await;
        let options = ConsumerOptions {
            nack_delay: Duration::from_millis(10),
            ..ConsumerOptions::new("sub").kind(SubscriptionKind::Shared)
        };
        let consumer = consumer(engine, &topic, options).await;
        let messages = take(&consumer, 3).await;
        consumer.ack(&messages[0].id).await.unwrap();
        consumer.ack(&messages[2].id).await.unwrap();
        consumer.nack(&messages[1].id);
        let again = next(&consumer).await;
        assert_eq!(again.id, messages[1].id);
        consumer.ack(&again.id).await.unwrap();
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_nack_on_an_exclusive_subscription_brings_everything_unacked_back_in_order_once() {
    on_every_engine(async |engine| {
        let topic = engine.topic("exclusive-nack");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..30)).await;
        let options =
            ConsumerOptions { nack_delay: Duration::from_millis(10), ..ConsumerOptions::new("sub") };
        let consumer = consumer(engine, &topic, options).await;
        let first = next(&consumer).await;
        consumer.ack(&first.id).await.unwrap();
        let second = next(&consumer).await;
        consumer.nack(&second.id);
        // Until the broker has heard of it, what was under way still comes; then 1 comes again.
        while next_text(&consumer).await != "1" {}
        assert_eq!(next_texts(&consumer, 28).await, numbers(2..30));
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_not_acked_comes_again_after_the_consumer_is_gone() {
    on_every_engine(async |engine| {
        let topic = engine.topic("unacked");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..5)).await;
        let first = consumer(engine, &topic, whole_batches()).await;
        let messages = take(&first, 5).await;
        for index in [0, 1, 3] {
            first.ack(&messages[index].id).await.unwrap();
        }
        drop(first);
        let second = consumer(engine, &topic, whole_batches()).await;
        assert_eq!(next_texts(&second, 2).await, ["2", "4"]);
    })
    .await;
}
