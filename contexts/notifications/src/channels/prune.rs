//! Notifications that are old and done with are deleted, with their deliveries.

use std::time::Duration;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Edge;
use parking_lot::Mutex;

use crate::store::{self, Step};

/// Steps of one turn: with the others of the database between them, and short enough for a stop.
const STEPS_MAX: usize = 50;

/// Goes through all notifications, a turn at a time, again and again.
#[derive(Debug)]
pub struct Pruning {
    keep: Duration,
    /// The last one that was looked at; 0 at the beginning.
    after: Mutex<i64>,
}

impl Pruning {
    /// What is younger than `keep` stays, and what waits: to be sent, for an address, or in the app alone to be read.
    pub fn new(keep: Duration) -> Self {
        Self { keep, after: Mutex::new(0) }
    }

    /// One turn, from where the last one ended. Says how many notifications went.
    pub async fn turn(&self, db: &Db, edge: &dyn Edge) -> Result<u64, DbError> {
        let before = edge.now().before(self.keep);
        let mut gone = 0;
        for _ in 0..STEPS_MAX {
            let after = *self.after.lock();
            let step = db.upkeep(async move |tx: &Tx| store::prune(tx, after, before).await).await?;
            let Step { pruned, next } = step;
            gone += pruned;
            *self.after.lock() = next.unwrap_or(0);
            if next.is_none() {
                break;
            }
        }
        if gone > 0 {
            tracing::info!(notifications = gone, "pruned notifications that are old and done with");
        }
        Ok(gone)
    }
}
