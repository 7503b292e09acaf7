//! Consumers: what they do not acknowledge comes again.

mod acks;
mod batches;
mod chunks;
mod driver;
mod entry;
mod inbox;
mod mark;
mod message;
mod nacks;
mod options;
mod part;
mod seek;
mod set;
mod shared;
mod source;
mod watch;

use std::sync::Arc;

use hexalpes_wire::{MessageId, TopicName};
use tokio::task::JoinHandle;

use crate::client;
use crate::error::{ConsumeError, OpenError};
use crate::schema::Schema;
use set::Set;

pub use message::{Message, Place};
pub use options::{ConsumerOptions, KeySharing, SubscriptionKind};
pub use seek::SeekTo;
pub use source::{PatternError, TopicPattern};
pub(crate) use {mark::Mark, shared::Start, source::Source};

/// A consumer on one topic or several. It reconnects by itself until it is closed or dropped.
///
/// After a reconnect the broker sends again what was not acked; what waited here unread is dropped, so
/// that nothing is received twice for that reason.
///
/// On a topic with partitions it has a subscription in each: what has an order, and is acknowledged up to a
/// message, is the partition. Partitions that the topic gets later are consumed from their beginning, within
/// [`discovery_interval`](crate::ClientOptions::discovery_interval), and so are topics that match later: at once, where
/// the broker tells who watches. Of several topics, [`Message`] names the message and an id alone does not.
#[derive(Debug)]
pub struct Consumer {
    set: Arc<Set>,
    /// Looks for new partitions.
    keeper: Option<JoinHandle<()>>,
}

impl Consumer {
    pub(crate) async fn open(
        client: Arc<client::Inner>,
        source: Source,
        options: ConsumerOptions,
        start: Start,
    ) -> Result<Self, OpenError> {
        let set = Arc::new(Set::open(client, source, options, start).await?);
        let keeper = set.follows().then(|| tokio::spawn(Arc::clone(&set).follow()));
        Ok(Self { set, keeper })
    }

    /// The next message, as soon as there is one. Dropping the future loses none.
    ///
    /// May be called from several places at once; each message goes to one of them.
    pub async fn next(&self) -> Result<Message, ConsumeError> {
        loop {
            let arrived = self.set.arrived();
            if let Some(message) = self.set.take()? {
                return Ok(message);
            }
            arrived.await;
        }
    }

    /// The next message; none once everything up to an entry was given, whether that is one, or a part of one that is not
    /// complete, or of one that is too large; the one behind that may come before. For a topic without partitions. Dropping the
    /// future loses none.
    pub async fn next_through(&self, end: MessageId) -> Result<Option<Message>, ConsumeError> {
        loop {
            let arrived = self.set.arrived();
            if self.set.has_given(end) {
                return Ok(None);
            }
            match self.set.take()? {
                Some(message) => return Ok(Some(message)),
                None if self.set.has_given(end) => return Ok(None),
                None => arrived.await,
            }
        }
    }

    /// Acknowledges one message. In a batch, the batch is acked when all its messages are.
    pub async fn ack(&self, message: &impl Place) -> Result<(), ConsumeError> {
        let (part, id) = self.set.part_of(message)?;
        part.ack(id).await
    }

    /// Acknowledges this message and all before it, of its partition if it is in one.
    pub async fn ack_cumulative(&self, message: &impl Place) -> Result<(), ConsumeError> {
        let (part, id) = self.set.part_of(message)?;
        part.ack_cumulative(id).await
    }

    /// Asks for the message again, after [`nack_delay`](ConsumerOptions::nack_delay).
    ///
    /// It comes with all of its batch that is not acked; on an exclusive or failover subscription with
    /// everything else of its partition that is not acked, as order wants it. (While more is under way, Apache
    /// Pulsar 4.0 may read twice at once and send a later piece in between. It still sends each message.)
    ///
    /// What is none of this consumer's is passed over.
    pub fn nack(&self, message: &impl Place) {
        if let Ok((part, id)) = self.set.part_of(message) {
            part.nack(id);
        }
    }

    /// Moves the subscription. What is received after this is from there on, once.
    ///
    /// Of a topic with partitions all are moved, but to a message its own alone.
    pub async fn seek(&self, to: SeekTo) -> Result<(), ConsumeError> {
        self.set.seek(to).await
    }

    /// The last message of a topic without partitions; its entry is -1 when the topic is empty.
    pub async fn last_message_id(&self) -> Result<MessageId, ConsumeError> {
        match &self.last_message_ids().await?[..] {
            [id] => Ok(*id),
            ids => Err(ConsumeError::WhichTopic { id: ids.first().copied().unwrap_or(MessageId::LATEST) }),
        }
    }

    /// The last message of each partition, or of the topic if it has none; an entry of -1 where there is none.
    pub async fn last_message_ids(&self) -> Result<Vec<MessageId>, ConsumeError> {
        self.set.last_message_ids().await
    }

    /// Tells how much waits, also beside whoever consumes.
    pub fn backlog(&self) -> Backlog {
        Backlog(Arc::clone(&self.set))
    }

    /// The schema that the message was written with; none if it does not say. Each version is asked for once.
    pub async fn schema_of(&self, message: &Message) -> Result<Option<Schema>, OpenError> {
        let Some(version) = &message.schema_version else { return Ok(None) };
        self.set.schema_of(&message.topic, version).await
    }

    /// Gives the subscription up, with its place in the topic.
    pub async fn unsubscribe(self) -> Result<(), ConsumeError> {
        self.set.unsubscribe().await?;
        self.close().await;
        Ok(())
    }

    /// The topics that it consumes now, each as a whole, or the partition that was named.
    pub fn topics(&self) -> Vec<TopicName> {
        self.set.topics()
    }

    /// Acks for a reader, for whom it is no matter.
    pub(crate) async fn pass(&self, message: &Message) {
        if let Ok((part, id)) = self.set.part_of(message)
            && let Err(error) = part.ack_cumulative(id).await
        {
            tracing::debug!(reason = %error, "a reader could not say how far it is");
        }
    }

    pub(crate) async fn has_more(&self) -> Result<bool, ConsumeError> {
        self.set.has_more().await
    }

    pub(crate) async fn go_to(&self, to: Mark) -> Result<(), ConsumeError> {
        self.set.go_to(to).await
    }

    /// How many partitions it consumes now, if it is one topic that has some.
    pub fn partitions(&self) -> Option<u32> {
        self.set.partitions()
    }

    /// Tells the broker; the subscription stays.
    pub async fn close(mut self) {
        self.set.close().await;
        if let Some(keeper) = self.keeper.take() {
            // It ends with the consumer; if it panicked, that was reported.
            let _ = keeper.await;
        }
    }
}

/// How much waits for the acks of a consumer's subscription.
#[derive(Clone, Debug)]
pub struct Backlog(Arc<Set>);

impl Backlog {
    /// Entries, of all topics and partitions that it consumes; a batch is one. None while the broker is away.
    pub async fn entries(&self) -> Result<Option<u64>, ConsumeError> {
        self.0.backlog().await
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.set.abandon();
    }
}
