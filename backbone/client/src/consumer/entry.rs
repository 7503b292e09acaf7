//! Opens what arrived: verifies, unpacks, and takes batches apart.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_wire::MessageId;
use hexalpes_wire::batch::{self, BatchReader};
use hexalpes_wire::compression::{self, CompressionError};
use hexalpes_wire::frame::{Checksum, Payload};
use hexalpes_wire::proto::{MessageMetadata, ValidationError};

use super::acks::Acks;
use super::chunks::{Chunk, Chunks};
use super::message::Message;
use crate::error::EntryError;

/// An entry as it arrived.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) id: MessageId,
    pub(super) redelivery_count: u32,
    pub(super) ack_set: Vec<i64>,
    pub(super) payload: Payload,
    /// How many messages the broker counts it as.
    pub(super) messages: u32,
}

/// What an entry came to.
#[derive(Debug)]
pub(super) enum Opened {
    /// Those that are not acked yet.
    Messages(Vec<Message>),
    /// A part of a message that is not complete.
    Part,
    /// Parts that cannot be put together with what came before.
    Misplaced { ids: Vec<MessageId>, publish_time: u64 },
}

/// What opening needs to know and to remember.
#[derive(Debug)]
pub(super) struct Opener<'a> {
    pub(super) topic: &'a Arc<str>,
    pub(super) max_message_bytes: usize,
    /// After a seek into a batch, those before it are not asked for.
    pub(super) not_before: Option<MessageId>,
    pub(super) acks: &'a mut Acks,
    pub(super) chunks: &'a mut Chunks,
}

impl Opener<'_> {
    pub(super) fn open(self, delivery: &Delivery) -> Result<Opened, EntryError> {
        if let Checksum::Wrong { stated, computed } = delivery.payload.checksum() {
            return Err(EntryError::Checksum { stated, computed });
        }
        let (metadata, body) = delivery.payload.open()?;
        if !metadata.encryption_keys.is_empty() {
            return Err(EntryError::Encrypted);
        }
        if !Chunks::is_chunk(&metadata) {
            let body = self.unpack(&metadata, &body)?;
            return self.messages(delivery, metadata, body).map(Opened::Messages);
        }
        match self.chunks.take(delivery.id, &metadata, &body) {
            Chunk::Taken => Ok(Opened::Part),
            Chunk::Misplaced(ids) => Ok(Opened::Misplaced { ids, publish_time: metadata.publish_time }),
            Chunk::Complete(body, before) => {
                let body = self.unpack(&metadata, &body)?;
                self.acks.chunked_arrived(delivery.id, before);
                self.messages(delivery, metadata, body).map(Opened::Messages)
            }
        }
    }

    fn unpack(&self, metadata: &MessageMetadata, body: &Bytes) -> Result<Bytes, CompressionError> {
        let codec = compression::codec(metadata.compression.unwrap_or_default())?;
        compression::decompress(codec, body, metadata.uncompressed_size() as usize, self.max_message_bytes)
    }

    fn messages(
        self,
        delivery: &Delivery,
        metadata: MessageMetadata,
        body: Bytes,
    ) -> Result<Vec<Message>, EntryError> {
        let &Delivery { id, redelivery_count, .. } = delivery;
        let topic = || Arc::clone(self.topic);
        let Some(size) = batch::size(&metadata)? else {
            if self.not_before.is_some_and(|first| id < first) {
                return Ok(Vec::new());
            }
            return Ok(vec![Message::alone(id, topic(), redelivery_count, metadata, body)]);
        };
        let singles = BatchReader::new(body, size).collect::<Result<Vec<_>, _>>()?;
        let mut unacked = self.acks.batch_arrived(id, size, &delivery.ack_set);
        // Compacted messages keep their place and are nobody's to ack.
        for ((single, _), index) in singles.iter().zip(0..) {
            if single.compacted_out() {
                unacked.ack(index);
            }
        }
        let wanted = |index| {
            unacked.contains(index) && self.not_before.is_none_or(|first| id.in_batch(index) >= first)
        };
        let messages = singles.into_iter().zip(0..).filter(|(_, index)| wanted(*index));
        let message = |((single, payload), index): (_, u32)| {
            let (id, offset) = (id.in_batch(index), u64::from(index));
            Message::in_batch(id, topic(), redelivery_count, &metadata, offset, single, payload)
        };
        Ok(messages.map(message).collect())
    }
}

impl EntryError {
    /// What the broker is told when the entry is thrown away; none if it is not to be.
    pub(super) const fn validation_error(&self) -> Option<ValidationError> {
        match self {
            Self::Checksum { .. } | Self::Payload(_) => Some(ValidationError::ChecksumMismatch),
            Self::Compression(CompressionError::TooLarge { .. } | CompressionError::WrongSize { .. }) => {
                Some(ValidationError::UncompressedSizeCorruption)
            }
            Self::Compression(_) => Some(ValidationError::DecompressionError),
            Self::Batch(_) => Some(ValidationError::BatchDeSerializeError),
            Self::Encrypted => None,
        }
    }
}
