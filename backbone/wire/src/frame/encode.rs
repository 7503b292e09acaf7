//! Writes frames. Commands are encoded in place: nothing is copied twice but the payload's bytes.

use bytes::{BufMut, BytesMut};
use prost::Message;

use super::payload::wire_len;
use super::{FRAME_OVERHEAD_BYTES, Payload};
use crate::proto::{BaseCommand, BrokerEntryMetadata, Command, MessageMetadata};

/// Appends a frame of a command alone.
pub fn encode(command: &Command, out: &mut BytesMut) {
    encode_head(command, 0, out);
}

/// Appends a frame of a command and headers and body as they are: what a broker stored, or a
/// [`Payload::new`] that may have to be sent again.
pub fn encode_with_payload(command: &Command, raw: &[u8], out: &mut BytesMut) {
    out.reserve(FRAME_OVERHEAD_BYTES.min(256) + raw.len());
    encode_head(command, raw.len(), out);
    out.extend_from_slice(raw);
}

/// Appends a frame of a command, headers and body, with a checksum.
pub fn encode_message(command: &Command, metadata: &MessageMetadata, body: &[u8], out: &mut BytesMut) {
    encode_head(command, Payload::encoded_len(metadata, body), out);
    Payload::write(metadata, body, out);
}

/// Appends a frame of a command and what was stored, with the broker's own metadata in front.
pub fn encode_delivery(command: &Command, entry: &BrokerEntryMetadata, raw: &[u8], out: &mut BytesMut) {
    encode_head(command, Payload::broker_entry_len(entry) + raw.len(), out);
    Payload::write_broker_entry(entry, out);
    out.extend_from_slice(raw);
}

/// Appends the beginning of a frame, up to the payload, which the caller writes: `payload_bytes` of it.
pub fn encode_head(command: &Command, payload_bytes: usize, out: &mut BytesMut) {
    // The field `type`, then the command as the one field that its type names.
    let kind = BaseCommand { r#type: command.kind().into(), command: None };
    let command_bytes = kind.encoded_len() + command.encoded_len();
    out.put_u32(wire_len(4 + command_bytes + payload_bytes));
    out.put_u32(wire_len(command_bytes));
    kind.encode(out).expect("a BytesMut grows");
    command.encode(out);
}
