//! What messages are made of: batches, codecs, sizes, headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hexalpes_client::consumer::Message;
use hexalpes_client::{
    Batching, Codec, ConsumerOptions, MessageId, Outgoing, ProducerOptions, SendError, SubscriptionKind,
};

use crate::engine::{next, next_text, next_texts, numbers, on_every_engine, send_all};

const CODECS: [Codec; 5] = [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy];

/// Batches that nothing but a flush, or being full, closes.
fn patient() -> Batching {
    Batching { max_delay: Duration::from_mins(10), ..Batching::default() }
}

#[tokio::test]
async fn a_batch_of_one_is_received_as_its_message() {
    on_every_engine(async |engine| {
        let topic = engine.topic("batch-of-one");
        let options = ProducerOptions { batching: Some(patient()), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, [Outgoing::new("alone").key("k").property("p", "v")]).await;
        let message = next(&engine.consumer(&topic).await).await;
        assert_eq!((&message.payload[..], message.key.as_deref()), (&b"alone"[..], Some("k")));
        assert_eq!(message.property("p"), Some("v"));
        assert_eq!(message.id.batch_index, Some(0));
    })
    .await;
}

#[tokio::test]
async fn batches_of_every_codec_are_received() {
    on_every_engine(async |engine| {
        for compression in CODECS {
            let topic = engine.topic("codec");
            let options =
                ProducerOptions { compression, batching: Some(patient()), ..ProducerOptions::default() };
            let producer = engine.producer(&topic, options).await;
            let sent: Vec<_> = numbers(0..20).into_iter().map(|n| n.repeat(100)).collect();
            send_all(&producer, sent.clone()).await;
            let consumer = engine.consumer(&topic).await;
            assert_eq!(next_texts(&consumer, 20).await, sent, "{compression:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn single_messages_of_every_codec_are_received() {
    on_every_engine(async |engine| {
        for compression in CODECS {
            let topic = engine.topic("codec");
            let producer =
                engine.producer(&topic, ProducerOptions { compression, ..ProducerOptions::default() }).await;
            let long = "Juan Pérez 📡 ".repeat(1000);
            send_all(&producer, [long.as_str(), "", "short"].map(str::to_owned)).await;
            let consumer = engine.consumer(&topic).await;
            assert_eq!(next_texts(&consumer, 3).await, [&long, "", "short"], "{compression:?}");
        }
    })
    .await;
}

fn full_headers(sequence_id: u64) -> Outgoing {
    Outgoing {
        payload: Bytes::from("Ñandú & Cía"),
        key: Some("clave ñ".into()),
        ordering_key: Some(Bytes::from_static(&[0, 255])),
        properties: vec![("ce_id".into(), "1".into()), ("Juan".into(), "Pérez 📡".into())],
        event_time: Some(1_700_000_000_123),
        sequence_id: Some(sequence_id),
        schema_version: None,
        deliver_at: None,
        partition: None,
        alone: false,
    }
}

fn assert_full_headers(message: &Message, sequence_id: u64) {
    let sent = full_headers(sequence_id);
    assert_eq!(message.payload, sent.payload);
    assert_eq!(message.key.as_deref(), sent.key.as_deref());
    assert_eq!(message.ordering_key, sent.ordering_key);
    assert_eq!(Outgoing::new("").properties(message.properties.clone()).properties, sent.properties);
    assert_eq!(message.event_time, sent.event_time);
    assert_eq!(message.sequence_id, sequence_id);
    assert!(message.publish_time > 1_700_000_000_000);
}

#[tokio::test]
async fn headers_arrive_as_they_were_sent_alone_and_in_a_batch() {
    on_every_engine(async |engine| {
        for batching in [None, Some(patient())] {
            let topic = engine.topic("headers");
            let options = ProducerOptions { batching, ..ProducerOptions::named("ñ") };
            let producer = engine.producer(&topic, options).await;
            send_all(&producer, [full_headers(3), full_headers(9)]).await;
            let consumer = engine.consumer(&topic).await;
            for sequence_id in [3, 9] {
                let message = next(&consumer).await;
                assert_full_headers(&message, sequence_id);
                assert_eq!((message.producer_name.as_str(), &*message.topic), ("ñ", topic.as_str()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_of_the_maximum_size_is_stored_and_one_byte_more_is_refused() {
    on_every_engine(async |engine| {
        let topic = engine.topic("maximum");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let max_bytes = 5 * 1024 * 1024;
        let error = producer.send(Outgoing::new(vec![1; max_bytes + 1])).await.unwrap_err();
        assert!(matches!(error, SendError::TooLarge { .. }), "{error}");
        producer.send(Outgoing::new(vec![2; max_bytes])).await.unwrap();
        let message = next(&engine.consumer(&topic).await).await;
        assert!(message.payload.len() == max_bytes && message.payload.iter().all(|byte| *byte == 2));
        assert_eq!(message.sequence_id, 0, "what was refused has no place");
    })
    .await;
}

#[tokio::test]
async fn a_chunked_message_is_received_whole_and_acked_with_all_its_chunks() {
    on_every_engine(async |engine| {
        let topic = engine.topic("chunked");
        let options = ProducerOptions { chunking: true, ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        let consumer = engine.consumer(&topic).await;
        let large: Vec<u8> = (0..12_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        let id = producer.send(Outgoing::new(large.clone())).await.unwrap();
        producer.send(Outgoing::new("after")).await.unwrap();
        let message = next(&consumer).await;
        assert!(message.payload == large, "{} bytes", message.payload.len());
        assert_eq!(message.id, id);
        assert_eq!(next_text(&consumer).await, "after");
        consumer.ack(&message.id).await.unwrap();
        engine.backlog_becomes(&topic, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_delayed_message_is_not_batched() {
    on_every_engine(async |engine| {
        let topic = engine.topic("delayed");
        let options = ProducerOptions { batching: Some(patient()), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        let delayed = Outgoing { deliver_at: Some(now_millis()), ..Outgoing::new("later") };
        assert_eq!(producer.send(delayed).await.unwrap().batch_index, None);
    })
    .await;
}

#[tokio::test]
async fn a_delayed_message_comes_when_it_is_due() {
    on_every_engine(async |engine| {
        let topic = engine.topic("due");
        let shared = ConsumerOptions::new("sub").kind(SubscriptionKind::Shared).from_earliest();
        let consumer = engine.client().await.consumer(&topic, shared).await.unwrap();
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let due = now_millis() + 1500;
        let delayed = producer.send(Outgoing { deliver_at: Some(due), ..Outgoing::new("later") });
        let id = delayed.await.unwrap();
        send_all(&producer, ["now"]).await;
        assert_eq!(next_text(&consumer).await, "now");
        let later = next(&consumer).await;
        assert_eq!(
            (&later.payload[..], later.id),
            (&b"later"[..], MessageId { partition: later.id.partition, ..id })
        );
        assert!(now_millis() + 50 >= due, "it came {} ms early", due - now_millis());
    })
    .await;
}

#[allow(clippy::disallowed_methods, reason = "when a message is due is a matter of the wall clock")]
fn now_millis() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn the_schema_version_stays_with_its_message_and_divides_batches() {
    on_every_engine(async |engine| {
        let topic = engine.topic("schema-version");
        let options = ProducerOptions { batching: Some(patient()), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        let version = |n: u8| Some(Bytes::from(vec![0, 0, 0, 0, 0, 0, 0, n]));
        let versions = [None, version(1), version(1), version(2)];
        let sent = versions.clone().map(|schema_version| Outgoing { schema_version, ..Outgoing::new("x") });
        send_all(&producer, sent).await;
        let consumer = engine.consumer(&topic).await;
        for expected in versions {
            assert_eq!(next(&consumer).await.schema_version, expected);
        }
    })
    .await;
}
