//! What waits to be written to one socket. Anyone may put something in; the connection's task writes.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use hexalpes_auth::Caller;
use hexalpes_wire::{frame, proto::Command};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::options::{OUTBOX_BYTES_LOW, OUTBOX_BYTES_MAX, PENDING_SENDS_MAX};

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    buffer: Mutex<BytesMut>,
    /// In the buffer, or taken from it and not yet written.
    bytes: AtomicUsize,
    /// Messages pass this connection over until it has room again.
    is_full: AtomicBool,
    /// Somebody left it to this connection to deliver.
    is_asked: AtomicBool,
    pending_sends: AtomicUsize,
    /// A topic has got more than its rate.
    is_slowed: AtomicBool,
    pub(crate) wake: Notify,
    peer: Option<SocketAddr>,
    /// What its client calls itself.
    pub(crate) client_version: OnceLock<String>,
    /// The name in the certificate that its client showed.
    pub(crate) common_name: Option<String>,
    /// Who its client is, once that is proved and counts.
    pub(crate) caller: OnceLock<Caller>,
}

impl Outbox {
    pub(crate) fn of(peer: SocketAddr, common_name: Option<String>) -> Self {
        Self { peer: Some(peer), common_name, ..Self::default() }
    }

    /// Where the peer is, written as Pulsar's broker writes it.
    pub(crate) fn address(&self) -> Option<String> {
        self.peer.map(|peer| format!("/{peer}"))
    }

    pub(crate) fn host(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }

    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    pub(crate) fn push(&self, command: &Command) {
        self.encode(|buffer| frame::encode(command, buffer));
    }

    pub(crate) fn push_with_payload(&self, command: &Command, raw: &[u8]) {
        self.encode(|buffer| frame::encode_with_payload(command, raw, buffer));
    }

    fn encode(&self, encode: impl FnOnce(&mut BytesMut)) {
        let mut buffer = self.buffer.lock();
        let before = buffer.len();
        encode(&mut buffer);
        self.bytes.fetch_add(buffer.len() - before, Ordering::Relaxed);
        drop(buffer);
        self.wake.notify_one();
    }

    /// All that waits. It counts as waiting until it is [`Self::written`].
    pub(crate) fn take(&self) -> Bytes {
        self.buffer.lock().split().freeze()
    }

    pub(crate) fn written(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A send went to the log; its receipt is to come.
    pub(crate) fn send_began(&self) {
        self.pending_sends.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn send_ended(&self) {
        self.pending_sends.fetch_sub(1, Ordering::Relaxed);
    }

    /// Nothing more should be read from this peer until the topics that it produces to have kept their rates.
    pub(crate) fn slow_down(&self) {
        self.is_slowed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_slowed(&self) -> bool {
        self.is_slowed.load(Ordering::Relaxed)
    }

    pub(crate) fn go_on(&self) {
        self.is_slowed.store(false, Ordering::Relaxed);
    }

    /// Nothing more should be read from this peer for now.
    pub(crate) fn is_crowded(&self) -> bool {
        self.pending_sends.load(Ordering::Relaxed) >= PENDING_SENDS_MAX
            || self.bytes.load(Ordering::Relaxed) >= OUTBOX_BYTES_MAX
    }

    /// No message should be put in for now. Whoever asks and is told so need not ask again: the connection
    /// delivers to its consumers itself when it [has room again](Self::has_room_again).
    pub(crate) fn is_full(&self) -> bool {
        if self.is_full.load(Ordering::SeqCst) {
            return true;
        }
        if self.bytes.load(Ordering::Relaxed) < OUTBOX_BYTES_MAX {
            return false;
        }
        self.is_full.store(true, Ordering::SeqCst);
        // The connection may have written everything in between, and wait for something to do.
        self.wake.notify_one();
        true
    }

    /// Leaves it to the connection to deliver to its consumers, and to those that share a subscription with them.
    pub(crate) fn ask_to_deliver(&self) {
        self.is_asked.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Whether the connection is to deliver: it was asked to, or was full and has room again, so that messages may
    /// have passed it over.
    pub(crate) fn has_to_deliver(&self) -> bool {
        let has_room = self.bytes.load(Ordering::Relaxed) < OUTBOX_BYTES_LOW
            && self.is_full.swap(false, Ordering::SeqCst);
        self.is_asked.swap(false, Ordering::SeqCst) || has_room
    }
}
