//! How much waits for a consumer, as a metric with the seeds' name.

use std::{convert::Infallible, time::Duration};

use hexalpes_client::Backlog;
use tokio::time::{self, MissedTickBehavior};
use tracing::debug;

const EVERY: Duration = Duration::from_secs(5);

/// Shows `pulsar_consumer_lag` with these labels, from time to time, for as long as it is polled. While the broker does
/// not tell, it stays as it was.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 entries are no lag but a loss")]
pub async fn watch_lag(backlog: Backlog, labels: [(&'static str, String); 3]) -> Infallible {
    let mut ticks = time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match backlog.entries().await {
            Ok(Some(entries)) => metrics::gauge!("pulsar_consumer_lag", &labels).set(entries as f64),
            Ok(None) => {}
            // Whoever consumes hears of it too, and says so.
            Err(error) => debug!(%error, "how much waits is not known"),
        }
    }
}
