//! Reads ahead: while what was read is sent, what comes next is read, in a task of its own.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{RelayError, feed::Feed};
use crate::log::feed::Read;

/// Between two reads that found rows: those that are committed meanwhile leave together, with one sync of the
/// broker.
pub(super) const READ_EVERY: Duration = Duration::from_millis(3);

/// A feed that reads by itself. It is one read ahead and no further, so that what waits takes no more memory than that.
pub(super) struct Reader {
    reads: mpsc::Receiver<Result<Read, RelayError>>,
    task: JoinHandle<Feed>,
    end: DropGuard,
}

impl Reader {
    pub(super) fn start(mut feed: Feed) -> Self {
        let (slot, reads) = mpsc::channel(1);
        let end = CancellationToken::new();
        let ended = end.clone();
        let task = tokio::spawn(async move {
            ended.run_until_cancelled(read_ahead(&mut feed, slot)).await;
            feed
        });
        Self { reads, task, end: end.drop_guard() }
    }

    /// Waits for the next rows. Dropped, nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Read, RelayError> {
        match self.reads.recv().await {
            Some(read) => read,
            // It ends by itself only after an error, which was given and has ended whoever asks.
            None => std::future::pending().await,
        }
    }

    /// Reads nothing any more, and gives the feed back; what was read ahead is forgotten.
    pub(super) async fn stop(self) -> Feed {
        drop(self.end);
        self.task.await.expect("reading does not panic")
    }
}

/// Until it fails, or nobody takes what it reads.
async fn read_ahead(feed: &mut Feed, slot: mpsc::Sender<Result<Read, RelayError>>) {
    // Only when the last one is taken.
    while let Ok(slot) = slot.reserve().await {
        let read = feed.next().await;
        let due = Instant::now() + READ_EVERY;
        let failed = read.is_err();
        slot.send(read);
        if failed {
            break;
        }
        time::sleep_until(due).await;
    }
}
