//! Producers: what is given to them is stored in its order, once, or its future says why not.

mod body;
mod driver;
mod parts;
mod pending;
mod routing;
mod state;
mod waiter;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_wire::compression::Codec;
use hexalpes_wire::proto::ProducerAccessMode;
use hexalpes_wire::{MessageId, TopicName};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client;
use crate::error::{OpenError, SendError};
use crate::schema::Schema;
use parts::Parts;

pub use routing::{KeyHash, Routing};

/// How a producer sends.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// With a name, the broker remembers the last sequence id stored under it (deduplication).
    pub name: Option<String>,
    /// None sends every message by itself.
    pub batching: Option<Batching>,
    /// Of bodies, and of batches as a whole. What does not get smaller is sent as it is.
    pub compression: Codec,
    /// How many messages, over all partitions, may wait for their receipt before [`Producer::queue`] waits.
    pub max_pending: usize,
    /// How many bytes of them; a larger message waits until it is alone.
    pub max_pending_bytes: usize,
    /// Splits what is larger than the broker takes, instead of refusing it.
    pub chunking: bool,
    /// Who may produce to the topic beside it.
    pub access: Access,
    /// What payloads are. The broker refuses one that does not go with those the topic has; its version is on every
    /// message that names no other.
    pub schema: Option<Schema>,
    /// For whoever looks at the topic.
    pub properties: Vec<(String, String)>,
    /// On a topic with partitions: which of them a message goes to that does not name one.
    pub routing: Routing,
    pub key_hash: KeyHash,
    /// Whether partitions that the topic gets later are used without opening the producer again, within
    /// [`discovery_interval`](crate::ClientOptions::discovery_interval). A key may be at home in another one then.
    pub follow_growth: bool,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        Self {
            name: None,
            batching: None,
            compression: Codec::None,
            max_pending: 1000,
            max_pending_bytes: 64 * 1024 * 1024,
            chunking: false,
            access: Access::default(),
            schema: None,
            properties: Vec::new(),
            routing: Routing::default(),
            key_hash: KeyHash::default(),
            follow_growth: true,
        }
    }
}

impl ProducerOptions {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// Who may produce to a topic (or a partition of it) beside a producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Shared,
    /// Nobody: it does not open while others are there.
    Exclusive,
    /// Nobody: opening waits for as long as others are there.
    WaitForExclusive,
    /// Nobody: others are sent away, and whatever they send after that is refused.
    ExclusiveWithFencing,
}

impl Access {
    const fn on_the_wire(self) -> ProducerAccessMode {
        match self {
            Self::Shared => ProducerAccessMode::Shared,
            Self::Exclusive => ProducerAccessMode::Exclusive,
            Self::WaitForExclusive => ProducerAccessMode::WaitForExclusive,
            Self::ExclusiveWithFencing => ProducerAccessMode::ExclusiveWithFencing,
        }
    }
}

/// When a batch is closed: at whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    pub max_messages: usize,
    /// Before compression.
    pub max_bytes: usize,
    pub max_delay: Duration,
    /// Closes a batch before a message with another key, so that each goes to whom its key belongs to on a
    /// subscription that is shared by keys. Without it, a batch goes where its first message does.
    pub by_key: bool,
}

impl Default for Batching {
    fn default() -> Self {
        Self { max_messages: 1000, max_bytes: 128 * 1024, max_delay: Duration::from_millis(1), by_key: false }
    }
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    pub payload: Bytes,
    pub key: Option<ByteString>,
    /// What orders messages instead of the key.
    pub ordering_key: Option<Bytes>,
    pub properties: Vec<(ByteString, ByteString)>,
    /// Milliseconds since 1970.
    pub event_time: Option<u64>,
    /// Without one, the one after the message before.
    pub sequence_id: Option<u64>,
    /// The schema that the payload was written with.
    pub schema_version: Option<Bytes>,
    /// Not delivered before then, milliseconds since 1970; by shared subscriptions alone. Never batched.
    pub deliver_at: Option<u64>,
    /// On a topic with partitions: the one that it goes to, whatever the producer's routing says.
    pub partition: Option<u32>,
    /// Never batched: whether the broker has it already is then judged of this message, and not of the
    /// first one in its batch.
    pub alone: bool,
}

impl Outgoing {
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), ..Self::default() }
    }

    pub fn key(self, key: impl Into<ByteString>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    pub fn property(mut self, name: impl Into<ByteString>, value: impl Into<ByteString>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Several at once, such as those of a message that goes on.
    pub fn properties<N: Into<ByteString>, V: Into<ByteString>>(
        mut self,
        properties: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.properties.extend(properties.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    pub fn sequence_id(self, sequence_id: u64) -> Self {
        Self { sequence_id: Some(sequence_id), ..self }
    }
}

/// A payload is a message without anything else.
impl From<String> for Outgoing {
    fn from(payload: String) -> Self {
        Self::new(payload)
    }
}

/// A payload is a message without anything else.
impl From<&'static str> for Outgoing {
    fn from(payload: &'static str) -> Self {
        Self::new(payload)
    }
}

/// An open producer on one topic. It reconnects by itself until it is closed or dropped.
///
/// After a reconnect everything without a receipt is sent again, in order, under the same sequence ids;
/// with deduplication on, the broker then stores it once.
///
/// On a topic with partitions it has one in each: order, sequence ids and deduplication are those of a partition.
#[derive(Debug)]
pub struct Producer {
    parts: Arc<Parts>,
    /// Looks for new partitions.
    keeper: Option<JoinHandle<()>>,
}

impl Producer {
    pub(crate) async fn open(
        client: Arc<client::Inner>,
        topic: TopicName,
        partitions: u32,
        options: ProducerOptions,
    ) -> Result<Self, OpenError> {
        let follows = options.follow_growth && partitions > 0;
        let parts = Arc::new(Parts::open(client, topic, partitions, options).await?);
        let keeper = follows.then(|| tokio::spawn(Arc::clone(&parts).follow_growth()));
        Ok(Self { parts, keeper })
    }

    /// Sends a message and waits for its receipt.
    ///
    /// The message is queued when this is called, not when it is first polled, so that calls made one
    /// after the other keep their order. When there is no room (`max_pending`), it waits for some when
    /// polled; who holds many of these futures and needs their order uses [`queue`](Self::queue).
    ///
    /// Dropping the future does not take the message back. A message that the broker had stored before
    /// resolves to [`MessageId::EARLIEST`]: it says no place.
    pub fn send(
        &self,
        message: Outgoing,
    ) -> impl Future<Output = Result<MessageId, SendError>> + Send + use<> {
        let parts = Arc::clone(&self.parts);
        let queued = match parts.try_reserve(&message) {
            Some(permit) => Ok(parts.accept(message, permit)),
            None => Err(message),
        };
        async move {
            let receipt = match queued {
                Ok(receipt) => receipt?,
                Err(message) => parts.queue(message).await?,
            };
            receipt.await
        }
    }

    /// Queues a message, waiting for room, and gives a future for its receipt.
    pub async fn queue(&self, message: Outgoing) -> Result<Receipt, SendError> {
        self.parts.queue(message).await
    }

    /// Queues messages in their order, waiting for room for all, and gives one future for all of their receipts: the place
    /// of the one that was stored last, or why one was not stored. An error: some may be queued, and have no receipt.
    ///
    /// Of many small messages, receipts of their own are a good part of the work.
    pub async fn queue_all(&self, messages: Vec<Outgoing>) -> Result<Receipt, SendError> {
        self.parts.queue_all(messages).await
    }

    /// The same of messages that go to another topic as well: they are encoded and compressed once for both where these have
    /// no partitions and pack alike. It gives a receipt for each, in the order of the producers, and waits for room on one
    /// after the other: dropped meanwhile, or on an error, the first may have the messages and the other not.
    pub async fn queue_all_with(
        &self,
        other: &Self,
        messages: Vec<Outgoing>,
    ) -> Result<[Receipt; 2], SendError> {
        self.parts.queue_all_with(&other.parts, messages).await
    }

    /// Whether [`queue`](Self::queue) would refuse the message for what it is: its size, its names, its partition.
    pub fn check(&self, message: &Outgoing) -> Result<(), SendError> {
        self.parts.check(message)
    }

    /// Sends the open batch now, without waiting for more messages or for its receipt.
    pub fn close_batch(&self) {
        self.parts.close_batch();
    }

    /// Closes the open batch and waits until everything queued so far has its receipt, or failed.
    pub async fn flush(&self) {
        self.parts.flush().await;
    }

    /// The highest sequence id known to be stored under this producer's name, in any partition; -1 for none.
    pub fn last_sequence_id(&self) -> i64 {
        self.last_sequence_ids().into_iter().max().unwrap_or(-1)
    }

    /// The same of each partition, or of the topic if it has none.
    pub fn last_sequence_ids(&self) -> Vec<i64> {
        self.parts.each(driver::Shared::last_sequence_id)
    }

    /// The name it was given, or that the broker made up.
    pub fn name(&self) -> String {
        self.parts.each(driver::Shared::name).swap_remove(0)
    }

    /// How often the topic (or its first partition) was given to one producer alone, by whoever has it alone: the
    /// higher number came later.
    pub fn topic_epoch(&self) -> Option<u64> {
        self.parts.each(driver::Shared::topic_epoch).swap_remove(0)
    }

    /// The version of its schema on the topic.
    pub fn schema_version(&self) -> Option<Bytes> {
        self.parts.each(driver::Shared::schema_version).swap_remove(0)
    }

    /// The topic as a whole, or the partition that was named.
    pub fn topic(&self) -> &TopicName {
        &self.parts.topic
    }

    /// How many partitions it sends to now; none if the topic has none, or one of them was named.
    pub fn partitions(&self) -> Option<u32> {
        self.parts.partitions()
    }

    /// Resolves when the topic has more partitions than this producer sends to now, with how many; never for one that
    /// has none. For who [does not follow](ProducerOptions::follow_growth) at once; it is looked for every
    /// [`discovery_interval`](crate::ClientOptions::discovery_interval).
    pub fn growth(&self) -> impl Future<Output = u32> + Send + use<> {
        self.parts.growth()
    }

    /// Flushes, and tells the broker.
    pub async fn close(mut self) {
        self.flush().await;
        self.parts.close().await;
        if let Some(keeper) = self.keeper.take() {
            // It ends with the producer; if it panicked, that was reported.
            let _ = keeper.await;
        }
    }
}

/// What has no receipt yet fails with [`SendError::Closed`]: flush first.
impl Drop for Producer {
    fn drop(&mut self) {
        self.parts.abandon();
    }
}

/// Resolves when the message is stored. It may be dropped; the message is sent all the same.
#[derive(Debug)]
pub struct Receipt {
    receiver: oneshot::Receiver<Result<MessageId, SendError>>,
}

impl Future for Receipt {
    type Output = Result<MessageId, SendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map(|result| result.unwrap_or(Err(SendError::Closed)))
    }
}
