//! Several messages in one payload: one after the other, each as
//!
//! | bytes | field | |
//! | --- | --- | --- |
//! | 4 | `metadata_size` | big end first |
//! | … | [`SingleMessageMetadata`] | its `payload_size` is the length of what follows |
//! | … | payload | |
//!
//! The whole is compressed, not each message. That a payload is a batch at all is said by
//! `num_messages_in_batch` in its [`MessageMetadata`]: where it is present the payload is a batch, also
//! when it says one.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

use crate::proto::{MessageMetadata, SingleMessageMetadata, SingleMessageSent};

/// A batch that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("batch ends in message {index}: {needed_bytes} bytes needed, {bytes} there")]
    Truncated { index: u32, needed_bytes: usize, bytes: usize },
    #[error("metadata of message {index} cannot be read: {source}")]
    Undecodable { index: u32, source: prost::DecodeError },
    #[error("batch says that it has {count} messages")]
    Count { count: i32 },
}

/// How many messages a payload has, if it is a batch.
pub fn size(metadata: &MessageMetadata) -> Result<Option<u32>, BatchError> {
    match metadata.num_messages_in_batch {
        None => Ok(None),
        Some(count) if count > 0 => Ok(Some(count.unsigned_abs())),
        Some(count) => Err(BatchError::Count { count }),
    }
}

/// Appends one message. Its `payload_size` is set here.
pub fn write(mut metadata: SingleMessageMetadata, payload: &[u8], out: &mut BytesMut) {
    metadata.payload_size = size_of(payload);
    append(&metadata, payload, out);
}

/// The same, of who sends it.
pub fn write_sent(mut metadata: SingleMessageSent, payload: &[u8], out: &mut BytesMut) {
    metadata.payload_size = size_of(payload);
    append(&metadata, payload, out);
}

fn size_of(payload: &[u8]) -> i32 {
    i32::try_from(payload.len()).expect("a message is shorter than 2 GiB")
}

fn append(metadata: &impl Message, payload: &[u8], out: &mut BytesMut) {
    let metadata_bytes = metadata.encoded_len();
    out.reserve(4 + metadata_bytes + payload.len());
    out.put_u32(u32::try_from(metadata_bytes).expect("metadata is shorter than 4 GiB"));
    metadata.encode(out).expect("a BytesMut grows");
    out.extend_from_slice(payload);
}

/// A bound, and a close one, on what [`write()`] or [`write_sent()`] will append.
pub fn encoded_len(metadata: &impl Message, payload: &[u8]) -> usize {
    // Whatever `payload_size` holds now, a varint of an i32 that is not negative has at most 5 bytes.
    4 + metadata.encoded_len() + 5 + payload.len()
}

/// The messages of a batch in their order. Ends at the first that cannot be read.
#[derive(Clone, Debug)]
pub struct BatchReader {
    rest: Bytes,
    next: u32,
    count: u32,
}

impl BatchReader {
    /// `body` is uncompressed, `count` what [`size`] said.
    pub const fn new(body: Bytes, count: u32) -> Self {
        Self { rest: body, next: 0, count }
    }

    fn read(&mut self) -> Result<(SingleMessageMetadata, Bytes), BatchError> {
        let index = self.next;
        let metadata_bytes = self.take(4)?.get_u32() as usize;
        let metadata = SingleMessageMetadata::decode(self.take(metadata_bytes)?)
            .map_err(|source| BatchError::Undecodable { index, source })?;
        // A negative size is far more than any batch has.
        let payload = self.take(usize::try_from(metadata.payload_size).unwrap_or(usize::MAX))?;
        Ok((metadata, payload))
    }

    fn take(&mut self, needed_bytes: usize) -> Result<Bytes, BatchError> {
        let bytes = self.rest.len();
        if needed_bytes > bytes {
            return Err(BatchError::Truncated { index: self.next, needed_bytes, bytes });
        }
        Ok(self.rest.split_to(needed_bytes))
    }
}

impl Iterator for BatchReader {
    type Item = Result<(SingleMessageMetadata, Bytes), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let message = self.read();
        self.next = if message.is_ok() { self.next + 1 } else { self.count };
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;
    use crate::proto::{KeyValue, PropertySent};

    fn keyed(key: &str) -> SingleMessageMetadata {
        SingleMessageMetadata { partition_key: Some(key.to_owned()), ..SingleMessageMetadata::default() }
    }

    #[test]
    fn a_batch_gives_its_messages_back_in_order() {
        let mut body = BytesMut::new();
        for (key, payload) in [("a", "one"), ("b", ""), ("c", "three")] {
            write(keyed(key), payload.as_bytes(), &mut body);
        }
        let read: Vec<_> = BatchReader::new(body.freeze(), 3).map(Result::unwrap).collect();
        let payloads: Vec<_> = read.iter().map(|(_, payload)| &payload[..]).collect();
        assert_eq!(payloads, [&b"one"[..], b"", b"three"]);
        assert_eq!(read[2].0.partition_key(), "c");
    }

    #[test]
    fn what_is_sent_is_read_as_the_whole_has_it() {
        let sent = SingleMessageSent {
            properties: vec![PropertySent { key: "ñ".into(), value: Bytes::new() }],
            partition_key: Some("k".into()),
            payload_size: 0,
            event_time: Some(3),
            ordering_key: Some("o".into()),
            sequence_id: Some(0),
        };
        let whole = SingleMessageMetadata {
            properties: vec![KeyValue::new("ñ", "")],
            event_time: Some(3),
            ordering_key: Some("o".into()),
            sequence_id: Some(0),
            ..keyed("k")
        };
        let (mut one, mut other) = (BytesMut::new(), BytesMut::new());
        write_sent(sent, b"x", &mut one);
        write(whole, b"x", &mut other);
        assert_eq!(one, other);
    }

    #[test]
    fn a_batch_of_one_is_a_batch() {
        let one = MessageMetadata { num_messages_in_batch: Some(1), ..MessageMetadata::default() };
        assert_eq!(size(&one), Ok(Some(1)));
        assert_eq!(size(&MessageMetadata::default()), Ok(None));
    }

    #[test]
    fn a_batch_that_is_shorter_than_it_says_ends_with_an_error() {
        let mut body = BytesMut::new();
        write(keyed("a"), b"one", &mut body);
        let mut reader = BatchReader::new(body.freeze(), u32::MAX);
        assert!(reader.next().unwrap().is_ok());
        assert!(matches!(reader.next(), Some(Err(BatchError::Truncated { index: 1, .. }))));
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_negative_size_is_an_error() {
        let mut body = BytesMut::new();
        let metadata = SingleMessageMetadata { payload_size: -1, ..SingleMessageMetadata::default() };
        body.put_u32(u32::try_from(metadata.encoded_len()).unwrap());
        metadata.encode(&mut body).unwrap();
        assert!(BatchReader::new(body.freeze(), 1).next().unwrap().is_err());
    }
}
