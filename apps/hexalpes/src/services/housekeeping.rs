//! What must be done now and then, and by nobody's request.

use std::{sync::Arc, time::Duration};

use hexalpes_db::{Db, DbError};
use hexalpes_http::idempotency;
use hexalpes_kernel::Edge;
use tokio::{task::JoinHandle, time};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// Answers are kept for a day: more often than hourly would find little.
const EVERY: Duration = Duration::from_hours(1);

/// Forgets the answers of idempotency keys whose day is over, first at the start.
#[derive(Debug)]
pub(super) struct Housekeeping {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Housekeeping {
    pub(super) fn start(db: Db, edge: Arc<dyn Edge>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut hours = time::interval(EVERY);
            while stopped.run_until_cancelled(hours.tick()).await.is_some() {
                let now = edge.now();
                let forgotten = db.write(async move |tx| -> Result<u64, DbError> {
                    idempotency::forget_expired(tx, now).await
                });
                if let Err(problem) = forgotten.await {
                    warn!(%problem, "answers of old idempotency keys stay for another hour");
                }
            }
        });
        Self { stop, task }
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Err(panic) = self.task.await {
            error!(%panic, "housekeeping ended in a panic");
        }
    }
}
