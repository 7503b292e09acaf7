//! The file and the inbox together: what was taken has its line, once, whatever is killed when.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use hexalpes_db::{Db, DbError};
use hexalpes_files::Files;
use hexalpes_kernel::Edge;
use tokio::task;
use tracing::{info, warn};

use crate::{events_file::EventsFile, inbox, line::Line};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) written: u64,
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
}

/// After an error it is of no use any more: open another, which finds out how far this one came.
#[derive(Debug)]
pub(crate) struct Trail {
    db: Db,
    edge: Arc<dyn Edge>,
    file: EventsFile,
    name: String,
    end: u64,
}

impl Trail {
    /// Opens the file, reads in what lies past the recorded offset, and cuts what is no whole line.
    pub(crate) async fn open(
        db: Db,
        edge: Arc<dyn Edge>,
        files: Arc<dyn Files>,
        path: &Path,
    ) -> Result<Self, TrailError> {
        // Not the whole path: a data folder may move.
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        let name = name.to_string_lossy().into_owned();
        let recorded = inbox::recorded_offset(&db, &name).await?;
        let place = path.to_owned();
        let (file, size) = blocking(move || {
            let file = EventsFile::open(&*files, &place)?;
            let size = file.size()?;
            Ok((file, size))
        })
        .await?;
        if size < recorded {
            return Err(TrailError::Shortened { path: path.to_owned(), size, recorded });
        }
        let mut trail = Self { db, edge, file, name, end: recorded };
        trail.read_in().await?;
        Ok(trail)
    }

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

    /// Writes a line for each event that has none. When it returns, the messages may be acked.
    pub(crate) async fn take(&mut self, payloads: &[Bytes]) -> Result<Taken, TrailError> {
        let mut taken = Taken::default();
        let mut lines = Vec::with_capacity(payloads.len());
        for payload in payloads {
            match Line::parse(payload) {
                Ok(line) => lines.push(line),
                Err(problem) => {
                    taken.refused += 1;
                    warn!(message.bytes = payload.len(), "a message got no line: {problem}");
                }
            }
        }
        if lines.is_empty() {
            return Ok(taken);
        }
        let events = lines.len();
        let mut seen: HashSet<String> =
            inbox::known(&self.db, lines.iter().map(|line| line.id.clone()).collect()).await?;
        lines.retain(|line| seen.insert(line.id.clone()));
        taken.written = lines.len() as u64;
        taken.duplicates = (events - lines.len()) as u64;
        if lines.is_empty() {
            return Ok(taken);
        }
        let (file, from) = (self.file.clone(), self.end);
        let (ids, end) = blocking(move || {
            let end = file.append(from, &lines)?;
            Ok((lines.into_iter().map(|line| line.id).collect(), end))
        })
        .await?;
        self.record(ids, end).await?;
        Ok(taken)
    }

    async fn record(&mut self, ids: Vec<String>, end: u64) -> Result<(), TrailError> {
        inbox::record(&self.db, &self.name, ids, end, self.edge.now()).await?;
        self.end = end;
        Ok(())
    }
}

/// Waits for the disk where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
