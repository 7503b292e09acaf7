//! What waits to be committed. Positions are given out here, so that they are in the order of the journal.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    error::FileError,
    journal::{
        group::{GROUP_HEAD_BYTES, group_bytes},
        record::{Kind, RecordHead},
    },
    options::Options,
    position::{Position, TopicId},
    receipts::{Appended, Receipts},
    topic::Topic,
};

/// Why an append was refused. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    #[error("the entry has {bytes} bytes, more than the {limit} that an entry may have")]
    TooLarge { bytes: usize, limit: usize },
    #[error("{waiting_bytes} bytes are waiting to be committed already; try again")]
    Crowded { waiting_bytes: usize },
    /// Nobody knows what the disk kept of what it failed to write, so nothing more is written to it.
    #[error("the log takes no entries until it is opened again: {0}")]
    Stopped(Arc<FileError>),
    #[error("the log is closed")]
    Closed,
}

/// One group to be, and whom to tell about it.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The journal file it was encoded for.
    pub(crate) file: u32,
    /// Room for the head, then the records.
    pub(crate) buffer: Vec<u8>,
    pub(crate) records: Vec<Placed>,
    /// Runs of records of one topic, by where they begin.
    pub(crate) topics: Vec<(usize, Arc<Topic>)>,
    pub(crate) appended: Vec<Appended>,
    /// Runs of `appended` with the same receiver, by where they begin.
    pub(crate) receivers: Vec<(usize, Arc<dyn Receipts>)>,
}

/// Where in its group's buffer a record lies, and what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    pub(crate) index: u64,
    pub(crate) position: Position,
    pub(crate) stamp: u64,
}

/// The next entry of a topic.
#[derive(Debug)]
struct Head {
    topic: Arc<Topic>,
    ledger: u64,
    base: u64,
    next: u64,
    segment_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Queue {
    batches: VecDeque<Batch>,
    /// Whether the last batch may still grow.
    growing: bool,
    heads: HashMap<TopicId, Head>,
    next_ledger: u64,
    waiting_bytes: usize,
    plan: Plan,
    limits: Limits,
    last_batch_bytes: usize,
}

/// Which file the next group will be in, and how much of it is spoken for.
#[derive(Debug, Clone, Copy)]
struct Plan {
    file: u32,
    used: u64,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    file_bytes: u64,
    group_bytes: u64,
    waiting_bytes: usize,
    segment_bytes: u64,
    segment_entries: u64,
}

impl Queue {
    /// A queue whose first group will be the first in journal file `file`.
    pub(crate) fn new(options: &Options, file: u32, next_ledger: u64) -> Self {
        Self {
            batches: VecDeque::new(),
            growing: false,
            heads: HashMap::new(),
            next_ledger,
            waiting_bytes: 0,
            plan: Plan { file, used: 0 },
            limits: Limits {
                file_bytes: options.journal_file_bytes,
                group_bytes: options.group_bytes_max(),
                waiting_bytes: options.waiting_bytes_max,
                segment_bytes: options.segment_bytes,
                segment_entries: options.segment_entries,
            },
            last_batch_bytes: 0,
        }
    }

    /// Goes on with a topic that was there before.
    pub(crate) fn resume(&mut self, topic: &Arc<Topic>) {
        if let Some(last) = topic.segments().last() {
            let head = Head {
                ledger: last.ledger,
                base: last.base,
                next: last.base + last.entries,
                segment_bytes: last.bytes,
                topic: Arc::clone(topic),
            };
            self.heads.insert(topic.id, head);
        }
    }

    pub(crate) fn next_ledger(&self) -> u64 {
        self.next_ledger
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Queues an entry. `make_topic` is called if it is the first of its topic.
    pub(crate) fn append(
        &mut self,
        id: TopicId,
        stamp: u64,
        parts: &[&[u8]],
        receipts: &Arc<dyn Receipts>,
        token: u64,
        make_topic: impl FnOnce() -> Arc<Topic>,
    ) -> Result<Position, AppendError> {
        let payload_bytes: usize = parts.iter().map(|part| part.len()).sum();
        self.check_room(payload_bytes)?;
        let bytes = RecordHead::record_bytes(payload_bytes) as u64;
        let head = self.heads.entry(id).or_insert_with(|| {
            let topic = make_topic();
            Head { topic, ledger: 0, base: 0, next: 0, segment_bytes: 0 }
        });
        let full = head.next - head.base >= self.limits.segment_entries
            || (head.segment_bytes > 0 && head.segment_bytes + bytes > self.limits.segment_bytes);
        if head.ledger == 0 || full {
            head.ledger = self.next_ledger;
            head.base = head.next;
            head.segment_bytes = 0;
            self.next_ledger += 1;
        }
        let position = Position::new(head.ledger, head.next - head.base);
        let index = head.next;
        head.next += 1;
        head.segment_bytes += bytes;
        let topic = Arc::clone(&head.topic);
        self.place(&topic, Kind::Entry, index, position, stamp, parts);
        let batch = self.batches.back_mut().expect("a record was just placed");
        if batch.receivers.last().is_none_or(|(_, last)| !same(last, receipts)) {
            batch.receivers.push((batch.appended.len(), Arc::clone(receipts)));
        }
        batch.appended.push(Appended { topic: id, position, token });
        Ok(position)
    }

    /// Queues the end of a topic; later entries of that number begin another.
    pub(crate) fn delete(&mut self, id: TopicId) {
        if let Some(head) = self.heads.remove(&id) {
            let position = Position::new(head.ledger, head.next - head.base);
            self.place(&head.topic, Kind::TopicDeleted, head.next, position, 0, &[]);
        }
    }

    /// Takes the oldest group, whole or as far as it has grown.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        let batch = self.batches.pop_front()?;
        if self.batches.is_empty() && self.growing {
            self.close_batch(batch.buffer.len());
        }
        self.waiting_bytes -= batch.buffer.len();
        Some(batch)
    }

    fn check_room(&self, payload_bytes: usize) -> Result<(), AppendError> {
        let overhead = GROUP_HEAD_BYTES + RecordHead::record_bytes(0);
        let limit = usize::try_from(self.limits.group_bytes).unwrap_or(usize::MAX).saturating_sub(overhead);
        if payload_bytes > limit {
            return Err(AppendError::TooLarge { bytes: payload_bytes, limit });
        }
        if self.waiting_bytes > self.limits.waiting_bytes {
            return Err(AppendError::Crowded { waiting_bytes: self.waiting_bytes });
        }
        Ok(())
    }

    fn place(
        &mut self,
        topic: &Arc<Topic>,
        kind: Kind,
        index: u64,
        position: Position,
        stamp: u64,
        parts: &[&[u8]],
    ) {
        let payload_bytes = parts.iter().map(|part| part.len()).sum();
        self.see_to_batch(RecordHead::record_bytes(payload_bytes));
        let batch = self.batches.back_mut().expect("there is one now");
        let at = batch.buffer.len();
        let head =
            RecordHead { file: batch.file, kind, topic: topic.id, ledger: position.ledger, index, stamp };
        head.encode(parts, &mut batch.buffer);
        let end = batch.buffer.len();
        if batch.topics.last().is_none_or(|(_, last)| !Arc::ptr_eq(last, topic)) {
            batch.topics.push((batch.records.len(), Arc::clone(topic)));
        }
        batch.records.push(Placed { at, end, kind, index, position, stamp });
        self.waiting_bytes += end - at;
    }

    /// Makes the last batch one that has room for so many bytes more, in a file that has room for it.
    fn see_to_batch(&mut self, bytes: usize) {
        if self.growing {
            let now = self.batches.back().map_or(0, |batch| batch.buffer.len());
            let grown = group_bytes((now - GROUP_HEAD_BYTES + bytes) as u64);
            if grown <= self.limits.group_bytes && self.plan.used + grown <= self.limits.file_bytes {
                return;
            }
            self.close_batch(now);
        }
        if self.plan.used + group_bytes(bytes as u64) > self.limits.file_bytes {
            self.plan = Plan { file: self.plan.file + 1, used: 0 };
        }
        let mut buffer = Vec::with_capacity(self.last_batch_bytes.max(GROUP_HEAD_BYTES + bytes));
        buffer.resize(GROUP_HEAD_BYTES, 0);
        self.waiting_bytes += buffer.len();
        self.growing = true;
        self.batches.push_back(Batch {
            file: self.plan.file,
            buffer,
            records: Vec::new(),
            topics: Vec::new(),
            appended: Vec::new(),
            receivers: Vec::new(),
        });
    }

    fn close_batch(&mut self, bytes: usize) {
        self.growing = false;
        let group = group_bytes((bytes - GROUP_HEAD_BYTES) as u64);
        self.plan.used += group;
        self.last_batch_bytes = usize::try_from(group).expect("it is in memory");
    }
}

/// Whether two receivers are one: by address alone, whatever the compiler did with their tables.
fn same(one: &Arc<dyn Receipts>, other: &Arc<dyn Receipts>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// Runs that are kept by where they begin, as ranges.
pub(crate) fn runs<T>(
    begins: &[(usize, T)],
    end: usize,
) -> impl Iterator<Item = (&T, std::ops::Range<usize>)> {
    begins.iter().enumerate().map(move |(n, (begin, value))| {
        let until = begins.get(n + 1).map_or(end, |(next, _)| *next);
        (value, *begin..until)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    struct Nobody;

    impl Receipts for Nobody {
        fn synced(&self, _: &[Appended]) {}
        fn failed(&self, _: &[Appended], _: &FileError) {}
    }

    fn append(queue: &mut Queue, topic: u64, bytes: usize, receipts: &Arc<dyn Receipts>) -> Position {
        let id = TopicId(topic);
        let make = || Arc::new(Topic::new(id, VecDeque::new()));
        queue.append(id, 0, &[&vec![0; bytes]], receipts, 0, make).unwrap()
    }

    #[test]
    fn groups_and_files_are_filled_and_not_overfilled() {
        let options = Options { journal_file_bytes: 4096, ..Options::default() };
        let mut queue = Queue::new(&options, 5, 1);
        let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
        for _ in 0..7 {
            append(&mut queue, 1, 900, &receipts);
        }
        let batches: Vec<Batch> = std::iter::from_fn(|| queue.take()).collect();
        let taken: Vec<_> = batches.iter().map(|batch| (batch.file, batch.records.len())).collect();
        assert_eq!(taken, [(5, 2), (5, 2), (6, 2), (6, 1)]);
        assert_eq!(queue.waiting_bytes(), 0);
    }

    #[test]
    fn a_group_that_was_taken_does_not_grow() {
        let mut queue = Queue::new(&Options::default(), 1, 1);
        let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
        append(&mut queue, 1, 10, &receipts);
        assert_eq!(queue.take().unwrap().records.len(), 1);
        append(&mut queue, 1, 10, &receipts);
        assert_eq!(queue.take().unwrap().records.len(), 1);
        assert!(queue.is_empty());
    }

    #[test]
    fn ledgers_are_numbered_over_all_topics_and_entries_within_each() {
        let options = Options { segment_entries: 2, ..Options::default() };
        let mut queue = Queue::new(&options, 1, 1);
        let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
        let positions = [1, 1, 2, 1, 2].map(|topic| append(&mut queue, topic, 10, &receipts));
        let expected = [(1, 0), (1, 1), (2, 0), (3, 0), (2, 1)];
        assert_eq!(positions, expected.map(|(ledger, entry)| Position::new(ledger, entry)));
    }

    #[test]
    fn neighbours_with_one_receiver_are_one_run() {
        let mut queue = Queue::new(&Options::default(), 1, 1);
        let (one, other): (Arc<dyn Receipts>, Arc<dyn Receipts>) = (Arc::new(Nobody), Arc::new(Nobody));
        for receipts in [&one, &one, &other, &one] {
            append(&mut queue, 1, 10, receipts);
        }
        let batch = queue.take().unwrap();
        let lengths: Vec<_> =
            runs(&batch.receivers, batch.appended.len()).map(|(_, run)| run.len()).collect();
        assert_eq!(lengths, [2, 1, 1]);
    }
}
