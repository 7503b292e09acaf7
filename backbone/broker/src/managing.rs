//! What the REST interface asks for of one topic and its subscriptions.
//!
//! A topic that has partitions holds nothing itself: whoever asks for all of them asks for each.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_log::Position;
use hexalpes_wire::{MessageId, TopicName};

use crate::{
    broker::{AdminError, Broker, Shared},
    cursor_store::Properties,
    topic::{BacklogAnalysis, Forward, InternalStats, Start, SubscribeError, Topic},
};

/// Where a subscription begins, or begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionStart {
    Earliest,
    Latest,
    /// With this entry, or with what follows it.
    At {
        id: MessageId,
        excluded: bool,
    },
    /// With the first that was published then or later, in milliseconds since 1970.
    Published(u64),
}

/// Which messages of a subscription have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// Those that are older than so many seconds.
    OlderThan(u64),
    /// Everything up to this entry, and it.
    Through(MessageId),
}

/// An entry as it is stored: a message, or a batch of them, with its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    pub id: MessageId,
    /// For `hexalpes_wire::frame::Payload`.
    pub raw: Bytes,
}

impl From<SubscribeError> for AdminError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Read(error) => Self::Read(error),
            SubscribeError::Metadata(error) => Self::Metadata(error),
            other => Self::Subscription(other.to_string()),
        }
    }
}

impl SubscriptionStart {
    fn start(self) -> Start {
        match self {
            Self::Earliest => Start::Earliest,
            Self::Latest => Start::Latest,
            Self::At { id, excluded: true } if id < MessageId::LATEST && id > MessageId::EARLIEST => {
                Start::After(Position::new(id.ledger, id.entry))
            }
            Self::At { id, .. } => Start::At(id),
            Self::Published(stamp) => Start::Published(stamp),
        }
    }
}

impl Broker {
    /// Makes a durable subscription, and its topic if that is not there and its namespace allows it.
    pub fn create_subscription(
        &self,
        topic: &TopicName,
        subscription: &str,
        start: SubscriptionStart,
        properties: Properties,
    ) -> Result<(), AdminError> {
        let shared = &self.shared;
        let topic = shared.used_topic(topic)?;
        let _changing = shared.changing.lock();
        topic.create_subscription(subscription, start.start(), properties, &shared.metadata)
    }

    /// Ends a subscription; while somebody consumes for it, only by force.
    pub fn delete_subscription(
        &self,
        topic: &TopicName,
        subscription: &str,
        force: bool,
    ) -> Result<(), AdminError> {
        self.changing(topic, |topic| topic.delete_subscription(subscription, force, &self.shared.metadata))
    }

    /// Counts the next entries as acked that are not.
    pub fn skip(&self, topic: &TopicName, subscription: &str, entries: u64) -> Result<(), AdminError> {
        self.forward(topic, subscription, Forward::Entries(entries))
    }

    /// Counts everything as acked.
    pub fn clear_backlog(&self, topic: &TopicName, subscription: &str) -> Result<(), AdminError> {
        self.forward(topic, subscription, Forward::ToEnd)
    }

    /// Has a subscription begin again elsewhere. Its consumers are sent away, and come back.
    pub fn reset_cursor(
        &self,
        topic: &TopicName,
        subscription: &str,
        to: SubscriptionStart,
    ) -> Result<(), AdminError> {
        let topic = self.shared.existing(topic)?;
        // To find a time may take reading through a segment: others may change things meanwhile.
        let mark = topic.mark_before(to.start())?;
        let _changing = self.shared.changing.lock();
        topic.subscription_properties(subscription)?;
        Ok(topic.seek(subscription, mark, |cursor| self.shared.metadata.put_cursor(&cursor))?)
    }

    /// Counts what has expired as acked. Refused, as by Pulsar, where nothing could have.
    pub fn expire_messages(
        &self,
        topic: &TopicName,
        subscription: &str,
        expired: Expired,
    ) -> Result<(), AdminError> {
        let how = match expired {
            Expired::OlderThan(seconds) => {
                let age_ms = seconds.saturating_mul(1000);
                Forward::PublishedBefore(self.shared.options.clock.now_ms().saturating_sub(age_ms))
            }
            Expired::Through(id) => Forward::Through(Position::new(id.ledger, id.entry)),
        };
        self.changing(topic, |topic| {
            topic.expire_messages(subscription, how, &self.shared.metadata).map(drop)
        })
    }

    /// The `nth` entry that a subscription has not acked, counted from 1.
    pub fn peek(
        &self,
        topic: &TopicName,
        subscription: &str,
        nth: u64,
    ) -> Result<Option<StoredEntry>, AdminError> {
        let topic = self.shared.existing(topic)?;
        let position = topic.nth_unacked(subscription, nth)?;
        position.map_or(Ok(None), |position| stored(&topic, position))
    }

    /// The entry of this id, if it is kept.
    pub fn entry(&self, topic: &TopicName, id: MessageId) -> Result<Option<StoredEntry>, AdminError> {
        stored(&*self.shared.existing(topic)?, Position::new(id.ledger, id.entry))
    }

    /// The `nth` entry from the beginning or the end, counted from 1, or the last there is on that way; none of a topic
    /// that is empty.
    pub fn examine(
        &self,
        topic: &TopicName,
        from_end: bool,
        nth: u64,
    ) -> Result<Option<StoredEntry>, AdminError> {
        let topic = self.shared.existing(topic)?;
        let position = topic.nth_from_either_end(from_end, nth);
        position.map_or(Ok(None), |position| stored(&topic, position))
    }

    /// The newest message; [`MessageId::EARLIEST`] if there is none.
    pub fn last_message(&self, topic: &TopicName) -> Result<MessageId, AdminError> {
        Ok(self.shared.existing(topic)?.last_message())
    }

    /// The first entry that was published then or later, in milliseconds since 1970, or where the next one will be.
    pub fn first_published_at(&self, topic: &TopicName, stamp: u64) -> Result<MessageId, AdminError> {
        let topic = self.shared.existing(topic)?;
        Ok(topic.message_id(topic.first_published_at(stamp)?))
    }

    pub fn internal_stats(&self, topic: &TopicName) -> Result<InternalStats, AdminError> {
        Ok(self.shared.existing(topic)?.internal_stats())
    }

    /// What the entries behind this one take on the disk, about, in bytes.
    pub fn bytes_behind(&self, topic: &TopicName, id: MessageId) -> Result<u64, AdminError> {
        let topic = self.shared.existing(topic)?;
        let is_before_all = id.ledger.cast_signed() < 0;
        let position = if is_before_all { Position::EARLIEST } else { Position::new(id.ledger, id.entry) };
        Ok(topic.bytes_behind(position))
    }

    /// Has a topic take no more messages. Says which is its last; [`MessageId::EARLIEST`] if there is none.
    pub fn terminate(&self, name: &TopicName) -> Result<MessageId, AdminError> {
        self.changing(name, |topic| {
            if !topic.is_terminated() {
                self.shared.change_settings(name, |settings| settings.terminated = true)?;
            }
            if !topic.terminate() {
                return Err(AdminError::Unsettled(name.clone()));
            }
            Ok(topic.last_message())
        })
    }

    /// Lets go of everything in a topic, whoever has not acked it.
    pub fn truncate(&self, name: &TopicName) -> Result<(), AdminError> {
        self.changing(name, |topic| {
            let end = topic.end();
            self.shared.change_settings(name, |settings| settings.floor = Some((end.ledger, end.entry)))?;
            topic.raise_floor(end);
            for subscription in topic.subscriptions() {
                topic.move_forward(&subscription, Forward::Through(end), &self.shared.metadata)?;
            }
            self.shared.log.trim_before(topic.id, end);
            Ok(())
        })
    }

    /// What waits for a subscription, entry by entry.
    pub fn analyze_backlog(
        &self,
        topic: &TopicName,
        subscription: &str,
    ) -> Result<BacklogAnalysis, AdminError> {
        self.shared.existing(topic)?.analyze_backlog(subscription)
    }

    pub fn subscriptions(&self, topic: &TopicName) -> Result<Vec<String>, AdminError> {
        Ok(self.shared.existing(topic)?.subscriptions())
    }

    pub fn subscription_properties(
        &self,
        topic: &TopicName,
        subscription: &str,
    ) -> Result<Properties, AdminError> {
        self.shared.existing(topic)?.subscription_properties(subscription)
    }

    pub fn set_subscription_properties(
        &self,
        topic: &TopicName,
        subscription: &str,
        properties: Properties,
    ) -> Result<(), AdminError> {
        let metadata = &self.shared.metadata;
        self.changing(topic, |topic| topic.set_subscription_properties(subscription, properties, metadata))
    }

    fn forward(&self, topic: &TopicName, subscription: &str, how: Forward) -> Result<(), AdminError> {
        self.changing(topic, |topic| topic.move_forward(subscription, how, &self.shared.metadata).map(drop))
    }

    /// Does something with a topic while nobody else changes what is written down.
    fn changing<T>(
        &self,
        topic: &TopicName,
        change: impl FnOnce(&Arc<Topic>) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let Shared { changing, .. } = &*self.shared;
        let _changing = changing.lock();
        change(&self.shared.existing(topic)?)
    }
}

fn stored(topic: &Topic, position: Position) -> Result<Option<StoredEntry>, AdminError> {
    let entry = topic.entry(position)?;
    Ok(entry.map(|entry| StoredEntry { id: topic.message_id(entry.position), raw: entry.payload }))
}
