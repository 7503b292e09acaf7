//! Subscribes, takes what comes in batches, and acks it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt as _;
use hexalpes_client::{
    Client, ConsumeError, Consumer, ConsumerOptions, Message, MessageId, OpenError, SubscriptionKind,
};
use hexalpes_db::ErrorKind;
use hexalpes_worker::{Failure, Job, Outlook};
use parking_lot::Mutex;
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    EVENTS_TOPIC, SUBSCRIPTION,
    status::Status,
    trail::{Place, Taken, Trail, TrailError},
};

/// Messages that share a sync.
const BATCH_MESSAGES_MAX: usize = 500;
/// Payloads that share a sync; the last one may go over it.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Between two batches: what comes meanwhile shares the next one's syncs, which others on the disk wait behind.
const BATCH_EVERY: Duration = Duration::from_millis(20);
/// Between two looks for ids that are old enough to be forgotten.
const PRUNE_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Trail(#[from] TrailError),
    #[error("the topic cannot be subscribed to: {0}")]
    Open(#[from] OpenError),
    #[error("the topic cannot be consumed: {0}")]
    Consume(#[from] ConsumeError),
}

impl Failure for SessionError {
    fn outlook(&self) -> Outlook {
        let is_final = match self {
            Self::Trail(TrailError::Shortened { .. }) => true,
            Self::Trail(TrailError::Database(error)) => error.kind() == ErrorKind::Corrupt,
            Self::Open(error) => matches!(error, OpenError::Topic(_)),
            Self::Trail(TrailError::File(_)) | Self::Consume(_) => false,
        };
        if is_final { Outlook::Final } else { Outlook::Passing }
    }
}

pub(crate) struct Work {
    pub(crate) client: Client,
    pub(crate) place: Place,
    pub(crate) counted: Arc<Mutex<Status>>,
}

impl Job for Work {
    type Session = (Consumer, Trail);
    type Error = SessionError;

    async fn open(&mut self) -> Result<(Consumer, Trail), SessionError> {
        let options = ConsumerOptions::new(SUBSCRIPTION).kind(SubscriptionKind::Exclusive).from_earliest();
        // Subscribed first: who holds the subscription holds the file.
        let consumer = self.client.consumer(EVENTS_TOPIC, options).await?;
        let trail = self.place.open().await?;
        Ok((consumer, trail))
    }

    async fn run(
        &mut self,
        (consumer, mut trail): (Consumer, Trail),
        stop: &CancellationToken,
    ) -> Result<(), SessionError> {
        let labels = labels().map(|(label, value)| (label, value.to_owned()));
        let watching = hexalpes_consumer::watch_lag(consumer.backlog(), labels);
        let outcome = tokio::select! {
            outcome = self.consume(&consumer, &mut trail, stop) => outcome,
            never = watching => match never {},
        };
        consumer.close().await;
        outcome
    }
}

impl Work {
    async fn consume(
        &self,
        consumer: &Consumer,
        trail: &mut Trail,
        stop: &CancellationToken,
    ) -> Result<(), SessionError> {
        let mut prunes = time::interval(PRUNE_EVERY);
        prunes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                first = consumer.next() => first?,
                _ = prunes.tick() => {
                    self.place.prune().await?;
                    continue;
                }
            };
            let since = Instant::now();
            let batch = Batch::of(consumer, first);
            let taken = trail.take(&batch.payloads).await?;
            self.count(&taken, &batch, trail, since);
            consumer.ack_cumulative(&batch.last()).await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = time::sleep_until(since + BATCH_EVERY) => {}
            }
        }
    }

    /// Into the status, and into the metrics with the seeds' names.
    fn count(&self, taken: &Taken, batch: &Batch, trail: &Trail, since: Instant) {
        let mut counted = self.counted.lock();
        counted.lines_written += taken.written.len() as u64;
        counted.duplicates += taken.duplicates;
        counted.refused += taken.refused.len() as u64;
        counted.offset = trail.end();
        counted.files_put_aside = trail.rotated();
        for (place, why) in &taken.refused {
            let message = batch.ids[*place];
            warn!(message.id = %message, topic = EVENTS_TOPIC, "a message got no line: it {why}");
            counted.last_refusal = Some(format!("message {message} {why}"));
        }
        drop(counted);
        let labels = labels();
        metrics::counter!("pulsar_events_consumed_total", &labels).increment(batch.ids.len() as u64);
        metrics::counter!("pulsar_event_processing_errors_total", &labels)
            .increment(taken.refused.len() as u64);
        metrics::histogram!("pulsar_event_processing_duration_seconds", &labels).record(since.elapsed());
        for kind in &taken.written {
            let labels = [("service", "notifications".to_owned()), ("event_type", kind.clone())];
            metrics::counter!("pulsar_events_consumed_by_type_total", &labels).increment(1);
        }
    }
}

fn labels() -> [(&'static str, &'static str); 3] {
    [("service", "notifications"), ("topic", EVENTS_TOPIC), ("subscription", SUBSCRIPTION)]
}

/// A message, and those that were there with it.
struct Batch {
    payloads: Vec<Bytes>,
    ids: Vec<MessageId>,
}

impl Batch {
    fn of(consumer: &Consumer, first: Message) -> Self {
        let mut bytes = first.payload.len();
        let mut batch = Self { payloads: vec![first.payload], ids: vec![first.id] };
        while batch.ids.len() < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            // An error is met again by who waits for the next batch.
            let Some(Ok(message)) = consumer.next().now_or_never() else { break };
            bytes += message.payload.len();
            batch.payloads.push(message.payload);
            batch.ids.push(message.id);
        }
        batch
    }

    fn last(&self) -> MessageId {
        *self.ids.last().expect("there is a first one")
    }
}
