//! Producers that have a topic for themselves.

use hexalpes_client::{
    Access, OpenError, Outgoing, Producer, ProducerOptions, RequestError, SendError, ServerError,
};

use crate::engine::{Engine, next_texts, on_every_engine, send_all, until};
use crate::proxy::Proxy;

async fn open(engine: &Engine, topic: &str, access: Access) -> Result<Producer, OpenError> {
    let options = ProducerOptions { access, ..ProducerOptions::default() };
    engine.client().await.producer(topic, options).await
}

fn refusal(outcome: Result<Producer, OpenError>) -> ServerError {
    match outcome {
        Err(OpenError::Request(RequestError::Refused(refusal))) => refusal.error,
        other => panic!("{other:?} is no refusal"),
    }
}

#[tokio::test]
async fn an_exclusive_producer_is_alone_or_does_not_open() {
    on_every_engine(async |engine| {
        let topic = engine.topic("alone");
        let first = open(engine, &topic, Access::Exclusive).await.unwrap();
        assert!(first.topic_epoch().is_some());
        assert_eq!(refusal(open(engine, &topic, Access::Exclusive).await), ServerError::ProducerFenced);
        assert_eq!(refusal(open(engine, &topic, Access::Shared).await), ServerError::ProducerBusy);
        send_all(&first, ["one"]).await;
        let epoch = first.topic_epoch();
        first.close().await;
        let second = open(engine, &topic, Access::Exclusive).await.unwrap();
        assert!(second.topic_epoch() > epoch);
    })
    .await;
}

#[tokio::test]
async fn one_that_waits_opens_when_the_topic_is_free() {
    on_every_engine(async |engine| {
        let topic = engine.topic("waiting");
        let first = open(engine, &topic, Access::Exclusive).await.unwrap();
        let options = ProducerOptions { access: Access::WaitForExclusive, ..ProducerOptions::default() };
        let (client, name) = (engine.client().await, topic.clone());
        let waiting = tokio::spawn(async move { client.producer(&name, options).await });
        let known = topic.parse().unwrap();
        until(async || engine.admin.stats(&known).await.unwrap()["waitingPublishers"] == 1).await;
        send_all(&first, ["first"]).await;
        first.close().await;
        let second = waiting.await.unwrap().unwrap();
        send_all(&second, ["second"]).await;
        assert_eq!(next_texts(&engine.consumer(&topic).await, 2).await, ["first", "second"]);
    })
    .await;
}

#[tokio::test]
async fn one_that_was_fenced_is_told_so_and_stores_nothing_more() {
    on_every_engine(async |engine| {
        let topic = engine.topic("fenced");
        let first = open(engine, &topic, Access::Exclusive).await.unwrap();
        send_all(&first, ["first"]).await;
        let second = open(engine, &topic, Access::ExclusiveWithFencing).await.unwrap();
        assert!(second.topic_epoch() > first.topic_epoch());
        send_all(&second, ["second"]).await;
        until(async || first.send(Outgoing::new("late")).await == Err(SendError::Fenced)).await;
        send_all(&second, ["third"]).await;
        assert_eq!(next_texts(&engine.consumer(&topic).await, 3).await, ["first", "second", "third"]);
    })
    .await;
}

/// Its epoch is the one the topic has: it comes back, and nobody else came in.
#[tokio::test]
async fn one_that_lost_its_connection_has_the_topic_still() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("returning");
        let options =
            ProducerOptions { access: Access::ExclusiveWithFencing, ..ProducerOptions::named("one") };
        let producer = proxy.client().await.producer(&topic, options).await.unwrap();
        send_all(&producer, ["before"]).await;
        proxy.cut();
        proxy.restore();
        send_all(&producer, ["after"]).await;
        assert_eq!(next_texts(&engine.consumer(&topic).await, 2).await, ["before", "after"]);
    })
    .await;
}
