//! Where an entry is, and what it is.

use std::fmt;

use bytes::Bytes;

/// A topic (or one partition of it), as the broker numbered it. The log never gives out numbers itself, and
/// the broker does not give one out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u64);

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an entry is in its topic: the segment, which is Pulsar's ledger, and the index in it. Later
/// entries have greater positions; a ledger belongs to one topic and is never numbered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub ledger: u64,
    pub entry: u64,
}

impl Position {
    /// Before every entry: ledgers are numbered from 1.
    pub const EARLIEST: Self = Self { ledger: 0, entry: 0 };

    pub const fn new(ledger: u64, entry: u64) -> Self {
        Self { ledger, entry }
    }

    /// Just behind this entry: reading from here goes on with the next one, also if that is in another
    /// segment.
    pub const fn next(self) -> Self {
        Self { ledger: self.ledger, entry: self.entry.saturating_add(1) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.ledger, self.entry)
    }
}

/// An entry as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub position: Position,
    /// What the broker gave it to be found by later: see [`Log::first_at`](crate::Log::first_at).
    pub stamp: u64,
    pub payload: Bytes,
}
