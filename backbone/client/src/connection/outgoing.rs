//! What is to be written: a buffer that many fill and one empties.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

/// Over this, those who can wait do.
const HIGH_WATER_BYTES: usize = 1024 * 1024;

/// A buffer that grew over this, in a burst, is not kept for the next.
const KEPT_BYTES: usize = 256 * 1024;

/// Whether it pays to write at once, or to wait for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Nothing else is in flight: write now, on this thread, if the socket takes it.
    Now,
    /// The task writes it, together with whatever comes until it gets to run.
    Soon,
}

#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: Mutex<Queue>,
    /// Wakes the writer.
    filled: Notify,
    /// Wakes those who wait for room.
    drained: Notify,
    /// The socket, where one may write to it from anywhere (TLS has a state of its own).
    direct: Option<Arc<OwnedWriteHalf>>,
}

#[derive(Debug)]
struct Queue {
    buffer: BytesMut,
    /// The writer holds bytes that come before those in the buffer.
    writing: bool,
    closed: bool,
}

impl Outgoing {
    pub(super) fn new(direct: Option<Arc<OwnedWriteHalf>>) -> Self {
        let queue = Queue { buffer: BytesMut::new(), writing: false, closed: false };
        Self { queue: Mutex::new(queue), filled: Notify::new(), drained: Notify::new(), direct }
    }

    /// Appends frames; false when the connection is lost.
    pub(super) fn push(&self, urgency: Urgency, write: impl FnOnce(&mut BytesMut)) -> bool {
        let mut queue = self.queue.lock();
        if queue.closed {
            return false;
        }
        write(&mut queue.buffer);
        if urgency == Urgency::Now && !queue.writing {
            self.write_directly(&mut queue.buffer);
        }
        let left = !queue.buffer.is_empty();
        drop(queue);
        if left {
            self.filled.notify_one();
        }
        true
    }

    /// Errors are left to the reader, which sees them too and ends the connection.
    fn write_directly(&self, buffer: &mut BytesMut) {
        let Some(socket) = &self.direct else { return };
        while !buffer.is_empty() {
            match socket.try_write(buffer) {
                Ok(written) if written > 0 => buffer.advance(written),
                _ => return,
            }
        }
    }

    /// Everything that waits, as soon as something does.
    pub(super) async fn take(&self) -> BytesMut {
        loop {
            {
                let mut queue = self.queue.lock();
                queue.writing = !queue.buffer.is_empty();
                if queue.writing {
                    let taken = match queue.buffer.capacity() {
                        ..=KEPT_BYTES => queue.buffer.split(),
                        _ => std::mem::take(&mut queue.buffer),
                    };
                    drop(queue);
                    self.drained.notify_waiters();
                    return taken;
                }
            }
            self.filled.notified().await;
            // Whoever woke us may have company: let all who are ready add theirs before the system call.
            tokio::task::yield_now().await;
        }
    }

    /// What waits when the writer has stopped; nothing if it stopped in the middle of a write.
    pub(super) fn rest(&self) -> Option<BytesMut> {
        let mut queue = self.queue.lock();
        (!queue.writing).then(|| queue.buffer.split())
    }

    /// Waits until the buffer is below its mark, or nobody will empty it any more.
    pub(super) async fn room(&self) {
        loop {
            let drained = self.drained.notified();
            {
                let queue = self.queue.lock();
                if queue.closed || queue.buffer.len() < HIGH_WATER_BYTES {
                    return;
                }
            }
            drained.await;
        }
    }

    pub(super) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.buffer = BytesMut::new();
        drop(queue);
        self.drained.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }
}
