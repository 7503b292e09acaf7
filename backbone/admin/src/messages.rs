//! Messages, looked at one by one and not consumed: an entry's body, unpacked, with its headers as those of HTTP.

use std::fmt::Write;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use hexalpes_broker::{Broker, StoredEntry};
use hexalpes_wire::{
    MessageId,
    compression::{codec, decompress},
    frame::Payload,
    proto::MessageMetadata,
};
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    blocking,
    each::whole,
    extract::{Body, Path, Query, Topic},
    positions::{Id, IdView},
    refusal::Refusal,
    subscriptions::NumberPath,
};

/// No message unpacks to more.
const BODY_BYTES_MAX: usize = 64 << 20;

/// What Pulsar counts as a batch's beside its body: checksum and the length of its metadata.
const FRAME_BYTES: usize = 10;

/// Which message of a topic is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Which {
    /// `earliest`; anything else means the end, as to Pulsar.
    initial_position: String,
    /// Counted from 1.
    message_position: i64,
}

impl Default for Which {
    fn default() -> Self {
        Self { initial_position: "latest".to_owned(), message_position: 1 }
    }
}

pub(crate) async fn peek(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, subscription, nth)): NumberPath,
) -> Result<Response, Refusal> {
    let nth = u64::try_from(nth).ok().filter(|nth| *nth > 0).ok_or(Refusal::Nth)?;
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        broker.peek(&topic, &subscription, nth)?.ok_or(Refusal::NoMessage)
    })
    .await
    .and_then(shown)
}

pub(crate) async fn by_id(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, ledger, entry)): Path<(String, String, String, i64, i64)>,
) -> Result<Response, Refusal> {
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        let id = MessageId::new(ledger.cast_unsigned(), entry.cast_unsigned());
        broker.entry(&topic, id)?.ok_or(Refusal::NoMessage)
    })
    .await
    .and_then(shown)
}

pub(crate) async fn examine(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        let from_end = !which.initial_position.eq_ignore_ascii_case("earliest");
        let nth = u64::try_from(which.message_position).unwrap_or(0);
        broker.examine(&topic, from_end, nth)?.ok_or(Refusal::NothingToExamine)
    })
    .await
    .and_then(shown)
}

pub(crate) async fn last(State(broker): State<Broker>, Topic(topic): Topic) -> Result<Json<IdView>, Refusal> {
    blocking(broker, move |broker| Ok(Json(broker.last_message(&topic)?.into()))).await
}

/// The first message that was published at this time or later, or where the next one will be.
pub(crate) async fn by_time(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, time)): Path<(String, String, String, i64)>,
) -> Result<Json<IdView>, Refusal> {
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(Json(broker.first_published_at(&topic, u64::try_from(time).unwrap_or(0))?.into()))
    })
    .await
}

/// What the messages behind one take, in bytes.
pub(crate) async fn backlog_size(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<Json<u64>, Refusal> {
    let id = Id::parse(&body)?;
    blocking(broker, move |broker| {
        whole(broker, &topic)?;
        Ok(Json(broker.bytes_behind(&topic, id.message())?))
    })
    .await
}

/// An encrypted body is shown as it lies there.
fn shown(entry: StoredEntry) -> Result<Response, Refusal> {
    let StoredEntry { id, raw } = entry;
    let payload = Payload::from_raw(raw);
    let (metadata, body) = payload.open().map_err(|error| Refusal::Entry(error.to_string()))?;
    let size = usize::try_from(metadata.uncompressed_size()).unwrap_or(usize::MAX);
    let packed_bytes = body.len();
    let is_encrypted = !metadata.encryption_keys.is_empty();
    let body = if is_encrypted {
        body
    } else {
        let codec = codec(metadata.compression.unwrap_or(0));
        codec
            .and_then(|codec| decompress(codec, &body, size, BODY_BYTES_MAX))
            .map_err(|error| Refusal::Entry(error.to_string()))?
    };
    let mut headers = headers(id, &metadata, packed_bytes);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok((headers, body).into_response())
}

/// Under Pulsar's names. What no header can say is left out.
fn headers(id: MessageId, metadata: &MessageMetadata, packed_bytes: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut say = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let time = |ms: u64| {
        let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())?;
        Some(time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    };
    say("x-pulsar-message-id", Some(format!("{}:{}", id.ledger, id.entry)));
    let properties: Map<String, Value> =
        metadata.properties.iter().map(|pair| (pair.key.clone(), pair.value.clone().into())).collect();
    say("x-pulsar-property", Some(ascii(&Value::Object(properties).to_string())));
    say("x-pulsar-publish-time", time(metadata.publish_time));
    say("x-pulsar-event-time", metadata.event_time.filter(|at| *at > 0).and_then(time));
    let deliver_at = metadata.deliver_at_time.and_then(|at| u64::try_from(at).ok());
    say("x-pulsar-deliver-at-time", deliver_at.and_then(time));
    if let Some(messages) = metadata.num_messages_in_batch {
        say("x-pulsar-num-batch-message", Some(messages.to_string()));
        say("x-pulsar-batch-size", Some((packed_bytes + FRAME_BYTES).to_string()));
    }
    say("x-pulsar-null-value", metadata.null_value.map(|is_null| is_null.to_string()));
    say("x-pulsar-is-encrypted", Some((!metadata.encryption_keys.is_empty()).to_string()));
    say("x-pulsar-producer-name", Some(metadata.producer_name.clone()));
    say("x-pulsar-sequence-id", Some(metadata.sequence_id.to_string()));
    say("x-pulsar-replicated-from", metadata.replicated_from.clone());
    say("x-pulsar-partition-key", metadata.partition_key.clone());
    let is_base64 = metadata.partition_key_b64_encoded;
    say("x-pulsar-partition-key-b64-encoded", is_base64.map(|is_base64| is_base64.to_string()));
    let compression = metadata.compression.and_then(|number| codec(number).ok());
    say("x-pulsar-compression", compression.map(|codec| format!("{codec:?}").to_uppercase()));
    say("x-pulsar-uncompressed-size", metadata.uncompressed_size.map(|size| size.to_string()));
    headers
}

/// JSON that a header can hold: what is beyond ASCII is escaped.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("a string takes whatever is written to it");
        }
    }
    out
}
