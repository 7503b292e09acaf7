//! What several areas of the protocol use: ids, key-value pairs, errors.

use prost::{Enumeration, Message};

/// Where a message lies in its topic.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct MessageIdData {
    /// `-1` as an unsigned number means "before the first".
    #[prost(uint64, required, tag = "1")]
    pub ledger_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub entry_id: u64,
    /// The partition's index, `-1` on a topic without partitions.
    #[prost(int32, optional, tag = "3", default = "-1")]
    pub partition: Option<i32>,
    /// The place in the batch, `-1` outside one.
    #[prost(int32, optional, tag = "4", default = "-1")]
    pub batch_index: Option<i32>,
    /// In an ack: a bit per message of the batch in words of 64, set while it is *not* acked.
    #[prost(int64, repeated, packed = "false", tag = "5")]
    pub ack_set: Vec<i64>,
    /// How many messages the batch has.
    #[prost(int32, optional, tag = "6")]
    pub batch_size: Option<i32>,
    /// For a chunked message, its first chunk; the outer id is then the last.
    #[prost(message, optional, boxed, tag = "7")]
    pub first_chunk_message_id: Option<Box<MessageIdData>>,
}

/// A text property.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct KeyValue {
    #[prost(string, required, tag = "1")]
    pub key: String,
    #[prost(string, required, tag = "2")]
    pub value: String,
}

impl KeyValue {
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A numeric property.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct KeyLongValue {
    #[prost(string, required, tag = "1")]
    pub key: String,
    #[prost(uint64, required, tag = "2")]
    pub value: u64,
}

/// A range of key hashes, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct IntRange {
    #[prost(int32, required, tag = "1")]
    pub start: i32,
    #[prost(int32, required, tag = "2")]
    pub end: i32,
}

/// Why a broker refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum ServerError {
    UnknownError = 0,
    MetadataError = 1,
    PersistenceError = 2,
    AuthenticationError = 3,
    AuthorizationError = 4,
    /// Another consumer holds the subscription.
    ConsumerBusy = 5,
    /// Not now or not here: look the topic up again, then retry.
    ServiceNotReady = 6,
    ProducerBlockedQuotaExceededError = 7,
    ProducerBlockedQuotaExceededException = 8,
    ChecksumError = 9,
    UnsupportedVersionError = 10,
    TopicNotFound = 11,
    SubscriptionNotFound = 12,
    ConsumerNotFound = 13,
    TooManyRequests = 14,
    TopicTerminatedError = 15,
    /// A producer of that name is connected already.
    ProducerBusy = 16,
    InvalidTopicName = 17,
    IncompatibleSchema = 18,
    ConsumerAssignError = 19,
    TransactionCoordinatorNotFound = 20,
    InvalidTxnStatus = 21,
    NotAllowedError = 22,
    TransactionConflict = 23,
    TransactionNotFound = 24,
    /// A producer with a newer epoch took the topic over.
    ProducerFenced = 25,
}
