//! The file and the inbox together: what was taken has its line, once, whatever is killed when.

use std::{collections::HashSet, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use hexalpes_db::{Db, DbError};
use hexalpes_files::Files;
use hexalpes_kernel::Edge;
use tokio::task;
use tracing::info;

use crate::{
    events_file::EventsFile,
    inbox::{self, Recorded},
    line::{Line, LineError},
    options::NotificationsOptions,
    rotation,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum TrailError {
    #[error("the events file cannot be read or written: {0}")]
    File(#[from] io::Error),
    #[error("the inbox cannot be read or written: {0}")]
    Database(#[from] DbError),
    #[error(
        "{path} has {size} bytes, but lines up to byte {recorded} were recorded: lines are lost; restore the \
         file, or reset it together with the database"
    )]
    Shortened { path: PathBuf, size: u64, recorded: u64 },
}

/// What became of the messages that were taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The kinds of the events that got a line, one for each.
    pub(crate) written: Vec<String>,
    pub(crate) duplicates: u64,
    /// Which of the messages got none since they are no events, and why.
    pub(crate) refused: Vec<(usize, LineError)>,
}

/// What a trail works with; it opens one trail after another.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) db: Db,
    pub(crate) edge: Arc<dyn Edge>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) options: NotificationsOptions,
}

/// After an error it is of no use any more: open another, which finds out how far this one came.
#[derive(Debug)]
pub(crate) struct Trail {
    place: Place,
    file: EventsFile,
    name: String,
    end: u64,
    rotated: u64,
}

impl Place {
    /// The file's name, under which it is recorded: not the whole path, since a data folder may move.
    fn name(&self) -> io::Result<String> {
        let name =
            self.options.file.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        Ok(name.to_string_lossy().into_owned())
    }

    /// Opens the file, reads in what lies past the recorded offset, and cuts what is no whole line.
    pub(crate) async fn open(&self) -> Result<Trail, TrailError> {
        let name = self.name()?;
        let Recorded { offset, rotated, is_rotating } = inbox::recorded(&self.db, &name).await?;
        if is_rotating {
            self.put_aside(&name, rotated).await?;
        }
        let (file, size) = self.open_file().await?;
        self.check_size(size, offset)?;
        let mut trail = Trail { place: self.clone(), file, name, end: offset, rotated };
        trail.read_in().await?;
        Ok(trail)
    }

    /// Whether [`Self::open`] would find lines missing, without changing anything. An inbox whose tables are not
    /// up to date says nothing yet.
    pub(crate) async fn check(&self) -> Result<(), TrailError> {
        let recorded = match inbox::recorded(&self.db, &self.name()?).await {
            Err(DbError::Statement(_)) => return Ok(()),
            recorded => recorded?,
        };
        if recorded.is_rotating {
            return Ok(());
        }
        let (files, path) = (Arc::clone(&self.files), self.options.file.clone());
        let sized =
            blocking(move || if files.exists(&path)? { files.open_to_read(&path)?.size() } else { Ok(0) });
        self.check_size(sized.await?, recorded.offset)
    }

    fn check_size(&self, size: u64, recorded: u64) -> Result<(), TrailError> {
        if size >= recorded {
            return Ok(());
        }
        Err(TrailError::Shortened { path: self.options.file.clone(), size, recorded })
    }

    async fn open_file(&self) -> Result<(EventsFile, u64), TrailError> {
        let (files, path) = (Arc::clone(&self.files), self.options.file.clone());
        let opened = blocking(move || {
            let file = EventsFile::open(&*files, &path)?;
            let size = file.size()?;
            Ok((file, size))
        });
        Ok(opened.await?)
    }

    /// Finishes a rotation that was decided.
    async fn put_aside(&self, name: &str, number: u64) -> Result<(), TrailError> {
        let (files, path) = (Arc::clone(&self.files), self.options.file.clone());
        blocking(move || rotation::put_aside(&*files, &path, number)).await?;
        inbox::end_rotation(&self.db, name).await?;
        if let Some(keep) = self.options.files_put_aside_max {
            let (files, path) = (Arc::clone(&self.files), self.options.file.clone());
            let removed = blocking(move || rotation::remove_oldest(&*files, &path, keep.get())).await?;
            if removed > 0 {
                info!(files = removed, keep, "removed the oldest events files");
            }
        }
        Ok(())
    }

    /// Forgets ids that are older than they are kept for.
    pub(crate) async fn prune(&self) -> Result<(), TrailError> {
        let Some(keep) = self.options.keep_inbox else { return Ok(()) };
        let now = self.edge.now();
        let pruned = inbox::prune(&self.db, crate::SUBSCRIPTION, now.before(keep)).await?;
        // Longer than any replay can tell something for: nobody is told twice, whatever is kept of the lines.
        let heard = keep.max(crate::channels::HEARD_FOR);
        inbox::prune(&self.db, crate::CHANNELS_SUBSCRIPTION, now.before(heard)).await?;
        if pruned > 0 {
            info!(ids = pruned, "forgot ids of events whose lines are old");
        }
        Ok(())
    }

    /// Removes the inbox first: cut short, it leaves lines that the next start reads in, and not a file that
    /// seems to have lost some.
    pub(crate) async fn reset(&self) -> Result<(), TrailError> {
        inbox::forget(&self.db, &self.name()?).await?;
        let (files, path) = (Arc::clone(&self.files), self.options.file.clone());
        Ok(blocking(move || rotation::remove_all(&*files, &path)).await?)
    }
}

impl Trail {
    async fn read_in(&mut self) -> Result<(), TrailError> {
        loop {
            let (file, from) = (self.file.clone(), self.end);
            let found = blocking(move || file.read_in(from)).await?;
            if found.ids.is_empty() {
                return Ok(());
            }
            info!(lines = found.ids.len(), from, "read in lines that were not recorded");
            self.record(found.ids, found.end).await?;
        }
    }

    /// Where the next line will begin.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// How many files were put aside.
    pub(crate) fn rotated(&self) -> u64 {
        self.rotated
    }

    /// Writes a line for each event that has none. When it returns, the messages may be acked.
    pub(crate) async fn take(&mut self, payloads: &[Bytes]) -> Result<Taken, TrailError> {
        let mut taken = Taken::default();
        let mut lines = Vec::with_capacity(payloads.len());
        for (place, payload) in payloads.iter().enumerate() {
            match Line::parse(payload) {
                Ok(line) => lines.push(line),
                Err(why) => taken.refused.push((place, why)),
            }
        }
        if lines.is_empty() {
            return Ok(taken);
        }
        let events = lines.len();
        let mut seen: HashSet<String> =
            inbox::known(&self.place.db, lines.iter().map(|line| line.id.clone()).collect()).await?;
        lines.retain(|line| seen.insert(line.id.clone()));
        taken.duplicates = (events - lines.len()) as u64;
        if lines.is_empty() {
            return Ok(taken);
        }
        let (file, from) = (self.file.clone(), self.end);
        let (lines, end) = blocking(move || {
            let end = file.append(from, &lines)?;
            Ok((lines, end))
        })
        .await?;
        let (ids, kinds) = lines.into_iter().map(|line| (line.id, line.kind)).unzip();
        taken.written = kinds;
        self.record(ids, end).await?;
        self.rotate_if_full().await?;
        Ok(taken)
    }

    async fn record(&mut self, ids: Vec<String>, end: u64) -> Result<(), TrailError> {
        inbox::record(&self.place.db, &self.name, ids, end, self.place.edge.now()).await?;
        self.end = end;
        Ok(())
    }

    /// Everything in the file is recorded here, so nothing of it has to be found again under another name.
    async fn rotate_if_full(&mut self) -> Result<(), TrailError> {
        if self.place.options.file_bytes_max.is_none_or(|max| self.end < max) {
            return Ok(());
        }
        let number = self.rotated + 1;
        inbox::begin_rotation(&self.place.db, &self.name, number).await?;
        self.place.put_aside(&self.name, number).await?;
        info!(bytes = self.end, number, "put a full events file aside");
        (self.file, self.end) = self.place.open_file().await?;
        self.rotated = number;
        Ok(())
    }
}

/// Waits for the disk where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
