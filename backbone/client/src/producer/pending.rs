//! What was sent and has no receipt yet, in the order in which it was sent.

use std::collections::VecDeque;

use bytes::Bytes;
use hexalpes_wire::MessageId;
use hexalpes_wire::proto::CommandSend;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::error::SendError;

/// Whoever waits for a message's receipt, and the room that the message takes.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) sender: oneshot::Sender<Result<MessageId, SendError>>,
    pub(super) permit: Permit,
}

impl Waiter {
    pub(super) fn failed(self, error: &SendError) {
        self.resolve(Err(error.clone()));
    }

    fn resolve(self, result: Result<MessageId, SendError>) {
        // Room first: whoever wakes up may want to send again. And nobody may be waiting any more.
        drop(self.permit);
        let _ = self.sender.send(result);
    }
}

/// A message's share of the bounds.
#[derive(Debug)]
#[expect(dead_code, reason = "permits count by being held")]
pub(super) struct Permit {
    pub(super) message: OwnedSemaphorePermit,
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
