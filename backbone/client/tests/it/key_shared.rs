//! Subscriptions that are shared by keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use hexalpes_client::{
    Batching, Consumer, ConsumerOptions, KeySharing, Message, OpenError, Outgoing, ProducerOptions,
    RequestError, ServerError, SubscriptionKind,
};
use hexalpes_wire::key::murmur3_32;

use crate::engine::{Engine, next, numbers, on_every_engine, send_all, text};

async fn consumer(engine: &Engine, topic: &str, keys: KeySharing) -> Result<Consumer, OpenError> {
    let options = ConsumerOptions {
        keys,
        ack_receipts: true,
        ..ConsumerOptions::new("sub").kind(SubscriptionKind::KeyShared).from_earliest()
    };
    engine.client().await.consumer(topic, options).await
}

async fn auto_split(engine: &Engine, topic: &str) -> Consumer {
    consumer(engine, topic, KeySharing::default()).await.unwrap()
}

fn sticky(range: RangeInclusive<u16>) -> KeySharing {
    KeySharing { sticky: vec![range], out_of_order: false }
}

fn hash(key: &str) -> u16 {
    u16::try_from(murmur3_32(key.as_bytes()) & 0xffff).unwrap()
}

fn refusal(opened: Result<Consumer, OpenError>) -> ServerError {
    match opened {
        Err(OpenError::Request(RequestError::Refused(refusal))) => refusal.error,
        other => panic!("{other:?} is no refusal"),
    }
}

/// One message of each of so many keys, which say so.
fn of_each_key(keys: u32, round: &str) -> impl Iterator<Item = Outgoing> {
    numbers(0..keys).into_iter().map(move |key| Outgoing::new(format!("{round} {key}")).key(key))
}

/// The next message of whoever has one, and whose it is.
async fn next_of(consumers: &[Consumer; 2]) -> (usize, Message) {
    tokio::select! {
        message = next(&consumers[0]) => (0, message),
        message = next(&consumers[1]) => (1, message),
    }
}

#[tokio::test]
async fn the_messages_of_one_key_go_to_one_consumer_in_order() {
    on_every_engine(async |engine| {
        for batching in [None, Some(Batching { by_key: true, ..Batching::default() })] {
            let topic = engine.topic("one-key");
            let consumers = [auto_split(engine, &topic).await, auto_split(engine, &topic).await];
            let options = ProducerOptions { batching, ..ProducerOptions::default() };
            let producer = engine.producer(&topic, options).await;
            let message = |n: u32| Outgoing::new(n.to_string()).key(format!("key-{}", n / 2 % 100));
            send_all(&producer, (0..600).map(message)).await;
            let mut keys = BTreeMap::<_, Vec<(usize, u32)>>::new();
            for _ in 0..600 {
                let (who, message) = next_of(&consumers).await;
                consumers[who].ack(&message.id).await.unwrap();
                let number = text(&message).parse().unwrap();
                keys.entry(message.key.unwrap()).or_default().push((who, number));
            }
            assert!(
                keys.values().all(|got| got.is_sorted() && got.first().unwrap().0 == got.last().unwrap().0)
            );
            let both: BTreeSet<_> = keys.values().map(|got| got[0].0).collect();
            assert_eq!(both.len(), 2, "each of them has keys");
            engine.backlog_becomes(&topic, 0).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_moves_to_a_new_consumer_when_what_was_delivered_of_it_is_acked() {
    on_every_engine(async |engine| {
        let topic = engine.topic("moving");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let first = auto_split(engine, &topic).await;
        send_all(&producer, of_each_key(50, "one")).await;
        let mut unacked = Vec::new();
        for _ in 0..50 {
            unacked.push(next(&first).await);
        }
        let second = auto_split(engine, &topic).await;
        send_all(&producer, of_each_key(50, "two")).await;
        // Of keys that nobody has anything of, some are the new one's at once.
        send_all(&producer, (0..50).map(|n| Outgoing::new("fresh").key(format!("fresh-{n}")))).await;
        assert_eq!(text(&next(&second).await), "fresh");
        let mut acked = BTreeSet::new();
        let mut moved = 0;
        for message in unacked {
            acked.insert(message.key.clone().unwrap());
            first.ack(&message.id).await.unwrap();
        }
        let consumers = [first, second];
        let mut two = Vec::new();
        while two.len() < 50 {
            let (who, message) = next_of(&consumers).await;
            if text(&message).starts_with("two") {
                two.push(message.key.unwrap());
                moved += who;
            }
        }
        assert!((1..50).contains(&moved), "{moved} keys moved");
        two.sort();
        assert!(two.iter().eq(&acked), "each came once");
    })
    .await;
}

#[tokio::test]
async fn what_a_consumer_leaves_behind_goes_to_the_other_in_order() {
    on_every_engine(async |engine| {
        let topic = engine.topic("left-behind");
        let consumers = [auto_split(engine, &topic).await, auto_split(engine, &topic).await];
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        for round in ["one", "two"] {
            send_all(&producer, of_each_key(20, round)).await;
        }
        let mut left = Vec::new();
        for _ in 0..40 {
            let (who, message) = next_of(&consumers).await;
            if who == 0 {
                left.push((message.key.clone().unwrap(), text(&message)));
            } else {
                consumers[who].ack(&message.id).await.unwrap();
            }
        }
        let [first, second] = consumers;
        first.close().await;
        let mut came = Vec::new();
        for _ in 0..left.len() {
            let message = next(&second).await;
            came.push((message.key.clone().unwrap(), text(&message)));
        }
        // Of each key in order; Apache Pulsar may mix the keys.
        let mut by_key = came.clone();
        by_key.sort_by(|(a, _), (b, _)| a.cmp(b));
        left.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert_eq!(by_key, left);
    })
    .await;
}

#[tokio::test]
async fn sticky_consumers_get_the_hashes_that_they_ask_for() {
    on_every_engine(async |engine| {
        let topic = engine.topic("sticky");
        let low = consumer(engine, &topic, sticky(0..=29_999)).await.unwrap();
        let high = consumer(engine, &topic, sticky(30_000..=65_535)).await.unwrap();
        assert_eq!(
            refusal(consumer(engine, &topic, sticky(20_000..=40_000)).await),
            ServerError::ConsumerAssignError
        );
        assert_eq!(
            refusal(consumer(engine, &topic, KeySharing::default()).await),
            ServerError::ConsumerBusy,
            "who divides the keys is the same for all"
        );
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, of_each_key(40, "sticky")).await;
        let (low_keys, high_keys): (Vec<_>, Vec<_>) =
            numbers(0..40).into_iter().partition(|key| hash(key) < 30_000);
        for (consumer, keys) in [(&low, low_keys), (&high, high_keys)] {
            for key in keys {
                assert_eq!(next(consumer).await.key, Some(key));
            }
        }
        let ordered = Outgoing { ordering_key: Some("8".into()), ..Outgoing::new("ordered").key("4") };
        send_all(&producer, [ordered]).await;
        assert_ne!(hash("8") < 30_000, hash("4") < 30_000, "the keys tell them apart");
        assert_eq!(text(&next(if hash("8") < 30_000 { &low } else { &high }).await), "ordered");
        let stats = engine.admin.stats(&topic.parse().unwrap()).await.unwrap();
        let sub = &stats["subscriptions"]["sub"];
        assert_eq!((&sub["type"], &sub["keySharedMode"]), (&"Key_Shared".into(), &"STICKY".into()));
        assert_eq!(sub["allowOutOfOrderDelivery"], false);
    })
    .await;
}

#[tokio::test]
async fn messages_without_a_key_go_to_all_consumers() {
    on_every_engine(async |engine| {
        let topic = engine.topic("keyless");
        let consumers = [auto_split(engine, &topic).await, auto_split(engine, &topic).await];
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..100)).await;
        let mut who_got = BTreeMap::<usize, u32>::new();
        for _ in 0..100 {
            let (who, message) = next_of(&consumers).await;
            consumers[who].ack(&message.id).await.unwrap();
            *who_got.entry(who).or_default() += 1;
        }
        assert_eq!(who_got.len(), 2, "{who_got:?}");
        engine.backlog_becomes(&topic, 0).await;
    })
    .await;
}
