//! What follows the command of a SEND or a MESSAGE.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

use crate::key::KeyPeek;
use crate::proto::{BrokerEntryMetadata, MessageMetadata, MetadataPeek};

const CHECKSUM_MAGIC: u16 = 0x0e01;
const BROKER_ENTRY_MAGIC: u16 = 0x0e02;

/// Headers and body of one entry, as they came:
///
/// | bytes | field | |
/// | --- | --- | --- |
/// | 2, 4, … | `0x0e02`, size, [`BrokerEntryMetadata`] | optional, from brokers only |
/// | 2, 4 | `0x0e01`, CRC32C of everything after it | optional |
/// | 4 | `metadata_size` | |
/// | … | [`MessageMetadata`] | |
/// | … | body | one message, or a [batch](crate::batch), perhaps [compressed](crate::compression) |
///
/// Nothing in here was looked at yet: a payload whose checksum does not hold is still a payload, so that
/// its SEND can be answered. It shares the buffer that it was read into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    raw: Bytes,
}

/// Whether a payload is what its sender made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    Valid,
    /// There is none. Pulsar's broker takes such a message, as old clients send it.
    Missing,
    Wrong {
        stated: u32,
        computed: u32,
    },
}

/// Headers that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error("payload ends in its {part}: {needed_bytes} bytes needed, {bytes} there")]
    Truncated { part: &'static str, needed_bytes: usize, bytes: usize },
    #[error("payload's {part} cannot be read: {source}")]
    Undecodable { part: &'static str, source: prost::DecodeError },
}

impl Payload {
    /// Takes headers and body as they were stored or received.
    pub const fn from_raw(raw: Bytes) -> Self {
        Self { raw }
    }

    /// Writes headers and body, with a checksum.
    pub fn new(metadata: &MessageMetadata, body: &[u8]) -> Self {
        let mut out = BytesMut::with_capacity(Self::encoded_len(metadata, body));
        Self::write(metadata, body, &mut out);
        Self { raw: out.freeze() }
    }

    /// How many bytes [`Payload::new`] writes in front of the body.
    pub fn headers_len(metadata: &MessageMetadata) -> usize {
        2 + 4 + 4 + metadata.encoded_len()
    }

    pub(super) fn encoded_len(metadata: &MessageMetadata, body: &[u8]) -> usize {
        Self::headers_len(metadata) + body.len()
    }

    pub(super) fn write(metadata: &MessageMetadata, body: &[u8], out: &mut BytesMut) {
        out.put_u16(CHECKSUM_MAGIC);
        let checksum_at = out.len();
        out.put_u32(0);
        let checked_from = out.len();
        out.put_u32(wire_len(metadata.encoded_len()));
        metadata.encode(out).expect("a BytesMut grows");
        out.extend_from_slice(body);
        let checksum = crc32c::crc32c(&out[checked_from..]);
        out[checksum_at..checked_from].copy_from_slice(&checksum.to_be_bytes());
    }

    pub(super) fn write_broker_entry(entry: &BrokerEntryMetadata, out: &mut BytesMut) {
        out.put_u16(BROKER_ENTRY_MAGIC);
        out.put_u32(wire_len(entry.encoded_len()));
        entry.encode(out).expect("a BytesMut grows");
    }

    pub(super) fn broker_entry_len(entry: &BrokerEntryMetadata) -> usize {
        2 + 4 + entry.encoded_len()
    }

    /// Everything, verbatim: what a broker stores and sends on.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    pub fn into_raw(self) -> Bytes {
        self.raw
    }

    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Computes the checksum and compares. Reads the whole body.
    pub fn checksum(&self) -> Checksum {
        let mut rest = self.raw.clone();
        if take_broker_entry(&mut rest).is_err() {
            return Checksum::Missing;
        }
        match take_checksum(&mut rest) {
            Ok(None) | Err(_) => Checksum::Missing,
            Ok(Some(stated)) => match crc32c::crc32c(&rest) {
                computed if computed == stated => Checksum::Valid,
                computed => Checksum::Wrong { stated, computed },
            },
        }
    }

    /// What the broker put in front, if it did.
    pub fn broker_entry(&self) -> Result<Option<BrokerEntryMetadata>, PayloadError> {
        take_broker_entry(&mut self.raw.clone())
    }

    /// Reads the headers and leaves the body as it is. The checksum is not looked at.
    pub fn open(&self) -> Result<(MessageMetadata, Bytes), PayloadError> {
        self.open_as()
    }

    /// Reads of the headers what a broker routes by.
    pub fn peek(&self) -> Result<MetadataPeek, PayloadError> {
        self.open_as().map(|(peek, _)| peek)
    }

    /// Reads of the headers what the message is ordered by.
    pub fn peek_key(&self) -> Result<KeyPeek, PayloadError> {
        self.open_as().map(|(peek, _)| peek)
    }

    fn open_as<M: Message + Default>(&self) -> Result<(M, Bytes), PayloadError> {
        let mut rest = self.raw.clone();
        take_broker_entry(&mut rest)?;
        take_checksum(&mut rest)?;
        let metadata = take_message(&mut rest, "metadata")?;
        Ok((metadata, rest))
    }
}

fn take_broker_entry(rest: &mut Bytes) -> Result<Option<BrokerEntryMetadata>, PayloadError> {
    if !rest.starts_with(&BROKER_ENTRY_MAGIC.to_be_bytes()) {
        return Ok(None);
    }
    rest.advance(2);
    take_message(rest, "broker entry metadata").map(Some)
}

fn take_checksum(rest: &mut Bytes) -> Result<Option<u32>, PayloadError> {
    if !rest.starts_with(&CHECKSUM_MAGIC.to_be_bytes()) {
        return Ok(None);
    }
    rest.advance(2);
    take_u32(rest, "checksum").map(Some)
}

fn take_message<M: Message + Default>(rest: &mut Bytes, part: &'static str) -> Result<M, PayloadError> {
    let bytes = take_u32(rest, part)? as usize;
    enough(rest, bytes, part)?;
    M::decode(rest.split_to(bytes)).map_err(|source| PayloadError::Undecodable { part, source })
}

fn take_u32(rest: &mut Bytes, part: &'static str) -> Result<u32, PayloadError> {
    enough(rest, 4, part)?;
    Ok(rest.get_u32())
}

fn enough(rest: &Bytes, needed_bytes: usize, part: &'static str) -> Result<(), PayloadError> {
    if rest.len() < needed_bytes {
        return Err(PayloadError::Truncated { part, needed_bytes, bytes: rest.len() });
    }
    Ok(())
}

/// A length as the wire has it. Everything that is written here is bounded far below 4 GiB.
pub(super) fn wire_len(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("what one frame holds is shorter than 4 GiB")
}
