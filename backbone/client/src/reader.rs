//! Readers: a topic from any place on, without a subscription that stays.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_wire::{MessageId, TopicName};

use crate::client;
use crate::clock;
use crate::consumer::{Consumer, ConsumerOptions, Mark, Message, Source, Start};
use crate::error::{ConsumeError, OpenError};
use crate::schema::Schema;

/// Where a reader starts, or goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// With everything that the topic still has.
    #[default]
    Earliest,
    /// With the next message that comes.
    Latest,
    /// This message is the first.
    With(MessageId),
    /// The message behind this is the first.
    After(MessageId),
    /// The first message published then or later, milliseconds since 1970.
    Time(u64),
    /// The first message published so long ago or later.
    Back(Duration),
}

impl ReadFrom {
    fn mark(self) -> Mark {
        match self {
            Self::Earliest | Self::With(MessageId::EARLIEST) | Self::After(MessageId::EARLIEST) => {
                Mark::Earliest
            }
            Self::Latest | Self::With(MessageId::LATEST) | Self::After(MessageId::LATEST) => Mark::Latest,
            Self::With(id) => Mark::With(id),
            Self::After(id) => Mark::After(id),
            Self::Time(time) => Mark::Since(time),
            Self::Back(back) => {
                let back_ms = u64::try_from(back.as_millis()).unwrap_or(u64::MAX);
                Mark::Since(clock::millis_since_1970().saturating_sub(back_ms))
            }
        }
    }
}

/// How a reader reads.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    pub from: ReadFrom,
    /// What its subscription, which goes with it, begins with.
    pub name: String,
    /// How many messages brokers send ahead, over all partitions.
    pub receive_queue: u32,
    /// Of a topic that was compacted, the last message of each key alone, up to where it was compacted.
    pub compacted: bool,
    pub schema: Option<Schema>,
    pub properties: Vec<(String, String)>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            from: ReadFrom::Earliest,
            name: "reader".to_owned(),
            receive_queue: 1000,
            compacted: false,
            schema: None,
            properties: Vec::new(),
        }
    }
}

impl ReaderOptions {
    pub fn from(from: ReadFrom) -> Self {
        Self { from, ..Self::default() }
    }
}

/// An open reader on one topic, or on all partitions of it. Nothing of it stays at the broker when it ends. After a
/// reconnect it goes on behind what it gave last.
#[derive(Debug)]
pub struct Reader {
    consumer: Consumer,
}

impl Reader {
    pub(crate) async fn open(
        client: Arc<client::Inner>,
        topic: TopicName,
        options: ReaderOptions,
    ) -> Result<Self, OpenError> {
        let ReaderOptions { from, name, receive_queue, compacted, schema, properties } = options;
        // Drawn, so that no two readers share one.
        let subscription = format!("{name}-{:016x}", RandomState::new().hash_one(()));
        let options = ConsumerOptions {
            receive_queue,
            properties,
            schema,
            compacted,
            ..ConsumerOptions::new(subscription)
        };
        let start = Start::Reading(from.mark());
        Ok(Self { consumer: Consumer::open(client, Source::Topics(vec![topic]), options, start).await? })
    }

    /// The next message, as soon as there is one. Dropping the future loses none.
    pub async fn next(&self) -> Result<Message, ConsumeError> {
        let message = self.consumer.next().await?;
        // For whoever looks at the topic, and so that the broker need not remember it.
        self.consumer.pass(&message).await;
        Ok(message)
    }

    /// Whether there is a message now that was not read.
    pub async fn has_message_available(&self) -> Result<bool, ConsumeError> {
        self.consumer.has_more().await
    }

    /// Goes on from there; to or behind a message, in its partition alone.
    pub async fn seek(&self, to: ReadFrom) -> Result<(), ConsumeError> {
        self.consumer.go_to(to.mark()).await
    }

    /// The last message of each partition, or of the topic if it has none; an entry of -1 where there is none.
    pub async fn last_message_ids(&self) -> Result<Vec<MessageId>, ConsumeError> {
        self.consumer.last_message_ids().await
    }

    pub async fn close(self) {
        self.consumer.close().await;
    }
}
