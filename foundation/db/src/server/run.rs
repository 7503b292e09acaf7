//! Runs a command on a server: on a blocking thread, so that its future need not be `Send`, and again if
//! another transaction or a lost connection was in the way.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{Mode, Pool, Server};
use crate::command::Inside;
use crate::{DbError, Tx};

/// Runs of one command, the first included: ten rounds outlast a hot row's queue.
const RUNS_MAX: usize = 10;
/// No run begins so long after the first one if the server is away: that outlasts its restart, yet a caller hears within
/// some seconds that it is hopeless.
const AWAY_MAX: Duration = Duration::from_secs(8);
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// A migration may rewrite a large table.
const MIGRATION_TIME_MAX: Duration = Duration::from_hours(1);

impl Server {
    pub(crate) async fn run<F, T, E>(&self, mode: Mode, work: F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| DbError::Closed)?;
        let (pool, commits) = (self.pool.clone(), self.commits.clone());
        let time_max = if mode == Mode::Migrate { MIGRATION_TIME_MAX } else { self.time_max };
        let (runtime, span) = (Handle::current(), tracing::Span::current());
        let running = tokio::task::spawn_blocking(move || {
            let (_permit, _inside) = (permit, Inside::enter());
            span.in_scope(|| runtime.block_on(repeat(&pool, mode, time_max, &commits, &work)))
        });
        running.await.unwrap_or_else(|ended| {
            Err(if ended.is_panic() { DbError::Panicked } else { DbError::Closed }.into())
        })
    }
}

async fn repeat<F, T, E>(
    pool: &Pool,
    mode: Mode,
    time_max: Duration,
    commits: &watch::Sender<u64>,
    work: &F,
) -> Result<T, E>
where
    F: AsyncFn(&Tx) -> Result<T, E>,
    E: From<DbError>,
{
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .with_max_times(RUNS_MAX - 1)
        .with_jitter()
        .build();
    let begun = Instant::now();
    loop {
        let (result, failure) = run_once(pool, mode, time_max, work).await;
        if result.is_ok() && mode != Mode::Read {
            commits.send_modify(|commits| *commits += 1);
        }
        let Some(failure) = failure.filter(is_passing) else { return result };
        if matches!(failure, DbError::Unavailable(_)) && begun.elapsed() >= AWAY_MAX {
            return result;
        }
        let Some(pause) = pauses.next() else { return result };
        tracing::debug!(%failure, "a command runs again");
        tokio::time::sleep(pause).await;
    }
}

/// The transaction did not happen, and may if it is tried again.
fn is_passing(failure: &DbError) -> bool {
    matches!(failure, DbError::Conflict(_) | DbError::Unavailable(_))
}

/// One transaction. Beside the result: what the database had against it, whatever the command made of that.
async fn run_once<F, T, E>(
    pool: &Pool,
    mode: Mode,
    time_max: Duration,
    work: &F,
) -> (Result<T, E>, Option<DbError>)
where
    F: AsyncFn(&Tx) -> Result<T, E>,
    E: From<DbError>,
{
    let failed = |error: DbError| (Err(error.clone().into()), Some(error));
    let late = || format!("it took longer than {} ms", time_max.as_millis());
    let begun = timeout(time_max, pool.begin(mode)).await;
    let tx = match begun.unwrap_or_else(|_| Err(DbError::Unavailable(late()))) {
        Ok(session) => Tx::new(session),
        Err(error) => return failed(error),
    };
    let Ok(result) = timeout(time_max, work(&tx)).await else {
        // The connection goes with the transaction. Not again: whoever waited so long has waited enough.
        return (Err(DbError::Unavailable(late()).into()), None);
    };
    match (result, tx.take_failure()) {
        (Ok(value), None) => {
            let committed = timeout(time_max, tx.commit()).await;
            match committed.unwrap_or_else(|_| Err(DbError::CommitUnknown(late()))) {
                Ok(()) => (Ok(value), None),
                Err(error) => failed(error),
            }
        }
        (Ok(_), Some(error)) => {
            let _ = timeout(time_max, tx.roll_back()).await;
            failed(error)
        }
        (Err(error), failure) => {
            let _ = timeout(time_max, tx.roll_back()).await;
            (Err(error), failure)
        }
    }
}
