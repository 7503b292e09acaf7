//! Which message of a topic is the newest of its key, and what is left of an entry once the others are gone.
//!
//! As Pulsar 4.0 decides it: an empty payload takes its key away, and what has no key goes too. A batch keeps its
//! places: what goes is marked in it, and the whole batch goes when nothing in it stays. What cannot be looked into, as
//! it is damaged, stays as it is; an encrypted batch counts as one message. Chunks stay with the last of theirs.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use bytes::{Bytes, BytesMut};
use hexalpes_wire::{
    batch::{self, BatchReader},
    compression::{Codec, compress, decompress},
    frame::Payload,
    proto::{MessageMetadata, SingleMessageMetadata},
};

use crate::subscription::Position;

/// A topic with more keys is not compacted: this is what memory has to hold of it, at some 60 bytes each.
pub(crate) const KEYS_MAX: usize = 4_000_000;
/// A batch that unpacks to more is taken for one that cannot be read.
const UNPACKED_BYTES_MAX: usize = 128 << 20;

/// A topic has more keys than memory is given for.
#[derive(Debug, thiserror::Error)]
#[error("topic has more than {KEYS_MAX} keys: it is not compacted")]
pub(crate) struct TooManyKeys;

/// The newest message of each key.
#[derive(Debug, Default)]
pub(super) struct Newest {
    /// Two hashes stand for a key: that two keys of a topic share both does not happen.
    hashers: [RandomState; 2],
    keys: HashMap<KeyHash, Place>,
    /// Of keys whose newest message is in chunks, which message that is.
    chunked: HashMap<KeyHash, KeyHash>,
}

type KeyHash = (u64, u64);

/// An entry, and which message in it; in one that is no batch, the first.
type Place = (Position, u32);

/// What is left of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    Whole,
    Part(Bytes),
    Nothing,
}

impl Newest {
    /// An entry follows those before. Says how many messages it has.
    pub(super) fn add(&mut self, position: Position, raw: &Bytes) -> Result<u64, TooManyKeys> {
        let Ok((metadata, body)) = Payload::from_raw(raw.clone()).open() else { return Ok(1) };
        let Some(count) = readable_batch(&metadata) else {
            if is_last_chunk(&metadata)
                && let Some(key) = &metadata.partition_key
            {
                let bytes = metadata.uncompressed_size.map_or(body.len(), |bytes| bytes as usize);
                self.put(key, (position, 0), bytes, metadata.uuid.as_deref())?;
            }
            return Ok(1);
        };
        let Ok(messages) = read(&metadata, &body, count) else { return Ok(count.into()) };
        let mut there = 0;
        for (index, (single, payload)) in (0..).zip(&messages) {
            if single.compacted_out() {
                continue;
            }
            there += 1;
            if let Some(key) = &single.partition_key {
                self.put(key, (position, index), payload.len(), None)?;
            }
        }
        Ok(there)
    }

    /// What stays of an entry, and how many messages of it.
    pub(super) fn left(&self, position: Position, raw: &Bytes) -> (Left, u64) {
        let Ok((metadata, body)) = Payload::from_raw(raw.clone()).open() else { return (Left::Whole, 1) };
        let Some(count) = readable_batch(&metadata) else {
            return if self.stays(position, &metadata) { (Left::Whole, 1) } else { (Left::Nothing, 0) };
        };
        let Ok(messages) = read(&metadata, &body, count) else { return (Left::Whole, count.into()) };
        let mut out = BytesMut::with_capacity(body.len());
        let mut stay = 0;
        let mut is_whole = true;
        for (index, (single, payload)) in (0..).zip(messages) {
            let stays = !single.compacted_out()
                && single.partition_key.as_ref().is_some_and(|key| self.is_newest(key, (position, index)));
            if stays {
                stay += 1;
                batch::write(single, &payload, &mut out);
            } else {
                is_whole &= single.compacted_out();
                let gone =
                    SingleMessageMetadata { compacted_out: Some(true), ..SingleMessageMetadata::default() };
                batch::write(gone, b"", &mut out);
            }
        }
        if stay == 0 {
            return (Left::Nothing, 0);
        }
        if is_whole {
            return (Left::Whole, stay);
        }
        let uncompressed_size = u32::try_from(out.len()).ok();
        let body = compress(metadata.compression(), &out.freeze());
        let metadata = MessageMetadata { uncompressed_size, ..metadata };
        (Left::Part(Payload::new(&metadata, &body).into_raw()), stay)
    }

    fn stays(&self, position: Position, metadata: &MessageMetadata) -> bool {
        let Some(key) = &metadata.partition_key else { return false };
        if is_last_chunk(metadata) {
            return self.is_newest(key, (position, 0));
        }
        let uuid = metadata.uuid.as_deref().map(|uuid| self.hash(uuid));
        uuid.is_some() && self.chunked.get(&self.hash(key)) == uuid.as_ref()
    }

    fn put(&mut self, key: &str, place: Place, bytes: usize, uuid: Option<&str>) -> Result<(), TooManyKeys> {
        let hash = self.hash(key);
        if bytes == 0 {
            self.keys.remove(&hash);
        } else {
            self.keys.insert(hash, place);
        }
        match uuid.filter(|_| bytes > 0) {
            Some(uuid) => drop(self.chunked.insert(hash, self.hash(uuid))),
            None => drop(self.chunked.remove(&hash)),
        }
        if self.keys.len() > KEYS_MAX { Err(TooManyKeys) } else { Ok(()) }
    }

    fn is_newest(&self, key: &str, place: Place) -> bool {
        self.keys.get(&self.hash(key)) == Some(&place)
    }

    fn hash(&self, key: &str) -> KeyHash {
        (self.hashers[0].hash_one(key), self.hashers[1].hash_one(key))
    }
}

/// The last message of an entry that was not taken out of it: none if it is no batch of several.
pub(crate) fn last_in_batch(raw: &Bytes) -> Option<u32> {
    let (metadata, body) = Payload::from_raw(raw.clone()).open().ok()?;
    let count = readable_batch(&metadata).filter(|count| *count > 1)?;
    let messages = read(&metadata, &body, count).ok()?;
    let last = messages.iter().rposition(|(single, _)| !single.compacted_out())?;
    u32::try_from(last).ok()
}

/// How many messages a batch has that can be looked into.
fn readable_batch(metadata: &MessageMetadata) -> Option<u32> {
    batch::size(metadata).ok().flatten().filter(|_| metadata.encryption_keys.is_empty())
}

/// Whether an entry is a message, or what ends one.
fn is_last_chunk(metadata: &MessageMetadata) -> bool {
    crate::topic::completes(metadata.chunk_id, metadata.num_chunks_from_msg)
}

/// The batch cannot be read.
struct Unreadable;

fn read(
    metadata: &MessageMetadata,
    body: &Bytes,
    count: u32,
) -> Result<Vec<(SingleMessageMetadata, Bytes)>, Unreadable> {
    let codec = Codec::try_from(metadata.compression.unwrap_or_default()).map_err(|_| Unreadable)?;
    let announced = metadata.uncompressed_size() as usize;
    let unpacked = decompress(codec, body, announced, UNPACKED_BYTES_MAX).map_err(|_| Unreadable)?;
    let messages: Vec<_> =
        BatchReader::new(unpacked, count).collect::<Result<_, _>>().map_err(|_| Unreadable)?;
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: Option<&str>, body: &str) -> Bytes {
        let partition_key = key.map(str::to_owned);
        let metadata = MessageMetadata { partition_key, ..MessageMetadata::default() };
        Payload::new(&metadata, body.as_bytes()).into_raw()
    }

    fn batch_of(codec: Codec, messages: &[(Option<&str>, &str)]) -> Bytes {
        let mut body = BytesMut::new();
        for (key, payload) in messages {
            let partition_key = key.map(str::to_owned);
            let single = SingleMessageMetadata { partition_key, ..SingleMessageMetadata::default() };
            batch::write(single, payload.as_bytes(), &mut body);
        }
        let metadata = MessageMetadata {
            compression: Some(codec.into()),
            uncompressed_size: u32::try_from(body.len()).ok(),
            num_messages_in_batch: i32::try_from(messages.len()).ok(),
            ..MessageMetadata::default()
        };
        Payload::new(&metadata, &compress(codec, &body.freeze())).into_raw()
    }

    /// What is left of each entry of a topic: none, or its messages, with nothing for those that went.
    fn compacted(entries: &[Bytes]) -> Vec<Option<Vec<String>>> {
        let position = |entry| Position::new(1, entry);
        let mut newest = Newest::default();
        for (entry, raw) in (0..).zip(entries) {
            newest.add(position(entry), raw).unwrap();
        }
        let text = |payload: &Bytes| String::from_utf8(payload.to_vec()).unwrap();
        let left = |(entry, raw): (u64, &Bytes)| {
            let raw = match newest.left(position(entry), raw).0 {
                Left::Nothing => return None,
                Left::Whole => raw.clone(),
                Left::Part(part) => part,
            };
            let (metadata, body) = Payload::from_raw(raw).open().unwrap();
            match readable_batch(&metadata) {
                None => Some(vec![text(&body)]),
                Some(count) => {
                    let messages = read(&metadata, &body, count).ok().unwrap();
                    Some(messages.iter().map(|(_, payload)| text(payload)).collect())
                }
            }
        };
        (0..).zip(entries).map(left).collect()
    }

    fn is(bodies: &[&str]) -> Vec<String> {
        bodies.iter().map(|&body| body.to_owned()).collect()
    }

    #[test]
    fn the_newest_of_each_key_stays_and_an_empty_one_takes_its_key_away() {
        let entries = [
            message(Some("a"), "1"),
            message(Some("b"), "2"),
            message(None, "no key"),
            message(Some("a"), "3"),
            message(Some("b"), ""),
        ];
        assert_eq!(compacted(&entries), [None, None, None, Some(is(&["3"])), None]);
    }

    #[test]
    fn a_batch_keeps_its_places_whatever_it_is_compressed_with() {
        for codec in [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy] {
            let first =
                batch_of(codec, &[(Some("a"), "1"), (None, "no key"), (Some("b"), "2"), (Some("c"), "3")]);
            let second = batch_of(codec, &[(Some("a"), "4"), (Some("c"), "")]);
            let third = batch_of(codec, &[(Some("x"), "5"), (Some("x"), "")]);
            let left = compacted(&[first, second, third]);
            assert_eq!(left, [Some(is(&["", "", "2", ""])), Some(is(&["4", ""])), None], "{codec:?}");
        }
    }

    #[test]
    fn what_was_compacted_is_compacted_again_and_knows_its_last_message() {
        let batch =
            batch_of(Codec::Lz4, &[(Some("a"), "1"), (Some("b"), "2"), (Some("a"), "3"), (Some("b"), "")]);
        let mut newest = Newest::default();
        assert_eq!(newest.add(Position::new(1, 0), &batch).unwrap(), 4);
        let (Left::Part(part), 1) = newest.left(Position::new(1, 0), &batch) else { panic!("one is left") };
        assert_eq!(last_in_batch(&part), Some(2));
        let mut again = Newest::default();
        assert_eq!(again.add(Position::new(1, 0), &part).unwrap(), 1);
        assert_eq!(again.left(Position::new(1, 0), &part), (Left::Whole, 1));
    }

    #[test]
    fn chunks_stay_with_the_last_of_theirs() {
        let chunk = |uuid: &str, id: i32, body: &str| {
            let metadata = MessageMetadata {
                partition_key: Some("a".to_owned()),
                uuid: Some(uuid.to_owned()),
                chunk_id: Some(id),
                num_chunks_from_msg: Some(2),
                ..MessageMetadata::default()
            };
            Payload::new(&metadata, body.as_bytes()).into_raw()
        };
        let entries =
            [chunk("p-0", 0, "o"), chunk("p-0", 1, "ld"), chunk("p-1", 0, "ne"), chunk("p-1", 1, "w")];
        assert_eq!(compacted(&entries), [None, None, Some(is(&["ne"])), Some(is(&["w"]))]);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let metadata = MessageMetadata { num_messages_in_batch: Some(3), ..MessageMetadata::default() };
        let damaged = Payload::new(&metadata, b"\0\0").into_raw();
        let mut newest = Newest::default();
        newest.add(Position::new(1, 0), &damaged).unwrap();
        assert_eq!(newest.left(Position::new(1, 0), &damaged), (Left::Whole, 3));
    }
}
