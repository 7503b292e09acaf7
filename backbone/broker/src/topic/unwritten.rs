//! What of a topic is to be written down beside its entries: the cursors that changed, and what is known of its
//! producers.

use std::sync::Arc;

use super::Topic;
use crate::{
    cursor_store,
    metadata::{CursorRecord, SnapshotRecord},
};

/// A topic's news for the metadata. It stays news until [`Unwritten::is_written`] says otherwise.
pub(crate) struct Unwritten {
    topic: Arc<Topic>,
    pub(crate) cursors: Vec<CursorRecord>,
    /// Of each cursor, its count of changes as it is here.
    changes: Vec<u64>,
    pub(crate) snapshot: Option<SnapshotRecord>,
    /// How many entries the snapshot knows.
    entries: u64,
}

impl Topic {
    /// The durable cursors that changed, and what a start needs to know of the producers, once that would save
    /// it reading so many entries.
    pub(crate) fn unwritten(self: &Arc<Self>, entries_min: u64) -> Unwritten {
        let state = self.state.lock();
        let (mut cursors, mut changes) = (Vec::new(), Vec::new());
        for (name, sub) in &state.subscriptions {
            let changed = sub.machine.cursor().changes();
            if sub.durable && sub.written != changed {
                cursors.push((
                    self.id,
                    name.clone(),
                    cursor_store::write(sub.machine.cursor(), &sub.properties),
                ));
                changes.push(changed);
            }
        }
        let is_due = state.entries - state.entries_in_snapshot >= entries_min;
        let newest = state.newest.filter(|_| is_due);
        let snapshot = newest.map(|newest| (self.id, state.dedup.snapshot(newest).write()));
        Unwritten { topic: Arc::clone(self), cursors, changes, snapshot, entries: state.entries }
    }
}

impl Unwritten {
    /// It is on the disk.
    pub(crate) fn is_written(&self) {
        let mut state = self.topic.state.lock();
        for ((_, name, _), changes) in self.cursors.iter().zip(&self.changes) {
            if let Some(sub) = state.subscriptions.get_mut(name) {
                sub.written = *changes;
            }
        }
        if self.snapshot.is_some() {
            state.entries_in_snapshot = self.entries;
        }
    }
}
