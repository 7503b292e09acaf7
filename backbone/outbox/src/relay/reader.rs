//! Reads ahead: while what was read is sent, what comes next is read, in a task of its own.

use std::{
    future, panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinHandle},
    time,
};

use super::{RelayError, feed::Feed};
use crate::log::feed::Read;

/// Held by whoever waits for the receipts of a read, and dropped when they are there.
pub(super) type Landing = oneshot::Sender<()>;

/// A feed that reads by itself. It is one read ahead and no further, so that what waits takes no more memory than that.
pub(super) struct Reader {
    reads: mpsc::Receiver<(Read, Landing)>,
    task: JoinHandle<Finished>,
    away: Arc<AtomicBool>,
}

/// What is left of a reader.
pub(super) struct Finished {
    pub(super) feed: Feed,
    /// Why it gave no more, if nobody ended it.
    pub(super) failure: Option<RelayError>,
}

impl Reader {
    pub(super) fn start(mut feed: Feed) -> Self {
        let (slot, reads) = mpsc::channel(1);
        let away = Arc::new(AtomicBool::new(false));
        let is_away = Arc::clone(&away);
        let task = tokio::spawn(async move {
            let failure = tokio::select! {
                biased;
                () = slot.closed() => None,
                failure = read_ahead(&mut feed, &slot) => failure,
            };
            is_away.store(failure.as_ref().is_some_and(RelayError::is_away), Relaxed);
            // Only now do those who wait for more hear that there is none.
            drop(slot);
            Finished { feed, failure }
        });
        Self { reads, task, away }
    }

    /// Becomes true when it cannot read any more because the database does not answer.
    pub(super) fn away(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.away)
    }

    /// Waits for the next rows. Dropped, nothing is lost. None when it cannot read any more, of which [`Reader::stop`]
    /// says why.
    pub(super) async fn next(&mut self) -> Option<(Read, Landing)> {
        let read = self.reads.recv().await?;
        let_others_run();
        Some(read)
    }

    /// Reads nothing any more; what was read ahead is forgotten.
    pub(super) fn end(&mut self) {
        self.reads.close();
    }

    /// The same, and gives the feed back. A panic goes on.
    pub(super) async fn stop(mut self) -> Finished {
        self.end();
        match self.task.await.map_err(JoinError::try_into_panic) {
            Ok(finished) => finished,
            Err(Ok(panicked)) => panic::resume_unwind(panicked),
            // Where the runtime ends, so does whoever waits here.
            Err(Err(_)) => future::pending().await,
        }
    }
}

/// Whoever was woken last on one of the runtime's threads waits until that thread is free, and no other may take it
/// (tokio's LIFO slot). So the reader would read when the sender has nothing to send, and the two would have one processor
/// in turn. Where somebody is woken after it, it goes wherever there is room: here a task that ends at once, so that it
/// needs no owner.
fn let_others_run() {
    tokio::spawn(future::ready(()));
}

/// Until it fails, or nobody takes what it reads.
async fn read_ahead(feed: &mut Feed, slot: &mpsc::Sender<(Read, Landing)>) -> Option<RelayError> {
    // Only when the last one is taken.
    while let Ok(slot) = slot.reserve().await {
        let (landing, landed) = oneshot::channel();
        match feed.next().await {
            Ok(read) => {
                let is_full = read.is_full();
                slot.send((read, landing));
                if is_full {
                    continue;
                }
            }
            Err(why) => return Some(why),
        }
        // When it is dropped, or late.
        let _ = time::timeout(feed.pause(), landed).await;
    }
    None
}
