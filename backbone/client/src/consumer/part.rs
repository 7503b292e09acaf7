//! The consumer on one topic that has no partitions, or on one partition.

use std::sync::Arc;

use hexalpes_wire::proto::{
    Command, CommandAck, CommandConsumerStats, CommandGetLastMessageId, CommandGetLastMessageIdResponse,
    CommandUnsubscribe, MessageIdData,
};
use hexalpes_wire::{MessageId, TopicName};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::driver;
use super::mark::Mark;
use super::message::Message;
use super::seek::{self, SeekTo};
use super::shared::{Shared, Start};
use crate::client;
use crate::error::{ConsumeError, OpenError};
use crate::lookup;

#[derive(Debug)]
pub(super) struct Part {
    shared: Arc<Shared>,
    /// Taken by whoever waits for its end.
    driver: Mutex<Option<JoinHandle<()>>>,
}

impl Part {
    pub(super) async fn open(client: Arc<client::Inner>, shared: Shared) -> Result<Self, OpenError> {
        let shared = Arc::new(shared);
        client.insist(|| driver::attach(&shared)).await?;
        let driver = tokio::spawn(driver::drive(Arc::clone(&shared)));
        let part = Self { shared, driver: Mutex::new(Some(driver)) };
        part.pin_latest().await?;
        Ok(part)
    }

    pub(super) fn topic(&self) -> &TopicName {
        &self.shared.topic
    }

    /// As messages of it have it.
    pub(super) fn topic_text(&self) -> &Arc<str> {
        &self.shared.topic_text
    }

    pub(super) fn take(&self) -> Result<Option<Message>, ConsumeError> {
        self.shared.take()
    }

    pub(super) fn has_given(&self, entry: MessageId) -> bool {
        self.shared.has_given(entry)
    }

    pub(super) fn resize(&self, receive_queue: u32) {
        self.shared.inbox.lock().resize(receive_queue);
    }

    pub(super) async fn ack(&self, id: MessageId) -> Result<(), ConsumeError> {
        self.shared.nacks.lock().forget(&id);
        let ack = self.shared.acks.lock().individual(id)?;
        self.tell_ack(ack).await
    }

    pub(super) async fn ack_cumulative(&self, id: MessageId) -> Result<(), ConsumeError> {
        if self.shared.options.kind.is_shared() {
            return Err(ConsumeError::CumulativeOnShared);
        }
        self.shared.nacks.lock().forget_through(&id);
        let ack = self.shared.acks.lock().cumulative(id)?;
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

    pub(super) fn nack(&self, id: MessageId) {
        self.shared.nacks.lock().add(id, tokio::time::Instant::now());
        self.shared.changed();
    }

    pub(super) async fn seek(&self, to: SeekTo) -> Result<(), ConsumeError> {
        seek::seek(&self.shared, to).await
    }

    /// Moves a reader: its subscription is another one after that.
    pub(super) async fn go_to(&self, to: Mark) -> Result<(), ConsumeError> {
        seek::go_to(&self.shared, to).await?;
        self.pin_latest().await
    }

    /// A reader at the latest knows which that was, so that a lost connection skips nothing.
    async fn pin_latest(&self) -> Result<(), ConsumeError> {
        let Start::Reading(_) = self.shared.start else { return Ok(()) };
        if *self.shared.mark.lock() != Mark::Latest {
            return Ok(());
        }
        let ends = self.ends().await?;
        if let Some(acked) = ends.consumer_mark_delete_position {
            let acked = MessageId { partition: self.topic().partition(), ..(&acked).into() };
            let mut mark = self.shared.mark.lock();
            if *mark == Mark::Latest {
                *mark = Mark::After(acked.whole_entry());
            }
        }
        Ok(())
    }

    /// Whether there is a message that a reader did not give.
    pub(super) async fn has_more(&self) -> Result<bool, ConsumeError> {
        if self.shared.holds_some() {
            return Ok(true);
        }
        let ends = self.ends().await?;
        let here = |id: &MessageIdData| MessageId { partition: self.topic().partition(), ..id.into() };
        let acked = ends.consumer_mark_delete_position.as_ref().map(here);
        Ok(self.shared.mark.lock().is_before(here(&ends.last_message_id), acked))
    }

    /// Its entry is -1 when there is none.
    pub(super) async fn last_message_id(&self) -> Result<MessageId, ConsumeError> {
        let response = self.ends().await?;
        let id = MessageId::from(&response.last_message_id);
        Ok(MessageId { partition: self.shared.topic.partition(), ..id })
    }

    async fn ends(&self) -> Result<CommandGetLastMessageIdResponse, ConsumeError> {
        let link = self.shared.wait_for_link().await?;
        let consumer_id = link.id;
        let answer = link
            .connection
            .request(|request_id| {
                Command::GetLastMessageId(CommandGetLastMessageId { consumer_id, request_id })
            })
            .await?;
        match answer {
            Command::GetLastMessageIdResponse(response) => Ok(response),
            other => Err(lookup::unexpected("GET_LAST_MESSAGE_ID", &other).into()),
        }
    }

    /// How many entries of it wait for an ack; none while there is no connection to ask on.
    pub(super) async fn backlog(&self) -> Result<Option<u64>, ConsumeError> {
        let Some(link) = self.shared.link()? else { return Ok(None) };
        let consumer_id = link.id;
        let answer = link
            .connection
            .request(|request_id| Command::ConsumerStats(CommandConsumerStats { request_id, consumer_id }))
            .await?;
        match answer {
            // A consumer that the broker sent away just now is not there: it comes back.
            Command::ConsumerStatsResponse(stats) => Ok(stats.msg_backlog),
            other => Err(lookup::unexpected("CONSUMER_STATS", &other).into()),
        }
    }

    pub(super) async fn unsubscribe(&self) -> Result<(), ConsumeError> {
        let link = self.shared.wait_for_link().await?;
        let consumer_id = link.id;
        let answer = link
            .connection
            .request(|request_id| {
                Command::Unsubscribe(CommandUnsubscribe { consumer_id, request_id, force: Some(false) })
            })
            .await?;
        match answer {
            Command::Success(_) => Ok(()),
            other => Err(lookup::unexpected("UNSUBSCRIBE", &other).into()),
        }
    }

    /// Tells the broker; the subscription stays.
    pub(super) async fn close(&self) {
        self.shared.close().await;
        let driver = self.driver.lock().take();
        if let Some(driver) = driver {
            // It ends with the consumer; if it panicked, that was reported.
            let _ = driver.await;
        }
    }

    /// Without waiting.
    pub(super) fn abandon(&self) {
        self.shared.abandon();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.abandon();
    }
}
