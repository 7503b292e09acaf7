//! Who may use which part of a data folder: one process each, and it claims before it opens anything.
//!
//! `up` claims all parts; a backbone and services that share a folder claim their own. A claim is a lock
//! file under `locks/`, and is given back when the process ends, however it ends.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail};
use hexalpes_files::{DirLock, Files as _, LockError, RealFiles, way_out};

use crate::services::Service;

/// What lies in a data folder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Backbone,
    Of(Service),
}

impl Part {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Backbone].into_iter().chain(Service::ALL.map(Self::Of))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Backbone => "backbone",
            Self::Of(service) => service.name(),
        }
    }
}

/// Parts that are ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Claims {
    _locks: Vec<DirLock>,
}

impl Claims {
    /// All of the parts, or none.
    pub(crate) fn take(data: &Path, parts: impl IntoIterator<Item = Part>) -> Result<Self> {
        let claim = |part: Part| {
            let folder = folder(data).join(part.name());
            if data.exists() && !data.is_dir() {
                bail!("the data folder {} is a file; choose another with --data", data.display());
            }
            RealFiles.create_dir_all(&folder).map_err(|source| unusable(data, "written", &source))?;
            match RealFiles.lock_dir(&folder) {
                Ok(lock) => Ok(lock),
                Err(LockError::Held { holder, .. }) => bail!(
                    "the data folder {} ({}) is in use by {holder}; stop it, or choose another with --data",
                    data.display(),
                    part.name()
                ),
                Err(LockError::Io { source, .. }) => Err(unusable(data, "locked", &source)),
            }
        };
        Ok(Self { _locks: parts.into_iter().map(claim).collect::<Result<_>>()? })
    }
}

/// Where the claims on a data folder lie.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("locks")
}

fn unusable(data: &Path, by: &str, source: &io::Error) -> anyhow::Error {
    let way_out = way_out(source).unwrap_or("choose another data folder");
    anyhow!("the data folder {} cannot be {by}: {source}; {way_out} (--data)", data.display())
}
