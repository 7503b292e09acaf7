//! How a consumer subscribes and receives.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::schema::Schema;
use hexalpes_wire::proto::{InitialPosition, IntRange, KeySharedMeta, KeySharedMode, SubType};

/// How the consumers of one subscription share its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionKind {
    /// One consumer, others are refused.
    #[default]
    Exclusive,
    /// One at a time, others wait for their turn.
    Failover,
    /// All at once, each message to one of them.
    Shared,
    /// As `Shared`, and messages of one key always to the same.
    KeyShared,
}

impl SubscriptionKind {
    pub(super) const fn on_the_wire(self) -> SubType {
        match self {
            Self::Exclusive => SubType::Exclusive,
            Self::Failover => SubType::Failover,
            Self::Shared => SubType::Shared,
            Self::KeyShared => SubType::KeyShared,
        }
    }

    /// Whether messages go to several consumers, and so have no one order.
    pub(super) const fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::KeyShared)
    }
}

/// Which keys a [`KeyShared`](SubscriptionKind::KeyShared) consumer gets. All consumers of a subscription want the same
/// way of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySharing {
    /// Those with a hash within these are this consumer's and nobody else's. Without any, the broker divides
    /// the keys.
    pub sticky: Vec<RangeInclusive<u16>>,
    /// A key that moves to another consumer does not wait until what was delivered of it is acked.
    pub out_of_order: bool,
}

impl KeySharing {
    pub(super) fn on_the_wire(&self) -> KeySharedMeta {
        let mode = if self.sticky.is_empty() { KeySharedMode::AutoSplit } else { KeySharedMode::Sticky };
        let range = |range: &RangeInclusive<u16>| IntRange {
            start: (*range.start()).into(),
            end: (*range.end()).into(),
        };
        KeySharedMeta {
            key_shared_mode: mode.into(),
            hash_ranges: self.sticky.iter().map(range).collect(),
            allow_out_of_order_delivery: Some(self.out_of_order),
        }
    }
}

/// How a consumer receives.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    pub subscription: String,
    pub kind: SubscriptionKind,
    pub keys: KeySharing,
    /// Where a subscription starts that does not exist yet.
    pub initial_position: InitialPosition,
    /// How many messages brokers send ahead, over all partitions together (but one at least for each); batches
    /// may go over it.
    pub receive_queue: u32,
    pub name: Option<String>,
    /// How long after a nack the message is asked for again.
    pub nack_delay: Duration,
    /// Whether an ack waits until the broker says that it took it.
    pub ack_receipts: bool,
    /// Whether the broker is told which messages of a batch are acked before all of them are. Brokers
    /// that do not keep this ignore it.
    pub batch_index_acks: bool,
    /// Of one message, unpacked, put together from its chunks.
    pub max_message_bytes: usize,
    /// How many chunked messages of a partition may be incomplete at a time; the oldest is dropped beyond.
    pub max_incomplete_chunked: usize,
    pub properties: Vec<(String, String)>,
    /// What payloads are read as. The broker refuses one that cannot read what the topic has.
    pub schema: Option<Schema>,
    /// Whether a topic that is not there is made, where the broker makes topics on demand.
    pub create_topic: bool,
    /// Of a topic that was compacted, the last message of each key alone, up to where it was compacted. On exclusive
    /// and failover subscriptions.
    pub compacted: bool,
    /// On shared and failover subscriptions, who is served first: the lowest.
    pub priority: Option<i32>,
}

impl ConsumerOptions {
    pub fn new(subscription: impl Into<String>) -> Self {
        Self {
            subscription: subscription.into(),
            kind: SubscriptionKind::Exclusive,
            keys: KeySharing::default(),
            initial_position: InitialPosition::Latest,
            receive_queue: 1000,
            name: None,
            nack_delay: Duration::from_secs(1),
            ack_receipts: false,
            batch_index_acks: true,
            max_message_bytes: 64 * 1024 * 1024,
            max_incomplete_chunked: 10,
            properties: Vec::new(),
            schema: None,
            create_topic: true,
            compacted: false,
            priority: None,
        }
    }

    pub fn kind(self, kind: SubscriptionKind) -> Self {
        Self { kind, ..self }
    }

    pub fn from_earliest(self) -> Self {
        Self { initial_position: InitialPosition::Earliest, ..self }
    }
}
