//! Reads in place, on the caller's thread: a read costs microseconds, waking another thread would cost more.
//!
//! Not for scans of whole tables: a read holds its async worker, so what may grow is read in pages.

use std::path::PathBuf;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{control, db_error, open};
use crate::command::run_in_place;
use crate::tx::{Session, Tx};
use crate::{DbError, DbOptions};

/// Read-only connections, opened when they are first needed and kept.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Tx>>,
    permits: Semaphore,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, options: &DbOptions) -> Self {
        Self { path, idle: Mutex::default(), permits: Semaphore::new(options.sqlite_readers_max) }
    }

    /// Runs a read on one snapshot, which holds every write that was answered before.
    pub(crate) async fn read<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E>,
        E: From<DbError>,
    {
        let _permit = self.permits.acquire().await.map_err(|_| DbError::Closed)?;
        self.read_in_place(&work)
    }

    fn read_in_place<F, T, E>(&self, work: &F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E>,
        E: From<DbError>,
    {
        let idle = self.idle.lock().pop();
        let tx = match idle {
            Some(tx) => tx,
            None => open::open_reader(&self.path)
                .map(|connection| Tx::new(Session::Sqlite(connection)))
                .map_err(|error| db_error(&error))?,
        };
        control(tx.sqlite(), "BEGIN")?;
        let result = run_in_place(work, &tx);
        // A connection that cannot end its transaction is dropped, not kept.
        if tx.sqlite().is_autocommit() || control(tx.sqlite(), "ROLLBACK").is_ok() {
            self.idle.lock().push(tx);
        }
        result
    }

    /// Refuses further reads and closes the connections that are idle.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}
