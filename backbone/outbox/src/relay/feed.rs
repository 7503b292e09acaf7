//! Where a relay's rows come from: the table, or the database's log.

use std::time::Duration;

use hexalpes_db::Db;
use tokio::{sync::watch, time};

use super::{BYTES_READ_MAX, ROWS_READ_MAX, RelayError};
use crate::{
    log::feed::{LogFeed, Read},
    row,
};

/// Between two reads that found all rows that there were, unless those of the first have arrived before: what is committed
/// while others are on their way leaves together, which leaves more of the processors to a server that is on the same machine.
const PAUSE_OF_LOG: Duration = Duration::from_millis(2);
/// The same of a table, whose commits are of this process. It ends at a tick of tokio's clock, which goes by milliseconds. The broker
/// needs no longer one: it makes one sync of all that came during the one before.
const PAUSE_OF_TABLE: Duration = Duration::from_micros(500);
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

    /// How long it waits at most for the receipts of all that there was before it reads on.
    pub(super) const fn pause(&self) -> Duration {
        match self {
            Self::Table(_) => PAUSE_OF_TABLE,
            Self::Log(_) => PAUSE_OF_LOG,
        }
    }

    /// Waits for the next rows. Dropped, it gives no more.
    pub(super) async fn next(&mut self) -> Result<Read, RelayError> {
        match self {
            Self::Table(table) => table.next().await,
            Self::Log(log) => log.next().await,
        }
    }
}

impl TableFeed {
    async fn next(&mut self) -> Result<Read, RelayError> {
        loop {
            self.commits.mark_unchanged();
            let rows = row::after(&self.db, self.last, ROWS_READ_MAX, BYTES_READ_MAX).await?;
            if let Some(newest) = rows.last() {
                self.last = newest.seq;
                return Ok(Read::of_table(rows));
            }
            tokio::select! {
                _ = self.commits.changed() => {}
                () = time::sleep(POLL) => {}
            }
        }
    }
}
