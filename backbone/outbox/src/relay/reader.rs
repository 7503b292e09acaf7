//! Reads ahead: while what was read is sent, what comes next is read, in a task of its own.

use std::{future, panic, time::Duration};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
    time::{self, Instant},
};

use super::{RelayError, feed::Feed};
use crate::log::feed::Read;

/// Between two reads that found rows: those that are committed meanwhile leave together, with one sync of the
/// broker.
pub(super) const READ_EVERY: Duration = Duration::from_millis(3);

/// A feed that reads by itself. It is one read ahead and no further, so that what waits takes no more memory than that.
pub(super) struct Reader {
    reads: mpsc::Receiver<Result<Read, RelayError>>,
    task: JoinHandle<Feed>,
}

impl Reader {
    pub(super) fn start(mut feed: Feed) -> Self {
        let (slot, reads) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = slot.closed() => {}
                () = read_ahead(&mut feed, &slot) => {}
            }
            feed
        });
        Self { reads, task }
    }

    /// Waits for the next rows. Dropped, nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Read, RelayError> {
        match self.reads.recv().await {
            Some(read) => read,
            // An error was given, and has ended whoever asks: only a panic comes here.
            None => match (&mut self.task).await {
                Ok(_) => future::pending().await,
                Err(why) => gone(why).await,
            },
        }
    }

    /// Reads nothing any more; what was read ahead is forgotten.
    pub(super) fn end(&mut self) {
        self.reads.close();
    }

    /// The same, and gives the feed back.
    pub(super) async fn stop(mut self) -> Feed {
        self.end();
        match self.task.await {
            Ok(feed) => feed,
            Err(why) => gone(why).await,
        }
    }
}

/// A panic goes on; and where the runtime ends, so does whoever waits here.
async fn gone<T>(why: JoinError) -> T {
    match why.try_into_panic() {
        Ok(panicked) => panic::resume_unwind(panicked),
        Err(_) => future::pending().await,
    }
}

/// Until it fails.
async fn read_ahead(feed: &mut Feed, slot: &mpsc::Sender<Result<Read, RelayError>>) {
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
