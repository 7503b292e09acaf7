//! Producers: opening, sending, receipts, closing.

use bytes::Bytes;
use prost::{Enumeration, Message};

use super::{KeyValue, MessageIdData, Schema, ServerError};

/// Opens a producer on a topic under an id of the client's choice.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandProducer {
    #[prost(string, required, tag = "1")]
    pub topic: String,
    #[prost(uint64, required, tag = "2")]
    pub producer_id: u64,
    #[prost(uint64, required, tag = "3")]
    pub request_id: u64,
    /// Without one the broker makes one up.
    #[prost(string, optional, tag = "4")]
    pub producer_name: Option<String>,
    #[prost(bool, optional, tag = "5", default = "false")]
    pub encrypted: Option<bool>,
    #[prost(message, repeated, tag = "6")]
    pub metadata: Vec<KeyValue>,
    #[prost(message, optional, tag = "7")]
    pub schema: Option<Schema>,
    /// Counts the reconnects of one producer, so that an older attempt cannot displace a newer.
    #[prost(uint64, optional, tag = "8", default = "0")]
    pub epoch: Option<u64>,
    /// False when the name is one that the broker made up earlier.
    #[prost(bool, optional, tag = "9", default = "true")]
    pub user_provided_producer_name: Option<bool>,
    #[prost(enumeration = "ProducerAccessMode", optional, tag = "10", default = "Shared")]
    pub producer_access_mode: Option<i32>,
    /// For exclusive access: the epoch at which this producer held the topic before.
    #[prost(uint64, optional, tag = "11")]
    pub topic_epoch: Option<u64>,
    #[prost(bool, optional, tag = "12", default = "false")]
    pub txn_enabled: Option<bool>,
    /// A subscription to create together with the topic.
    #[prost(string, optional, tag = "13")]
    pub initial_subscription_name: Option<String>,
}

/// Who may produce beside this producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum ProducerAccessMode {
    Shared = 0,
    /// Alone, or refused.
    Exclusive = 1,
    /// Alone, waiting until it can be.
    WaitForExclusive = 2,
    /// Alone, putting out whoever is there.
    ExclusiveWithFencing = 3,
}

/// The producer is open.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandProducerSuccess {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(string, required, tag = "2")]
    pub producer_name: String,
    /// The highest sequence id that was stored under this name, `-1` for none or without deduplication.
    #[prost(int64, optional, tag = "3", default = "-1")]
    pub last_sequence_id: Option<i64>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub schema_version: Option<Bytes>,
    #[prost(uint64, optional, tag = "5")]
    pub topic_epoch: Option<u64>,
    /// False while a `WaitForExclusive` producer waits; a second answer follows.
    #[prost(bool, optional, tag = "6", default = "true")]
    pub producer_ready: Option<bool>,
}

/// One message or one batch; metadata and payload follow in the frame.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandSend {
    #[prost(uint64, required, tag = "1")]
    pub producer_id: u64,
    /// The message's, or the batch's first.
    #[prost(uint64, required, tag = "2")]
    pub sequence_id: u64,
    #[prost(int32, optional, tag = "3", default = "1")]
    pub num_messages: Option<i32>,
    #[prost(uint64, optional, tag = "4", default = "0")]
    pub txnid_least_bits: Option<u64>,
    #[prost(uint64, optional, tag = "5", default = "0")]
    pub txnid_most_bits: Option<u64>,
    /// The batch's last.
    #[prost(uint64, optional, tag = "6", default = "0")]
    pub highest_sequence_id: Option<u64>,
    #[prost(bool, optional, tag = "7", default = "false")]
    pub is_chunk: Option<bool>,
    /// A broker's own marker, never shown to consumers.
    #[prost(bool, optional, tag = "8", default = "false")]
    pub marker: Option<bool>,
    #[prost(message, optional, tag = "9")]
    pub message_id: Option<MessageIdData>,
}

/// What was sent is stored.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandSendReceipt {
    #[prost(uint64, required, tag = "1")]
    pub producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub sequence_id: u64,
    /// Ledger and entry are `-1` for a message that was stored before (a duplicate).
    #[prost(message, optional, tag = "3")]
    pub message_id: Option<MessageIdData>,
    #[prost(uint64, optional, tag = "4", default = "0")]
    pub highest_sequence_id: Option<u64>,
}

/// What was sent is not stored.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandSendError {
    #[prost(uint64, required, tag = "1")]
    pub producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub sequence_id: u64,
    #[prost(enumeration = "ServerError", required, tag = "3")]
    pub error: i32,
    #[prost(string, required, tag = "4")]
    pub message: String,
}

/// Either end closes a producer; from the broker it asks to reconnect.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandCloseProducer {
    #[prost(uint64, required, tag = "1")]
    pub producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub request_id: u64,
    /// Where the topic went, when the broker knows.
    #[prost(string, optional, tag = "3")]
    pub assigned_broker_service_url: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub assigned_broker_service_url_tls: Option<String>,
}
