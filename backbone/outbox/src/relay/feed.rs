//! Where a relay's rows come from: the table, or the database's log.

use std::time::Duration;

use hexalpes_db::Db;
use tokio::{sync::watch, time};

use super::{BYTES_READ_MAX, ROWS_READ_MAX, RelayError};
use crate::{
    log::feed::{LogFeed, Read},
    row,
};

/// How long a commit by another process may go unnoticed.
const POLL: Duration = Duration::from_millis(200);

pub(super) enum Feed {
    Table(TableFeed),
    Log(Box<LogFeed>),
}

/// A table whose numbers are the order of the commits.
pub(super) struct TableFeed {
    db: Db,
    last: i64,
    commits: watch::Receiver<u64>,
}

impl Feed {
    /// Behind that row.
    pub(super) fn of_table(db: &Db, last: i64) -> Self {
        Self::Table(TableFeed { db: db.clone(), last, commits: db.commits() })
    }

    /// Waits for the next rows, or to be woken, which gives none. Dropped, it gives no more.
    pub(super) async fn next(&mut self, wake: &mut watch::Receiver<u64>) -> Result<Option<Read>, RelayError> {
        match self {
            Self::Table(table) => table.next(wake).await,
            Self::Log(log) => log.next(wake).await,
        }
    }

    /// Whether it has given a part of something that is whole.
    pub(super) fn is_amid(&self) -> bool {
        match self {
            Self::Table(_) => false,
            Self::Log(log) => log.is_amid(),
        }
    }
}

impl TableFeed {
    async fn next(&mut self, wake: &mut watch::Receiver<u64>) -> Result<Option<Read>, RelayError> {
        loop {
            self.commits.mark_unchanged();
            let rows = row::after(&self.db, self.last, ROWS_READ_MAX, BYTES_READ_MAX).await?;
            if let Some(newest) = rows.last() {
                self.last = newest.seq;
                return Ok(Some(Read::of_table(rows)));
            }
            tokio::select! {
                Ok(()) = wake.changed() => return Ok(None),
                _ = self.commits.changed() => {}
                () = time::sleep(POLL) => {}
            }
        }
    }
}
