//! Writing to a socket what waits in its outbox, as far as the peer takes it.

use std::{io, time::Duration};

use bytes::{Buf, Bytes};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::WriteHalf,
    time::{Instant, timeout},
};

use super::{Hangup, outbox::Outbox};

pub(super) struct Writing<'a> {
    writer: WriteHalf<'a>,
    outbox: &'a Outbox,
    /// Taken from the outbox, and not yet written.
    waiting: Bytes,
    /// When the peer last took something, or there was nothing for it.
    moved: Instant,
}

impl<'a> Writing<'a> {
    pub(super) fn new(writer: WriteHalf<'a>, outbox: &'a Outbox) -> Self {
        Self { writer, outbox, waiting: Bytes::new(), moved: Instant::now() }
    }

    /// Writes all there is, unless the socket takes no more at the moment.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        loop {
            if self.waiting.is_empty() {
                self.moved = Instant::now();
                self.waiting = self.outbox.take();
                if self.waiting.is_empty() {
                    return Ok(());
                }
            }
            match self.writer.try_write(&self.waiting) {
                Ok(bytes) => {
                    self.waiting.advance(bytes);
                    self.outbox.written(bytes);
                    self.moved = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether something is left after [`Self::advance`].
    pub(super) fn has_some(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until the socket takes more.
    pub(super) async fn ready(&self) -> io::Result<()> {
        self.writer.writable().await
    }

    /// Whether the peer has taken nothing for so long of what waits for it.
    pub(super) fn stalls(&self, silence_max: Duration) -> bool {
        self.has_some() && self.moved.elapsed() >= silence_max
    }

    /// Writes what was taken from the outbox, for the last time.
    pub(super) async fn finish(&mut self, silence_max: Duration) -> Result<(), Hangup> {
        let written = timeout(silence_max, self.writer.write_all_buf(&mut self.waiting)).await;
        Ok(written.map_err(|_| Hangup::Silent)??)
    }
}
