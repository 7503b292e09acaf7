//! Sequence ids and deduplication.

use hexalpes_client::{Batching, MessageId, Outgoing, ProducerOptions};

use crate::engine::{next, next_texts, nothing_more, on_every_engine, send_all};

#[tokio::test]
async fn explicit_sequence_ids_arrive_with_their_gaps() {
    on_every_engine(async |engine| {
        for batching in [None, Some(Batching::default())] {
            let topic = engine.topic("gaps");
            let options = ProducerOptions { batching, ..ProducerOptions::named("gaps") };
            let producer = engine.producer(&topic, options).await;
            let ids = [7, 8, 20, 1000];
            send_all(&producer, ids.map(|id| Outgoing::new(id.to_string()).sequence_id(id))).await;
            let consumer = engine.consumer(&topic).await;
            for id in ids {
                assert_eq!(next(&consumer).await.sequence_id, id);
            }
            assert_eq!(producer.last_sequence_id(), 1000);
        }
    })
    .await;
}

#[tokio::test]
async fn a_named_producer_that_reopens_continues_after_its_last_sequence_id() {
    on_every_engine(async |engine| {
        let topic = engine.topic("reopened");
        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        assert_eq!(producer.last_sequence_id(), -1);
        send_all(&producer, [Outgoing::new("41").sequence_id(41)]).await;
        producer.close().await;

        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        assert_eq!(producer.last_sequence_id(), 41);
        producer.send(Outgoing::new("42")).await.unwrap();
        assert_eq!(producer.last_sequence_id(), 42);
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 2).await, ["41", "42"]);
    })
    .await;
}

/// Accepts S0-TC-5.
#[tokio::test]
async fn a_sequence_id_that_is_stored_is_not_stored_again() {
    on_every_engine(async |engine| {
        let topic = engine.topic("duplicate");
        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        let first = producer.send(Outgoing::new("once").sequence_id(5)).await.unwrap();
        let again = producer.send(Outgoing::new("twice").sequence_id(5)).await.unwrap();
        assert_ne!(first, MessageId::EARLIEST);
        assert_eq!(again, MessageId::EARLIEST, "a duplicate has no place");
        producer.close().await;

        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        producer.send(Outgoing::new("thrice").sequence_id(5)).await.unwrap();
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 1).await, ["once"]);
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_producer_without_a_name_gets_one() {
    on_every_engine(async |engine| {
        let topic = engine.topic("nameless");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let other = engine.producer(&topic, ProducerOptions::default()).await;
        assert!(!producer.name().is_empty());
        assert_ne!(producer.name(), other.name());
    })
    .await;
}
