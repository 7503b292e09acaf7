//! Compaction: what is left of a topic, and who reads it.

use std::sync::atomic::{AtomicU32, Ordering};

use hexalpes_client::{Batching, Codec, Outgoing, ProducerOptions, TopicName};
use hexalpes_wire::{
    MessageId,
    batch::{self, BatchReader},
    compression::decompress,
    frame::Payload,
    proto::{Command, CommandCloseConsumer, CommandGetLastMessageId, CommandSubscribe, ServerError, SubType},
};
use reqwest::Method;

use crate::{
    engine::{DEADLINE, Engine, on_every_engine, send_all, text},
    raw::Peer,
};

/// Calls the admin interface beside what our client knows of it.
async fn call(engine: &Engine, method: Method, path: &str) -> (u16, String) {
    // Which this library wants to know of, also where nothing is encrypted. It may be told already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}/admin/v2/{path}", engine.admin_url);
    let answer = reqwest::Client::new().request(method, url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn path(topic: &str) -> String {
    format!("{}/compaction", topic.replace("://", "/"))
}

/// Compacts a topic and waits until that is done.
async fn compact(engine: &Engine, topic: &str) {
    let begun = call(engine, Method::PUT, &path(topic)).await;
    assert_eq!(begun.0, 204, "{begun:?}");
    // A real Pulsar compacts by a client of its own, which tries again after half a minute.
    let deadline = tokio::time::Instant::now() + 3 * DEADLINE;
    loop {
        let (status, how) = call(engine, Method::GET, &path(topic)).await;
        assert_eq!(status, 200);
        if how == r#"{"status":"SUCCESS","lastError":""}"# {
            return;
        }
        assert!(how.contains("RUNNING"), "{how}");
        assert!(tokio::time::Instant::now() < deadline, "it runs for ever");
        hexalpes_engines::a_moment().await;
    }
}

/// By a subscription of its own.
fn as_compacted(durable: bool) -> CommandSubscribe {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    CommandSubscribe {
        subscription: format!("reader-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        read_compacted: Some(true),
        durable: Some(durable),
        initial_position: Some(1),
        start_message_id: (!durable).then(|| MessageId::EARLIEST.into()),
        ..CommandSubscribe::default()
    }
}

/// The messages of one entry that are not compacted out, as `key=value`.
fn messages(payload: &Payload) -> Vec<String> {
    let (metadata, body) = payload.open().unwrap();
    let text = |key: Option<&str>, payload: &[u8]| {
        format!("{}={}", key.unwrap_or("-"), String::from_utf8(payload.to_vec()).unwrap())
    };
    let Some(count) = batch::size(&metadata).unwrap() else {
        let announced = metadata.uncompressed_size() as usize;
        let body = decompress(metadata.compression(), &body, announced, 1 << 20).unwrap();
        return vec![text(metadata.partition_key.as_deref(), &body)];
    };
    let announced = metadata.uncompressed_size() as usize;
    let body = decompress(metadata.compression(), &body, announced, 1 << 20).unwrap();
    let read = BatchReader::new(body, count).map(Result::unwrap);
    let left = read.filter(|(single, _)| !single.compacted_out());
    left.map(|(single, payload)| text(single.partition_key.as_deref(), &payload)).collect()
}

/// What a reader gets up to a message that says so.
async fn read_until(peer: &mut Peer, last: &str) -> Vec<(MessageId, Vec<String>)> {
    let mut read = Vec::new();
    loop {
        let frame = peer.hears().await;
        let Command::Message(message) = frame.command else { panic!("{:?} is no message", frame.command) };
        let got = messages(&frame.payload);
        let is_last = got.iter().any(|message| message == last);
        read.push((MessageId::from(&message.message_id), got));
        if is_last {
            return read;
        }
    }
}

fn texts(read: &[(MessageId, Vec<String>)]) -> Vec<String> {
    read.iter().flat_map(|(_, messages)| messages.clone()).collect()
}

async fn last_message_id(peer: &mut Peer) -> MessageId {
    let asked = CommandGetLastMessageId { consumer_id: 5, request_id: 15 };
    match peer.ask(&Command::GetLastMessageId(asked)).await {
        Command::GetLastMessageIdResponse(answer) => MessageId::from(&answer.last_message_id),
        other => panic!("{other:?} is no id"),
    }
}

async fn send(engine: &Engine, topic: &str, options: ProducerOptions, pairs: &[(&str, &str)]) {
    let producer = engine.producer(topic, options).await;
    let message = |(key, value): &(&str, &str)| match *key {
        "" => Outgoing::new((*value).to_owned()),
        key => Outgoing::new((*value).to_owned()).key(key),
    };
    send_all(&producer, pairs.iter().map(message)).await;
    producer.close().await;
}

#[tokio::test]
async fn of_each_key_the_newest_is_read_and_then_all_that_follows() {
    on_every_engine(async |engine| {
        let topic = engine.topic("compacted");
        let single = || ProducerOptions { batching: None, ..ProducerOptions::default() };
        let pairs = [("a", "1"), ("b", "2"), ("", "no key"), ("a", "3"), ("c", "4"), ("b", ""), ("d", "5")];
        send(engine, &topic, single(), &pairs).await;
        let mut all = Peer::connect(engine).await;
        let from_start = CommandSubscribe { read_compacted: None, ..as_compacted(false) };
        all.subscribe(&topic, from_start).await;
        let ids: Vec<_> = read_until(&mut all, "d=5").await.into_iter().map(|(id, _)| id).collect();
        compact(engine, &topic).await;
        let internals = format!("{}/internalStats", topic.replace("://", "/"));
        let internals: serde_json::Value =
            serde_json::from_str(&call(engine, Method::GET, &internals).await.1).unwrap();
        assert_eq!(internals["compactedLedger"]["entries"], 3);
        send(engine, &topic, single(), &[("a", "6"), ("e", ""), ("", "end")]).await;
        for durable in [false, true] {
            let mut peer = Peer::connect(engine).await;
            peer.subscribe(&topic, as_compacted(durable)).await;
            let read = read_until(&mut peer, "-=end").await;
            assert_eq!(texts(&read), ["a=3", "c=4", "d=5", "a=6", "e=", "-=end"], "durable: {durable}");
            // They are known by what they were known by.
            let kept: Vec<_> = read[..3].iter().map(|(id, _)| *id).collect();
            assert_eq!(kept, [ids[3], ids[4], ids[6]]);
        }
        // Others read everything.
        let mut peer = Peer::connect(engine).await;
        let from_start = CommandSubscribe { read_compacted: None, ..as_compacted(false) };
        peer.subscribe(&topic, from_start).await;
        assert_eq!(read_until(&mut peer, "-=end").await.len(), 10);

        compact(engine, &topic).await;
        let mut peer = Peer::connect(engine).await;
        peer.subscribe(&topic, as_compacted(false)).await;
        assert_eq!(texts(&read_until(&mut peer, "a=6").await), ["c=4", "d=5", "a=6"]);
    })
    .await;
}

#[tokio::test]
async fn batches_are_taken_apart_and_keep_their_places() {
    on_every_engine(async |engine| {
        for compression in [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy] {
            let topic = engine.topic("compacted-batches");
            let batched = || ProducerOptions {
                compression,
                batching: Some(Batching::default()),
                ..ProducerOptions::default()
            };
            send(engine, &topic, batched(), &[("a", "1"), ("b", "2"), ("", "none"), ("c", "3"), ("c", "4")])
                .await;
            send(engine, &topic, batched(), &[("a", "5"), ("d", "6"), ("d", "")]).await;
            compact(engine, &topic).await;
            let mut peer = Peer::connect(engine).await;
            peer.subscribe(&topic, as_compacted(false)).await;
            // The last that is left: within its batch, where that had several.
            let last = last_message_id_of(&mut peer).await;
            assert_eq!(last.0, ["b=2", "c=4", "a=5"], "{compression:?}");
            assert_eq!(last.1.batch_index, Some(0));
        }
    })
    .await;
}

/// All that is read, and what is said to be last.
async fn last_message_id_of(peer: &mut Peer) -> (Vec<String>, MessageId) {
    let read = read_until(peer, "a=5").await;
    (texts(&read), last_message_id(peer).await)
}

#[tokio::test]
async fn the_last_message_of_what_is_compacted_is_the_last_that_is_left() {
    on_every_engine(async |engine| {
        let topic = engine.topic("compacted-last");
        let single = || ProducerOptions { batching: None, ..ProducerOptions::default() };
        send(engine, &topic, single(), &[("a", "1"), ("b", "2"), ("b", "")]).await;
        compact(engine, &topic).await;
        let mut compacted = Peer::connect(engine).await;
        compacted.subscribe(&topic, as_compacted(false)).await;
        let kept = read_until(&mut compacted, "a=1").await[0].0;
        assert_eq!(last_message_id(&mut compacted).await, kept);
        let mut all = Peer::connect(engine).await;
        all.subscribe(&topic, CommandSubscribe { read_compacted: None, ..as_compacted(false) }).await;
        let last = read_until(&mut all, "b=").await[2].0;
        assert_eq!(last_message_id(&mut all).await, last);
        // Nothing is left of the only key.
        send(engine, &topic, single(), &[("a", "")]).await;
        compact(engine, &topic).await;
        let mut compacted = Peer::connect(engine).await;
        compacted.subscribe(&topic, as_compacted(false)).await;
        let none = last_message_id(&mut compacted).await;
        assert_eq!((none.ledger, none.entry), (u64::MAX, u64::MAX));
    })
    .await;
}

#[tokio::test]
async fn only_one_consumer_in_order_reads_as_compacted() {
    on_every_engine(async |engine| {
        let topic = engine.topic("compacted-kinds");
        for (kind, is_allowed) in [
            (SubType::Exclusive, true),
            (SubType::Failover, true),
            (SubType::Shared, false),
            (SubType::KeyShared, false),
        ] {
            let mut peer = Peer::connect(engine).await;
            let subscribe = CommandSubscribe {
                topic: topic.clone(),
                subscription: format!("{kind:?}"),
                sub_type: kind.into(),
                consumer_id: 5,
                request_id: 11,
                ..as_compacted(true)
            };
            match peer.ask(&Command::Subscribe(Box::new(subscribe))).await {
                Command::Success(_) => assert!(is_allowed, "{kind:?}"),
                Command::Error(error) => {
                    assert!(!is_allowed, "{kind:?}: {error:?}");
                    assert_eq!(error.error(), ServerError::NotAllowedError);
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_durable_subscription_goes_on_in_what_is_compacted_where_it_was() {
    on_every_engine(async |engine| {
        let topic = engine.topic("compacted-on");
        let single = ProducerOptions { batching: None, ..ProducerOptions::default() };
        send(engine, &topic, single, &[("a", "1"), ("b", "2"), ("c", "3"), ("b", "4"), ("d", "5")]).await;
        let mut peer = Peer::connect(engine).await;
        let asked = as_compacted(true);
        peer.subscribe(&topic, asked.clone()).await;
        let read = read_until(&mut peer, "d=5").await;
        assert_eq!(texts(&read), ["a=1", "b=2", "c=3", "b=4", "d=5"]);
        peer.ack_cumulative(read[1].0).await;
        let close =
            CommandCloseConsumer { consumer_id: 5, request_id: 16, ..CommandCloseConsumer::default() };
        peer.say(&Command::CloseConsumer(close)).await;
        while peer.hears().await.command != Command::success(16) {}
        compact(engine, &topic).await;
        peer.subscribe(&topic, asked).await;
        assert_eq!(texts(&read_until(&mut peer, "d=5").await), ["c=3", "b=4", "d=5"]);
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_is_not_there_or_not_stored_is_not_compacted() {
    on_every_engine(async |engine| {
        let topic = engine.topic("compacted-none");
        assert_eq!(call(engine, Method::PUT, &path(&topic)).await.0, 404);
        assert_eq!(call(engine, Method::GET, &path(&topic)).await.0, 404);
        let name = TopicName::parse(&topic).unwrap();
        engine.admin.create_topic(&name).await.unwrap();
        let not_run = (200, r#"{"status":"NOT_RUN","lastError":""}"#.to_owned());
        assert_eq!(call(engine, Method::GET, &path(&topic)).await, not_run);
        // Of nothing, nothing is left.
        compact(engine, &topic).await;
    })
    .await;
}

/// Prints what a table view of the official client holds, and changes one key under it.
const TABLE_VIEW: &str = r"
import pulsar, sys, time
url, topic = sys.argv[1:]
client = pulsar.Client(url)
view = client.create_table_view(topic)
def show():
    items = {}
    view.for_each(lambda key, value: items.__setitem__(key, value.decode()))
    return ' '.join(f'{key}={value}' for key, value in sorted(items.items()))
print('>', show())
producer = client.create_producer(topic)
producer.send(b'9', partition_key='a')
deadline = time.time() + 20
while view.get('a') != b'9' and time.time() < deadline:
    pass
print('>', show())
client.close()
";

#[tokio::test]
async fn a_table_view_of_the_official_client_begins_with_what_is_compacted() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("compacted-table");
        let batched = ProducerOptions { batching: Some(Batching::default()), ..ProducerOptions::default() };
        send(engine, &topic, batched, &[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("c", "")]).await;
        compact(engine, &topic).await;
        let said = crate::foreign::python(&interpreter, TABLE_VIEW, &[&engine.url, &topic]).await;
        assert_eq!(said, ["a=3 b=2", "a=9 b=2"]);
    })
    .await;
}

/// What compaction left, what came since, and what comes.
#[tokio::test]
async fn our_table_view_begins_with_what_is_compacted() {
    on_every_engine(async |engine| {
        for batching in [None, Some(Batching::default())] {
            let topic = engine.topic("viewed");
            let options = ProducerOptions { batching, ..ProducerOptions::default() };
            let producer = engine.producer(&topic, options).await;
            let row = |key: &str, value: &str| Outgoing::new(value.to_owned()).key(key);
            send_all(&producer, [row("a", "1"), row("b", "1"), row("c", "1"), Outgoing::new("no key")]).await;
            send_all(&producer, [row("a", "2"), row("c", "")]).await;
            compact(engine, &topic).await;
            send_all(&producer, [row("b", "2"), row("d", "1"), row("d", "")]).await;
            let mut view = engine.client().await.table_view(&topic).await.unwrap();
            let mut rows: Vec<_> =
                view.snapshot().into_iter().map(|(key, message)| (key, text(&message))).collect();
            rows.sort();
            assert_eq!(rows, [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "2".to_owned())]);
            send_all(&producer, [row("c", "3")]).await;
            view.changed().await.unwrap();
            assert_eq!(text(&view.get("c").unwrap()), "3");
            // Compacted while somebody looks, and again from the beginning.
            compact(engine, &topic).await;
            let again = engine.client().await.table_view(&topic).await.unwrap();
            assert_eq!((again.len(), view.len()), (3, 3));
        }
    })
    .await;
}
