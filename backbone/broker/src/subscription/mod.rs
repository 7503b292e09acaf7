//! A subscription: who consumes a topic together, what each of them holds, and what is delivered next.
//! A state machine without IO: the driver reads what [`Subscription::wants`] asks for, hands it to
//! [`Subscription::dispatch`], and sends the [`Effect`]s.
//!
//! Not here: where a cursor is stored, and what an entry contains.

mod cursor;
mod delayed;
mod dispatch;
mod holdings;
mod keys;
#[cfg(test)]
mod model;
mod state;

pub use hexalpes_log::Position;

pub use self::cursor::{Cursor, CursorSnapshot};
pub use self::keys::{HashRange, KeyHash, KeyMode, KeyPolicy};
pub use self::state::Subscription;

/// The most entries one [`Want`] asks for.
pub const WANTED_ENTRIES_MAX: u32 = 100;

/// So many entries of keys whose consumer takes nothing may wait before nothing more is read for the others.
pub const KEYS_AHEAD_MAX: usize = 2000;

/// What one takes that is not due, about: it is kept by its time, and by its place.
pub const DELAYED_BYTES: usize = 2 * size_of::<(u64, Position)>() + size_of::<Option<KeyHash>>();

/// So many entries that are not due may be kept in mind before nothing more is read.
pub const DELAYED_MAX: usize = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One consumer, in order.
    Exclusive,
    /// One consumer at a time, in order; the others wait to take over.
    Failover,
    /// All of them in turn.
    Shared,
    /// All of them, the messages of one key in order and by one of them at a time.
    KeyShared,
}

impl Kind {
    /// As Pulsar calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exclusive => "Exclusive",
            Self::Failover => "Failover",
            Self::Shared => "Shared",
            Self::KeyShared => "Key_Shared",
        }
    }

    /// Whether all consumers get messages, and each acks its own one by one.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::KeyShared)
    }
}

/// How many messages may be delivered and not acked, where consumers share a subscription; 0 is without limit. Who has
/// reached it gets more when half of that is acked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnackedMax {
    pub of_consumer: u64,
    pub of_subscription: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    pub id: ConsumerId,
    pub name: String,
    /// Lower goes first.
    pub priority: i32,
    /// For a subscription that is shared by keys.
    pub keys: KeyPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    #[error("exclusive consumer is already connected")]
    Busy,
    #[error("subscription is {}, not {}", has.name(), asked.name())]
    KindMismatch { has: Kind, asked: Kind },
    #[error("subscription divides its keys another way: take the mode of the consumers that are connected")]
    KeyPolicyMismatch,
    #[error("a sticky consumer has to ask for ranges of hashes")]
    NoRanges,
    #[error("range of hashes {range} ends before it begins")]
    BackwardRange { range: HashRange },
    #[error("range of hashes {asked} overlaps {has}, which another consumer has")]
    RangeTaken { asked: HashRange, has: HashRange },
}

/// An entry that is there to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub position: Position,
    /// In the entry's batch; 1 if it is none.
    pub messages: u32,
    /// What it is ordered by, where the subscription is shared by keys.
    pub key: Option<KeyHash>,
    /// Shared subscriptions do not deliver it before then, in milliseconds since 1970.
    pub due_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub consumer: ConsumerId,
    pub position: Position,
    pub messages: u32,
    /// How often it was given back before.
    pub redelivery: u32,
    /// The words of Pulsar's `BitSet` if the batch is acked in part: a set bit is not yet acked.
    pub ack_set: Option<Vec<u64>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Deliver(Delivery),
    ActiveChanged { consumer: ConsumerId, active: bool },
}

/// What to read for the next [`Subscription::dispatch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// These, in this order: they were given back.
    These(Vec<Position>),
    /// What follows the position, so many entries at most.
    After(Position, u32),
}

impl Want {
    /// Whether it is for the same entries, as far as both go: nothing came of the other then.
    pub(crate) fn begins_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::These(these), Self::These(those)) => {
                these.iter().zip(those).all(|(this, that)| this == that)
            }
            (Self::After(this, _), Self::After(that, _)) => this == that,
            _ => false,
        }
    }
}
