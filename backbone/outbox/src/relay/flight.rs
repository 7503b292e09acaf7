//! Rows on their way: sent, and without all of their receipts yet.

use std::time::Instant;

use futures::future;
use hexalpes_client::{Receipt, SendError};
use tokio::sync::OwnedSemaphorePermit;

use super::reader::Landing;
use crate::{checkpoint::Checkpoint, log::place::Place};

/// Rows that were read and sent together.
#[derive(Debug)]
pub(super) struct Flight {
    /// Where the relay is when they have arrived.
    pub(super) checkpoint: Checkpoint,
    /// The event there, if it is known.
    pub(super) last_event: Option<String>,
    pub(super) rows: u64,
    /// Of rows from a log: their numbers in the table, and where to go on behind them.
    pub(super) seqs: Vec<i64>,
    pub(super) place: Option<Place>,
    /// Gives their room back to others when they have arrived.
    pub(super) room: Option<OwnedSemaphorePermit>,
    pub(super) receipts: Vec<Receipt>,
    /// Of the last rows of a read.
    pub(super) landing: Option<Landing>,
    counts: Vec<Count>,
    since: Instant,
}

/// Messages of one kind to one topic.
#[derive(Debug)]
struct Count {
    topic: String,
    kind: String,
    messages: u64,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            checkpoint: Checkpoint::default(),
            last_event: None,
            rows: 0,
            seqs: Vec::new(),
            place: None,
            room: None,
            receipts: Vec::new(),
            landing: None,
            counts: Vec::new(),
            since: Instant::now(),
        }
    }
}

impl Flight {
    /// Counts a message.
    pub(super) fn add(&mut self, topic: &str, kind: &str) {
        match self.counts.iter_mut().find(|count| count.topic == topic && count.kind == kind) {
            Some(count) => count.messages += 1,
            None => {
                self.counts.push(Count { topic: topic.to_owned(), kind: kind.to_owned(), messages: 1 });
            }
        }
    }

    /// Waits for all receipts. May be dropped and called again.
    pub(super) async fn arrive(&mut self) -> Result<(), SendError> {
        while let Some(receipt) = self.receipts.last_mut() {
            future::poll_fn(|context| std::pin::Pin::new(&mut *receipt).poll(context)).await?;
            self.receipts.pop();
        }
        self.landing = None;
        Ok(())
    }

    /// Counts what has arrived, with the seeds' names.
    pub(super) fn count(&self, service: &str) {
        for Count { topic, kind, messages } in &self.counts {
            let labels =
                [("service", service.to_owned()), ("topic", topic.clone()), ("event_type", kind.clone())];
            metrics::counter!("pulsar_events_published_total", &labels).increment(*messages);
            metrics::histogram!("pulsar_event_publish_duration_seconds", &labels[..2])
                .record(self.since.elapsed());
            let labels = [("service", service.to_owned()), ("event_type", kind.clone())];
            metrics::counter!("pulsar_events_published_by_type_total", &labels).increment(*messages);
        }
    }
}
