//! A message that was received.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_wire::MessageId;
use hexalpes_wire::proto::{KeyValue, MessageMetadata, SingleMessageMetadata};

/// A message, unpacked. Its payload shares memory with what it arrived in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    /// By its whole name; of a topic with partitions, the partition.
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub key: Option<String>,
    /// The key is base64 of bytes, as clients write it whose keys are no text.
    pub key_is_base64: bool,
    pub ordering_key: Option<Bytes>,
    /// In the order in which they were sent.
    pub properties: Vec<(String, String)>,
    /// The application's time, milliseconds since 1970.
    pub event_time: Option<u64>,
    /// When the producer sent it, milliseconds since 1970.
    pub publish_time: u64,
    pub sequence_id: u64,
    pub producer_name: String,
    /// How often the broker sent it before.
    pub redelivery_count: u32,
    pub schema_version: Option<Bytes>,
    /// There is no value, as opposed to an empty one.
    pub is_null: bool,
}

/// What tells a consumer which message is meant: the message, or its id. An id alone does on a topic, and on one
/// with partitions if it says which.
pub trait Place {
    /// The id, and the topic or partition by its whole name.
    fn place(&self) -> (MessageId, Option<&str>);
}

impl Place for Message {
    fn place(&self) -> (MessageId, Option<&str>) {
        (self.id, Some(&self.topic))
    }
}

impl Place for MessageId {
    fn place(&self) -> (MessageId, Option<&str>) {
        (*self, None)
    }
}

impl Message {
    /// The first property of that name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn alone(
        id: MessageId,
        topic: Arc<str>,
        redelivery_count: u32,
        metadata: MessageMetadata,
        payload: Bytes,
    ) -> Self {
        Self {
            id,
            topic,
            payload,
            key_is_base64: metadata.partition_key_b64_encoded(),
            event_time: Some(metadata.event_time()).filter(|time| *time != 0),
            is_null: metadata.null_value(),
            key: metadata.partition_key,
            ordering_key: metadata.ordering_key,
            properties: pairs(metadata.properties),
            publish_time: metadata.publish_time,
            sequence_id: metadata.sequence_id,
            producer_name: metadata.producer_name,
            redelivery_count,
            schema_version: metadata.schema_version,
        }
    }

    /// `offset` is the place in the batch, for producers that number the batch's first message only.
    pub(super) fn in_batch(
        id: MessageId,
        topic: Arc<str>,
        redelivery_count: u32,
        batch: &MessageMetadata,
        offset: u64,
        single: SingleMessageMetadata,
        payload: Bytes,
    ) -> Self {
        Self {
            id,
            topic,
            payload,
            key_is_base64: single.partition_key_b64_encoded(),
            event_time: Some(single.event_time()).filter(|time| *time != 0),
            is_null: single.null_value(),
            key: single.partition_key,
            ordering_key: single.ordering_key,
            properties: pairs(single.properties),
            publish_time: batch.publish_time,
            sequence_id: single.sequence_id.unwrap_or(batch.sequence_id.saturating_add(offset)),
            producer_name: batch.producer_name.clone(),
            redelivery_count,
            schema_version: batch.schema_version.clone(),
        }
    }
}

fn pairs(properties: Vec<KeyValue>) -> Vec<(String, String)> {
    properties.into_iter().map(|pair| (pair.key, pair.value)).collect()
}
