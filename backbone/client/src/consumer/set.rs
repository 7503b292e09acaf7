//! What a consumer consists of: a part for each topic that it consumes, or for each of its partitions, read as one.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hexalpes_wire::proto::InitialPosition;
use hexalpes_wire::{MessageId, TopicName};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ConsumerOptions;
use super::mark::Mark;
use super::message::{Message, Place};
use super::part::Part;
use super::seek::SeekTo;
use super::shared::{Shared, Start};
use super::source::Source;
use super::watch::Watching;
use crate::client;
use crate::error::{ConsumeError, OpenError};
use crate::schema::{self, Schema};

/// Versions that are kept in mind; beyond, they are asked for anew.
const SCHEMAS_MAX: usize = 100;
/// So long a broker's list may be behind what it tells: a Pulsar keeps its list and the watch over it apart.
const LIST_IS_BEHIND: Duration = Duration::from_secs(1);

type Parts = Arc<[Arc<Part>]>;

#[derive(Debug)]
pub(super) struct Set {
    client: Arc<client::Inner>,
    source: Source,
    options: Arc<ConsumerOptions>,
    start: Start,
    /// The topics, and how many partitions each has; 0 for none.
    topics: Mutex<BTreeMap<TopicName, u32>>,
    /// Of one topic, by partition.
    parts: RwLock<Parts>,
    /// Whose message is the next: each in turn.
    turn: AtomicUsize,
    /// Wakes who waits for a message.
    arrived: Arc<Notify>,
    /// By topic and version.
    schemas: Mutex<HashMap<(TopicName, Bytes), Schema>>,
    closing: CancellationToken,
}

/// The topic, or all its partitions from `from` on.
fn places(topic: &TopicName, from: u32, partitions: u32) -> Vec<TopicName> {
    match partitions {
        0 => vec![topic.clone()],
        partitions => (from..partitions).map(|partition| topic.with_partition(partition)).collect(),
    }
}

impl Set {
    /// Subscribes to all that there is now.
    pub(super) async fn open(
        client: Arc<client::Inner>,
        source: Source,
        mut options: ConsumerOptions,
        start: Start,
    ) -> Result<Self, OpenError> {
        // What is gone is gone: coming back must not make it anew.
        options.create_topic &= !source.is_pattern();
        let topics = client.insist(|| source.topics(&client)).await?;
        let set = Self {
            client,
            source,
            options: Arc::new(options),
            start,
            topics: Mutex::default(),
            parts: RwLock::new(Arc::new([])),
            turn: AtomicUsize::new(0),
            arrived: Arc::new(Notify::new()),
            schemas: Mutex::default(),
            closing: CancellationToken::new(),
        };
        set.open_all(topics.iter().flat_map(|(topic, count)| places(topic, 0, *count)), start).await?;
        *set.topics.lock() = topics;
        Ok(set)
    }

    /// Whether there may come more.
    pub(super) fn follows(&self) -> bool {
        self.source.is_pattern() || self.topics.lock().values().any(|partitions| *partitions > 0)
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
            let shared = Shared::new(Arc::clone(&client), topic, options, start, share, arrived);
            let part = Part::open(client, shared);
            opening.spawn(async move { part.await.map(|part| (at, Arc::new(part))) });
        }
        let mut opened: Vec<(u32, _)> = Vec::new();
        while let Some(outcome) = opening.join_next().await {
            opened.push(outcome.expect("opening neither panics nor is aborted")?);
        }
        opened.sort_by_key(|(at, _)| *at);
        let more = opened.into_iter().map(|(_, part)| part);
        self.put(self.parts().iter().cloned().chain(more).collect());
        Ok(())
    }

    fn put(&self, parts: Parts) {
        let share = self.share(parts.len());
        for part in &*parts {
            part.resize(share);
        }
        *self.parts.write() = parts;
        self.arrived.notify_one();
    }

    /// What one of so many parts has of the receive queue.
    fn share(&self, parts: usize) -> u32 {
        let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
        (self.options.receive_queue / parts).max(1)
    }

    fn parts(&self) -> Parts {
        Arc::clone(&self.parts.read())
    }

    pub(super) fn topics(&self) -> Vec<TopicName> {
        self.topics.lock().keys().cloned().collect()
    }

    /// None where it is not one topic that has some.
    pub(super) fn partitions(&self) -> Option<u32> {
        let topics = self.topics.lock();
        let mut counts = topics.values().copied().filter(|partitions| *partitions > 0);
        if self.source.is_pattern() || topics.len() != 1 { None } else { counts.next() }
    }

    pub(super) fn arrived(&self) -> impl Future<Output = ()> + '_ {
        self.arrived.notified()
    }

    /// The next message, if there is one.
    pub(super) fn take(&self) -> Result<Option<Message>, ConsumeError> {
        let parts = self.parts();
        if self.closing.is_cancelled() {
            return Err(ConsumeError::Closed);
        }
        let is_pattern = self.source.is_pattern();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut at_end = 0;
        for at in 0..parts.len() {
            match parts[first.wrapping_add(at) % parts.len()].take() {
                Ok(Some(message)) => {
                    // Another part may have one for whoever else waits.
                    if parts.len() > 1 {
                        self.arrived.notify_one();
                    }
                    return Ok(Some(message));
                }
                Ok(None) => {}
                Err(ConsumeError::EndOfTopic) => at_end += 1,
                // A topic that went away: it is left out as soon as that is found.
                Err(ConsumeError::Ended { .. }) if is_pattern => {}
                Err(error) => return Err(error),
            }
        }
        if at_end == parts.len() && !is_pattern { Err(ConsumeError::EndOfTopic) } else { Ok(None) }
    }

    /// Whether each part has given everything up to that entry.
    pub(super) fn has_given(&self, entry: MessageId) -> bool {
        self.parts().iter().all(|part| part.has_given(entry))
    }

    /// The part that a message is of, and its id there.
    pub(super) fn part_of(&self, message: &impl Place) -> Result<(Arc<Part>, MessageId), ConsumeError> {
        let (id, topic) = message.place();
        let parts = self.parts();
        let is_one_topic = self.partitions().is_some();
        let part = match (&*parts, topic, id.partition) {
            ([only], ..) if !self.source.is_pattern() => Some(only),
            (several, None, Some(partition)) if is_one_topic => several.get(partition as usize),
            (several, Some(topic), _) => several.iter().find(|part| **part.topic_text() == *topic),
            (_, None, _) => None,
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

    /// Moves a reader.
    pub(super) async fn go_to(&self, to: Mark) -> Result<(), ConsumeError> {
        if let Mark::With(id) | Mark::After(id) = to {
            let (part, id) = self.part_of(&id)?;
            let to = if matches!(to, Mark::With(_)) { Mark::With(id) } else { Mark::After(id) };
            return part.go_to(to).await;
        }
        self.each(async move |part| part.go_to(to).await).await.map(drop)
    }

    pub(super) async fn has_more(&self) -> Result<bool, ConsumeError> {
        for part in &*self.parts() {
            if part.has_more().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// None unless all parts tell.
    pub(super) async fn backlog(&self) -> Result<Option<u64>, ConsumeError> {
        let backlogs = self.each(async |part| part.backlog().await).await?;
        Ok(backlogs.into_iter().sum())
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

    /// Looks for new partitions and topics, and for topics that are gone, until the consumer is closed.
    pub(super) async fn follow(self: Arc<Self>) {
        let follow = async {
            let mut watching = Watching::default();
            let mut was_told = false;
            loop {
                let heard = watching.news(&self.client, &self.source);
                let interval = self.client.options.discovery_interval;
                // Nothing depends on being told: what was missed is found.
                let wait = if was_told { interval.min(LIST_IS_BEHIND) } else { interval };
                was_told = tokio::time::timeout(wait, heard).await.is_ok();
                if let Err(error) = self.look().await {
                    let topics = &self.source;
                    tracing::warn!(?topics, reason = %error, "what is new cannot be consumed yet");
                }
            }
        };
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = follow => {}
        }
    }

    async fn look(&self) -> Result<(), OpenError> {
        let found = self.source.topics(&self.client).await?;
        let known = self.topics.lock().clone();
        let gone: Vec<_> = known.keys().filter(|topic| !found.contains_key(topic)).cloned().collect();
        self.leave(&gone).await;
        // What was there before the subscription was, is its as well.
        let start = match self.start {
            Start::Subscription(_) => Start::Subscription(InitialPosition::Earliest),
            Start::Reading(_) => Start::Reading(Mark::Earliest),
        };
        for (topic, partitions) in found {
            let has = known.get(&topic).copied();
            let new = match has {
                Some(has) if partitions > has && has > 0 => places(&topic, has, partitions),
                Some(_) => continue,
                None => places(&topic, 0, partitions),
            };
            self.open_all(new, start).await?;
            tracing::info!(%topic, partitions, "consumes more");
            self.topics.lock().insert(topic, partitions);
        }
        Ok(())
    }

    async fn leave(&self, gone: &[TopicName]) {
        if gone.is_empty() {
            return;
        }
        let is_gone = |part: &Arc<Part>| gone.contains(&part.topic().without_partition());
        let (gone_parts, stay): (Vec<_>, Vec<_>) = self.parts().iter().cloned().partition(is_gone);
        self.put(stay.into());
        for topic in gone {
            tracing::info!(%topic, "it is gone, and consumed no more");
            self.topics.lock().remove(topic);
        }
        for part in gone_parts {
            part.close().await;
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
