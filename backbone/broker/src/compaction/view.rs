//! What compaction left of a topic, up to its horizon: entries in the log under a number of their own, each as
//!
//! | bytes | field | |
//! | --- | --- | --- |
//! | 8 | ledger | of the entry in its topic, little end first |
//! | 8 | entry | likewise |
//! | … | payload | as it is delivered |
//!
//! in the order of these positions. It is written and synced as a whole before the metadata names it, and never changed:
//! the next compaction writes another. What nothing names, a start removes.

use bytes::Buf;
use hexalpes_log::{Entry, Log, ReadError, TopicId};

use crate::{options::DISPATCH_BYTES, subscription::Position};

/// What precedes the payload.
pub(super) const PREFIX_BYTES: usize = 16;

/// Of which entries a compaction is, and where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// Under which number its entries are in the log.
    pub(crate) id: TopicId,
    /// The last entry of the topic that was compacted.
    pub(crate) horizon: Position,
}

pub(super) fn prefix(position: Position) -> [u8; PREFIX_BYTES] {
    let mut bytes = [0; PREFIX_BYTES];
    bytes[..8].copy_from_slice(&position.ledger.to_le_bytes());
    bytes[8..].copy_from_slice(&position.entry.to_le_bytes());
    bytes
}

/// The entry as its topic had it. Only what compaction wrote is read here, and the log has checked it.
fn unwrapped(mut entry: Entry) -> Entry {
    if entry.payload.len() >= PREFIX_BYTES {
        entry.position = Position::new(entry.payload.get_u64_le(), entry.payload.get_u64_le());
    }
    entry
}

impl View {
    /// The entries from a position of the topic on, as many as the limits allow, but one at least if there is one.
    pub(crate) fn read(&self, log: &Log, from: Position, entries: usize) -> Result<Vec<Entry>, ReadError> {
        let Some(first) = self.find(log, from)? else { return Ok(Vec::new()) };
        let read = log.read(self.id, first, entries, DISPATCH_BYTES)?;
        Ok(read.into_iter().map(unwrapped).collect())
    }

    /// The newest entry that was left.
    pub(crate) fn last(&self, log: &Log) -> Result<Option<Entry>, ReadError> {
        let Some(last) = log.last_position(self.id) else { return Ok(None) };
        Ok(log.read(self.id, last, 1, usize::MAX)?.into_iter().next().map(unwrapped))
    }

    /// How many entries were left.
    pub(crate) fn entries(&self, log: &Log) -> u64 {
        log.segments(self.id).iter().map(|segment| segment.entries).sum()
    }

    /// What they take on the disk.
    pub(crate) fn bytes(&self, log: &Log) -> u64 {
        log.bytes_from(self.id, Position::EARLIEST)
    }

    /// Where the first entry lies that is at the topic's position or behind it.
    fn find(&self, log: &Log, from: Position) -> Result<Option<Position>, ReadError> {
        let segments = log.segments(self.id);
        let at = |mut index: u64| {
            segments.iter().find_map(|segment| match index.checked_sub(segment.entries) {
                Some(rest) => {
                    index = rest;
                    None
                }
                None => Some(Position::new(segment.ledger, index)),
            })
        };
        let (mut first, mut end) = (0, self.entries(log));
        while first < end {
            let middle = first + (end - first) / 2;
            let Some(place) = at(middle) else { return Ok(None) };
            let entry = log.read(self.id, place, 1, usize::MAX)?.into_iter().next().map(unwrapped);
            match entry {
                Some(entry) if entry.position < from => first = middle + 1,
                Some(_) => end = middle,
                // It was removed while we looked: another has taken its place.
                None => return Ok(None),
            }
        }
        Ok(at(first))
    }
}
