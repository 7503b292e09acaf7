//! Readers and table views: a topic from any place on, without a subscription that stays.

use std::time::Duration;

use hexalpes_client::{Batching, Message, Outgoing, ProducerOptions, ReadFrom, Reader, ReaderOptions};

use crate::engine::{DEADLINE, Engine, numbers, on_every_engine, send_all, text, until};
use crate::proxy::Proxy;

async fn reader(engine: &Engine, topic: &str, from: ReadFrom) -> Reader {
    engine.client().await.reader(topic, ReaderOptions::from(from)).await.unwrap()
}

async fn next(reader: &Reader) -> Message {
    tokio::time::timeout(DEADLINE, reader.next()).await.expect("a message comes in time").unwrap()
}

/// Everything that is there now, in the order in which it came.
async fn rest(reader: &Reader) -> Vec<Message> {
    let mut messages = Vec::new();
    while reader.has_message_available().await.unwrap() {
        messages.push(next(reader).await);
    }
    messages
}

async fn rest_texts(reader: &Reader) -> Vec<String> {
    rest(reader).await.iter().map(text).collect()
}

#[tokio::test]
async fn a_reader_starts_where_it_is_told() {
    on_every_engine(async |engine| {
        for batching in [None, Some(Batching { max_messages: 4, ..Batching::default() })] {
            let topic = engine.topic("start");
            let options = ProducerOptions { batching, ..ProducerOptions::default() };
            let producer = engine.producer(&topic, options).await;
            let empty = reader(engine, &topic, ReadFrom::Earliest).await;
            assert!(!empty.has_message_available().await.unwrap());
            send_all(&producer, numbers(0..10)).await;
            let all = rest(&empty).await;
            assert_eq!(all.iter().map(text).collect::<Vec<_>>(), numbers(0..10));
            for at in [0, 1, 5, 9] {
                let id = all[at].id;
                let at = u32::try_from(at).unwrap();
                let with = reader(engine, &topic, ReadFrom::With(id)).await;
                assert_eq!(rest_texts(&with).await, numbers(at..10));
                let after = reader(engine, &topic, ReadFrom::After(id)).await;
                assert_eq!(rest_texts(&after).await, numbers(at + 1..10));
            }
            let latest = reader(engine, &topic, ReadFrom::Latest).await;
            assert!(!latest.has_message_available().await.unwrap());
            send_all(&producer, ["new"]).await;
            assert_eq!(rest_texts(&latest).await, ["new"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reader_starts_and_goes_to_a_time() {
    on_every_engine(async |engine| {
        let topic = engine.topic("time");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["old"]).await;
        let all = reader(engine, &topic, ReadFrom::Back(Duration::from_hours(1))).await;
        let old = next(&all).await;
        assert_eq!(text(&old), "old");
        let mut newer = old.clone();
        // Within one millisecond they are of one time.
        until(async || {
            producer.send(Outgoing::new("new")).await.unwrap();
            rest(&reader(engine, &topic, ReadFrom::Earliest).await).await.last().unwrap().publish_time
                > old.publish_time
        })
        .await;
        while newer.publish_time == old.publish_time {
            newer = next(&all).await;
        }
        let since = reader(engine, &topic, ReadFrom::Time(newer.publish_time)).await;
        assert_eq!(next(&since).await.id, newer.id);
        since.seek(ReadFrom::Earliest).await.unwrap();
        assert_eq!(next(&since).await.id, old.id);
        since.seek(ReadFrom::Time(newer.publish_time)).await.unwrap();
        assert_eq!(next(&since).await.id, newer.id);
        since.seek(ReadFrom::After(old.id)).await.unwrap();
        assert_eq!(text(&next(&since).await), "new");
        since.seek(ReadFrom::Latest).await.unwrap();
        assert!(!since.has_message_available().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_reader_leaves_no_subscription_behind() {
    on_every_engine(async |engine| {
        let topic = engine.topic("left");
        let reading = reader(engine, &topic, ReadFrom::Earliest).await;
        let name = topic.parse().unwrap();
        assert_eq!(engine.admin.subscriptions(&name).await.unwrap().len(), 1);
        reading.close().await;
        until(async || engine.admin.subscriptions(&name).await.unwrap().is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_reads_all_partitions() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("read", 3).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, numbers(0..30)).await;
        let reading = reader(engine, &topic, ReadFrom::Earliest).await;
        let mut texts = rest_texts(&reading).await;
        texts.sort_by_key(|text| text.parse::<u32>().unwrap());
        assert_eq!(texts, numbers(0..30));
        reading.seek(ReadFrom::Earliest).await.unwrap();
        assert_eq!(rest(&reading).await.len(), 30);
    })
    .await;
}

#[tokio::test]
async fn after_a_cut_a_reader_goes_on_behind_what_it_gave() {
    on_every_engine(async |engine| {
        let proxy = Proxy::before(engine).await;
        let topic = engine.topic("cut");
        let batching = Some(Batching { max_messages: 7, ..Batching::default() });
        let producer =
            engine.producer(&topic, ProducerOptions { batching, ..ProducerOptions::default() }).await;
        let client = proxy.client().await;
        let latest = client.reader(&topic, ReaderOptions::from(ReadFrom::Latest)).await.unwrap();
        let reading = client.reader(&topic, ReaderOptions::default()).await.unwrap();
        send_all(&producer, numbers(0..30)).await;
        let mut texts = Vec::new();
        for round in 1..=3 {
            while texts.len() < round * 10 {
                texts.push(text(&next(&reading).await));
            }
            proxy.cut();
            proxy.restore();
        }
        assert_eq!(texts, numbers(0..30));
        send_all(&producer, ["last"]).await;
        assert_eq!(text(&next(&reading).await), "last");
        let mut missed = Vec::new();
        while missed.last().is_none_or(|last| last != "last") {
            missed.push(text(&next(&latest).await));
        }
        assert_eq!(missed.len(), 31, "nothing was skipped while it was away");
    })
    .await;
}

#[tokio::test]
async fn a_table_view_has_the_last_value_of_each_key() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("table", 2).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let row = |key: &str, value: &str| Outgoing::new(value.to_owned()).key(key);
        send_all(&producer, [row("a", "1"), row("b", "1"), row("a", "2"), Outgoing::new("no key")]).await;
        let mut view = engine.client().await.table_view(&topic).await.unwrap();
        let shown = |key: &str| view.get(key).map(|message| text(&message));
        assert_eq!((view.len(), shown("a"), shown("b")), (2, Some("2".to_owned()), Some("1".to_owned())));
        send_all(&producer, [row("c", "1")]).await;
        view.changed().await.unwrap();
        assert!(view.snapshot().contains_key("c"));
        send_all(&producer, [row("a", "")]).await;
        view.changed().await.unwrap();
        assert!(view.get("a").is_none());
    })
    .await;
}
