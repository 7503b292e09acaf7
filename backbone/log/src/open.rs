//! Opens a log: claims the folder, checks what is there, brings the journal into the segments.
//!
//! Everything is checked before anything is written, so that a folder that is refused stays as it was: a log
//! is [`Checked`] first, and opened then.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_files::{DirLock, Files, LockError};

use crate::{
    catalogue::{self, Catalogue},
    core::Core,
    error::{Damage, FileError, TooNew},
    intake::{Intake, Limits},
    journal::{
        recovery::{Journal, Torn},
        writer::{Slots, Writer},
    },
    options::{Durability, Options},
    queue::Queue,
    segment::{self, SegmentError, SegmentHead, reader::OpenSegments},
    store::{SEGMENTS, Store},
    topic::{SegmentInfo, Topic},
};

/// Why a log could not be opened. Nothing was changed, except perhaps the lock file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Locked(#[from] LockError),
    #[error(transparent)]
    Damaged(#[from] Damage),
    #[error(transparent)]
    TooNew(#[from] TooNew),
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<SegmentError> for OpenError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::File(error) => Self::File(error),
            SegmentError::Damage(damage) => Self::Damaged(damage),
            SegmentError::TooNew(too_new) => Self::TooNew(too_new),
        }
    }
}

/// What opening a log came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// How many records of the journal were not in the segments yet.
    pub replayed: u64,
    /// Where the journal was cut, if the last run had ended in the middle of a write.
    pub torn: Option<Torn>,
}

const JOURNAL: &str = "journal";

pub(crate) struct Opened {
    pub(crate) core: Core,
    pub(crate) store: Store,
    pub(crate) recovered: Recovered,
}

/// A log whose folder is ours, and whose files were looked through and found whole. Nothing was changed yet, so
/// that whoever has more to look at can still turn back.
#[derive(Debug)]
pub struct Checked {
    files: Arc<dyn Files>,
    dir: PathBuf,
    options: Options,
    lock: DirLock,
    is_new: bool,
    catalogue: Catalogue,
    journal: Journal,
    segments: OpenSegments,
}

impl Checked {
    /// There was none: nothing was ever kept here.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

pub(crate) fn check(files: &Arc<dyn Files>, dir: &Path, options: Options) -> Result<Checked, OpenError> {
    if options.durability == Durability::Os {
        tracing::warn!(
            dir = %dir.display(),
            "durability is \"os\": nothing is synced, and a power cut LOSES what was acknowledged"
        );
    }
    files.create_dir_all(dir).map_err(FileError::when("make", dir))?;
    let lock = files.lock_dir(dir)?;
    let (journal_dir, segments_dir) = (dir.join(JOURNAL), dir.join(SEGMENTS));
    for dir in [&journal_dir, &segments_dir] {
        files.create_dir_all(dir).map_err(FileError::when("make", dir))?;
    }
    let found = Catalogue::load(&**files, &dir.join(catalogue::NAME))?;
    let is_new = found.is_none();
    if is_new {
        refuse_orphans(&**files, dir, &[&journal_dir, &segments_dir])?;
    }
    let catalogue = found.unwrap_or_else(Catalogue::empty);
    let journal = Journal::scan(files, &journal_dir, &catalogue)?;
    let segments = OpenSegments::new(Arc::clone(files), segments_dir);
    check_segments(&segments, &catalogue, options.verify_bytes)?;
    let (files, dir) = (Arc::clone(files), dir.to_owned());
    Ok(Checked { files, dir, options, lock, is_new, catalogue, journal, segments })
}

pub(crate) fn open(checked: Checked) -> Result<Opened, OpenError> {
    let Checked { files, dir, options, lock, is_new, catalogue, journal, segments } = checked;
    let next = journal.next;
    let moved = next.start != catalogue.offset;
    let mut store = Store::new(Arc::clone(&files), &dir, catalogue);
    let recovered = Recovered { replayed: replay(&journal, &mut store)?, torn: journal.torn.clone() };
    if is_new || moved {
        store.checkpoint(next.start, 0, options.durability)?;
    }
    remove_leftovers(&*files, &dir.join(SEGMENTS), store.catalogue())?;

    let slots = Slots::new(files, dir.join(JOURNAL), &options, journal.into_slots());
    let slots = Arc::new(slots);
    let writer = Writer::begin(Arc::clone(&slots), options.durability, next)?;
    let mut queue = Queue::new(&options, next.number, store.catalogue().next_ledger);
    let mut topics = HashMap::new();
    for (id, segments) in &store.catalogue().topics {
        let topic = Arc::new(Topic::new(*id, segments.clone()));
        queue.resume(&topic);
        topics.insert(*id, topic);
    }
    let intake = Intake::new(Limits {
        write_from_bytes: options.unwritten_bytes,
        bytes_max: options.unwritten_bytes.saturating_mul(8),
        checkpoint_from_bytes: options.checkpoint_bytes,
    });
    let core = Core::new(options, lock, queue, writer, slots, topics, segments, intake);
    Ok(Opened { core, store, recovered })
}

/// Without a catalogue there must be nothing else: it is the first thing that is made.
fn refuse_orphans(files: &dyn Files, dir: &Path, parts: &[&PathBuf]) -> Result<(), OpenError> {
    for part in parts {
        if !files.list(part).map_err(FileError::when("read", part))?.is_empty() {
            let what = format!("it is missing, but there is something in {}", part.display());
            return Err(Damage::new(&dir.join(catalogue::NAME), 0, what).into());
        }
    }
    Ok(())
}

/// Looks at every segment from the outside, and reads the newest through, as far as `verify_bytes` go.
fn check_segments(
    segments: &OpenSegments,
    catalogue: &Catalogue,
    mut verify_bytes: u64,
) -> Result<(), SegmentError> {
    for (topic, all) in &catalogue.topics {
        for SegmentInfo { ledger, base, entries, bytes, .. } in all.iter().rev().copied() {
            let reader = segments.get(SegmentHead { topic: *topic, ledger, base })?;
            let (size, needed) = (reader.size()?, segment::HEAD_BYTES + bytes);
            if size < needed {
                let what = format!("it ends there, but {needed} bytes were synced");
                return Err(Damage::new(reader.path(), size, what).into());
            }
            if bytes <= verify_bytes {
                verify_bytes -= bytes;
                reader.read(base, base + entries, |_| true)?;
                if reader.known_to() != needed {
                    let what = format!("its {entries} entries end there, and not at {needed} as they did");
                    return Err(Damage::new(reader.path(), reader.known_to(), what).into());
                }
            }
        }
    }
    Ok(())
}

/// Brings what the journal has into the segments, a bounded part at a time.
fn replay(journal: &Journal, store: &mut Store) -> Result<u64, FileError> {
    const PIECE_BYTES: usize = 4 << 20;
    let (mut replayed, mut gathered) = (0, 0);
    for group in journal.groups() {
        for (record, bytes) in group?.records() {
            replayed += u64::from(store.replay(&record, bytes)?);
            gathered += bytes.len();
        }
        if gathered >= PIECE_BYTES {
            store.write()?;
            gathered = 0;
        }
    }
    store.write()?;
    Ok(replayed)
}

/// Removes segment files that a crash left and the catalogue does not know.
fn remove_leftovers(files: &dyn Files, dir: &Path, catalogue: &Catalogue) -> Result<(), FileError> {
    let known = catalogue.topics.iter().flat_map(|(topic, segments)| {
        segments.iter().map(|segment| segment::path_of(dir, *topic, segment.ledger))
    });
    let known: BTreeSet<PathBuf> = known.collect();
    for name in files.list(dir).map_err(FileError::when("read", dir))? {
        let path = dir.join(&name);
        if name.ends_with(".segment") && !known.contains(&path) {
            files.remove(&path).map_err(FileError::when("remove", &path))?;
        }
    }
    Ok(())
}
