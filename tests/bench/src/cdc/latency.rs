//! From the answer to a commit until a consumer has the row.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hexalpes_client::Consumer;
use tokio::time::timeout;

use crate::post::conversion_of;
use crate::stats::Latencies;

/// Commits a second, at even distances, and how long.
pub(super) const RATES: [(u32, Duration); 4] = [
    (1, Duration::from_secs(30)),
    (10, Duration::from_secs(15)),
    (100, Duration::from_secs(10)),
    (1_000, Duration::from_secs(5)),
];
const PATIENCE: Duration = Duration::from_secs(30);
/// What one connection carries without being the limit itself.
const COMMITS_A_CONNECTION: u32 = 20;

/// How many connections a rate is spread over, and the pace of each.
pub(super) fn connections(per_second: u32) -> (u32, Duration) {
    let connections = per_second.div_ceil(COMMITS_A_CONNECTION);
    (connections, Duration::from_secs(1) * connections / per_second)
}

/// When each row was committed, by its number.
pub(super) type Committed = HashMap<u32, Instant>;

/// Hears rows while they are committed. A row that comes before the answer to its commit counts as 0.
pub(super) async fn measured(
    consumer: &Consumer,
    committing: impl Future<Output = Result<Committed>>,
) -> Result<Latencies> {
    let (done, mut ended) = tokio::sync::oneshot::channel();
    let committing = async {
        let committed = committing.await?;
        // Whoever hears may have heard all of it already.
        let _ = done.send(committed.len());
        anyhow::Ok(committed)
    };
    let hearing = async {
        let (mut heard, mut wanted) = (HashMap::new(), None);
        while wanted.is_none_or(|wanted| heard.len() < wanted) {
            let next = async {
                timeout(PATIENCE, consumer.next())
                    .await
                    .context("a row did not come")?
                    .context("the consumer")
            };
            tokio::select! {
                count = &mut ended, if wanted.is_none() => wanted = Some(count?),
                message = next => {
                    let (message, at) = (message?, Instant::now());
                    consumer.ack(&message.id).await?;
                    let number = conversion_of(&message.payload).context("a row names its number")?;
                    heard.entry(number).or_insert(at);
                }
            }
        }
        anyhow::Ok(heard)
    };
    let (committed, heard) = tokio::try_join!(committing, hearing)?;
    let mut latencies = Latencies::default();
    for (number, at) in committed {
        let arrived = heard.get(&number).with_context(|| format!("row {number} did not come"))?;
        latencies.add(arrived.saturating_duration_since(at));
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_spread_over_connections_that_can_carry_it() {
        assert_eq!(connections(1), (1, Duration::from_secs(1)));
        assert_eq!(connections(1_000), (50, Duration::from_millis(50)));
    }
}
