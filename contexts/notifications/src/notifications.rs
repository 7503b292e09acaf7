//! Subscribes, takes what comes in batches, and acks it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt as _;
use hexalpes_client::{
    Client, ConsumeError, Consumer, ConsumerOptions, Message, MessageId, OpenError, SubscriptionKind,
};
use hexalpes_db::{Db, ErrorKind};
use hexalpes_files::Files;
use hexalpes_kernel::Edge;
use parking_lot::Mutex;
use tokio::{task::JoinHandle, time};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    status::Status,
    trail::{Trail, TrailError},
};

/// Carries every event as a structured `CloudEvent`.
pub const EVENTS_TOPIC: &str = "persistent://public/default/outbox-events";
/// Exclusive: two writers would spoil one file.
pub const SUBSCRIPTION: &str = "notifications-events";

/// Messages that share a sync.
const BATCH_MESSAGES_MAX: usize = 500;
/// Payloads that share a sync; the last one may go over it.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Between two tries after something was not there.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Why notifications did not start: the file or the inbox is not usable.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(#[from] TrailError);

#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Trail(#[from] TrailError),
    #[error("the topic cannot be subscribed to: {0}")]
    Open(#[from] OpenError),
    #[error("the topic cannot be consumed: {0}")]
    Consume(#[from] ConsumeError),
}

impl SessionError {
    /// Whether going on by itself could lose something, or can never work.
    fn is_final(&self) -> bool {
        match self {
            Self::Trail(TrailError::Shortened { .. }) => true,
            Self::Trail(TrailError::Database(error)) => error.kind() == ErrorKind::Corrupt,
            Self::Open(error) => matches!(error, OpenError::Topic(_) | OpenError::Partitioned { .. }),
            Self::Trail(TrailError::File(_)) | Self::Consume(_) => false,
        }
    }
}

/// Notifications at work. Stop them; dropping leaves them working until the process ends.
#[derive(Debug)]
pub struct Notifications {
    status: Arc<Mutex<Status>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Notifications {
    /// Reads in what the file has, then subscribes in the background, as often as it takes.
    pub async fn start(
        db: Db,
        client: Client,
        files: Arc<dyn Files>,
        file: PathBuf,
        edge: Arc<dyn Edge>,
    ) -> Result<Self, StartError> {
        let status = Arc::new(Mutex::new(Status::default()));
        let stop = CancellationToken::new();
        let work = Work { db, client, files, file, edge, status: Arc::clone(&status), stop: stop.clone() };
        status.lock().offset = work.trail().await?.end();
        let task = tokio::spawn(work.run());
        Ok(Self { status, stop, task })
    }

    pub fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// For what outlives the borrow, such as an HTTP route.
    pub fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let status = Arc::clone(&self.status);
        move || status.lock().clone()
    }

    /// Ends after the batch that is being written; what is left comes at the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(panic) = self.task.await {
            error!(%panic, "notifications ended in a panic");
        }
    }
}

struct Work {
    db: Db,
    client: Client,
    files: Arc<dyn Files>,
    file: PathBuf,
    edge: Arc<dyn Edge>,
    status: Arc<Mutex<Status>>,
    stop: CancellationToken,
}

impl Work {
    async fn trail(&self) -> Result<Trail, TrailError> {
        Trail::open(self.db.clone(), Arc::clone(&self.edge), Arc::clone(&self.files), &self.file).await
    }

    async fn run(self) {
        while let Err(problem) = self.session().await {
            let is_final = problem.is_final();
            {
                let mut status = self.status.lock();
                status.running = false;
                status.alarm = Some(problem.to_string());
            }
            if is_final {
                error!("notifications stopped: {problem}");
                return;
            }
            warn!("notifications wait: {problem}");
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = time::sleep(RETRY_DELAY) => {}
            }
        }
        self.status.lock().running = false;
    }

    /// Ends well only when it is told to stop.
    async fn session(&self) -> Result<(), SessionError> {
        let options = ConsumerOptions::new(SUBSCRIPTION).kind(SubscriptionKind::Exclusive).from_earliest();
        // Subscribed first: who holds the subscription holds the file.
        let consumer = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            consumer = self.client.consumer(EVENTS_TOPIC, options) => consumer?,
        };
        let outcome = self.consume(&consumer).await;
        consumer.close().await;
        outcome
    }

    async fn consume(&self, consumer: &Consumer) -> Result<(), SessionError> {
        let mut trail = self.trail().await?;
        info!(offset = trail.end(), "notifications are running");
        {
            let mut status = self.status.lock();
            status.running = true;
            status.alarm = None;
        }
        loop {
            let first = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                first = consumer.next() => first?,
            };
            let (payloads, last) = batch(consumer, first);
            let taken = trail.take(&payloads).await?;
            {
                let mut status = self.status.lock();
                status.lines_written += taken.written;
                status.duplicates += taken.duplicates;
                status.refused += taken.refused;
                status.offset = trail.end();
            }
            consumer.ack_cumulative(&last).await?;
        }
    }
}

/// The payloads of this message and of those that are there already, and the last one's id.
fn batch(consumer: &Consumer, first: Message) -> (Vec<Bytes>, MessageId) {
    let mut last = first.id;
    let mut bytes = first.payload.len();
    let mut payloads = vec![first.payload];
    while payloads.len() < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
        // An error is met again by who waits for the next batch.
        let Some(Ok(message)) = consumer.next().now_or_never() else { break };
        last = message.id;
        bytes += message.payload.len();
        payloads.push(message.payload);
    }
    (payloads, last)
}
