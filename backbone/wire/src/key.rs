//! What a message is ordered by, and Pulsar's hashes of it: what `Key_Shared` subscriptions share messages by, and
//! producers find a key's partition with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use prost::Message;

/// Stands for the key of what has none and does not say who sent it either.
const NO_KEY: &[u8] = b"NONE_KEY";

/// The few fields of [`MessageMetadata`](crate::proto::MessageMetadata) that say what a message is ordered by.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct KeyPeek {
    #[prost(string, optional, tag = "1")]
    producer_name: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    sequence_id: Option<u64>,
    #[prost(string, optional, tag = "6")]
    partition_key: Option<String>,
    #[prost(bool, optional, tag = "17", default = "false")]
    partition_key_b64_encoded: Option<bool>,
    #[prost(bytes = "bytes", optional, tag = "18")]
    ordering_key: Option<Bytes>,
}

impl KeyPeek {
    /// The ordering key, else the key, else a key that no other message has.
    pub fn ordered_by(&self) -> Bytes {
        let none = || Bytes::from_static(NO_KEY);
        match (&self.ordering_key, &self.partition_key, &self.producer_name, self.sequence_id) {
            (Some(key), ..) => key.clone(),
            (None, Some(key), ..) if self.partition_key_b64_encoded() => {
                STANDARD.decode(key).map_or_else(|_| none(), Bytes::from)
            }
            (None, Some(key), ..) => Bytes::copy_from_slice(key.as_bytes()),
            (None, None, Some(name), Some(sequence_id)) => Bytes::from(format!("{name}-{sequence_id}")),
            (None, None, ..) => none(),
        }
    }
}

/// `MurmurHash3_x86_32` with the seed 0, as Austin Appleby published it.
pub fn murmur3_32(bytes: &[u8]) -> u32 {
    let scramble = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0_u32, |hash, block| {
        (hash ^ scramble(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    let last = tail.iter().rev().fold(0, |last, byte| last << 8 | u32::from(*byte));
    hash ^= scramble(last);
    #[expect(clippy::cast_possible_truncation, reason = "the algorithm takes the length's low 32 bits")]
    let length = bytes.len() as u32;
    hash ^= length;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// The hash of a string as Java defines it: over its UTF-16 code units, from the first to the last.
pub fn java_string_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::MessageMetadata;

    fn key_of(metadata: &MessageMetadata) -> Bytes {
        KeyPeek::decode(metadata.encode_to_vec().as_slice()).unwrap().ordered_by()
    }

    #[test]
    fn the_hash_is_murmur3() {
        assert_eq!(murmur3_32(b""), 0);
        assert_eq!(murmur3_32(b"hello"), 0x248b_fa47);
        assert_eq!(murmur3_32(b"hello, world"), 0x149b_bb7f);
        assert_eq!(murmur3_32(b"The quick brown fox jumps over the lazy dog"), 0x2e4f_f723);
    }

    #[test]
    fn a_string_has_the_hash_that_java_gives_it() {
        assert_eq!(java_string_hash(""), 0);
        assert_eq!(java_string_hash("hello"), 99_162_322);
        assert_eq!(java_string_hash("polygenelubricants").cast_signed(), i32::MIN);
        // A pair of surrogates counts as two.
        assert_eq!(java_string_hash("📡"), 0xd83d * 31 + 0xdce1);
    }

    #[test]
    fn an_ordering_key_goes_before_a_key_and_a_key_before_who_sent_it() {
        let mut metadata =
            MessageMetadata { producer_name: "p".to_owned(), sequence_id: 7, ..MessageMetadata::default() };
        assert_eq!(key_of(&metadata), "p-7");
        metadata.partition_key = Some("AP8=".to_owned());
        assert_eq!(key_of(&metadata), "AP8=");
        metadata.partition_key_b64_encoded = Some(true);
        assert_eq!(key_of(&metadata), &[0, 255][..]);
        metadata.partition_key = Some("no base64".to_owned());
        assert_eq!(key_of(&metadata), NO_KEY);
        metadata.ordering_key = Some(Bytes::from_static(b"order"));
        assert_eq!(key_of(&metadata), "order");
    }
}
