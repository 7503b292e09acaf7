//! What waits to be written to one socket. Anyone may put something in; the connection's task writes.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use hexalpes_wire::{frame, proto::Command};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::options::{OUTBOX_BYTES_MAX, PENDING_SENDS_MAX};

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    buffer: Mutex<BytesMut>,
    pending_sends: AtomicUsize,
    pub(crate) wake: Notify,
}

impl Outbox {
    pub(crate) fn push(&self, command: &Command) {
        frame::encode(command, &mut self.buffer.lock());
        self.wake.notify_one();
    }

    pub(crate) fn push_with_payload(&self, command: &Command, raw: &[u8]) {
        frame::encode_with_payload(command, raw, &mut self.buffer.lock());
        self.wake.notify_one();
    }

    pub(crate) fn take(&self) -> Bytes {
        self.buffer.lock().split().freeze()
    }

    /// A send went to the log; its receipt is to come.
    pub(crate) fn send_began(&self) {
        self.pending_sends.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn send_ended(&self) {
        self.pending_sends.fetch_sub(1, Ordering::Relaxed);
    }

    /// Nothing more should be read from this peer for now.
    pub(crate) fn is_crowded(&self) -> bool {
        self.pending_sends.load(Ordering::Relaxed) >= PENDING_SENDS_MAX
            || self.buffer.lock().len() >= OUTBOX_BYTES_MAX
    }
}
