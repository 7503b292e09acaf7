//! What stands in front of a payload.

use bytes::Bytes;
use prost::{Enumeration, Message};

use super::KeyValue;

/// The headers of one message or one batch, written by the producer.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct MessageMetadata {
    #[prost(string, required, tag = "1")]
    pub producer_name: String,
    /// The message's, or the batch's first.
    #[prost(uint64, required, tag = "2")]
    pub sequence_id: u64,
    /// Milliseconds since 1970.
    #[prost(uint64, required, tag = "3")]
    pub publish_time: u64,
    #[prost(message, repeated, tag = "4")]
    pub properties: Vec<KeyValue>,
    /// The cluster that it was first published in.
    #[prost(string, optional, tag = "5")]
    pub replicated_from: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub partition_key: Option<String>,
    #[prost(string, repeated, tag = "7")]
    pub replicate_to: Vec<String>,
    #[prost(enumeration = "CompressionType", optional, tag = "8", default = "None")]
    pub compression: Option<i32>,
    #[prost(uint32, optional, tag = "9", default = "0")]
    pub uncompressed_size: Option<u32>,
    /// Present exactly when the payload is a batch, also of one.
    #[prost(int32, optional, tag = "11", default = "1")]
    pub num_messages_in_batch: Option<i32>,
    /// The application's time, milliseconds since 1970, 0 for none.
    #[prost(uint64, optional, tag = "12", default = "0")]
    pub event_time: Option<u64>,
    #[prost(message, repeated, tag = "13")]
    pub encryption_keys: Vec<EncryptionKeys>,
    #[prost(string, optional, tag = "14")]
    pub encryption_algo: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "15")]
    pub encryption_param: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "16")]
    pub schema_version: Option<Bytes>,
    #[prost(bool, optional, tag = "17", default = "false")]
    pub partition_key_b64_encoded: Option<bool>,
    /// Orders instead of the key, where present.
    #[prost(bytes = "bytes", optional, tag = "18")]
    pub ordering_key: Option<Bytes>,
    /// Not before then, milliseconds since 1970.
    #[prost(int64, optional, tag = "19")]
    pub deliver_at_time: Option<i64>,
    /// A broker's own marker, never shown to consumers.
    #[prost(int32, optional, tag = "20")]
    pub marker_type: Option<i32>,
    #[prost(uint64, optional, tag = "22")]
    pub txnid_least_bits: Option<u64>,
    #[prost(uint64, optional, tag = "23")]
    pub txnid_most_bits: Option<u64>,
    /// The batch's last.
    #[prost(uint64, optional, tag = "24", default = "0")]
    pub highest_sequence_id: Option<u64>,
    #[prost(bool, optional, tag = "25", default = "false")]
    pub null_value: Option<bool>,
    /// Names the chunked message that this is a part of.
    #[prost(string, optional, tag = "26")]
    pub uuid: Option<String>,
    #[prost(int32, optional, tag = "27")]
    pub num_chunks_from_msg: Option<i32>,
    #[prost(int32, optional, tag = "28")]
    pub total_chunk_msg_size: Option<i32>,
    #[prost(int32, optional, tag = "29")]
    pub chunk_id: Option<i32>,
    #[prost(bool, optional, tag = "30", default = "false")]
    pub null_partition_key: Option<bool>,
}

/// The headers of one message inside a batch.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct SingleMessageMetadata {
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<KeyValue>,
    #[prost(string, optional, tag = "2")]
    pub partition_key: Option<String>,
    #[prost(int32, required, tag = "3")]
    pub payload_size: i32,
    /// Compaction dropped it; the place in the batch stays.
    #[prost(bool, optional, tag = "4", default = "false")]
    pub compacted_out: Option<bool>,
    #[prost(uint64, optional, tag = "5", default = "0")]
    pub event_time: Option<u64>,
    #[prost(bool, optional, tag = "6", default = "false")]
    pub partition_key_b64_encoded: Option<bool>,
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub ordering_key: Option<Bytes>,
    #[prost(uint64, optional, tag = "8")]
    pub sequence_id: Option<u64>,
    #[prost(bool, optional, tag = "9", default = "false")]
    pub null_value: Option<bool>,
    #[prost(bool, optional, tag = "10", default = "false")]
    pub null_partition_key: Option<bool>,
}

/// What a producer sets of [`SingleMessageMetadata`]. Its texts are parts of others, so that writing it allocates nothing.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct SingleMessageSent {
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<PropertySent>,
    /// UTF-8.
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub partition_key: Option<Bytes>,
    #[prost(int32, required, tag = "3")]
    pub payload_size: i32,
    #[prost(uint64, optional, tag = "5")]
    pub event_time: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub ordering_key: Option<Bytes>,
    #[prost(uint64, optional, tag = "8")]
    pub sequence_id: Option<u64>,
}

/// The same of [`KeyValue`], both UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct PropertySent {
    #[prost(bytes = "bytes", required, tag = "1")]
    pub key: Bytes,
    #[prost(bytes = "bytes", required, tag = "2")]
    pub value: Bytes,
}

/// What a broker adds in front of a message that it stores.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct BrokerEntryMetadata {
    /// Milliseconds since 1970.
    #[prost(uint64, optional, tag = "1")]
    pub broker_timestamp: Option<u64>,
    /// The message's number in its topic, without gaps; of a batch, its last message's.
    #[prost(uint64, optional, tag = "2")]
    pub index: Option<u64>,
}

/// The few fields of [`MessageMetadata`] that a broker routes by. Reading them allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct MetadataPeek {
    #[prost(uint64, required, tag = "2")]
    pub sequence_id: u64,
    #[prost(uint64, required, tag = "3")]
    pub publish_time: u64,
    #[prost(int32, optional, tag = "11", default = "1")]
    pub num_messages_in_batch: Option<i32>,
    #[prost(int64, optional, tag = "19")]
    pub deliver_at_time: Option<i64>,
    #[prost(int32, optional, tag = "20")]
    pub marker_type: Option<i32>,
    #[prost(uint64, optional, tag = "24", default = "0")]
    pub highest_sequence_id: Option<u64>,
    #[prost(int32, optional, tag = "27")]
    pub num_chunks_from_msg: Option<i32>,
    #[prost(int32, optional, tag = "29")]
    pub chunk_id: Option<i32>,
}

/// A data key, encrypted for one reader.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct EncryptionKeys {
    #[prost(string, required, tag = "1")]
    pub key: String,
    #[prost(bytes = "bytes", required, tag = "2")]
    pub value: Bytes,
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<KeyValue>,
}

/// How a payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum CompressionType {
    None = 0,
    Lz4 = 1,
    Zlib = 2,
    Zstd = 3,
    Snappy = 4,
}
