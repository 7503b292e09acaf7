//! What a consumer consists of: a part for its topic, or for each of its partitions, read as one.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hexalpes_wire::proto::InitialPosition;
use hexalpes_wire::{MessageId, TopicName};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ConsumerOptions;
use super::message::{Message, Place};
use super::part::Part;
use super::seek::SeekTo;
use super::shared::Start;
use crate::client;
use crate::error::{ConsumeError, OpenError};
use crate::schema::{self, Schema};

/// Versions that are kept in mind; beyond, they are asked for anew.
const SCHEMAS_MAX: usize = 100;

#[derive(Debug)]
pub(super) struct Set {
    client: Arc<client::Inner>,
    pub(super) topic: TopicName,
    options: Arc<ConsumerOptions>,
    is_partitioned: bool,
    /// By partition; the only one of a topic without partitions.
    parts: RwLock<Arc<[Arc<Part>]>>,
    /// Whose message is the next: each in turn.
    turn: AtomicUsize,
    /// Wakes who waits for a message.
    arrived: Arc<Notify>,
    /// By topic and version.
    schemas: Mutex<HashMap<(TopicName, Bytes), Schema>>,
    closing: CancellationToken,
}

impl Set {
    /// Subscribes to the topic, or to so many partitions of it.
    pub(super) async fn open(
        client: Arc<client::Inner>,
        topic: TopicName,
        partitions: u32,
        options: ConsumerOptions,
    ) -> Result<Self, OpenError> {
        let set = Self {
            client,
            topic: topic.clone(),
            is_partitioned: partitions > 0,
            parts: RwLock::new(Arc::new([])),
            turn: AtomicUsize::new(0),
            arrived: Arc::new(Notify::new()),
            schemas: Mutex::default(),
            closing: CancellationToken::new(),
            options: Arc::new(options),
        };
        let start = Start::Subscription(set.options.initial_position);
        if partitions > 0 {
            set.open_all((0..partitions).map(|partition| topic.with_partition(partition)), start).await?;
        } else {
            set.open_all([topic], start).await?;
        }
        Ok(set)
    }

    /// Subscribes to more topics, to all or none, behind those that are there.
    async fn open_all(
        &self,
        topics: impl IntoIterator<Item = TopicName>,
        start: Start,
    ) -> Result<(), OpenError> {
        let topics: Vec<TopicName> = topics.into_iter().collect();
        let share = self.share(self.parts().len() + topics.len());
        let mut opening = JoinSet::new();
        for (topic, at) in topics.into_iter().zip(0..) {
            let (client, options) = (Arc::clone(&self.client), Arc::clone(&self.options));
            let arrived = Arc::clone(&self.arrived);
            let part = Part::open(client, topic, options, start, share, arrived);
            opening.spawn(async move { part.await.map(|part| (at, Arc::new(part))) });
        }
        let mut opened: Vec<(u32, _)> = Vec::new();
        while let Some(outcome) = opening.join_next().await {
            opened.push(outcome.expect("opening neither panics nor is aborted")?);
        }
        opened.sort_by_key(|(at, _)| *at);
        let mut parts = self.parts.write();
        for part in &**parts {
            part.resize(share);
        }
        *parts = parts.iter().cloned().chain(opened.into_iter().map(|(_, part)| part)).collect();
        drop(parts);
        self.arrived.notify_one();
        Ok(())
    }

    /// What one of so many parts has of the receive queue.
    fn share(&self, parts: usize) -> u32 {
        let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
        (self.options.receive_queue / parts).max(1)
    }

    fn parts(&self) -> Arc<[Arc<Part>]> {
        Arc::clone(&self.parts.read())
    }

    /// None where the topic has no partitions.
    pub(super) fn partitions(&self) -> Option<u32> {
        let count = self.parts().len();
        self.is_partitioned.then(|| u32::try_from(count).expect("partitions are numbered in 31 bits"))
    }

    pub(super) fn arrived(&self) -> impl Future<Output = ()> + '_ {
        self.arrived.notified()
    }

    /// The next message, if there is one.
    pub(super) fn take(&self) -> Result<Option<Message>, ConsumeError> {
        let parts = self.parts();
        if let [part] = &*parts {
            return part.take();
        }
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut at_end = 0;
        for at in 0..parts.len() {
            match parts[first.wrapping_add(at) % parts.len()].take() {
                Ok(Some(message)) => {
                    // Another part may have one for whoever else waits.
                    self.arrived.notify_one();
                    return Ok(Some(message));
                }
                Ok(None) => {}
                Err(ConsumeError::EndOfTopic) => at_end += 1,
                Err(error) => return Err(error),
            }
        }
        if at_end == parts.len() { Err(ConsumeError::EndOfTopic) } else { Ok(None) }
    }

    /// The part that a message is of, and its id there.
    pub(super) fn part_of(&self, message: &impl Place) -> Result<(Arc<Part>, MessageId), ConsumeError> {
        let (id, topic) = message.place();
        let parts = self.parts();
        let part = match (&*parts, topic, id.partition) {
            ([only], ..) => Some(only),
            (several, None, Some(partition)) => several.get(partition as usize),
            (several, Some(topic), _) => several.iter().find(|part| **part.topic_text() == *topic),
            (_, None, None) => None,
        };
        let part = part.ok_or(ConsumeError::WhichTopic { id })?;
        Ok((Arc::clone(part), MessageId { partition: part.topic().partition(), ..id }))
    }

    pub(super) async fn seek(&self, to: SeekTo) -> Result<(), ConsumeError> {
        let to = match to {
            SeekTo::Message(MessageId::EARLIEST) => SeekTo::Earliest,
            SeekTo::Message(MessageId::LATEST) => SeekTo::Latest,
            other => other,
        };
        if let SeekTo::Message(id) = to {
            let (part, id) = self.part_of(&id)?;
            return part.seek(SeekTo::Message(id)).await;
        }
        self.each(async move |part| part.seek(to).await).await.map(drop)
    }

    pub(super) async fn last_message_ids(&self) -> Result<Vec<MessageId>, ConsumeError> {
        self.each(async |part| part.last_message_id().await).await
    }

    pub(super) async fn schema_of(&self, topic: &str, version: &Bytes) -> Result<Option<Schema>, OpenError> {
        let key = (TopicName::parse(topic)?.without_partition(), version.clone());
        if let Some(known) = self.schemas.lock().get(&key) {
            return Ok(Some(known.clone()));
        }
        let found = schema::of(&self.client, &key.0, Some(version)).await?.map(|found| found.schema);
        let mut schemas = self.schemas.lock();
        if let Some(found) = &found {
            if schemas.len() >= SCHEMAS_MAX {
                schemas.clear();
            }
            schemas.insert(key, found.clone());
        }
        Ok(found)
    }

    pub(super) async fn unsubscribe(&self) -> Result<(), ConsumeError> {
        self.each(async |part| part.unsubscribe().await).await.map(drop)
    }

    async fn each<T>(
        &self,
        ask: impl AsyncFn(&Part) -> Result<T, ConsumeError>,
    ) -> Result<Vec<T>, ConsumeError> {
        let mut answers = Vec::new();
        for part in &*self.parts() {
            answers.push(ask(part).await?);
        }
        Ok(answers)
    }

    /// Subscribes to the partitions that the topic gets, until the consumer is closed.
    pub(super) async fn follow_growth(self: Arc<Self>) {
        let grow = async {
            let mut known = self.partitions().unwrap_or_default();
            loop {
                let partitions = self.client.more_partitions(&self.topic, known).await;
                let new = || (known..partitions).map(|partition| self.topic.with_partition(partition));
                // A subscription that is not there yet, has everything before it.
                let start = Start::Subscription(InitialPosition::Earliest);
                while let Err(error) = self.open_all(new(), start).await {
                    tracing::warn!(topic = %self.topic, reason = %error, "new partitions cannot be consumed yet");
                    tokio::time::sleep(self.client.options.discovery_interval).await;
                }
                tracing::info!(topic = %self.topic, partitions, "consumes new partitions as well");
                known = partitions;
            }
        };
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = grow => {}
        }
    }

    /// Tells the brokers; the subscription stays.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        for part in &*self.parts() {
            part.close().await;
        }
    }

    /// Without waiting.
    pub(super) fn abandon(&self) {
        self.closing.cancel();
        for part in &*self.parts() {
            part.abandon();
        }
    }
}
