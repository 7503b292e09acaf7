//! What a consumer is: what arrived, what is acked, and who waits for what.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_wire::frame::Frame;
use hexalpes_wire::proto::{
    AckType, Command, CommandAck, CommandRedeliverUnacknowledgedMessages, InitialPosition,
};
use hexalpes_wire::{MessageId, TopicName};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ConsumerOptions;
use super::acks::Acks;
use super::chunks::Chunks;
use super::entry::{Delivery, Opened, Opener};
use super::inbox::{End, Inbox};
use super::mark::Mark;
use super::message::Message;
use super::nacks::Nacks;
use crate::connection::Route;
use crate::error::{ConsumeError, EntryError, RequestError};
use crate::link::Link;
use crate::{client, clock};

/// After that long, parts of a message whose other parts are missing are given up.
const INCOMPLETE_AGE_MAX: Duration = Duration::from_mins(1);

/// Where a consumer begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Where its subscription is; here, if there is none.
    Subscription(InitialPosition),
    /// Nowhere else: its subscription goes with it.
    Reading(Mark),
}

/// What the consumer of one topic or partition, its driver and its connection share.
///
/// Locks are taken in the order of the fields, and never across an await.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Arc<client::Inner>,
    pub(super) topic: TopicName,
    pub(super) topic_text: Arc<str>,
    pub(super) options: Arc<ConsumerOptions>,
    pub(super) start: Start,
    /// The rest of the entry that was opened last.
    ready: Mutex<Ready>,
    pub(super) inbox: Mutex<Inbox>,
    pub(super) acks: Mutex<Acks>,
    pub(super) nacks: Mutex<Nacks>,
    /// Where a reader goes on.
    pub(super) mark: Mutex<Mark>,
    /// Wakes who waits for a message, of this part or another.
    arrived: Arc<Notify>,
    /// Wakes who waits for a link.
    pub(super) linked: Notify,
    /// Wakes the driver: the link is gone, or something was nacked.
    pub(super) changed: Notify,
    pub(super) closing: CancellationToken,
}

#[derive(Debug)]
struct Ready {
    messages: VecDeque<Message>,
    generation: u64,
    chunks: Chunks,
    /// The entry that was opened last, whatever became of it.
    last: Option<MessageId>,
}

impl Shared {
    pub(super) fn new(
        client: Arc<client::Inner>,
        topic: TopicName,
        options: Arc<ConsumerOptions>,
        start: Start,
        receive_queue: u32,
        arrived: Arc<Notify>,
    ) -> Self {
        let chunks = Chunks::new(options.max_incomplete_chunked, options.max_message_bytes);
        Self {
            client,
            topic_text: topic.to_string().into(),
            ready: Mutex::new(Ready { messages: VecDeque::new(), generation: 0, chunks, last: None }),
            inbox: Mutex::new(Inbox::new(receive_queue, topic.partition())),
            acks: Mutex::new(Acks::new(options.batch_index_acks)),
            nacks: Mutex::new(Nacks::new(options.nack_delay)),
            topic,
            options,
            mark: Mutex::new(match start {
                Start::Subscription(_) => Mark::Latest,
                Start::Reading(mark) => mark,
            }),
            start,
            arrived,
            linked: Notify::new(),
            changed: Notify::new(),
            closing: CancellationToken::new(),
        }
    }

    pub(super) fn operation_timeout(&self) -> Duration {
        self.client.options.operation_timeout
    }

    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// The next message, if there is one.
    pub(super) fn take(&self) -> Result<Option<Message>, ConsumeError> {
        let mut ready = self.ready.lock();
        loop {
            let (delivery, not_before) = {
                let mut inbox = self.inbox.lock();
                if ready.generation != inbox.generation {
                    ready.generation = inbox.generation;
                    ready.messages.clear();
                    ready.chunks.clear();
                    ready.last = None;
                }
                if let Some(message) = ready.messages.pop_front() {
                    inbox.consumed(1);
                    if !self.is_wanted(&message) {
                        continue;
                    }
                    if !ready.messages.is_empty() || !inbox.is_empty() {
                        // Whoever else waits need not wait for the next arrival.
                        self.arrived.notify_one();
                    }
                    return Ok(Some(message));
                }
                match (inbox.pop(), &inbox.end) {
                    (_, Some(end)) => return Err(end.into()),
                    (Some(delivery), None) => (delivery, inbox.not_before),
                    (None, None) if inbox.end_of_topic => return Err(ConsumeError::EndOfTopic),
                    (None, None) => return Ok(None),
                }
            };
            ready.last = Some(delivery.id);
            self.open(&mut ready, &delivery, not_before)?;
        }
    }

    /// A reader remembers what it gave last; what it asked for by time, brokers begin somewhat early.
    fn is_wanted(&self, message: &Message) -> bool {
        let Start::Reading(_) = self.start else { return true };
        let mut mark = self.mark.lock();
        if let Mark::Since(time) = *mark
            && message.publish_time < time
        {
            return false;
        }
        *mark = Mark::After(message.id);
        true
    }

    /// Whether this entry was opened, or one behind it, and all messages of it were taken.
    pub(super) fn has_given(&self, entry: MessageId) -> bool {
        let ready = self.ready.lock();
        let inbox = self.inbox.lock();
        let place = |id: MessageId| (id.ledger, id.entry);
        let is_current = ready.generation == inbox.generation && ready.messages.is_empty();
        is_current && ready.last.is_some_and(|last| place(last) >= place(entry))
    }

    /// Whether something is here that was not taken.
    pub(super) fn holds_some(&self) -> bool {
        let ready = self.ready.lock();
        let inbox = self.inbox.lock();
        let is_current = ready.generation == inbox.generation;
        (is_current && !ready.messages.is_empty()) || !inbox.is_empty()
    }

    /// Opens an entry into what is ready, and counts what of it will never be taken.
    fn open(
        &self,
        ready: &mut Ready,
        delivery: &Delivery,
        not_before: Option<MessageId>,
    ) -> Result<(), ConsumeError> {
        let opened = Opener {
            topic: &self.topic_text,
            max_message_bytes: self.options.max_message_bytes,
            not_before,
            acks: &mut self.acks.lock(),
            chunks: &mut ready.chunks,
        }
        .open(delivery);
        let taken = match opened {
            Ok(Opened::Messages(messages)) => {
                let count = messages.len();
                ready.messages.extend(messages);
                u32::try_from(count).unwrap_or(u32::MAX)
            }
            Ok(Opened::Part) => 0,
            Ok(Opened::Misplaced { ids, publish_time }) => {
                self.misplaced(ids, publish_time);
                0
            }
            Err(error) => {
                self.inbox.lock().consumed(delivery.messages);
                return self.unreadable(delivery.id, &error);
            }
        };
        let untaken = delivery.messages.saturating_sub(taken);
        if untaken > 0 {
            self.inbox.lock().consumed(untaken);
        }
        Ok(())
    }

    /// Parts of a message whose other parts are not there. They may come yet, to this consumer or with the
    /// next subscribe; after a while the message is given up, as other clients do.
    fn misplaced(&self, ids: Vec<MessageId>, publish_time: u64) {
        let age = Duration::from_millis(clock::millis_since_1970().saturating_sub(publish_time));
        if age > INCOMPLETE_AGE_MAX {
            tracing::error!(topic = %self.topic, messages = ?ids, "gave up a message of which parts are missing");
            let ack = CommandAck {
                ack_type: AckType::Individual.into(),
                message_id: ids.into_iter().map(Into::into).collect(),
                ..CommandAck::default()
            };
            return self.tell_ack_at_once(ack);
        }
        tracing::warn!(topic = %self.topic, messages = ?ids, "parts of a message are missing");
        // On the others, asking again would bring back everything, and block what can be read.
        if self.options.kind.is_shared() {
            let mut nacks = self.nacks.lock();
            for id in ids {
                nacks.add(id, Instant::now());
            }
            drop(nacks);
            self.changed();
        }
    }

    /// What cannot be read today cannot be read tomorrow: it is acked as invalid, and logged.
    fn unreadable(&self, id: MessageId, error: &EntryError) -> Result<(), ConsumeError> {
        let Some(validation_error) = error.validation_error() else {
            return Err(ConsumeError::Encrypted { id });
        };
        tracing::error!(topic = %self.topic, message.id = %id, reason = %error, "discarded a damaged message");
        self.tell_ack_at_once(CommandAck {
            ack_type: AckType::Individual.into(),
            message_id: vec![id.into()],
            validation_error: Some(validation_error.into()),
            ..CommandAck::default()
        });
        Ok(())
    }

    /// If it gets lost, the message comes again and is acked again.
    fn tell_ack_at_once(&self, ack: CommandAck) {
        if let Some(link) = &self.inbox.lock().link {
            let ack = CommandAck { consumer_id: link.id, ..ack };
            let _ = link.connection.tell_at_once(&Command::Ack(ack));
        }
    }

    /// The link as it is now.
    pub(super) fn link(&self) -> Result<Option<Link>, ConsumeError> {
        let inbox = self.inbox.lock();
        match &inbox.end {
            Some(end) => Err(end.into()),
            None => Ok(inbox.link.clone()),
        }
    }

    /// The link, as soon as there is one.
    pub(super) async fn wait_for_link(&self) -> Result<Link, ConsumeError> {
        let timeout = self.operation_timeout();
        let wait = async {
            loop {
                let linked = self.linked.notified();
                if let Some(link) = self.link()? {
                    return Ok(link);
                }
                linked.await;
            }
        };
        tokio::time::timeout(timeout, wait).await.unwrap_or(Err(RequestError::TimedOut { timeout }.into()))
    }

    /// Takes the link away; none if it was gone.
    pub(super) fn unlink(&self, id: u64) -> Option<Link> {
        let mut inbox = self.inbox.lock();
        let link = inbox.link.take_if(|link| link.id == id);
        match link {
            // The broker sends again what waits here unread: it must not be received twice.
            Some(_) => _ = inbox.void(),
            None => inbox.lost_early = Some(id),
        }
        drop(inbox);
        if let Some(link) = &link {
            link.connection.unroute(id);
        }
        link
    }

    pub(super) fn set_seeking(&self, seeking: bool) {
        self.inbox.lock().seeking = seeking;
        self.changed();
    }

    /// The subscription is elsewhere: nothing from before counts.
    pub(super) fn moved(&self, not_before: Option<MessageId>) {
        let mut inbox = self.inbox.lock();
        inbox.void();
        inbox.achieved += 1;
        inbox.not_before = not_before;
        drop(inbox);
        self.acks.lock().clear();
        self.nacks.lock().clear();
    }

    /// Asks for what was nacked long enough ago.
    pub(super) fn ask_again(&self) {
        let due = self.nacks.lock().take_due(Instant::now());
        if due.is_empty() {
            return;
        }
        if !self.options.kind.is_shared() {
            return self.ask_again_for_all();
        }
        let entries: Vec<MessageId> = {
            let acks = self.acks.lock();
            due.into_iter().flat_map(|id| acks.entries_of(id)).collect()
        };
        let mut ready = self.ready.lock();
        let mut inbox = self.inbox.lock();
        // What waits here of these entries comes again with them.
        let before = ready.messages.len();
        ready.messages.retain(|message| !entries.contains(&message.id.whole_entry()));
        inbox.consumed(u32::try_from(before - ready.messages.len()).unwrap_or(u32::MAX));
        inbox.drop_entries(&entries);
        redeliver(&inbox, None, &entries);
    }

    /// One consumer has one order: everything that is not acked comes again.
    fn ask_again_for_all(&self) {
        self.nacks.lock().clear();
        let mut ready = self.ready.lock();
        let mut inbox = self.inbox.lock();
        let dropped = inbox.void() + u32::try_from(ready.messages.len()).unwrap_or(u32::MAX);
        ready.messages.clear();
        ready.chunks.clear();
        ready.generation = inbox.generation;
        inbox.epoch += 1;
        redeliver(&inbox, Some(inbox.epoch), &[]);
        inbox.consumed(dropped);
    }

    pub(super) async fn close(&self) {
        self.end(End::Closed);
        let link = self.inbox.lock().link.take();
        if let Some(link) = link
            && let Err(error) = link.leave().await
        {
            tracing::debug!(topic = %self.topic, reason = %error, "closed a consumer without an answer");
        }
    }

    /// Says farewell without waiting.
    pub(super) fn abandon(&self) {
        self.end(End::Closed);
        if let Some(link) = self.inbox.lock().link.take() {
            link.detach();
        }
    }

    pub(super) fn end(&self, end: End) {
        self.closing.cancel();
        self.inbox.lock().end.get_or_insert(end);
        self.arrived.notify_waiters();
        self.linked.notify_waiters();
    }
}

impl Route for Shared {
    fn on_frame(&self, id: u64, frame: Frame) {
        match frame.command {
            Command::Message(message) => {
                if self.inbox.lock().arrived(message, frame.payload) {
                    self.arrived.notify_one();
                }
            }
            Command::CloseConsumer(_) => self.on_lost(id),
            Command::ReachedEndOfTopic(_) => {
                self.inbox.lock().end_of_topic = true;
                self.arrived.notify_waiters();
            }
            Command::ActiveConsumerChange(change) => {
                tracing::debug!(topic = %self.topic, active = change.is_active(), "active consumer changed");
            }
            other => tracing::debug!(kind = ?other.kind(), "ignored a command to a consumer"),
        }
    }

    fn on_lost(&self, id: u64) {
        if self.unlink(id).is_some() {
            self.changed();
        }
    }
}

fn redeliver(inbox: &Inbox, consumer_epoch: Option<u64>, entries: &[MessageId]) {
    let Some(link) = &inbox.link else { return };
    let command = CommandRedeliverUnacknowledgedMessages {
        consumer_id: link.id,
        message_ids: entries.iter().map(|id| (*id).into()).collect(),
        consumer_epoch,
    };
    // On a connection that is lost, everything comes again anyway.
    let _ = link.connection.tell_at_once(&Command::RedeliverUnacknowledgedMessages(command));
}
