//! What outlives a run: downloads and what is unpacked from them, outside the checkout.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;

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

/// Held by one process at a time, so that two runs do not fill the same folder. The lock goes with the value.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn of(folder: &std::path::Path) -> Result<Self> {
        let path = folder.join("lock");
        let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
        Ok(Self { _file: file })
    }
}
