//! Opens the metadata in memory first, to see whether it can be had at all.
//!
//! redb writes to a file as soon as it opens it, and does not look through one that was closed well: a damaged
//! page is met later, often with a panic. So its checks are run on a copy, and a file that is refused stays as
//! it was. The file is small: topics, cursors, producers.

use std::{
    cell::Cell,
    io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::Once,
};

use hexalpes_files::Files;
use redb::{Database, ReadTransaction, ReadableDatabase, StorageBackend as _, backends::InMemoryBackend};

use super::{MetadataError, Result};

/// Where redb says in its header that the file was not closed: bit 1 of the byte behind the magic number of 9.
const GOD_BYTE: usize = 9;
const NOT_CLOSED: u8 = 0b10;

/// Writes the file anew if the last run did not close it. That run may have ended over a sync that failed: what the
/// system shows of the file since then need not be on the disk, and no later sync would bring it there.
pub(super) fn make_durable(files: &dyn Files, path: &Path) -> io::Result<()> {
    let content = files.read(path)?;
    if content.get(GOD_BYTE).is_none_or(|flags| flags & NOT_CLOSED == 0) {
        return Ok(());
    }
    match files.replace(path, &content) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            tracing::warn!(path = %path.display(), "no room to write the metadata anew after a crash");
            Ok(())
        }
        done => done,
    }
}

/// Reads the whole file, checks every page that is in use, and lets `look` see what is in it.
pub(super) fn look(
    files: &dyn Files,
    path: &Path,
    look: impl FnOnce(&ReadTransaction) -> Result<()>,
) -> Result<()> {
    let copy = InMemoryBackend::new();
    let content = files.read(path)?;
    copy.set_len(content.len() as u64)?;
    copy.write(0, &content)?;
    drop(content);
    let damaged = |what: String| MetadataError::Damaged { path: path.to_owned(), what };
    match without_noise(|| check(copy, look)) {
        Some(Err(MetadataError::Store(error))) => Err(match *error {
            redb::Error::Corrupted(what) => damaged(what),
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                damaged(error.to_string())
            }
            other => MetadataError::Store(Box::new(other)),
        }),
        Some(looked) => looked,
        None => Err(damaged("its pages do not fit together".to_owned())),
    }
}

fn check(copy: InMemoryBackend, look: impl FnOnce(&ReadTransaction) -> Result<()>) -> Result<()> {
    let mut database = Database::builder().create_with_backend(copy)?;
    if !database.check_integrity()? {
        return Err(redb::Error::Corrupted("a page's checksum does not match".to_owned()).into());
    }
    look(&database.begin_read()?)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What the work came to, or nothing if it panicked; that panic is an answer, and nobody is told of it.
fn without_noise<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                others(info);
            }
        }));
    });
    QUIET.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    done.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hexalpes_files::ForgetfulFiles;

    use super::*;
    use crate::metadata::Metadata;

    const PATH: &str = "/metadata.redb";

    #[test]
    fn only_a_file_that_was_not_closed_is_written_anew() {
        let disk = ForgetfulFiles::new();
        let files: Arc<dyn Files> = Arc::new(disk.clone());
        let path = Path::new(PATH);
        let is_written = || {
            let before = disk.data_syncs();
            make_durable(&disk, path).unwrap();
            disk.data_syncs() > before
        };
        drop(Metadata::open(&files, path).unwrap());
        assert!(!is_written(), "it was closed");
        let open = Metadata::open(&files, path).unwrap();
        disk.forget();
        drop(open);
        assert!(is_written(), "the power was cut while it was open");
        Metadata::open(&files, path).unwrap();
    }

    #[test]
    fn what_a_failed_sync_left_undone_is_not_relied_on_after_the_next_start() {
        for sync in 1..12 {
            let disk = ForgetfulFiles::new();
            let files: Arc<dyn Files> = Arc::new(disk.clone());
            Metadata::open(&files, Path::new(PATH)).unwrap().create_topic("kept").unwrap();
            disk.fail_sync(sync);
            let failing = Metadata::open(&files, Path::new(PATH));
            if let Ok(metadata) = &failing {
                let _ = (0..3).try_for_each(|n| metadata.create_topic(&n.to_string()).map(drop));
            }
            drop(failing);
            disk.heal();
            // The machine runs on, and with the next start it is as if nothing had been.
            let topics = Metadata::open(&files, Path::new(PATH)).unwrap().topics().unwrap();
            disk.forget();
            let kept = Metadata::open(&files, Path::new(PATH)).unwrap().topics().unwrap();
            assert_eq!(kept, topics, "sync {sync}");
        }
    }
}
