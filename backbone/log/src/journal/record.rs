//! One record: an entry of a topic, or the news that a topic is deleted.

use crate::{format::Fields, position::TopicId};

/// One acknowledged entry of one topic, as it lies in the journal, and later, byte for byte the same, in
/// its segment:
///
/// | bytes | field | |
/// | --- | --- | --- |
/// | 4 | `length` | of everything after `checksum` |
/// | 4 | `checksum` | CRC32C of everything after it |
/// | 4 | `file` | number of the journal file it was written to: a reused file's old records don't count |
/// | 4 | `kind` | 1: an entry; 2: the topic is deleted, with all that came before |
/// | 8 | `topic` | as the broker numbered it |
/// | 8 | `ledger` | the segment it belongs in |
/// | 8 | `index` | in the topic, dense from 0 |
/// | 8 | `stamp` | what the broker finds it by, for instance its time |
/// | … | `payload` | the entry, opaque here |
///
/// A record is whole or absent: above the last synced offset, the first whose checksum does not hold
/// ends the journal; below it, it is damage, and recovery refuses to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) head: RecordHead,
    pub(crate) payload: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub(crate) file: u32,
    pub(crate) kind: Kind,
    pub(crate) topic: TopicId,
    pub(crate) ledger: u64,
    pub(crate) index: u64,
    pub(crate) stamp: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Entry = 1,
    TopicDeleted = 2,
}

/// Where the checksum begins to count.
const CHECKED_FROM: usize = 8;

pub(crate) const HEAD_BYTES: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("a record of {length} bytes ends after {available}")]
    Short { length: usize, available: usize },
    #[error("a record's length cannot be {length}")]
    Length { length: usize },
    #[error("a record's checksum does not match")]
    Checksum,
    #[error("a record is of the unknown kind {kind}")]
    Kind { kind: u32 },
}

impl RecordHead {
    /// How long the record of so long a payload is.
    pub(crate) const fn record_bytes(payload_bytes: usize) -> usize {
        HEAD_BYTES + payload_bytes
    }

    /// Appends the whole record to `out`; its payload is all `parts` in a row.
    pub(crate) fn encode(&self, parts: &[&[u8]], out: &mut Vec<u8>) {
        let start = out.len();
        let payload_bytes: usize = parts.iter().map(|part| part.len()).sum();
        let length = HEAD_BYTES - CHECKED_FROM + payload_bytes;
        let length = u32::try_from(length).expect("an entry is shorter than half a journal file");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.file.to_le_bytes());
        out.extend_from_slice(&(self.kind as u32).to_le_bytes());
        out.extend_from_slice(&self.topic.0.to_le_bytes());
        out.extend_from_slice(&self.ledger.to_le_bytes());
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(&self.stamp.to_le_bytes());
        for part in parts {
            out.extend_from_slice(part);
        }
        let checksum = crc32c::crc32c(&out[start + CHECKED_FROM..]);
        out[start + 4..start + CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
    }
}

impl<'a> Record<'a> {
    /// How long the record that begins here says it is, as far as that can be.
    pub(crate) fn announced_bytes(bytes: &[u8]) -> Option<usize> {
        let length = usize::try_from(Fields(bytes).u32()?).ok()?;
        (length >= HEAD_BYTES - CHECKED_FROM).then_some(CHECKED_FROM + length)
    }

    /// Takes the record that begins here, if it is whole.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let short = |length| RecordError::Short { length, available: bytes.len() };
        let mut fields = Fields(bytes);
        let (Some(length), Some(checksum)) = (fields.u32(), fields.u32()) else {
            return Err(short(HEAD_BYTES));
        };
        let length = length as usize;
        if length < HEAD_BYTES - CHECKED_FROM {
            return Err(RecordError::Length { length });
        }
        let Some(checked) = fields.0.get(..length) else {
            return Err(short(CHECKED_FROM + length));
        };
        if crc32c::crc32c(checked) != checksum {
            return Err(RecordError::Checksum);
        }
        let mut fields = Fields(checked);
        let held = "the length was checked";
        let (file, kind) = (fields.u32().expect(held), fields.u32().expect(held));
        let mut number = || fields.u64().expect(held);
        let (topic, ledger, index, stamp) = (TopicId(number()), number(), number(), number());
        let kind = match kind {
            1 => Kind::Entry,
            2 => Kind::TopicDeleted,
            kind => return Err(RecordError::Kind { kind }),
        };
        Ok(Self { head: RecordHead { file, kind, topic, ledger, index, stamp }, payload: fields.0 })
    }

    pub(crate) fn bytes(&self) -> usize {
        RecordHead::record_bytes(self.payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: RecordHead =
        RecordHead { file: 7, kind: Kind::Entry, topic: TopicId(3), ledger: 5, index: 11, stamp: 13 };

    fn encoded() -> Vec<u8> {
        let mut out = Vec::new();
        HEAD.encode(&[b"head", b"", b"payload"], &mut out);
        out
    }

    #[test]
    fn parts_come_back_as_one_payload() {
        let bytes = encoded();
        let record = Record::decode(&bytes).unwrap();
        assert_eq!(record, Record { head: HEAD, payload: b"headpayload" });
        assert_eq!(record.bytes(), bytes.len());
        assert_eq!(Record::announced_bytes(&bytes), Some(bytes.len()));
    }

    #[test]
    fn an_empty_payload_is_a_record_too() {
        let mut out = Vec::new();
        HEAD.encode(&[], &mut out);
        assert_eq!(Record::decode(&out).unwrap().payload, b"");
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let whole = encoded();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = encoded();
        for end in 0..whole.len() {
            assert!(matches!(Record::decode(&whole[..end]), Err(RecordError::Short { .. })), "cut at {end}");
        }
    }

    #[test]
    fn zeros_are_no_record() {
        assert_eq!(Record::decode(&[0; 512]), Err(RecordError::Length { length: 0 }));
    }
}
