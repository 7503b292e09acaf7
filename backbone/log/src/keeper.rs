//! The thread behind the journal: brings what is committed into the segments, makes checkpoints, and sees
//! to it that the journal has files to go on with. No receipt waits for it.

use std::sync::Arc;

use crate::{
    cache::{Cache, Group},
    core::Core,
    error::FileError,
    intake::Work,
    journal::record::{Kind, RecordHead},
    store::Store,
};

pub(crate) struct Keeper {
    core: Arc<Core>,
    store: Store,
    cache: Cache,
    /// Everything before this offset of the journal was given to the store.
    taken: u64,
}

impl Keeper {
    pub(crate) fn new(core: Arc<Core>, store: Store) -> Self {
        let cache = Cache::new(core.options.cache_bytes);
        let taken = store.catalogue().offset;
        Self { core, store, cache, taken }
    }

    /// Works until it is told to stop, or a file fails: then nothing more can be appended, for the journal
    /// could not be emptied.
    pub(crate) fn run(mut self) {
        loop {
            let work = self.core.intake.wait();
            let stop = work.stop;
            if let Err(error) = self.work(work) {
                let error = Arc::new(error);
                self.core.stop(&error);
                self.core.intake.fail(&error);
                return;
            }
            if stop {
                return;
            }
        }
    }

    fn work(&mut self, work: Work) -> Result<(), FileError> {
        for group in &work.groups {
            self.take(group)?;
        }
        self.store.write()?;
        for (topic, records) in work.groups.iter().flat_map(Group::by_topic) {
            if let Some(last) = records.iter().rfind(|record| record.kind == Kind::Entry) {
                topic.mark_written(last.index + 1);
            }
        }
        for (topic, before_ledger) in work.trims {
            self.store.trim(topic, before_ledger);
        }
        let bytes = work.groups.iter().map(Group::bytes).sum();
        for group in work.groups {
            self.cache.add(group);
        }
        if work.next_file {
            self.core.slots.prepare()?;
        }
        if work.checkpoint.is_some() {
            self.checkpoint()?;
        }
        self.core.intake.finished(bytes, work.checkpoint);
        Ok(())
    }

    fn take(&mut self, group: &Group) -> Result<(), FileError> {
        for (topic, records) in group.by_topic() {
            for record in records {
                let head = RecordHead {
                    file: 0,
                    kind: record.kind,
                    topic: topic.id,
                    ledger: record.position.ledger,
                    index: record.index,
                    stamp: record.stamp,
                };
                match record.kind {
                    Kind::Entry => self.store.add(&head, group.record(record))?,
                    Kind::TopicDeleted => self.store.delete(topic.id),
                }
            }
        }
        self.taken = group.end;
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), FileError> {
        let next_ledger = self.core.next_ledger();
        let removed = self.store.checkpoint(self.taken, next_ledger, self.core.options.durability)?;
        for (topic, ledger) in removed {
            self.core.segments.close(topic, ledger);
        }
        self.core.slots.release_below(self.taken)
    }
}
