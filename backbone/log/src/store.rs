//! The segments of all topics as one place to write to: behind the journal while the log runs, and out of
//! the journal when it opens after a crash.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_files::Files;

use crate::{
    catalogue::{self, Catalogue},
    error::FileError,
    journal::record::{Kind, Record, RecordHead},
    options::Durability,
    position::TopicId,
    segment::{SegmentHead, writer::SegmentWriter},
    topic::SegmentInfo,
};

pub(crate) const SEGMENTS: &str = "segments";

/// Knows what the segments hold, as of the last record given to it.
#[derive(Debug)]
pub(crate) struct Store {
    files: Arc<dyn Files>,
    catalogue_path: PathBuf,
    catalogue: Catalogue,
    writer: SegmentWriter,
    /// Records gathered to be written in one piece, by topic and ledger.
    gathered: BTreeMap<(TopicId, u64), Vec<u8>>,
    /// Segments that the catalogue on the disk may still name, and the one here does not.
    garbage: Vec<(TopicId, u64)>,
}

impl Store {
    pub(crate) fn new(files: Arc<dyn Files>, dir: &Path, catalogue: Catalogue) -> Self {
        let writer = SegmentWriter::new(Arc::clone(&files), dir.join(SEGMENTS));
        Self {
            files,
            catalogue_path: dir.join(catalogue::NAME),
            catalogue,
            writer,
            gathered: BTreeMap::new(),
            garbage: Vec::new(),
        }
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Takes one record out of the journal. One that is there already changes nothing; says whether it was
    /// news.
    pub(crate) fn replay(&mut self, record: &Record<'_>, bytes: &[u8]) -> Result<bool, FileError> {
        let RecordHead { kind, topic, index, .. } = record.head;
        match kind {
            Kind::TopicDeleted => self.delete(topic),
            Kind::Entry if index < self.catalogue.next_index(topic) => return Ok(false),
            Kind::Entry => self.add(&record.head, bytes)?,
        }
        Ok(true)
    }

    /// Adds the topic's next record.
    pub(crate) fn add(&mut self, head: &RecordHead, bytes: &[u8]) -> Result<(), FileError> {
        let RecordHead { topic, ledger, index, stamp, .. } = *head;
        let segments = self.catalogue.topics.entry(topic).or_default();
        if segments.back().is_none_or(|last| last.ledger < ledger) {
            segments.push_back(SegmentInfo::begin(ledger, index));
            self.catalogue.next_ledger = self.catalogue.next_ledger.max(ledger + 1);
            self.writer.begin(SegmentHead { topic, ledger, base: index })?;
        }
        let last = segments.back_mut().expect("it was just seen to");
        last.entries += 1;
        last.stamp_max = last.stamp_max.max(stamp);
        self.gathered.entry((topic, ledger)).or_default().extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn delete(&mut self, topic: TopicId) {
        let segments = self.catalogue.topics.remove(&topic).unwrap_or_default();
        for SegmentInfo { ledger, .. } in segments {
            self.gathered.remove(&(topic, ledger));
            self.garbage.push((topic, ledger));
        }
    }

    /// Drops a topic's segments before this one.
    pub(crate) fn trim(&mut self, topic: TopicId, before_ledger: u64) {
        let Some(segments) = self.catalogue.topics.get_mut(&topic) else { return };
        while segments.len() > 1 && segments[0].ledger < before_ledger {
            self.garbage.extend(segments.pop_front().map(|segment| (topic, segment.ledger)));
        }
    }

    /// Writes what was gathered into the files.
    pub(crate) fn write(&mut self) -> Result<(), FileError> {
        for ((topic, ledger), records) in std::mem::take(&mut self.gathered) {
            let Some(segments) = self.catalogue.topics.get_mut(&topic) else { continue };
            let Ok(at) = segments.binary_search_by_key(&ledger, |segment| segment.ledger) else { continue };
            self.writer.write(topic, ledger, segments[at].bytes, &records)?;
            segments[at].bytes += records.len() as u64;
        }
        Ok(())
    }

    /// Makes all of it durable, as what the journal had before `offset`. Returns the files that went.
    pub(crate) fn checkpoint(
        &mut self,
        offset: u64,
        next_ledger: u64,
        durability: Durability,
    ) -> Result<Vec<(TopicId, u64)>, FileError> {
        self.write()?;
        if durability == Durability::Sync {
            self.writer.sync()?;
        }
        self.catalogue.offset = offset;
        self.catalogue.next_ledger = self.catalogue.next_ledger.max(next_ledger);
        self.catalogue.store(&*self.files, &self.catalogue_path)?;
        let removed = std::mem::take(&mut self.garbage);
        for (topic, ledger) in &removed {
            self.writer.remove(*topic, *ledger)?;
        }
        Ok(removed)
    }
}
