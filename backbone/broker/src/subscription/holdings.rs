//! What consumers have and did not ack, by place and by key; and what waits to be delivered, the same.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConsumerId, KeyHash, Position};

/// An entry that was delivered and is not acked.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) by: ConsumerId,
    pub(super) messages: u32,
    pub(super) key: Option<KeyHash>,
}

/// Who holds what.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    entries: BTreeMap<Position, Held>,
    /// How many entries of a key each consumer holds, never 0.
    keys: BTreeMap<(KeyHash, ConsumerId), u32>,
    /// How many messages each consumer holds, never 0, and all of them.
    messages_of: BTreeMap<ConsumerId, u64>,
    messages: u64,
}

impl Holdings {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Position, &Held)> {
        self.entries.iter().map(|(at, held)| (*at, held))
    }

    pub(super) fn holder(&self, position: Position) -> Option<ConsumerId> {
        self.entries.get(&position).map(|held| held.by)
    }

    /// How many messages of an entry are not acked, if somebody holds it.
    pub(super) fn messages(&self, position: Position) -> Option<u32> {
        self.entries.get(&position).map(|held| held.messages)
    }

    /// Of which keys a consumer holds how many entries.
    pub(super) fn keys_of(&self, id: ConsumerId) -> impl Iterator<Item = (KeyHash, u32)> {
        self.keys.iter().filter(move |((_, by), _)| *by == id).map(|((key, _), held)| (*key, *held))
    }

    /// How many messages are not acked, of all.
    pub(super) fn all_messages(&self) -> u64 {
        self.messages
    }

    pub(super) fn messages_of(&self, id: ConsumerId) -> u64 {
        self.messages_of.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn insert(&mut self, position: Position, held: Held) {
        // An entry has one holder at a time.
        self.remove(position);
        if let Some(key) = held.key {
            *self.keys.entry((key, held.by)).or_default() += 1;
        }
        *self.messages_of.entry(held.by).or_default() += u64::from(held.messages);
        self.messages += u64::from(held.messages);
        self.entries.insert(position, held);
    }

    fn forget_messages(&mut self, by: ConsumerId, messages: u32) {
        self.messages -= u64::from(messages);
        if let Some(count) = self.messages_of.get_mut(&by) {
            *count -= u64::from(messages);
            if *count == 0 {
                self.messages_of.remove(&by);
            }
        }
    }

    /// So many messages of the entry are not acked, at most.
    pub(super) fn shrink(&mut self, position: Position, messages: u32) {
        if let Some(held) = self.entries.get_mut(&position) {
            let (by, acked) = (held.by, held.messages.saturating_sub(messages));
            held.messages -= acked;
            self.forget_messages(by, acked);
        }
    }

    pub(super) fn remove(&mut self, position: Position) -> Option<Held> {
        let held = self.entries.remove(&position)?;
        self.forget_messages(held.by, held.messages);
        if let Some(key) = held.key
            && let Some(count) = self.keys.get_mut(&(key, held.by))
        {
            *count -= 1;
            if *count == 0 {
                self.keys.remove(&(key, held.by));
            }
        }
        Some(held)
    }

    pub(super) fn remove_through(&mut self, mark: Position) {
        while let Some(first) = first_through(&self.entries, mark) {
            self.remove(first);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether somebody else holds entries of the key.
    pub(super) fn is_held_beside(&self, key: KeyHash, id: ConsumerId) -> bool {
        let holders = self.keys.range((key, ConsumerId(0))..=(key, ConsumerId(u64::MAX)));
        holders.map(|((_, holder), _)| *holder).any(|holder| holder != id)
    }
}

/// The first position of these, if it is not behind the mark.
pub(super) fn first_through<V>(entries: &BTreeMap<Position, V>, mark: Position) -> Option<Position> {
    entries.first_key_value().map(|(first, _)| *first).filter(|first| *first <= mark)
}

/// Entries that were read and are to be delivered: again, or once their consumer takes them.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    entries: BTreeMap<Position, Option<KeyHash>>,
    keys: BTreeSet<(KeyHash, Position)>,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Position, Option<KeyHash>)> {
        self.entries.iter().map(|(at, key)| (*at, *key))
    }

    pub(super) fn contains(&self, position: Position) -> bool {
        self.entries.contains_key(&position)
    }

    /// Whether something of the key waits that comes before the position.
    pub(super) fn has_before(&self, key: KeyHash, position: Position) -> bool {
        self.keys.range((key, Position::new(0, 0))..(key, position)).next().is_some()
    }

    pub(super) fn insert(&mut self, position: Position, key: Option<KeyHash>) {
        self.entries.insert(position, key);
        self.keys.extend(key.map(|key| (key, position)));
    }

    pub(super) fn remove(&mut self, position: Position) {
        if let Some(Some(key)) = self.entries.remove(&position) {
            self.keys.remove(&(key, position));
        }
    }

    pub(super) fn remove_through(&mut self, mark: Position) {
        while let Some(first) = first_through(&self.entries, mark) {
            self.remove(first);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.keys.clear();
    }
}
