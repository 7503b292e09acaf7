//! Topics with partitions, as one: where messages go, and that each partition keeps its order and its promises.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hexalpes_client::{
    Batching, ConsumeError, Consumer, ConsumerOptions, KeyHash, Message, MessageId, Outgoing, Producer,
    ProducerOptions, Routing, SeekTo, SendError, SubscriptionKind,
};

use crate::engine::{Engine, next, nothing_more, numbers, on_every_engine, send_all, text, until};
use crate::proxy::Proxy;

fn keyed(key: u32, n: u32) -> Outgoing {
    Outgoing::new(n.to_string()).key(format!("key-{key}"))
}

/// So many messages of each of ten keys, in turn.
async fn send_keyed(producer: &Producer, each: u32) {
    send_all(producer, (0..each * 10).map(|n| keyed(n % 10, n))).await;
}

async fn receive(consumer: &Consumer, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(next(consumer).await);
    }
    messages
}

fn sorted(messages: &[Message]) -> Vec<String> {
    let mut texts: Vec<_> = messages.iter().map(text).collect();
    texts.sort_by_key(|text| text.parse::<u32>().unwrap());
    texts
}

/// The partitions that the messages came from, by key.
fn homes(messages: &[Message]) -> BTreeMap<String, BTreeSet<Option<u32>>> {
    let mut homes = BTreeMap::<_, BTreeSet<_>>::new();
    for message in messages {
        homes.entry(message.key.clone().unwrap_or_default()).or_default().insert(message.id.partition);
    }
    homes
}

async fn consume(engine: &Engine, topic: &str, options: ConsumerOptions) -> Consumer {
    engine.client().await.consumer(topic, options.from_earliest()).await.unwrap()
}

#[tokio::test]
async fn a_key_is_in_the_partition_of_its_hash_and_in_order() {
    on_every_engine(async |engine| {
        for key_hash in [KeyHash::JavaString, KeyHash::Murmur3] {
            let topic = engine.partitioned("keys", 4).await;
            let batching = Some(Batching { max_messages: 7, ..Batching::default() });
            let options = ProducerOptions { key_hash, batching, ..ProducerOptions::default() };
            let producer = engine.producer(&topic, options).await;
            assert_eq!(producer.partitions(), Some(4));
            send_keyed(&producer, 20).await;
            let consumer = engine.consumer(&topic).await;
            let messages = receive(&consumer, 200).await;
            for (key, homes) in homes(&messages) {
                assert_eq!(homes, BTreeSet::from([Some(key_hash.partition_of(&key, 4))]), "{key}");
                let of_key = messages.iter().filter(|message| message.key.as_ref() == Some(&key));
                let numbers: Vec<u32> = of_key.map(|message| text(message).parse().unwrap()).collect();
                assert!(numbers.is_sorted() && numbers.len() == 20, "{numbers:?}");
            }
            assert!(messages[0].topic.contains("-partition-"), "{}", messages[0].topic);
        }
    })
    .await;
}

#[tokio::test]
async fn messages_without_a_key_are_spread_or_kept_together() {
    on_every_engine(async |engine| {
        for (routing, expected) in [(Routing::RoundRobin, 3), (Routing::Single, 1)] {
            let topic = engine.partitioned("keyless", 3).await;
            let options = ProducerOptions { routing, ..ProducerOptions::default() };
            let producer = engine.producer(&topic, options).await;
            send_all(&producer, numbers(0..9)).await;
            let messages = receive(&engine.consumer(&topic).await, 9).await;
            let used: BTreeSet<_> = messages.iter().map(|message| message.id.partition).collect();
            assert_eq!((used.len(), sorted(&messages)), (expected, numbers(0..9)));
        }
    })
    .await;
}

#[tokio::test]
async fn receipts_say_the_partition_and_the_application_may_choose_it() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("custom", 3).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let to = |partition| Outgoing { partition: Some(partition), ..Outgoing::new("last").key("x") };
        let id = producer.send(to(2)).await.unwrap();
        assert_eq!(id.partition, Some(2));
        let nowhere = producer.send(to(3)).await;
        assert_eq!(nowhere, Err(SendError::NoSuchPartition { partition: 3, partitions: 3 }));
        let message = next(&engine.consumer(&topic).await).await;
        assert_eq!((message.id.partition, message.id), (Some(2), id));
    })
    .await;
}

#[tokio::test]
async fn a_partition_remembers_the_sequence_ids_of_a_name() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("sequences", 2).await;
        let to_its_parity = |id: u64| Outgoing {
            partition: Some(u32::from(id % 2 == 1)),
            ..Outgoing::new(id.to_string()).sequence_id(id)
        };
        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        send_all(&producer, (0..10).map(to_its_parity)).await;
        producer.close().await;

        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        assert_eq!((producer.last_sequence_ids(), producer.last_sequence_id()), (vec![8, 9], 9));
        for id in 6..12 {
            let stored = producer.send(to_its_parity(id)).await.unwrap();
            assert_eq!(stored == MessageId::EARLIEST, id < 10, "{id}");
        }
        let consumer = engine.consumer(&topic).await;
        assert_eq!(sorted(&receive(&consumer, 12).await), numbers(0..12));
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn acks_are_those_of_a_partition() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("acks", 2).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_keyed(&producer, 4).await;
        let options = || ConsumerOptions { ack_receipts: true, ..ConsumerOptions::new("sub") };
        let consumer = consume(engine, &topic, options()).await;
        let messages = receive(&consumer, 40).await;
        // All of one partition, and one of the other.
        let of = |partition| messages.iter().filter(move |message| message.id.partition == Some(partition));
        consumer.ack_cumulative(&of(0).last().unwrap().id).await.unwrap();
        let one = of(1).next().unwrap();
        consumer.ack(one).await.unwrap();
        let unnamed = MessageId { partition: None, ..one.id };
        assert!(matches!(consumer.ack(&unnamed).await, Err(ConsumeError::WhichTopic { .. })));
        consumer.close().await;

        let again = receive(&consume(engine, &topic, options()).await, of(1).count() - 1).await;
        assert!(again.iter().all(|message| message.id.partition == Some(1) && message.id != one.id));
    })
    .await;
}

#[tokio::test]
async fn what_is_nacked_comes_again_with_its_count() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("nacks", 3).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..6)).await;
        let options = ConsumerOptions {
            nack_delay: Duration::from_millis(10),
            ..ConsumerOptions::new("sub").kind(SubscriptionKind::Shared)
        };
        let consumer = consume(engine, &topic, options).await;
        for message in receive(&consumer, 6).await {
            consumer.nack(&message.id);
        }
        let again = receive(&consumer, 6).await;
        assert!(again.iter().all(|message| message.redelivery_count == 1));
        assert_eq!(sorted(&again), numbers(0..6));
    })
    .await;
}

#[tokio::test]
async fn a_seek_moves_all_partitions_or_that_of_the_message() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("seek", 2).await;
        let options = ProducerOptions { routing: Routing::RoundRobin, ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, numbers(0..10)).await;
        let consumer = engine.consumer(&topic).await;
        let messages = receive(&consumer, 10).await;
        consumer.seek(SeekTo::Earliest).await.unwrap();
        assert_eq!(sorted(&receive(&consumer, 10).await), numbers(0..10));

        let third = messages.iter().filter(|message| message.id.partition == Some(1)).nth(2).unwrap();
        consumer.seek(SeekTo::Message(third.id)).await.unwrap();
        let again = receive(&consumer, 3).await;
        assert_eq!(again[0].id, third.id);
        assert!(again.iter().all(|message| message.id.partition == Some(1)));

        consumer.seek(SeekTo::Latest).await.unwrap();
        nothing_more(&producer, &consumer).await;
        let ends = consumer.last_message_ids().await.unwrap();
        assert_eq!(ends.iter().map(|id| id.partition).collect::<Vec<_>>(), [Some(0), Some(1)]);
        assert!(matches!(consumer.last_message_id().await, Err(ConsumeError::WhichTopic { .. })));
    })
    .await;
}

#[tokio::test]
async fn partitions_that_come_later_are_used_without_opening_anything_again() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("growth", 2).await;
        let client = engine.curious_client().await;
        let consumer = client.consumer(&topic, ConsumerOptions::new("sub").from_earliest()).await.unwrap();
        let producer = client.producer(&topic, ProducerOptions::default()).await.unwrap();
        let fixed = ProducerOptions { follow_growth: false, ..ProducerOptions::default() };
        let fixed = client.producer(&topic, fixed).await.unwrap();
        engine.admin.grow_partitioned_topic(&topic.parse().unwrap(), 5).await.unwrap();
        until(async || producer.partitions() == Some(5)).await;
        send_all(&producer, numbers(0..50)).await;
        let messages = receive(&consumer, 50).await;
        let used: BTreeSet<_> = messages.iter().map(|message| message.id.partition).collect();
        assert_eq!((used.len(), sorted(&messages)), (5, numbers(0..50)));
        assert_eq!((consumer.partitions(), fixed.partitions()), (Some(5), Some(2)));
    })
    .await;
}

#[tokio::test]
async fn the_receive_queue_is_that_of_all_partitions_together() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("budget", 4).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..400)).await;
        let shared = |receive_queue| ConsumerOptions {
            receive_queue,
            ..ConsumerOptions::new("sub").kind(SubscriptionKind::Shared)
        };
        // It takes what its queue holds and no more: the rest is for others.
        let _idle = consume(engine, &topic, shared(40)).await;
        let other = consume(engine, &topic, shared(1000)).await;
        let messages = receive(&other, 360).await;
        assert_eq!(messages.len(), 360);
    })
    .await;
}

#[tokio::test]
async fn connections_cut_at_any_moment_lose_nothing_of_any_partition() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.partitioned("cuts", 3).await;
        let batching = Some(Batching { max_messages: 5, ..Batching::default() });
        let options = ProducerOptions { batching, ..ProducerOptions::named("relay") };
        let producer = proxy.client().await.producer(&topic, options).await.unwrap();
        for round in 0..5 {
            let mut receipts = Vec::new();
            for n in round * 40..round * 40 + 40 {
                receipts.push(producer.queue(keyed(n % 10, n)).await.unwrap());
            }
            proxy.cut();
            proxy.restore();
            for receipt in receipts {
                receipt.await.unwrap();
            }
        }
        let consumer = engine.consumer(&topic).await;
        let messages = receive(&consumer, 200).await;
        assert_eq!(sorted(&messages), numbers(0..200));
        for key in homes(&messages).into_keys() {
            let of_key = messages.iter().filter(|message| message.key.as_ref() == Some(&key));
            assert!(of_key.map(|message| text(message).parse::<u32>().unwrap()).is_sorted(), "{key}");
        }
        nothing_more(&producer, &consumer).await;
    })
    .await;
}

#[tokio::test]
async fn a_name_on_a_topic_with_partitions_is_given_once() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("names", 3).await;
        let producer = engine.producer(&topic, ProducerOptions::named("relay")).await;
        let second = engine.client().await.producer(&topic, ProducerOptions::named("relay")).await;
        assert!(second.is_err_and(|error| !error.is_transient()));
        producer.close().await;
        let made_up = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&made_up, numbers(0..6)).await;
        let messages = receive(&engine.consumer(&topic).await, 6).await;
        assert!(messages.iter().all(|message| message.producer_name == made_up.name()));
    })
    .await;
}

#[tokio::test]
async fn how_many_partitions_a_topic_has_can_be_asked_without_making_it() {
    on_every_engine(async |engine| {
        let client = engine.client().await;
        let (whole, single) = (engine.partitioned("asked", 3).await, engine.topic("asked-single"));
        assert_eq!(client.partitions(&whole).await.unwrap(), Some(3));
        for _ in 0..2 {
            assert_eq!(client.partitions(&single).await.unwrap(), None);
        }
        engine.producer(&single, ProducerOptions::default()).await.close().await;
        assert_eq!(client.partitions(&single).await.unwrap(), Some(0));
    })
    .await;
}
