//! Reads entries out of segment files.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use hexalpes_files::{File, Files};
use parking_lot::Mutex;

use crate::{
    error::{Damage, FileError},
    journal::record::{HEAD_BYTES as RECORD_HEAD_BYTES, Kind, Record},
    position::{Entry, Position, TopicId},
    segment::{
        self, SegmentError, SegmentHead,
        index::{Mark, SparseIndex},
    },
};

/// A segment that is open to be read.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    head: SegmentHead,
    path: PathBuf,
    file: Arc<dyn File>,
    index: Mutex<SparseIndex>,
}

/// How much is read at once, unless one entry is longer.
const PIECE_BYTES: usize = 128 << 10;

impl SegmentReader {
    pub(crate) fn open(files: &dyn Files, dir: &Path, head: SegmentHead) -> Result<Self, SegmentError> {
        let path = segment::path_of(dir, head.topic, head.ledger);
        let file = match files.open_to_read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Damage::new(&path, 0, "it is missing").into());
            }
            opened => opened.map_err(FileError::when("open", &path))?,
        };
        head.check(&path, &*file)?;
        let first = Mark { index: head.base, byte: segment::HEAD_BYTES };
        Ok(Self { head, path, file, index: Mutex::new(SparseIndex::new(first)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn size(&self) -> Result<u64, FileError> {
        self.file.size().map_err(FileError::when("read", &self.path))
    }

    /// The byte behind the last entry that anybody has read.
    pub(crate) fn known_to(&self) -> u64 {
        self.index.lock().end().byte
    }

    /// Hands out the entries from one index to before another, until `take` says that it is enough.
    /// Returns where it stopped.
    pub(crate) fn read(
        &self,
        from: u64,
        until: u64,
        mut take: impl FnMut(Entry) -> bool,
    ) -> Result<u64, SegmentError> {
        let mut mark = self.index.lock().before(from);
        let mut piece = Bytes::new();
        while mark.index < until {
            let whole = Record::announced_bytes(&piece).is_some_and(|bytes| bytes <= piece.len());
            if !whole {
                piece = self.piece(mark.byte, &piece)?;
            }
            let record = self.record(mark, &piece)?;
            let (bytes, stamp) = (record.bytes(), record.head.stamp);
            let next = Mark { index: mark.index + 1, byte: mark.byte + bytes as u64 };
            self.index.lock().learn(mark, next.byte);
            let payload = piece.slice(RECORD_HEAD_BYTES..bytes);
            let position = Position::new(self.head.ledger, mark.index - self.head.base);
            if mark.index >= from && !take(Entry { position, stamp, payload }) {
                return Ok(mark.index);
            }
            piece = piece.slice(bytes..);
            mark = next;
        }
        Ok(until)
    }

    /// Bytes from `byte` on: a piece, or as much as the record that begins there says it needs.
    fn piece(&self, byte: u64, known: &Bytes) -> Result<Bytes, SegmentError> {
        let size = self.size()?;
        let mut wanted = Record::announced_bytes(known).unwrap_or(0).max(PIECE_BYTES);
        loop {
            // What a damaged length asks for may be more than the file has.
            let left = usize::try_from(size.saturating_sub(byte)).unwrap_or(usize::MAX);
            let mut piece = vec![0; wanted.min(left)];
            self.file.read_exact_at(&mut piece, byte).map_err(FileError::when("read", &self.path))?;
            match Record::announced_bytes(&piece) {
                Some(needed) if needed > piece.len() && piece.len() < left => wanted = needed,
                _ => return Ok(piece.into()),
            }
        }
    }

    fn record<'a>(&self, mark: Mark, piece: &'a [u8]) -> Result<Record<'a>, SegmentError> {
        let damage = |what: &dyn std::fmt::Display| Damage::new(&self.path, mark.byte, what);
        let record = Record::decode(piece).map_err(|error| damage(&error))?;
        let expected = (Kind::Entry, self.head.topic, self.head.ledger, mark.index);
        let head = record.head;
        if (head.kind, head.topic, head.ledger, head.index) != expected {
            return Err(damage(&"another record lies there").into());
        }
        Ok(record)
    }
}

/// Segments that are open to be read, not too many at once.
#[derive(Debug)]
pub(crate) struct OpenSegments {
    files: Arc<dyn Files>,
    dir: PathBuf,
    open: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    readers: HashMap<(TopicId, u64), (u64, Arc<SegmentReader>)>,
    /// Counts uses: who was used longest ago is closed first.
    uses: u64,
}

/// Open files and their indexes are kept for so many segments.
const OPEN_MAX: usize = 128;

impl OpenSegments {
    pub(crate) fn new(files: Arc<dyn Files>, dir: PathBuf) -> Self {
        Self { files, dir, open: Mutex::default() }
    }

    pub(crate) fn get(&self, head: SegmentHead) -> Result<Arc<SegmentReader>, SegmentError> {
        let key = (head.topic, head.ledger);
        if let Some(reader) = self.open.lock().used(key) {
            return Ok(reader);
        }
        let reader = Arc::new(SegmentReader::open(&*self.files, &self.dir, head)?);
        self.open.lock().put(key, Arc::clone(&reader));
        Ok(reader)
    }

    pub(crate) fn close(&self, topic: TopicId, ledger: u64) {
        self.open.lock().readers.remove(&(topic, ledger));
    }
}

impl Shelf {
    fn used(&mut self, key: (TopicId, u64)) -> Option<Arc<SegmentReader>> {
        self.uses += 1;
        let (used, reader) = self.readers.get_mut(&key)?;
        *used = self.uses;
        Some(Arc::clone(reader))
    }

    fn put(&mut self, key: (TopicId, u64), reader: Arc<SegmentReader>) {
        if self.readers.len() >= OPEN_MAX
            && let Some(oldest) = self.readers.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key)
        {
            self.readers.remove(&oldest);
        }
        self.readers.insert(key, (self.uses, reader));
    }
}
