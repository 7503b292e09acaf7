//! What was sent and has no receipt yet, in the order in which it was sent.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use hexalpes_wire::MessageId;
use hexalpes_wire::proto::CommandSend;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::waiter::Waiter;
use super::{Outgoing, ProducerOptions};
use crate::error::SendError;

/// The bounds of what one producer may have without a receipt, over all partitions.
#[derive(Debug)]
pub(super) struct Room {
    messages: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    messages_max: u32,
    bytes_max: u32,
}

impl Room {
    pub(super) fn new(options: &ProducerOptions) -> Self {
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let bounded = |max: usize| u32::try_from(max).unwrap_or(most).clamp(1, most);
        let (messages_max, bytes_max) = (bounded(options.max_pending), bounded(options.max_pending_bytes));
        let permits = |max: u32| Arc::new(Semaphore::new(max as usize));
        Self { messages: permits(messages_max), bytes: permits(bytes_max), messages_max, bytes_max }
    }

    fn weight(&self, message: &Outgoing) -> u32 {
        u32::try_from(message.payload.len()).unwrap_or(u32::MAX).min(self.bytes_max)
    }

    /// For a message, if there is some and nobody waits for it already.
    pub(super) fn try_reserve(&self, message: &Outgoing) -> Option<Permit> {
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(self.weight(message)).ok()?;
        let messages = Arc::clone(&self.messages).try_acquire_owned().ok()?;
        Some(Permit { messages, bytes })
    }

    /// For so many messages that are given together, whose payloads have so many bytes; more than there can ever be room for
    /// wait until they are alone. None once it is closed.
    pub(super) async fn reserve(&self, messages: usize, bytes: usize) -> Option<Permit> {
        let bounded = |wanted: usize, max: u32| u32::try_from(wanted).unwrap_or(u32::MAX).min(max);
        let (count, bytes) = (bounded(messages, self.messages_max), bounded(bytes, self.bytes_max));
        let messages = Arc::clone(&self.messages).acquire_many_owned(count).await.ok()?;
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.ok()?;
        Some(Permit { messages, bytes })
    }

    pub(super) fn close(&self) {
        self.messages.close();
        self.bytes.close();
    }
}

/// A share of the bounds.
#[derive(Debug)]
#[expect(dead_code, reason = "permits count by being held")]
pub(super) struct Permit {
    pub(super) messages: OwnedSemaphorePermit,
    pub(super) bytes: OwnedSemaphorePermit,
}

/// One SEND: a message, a batch, or a chunk.
#[derive(Debug)]
pub(super) struct Pending {
    /// Without the producer's id, which is another on each connection.
    pub(super) send: CommandSend,
    pub(super) payload: Bytes,
    pub(super) waiting: Waiting,
}

#[derive(Debug)]
pub(super) enum Waiting {
    Message(Waiter),
    /// In the batch's order.
    Batch(Vec<Waiter>),
    /// Any chunk but the last: the message is stored when the last one is.
    Chunk,
}

impl Pending {
    /// The highest sequence id in it.
    pub(super) fn highest(&self) -> u64 {
        self.send.highest_sequence_id.unwrap_or(self.send.sequence_id)
    }

    pub(super) fn messages(&self) -> u64 {
        match &self.waiting {
            Waiting::Message(_) => 1,
            Waiting::Batch(waiters) => waiters.len() as u64,
            Waiting::Chunk => 0,
        }
    }

    pub(super) fn stored_at(self, id: MessageId) {
        match self.waiting {
            Waiting::Message(waiter) => waiter.resolve(Ok(id)),
            Waiting::Batch(waiters) => {
                for (waiter, index) in waiters.into_iter().zip(0..) {
                    let placed = if id == MessageId::EARLIEST { id } else { id.in_batch(index) };
                    waiter.resolve(Ok(placed));
                }
            }
            Waiting::Chunk => {}
        }
    }

    pub(super) fn failed(self, error: &SendError) {
        match self.waiting {
            Waiting::Message(waiter) => waiter.failed(error),
            Waiting::Batch(waiters) => waiters.into_iter().for_each(|waiter| waiter.failed(error)),
            Waiting::Chunk => {}
        }
    }
}

/// What a receipt came to.
#[derive(Debug)]
pub(super) enum Received {
    /// It is the oldest one's, as it should be.
    InOrder(Pending),
    /// It is a later one's: the broker says at once that it had stored that before, or lost its order.
    OutOfOrder(Pending),
    /// Nobody waits for it.
    Stale,
}

/// Takes out what a receipt is for.
pub(super) fn receive(pending: &mut VecDeque<Pending>, sequence_id: u64) -> Received {
    match pending.iter().position(|sent| sent.send.sequence_id == sequence_id) {
        Some(0) => pending.pop_front().map_or(Received::Stale, Received::InOrder),
        Some(at) => pending.remove(at).map_or(Received::Stale, Received::OutOfOrder),
        None => Received::Stale,
    }
}
