//! Several topics as one: named, or all that match, also those that come later.

use hexalpes_client::{
    ConsumeError, Consumer, ConsumerOptions, ProducerOptions, SubscriptionKind, TopicPattern,
};

use crate::engine::{Engine, next, numbers, on_every_engine, send_all, text, until};
use crate::proxy::Proxy;

async fn send(engine: &Engine, topic: &str, texts: &[&'static str]) {
    let producer = engine.producer(topic, ProducerOptions::default()).await;
    send_all(&producer, texts.iter().copied()).await;
}

async fn sorted(consumer: &Consumer, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let message = next(consumer).await;
        consumer.ack(&message).await.unwrap();
        texts.push(text(&message));
    }
    texts.sort();
    texts
}

#[tokio::test]
async fn several_topics_are_consumed_as_one() {
    on_every_engine(async |engine| {
        let (one, other) = (engine.topic("one"), engine.partitioned("other", 2).await);
        let options = ConsumerOptions { ack_receipts: true, ..ConsumerOptions::new("sub").from_earliest() };
        let client = engine.client().await;
        let consumer = client.consumer_of([one.as_str(), &other], options.clone()).await.unwrap();
        assert_eq!(consumer.topics().len(), 2);
        send(engine, &one, &["a", "b"]).await;
        send(engine, &other, &["c", "d"]).await;
        let message = next(&consumer).await;
        assert!(matches!(consumer.ack(&message.id).await, Err(ConsumeError::WhichTopic { .. })));
        consumer.nack(&message);
        consumer.ack(&message).await.unwrap();
        let mut all = sorted(&consumer, 3).await;
        all.push(text(&message));
        all.sort();
        assert_eq!(all, ["a", "b", "c", "d"]);
        consumer.close().await;

        let consumer = client.consumer_of([one.as_str(), &other], options).await.unwrap();
        send(engine, &one, &["e"]).await;
        assert_eq!(sorted(&consumer, 1).await, ["e"], "the others were acked");
    })
    .await;
}

/// Who watches hears of them; what is too long for a broker is looked for from time to time.
#[tokio::test]
async fn topics_that_match_are_consumed_when_they_come_and_left_when_they_go() {
    on_every_engine(async |engine| {
        // One that looks so seldom that it must have been told.
        for (client, more) in [
            (engine.client().await, ""),
            (engine.curious_client().await, "|none-is-called-so-and-brokers-refuse-it"),
        ] {
            let first = engine.topic("match");
            let pattern = TopicPattern::parse(&format!("{first}-.*{more}")).unwrap();
            let options = ConsumerOptions::new("sub").kind(SubscriptionKind::Shared).from_earliest();
            let consumer = client.consumer_matching(pattern, options).await.unwrap();
            assert!(consumer.topics().is_empty());
            send(engine, &format!("{first}-a"), &["a"]).await;
            send(engine, &first, &["not one"]).await;
            assert_eq!(sorted(&consumer, 1).await, ["a"]);
            let parted = format!("{first}-b");
            engine.admin.create_partitioned_topic(&parted.parse().unwrap(), 3).await.unwrap();
            let producer = engine.producer(&parted, ProducerOptions::default()).await;
            send_all(&producer, numbers(0..9)).await;
            assert_eq!(sorted(&consumer, 9).await, numbers(0..9));
            assert_eq!(consumer.topics().len(), 2);
            engine.admin.delete_topic(&format!("{first}-a").parse().unwrap(), true).await.unwrap();
            until(async || consumer.topics().len() == 1).await;
            send_all(&producer, ["on"]).await;
            assert_eq!(sorted(&consumer, 1).await, ["on"]);
        }
    })
    .await;
}

#[tokio::test]
async fn topics_that_come_after_a_lost_connection_are_heard_of_again() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let first = engine.topic("again");
        let pattern = TopicPattern::parse(&format!("{first}-.*")).unwrap();
        let options = ConsumerOptions { ack_receipts: true, ..ConsumerOptions::new("sub").from_earliest() };
        let consumer = proxy.client().await.consumer_matching(pattern, options).await.unwrap();
        send(engine, &format!("{first}-a"), &["a"]).await;
        assert_eq!(sorted(&consumer, 1).await, ["a"]);
        proxy.cut();
        send(engine, &format!("{first}-b"), &["b"]).await;
        proxy.restore();
        assert_eq!(sorted(&consumer, 1).await, ["b"]);
        send(engine, &format!("{first}-c"), &["c"]).await;
        assert_eq!(sorted(&consumer, 1).await, ["c"]);
    })
    .await;
}
