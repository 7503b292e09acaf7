//! Turns messages into what a SEND carries: one message, a batch, or chunks of one.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use hexalpes_wire::batch;
use hexalpes_wire::compression::{self, Codec};
use hexalpes_wire::frame::Payload;
use hexalpes_wire::proto::{CommandSend, KeyValue, MessageMetadata, PropertySent, SingleMessageSent};

use super::pending::{Pending, Waiting};
use super::waiter::Waiter;
use super::{Batching, Outgoing};
use crate::clock;
use crate::error::SendError;

/// What headers may take beside the largest body. The broker allows 10 KiB for these and the command.
const HEADER_BYTES_MAX: usize = 9 * 1024;
/// What the chunk's own fields add to the metadata: its name, its place, the sizes.
const CHUNK_FIELDS_BYTES: usize = 64;

/// How a producer packs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing<'a> {
    pub(super) producer_name: &'a str,
    pub(super) codec: Codec,
    pub(super) max_message_bytes: usize,
    pub(super) chunking: bool,
}

impl Packing<'_> {
    /// A message by itself: one SEND, or several chunks of which the last has the waiter.
    pub(super) fn message(
        self,
        message: Outgoing,
        sequence_id: u64,
        waiter: Waiter,
    ) -> Result<Vec<Pending>, (SendError, Waiter)> {
        let mut packed = match self.packed(message, sequence_id) {
            Ok(packed) => packed,
            Err(error) => return Err((error, waiter)),
        };
        if let Some(last) = packed.last_mut() {
            last.waiting = Waiting::Message(waiter);
        }
        Ok(packed)
    }

    /// The same, for which nobody waits yet.
    pub(super) fn packed(self, message: Outgoing, sequence_id: u64) -> Result<Vec<Pending>, SendError> {
        let mut metadata = self.metadata(sequence_id);
        let pair = |(key, value): (ByteString, ByteString)| KeyValue::new(key, value);
        metadata.properties = message.properties.into_iter().map(pair).collect();
        metadata.partition_key = message.key.map(String::from);
        metadata.ordering_key = message.ordering_key;
        metadata.event_time = message.event_time;
        metadata.schema_version = message.schema_version;
        metadata.deliver_at_time = message.deliver_at.map(u64::cast_signed);
        let bytes = message.payload.len();
        let (body, codec) = compressed(self.codec, message.payload);
        say_packed(&mut metadata, bytes, codec);
        if body.len() > self.max_message_bytes && self.chunking {
            return self.chunks(&metadata, &body);
        }
        let payload = self.seal(&metadata, &body)?;
        let send = CommandSend { sequence_id, ..CommandSend::default() };
        Ok(vec![Pending { send, payload, waiting: Waiting::Chunk }])
    }

    fn chunks(self, metadata: &MessageMetadata, body: &Bytes) -> Result<Vec<Pending>, SendError> {
        let headers = Payload::headers_len(metadata) + self.producer_name.len() + CHUNK_FIELDS_BYTES;
        let chunk_bytes = self.max_message_bytes.saturating_sub(headers);
        let too_large = SendError::TooLarge { bytes: body.len(), max_bytes: self.max_message_bytes };
        let count = body.len().checked_div(chunk_bytes).map(|_| body.len().div_ceil(chunk_bytes));
        let (Some(count), Ok(total)) = (count.and_then(|n| i32::try_from(n).ok()), i32::try_from(body.len()))
        else {
            return Err(too_large);
        };
        let sequence_id = metadata.sequence_id;
        let uuid = format!("{}-{sequence_id}", self.producer_name);
        let mut chunks = Vec::new();
        for chunk_id in 0..count {
            let start = chunks.len() * chunk_bytes;
            let part = body.slice(start..body.len().min(start + chunk_bytes));
            let metadata = MessageMetadata {
                uuid: Some(uuid.clone()),
                chunk_id: Some(chunk_id),
                num_chunks_from_msg: Some(count),
                total_chunk_msg_size: Some(total),
                ..metadata.clone()
            };
            let payload = Payload::new(&metadata, &part).into_raw();
            let send = CommandSend { sequence_id, is_chunk: Some(true), ..CommandSend::default() };
            chunks.push(Pending { send, payload, waiting: Waiting::Chunk });
        }
        Ok(chunks)
    }

    /// A batch as one SEND; it was kept small enough while it was filled.
    pub(super) fn batch(self, batch: Packed, waiters: Vec<Waiter>) -> Pending {
        let Packed { body, uncompressed_bytes, codec, key, first, highest, schema_version, messages } = batch;
        let count = i32::try_from(messages).expect("a batch is bounded far below 2^31 messages");
        let mut metadata = self.metadata(first);
        metadata.num_messages_in_batch = Some(count);
        metadata.highest_sequence_id = Some(highest);
        metadata.schema_version = schema_version;
        let (key, ordering_key) = key;
        (metadata.partition_key, metadata.ordering_key) = (key.map(|key| text(key).into()), ordering_key);
        say_packed(&mut metadata, uncompressed_bytes, codec);
        let send = CommandSend {
            sequence_id: first,
            highest_sequence_id: Some(highest),
            num_messages: Some(count),
            ..CommandSend::default()
        };
        let payload = Payload::new(&metadata, &body).into_raw();
        Pending { send, payload, waiting: Waiting::Batch(waiters) }
    }

    /// Whether any message with such names can be sent, whatever its size is. Many more cannot be told apart so.
    pub(super) fn surely_takes(self, message: &Outgoing) -> bool {
        let is_room = self.chunking && self.max_message_bytes > 2 * HEADER_BYTES_MAX;
        is_room && headers_max(message) + 2 * self.producer_name.len() <= HEADER_BYTES_MAX
    }

    fn metadata(self, sequence_id: u64) -> MessageMetadata {
        MessageMetadata {
            producer_name: self.producer_name.to_owned(),
            sequence_id,
            publish_time: clock::millis_since_1970(),
            ..MessageMetadata::default()
        }
    }

    fn seal(self, metadata: &MessageMetadata, body: &Bytes) -> Result<Bytes, SendError> {
        let headers = Payload::headers_len(metadata);
        if body.len() > self.max_message_bytes {
            return Err(SendError::TooLarge { bytes: body.len(), max_bytes: self.max_message_bytes });
        }
        if headers > HEADER_BYTES_MAX {
            return Err(SendError::HeadersTooLarge { bytes: headers, max_bytes: HEADER_BYTES_MAX });
        }
        Ok(Payload::new(metadata, body).into_raw())
    }
}

/// The body packed, and with what; as it is if that does not make it smaller.
fn compressed(codec: Codec, body: Bytes) -> (Bytes, Codec) {
    let packed = compression::compress(codec, &body);
    if packed.len() < body.len() { (packed, codec) } else { (body, Codec::None) }
}

/// The size is said in any case, as by Java's client: where nothing says it, a Pulsar takes no message for an empty one
/// when it compacts.
fn say_packed(metadata: &mut MessageMetadata, uncompressed_bytes: usize, codec: Codec) {
    metadata.uncompressed_size = u32::try_from(uncompressed_bytes).ok();
    metadata.compression = (codec != Codec::None).then(|| codec.into());
}

/// What the names of a message take at most. A property has two lengths, three tags and its own length around it.
fn headers_max(message: &Outgoing) -> usize {
    const AROUND_PROPERTY: usize = 16;
    const OTHERS: usize = 256;
    let properties = message.properties.iter().map(|(key, value)| key.len() + value.len() + AROUND_PROPERTY);
    let key = message.key.as_ref().map_or(0, |key| key.len());
    let keys = key + message.ordering_key.as_ref().map_or(0, Bytes::len);
    properties.sum::<usize>() + keys + OTHERS
}

/// What a message is ordered by: its key, and its ordering key.
type Key = (Option<Bytes>, Option<Bytes>);

/// A batch that is being filled.
#[derive(Debug)]
pub(super) struct OpenBatch {
    body: BytesMut,
    /// Of the first message: brokers look no further.
    key: Key,
    first: u64,
    highest: u64,
    schema_version: Option<Bytes>,
    messages: usize,
}

/// A full batch, which any producer can send: its name is not in it.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    body: Bytes,
    uncompressed_bytes: usize,
    /// [`Codec::None`] where the body did not get smaller.
    codec: Codec,
    key: Key,
    first: u64,
    pub(super) highest: u64,
    schema_version: Option<Bytes>,
    pub(super) messages: usize,
}

/// How a producer fills batches. Two that do it alike make the same of the same messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filling {
    pub(super) batching: Batching,
    /// Of a batch, and never more than the broker takes.
    pub(super) max_bytes: usize,
    pub(super) codec: Codec,
    pub(super) schema_version: Option<Bytes>,
}

impl Filling {
    /// All of these messages in batches; or all of them back, if one of them is not to be in a batch or may be too large for
    /// it, or has no number of its own.
    pub(super) fn batches(&self, messages: Vec<Outgoing>) -> Result<Vec<Packed>, Vec<Outgoing>> {
        let bytes_max = |message: &Outgoing| headers_max(message) + message.payload.len();
        let suits = |message: &Outgoing| {
            !message.alone
                && message.deliver_at.is_none()
                && message.sequence_id.is_some()
                && message.schema_version.is_none()
                && bytes_max(message) <= self.max_bytes
        };
        if !messages.iter().all(suits) {
            return Err(messages);
        }
        let bytes = messages.iter().map(bytes_max).sum::<usize>().min(self.max_bytes);
        let room = Filled { messages: messages.len(), bytes };
        let (mut batches, mut open) = (Vec::new(), None::<OpenBatch>);
        for mut message in messages {
            message.schema_version.clone_from(&self.schema_version);
            let sequence_id = message.sequence_id.expect("those without one were given back");
            let single = Single::new(message, sequence_id);
            if let Some(full) = open.take_if(|batch| !batch.takes(&single, self.batching, self.max_bytes)) {
                batches.push(full.pack(self.codec));
            }
            match &mut open {
                Some(batch) => batch.add(single),
                none => *none = Some(OpenBatch::open(single, room)),
            }
        }
        batches.extend(open.map(|last| last.pack(self.codec)));
        Ok(batches)
    }
}

/// How much is in a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filled {
    pub(super) messages: usize,
    bytes: usize,
}

/// A message on its way into a batch.
#[derive(Debug)]
pub(super) struct Single {
    metadata: SingleMessageSent,
    payload: Bytes,
    pub(super) sequence_id: u64,
    schema_version: Option<Bytes>,
    /// What it takes in a batch, at most.
    pub(super) encoded_bytes: usize,
}

impl Single {
    pub(super) fn new(message: Outgoing, sequence_id: u64) -> Self {
        let property = |(key, value): (ByteString, ByteString)| PropertySent {
            key: key.into_bytes(),
            value: value.into_bytes(),
        };
        let metadata = SingleMessageSent {
            properties: message.properties.into_iter().map(property).collect(),
            partition_key: message.key.map(ByteString::into_bytes),
            payload_size: 0,
            event_time: message.event_time,
            ordering_key: message.ordering_key,
            sequence_id: Some(sequence_id),
        };
        let Outgoing { payload, schema_version, .. } = message;
        let encoded_bytes = batch::encoded_len(&metadata, &payload);
        Self { metadata, payload, sequence_id, schema_version, encoded_bytes }
    }

    fn key(&self) -> Key {
        (self.metadata.partition_key.clone(), self.metadata.ordering_key.clone())
    }

    /// The way back, for a message that is better sent by itself.
    pub(super) fn into_message(self) -> Outgoing {
        let pair = |pair: PropertySent| (text(pair.key), text(pair.value));
        Outgoing {
            payload: self.payload,
            key: self.metadata.partition_key.map(text),
            ordering_key: self.metadata.ordering_key,
            properties: self.metadata.properties.into_iter().map(pair).collect(),
            event_time: self.metadata.event_time,
            sequence_id: Some(self.sequence_id),
            schema_version: self.schema_version,
            deliver_at: None,
            // It is there already.
            partition: None,
            alone: false,
        }
    }
}

/// It was one.
fn text(bytes: Bytes) -> ByteString {
    ByteString::try_from(bytes).expect("it was made of a text")
}

impl OpenBatch {
    /// With room for as much as it will hold, about, so that it does not have to be moved while it grows.
    pub(super) fn open(single: Single, room: Filled) -> Self {
        let mut batch = Self {
            body: BytesMut::with_capacity(room.bytes),
            key: single.key(),
            first: single.sequence_id,
            highest: single.sequence_id,
            schema_version: single.schema_version.clone(),
            messages: 0,
        };
        batch.add(single);
        batch
    }

    pub(super) fn add(&mut self, single: Single) {
        self.highest = single.sequence_id;
        batch::write_sent(single.metadata, &single.payload, &mut self.body);
        self.messages += 1;
    }

    /// Whether it has room for a message, and the message may be in it. One schema version speaks for the whole batch, and
    /// so does one range of rising sequence ids.
    pub(super) fn takes(&self, single: &Single, batching: Batching, max_bytes: usize) -> bool {
        self.messages < batching.max_messages
            && self.body.len() + single.encoded_bytes <= max_bytes
            && self.schema_version == single.schema_version
            && single.sequence_id > self.highest
            && (!batching.by_key || self.key == single.key())
    }

    pub(super) fn is_full(&self, batching: Batching, max_bytes: usize) -> bool {
        self.messages >= batching.max_messages || self.body.len() >= max_bytes
    }

    /// How large it is.
    pub(super) fn filled(&self) -> Filled {
        Filled { messages: self.messages, bytes: self.body.len() }
    }

    pub(super) fn pack(self, codec: Codec) -> Packed {
        let Self { body, key, first, highest, schema_version, messages } = self;
        let uncompressed_bytes = body.len();
        let (body, codec) = compressed(codec, body.freeze());
        Packed { body, uncompressed_bytes, codec, key, first, highest, schema_version, messages }
    }
}
