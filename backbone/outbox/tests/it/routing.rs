//! Rows that are no events go to the one topic that they name.

use bytes::Bytes;
use hexalpes_client::TopicName;
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Ids as _;
use hexalpes_outbox::{EVENTS_TOPIC, NewMessage, PROPERTIES_BYTES_MAX, RAW_TOPIC, append_to};

use crate::support::{Stage, names};

const DEAD_LETTERS: &str = "persistent://public/default/commands-commissions-dlq";

pub(crate) fn a_message(stage: &Stage, topic: &str, payload: &'static [u8]) -> NewMessage {
    NewMessage {
        id: stage.edge.uuid(),
        topic: TopicName::parse(topic).unwrap(),
        key: Some("com-1".to_owned()),
        properties: vec![("why".to_owned(), "no such commission: Ñandú".to_owned())],
        event_time: Some(1_736_937_000_000),
        payload: Bytes::from_static(payload),
    }
}

pub(crate) async fn append_message(stage: &Stage, message: NewMessage) -> Result<(), DbError> {
    let cause = stage.cause();
    stage.db.write(async move |tx: &Tx| append_to(tx, &cause, message.clone()).await).await
}

/// Accepts S0-CON-8.
#[tokio::test]
async fn a_message_goes_to_its_topic_alone_and_as_it_was() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    let payloads = [&b"\x02\xff\x00avro"[..], b"not JSON: \"", b""];
    for payload in payloads {
        stage.append(names(1)).await;
        append_message(&stage, a_message(&stage, DEAD_LETTERS, payload)).await.unwrap();
    }
    stage.drained().await;
    let letters = stage.messages(DEAD_LETTERS, "all").await;
    assert_eq!(letters.iter().map(|letter| &letter.payload[..]).collect::<Vec<_>>(), payloads);
    assert_eq!(letters[0].key.as_deref(), Some("com-1"));
    assert_eq!(letters[0].properties, [("why".to_owned(), "no such commission: Ñandú".to_owned())]);
    assert_eq!(letters[0].event_time, Some(1_736_937_000_000));
    assert_eq!(stage.messages(EVENTS_TOPIC, "all").await.len(), 3);
    assert_eq!(stage.messages(RAW_TOPIC, "all").await.len(), 3);
    relay.stop().await;
}

/// The topics of events end before the checkpoint then, which is no loss.
#[tokio::test]
async fn a_relay_goes_on_after_messages_of_their_own_topics() {
    let stage = Stage::set().await;
    for _ in 0..2 {
        let relay = stage.relay();
        stage.append(names(2)).await;
        append_message(&stage, a_message(&stage, DEAD_LETTERS, b"a")).await.unwrap();
        stage.drained().await;
        relay.stop().await;
    }
    assert_eq!(stage.messages(EVENTS_TOPIC, "all").await.len(), 4);
    assert_eq!(stage.messages(DEAD_LETTERS, "all").await.len(), 2);
}

#[tokio::test]
async fn messages_whose_checkpoint_was_lost_are_not_published_twice() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    for _ in 0..5 {
        append_message(&stage, a_message(&stage, DEAD_LETTERS, b"a")).await.unwrap();
    }
    stage.drained().await;
    relay.stop().await;
    stage.take_back(0).await;
    let relay = stage.relay();
    append_message(&stage, a_message(&stage, DEAD_LETTERS, b"last")).await.unwrap();
    stage.drained().await;
    assert_eq!(stage.messages(DEAD_LETTERS, "all").await.len(), 6);
    relay.stop().await;
}

/// More than may be open at once, in one read and in several, and each comes again after it was closed.
#[tokio::test]
async fn any_number_of_topics_gets_its_messages() {
    let stage = Stage::set().await;
    let topic = |number: usize| format!("persistent://public/default/dead-{number}");
    let append_to_each = async |payload| {
        for number in 0..70 {
            append_message(&stage, a_message(&stage, &topic(number), payload)).await.unwrap();
        }
    };
    append_to_each(b"a").await;
    append_to_each(b"b").await;
    let relay = stage.relay();
    append_to_each(b"c").await;
    stage.drained().await;
    for number in [0, 33, 69] {
        assert_eq!(stage.on(&topic(number), "all").await, ["a", "b", "c"]);
    }
    relay.stop().await;
}

#[tokio::test]
async fn headers_that_no_broker_would_take_are_refused_at_once() {
    let stage = Stage::set().await;
    let mut message = a_message(&stage, DEAD_LETTERS, b"a");
    message.properties.push(("trace".to_owned(), "x".repeat(PROPERTIES_BYTES_MAX)));
    let error = append_message(&stage, message).await.unwrap_err();
    assert!(error.to_string().contains("8192"), "{error}");
}
