//! What is to be written: a buffer that many fill and one empties.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

/// Over this, those who can wait do.
const HIGH_WATER_BYTES: usize = 1024 * 1024;

/// So much is not held for more to come.
const HELD_BYTES_MAX: usize = 64 * 1024;

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
    /// How many have more to add before it leaves.
    holders: usize,
    /// Something in it is not to wait for the task.
    urgent: bool,
    closed: bool,
}

impl Queue {
    fn is_held(&self) -> bool {
        self.holders > 0 && self.buffer.len() < HELD_BYTES_MAX
    }
}

impl Outgoing {
    pub(super) fn new(direct: Option<Arc<OwnedWriteHalf>>) -> Self {
        let queue =
            Queue { buffer: BytesMut::new(), writing: false, holders: 0, urgent: false, closed: false };
        Self { queue: Mutex::new(queue), filled: Notify::new(), drained: Notify::new(), direct }
    }

    /// Appends frames; false when the connection is lost.
    pub(super) fn push(&self, urgency: Urgency, write: impl FnOnce(&mut BytesMut)) -> bool {
        let mut queue = self.queue.lock();
        if queue.closed {
            return false;
        }
        write(&mut queue.buffer);
        queue.urgent |= urgency == Urgency::Now;
        if !queue.is_held() {
            self.send_off(queue);
        }
        true
    }

    /// Nothing leaves until it is [released](Self::release), unless it becomes much.
    pub(super) fn hold(&self) {
        self.queue.lock().holders += 1;
    }

    pub(super) fn release(&self) {
        let mut queue = self.queue.lock();
        queue.holders = queue.holders.saturating_sub(1);
        if queue.holders == 0 {
            self.send_off(queue);
        }
    }

    /// Releases it for all who hold it.
    pub(super) fn release_all(&self) {
        let mut queue = self.queue.lock();
        queue.holders = 0;
        self.send_off(queue);
    }

    fn send_off(&self, mut queue: MutexGuard<'_, Queue>) {
        if std::mem::take(&mut queue.urgent) && !queue.writing {
            self.write_directly(&mut queue.buffer);
        }
        let left = !queue.buffer.is_empty();
        drop(queue);
        if left {
            self.filled.notify_one();
        }
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
                queue.writing = !queue.buffer.is_empty() && !queue.is_held();
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn push(outgoing: &Outgoing, bytes: &[u8]) {
        assert!(outgoing.push(Urgency::Now, |buffer| buffer.extend_from_slice(bytes)));
    }

    fn taken(outgoing: &Outgoing) -> Option<BytesMut> {
        // The first time it is polled, it lets others run.
        let mut take = Box::pin(outgoing.take());
        (&mut take).now_or_never().or_else(|| take.now_or_never())
    }

    #[test]
    fn what_is_held_leaves_together_when_nobody_has_more() {
        let outgoing = Outgoing::new(None);
        outgoing.hold();
        push(&outgoing, b"one");
        assert_eq!(taken(&outgoing), None);
        outgoing.hold();
        push(&outgoing, b"two");
        outgoing.release();
        assert!(outgoing.filled.notified().now_or_never().is_none());
        outgoing.release();
        assert_eq!(taken(&outgoing).as_deref(), Some(&b"onetwo"[..]));
    }

    #[test]
    fn what_is_much_or_waited_for_is_not_held() {
        let outgoing = Outgoing::new(None);
        outgoing.hold();
        push(&outgoing, &vec![0; HELD_BYTES_MAX]);
        assert!(outgoing.filled.notified().now_or_never().is_some());
        assert_eq!(taken(&outgoing).map(|taken| taken.len()), Some(HELD_BYTES_MAX));
        push(&outgoing, b"one");
        assert!(outgoing.filled.notified().now_or_never().is_none());
        outgoing.release_all();
        assert!(outgoing.filled.notified().now_or_never().is_some());
        push(&outgoing, b"two");
        assert!(outgoing.filled.notified().now_or_never().is_some());
        // Whoever held it had it released.
        outgoing.release();
        assert_eq!(taken(&outgoing).as_deref(), Some(&b"onetwo"[..]));
    }
}
