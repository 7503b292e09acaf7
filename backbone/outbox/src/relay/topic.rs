//! One topic that a relay publishes to: its producer, what of ours it has, and what its messages are written with.

use std::mem;

use hexalpes_avro::Record;
use hexalpes_client::{Client, Outgoing, Producer, ProducerOptions, Receipt, Schema, SchemaType};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::info;

use super::{RelayError, flight::Flight, tail};
use crate::{layout::Layout, message::Written, row::OutboxRow};

/// A producer, and up to where its topic is known to have our rows.
pub(super) struct Topic {
    pub(super) producer: Producer,
    /// Of each partition, or of the topic if it has none: the last row that it has, -1 where nobody knows of any.
    pub(super) stored: Vec<i64>,
    pub(super) layout: Option<Layout>,
    /// How the data of events is written; none: as structured `CloudEvents`.
    pub(super) written: Option<Written>,
    pub(super) last_use: u64,
    /// Messages that leave together.
    queued: Vec<Outgoing>,
    name: String,
    _watch: AbortOnDropHandle<()>,
}

impl Topic {
    pub(super) async fn open(
        client: &Client,
        topic: &str,
        options: &ProducerOptions,
        grown: &CancellationToken,
    ) -> Result<Self, RelayError> {
        let opened = client.producer(topic, options.clone()).await;
        let producer = opened.map_err(|why| RelayError::open(topic, why))?;
        let stored = producer.last_sequence_ids();
        let (growth, grown, name) = (producer.growth(), grown.clone(), topic.to_owned());
        let watch = tokio::spawn(async move {
            let partitions = growth.await;
            info!(topic = name, partitions, "the topic has grown, and is opened anew");
            grown.cancel();
        });
        let (name, watch) = (topic.to_owned(), AbortOnDropHandle::new(watch));
        Ok(Self {
            stored,
            producer,
            layout: None,
            written: None,
            last_use: 0,
            queued: Vec::new(),
            name,
            _watch: watch,
        })
    }

    /// A topic of events that may have a schema: Avro, by this definition, unless the topic says that its events are
    /// structured, or no definition is given.
    pub(super) async fn of_events(
        client: &Client,
        topic: &str,
        options: &ProducerOptions,
        grown: &CancellationToken,
        definition: Option<&'static str>,
    ) -> Result<Self, RelayError> {
        let has = client.schema(topic, None).await.map_err(|why| RelayError::open(topic, why))?;
        let (schema, record) = match (has.map(|has| has.schema), definition) {
            (Some(has), _) if has.kind == SchemaType::Json => (Some(has), None),
            (Some(has), Some(definition)) if has.kind == SchemaType::Avro => {
                (Some(Schema::avro(definition)), Some(record(topic, definition)?))
            }
            (None, Some(definition)) => (Some(Schema::avro(definition)), Some(record(topic, definition)?)),
            (Some(_) | None, _) => (None, None),
        };
        let options = ProducerOptions { schema, ..options.clone() };
        let mut opened = Self::open(client, topic, &options, grown).await?;
        if let Some(record) = record {
            let version = opened.producer.schema_version().unwrap_or_default();
            let name = opened.producer.topic().to_string();
            opened.written = Some(Written::new(&name, &version, record));
        }
        Ok(opened)
    }

    /// Whether it has partitions that had to wait until rows up to this one are there.
    pub(super) fn may_grow(&self, ordinal: i64) -> bool {
        let has = self.producer.partitions().unwrap_or(0);
        self.layout.is_some_and(|layout| layout.partitions < has && ordinal >= layout.since)
    }

    /// The whole names of its partitions, or its own if it has none.
    pub(super) fn places(&self) -> Vec<String> {
        tail::places(self.producer.topic(), self.producer.partitions())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Has the message go to its partition, unless it cannot be sent, and the topic does not have it.
    pub(super) fn check(&self, row: &OutboxRow, message: &mut Outgoing) -> Result<(), RelayError> {
        message.partition =
            self.layout.map(|layout| layout.partition_of(row.ordinal, message.key.as_deref()));
        if row.ordinal > self.stored[message.partition.unwrap_or(0) as usize] {
            self.producer.check(message)?;
        }
        Ok(())
    }

    /// Whether its partitions have a row of that number from an earlier session, if it went there.
    pub(super) fn having(&self, ordinal: i64) -> Vec<bool> {
        having(self.layout, &self.stored, ordinal)
    }

    /// Queues the row's message, unless the topic has it.
    pub(super) fn queue(
        &mut self,
        row: &OutboxRow,
        message: Outgoing,
        flight: &mut Flight,
    ) -> Result<(), RelayError> {
        if self.lacks(row, &message)? {
            flight.add(&self.name, row.bare_kind());
            self.queued.push(message);
        }
        Ok(())
    }

    /// Whether the topic has not got the row's message.
    pub(super) fn lacks(&self, row: &OutboxRow, message: &Outgoing) -> Result<bool, RelayError> {
        let stored = self.stored[message.partition.unwrap_or(0) as usize];
        if row.ordinal > stored {
            return Ok(true);
        }
        if message.alone {
            return Ok(false);
        }
        // No relay has had so many rows on their way: somebody else gave out this number before.
        Err(RelayError::DatabaseRestored { topic: self.name.clone(), stored, newest: row.ordinal })
    }

    /// Sends what is queued, and gives what has its receipts.
    pub(super) async fn send(&mut self) -> Result<Option<Receipt>, RelayError> {
        if self.queued.is_empty() {
            return Ok(None);
        }
        let messages = mem::take(&mut self.queued);
        let receipt = self.producer.queue_all(messages).await.map_err(RelayError::SendTogether)?;
        self.producer.close_batch();
        Ok(Some(receipt))
    }

    /// Sends messages that another topic gets as well, on which nothing else is queued either.
    pub(super) async fn send_with(
        &self,
        other: &Self,
        messages: Vec<Outgoing>,
    ) -> Result<[Receipt; 2], RelayError> {
        let receipts = self.producer.queue_all_with(&other.producer, messages).await;
        let receipts = receipts.map_err(RelayError::SendTogether)?;
        self.producer.close_batch();
        other.producer.close_batch();
        Ok(receipts)
    }

    /// Sends what is queued, and gives the name up when it has arrived.
    pub(super) async fn close(mut self) -> Result<(), RelayError> {
        if let Some(receipt) = self.send().await? {
            receipt.await.map_err(RelayError::SendTogether)?;
        }
        self.producer.close().await;
        Ok(())
    }
}

/// Of those partitions that a row of that number may be in, whether each has come so far.
pub(super) fn having(layout: Option<Layout>, stored: &[i64], ordinal: i64) -> Vec<bool> {
    let partitions = layout.map_or(1, |layout| layout.partitions_of(ordinal)) as usize;
    stored.iter().take(partitions).map(|stored| *stored >= ordinal).collect()
}

fn record(topic: &str, definition: &str) -> Result<Record, RelayError> {
    let topic = topic.to_owned();
    Record::parse(definition.as_bytes()).map_err(|why| RelayError::Schema { topic, why })
}
