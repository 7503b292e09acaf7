//! Who may write in a data folder: one process at a time.

use std::{
    any::Any,
    fmt, io,
    path::{Path, PathBuf},
};

use crate::way_out;

/// The name of the file that carries the lock. It stays when the lock is given back: removing it would
/// let two processes lock two files of that name.
pub(crate) const LOCK_FILE: &str = "lock";

/// A folder that is ours until this is dropped.
pub struct DirLock {
    dir: PathBuf,
    _guard: Box<dyn Any + Send + Sync>,
}

impl DirLock {
    pub(crate) fn new(dir: &Path, guard: impl Any + Send + Sync) -> Self {
        Self { dir: dir.to_owned(), _guard: Box::new(guard) }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl fmt::Debug for DirLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirLock").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Why a folder could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{} is in use by {holder}; stop it, or choose another data folder", dir.display())]
    Held { dir: PathBuf, holder: String },
    #[error(
        "{} cannot be locked: {source}; {}",
        dir.display(),
        way_out(source).unwrap_or("choose another data folder")
    )]
    Io { dir: PathBuf, source: io::Error },
}

impl LockError {
    pub(crate) fn io(dir: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let dir = dir.to_owned();
        move |source| Self::Io { dir: dir.clone(), source }
    }
}
