//! Time, where this crate needs it: the stamp that the protocol wants on a message, and deadlines.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Waits for a deadline, or for ever if there is none.
pub(crate) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Milliseconds since 1970, as Pulsar counts time.
#[allow(clippy::disallowed_methods, reason = "the publish time is this end's own, like its address")]
pub(crate) fn millis_since_1970() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
