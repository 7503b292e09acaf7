//! Publishes the outbox in the order of its commits, each row once.
//!
//! The sequence id of a message is its row's `seq`; the producer's name holds the database's epoch. After a
//! crash the broker says up to where it has stored, the checkpoint up to where all has receipts, and the
//! relay goes on behind both.

use std::{sync::Arc, time::Duration};

use hexalpes_client::{Batching, Client, OpenError, Outgoing, Producer, ProducerOptions, SendError};
use hexalpes_db::{Db, DbError, ErrorKind};
use hexalpes_kernel::Edge;
use parking_lot::Mutex;
use tokio::{task::JoinHandle, time};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    checkpoint::{self, Checkpoint},
    message::{self, EVENTS_TOPIC, RAW_TOPIC},
    row::{self, OutboxRow},
    status::Status,
};

/// Rows that are on their way at once.
const ROWS_MAX: u64 = 500;
/// How long a commit by another process may go unnoticed.
const POLL: Duration = Duration::from_millis(200);
/// Between two tries after something was not there.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// What a relay is told.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// The context whose outbox it is: part of the producer's name, and the property `source_service`.
    pub service: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the outbox cannot be read: {0}")]
    Database(#[from] DbError),
    #[error("a topic cannot be opened: {0}")]
    Open(#[from] OpenError),
    #[error("a row cannot be published: {0}")]
    Send(#[from] SendError),
    #[error(
        "the broker has row {stored} of {topic}, the outbox ends at {newest}: the database was restored from \
         an older copy; restore the broker's data of the same time, or reset both"
    )]
    DatabaseRestored { topic: &'static str, stored: i64, newest: i64 },
    #[error(
        "the broker has nothing of {topic} after row {stored}, but rows up to {ordinal} were published: its \
         data was lost or it forgot the producer; restore its data, or reset both"
    )]
    BrokerForgot { topic: &'static str, stored: i64, ordinal: i64 },
}

impl RelayError {
    /// Whether going on by itself could lose or repeat something.
    fn is_final(&self) -> bool {
        match self {
            Self::Database(error) => error.kind() == ErrorKind::Corrupt,
            Self::DatabaseRestored { .. } | Self::BrokerForgot { .. } => true,
            Self::Open(_) | Self::Send(_) => false,
        }
    }
}

/// A relay at work. Stop it; dropping it leaves it working until the process ends.
#[derive(Debug)]
pub struct Relay {
    status: Arc<Mutex<Status>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Relay {
    pub fn start(db: Db, client: Client, edge: Arc<dyn Edge>, options: RelayOptions) -> Self {
        let status = Arc::new(Mutex::new(Status::default()));
        let stop = CancellationToken::new();
        let work = Work { db, client, edge, options, status: Arc::clone(&status) };
        let task = tokio::spawn(work.run(stop.clone()));
        Self { status, stop, task }
    }

    pub fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// For what outlives the borrow of the relay, such as an HTTP route.
    pub fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let status = Arc::clone(&self.status);
        move || status.lock().clone()
    }

    /// Ends after the rows that are on their way; what is left goes on at the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(panic) = self.task.await {
            error!(%panic, "the relay ended in a panic");
        }
    }
}

struct Work {
    db: Db,
    client: Client,
    edge: Arc<dyn Edge>,
    options: RelayOptions,
    status: Arc<Mutex<Status>>,
}

/// The open producers, and up to where the topics and the checkpoint are.
struct Session {
    raw: Producer,
    events: Producer,
    checkpoint: Checkpoint,
}

impl Work {
    async fn run(self, stop: CancellationToken) {
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => break,
                outcome = self.session(&stop) => outcome,
            };
            let Err(problem) = outcome else { break };
            let is_final = problem.is_final();
            {
                let mut status = self.status.lock();
                status.running = !is_final;
                status.alarm = Some(problem.to_string());
            }
            if is_final {
                error!(relay.service = %self.options.service, "stopped: {problem}");
                return;
            }
            warn!(relay.service = %self.options.service, "waits: {problem}");
            tokio::select! {
                () = stop.cancelled() => break,
                () = time::sleep(RETRY_DELAY) => {}
            }
        }
        self.status.lock().running = false;
    }

    async fn session(&self, stop: &CancellationToken) -> Result<(), RelayError> {
        let mut commits = self.db.commits();
        let mut session = self.open().await?;
        info!(relay.service = %self.options.service, ordinal = session.checkpoint.ordinal, "relay is running");
        {
            let mut status = self.status.lock();
            status.running = true;
            status.alarm = None;
        }
        while !stop.is_cancelled() {
            commits.mark_unchanged();
            if self.pass(&mut session).await? == 0 {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = commits.changed() => {}
                    () = time::sleep(POLL) => {}
                }
            }
        }
        session.raw.close().await;
        session.events.close().await;
        Ok(())
    }

    async fn open(&self) -> Result<Session, RelayError> {
        let checkpoint = checkpoint::load_or_mint(&self.db, self.edge.uuid()).await?;
        let options = ProducerOptions {
            name: Some(format!("cdc/{}/{}", self.options.service, checkpoint.epoch)),
            batching: None::<Batching>,
            ..ProducerOptions::default()
        };
        let raw = self.client.producer(RAW_TOPIC, options.clone()).await?;
        let events = self.client.producer(EVENTS_TOPIC, options).await?;
        let newest = row::newest_seq(&self.db).await?.max(checkpoint.ordinal);
        for (topic, stored) in
            [(RAW_TOPIC, raw.last_sequence_id()), (EVENTS_TOPIC, events.last_sequence_id())]
        {
            if stored > newest {
                return Err(RelayError::DatabaseRestored { topic, stored, newest });
            }
            if stored.max(0) < checkpoint.ordinal {
                return Err(RelayError::BrokerForgot { topic, stored, ordinal: checkpoint.ordinal });
            }
        }
        Ok(Session { raw, events, checkpoint })
    }

    /// Publishes what waits, at most [`ROWS_MAX`] rows, and says how many.
    async fn pass(&self, session: &mut Session) -> Result<usize, RelayError> {
        let rows = row::after(&self.db, session.checkpoint.ordinal, ROWS_MAX).await?;
        let Some(last) = rows.last().map(|row| row.seq) else {
            self.status.lock().lag_rows = 0;
            return Ok(0);
        };
        {
            let mut status = self.status.lock();
            status.num_received_from_source += rows.len() as u64;
            status.lag_rows = rows.len() as u64;
        }
        tokio::try_join!(
            publish(&session.raw, &rows, |row| message::change(row, &self.options.service)),
            publish(&session.events, &rows, |row| message::event(row, &self.options.service)),
        )?;
        checkpoint::advance(&self.db, session.checkpoint.ordinal, last, self.edge.now()).await?;
        session.checkpoint.ordinal = last;
        self.status.lock().num_written += rows.len() as u64;
        Ok(rows.len())
    }
}

/// Queues all rows that the topic does not have yet, in order, then waits for all receipts.
async fn publish(
    producer: &Producer,
    rows: &[OutboxRow],
    message: impl Fn(&OutboxRow) -> Outgoing,
) -> Result<(), SendError> {
    let stored = producer.last_sequence_id();
    let mut receipts = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.seq > stored) {
        receipts.push(producer.queue(message(row)).await?);
    }
    for receipt in receipts {
        receipt.await?;
    }
    Ok(())
}
