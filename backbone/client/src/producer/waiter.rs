//! Whoever waits for receipts: of a message, or of several that were given together.

use std::sync::Arc;

use hexalpes_wire::MessageId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Receipt;
use super::pending::Permit;
use crate::error::SendError;

type Sender = oneshot::Sender<Result<MessageId, SendError>>;

/// Whoever waits for a message's receipt, and the room that the message takes.
#[derive(Debug)]
pub(super) enum Waiter {
    One { sender: Sender, permit: Permit },
    Among(Arc<Together>),
}

/// Messages that have one receipt and one room: it is there when all of theirs are, or one of them failed.
#[derive(Debug)]
pub(super) struct Together(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    left: usize,
    sender: Option<Sender>,
    permit: Option<Permit>,
}

impl Waiter {
    pub(super) fn one(permit: Permit) -> (Self, Receipt) {
        let (sender, receiver) = oneshot::channel();
        (Self::One { sender, permit }, Receipt { receiver })
    }

    pub(super) fn failed(self, error: &SendError) {
        self.resolve(Err(error.clone()));
    }

    pub(super) fn resolve(self, result: Result<MessageId, SendError>) {
        match self {
            Self::One { sender, permit } => {
                // Room first: whoever wakes up may want to send again. And nobody may be waiting any more.
                drop(permit);
                let _ = sender.send(result);
            }
            Self::Among(together) => together.resolve_one(result),
        }
    }
}

impl Together {
    /// Of none the receipt is there at once.
    pub(super) fn new(count: usize, permit: Permit) -> (Arc<Self>, Receipt) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = Waiting { left: count, sender: Some(sender), permit: Some(permit) };
        if count == 0 {
            waiting.end(Ok(MessageId::EARLIEST));
        }
        (Arc::new(Self(Mutex::new(waiting))), Receipt { receiver })
    }

    fn resolve_one(&self, result: Result<MessageId, SendError>) {
        let mut waiting = self.0.lock();
        waiting.left -= 1;
        waiting.end(result);
    }
}

impl Waiting {
    fn end(&mut self, result: Result<MessageId, SendError>) {
        if self.left == 0 {
            self.permit = None;
        }
        if (self.left == 0 || result.is_err())
            && let Some(sender) = self.sender.take()
        {
            let _ = sender.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use tokio::sync::Semaphore;

    use super::*;

    fn together(count: usize) -> (Arc<Semaphore>, Vec<Waiter>, Receipt) {
        let room = Arc::new(Semaphore::new(2));
        let permit = || Arc::clone(&room).try_acquire_owned().unwrap();
        let (together, receipt) = Together::new(count, Permit { messages: permit(), bytes: permit() });
        let waiters = (0..count).map(|_| Waiter::Among(Arc::clone(&together))).collect();
        (room, waiters, receipt)
    }

    #[test]
    fn the_last_receipt_of_several_is_the_receipt_of_all_and_gives_their_room_back() {
        let (room, waiters, mut receipt) = together(3);
        for (entry, waiter) in (0..).zip(waiters) {
            assert_eq!(room.available_permits(), 0);
            receipt.receiver.try_recv().unwrap_err();
            waiter.resolve(Ok(MessageId::new(7, entry)));
        }
        assert_eq!(room.available_permits(), 2);
        assert_eq!(receipt.receiver.try_recv().unwrap(), Ok(MessageId::new(7, 2)));
    }

    #[test]
    fn the_first_failure_of_several_is_told_at_once_and_their_room_stays_taken_until_all_are_out() {
        let (room, mut waiters, mut receipt) = together(3);
        waiters.remove(1).failed(&SendError::Fenced);
        assert_eq!(receipt.receiver.try_recv().unwrap(), Err(SendError::Fenced));
        assert_eq!(room.available_permits(), 0);
        for waiter in waiters {
            waiter.resolve(Ok(MessageId::EARLIEST));
        }
        assert_eq!(room.available_permits(), 2);
    }
}
