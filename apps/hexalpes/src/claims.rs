//! Who may use which part of a data folder: one process each, and it claims before it opens anything.
//!
//! `up` claims all parts; a backbone and services that share a folder claim their own. A claim is a lock
//! file under `locks/`, and is given back when the process ends, however it ends.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use hexalpes_files::{DirLock, Files as _, LockError, RealFiles};

use crate::services::Service;

/// What lies in a data folder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Backbone,
    Of(Service),
}

impl Part {
    pub(crate) const ALL: [Self; 3] =
        [Self::Backbone, Self::Of(Service::Commissions), Self::Of(Service::Notifications)];

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
            let folder = data.join("locks").join(part.name());
            RealFiles.create_dir_all(&folder).with_context(|| {
                format!(
                    "the data folder {} cannot be written; make it writable, or choose another with --data",
                    data.display()
                )
            })?;
            match RealFiles.lock_dir(&folder) {
                Ok(lock) => Ok(lock),
                Err(LockError::Held { holder, .. }) => bail!(
                    "the data folder {} ({}) is in use by {holder}; stop it, or choose another with --data",
                    data.display(),
                    part.name()
                ),
                Err(LockError::Io { source, .. }) => bail!(
                    "the data folder {} cannot be locked: {source}; make it writable, or choose another with \
                     --data",
                    data.display()
                ),
            }
        };
        Ok(Self { _locks: parts.into_iter().map(claim).collect::<Result<_>>()? })
    }
}
