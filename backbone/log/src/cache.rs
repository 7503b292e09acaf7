//! Committed groups in memory: first until the segments have them, then as long as there is room, so that
//! consumers that keep up never read a file.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use crate::{
    journal::record::Kind,
    position::Entry,
    queue::{Batch, Placed, runs},
    topic::Topic,
};

/// A group that is durable.
#[derive(Debug)]
pub(crate) struct Group {
    buffer: Bytes,
    records: Vec<Placed>,
    topics: Vec<(usize, Arc<Topic>)>,
    /// Its end in the journal.
    pub(crate) end: u64,
}

impl Group {
    pub(crate) fn new(batch: Batch, end: u64) -> Self {
        Self { buffer: Bytes::from(batch.buffer), records: batch.records, topics: batch.topics, end }
    }

    /// The topics with their records, in order; a topic may come more than once.
    pub(crate) fn by_topic(&self) -> impl Iterator<Item = (&Arc<Topic>, &[Placed])> {
        runs(&self.topics, self.records.len()).map(|(topic, run)| (topic, &self.records[run]))
    }

    /// Shows its entries to readers. The entries are slices of this group's one buffer.
    pub(crate) fn publish(&self) {
        for (topic, records) in self.by_topic() {
            let entries = records.iter().filter(|record| record.kind == Kind::Entry);
            topic.publish(entries.map(|record| (self.entry(record), (record.end - record.at) as u64)));
        }
    }

    /// The bytes of a record, as they are in the journal.
    pub(crate) fn record(&self, record: &Placed) -> &[u8] {
        &self.buffer[record.at..record.end]
    }

    fn entry(&self, record: &Placed) -> Entry {
        let payload = record.at + crate::journal::record::HEAD_BYTES..record.end;
        Entry { position: record.position, stamp: record.stamp, payload: self.buffer.slice(payload) }
    }

    /// What it takes in the journal.
    pub(crate) fn journal_bytes(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// Whether a topic is deleted here.
    pub(crate) fn ends_a_topic(&self) -> bool {
        self.records.iter().any(|record| record.kind == Kind::TopicDeleted)
    }

    /// What it takes in memory, near enough.
    pub(crate) fn bytes(&self) -> usize {
        self.buffer.len() + self.records.len() * (size_of::<Placed>() + size_of::<Entry>())
    }
}

/// Groups that the segments have, oldest first, within bounds.
///
/// One order for all topics: what was committed first leaves first. Nothing is promoted by being read, for a
/// consumer that keeps up reads an entry once, right away.
#[derive(Debug)]
pub(crate) struct Cache {
    groups: VecDeque<Group>,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { groups: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub(crate) fn add(&mut self, group: Group) {
        self.bytes += group.bytes();
        self.groups.push_back(group);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.groups.pop_front() else { break };
            self.bytes -= oldest.bytes();
            for (topic, records) in oldest.by_topic() {
                topic.evict(records.iter().filter(|record| record.kind == Kind::Entry).count());
            }
        }
    }
}
