//! Subscriptions: where they start, who gets what, how they end.

use hexalpes_client::{
    ConsumerOptions, InitialPosition, MessageId, OpenError, Outgoing, ProducerOptions, RequestError,
    ServerError, SubscriptionKind,
};

use crate::engine::{next, next_text, next_texts, numbers, on_every_engine, send_all, text};

#[tokio::test]
async fn a_subscription_starts_at_the_beginning_or_at_the_end() {
    on_every_engine(async |engine| {
        let topic = engine.topic("start");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["before"]).await;
        let client = engine.client().await;
        let latest =
            ConsumerOptions { initial_position: InitialPosition::Latest, ..ConsumerOptions::new("late") };
        let late = client.consumer(&topic, latest).await.unwrap();
        let early = client.consumer(&topic, ConsumerOptions::new("early").from_earliest()).await.unwrap();
        send_all(&producer, ["after"]).await;
        assert_eq!(next_text(&late).await, "after");
        assert_eq!(next_texts(&early, 2).await, ["before", "after"]);
    })
    .await;
}

#[tokio::test]
async fn an_exclusive_subscription_refuses_a_second_consumer_by_type() {
    on_every_engine(async |engine| {
        let topic = engine.topic("exclusive");
        let _first = engine.consumer(&topic).await;
        let error = engine.client().await.consumer(&topic, ConsumerOptions::new("sub")).await.unwrap_err();
        let OpenError::Request(RequestError::Refused(refusal)) = &error else { panic!("{error}") };
        assert_eq!(refusal.error, ServerError::ConsumerBusy);
        assert!(!error.is_transient());
    })
    .await;
}

#[tokio::test]
async fn a_failover_subscription_goes_to_the_next_consumer_with_what_was_not_acked() {
    on_every_engine(async |engine| {
        let topic = engine.topic("failover");
        let named = |name: &str| ConsumerOptions {
            name: Some(name.to_owned()),
            ..ConsumerOptions::new("sub").kind(SubscriptionKind::Failover).from_earliest()
        };
        let client = engine.client().await;
        let a = client.consumer(&topic, named("a")).await.unwrap();
        let b = client.consumer(&topic, named("b")).await.unwrap();
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["one", "two"]).await;
        // Which of them is served is the broker's choice.
        let (active, second, one) = tokio::select! {
            one = next(&a) => (a, b, one),
            one = next(&b) => (b, a, one),
        };
        assert_eq!(text(&one), "one");
        active.ack(&one.id).await.unwrap();
        engine.backlog_becomes(&topic, 1).await;
        active.close().await;
        assert_eq!(next_text(&second).await, "two");
    })
    .await;
}

#[tokio::test]
async fn a_shared_subscription_gives_each_message_to_one_consumer() {
    on_every_engine(async |engine| {
        let topic = engine.topic("shared");
        let shared = || ConsumerOptions {
            receive_queue: 1,
            ..ConsumerOptions::new("sub").kind(SubscriptionKind::Shared).from_earliest()
        };
        let client = engine.client().await;
        let one = client.consumer(&topic, shared()).await.unwrap();
        let other = client.consumer(&topic, shared()).await.unwrap();
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..100)).await;
        let mut received = Vec::new();
        while received.len() < 100 {
            let (consumer, message) = tokio::select! {
                message = one.next() => (&one, message.unwrap()),
                message = other.next() => (&other, message.unwrap()),
            };
            consumer.ack(&message.id).await.unwrap();
            received.push(String::from_utf8(message.payload.to_vec()).unwrap());
        }
        received.sort_by_key(|n| n.parse::<u32>().unwrap());
        assert_eq!(received, numbers(0..100));
        engine.backlog_becomes(&topic, 0).await;
    })
    .await;
}

#[tokio::test]
async fn a_consumer_receives_more_than_its_queue_holds() {
    on_every_engine(async |engine| {
        let topic = engine.topic("permits");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..200)).await;
        for receive_queue in [1, 3] {
            let options = ConsumerOptions {
                receive_queue,
                ..ConsumerOptions::new(format!("queue-{receive_queue}")).from_earliest()
            };
            let consumer = engine.client().await.consumer(&topic, options).await.unwrap();
            assert_eq!(next_texts(&consumer, 200).await, numbers(0..200));
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_waits_for_no_other_when_several_wait() {
    on_every_engine(async |engine| {
        let topic = engine.topic("several");
        let consumer = engine.consumer(&topic).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let wait = async { futures::join!(next_text(&consumer), next_text(&consumer), next_text(&consumer)) };
        let (received, ()) = futures::join!(wait, send_all(&producer, ["a", "b", "c"]));
        let mut received: [String; 3] = received.into();
        received.sort();
        assert_eq!(received, ["a", "b", "c"]);
    })
    .await;
}

#[tokio::test]
async fn a_closed_subscription_continues_and_an_unsubscribed_one_starts_anew() {
    on_every_engine(async |engine| {
        let topic = engine.topic("unsubscribed");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["one", "two"]).await;
        let consumer = engine.consumer(&topic).await;
        let one = next(&consumer).await;
        consumer.ack(&one.id).await.unwrap();
        engine.backlog_becomes(&topic, 1).await;
        consumer.close().await;

        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_text(&consumer).await, "two");
        consumer.unsubscribe().await.unwrap();

        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 2).await, ["one", "two"]);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_consumer_makes_room_for_the_next() {
    on_every_engine(async |engine| {
        let topic = engine.topic("dropped-consumer");
        let client = engine.client().await;
        let options = || ConsumerOptions::new("sub").from_earliest();
        drop(client.consumer(&topic, options()).await.unwrap());
        // Said on the same connection, so the broker hears of the end first.
        client.consumer(&topic, options()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_last_message_id_is_that_of_the_last_message() {
    on_every_engine(async |engine| {
        let topic = engine.topic("last");
        let consumer = engine.consumer(&topic).await;
        assert_eq!(consumer.last_message_id().await.unwrap().entry, u64::MAX);
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        producer.send(Outgoing::new("one")).await.unwrap();
        let id = producer.send(Outgoing::new("two")).await.unwrap();
        let last = consumer.last_message_id().await.unwrap();
        assert_eq!((last.ledger, last.entry), (id.ledger, id.entry));
        assert!(last > MessageId::EARLIEST);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_no_topic_is_refused_before_anything_is_sent() {
    on_every_engine(async |engine| {
        let error = engine.client().await.producer("a/b", ProducerOptions::default()).await.unwrap_err();
        assert!(matches!(error, OpenError::Topic(_)), "{error}");
    })
    .await;
}
