//! Consumers: subscribing, permits, messages, acknowledgements.

use prost::{Enumeration, Message};

use super::{IntRange, KeyLongValue, KeyValue, MessageIdData, Schema, ServerError};

/// Joins a subscription under a consumer id of the client's choice, creating it if need be.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandSubscribe {
    #[prost(string, required, tag = "1")]
    pub topic: String,
    #[prost(string, required, tag = "2")]
    pub subscription: String,
    #[prost(enumeration = "SubType", required, tag = "3")]
    pub sub_type: i32,
    #[prost(uint64, required, tag = "4")]
    pub consumer_id: u64,
    #[prost(uint64, required, tag = "5")]
    pub request_id: u64,
    #[prost(string, optional, tag = "6")]
    pub consumer_name: Option<String>,
    /// Lower is served first.
    #[prost(int32, optional, tag = "7")]
    pub priority_level: Option<i32>,
    /// False for a reader: the cursor goes with the consumer.
    #[prost(bool, optional, tag = "8", default = "true")]
    pub durable: Option<bool>,
    /// Where a cursor that is not durable starts.
    #[prost(message, optional, tag = "9")]
    pub start_message_id: Option<MessageIdData>,
    #[prost(message, repeated, tag = "10")]
    pub metadata: Vec<KeyValue>,
    #[prost(bool, optional, tag = "11")]
    pub read_compacted: Option<bool>,
    #[prost(message, optional, tag = "12")]
    pub schema: Option<Schema>,
    /// Where a subscription that is new starts.
    #[prost(enumeration = "InitialPosition", optional, tag = "13", default = "Latest")]
    pub initial_position: Option<i32>,
    #[prost(bool, optional, tag = "14")]
    pub replicate_subscription_state: Option<bool>,
    /// Whether a topic that is missing may be created.
    #[prost(bool, optional, tag = "15", default = "true")]
    pub force_topic_creation: Option<bool>,
    /// Starts that long before `start_message_id`, in seconds.
    #[prost(uint64, optional, tag = "16", default = "0")]
    pub start_message_rollback_duration_sec: Option<u64>,
    #[prost(message, optional, tag = "17")]
    pub key_shared_meta: Option<KeySharedMeta>,
    #[prost(message, repeated, tag = "18")]
    pub subscription_properties: Vec<KeyValue>,
    /// Counts the redeliveries that a consumer asked for; messages of an older epoch are dropped.
    #[prost(uint64, optional, tag = "19")]
    pub consumer_epoch: Option<u64>,
}

/// How the consumers of one subscription share its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum SubType {
    Exclusive = 0,
    Shared = 1,
    Failover = 2,
    KeyShared = 3,
}

/// Where a new subscription starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum InitialPosition {
    Latest = 0,
    Earliest = 1,
}

/// How a `Key_Shared` consumer gets its share of the keys.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct KeySharedMeta {
    #[prost(enumeration = "KeySharedMode", required, tag = "1")]
    pub key_shared_mode: i32,
    #[prost(message, repeated, tag = "3")]
    pub hash_ranges: Vec<IntRange>,
    #[prost(bool, optional, tag = "4", default = "false")]
    pub allow_out_of_order_delivery: Option<bool>,
}

/// Who divides the key hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum KeySharedMode {
    /// The broker.
    AutoSplit = 0,
    /// The consumer, by `hash_ranges`.
    Sticky = 1,
}

/// The broker may send that many messages more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct CommandFlow {
    #[prost(uint64, required, tag = "1")]
    pub consumer_id: u64,
    #[prost(uint32, required, tag = "2")]
    pub message_permits: u32,
}

/// One entry of the topic; its metadata and payload follow in the frame as the producer sent them.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandMessage {
    #[prost(uint64, required, tag = "1")]
    pub consumer_id: u64,
    #[prost(message, required, tag = "2")]
    pub message_id: MessageIdData,
    #[prost(uint32, optional, tag = "3", default = "0")]
    pub redelivery_count: Option<u32>,
    /// For a batch acked in part: a bit per message, set while it is *not* acked.
    #[prost(int64, repeated, packed = "false", tag = "4")]
    pub ack_set: Vec<i64>,
    #[prost(uint64, optional, tag = "5")]
    pub consumer_epoch: Option<u64>,
}

/// Acknowledges messages, one by one or all up to one.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandAck {
    #[prost(uint64, required, tag = "1")]
    pub consumer_id: u64,
    #[prost(enumeration = "AckType", required, tag = "2")]
    pub ack_type: i32,
    #[prost(message, repeated, tag = "3")]
    pub message_id: Vec<MessageIdData>,
    /// Set when the consumer throws the message away because it cannot read it.
    #[prost(enumeration = "ValidationError", optional, tag = "4")]
    pub validation_error: Option<i32>,
    #[prost(message, repeated, tag = "5")]
    pub properties: Vec<KeyLongValue>,
    #[prost(uint64, optional, tag = "6", default = "0")]
    pub txnid_least_bits: Option<u64>,
    #[prost(uint64, optional, tag = "7", default = "0")]
    pub txnid_most_bits: Option<u64>,
    /// Set when the consumer wants an answer.
    #[prost(uint64, optional, tag = "8")]
    pub request_id: Option<u64>,
}

/// How far one ack reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum AckType {
    Individual = 0,
    /// This message and all before it.
    Cumulative = 1,
}

/// Why a consumer could not read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum ValidationError {
    UncompressedSizeCorruption = 0,
    DecompressionError = 1,
    ChecksumMismatch = 2,
    BatchDeSerializeError = 3,
    DecryptionError = 4,
}

/// The answer to an ack that asked for one.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandAckResponse {
    #[prost(uint64, required, tag = "1")]
    pub consumer_id: u64,
    #[prost(uint64, optional, tag = "2", default = "0")]
    pub txnid_least_bits: Option<u64>,
    #[prost(uint64, optional, tag = "3", default = "0")]
    pub txnid_most_bits: Option<u64>,
    /// Absent when it went well.
    #[prost(enumeration = "ServerError", optional, tag = "4")]
    pub error: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub message: Option<String>,
    #[prost(uint64, optional, tag = "6")]
    pub request_id: Option<u64>,
}

/// Sends messages again that were not acked: those named, or all.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandRedeliverUnacknowledgedMessages {
    #[prost(uint64, required, tag = "1")]
    pub consumer_id: u64,
    #[prost(message, repeated, tag = "2")]
    pub message_ids: Vec<MessageIdData>,
    #[prost(uint64, optional, tag = "3")]
    pub consumer_epoch: Option<u64>,
}
