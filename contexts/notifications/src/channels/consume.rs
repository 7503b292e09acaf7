//! Subscribes, makes notifications of what comes in batches, and acks it.
//!
//! A subscription, transactions and a task of its own: the audit trail never waits for this.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use hexalpes_client::{
    Client, ConsumeError, Consumer, ConsumerOptions, Message, MessageId, OpenError, SubscriptionKind,
};
use hexalpes_db::{DbError, ErrorKind, Tx};
use hexalpes_worker::{Failure, Job, Outlook};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Channels, heard::Heard, notify};
use crate::{CHANNELS_SUBSCRIPTION, EVENTS_TOPIC};

/// Messages that share a transaction.
const BATCH_MESSAGES_MAX: usize = 200;
/// Payloads that share a transaction; the last one may go over it.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Between two batches: what comes meanwhile shares the next one's sync.
const BATCH_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub(crate) enum HearError {
    #[error("the topic cannot be subscribed to: {0}")]
    Open(#[from] OpenError),
    #[error("the topic cannot be consumed: {0}")]
    Consume(#[from] ConsumeError),
    #[error("notifications cannot be kept: {0}")]
    Database(#[from] DbError),
}

impl Failure for HearError {
    fn outlook(&self) -> Outlook {
        let is_final = match self {
            Self::Database(error) => error.kind() == ErrorKind::Corrupt,
            Self::Open(error) => matches!(error, OpenError::Topic(_)),
            Self::Consume(_) => false,
        };
        if is_final { Outlook::Final } else { Outlook::Passing }
    }
}

pub(crate) struct Work {
    pub(crate) client: Client,
    pub(crate) channels: Channels,
}

impl Job for Work {
    type Session = Consumer;
    type Error = HearError;

    async fn open(&mut self) -> Result<Consumer, HearError> {
        let options =
            ConsumerOptions::new(CHANNELS_SUBSCRIPTION).kind(SubscriptionKind::Failover).from_earliest();
        Ok(self.client.consumer(EVENTS_TOPIC, options).await?)
    }

    async fn run(&mut self, consumer: Consumer, stop: &CancellationToken) -> Result<(), HearError> {
        let labels = LABELS.map(|(label, value)| (label, value.to_owned()));
        let watching = hexalpes_consumer::watch_lag(consumer.backlog(), labels);
        let outcome = tokio::select! {
            outcome = self.consume(&consumer, stop) => outcome,
            never = watching => match never {},
        };
        consumer.close().await;
        outcome
    }
}

const LABELS: [(&str, &str); 3] =
    [("service", "notifications"), ("topic", EVENTS_TOPIC), ("subscription", CHANNELS_SUBSCRIPTION)];

impl Work {
    async fn consume(&self, consumer: &Consumer, stop: &CancellationToken) -> Result<(), HearError> {
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                first = consumer.next() => first?,
            };
            let since = Instant::now();
            let (payloads, last) = batch(consumer, first);
            self.take(&payloads).await?;
            consumer.ack_cumulative(&last).await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = time::sleep_until(since + BATCH_EVERY) => {}
            }
        }
    }

    async fn take(&self, payloads: &[Bytes]) -> Result<(), DbError> {
        let (mut events, mut refused) = (Vec::new(), Vec::new());
        for heard in payloads.iter().filter_map(|payload| Heard::read(payload)) {
            match heard {
                Ok(heard) => events.push(heard),
                Err(why) => refused.push(why),
            }
        }
        let mut told = notify::Told::default();
        if !events.is_empty() {
            let (events, edge) = (Arc::new(events), Arc::clone(&self.channels.edge));
            let mails = self.channels.mailer.is_some();
            let take = async move |tx: &Tx| notify::take(tx, &*edge, mails, &events).await;
            told = self.channels.db.write(take).await?;
        }
        refused.append(&mut told.refused);
        for why in &refused {
            warn!("told to nobody: {why}");
        }
        if told.notified > 0 {
            self.channels.feed.tell(std::mem::take(&mut told.recipients));
        }
        metrics::counter!("notifications_total").increment(told.notified);
        self.channels.count(|counted| {
            counted.heard += payloads.len() as u64;
            counted.notified += told.notified;
            counted.duplicates += told.duplicates;
            counted.refused += refused.len() as u64;
            counted.last_refusal = refused.pop().or_else(|| counted.last_refusal.take());
        });
        Ok(())
    }
}

/// A message, and those that were there with it; and which was the last.
fn batch(consumer: &Consumer, first: Message) -> (Vec<Bytes>, MessageId) {
    let (mut bytes, mut last) = (first.payload.len(), first.id);
    let mut payloads = vec![first.payload];
    while payloads.len() < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
        // An error is met again by who waits for the next batch.
        let Some(Ok(message)) = consumer.next().now_or_never() else { break };
        bytes += message.payload.len();
        last = message.id;
        payloads.push(message.payload);
    }
    (payloads, last)
}
