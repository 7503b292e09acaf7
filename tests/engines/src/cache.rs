//! What outlives a run: downloads and what is unpacked from them, outside the checkout.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `$XDG_CACHE_HOME/hexalpes/{name}`, else `~/.cache/hexalpes/{name}`; made when it is not there.
pub fn cache_folder(name: &str) -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir().context("neither XDG_CACHE_HOME nor HOME is set")?.join(".cache"),
    };
    let folder = base.join("hexalpes").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Puts what `make` makes, in a folder that goes again, under a path beside that: it appears there when it is whole.
pub(crate) fn appear(path: &Path, make: impl FnOnce(&Path) -> Result<PathBuf>) -> Result<()> {
    let beside = path.parent().context("it lies in a folder")?;
    let arriving = tempfile::tempdir_in(beside)?;
    let made = make(arriving.path())?;
    fs::rename(made, path).with_context(|| format!("{} cannot be put in its place", path.display()))
}

/// Held by one process at a time, so that two runs do not fill the same folder. The lock goes with the value.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
        Ok(Self { _file: file })
    }
}
