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
