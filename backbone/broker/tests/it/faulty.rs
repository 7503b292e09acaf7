//! Real files that refuse the metadata's writes, or hold back the journal's syncs or the reading of files, when they are
//! told to.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use hexalpes_files::{DirLock, File, Files, LockError, RealFiles};
use parking_lot::{Condvar, Mutex};

#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyFiles {
    faults: Arc<Faults>,
}

/// What becomes of a sync of the journal.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    #[default]
    Done,
    Held,
    Failed,
}

#[derive(Debug, Default)]
struct Faults {
    refuses: AtomicBool,
    refused: AtomicU64,
    syncs: Mutex<Syncs>,
    changed: Condvar,
    /// How many syncs are held back.
    held: AtomicU64,
    reads: Mutex<Reads>,
    reads_changed: Condvar,
}

/// Reads of what is only open to be read: segments.
#[derive(Debug, Default)]
struct Reads {
    are_held: bool,
    /// How many are held back.
    held: u64,
}

impl FaultyFiles {
    /// From now on, or no more: what reads a segment waits.
    pub(crate) fn hold_reads(&self, hold: bool) {
        self.faults.reads.lock().are_held = hold;
        self.faults.reads_changed.notify_all();
    }

    pub(crate) fn holds_a_read(&self) -> bool {
        self.faults.reads.lock().held > 0
    }

    /// From now on, or no more: the metadata cannot be written.
    pub(crate) fn refuse_metadata(&self, refuse: bool) {
        self.faults.refuses.store(refuse, Ordering::SeqCst);
    }

    /// How many writes were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.faults.refused.load(Ordering::SeqCst)
    }

    /// What becomes of the journal's syncs from now on, and of those that are held back.
    pub(crate) fn syncs(&self, are: Syncs) {
        *self.faults.syncs.lock() = are;
        self.faults.changed.notify_all();
    }

    pub(crate) fn holds_a_sync(&self) -> bool {
        self.faults.held.load(Ordering::SeqCst) > 0
    }

    fn file(&self, path: &Path, file: Arc<dyn File>) -> Arc<dyn File> {
        let is_metadata = path.file_stem().is_some_and(|stem| stem == "metadata");
        Arc::new(FaultyFile { faults: Arc::clone(&self.faults), file, is_metadata, is_segment: false })
    }

    fn segment(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(FaultyFile { faults: Arc::clone(&self.faults), file, is_metadata: false, is_segment: true })
    }
}

#[rustfmt::skip]
impl Files for FaultyFiles {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> { RealFiles.create_dir_all(dir) }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> { Ok(self.file(path, RealFiles.create(path)?)) }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> { Ok(self.file(path, RealFiles.open(path)?)) }
    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn File>> { Ok(self.segment(RealFiles.open_to_read(path)?)) }
    fn exists(&self, path: &Path) -> io::Result<bool> { RealFiles.exists(path) }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> { RealFiles.list(dir) }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> { RealFiles.rename(from, to) }
    fn remove(&self, path: &Path) -> io::Result<()> { RealFiles.remove(path) }
    fn remove_dir(&self, dir: &Path) -> io::Result<()> { RealFiles.remove_dir(dir) }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> { RealFiles.sync_dir(dir) }
    fn lock_dir(&self, dir: &Path) -> Result<DirLock, LockError> { RealFiles.lock_dir(dir) }
}

#[derive(Debug)]
struct FaultyFile {
    faults: Arc<Faults>,
    file: Arc<dyn File>,
    is_metadata: bool,
    is_segment: bool,
}

impl FaultyFile {
    fn check(&self) -> io::Result<()> {
        if self.is_metadata && self.faults.refuses.load(Ordering::SeqCst) {
            self.faults.refused.fetch_add(1, Ordering::SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl File for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.is_segment {
            let mut reads = self.faults.reads.lock();
            reads.held += 1;
            self.faults.reads_changed.wait_while(&mut reads, |reads| reads.are_held);
            reads.held -= 1;
        }
        self.file.read_at(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.check()?;
        self.file.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        if !self.is_metadata {
            let mut syncs = self.faults.syncs.lock();
            self.faults.held.fetch_add(1, Ordering::SeqCst);
            self.faults.changed.wait_while(&mut syncs, |syncs| *syncs == Syncs::Held);
            self.faults.held.fetch_sub(1, Ordering::SeqCst);
            if *syncs == Syncs::Failed {
                return Err(io::Error::other("the disk is gone"));
            }
        }
        self.file.sync_data()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_size(size)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn allocate(&self, size: u64) -> io::Result<()> {
        self.check()?;
        self.file.allocate(size)
    }
}
