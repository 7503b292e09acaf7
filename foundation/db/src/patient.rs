//! Reads what may be there in a moment.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{Db, DbError, Tx};

/// Another process may have written it: it is looked for again after so long, though nobody here committed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Db {
    /// Reads until there is something, or `patience` is over: again after each commit through this handle, and now
    /// and then for what others commit. Whoever holds a transaction open must not wait.
    pub async fn read_until<F, T, E>(&self, patience: Duration, query: F) -> Result<Option<T>, E>
    where
        F: AsyncFn(&Tx) -> Result<Option<T>, E> + Clone + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let deadline = Instant::now() + patience;
        let mut commits = self.commits();
        loop {
            commits.mark_unchanged();
            if let Some(found) = self.read(query.clone()).await? {
                return Ok(Some(found));
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(None);
            }
            // Either end of the wait leads to another look; a database that closes says so there.
            let _ = timeout_at((now + LOOK_EVERY).min(deadline), commits.changed()).await;
        }
    }
}
