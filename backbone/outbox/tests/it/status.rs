//! What an operator sees, and what is pruned.

use std::time::Duration;

use hexalpes_outbox::{PageOrder, RelayOptions, newest, page};

use crate::support::{Stage, names, until};

const HOUR: Duration = Duration::from_hours(1);

/// Accepts S3-SRC-2.
#[tokio::test]
async fn the_status_counts_what_was_read_and_written() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    until(&relay, |status| status.num_written == 3).await;
    let status = serde_json::to_value(relay.status()).unwrap();
    assert_eq!((&status["running"], &status["numReceivedFromSource"]), (&true.into(), &3.into()), "{status}");
    relay.stop().await;
}

#[tokio::test]
async fn while_the_broker_is_away_the_lag_is_shown() {
    let mut stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.drained().await;
    stage.stop_broker().await;
    stage.append(names(5)).await;
    stage.edge.advance(Duration::from_secs(90));
    let lagging = until(&relay, |status| status.lag_seconds > 0).await;
    let payload = newest(&stage.db, None, 1).await.unwrap()[0].payload.get().len() as u64;
    assert_eq!((lagging.lag_rows, lagging.lag_bytes, lagging.lag_seconds), (5, 5 * payload, 90));
    stage.start_broker().await;
    until(&relay, |status| (status.lag_rows, status.lag_bytes, status.lag_seconds) == (0, 0, 0)).await;
    relay.stop().await;
}

#[tokio::test]
async fn old_rows_are_pruned_once_they_are_published() {
    let mut stage = Stage::set().await;
    let options = || RelayOptions { keep_published: Some(HOUR), ..RelayOptions::new("commissions") };
    let relay = stage.relay_with(options());
    stage.append(names(1_200)).await;
    stage.drained().await;
    stage.stop_broker().await;
    // As old as the others, and not published.
    stage.append(names(2)).await;
    stage.edge.advance(2 * HOUR);
    let pruned = async {
        let mut commits = stage.db.commits();
        while page(&stage.db, PageOrder::OldestFirst, None, 10).await.unwrap().len() > 3 {
            commits.changed().await.unwrap();
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, pruned).await.expect("old rows go");
    let left = newest(&stage.db, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|row| row.seq).collect::<Vec<_>>(), [1_202, 1_201, 1_200]);
    stage.start_broker().await;
    stage.drained().await;
    relay.stop().await;
}

#[tokio::test]
async fn rows_are_kept_by_default() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(5)).await;
    stage.drained().await;
    stage.edge.advance(24 * 365 * HOUR);
    stage.append(names(1)).await;
    stage.drained().await;
    relay.stop().await;
    assert_eq!(newest(&stage.db, None, 10).await.unwrap().len(), 6);
}
