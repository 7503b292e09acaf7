//! Entries that are not to be delivered yet.

use std::collections::{BTreeMap, BTreeSet};

use super::{KeyHash, Position, holdings::first_through};

/// By when they are due. Nothing of it is written down: who reads again after a start finds them again.
#[derive(Debug, Default)]
pub(super) struct Delayed {
    by_time: BTreeSet<(u64, Position)>,
    entries: BTreeMap<Position, (u64, Option<KeyHash>)>,
}

impl Delayed {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn insert(&mut self, position: Position, due_ms: u64, key: Option<KeyHash>) {
        self.by_time.insert((due_ms, position));
        self.entries.insert(position, (due_ms, key));
    }

    pub(super) fn first_due_ms(&self) -> Option<u64> {
        self.by_time.first().map(|(due_ms, _)| *due_ms)
    }

    /// One that is due, which it then is no more.
    pub(super) fn pop_due(&mut self, now_ms: u64) -> Option<(Position, Option<KeyHash>)> {
        let (_, position) = self.by_time.first().copied().filter(|(due_ms, _)| *due_ms <= now_ms)?;
        self.by_time.pop_first();
        let (_, key) = self.entries.remove(&position)?;
        Some((position, key))
    }

    pub(super) fn remove(&mut self, position: Position) {
        if let Some((due_ms, _)) = self.entries.remove(&position) {
            self.by_time.remove(&(due_ms, position));
        }
    }

    pub(super) fn remove_through(&mut self, mark: Position) {
        while let Some(first) = first_through(&self.entries, mark) {
            self.remove(first);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.by_time.clear();
    }
}
