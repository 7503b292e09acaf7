//! What has arrived and was not taken, and how much more the broker may send.

use std::collections::VecDeque;

use hexalpes_wire::MessageId;
use hexalpes_wire::frame::Payload;
use hexalpes_wire::proto::{Command, CommandFlow, CommandMessage};

use super::entry::Delivery;
use crate::error::ConsumeError;
use crate::link::Link;

/// Why there will be no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Ended { reason: String },
}

impl From<&End> for ConsumeError {
    fn from(end: &End) -> Self {
        match end {
            End::Closed => Self::Closed,
            End::Ended { reason } => Self::Ended { reason: reason.clone() },
        }
    }
}

#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) link: Option<Link>,
    /// An id that was closed before it was linked.
    pub(super) lost_early: Option<u64>,
    pub(super) seeking: bool,
    /// Counts what makes everything received so far void: a reconnect, a seek, a redelivery of all.
    pub(super) generation: u64,
    /// Counts the redeliveries of all, for the broker to stamp on what it sends.
    pub(super) epoch: u64,
    pub(super) not_before: Option<MessageId>,
    pub(super) end_of_topic: bool,
    pub(super) end: Option<End>,
    /// Counts what connections were good for: messages that came, seeks that were made.
    pub(super) achieved: u64,
    deliveries: VecDeque<Delivery>,
    receive_queue: u32,
    /// Permits that were used up and not given anew.
    used: u32,
    /// Permits that are not given anew once they are used up: the queue was larger.
    withheld: u32,
    partition: Option<u32>,
}

impl Inbox {
    pub(super) fn new(receive_queue: u32, partition: Option<u32>) -> Self {
        Self {
            link: None,
            lost_early: None,
            seeking: false,
            generation: 0,
            epoch: 0,
            not_before: None,
            end_of_topic: false,
            end: None,
            achieved: 0,
            deliveries: VecDeque::new(),
            receive_queue: receive_queue.max(1),
            used: 0,
            withheld: 0,
            partition,
        }
    }

    /// True if there is something new to take.
    pub(super) fn arrived(&mut self, command: CommandMessage, payload: Payload) -> bool {
        let current = self.link.as_ref().is_some_and(|link| link.id == command.consumer_id);
        if !current || self.seeking {
            return false;
        }
        self.achieved += 1;
        // What cannot be read counts as one, and is dealt with when it is opened.
        let batch = payload.peek().ok().and_then(|peek| peek.num_messages_in_batch);
        let messages = batch.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1);
        if command.consumer_epoch.is_some_and(|epoch| epoch < self.epoch) {
            self.consumed(messages);
            return false;
        }
        self.deliveries.push_back(Delivery {
            id: MessageId { partition: self.partition, ..(&command.message_id).into() },
            redelivery_count: command.redelivery_count(),
            ack_set: command.ack_set,
            payload,
            messages,
        });
        true
    }

    pub(super) fn pop(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }

    /// Drops what waits, and says how many messages that were.
    pub(super) fn void(&mut self) -> u32 {
        self.generation += 1;
        self.deliveries.drain(..).map(|delivery| delivery.messages).sum()
    }

    /// Drops of what waits these entries.
    pub(super) fn drop_entries(&mut self, entries: &[MessageId]) {
        let mut dropped = 0;
        self.deliveries.retain(|delivery| {
            let goes = entries.contains(&delivery.id);
            dropped += if goes { delivery.messages } else { 0 };
            !goes
        });
        self.consumed(dropped);
    }

    /// A new link begins with nothing received and all permits.
    pub(super) fn attached(&mut self, link: Link) {
        self.void();
        self.used = 0;
        self.withheld = 0;
        self.end_of_topic = false;
        self.link = Some(link);
    }

    /// Gives the broker all permits.
    pub(super) fn give_all(&self) {
        self.flow(self.receive_queue);
    }

    /// Messages left the queue; when half of it did, the broker may send as many more.
    pub(super) fn consumed(&mut self, messages: u32) {
        let withheld = messages.min(self.withheld);
        self.withheld -= withheld;
        self.used = self.used.saturating_add(messages - withheld);
        if self.used >= self.receive_queue.div_ceil(2) {
            let used = std::mem::take(&mut self.used);
            self.flow(used);
        }
    }

    /// Another size for the queue. What the broker may send already cannot be taken back.
    pub(super) fn resize(&mut self, receive_queue: u32) {
        let (before, now) = (std::mem::replace(&mut self.receive_queue, receive_queue), receive_queue);
        if now > before {
            let not_withheld = self.withheld.min(now - before);
            self.withheld -= not_withheld;
            self.flow(now - before - not_withheld);
        } else {
            self.withheld += before - now;
        }
    }

    fn flow(&self, message_permits: u32) {
        let Some(link) = &self.link else { return };
        // A connection that is lost takes its permits with it.
        let _ = link
            .connection
            .tell_at_once(&Command::Flow(CommandFlow { consumer_id: link.id, message_permits }));
    }
}
