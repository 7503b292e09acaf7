//! Writes entries into segment files, behind the journal, and syncs them when a checkpoint asks.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use hexalpes_files::{File, Files};

use crate::{
    error::FileError,
    position::TopicId,
    segment::{self, SegmentHead},
};

#[derive(Debug)]
pub(crate) struct SegmentWriter {
    files: Arc<dyn Files>,
    dir: PathBuf,
    open: HashMap<(TopicId, u64), Arc<dyn File>>,
    /// Written to since the last sync.
    dirty: BTreeSet<(TopicId, u64)>,
    /// Whether files were made since the folder was last synced.
    made_files: bool,
}

/// Files that stay open between writes. Any can be closed at any time: syncing needs no particular handle.
const OPEN_MAX: usize = 128;

impl SegmentWriter {
    pub(crate) fn new(files: Arc<dyn Files>, dir: PathBuf) -> Self {
        Self { files, dir, open: HashMap::new(), dirty: BTreeSet::new(), made_files: false }
    }

    /// Makes a segment's file. One that is there already was left by a crash and in no catalogue.
    pub(crate) fn begin(&mut self, head: SegmentHead) -> Result<(), FileError> {
        let path = segment::path_of(&self.dir, head.topic, head.ledger);
        let file = if self.files.exists(&path).map_err(FileError::when("open", &path))? {
            self.files.open_unbuffered(&path)
        } else {
            self.files.create_unbuffered(&path)
        }
        .map_err(FileError::when("make", &path))?;
        self.made_files = true;
        file.write_all_at(&head.encode(), 0).map_err(FileError::when("write", &path))?;
        self.keep_open((head.topic, head.ledger), file);
        self.dirty.insert((head.topic, head.ledger));
        Ok(())
    }

    /// Writes whole records behind the first `bytes` bytes of records.
    pub(crate) fn write(
        &mut self,
        topic: TopicId,
        ledger: u64,
        bytes: u64,
        records: &[u8],
    ) -> Result<(), FileError> {
        let file = self.file(topic, ledger)?;
        self.dirty.insert((topic, ledger));
        file.write_all_at(records, segment::HEAD_BYTES + bytes)
            .map_err(|error| FileError::when("write", &segment::path_of(&self.dir, topic, ledger))(error))
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&mut self) -> Result<(), FileError> {
        for (topic, ledger) in std::mem::take(&mut self.dirty) {
            let file = self.file(topic, ledger)?;
            file.sync_data().map_err(|error| {
                FileError::when("sync", &segment::path_of(&self.dir, topic, ledger))(error)
            })?;
        }
        if std::mem::take(&mut self.made_files) {
            self.files.sync_dir(&self.dir).map_err(FileError::when("sync", &self.dir))?;
        }
        Ok(())
    }

    /// Removes a segment's file, which the catalogue does not name any more.
    pub(crate) fn remove(&mut self, topic: TopicId, ledger: u64) -> Result<(), FileError> {
        self.open.remove(&(topic, ledger));
        self.dirty.remove(&(topic, ledger));
        let path = segment::path_of(&self.dir, topic, ledger);
        self.files.remove(&path).map_err(FileError::when("remove", &path))
    }

    fn file(&mut self, topic: TopicId, ledger: u64) -> Result<Arc<dyn File>, FileError> {
        if let Some(file) = self.open.get(&(topic, ledger)) {
            return Ok(Arc::clone(file));
        }
        let path = segment::path_of(&self.dir, topic, ledger);
        let file = self.files.open_unbuffered(&path).map_err(FileError::when("open", &path))?;
        self.keep_open((topic, ledger), Arc::clone(&file));
        Ok(file)
    }

    fn keep_open(&mut self, key: (TopicId, u64), file: Arc<dyn File>) {
        if self.open.len() >= OPEN_MAX {
            self.open.clear();
        }
        self.open.insert(key, file);
    }
}
