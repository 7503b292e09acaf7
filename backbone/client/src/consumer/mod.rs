//! Consumers: what they do not acknowledge comes again.

mod acks;
mod batches;
mod chunks;
mod driver;
mod entry;
mod inbox;
mod message;
mod nacks;
mod seek;
mod shared;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_wire::proto::{
    Command, CommandAck, CommandGetLastMessageId, CommandUnsubscribe, InitialPosition, IntRange,
    KeySharedMeta, KeySharedMode, SubType,
};
use hexalpes_wire::{MessageId, TopicName};
use tokio::task::JoinHandle;

use crate::client;
use crate::error::{ConsumeError, OpenError};
use crate::lookup;
use shared::Shared;

pub use message::Message;
pub use seek::SeekTo;

/// How the consumers of one subscription share its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionKind {
    /// One consumer, others are refused.
    #[default]
    Exclusive,
    /// One at a time, others wait for their turn.
    Failover,
    /// All at once, each message to one of them.
    Shared,
    /// As `Shared`, and messages of one key always to the same.
    KeyShared,
}

impl SubscriptionKind {
    const fn on_the_wire(self) -> SubType {
        match self {
            Self::Exclusive => SubType::Exclusive,
            Self::Failover => SubType::Failover,
            Self::Shared => SubType::Shared,
            Self::KeyShared => SubType::KeyShared,
        }
    }

    /// Whether messages go to several consumers, and so have no one order.
    const fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::KeyShared)
    }
}

/// Which keys a [`KeyShared`](SubscriptionKind::KeyShared) consumer gets. All consumers of a subscription want the same
/// way of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySharing {
    /// Those with a hash within these are this consumer's and nobody else's. Without any, the broker divides
    /// the keys.
    pub sticky: Vec<RangeInclusive<u16>>,
    /// A key that moves to another consumer does not wait until what was delivered of it is acked.
    pub out_of_order: bool,
}

impl KeySharing {
    fn on_the_wire(&self) -> KeySharedMeta {
        let mode = if self.sticky.is_empty() { KeySharedMode::AutoSplit } else { KeySharedMode::Sticky };
        let range = |range: &RangeInclusive<u16>| IntRange {
            start: (*range.start()).into(),
            end: (*range.end()).into(),
        };
        KeySharedMeta {
            key_shared_mode: mode.into(),
            hash_ranges: self.sticky.iter().map(range).collect(),
            allow_out_of_order_delivery: Some(self.out_of_order),
        }
    }
}

/// How a consumer receives.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    pub subscription: String,
    pub kind: SubscriptionKind,
    pub keys: KeySharing,
    /// Where a subscription starts that does not exist yet.
    pub initial_position: InitialPosition,
    /// How many messages the broker sends ahead; batches may go over it.
    pub receive_queue: u32,
    pub name: Option<String>,
    /// How long after a nack the message is asked for again.
    pub nack_delay: Duration,
    /// Whether an ack waits until the broker says that it took it.
    pub ack_receipts: bool,
    /// Whether the broker is told which messages of a batch are acked before all of them are. Brokers
    /// that do not keep this ignore it.
    pub batch_index_acks: bool,
    /// Of one message, unpacked, put together from its chunks.
    pub max_message_bytes: usize,
    /// How many chunked messages may be incomplete at a time; the oldest is dropped beyond.
    pub max_incomplete_chunked: usize,
    pub properties: Vec<(String, String)>,
}

impl ConsumerOptions {
    pub fn new(subscription: impl Into<String>) -> Self {
        Self {
            subscription: subscription.into(),
            kind: SubscriptionKind::Exclusive,
            keys: KeySharing::default(),
            initial_position: InitialPosition::Latest,
            receive_queue: 1000,
            name: None,
            nack_delay: Duration::from_secs(1),
            ack_receipts: false,
            batch_index_acks: true,
            max_message_bytes: 64 * 1024 * 1024,
            max_incomplete_chunked: 10,
            properties: Vec::new(),
        }
    }

    pub fn kind(self, kind: SubscriptionKind) -> Self {
        Self { kind, ..self }
    }

    pub fn from_earliest(self) -> Self {
        Self { initial_position: InitialPosition::Earliest, ..self }
    }
}

/// A consumer on one topic. It reconnects by itself until it is closed or dropped.
///
/// After a reconnect the broker sends again what was not acked; what waited here unread is dropped, so
/// that nothing is received twice for that reason.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
    driver: Option<JoinHandle<()>>,
}

impl Consumer {
    pub(crate) async fn open(
        client: Arc<client::Inner>,
        topic: TopicName,
        options: ConsumerOptions,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(Arc::clone(&client), topic, options));
        client.insist(|| driver::attach(&shared)).await?;
        let driver = tokio::spawn(driver::drive(Arc::clone(&shared)));
        Ok(Self { shared, driver: Some(driver) })
    }

    /// The next message, as soon as there is one. Dropping the future loses none.
    ///
    /// May be called from several places at once; each message goes to one of them.
    pub async fn next(&self) -> Result<Message, ConsumeError> {
        loop {
            let arrived = self.shared.arrived();
            if let Some(message) = self.shared.take()? {
                return Ok(message);
            }
            arrived.await;
        }
    }

    /// Acknowledges one message. In a batch, the batch is acked when all its messages are.
    pub async fn ack(&self, id: &MessageId) -> Result<(), ConsumeError> {
        self.shared.nacks.lock().forget(id);
        let ack = self.shared.acks.lock().individual(*id)?;
        self.tell_ack(ack).await
    }

    /// Acknowledges this message and all before it.
    pub async fn ack_cumulative(&self, id: &MessageId) -> Result<(), ConsumeError> {
        if self.shared.options.kind.is_shared() {
            return Err(ConsumeError::CumulativeOnShared);
        }
        self.shared.nacks.lock().forget_through(id);
        let ack = self.shared.acks.lock().cumulative(*id)?;
        self.tell_ack(ack).await
    }

    async fn tell_ack(&self, ack: Option<CommandAck>) -> Result<(), ConsumeError> {
        let Some(mut ack) = ack else { return Ok(()) };
        let Some(link) = self.shared.link()? else {
            // Told first thing after the reconnect, before anything is asked for.
            self.shared.acks.lock().keep(ack);
            return Ok(());
        };
        ack.consumer_id = link.id;
        if !self.shared.options.ack_receipts {
            // What is lost on its way with the connection is not repeated: the message comes again.
            let ack = Command::Ack(ack);
            if link.connection.tell(&ack).await.is_err()
                && let Command::Ack(ack) = ack
            {
                self.shared.acks.lock().keep(ack);
            }
            return Ok(());
        }
        let answer = link
            .connection
            .request(|request_id| Command::Ack(CommandAck { request_id: Some(request_id), ..ack }))
            .await?;
        match answer {
            Command::AckResponse(_) | Command::Success(_) => Ok(()),
            other => Err(lookup::unexpected("ACK", &other).into()),
        }
    }

    /// Asks for the message again, after [`nack_delay`](ConsumerOptions::nack_delay).
    ///
    /// It comes with all of its batch that is not acked; on an exclusive or failover subscription with
    /// everything else that is not acked, as order wants it. (While more is under way, Apache Pulsar 4.0
    /// may read twice at once and send a later piece in between. It still sends each message.)
    pub fn nack(&self, id: &MessageId) {
        self.shared.nacks.lock().add(*id, tokio::time::Instant::now());
        self.shared.changed();
    }

    /// Moves the subscription. What is received after this is from there on, once.
    pub async fn seek(&self, to: SeekTo) -> Result<(), ConsumeError> {
        seek::seek(&self.shared, to).await
    }

    /// The last message of the topic; its entry is -1 when the topic is empty.
    pub async fn last_message_id(&self) -> Result<MessageId, ConsumeError> {
        let link = self.shared.wait_for_link().await?;
        let consumer_id = link.id;
        let answer = link
            .connection
            .request(|request_id| {
                Command::GetLastMessageId(CommandGetLastMessageId { consumer_id, request_id })
            })
            .await?;
        match answer {
            Command::GetLastMessageIdResponse(response) => Ok((&response.last_message_id).into()),
            other => Err(lookup::unexpected("GET_LAST_MESSAGE_ID", &other).into()),
        }
    }

    /// Gives the subscription up, with its place in the topic.
    pub async fn unsubscribe(self) -> Result<(), ConsumeError> {
        let link = self.shared.wait_for_link().await?;
        let consumer_id = link.id;
        let answer = link
            .connection
            .request(|request_id| {
                Command::Unsubscribe(CommandUnsubscribe { consumer_id, request_id, force: Some(false) })
            })
            .await?;
        match answer {
            Command::Success(_) => {
                self.close().await;
                Ok(())
            }
            other => Err(lookup::unexpected("UNSUBSCRIBE", &other).into()),
        }
    }

    pub fn topic(&self) -> &TopicName {
        &self.shared.topic
    }

    /// Tells the broker; the subscription stays.
    pub async fn close(mut self) {
        self.shared.close().await;
        if let Some(driver) = self.driver.take() {
            // It ends with the consumer; if it panicked, that was reported.
            let _ = driver.await;
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
