//! Messages that are to come again, and when to ask for them.

use std::collections::BTreeMap;
use std::time::Duration;

use hexalpes_wire::MessageId;
use tokio::time::Instant;

/// Entries, not messages: a batch comes again as a whole.
#[derive(Debug)]
pub(super) struct Nacks {
    delay: Duration,
    due: BTreeMap<MessageId, Instant>,
}

impl Nacks {
    pub(super) const fn new(delay: Duration) -> Self {
        Self { delay, due: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, id: MessageId, now: Instant) {
        self.due.entry(id.whole_entry()).or_insert(now + self.delay);
    }

    /// The message was acked after all. Of a batch, others may still be nacked.
    pub(super) fn forget(&mut self, id: &MessageId) {
        if id.batch_index.is_none() {
            self.due.remove(id);
        }
    }

    pub(super) fn forget_up_to(&mut self, id: &MessageId) {
        let done = |entry: &MessageId| *entry < id.whole_entry() || entry == id;
        self.due.retain(|entry, _| !done(entry));
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Vec<MessageId> {
        let mut ids = Vec::new();
        self.due.retain(|entry, due| {
            let wait = *due > now;
            if !wait {
                ids.push(*entry);
            }
            wait
        });
        ids
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }
}
