//! What can go wrong, by operation. `is_transient` says whether trying again can help.

use std::io;
use std::time::Duration;

use hexalpes_wire::MessageId;
use hexalpes_wire::batch::BatchError;
use hexalpes_wire::compression::CompressionError;
use hexalpes_wire::frame::PayloadError;
use hexalpes_wire::proto::ServerError;
use hexalpes_wire::topic::TopicNameError;

pub use crate::address::ServiceUrlError;
pub use crate::consumer::PatternError;

/// A broker's refusal, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("broker refused ({error:?}): {message}")]
pub struct Refusal {
    pub error: ServerError,
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(error: i32, message: impl Into<String>) -> Self {
        Self {
            error: ServerError::try_from(error).unwrap_or(ServerError::UnknownError),
            message: message.into(),
        }
    }

    /// Whether the same request may succeed later, without anybody changing it.
    pub fn is_transient(&self) -> bool {
        match self.error {
            ServerError::UnknownError
            | ServerError::MetadataError
            | ServerError::PersistenceError
            | ServerError::ServiceNotReady
            | ServerError::TooManyRequests
            | ServerError::ChecksumError
            | ServerError::ProducerBlockedQuotaExceededError
            | ServerError::ProducerBlockedQuotaExceededException
            | ServerError::ConsumerNotFound
            | ServerError::TransactionCoordinatorNotFound => true,
            ServerError::AuthenticationError
            | ServerError::AuthorizationError
            | ServerError::ConsumerBusy
            | ServerError::UnsupportedVersionError
            | ServerError::TopicNotFound
            | ServerError::SubscriptionNotFound
            | ServerError::TopicTerminatedError
            | ServerError::ProducerBusy
            | ServerError::InvalidTopicName
            | ServerError::IncompatibleSchema
            | ServerError::ConsumerAssignError
            | ServerError::InvalidTxnStatus
            | ServerError::NotAllowedError
            | ServerError::TransactionConflict
            | ServerError::TransactionNotFound
            | ServerError::ProducerFenced => false,
        }
    }

    /// Whether a producer's name is taken by another one.
    ///
    /// A topic that is full or that somebody has for himself is refused with the same number, so this one reads the words,
    /// which Apache Pulsar and our own broker have in common. Where a broker has others, the answer is no.
    pub fn is_name_taken(&self) -> bool {
        self.error == ServerError::ProducerBusy && self.message.contains("is already connected")
    }

    /// Whether a producer or consumer that was open is to stop trying to come back.
    ///
    /// Less than [`is_transient`](Self::is_transient): after a lost connection the broker may take a while
    /// to see that it is lost (busy), and credentials are renewed.
    pub(crate) fn ends_what_was_open(&self) -> bool {
        !self.is_transient()
            && !matches!(
                self.error,
                ServerError::ProducerBusy
                    | ServerError::ConsumerBusy
                    | ServerError::AuthenticationError
                    | ServerError::AuthorizationError
                    | ServerError::ConsumerAssignError
            )
    }
}

/// A connection that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot connect to {address}: {why}")]
    Io { address: String, why: io::Error },
    #[error("cannot connect to {address} within {timeout:?}")]
    TimedOut { address: String, timeout: Duration },
    #[error("{address} is not a name that TLS can check")]
    ServerName { address: String },
    #[error("{address} does not speak Pulsar's protocol: {reason}")]
    Protocol { address: String, reason: String },
    #[error("{address}: {refusal}")]
    Refused { address: String, refusal: Refusal },
}

impl ConnectError {
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { .. } | Self::TimedOut { .. } => true,
            Self::ServerName { .. } | Self::Protocol { .. } => false,
            Self::Refused { refusal, .. } => refusal.is_transient(),
        }
    }
}

/// Options that make no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    ServiceUrl(#[from] ServiceUrlError),
    #[error("tls: {reason}")]
    Tls { reason: String },
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// A request that got no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("connection lost before the answer came")]
    Lost,
    #[error("no answer within {timeout:?}")]
    TimedOut { timeout: Duration },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("broker answered {request} with {answer}")]
    Unexpected { request: &'static str, answer: String },
}

impl RequestError {
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lost | Self::TimedOut { .. } => true,
            Self::Refused(refusal) => refusal.is_transient(),
            Self::Unexpected { .. } => false,
        }
    }
}

/// A producer or a consumer that did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Topic(#[from] TopicNameError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    ServiceUrl(#[from] ServiceUrlError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    /// What has no receipt could be stored in part, and the rest of it taken for stored.
    #[error(
        "another producer of this name has stored up to {stored} meanwhile, amid a batch of {first} to {last}"
    )]
    Overtaken { stored: i64, first: u64, last: u64 },
    #[error("lookup of {topic} was redirected {redirects} times")]
    Redirects { topic: String, redirects: u32 },
    #[error("not open within {timeout:?}: {last}")]
    TimedOut { timeout: Duration, last: Box<OpenError> },
}

impl OpenError {
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Topic(_) | Self::ServiceUrl(_) | Self::Consume(_) | Self::Overtaken { .. } => false,
            Self::Connect(error) => error.is_transient(),
            Self::Request(error) => error.is_transient(),
            Self::Redirects { .. } | Self::TimedOut { .. } => true,
        }
    }

    /// See [`Refusal::ends_what_was_open`]. A broker that cannot be reached ends nothing.
    pub(crate) fn ends_what_was_open(&self) -> bool {
        match self {
            Self::Request(RequestError::Refused(refusal)) => refusal.ends_what_was_open(),
            Self::Connect(_) | Self::Request(_) | Self::Redirects { .. } | Self::TimedOut { .. } => false,
            Self::Topic(_) | Self::ServiceUrl(_) | Self::Consume(_) | Self::Overtaken { .. } => true,
        }
    }
}

/// A message that was not stored, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("message of {bytes} bytes is larger than the broker's {max_bytes}; enable chunking or send less")]
    TooLarge { bytes: usize, max_bytes: usize },
    #[error("properties and key of {bytes} bytes are larger than the {max_bytes} that a message may have")]
    HeadersTooLarge { bytes: usize, max_bytes: usize },
    #[error("the topic has partitions 0 to {}, and the message names {partition}", partitions - 1)]
    NoSuchPartition { partition: u32, partitions: u32 },
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another producer took the topic for itself; whether the message was stored is not known.
    #[error("another producer has the topic for itself now")]
    Fenced,
    /// The producer was closed; whether the message was stored is not known.
    #[error("producer is closed")]
    Closed,
    /// The producer cannot come back; whether the message was stored is not known.
    #[error("producer ended: {reason}")]
    Ended { reason: String },
}

/// What a consumer could not do.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("consumer is closed")]
    Closed,
    #[error("consumer ended: {reason}")]
    Ended { reason: String },
    /// The topic is terminated and everything in it was received.
    #[error("end of topic")]
    EndOfTopic,
    #[error("a shared subscription has no order to acknowledge up to")]
    CumulativeOnShared,
    /// An id says which partition it is of; of which topic, only the message says.
    #[error("{id} does not say which topic or partition it is of; name the message itself")]
    WhichTopic { id: MessageId },
    /// How large a batch is, is known only while this consumer knows the batch.
    #[error("message {id} is in a batch that this consumer does not hold")]
    UnknownBatch { id: MessageId },
    #[error("message {id} is encrypted, and there is no key")]
    Encrypted { id: MessageId },
}

/// Why an entry could not be read. It is logged, and acked as invalid, as other clients do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("checksum does not hold: {stated:08x} stated, {computed:08x} computed")]
    Checksum { stated: u32, computed: u32 },
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Compression(#[from] CompressionError),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("encrypted")]
    Encrypted,
}
