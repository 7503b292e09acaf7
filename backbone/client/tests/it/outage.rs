//! Connections that break: nothing is lost, nothing is stored twice, order stays.

use std::time::Duration;

use futures::FutureExt;
use hexalpes_client::{Batching, ConsumerOptions, MessageId, Outgoing, ProducerOptions};

use crate::engine::{next, next_text, next_texts, nothing_more, numbers, on_every_engine, send_all, text};
use crate::proxy::Proxy;

/// Lets an outage last as long as no test can wait.
async fn time_passes(outage: Duration, proxy: &Proxy) {
    let before = proxy.refused();
    tokio::time::pause();
    tokio::time::advance(outage).await;
    tokio::time::resume();
    // The client tries, and goes on trying.
    while proxy.refused() < before + 2 {
        hexalpes_engines::a_moment().await;
    }
}

#[tokio::test]
async fn sends_survive_an_outage_of_more_than_thirty_seconds_once_and_in_order() {
    on_every_engine(async |engine| {
        for batching in [None, Some(Batching { max_messages: 5, ..Batching::default() })] {
            let proxy = Proxy::before(engine).await;
            let topic = engine.topic("outage");
            let options = ProducerOptions { batching, ..ProducerOptions::named("relay") };
            let producer = proxy.client().await.producer(&topic, options).await.unwrap();
            send_all(&producer, numbers(0..10)).await;
            proxy.cut();
            let mut receipts = Vec::new();
            for n in numbers(10..50) {
                receipts.push(producer.queue(Outgoing::new(n)).await.unwrap());
            }
            time_passes(Duration::from_secs(45), &proxy).await;
            proxy.restore();
            for receipt in receipts {
                receipt.await.unwrap();
            }
            let consumer = engine.consumer(&topic).await;
            assert_eq!(next_texts(&consumer, 50).await, numbers(0..50));
            nothing_more(&producer, &consumer).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_stored_without_a_receipt_is_resolved_by_the_receipt_of_its_duplicate() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("lost-receipts");
        let producer = proxy.client().await.producer(&topic, ProducerOptions::named("relay")).await.unwrap();
        proxy.swallow_receipts();
        let mut receipts = Vec::new();
        for n in numbers(0..20) {
            receipts.push(producer.queue(Outgoing::new(n)).await.unwrap());
        }
        proxy.swallowed(20).await;
        proxy.cut();
        proxy.restore();
        for receipt in receipts {
            assert_eq!(receipt.await, Ok(MessageId::EARLIEST), "stored before, so it has no place");
        }
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 20).await, numbers(0..20));
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn connections_cut_at_any_moment_lose_nothing_and_store_nothing_twice() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("cuts");
        let producer = proxy.client().await.producer(&topic, ProducerOptions::named("relay")).await.unwrap();
        for round in 0..10 {
            let mut receipts = Vec::new();
            for n in numbers(round * 20..round * 20 + 20) {
                receipts.push(producer.queue(Outgoing::new(n)).await.unwrap());
            }
            proxy.cut();
            proxy.restore();
            for receipt in receipts {
                receipt.await.unwrap();
            }
        }
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 200).await, numbers(0..200));
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_consumer_subscribes_again_and_receives_what_it_had_not_acked() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("resubscribed");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..5)).await;
        let options = ConsumerOptions { ack_receipts: true, ..ConsumerOptions::new("sub").from_earliest() };
        let consumer = proxy.client().await.consumer(&topic, options).await.unwrap();
        let zero = next(&consumer).await;
        let one = next(&consumer).await;
        consumer.ack(&zero.id).await.unwrap();
        proxy.cut();
        time_passes(Duration::from_secs(45), &proxy).await;
        // Acked while nobody listens: the ack is told before anything is asked for.
        consumer.ack(&one.id).await.unwrap();
        assert!(consumer.next().now_or_never().is_none(), "what waits unread is void");
        proxy.restore();
        assert_eq!(next_texts(&consumer, 3).await, numbers(2..5));
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_acked_in_part_before_a_cut_comes_again_without_that_part() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("partial");
        let batching = Batching { max_delay: Duration::from_mins(10), ..Batching::default() };
        let options = ProducerOptions { batching: Some(batching), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, numbers(0..3)).await;
        let options = ConsumerOptions::new("sub").from_earliest();
        let consumer = proxy.client().await.consumer(&topic, options).await.unwrap();
        let zero = next(&consumer).await;
        consumer.ack(&zero.id).await.unwrap();
        proxy.cut();
        proxy.restore();
        let mut again = Vec::new();
        // Those that were here when the cut came may be taken before it is noticed.
        while again.last().is_none_or(|last| last != "2") {
            again.push(text(&next(&consumer).await));
        }
        assert!(!again.contains(&"0".to_owned()), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn a_producer_opens_as_soon_as_its_broker_is_there() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("late-broker");
        let client = proxy.client().await;
        proxy.cut();
        let open = client.producer(&topic, ProducerOptions::default());
        let restore = async {
            while proxy.refused() < 2 {
                hexalpes_engines::a_moment().await;
            }
            proxy.restore();
        };
        let (producer, ()) = futures::join!(open, restore);
        send_all(&producer.unwrap(), ["here"]).await;
        assert_eq!(next_text(&engine.consumer(&topic).await).await, "here");
    })
    .await;
}
