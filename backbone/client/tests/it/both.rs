//! Messages that go to two topics, packed once for both where that can be.

use std::time::Duration;

use hexalpes_client::{Batching, Codec, Outgoing, Producer, ProducerOptions, Schema};

use crate::engine::{Engine, next, on_every_engine};

fn options(name: &str) -> ProducerOptions {
    let batching = Batching { max_messages: 10, max_delay: Duration::from_mins(1), ..Batching::default() };
    ProducerOptions {
        batching: Some(batching),
        compression: Codec::Lz4,
        chunking: true,
        ..ProducerOptions::named(name)
    }
}

fn numbered(numbers: std::ops::Range<u64>) -> Vec<Outgoing> {
    let message = |number: u64| {
        let text = format!("{{\"number\":{number}}}").repeat(20);
        Outgoing::new(text)
            .key(format!("k-{}", number % 3))
            .property("n", number.to_string())
            .sequence_id(number)
    };
    numbers.map(message).collect()
}

/// What a topic has, in its order: key, properties, payload and sequence id of each.
async fn everything_on(engine: &Engine, producer: &Producer, count: usize) -> Vec<Outgoing> {
    let consumer = engine.consumer(&producer.topic().to_string()).await;
    let mut messages = Vec::new();
    while messages.len() < count {
        let message = next(&consumer).await;
        let same = Outgoing::new(message.payload.clone()).sequence_id(message.sequence_id);
        let same = same.properties(message.properties.clone());
        messages.push(Outgoing { key: message.key.as_deref().map(Into::into), ..same });
    }
    messages
}

#[tokio::test]
async fn messages_for_two_topics_are_on_both_in_their_order_among_what_goes_to_one() {
    on_every_engine(async |engine| {
        let one = engine.producer(&engine.topic("one"), options("p")).await;
        let other = engine.producer(&engine.topic("other"), options("q")).await;
        let mut large = numbered(28..30);
        large[1].payload = vec![b'x'; 300_000].into();
        let alone = one.queue_all(numbered(0..3)).await.unwrap();
        let mut receipts = Vec::new();
        for messages in [numbered(3..28), large, numbered(30..31)] {
            receipts.extend(one.queue_all_with(&other, messages).await.unwrap());
        }
        let last = one.queue_all(numbered(31..33)).await.unwrap();
        one.close_batch();
        other.close_batch();
        for receipt in receipts.into_iter().chain([alone, last]) {
            receipt.await.unwrap();
        }
        let mut expected = numbered(0..33);
        expected[29].payload = vec![b'x'; 300_000].into();
        assert_eq!(everything_on(engine, &one, 33).await, expected);
        assert_eq!(everything_on(engine, &other, 28).await, expected[3..31]);
        assert_eq!((one.last_sequence_id(), other.last_sequence_id()), (32, 30));
    })
    .await;
}

/// One has partitions, or a schema: each packs its own.
#[tokio::test]
async fn topics_that_are_not_alike_get_the_same_messages_all_the_same() {
    on_every_engine(async |engine| {
        let one = engine.producer(&engine.topic("one"), options("p")).await;
        let schema =
            Schema::json(r#"{"type":"record","name":"N","fields":[{"name":"number","type":"long"}]}"#);
        let typed = ProducerOptions { schema: Some(schema), ..options("q") };
        let typed = engine.producer(&engine.topic("typed"), typed).await;
        let parted = engine.producer(&engine.partitioned("parted", 2).await, options("r")).await;
        for (first, other) in [(0, &typed), (20, &parted)] {
            let receipts = one.queue_all_with(other, numbered(first..first + 20)).await.unwrap();
            one.close_batch();
            other.close_batch();
            for receipt in receipts {
                receipt.await.unwrap();
            }
        }
        assert_eq!(everything_on(engine, &one, 40).await, numbered(0..40));
        assert_eq!(everything_on(engine, &typed, 20).await, numbered(0..20));
        let mut parts = everything_on(engine, &parted, 20).await;
        parts.sort_by_key(|message| message.sequence_id);
        assert_eq!(parts, numbered(20..40));
    })
    .await;
}
