//! What a relay does: finds out where everything is, then sends and confirms at the same time.

use std::{sync::Arc, time::Duration};

use futures::future;
use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_kernel::Edge;
use hexalpes_routing::Rule;
use hexalpes_worker::Job;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    EventTopic, RelayError,
    flight::Flight,
    tail,
    topic::Topic,
    topics::{ROWS_IN_FLIGHT_MAX, Topics, Ways},
};
use crate::{
    checkpoint::{self, Checkpoint, Claim},
    layout::Layouts,
    message, row,
    rules::Rules,
    status::Counters,
};

/// Rows that are read at once, and bytes of their payloads.
const ROWS_READ_MAX: usize = 480;
const BYTES_READ_MAX: usize = 8 * 1024 * 1024;
/// How long a commit by another process may go unnoticed.
const POLL: Duration = Duration::from_millis(200);
/// Between two reads that found rows: those that are committed meanwhile leave together, with one sync of the
/// broker.
const READ_EVERY: Duration = Duration::from_millis(4);
/// Between two checkpoints, each of which is a commit that others wait behind. What it does not say yet after a
/// crash, the broker knows.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(25);
/// How long a relay that is told to stop waits for receipts. Rows that have none then are settled by the
/// next start.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Work {
    pub(super) db: Db,
    pub(super) client: Client,
    pub(super) edge: Arc<dyn Edge>,
    pub(super) service: String,
    /// The context's own topic.
    pub(super) topic: Option<String>,
    pub(super) of_kind: fn(&str) -> Option<EventTopic>,
    pub(super) rules: Arc<[Rule]>,
    /// This relay, as opposed to others on the same database.
    pub(super) holder: String,
    pub(super) counters: Arc<Mutex<Counters>>,
}

/// What is open, and where the relay goes on.
pub(super) struct Session {
    topics: Topics,
    claim: Claim,
    checkpoint: Checkpoint,
}

impl Job for Work {
    type Session = Session;
    type Error = RelayError;

    async fn open(&mut self) -> Result<Session, RelayError> {
        // None yet is worth a line, too.
        self.count_errors(0);
        let epoch = checkpoint::load_or_mint(&self.db, self.edge.uuid()).await?;
        let ways = Ways { own: self.topic.as_deref().map(Arc::from), of_kind: self.of_kind };
        let mut topics = Topics::open(self.client.clone(), &self.service, ways, &epoch).await?;
        // Only now: until it lost the names, another relay may have moved the checkpoint.
        let claim = Claim { epoch, holder: self.holder.clone() };
        let checkpoint = checkpoint::claim(&self.db, &claim).await?;
        let newest = row::newest_seq(&self.db).await?.max(checkpoint.ordinal);
        let layouts = Layouts::load(self.db.clone(), claim.clone(), checkpoint.ordinal).await?;
        let rules = Rules::load(&self.db, &claim, &self.rules, checkpoint.ordinal, newest).await?;
        topics.begin(layouts, rules, newest).await?;
        let (raw, events) = future::try_join(
            self.stored(&topics.raw, topics.name(), checkpoint, newest),
            self.stored(&topics.events, topics.name(), checkpoint, newest),
        )
        .await?;
        topics.raw.stored = raw;
        topics.events.stored = events;
        Ok(Session { topics, claim, checkpoint })
    }

    async fn run(&mut self, mut session: Session, stop: &CancellationToken) -> Result<(), RelayError> {
        loop {
            self.session(session, stop).await?;
            let opened = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                opened = self.open() => opened,
            };
            session = opened?;
        }
    }
}

impl Work {
    /// Sends and confirms until it is told to stop, or a topic has partitions that another session would use.
    async fn session(&self, session: Session, stop: &CancellationToken) -> Result<(), RelayError> {
        let Session { mut topics, claim, checkpoint } = session;
        let (end, grown) = (stop.child_token(), topics.grown());
        let (sent, flights) = mpsc::unbounded_channel();
        let work = async {
            let send = self.send(&mut topics, checkpoint.ordinal, sent, stop, &end);
            let confirm = self.confirm(&claim, checkpoint, flights);
            future::try_join(send, confirm).await?;
            // Told to stop while it sent, it has rows on their way that nobody counts.
            topics.close().await;
            Ok(())
        };
        let end_when_grown = async {
            grown.await;
            end.cancel();
            future::pending::<()>().await;
        };
        tokio::select! {
            outcome = work => outcome.inspect_err(|why| self.count_error(why)),
            () = end_when_grown => Ok(()),
            () = overdue(stop) => {
                warn!(relay.service = self.service, "stops before all receipts are there");
                Ok(())
            }
        }
    }

    /// Up to where a topic of events has our rows, in each partition, whatever happened to either side.
    async fn stored(
        &self,
        topic: &Topic,
        producer: &str,
        checkpoint: Checkpoint,
        newest: i64,
    ) -> Result<Vec<i64>, RelayError> {
        let told = &topic.stored;
        let furthest = told.iter().copied().max().unwrap_or(-1).max(0);
        // The last row is in one of them. Where nothing is known of a partition, nothing may have been there.
        if furthest == checkpoint.events && (told.len() == 1 || told.iter().all(|told| *told >= 0)) {
            return Ok(told.clone());
        }
        // Beyond the checkpoint: the last relay died before it could note it; or the database is an older
        // copy. Below it: the broker forgot the producer, as it does when one is away for long; or it lost
        // data. The topic's messages tell which.
        let restored =
            |stored| RelayError::DatabaseRestored { topic: topic.name().to_owned(), stored, newest };
        if furthest > newest {
            return Err(restored(furthest));
        }
        let mut stored = Vec::new();
        for (place, told) in topic.places().iter().zip(told) {
            let last = tail::last_of(&self.client, place, producer).await?;
            let found = last.as_ref().map_or(-1, |last| last.sequence_id.cast_signed());
            if let Some(published) = last.as_ref().and_then(message::event_id)
                && found <= newest
                && let Some(kept) = row::id_of(&self.db, found).await?
                && published != kept
            {
                return Err(RelayError::OtherEvent { topic: place.clone(), row: found, published, kept });
            }
            stored.push(found.max(*told));
        }
        let furthest = stored.iter().copied().max().unwrap_or(-1).max(0);
        if furthest > newest {
            return Err(restored(furthest));
        }
        if furthest < checkpoint.events {
            let (topic, published) = (topic.name().to_owned(), checkpoint.events);
            return Err(RelayError::TopicLost { topic, stored: furthest, published });
        }
        Ok(stored)
    }

    /// With the seeds' name.
    fn count_error(&self, why: &RelayError) {
        if matches!(why, RelayError::Open { .. } | RelayError::Send(_)) {
            self.count_errors(1);
        }
    }

    fn count_errors(&self, errors: u64) {
        let labels = [("service", self.service.clone())];
        metrics::counter!("pulsar_event_publish_errors_total", &labels).increment(errors);
    }

    /// Reads what is committed and sends it, until it is told to stop, or to `end` when what was read is sent.
    async fn send(
        &self,
        topics: &mut Topics,
        from: i64,
        sent: mpsc::UnboundedSender<Flight>,
        stop: &CancellationToken,
        end: &CancellationToken,
    ) -> Result<(), RelayError> {
        let mut commits = self.db.commits();
        let room = Arc::new(Semaphore::new(ROWS_IN_FLIGHT_MAX));
        let mut last = from;
        let mut due = Instant::now();
        while !end.is_cancelled() {
            time::sleep_until(due).await;
            commits.mark_unchanged();
            let rows = row::after(&self.db, last, ROWS_READ_MAX, BYTES_READ_MAX).await?;
            let Some(newest) = rows.last() else {
                tokio::select! {
                    () = end.cancelled() => {}
                    _ = commits.changed() => {}
                    () = time::sleep(POLL) => {}
                }
                continue;
            };
            last = newest.seq;
            due = Instant::now() + READ_EVERY;
            let count = u32::try_from(rows.len()).expect("a read has few rows");
            let room = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                room = Arc::clone(&room).acquire_many_owned(count) => room.expect("nobody closes it"),
            };
            self.counters.lock().received += u64::from(count);
            let mut flight = tokio::select! {
                // What of these is sent and what is not, the next start finds out.
                () = stop.cancelled() => return Ok(()),
                flight = topics.publish(&rows) => flight?,
            };
            flight.rows = u64::from(count);
            flight.room = Some(room);
            // It fails only if the other half did, which ends this one as well.
            let _ = sent.send(flight);
        }
        Ok(())
    }

    /// Waits for receipts and moves the checkpoint behind them.
    ///
    /// On SQLite any row may be a checkpoint, since `seq` is the order of the commits.
    async fn confirm(
        &self,
        claim: &Claim,
        mut checkpoint: Checkpoint,
        mut flights: mpsc::UnboundedReceiver<Flight>,
    ) -> Result<(), RelayError> {
        let mut next = None;
        let mut due = Instant::now();
        while let Some(mut first) = take(&mut next, &mut flights).await {
            first.arrive().await?;
            let mut arrived = vec![first];
            // Those that arrive until the next checkpoint is due share it.
            while let Ok(Some(mut flight)) = time::timeout_at(due, take(&mut next, &mut flights)).await {
                let Ok(outcome) = time::timeout_at(due, flight.arrive()).await else {
                    next = Some(flight);
                    break;
                };
                outcome?;
                arrived.push(flight);
            }
            let to = arrived.iter().fold(checkpoint, |to, flight| to.joined(flight.checkpoint));
            checkpoint::advance(&self.db, claim, checkpoint, to, self.edge.now()).await?;
            checkpoint = to;
            due = Instant::now() + CHECKPOINT_EVERY;
            for flight in arrived {
                flight.count(&self.service);
                self.counters.lock().written += flight.rows;
            }
        }
        Ok(())
    }
}

async fn take(next: &mut Option<Flight>, flights: &mut mpsc::UnboundedReceiver<Flight>) -> Option<Flight> {
    match next.take() {
        Some(flight) => Some(flight),
        None => flights.recv().await,
    }
}

async fn overdue(stop: &CancellationToken) {
    stop.cancelled().await;
    time::sleep(STOP_PATIENCE).await;
}
