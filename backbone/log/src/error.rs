//! The facts that errors of this crate are made of. Which operation can meet which, its own enum says.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// A file that could not be worked on.
#[derive(Debug, thiserror::Error)]
pub struct FileError {
    pub path: PathBuf,
    pub doing: &'static str,
    pub source: io::Error,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, doing, source } = self;
        write!(f, "cannot {doing} {}: {source}", path.display())?;
        hexalpes_files::way_out(source).map_or(Ok(()), |way_out| write!(f, "; {way_out}"))
    }
}

impl FileError {
    /// For `map_err`.
    pub(crate) fn when(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self { path: path.clone(), doing, source }
    }
}

/// Bytes that were once synced and are not what they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is damaged at byte {byte}: {what}; restore the data folder from a backup", path.display())]
pub struct Damage {
    pub path: PathBuf,
    pub byte: u64,
    pub what: String,
}

impl Damage {
    pub(crate) fn new(path: &Path, byte: u64, what: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), byte, what: what.to_string() }
    }
}

/// A file that a newer version of this program wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} was written by a newer version (format {format}, this binary knows {known}): run that version, or a \
     newer one",
    path.display()
)]
pub struct TooNew {
    pub path: PathBuf,
    pub format: u32,
    pub known: u32,
}
