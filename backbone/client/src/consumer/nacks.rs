//! Messages that are to come again, and when to ask for them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hexalpes_wire::MessageId;
use tokio::time::Instant;

/// By message. What is asked for are entries: a batch comes again as a whole.
#[derive(Debug)]
pub(super) struct Nacks {
    delay: Duration,
    due: BTreeMap<MessageId, Instant>,
}

impl Nacks {
    pub(super) const fn new(delay: Duration) -> Self {
        Self { delay, due: BTreeMap::new() }
    }

    /// Nacking again changes nothing.
    pub(super) fn add(&mut self, id: MessageId, now: Instant) {
        self.due.entry(id).or_insert(now + self.delay);
    }

    /// The message was acked after all.
    pub(super) fn forget(&mut self, id: &MessageId) {
        self.due.remove(id);
    }

    pub(super) fn forget_through(&mut self, id: &MessageId) {
        self.due.retain(|nacked, _| nacked > id);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    /// The entries that have waited long enough, each once.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<MessageId> {
        let entries: BTreeSet<MessageId> =
            self.due.iter().filter(|(_, due)| **due <= now).map(|(id, _)| id.whole_entry()).collect();
        self.due.retain(|id, _| !entries.contains(&id.whole_entry()));
        entries.into_iter().collect()
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: MessageId = MessageId::new(1, 1);
    const DELAY: Duration = Duration::from_secs(1);

    #[test]
    fn an_entry_is_asked_for_once_however_many_of_its_messages_are_nacked() {
        let (mut nacks, start) = (Nacks::new(DELAY), Instant::now());
        nacks.add(ENTRY.in_batch(0), start);
        nacks.add(ENTRY.in_batch(1), start + DELAY / 2);
        assert_eq!(nacks.take_due(start), []);
        assert_eq!(nacks.take_due(start + DELAY), [ENTRY]);
        assert_eq!((nacks.take_due(start + DELAY * 2), nacks.next_due()), (vec![], None));
    }

    #[test]
    fn what_is_acked_after_all_is_not_asked_for() {
        let (mut nacks, start) = (Nacks::new(DELAY), Instant::now());
        for index in 0..4 {
            nacks.add(ENTRY.in_batch(index), start);
        }
        nacks.forget(&ENTRY.in_batch(3));
        nacks.forget_through(&ENTRY.in_batch(2));
        assert_eq!(nacks.take_due(start + DELAY), []);
    }
}
