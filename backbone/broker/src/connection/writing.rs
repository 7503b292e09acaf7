//! Writing to a socket what waits in its outbox, as far as the peer takes it.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::{Hangup, outbox::Outbox};

pub(super) struct Writing<'a, W> {
    writer: W,
    outbox: &'a Outbox,
    /// Taken from the outbox, and not yet written.
    waiting: Bytes,
    /// Whether the writer may keep something back: TLS does when the socket takes no more.
    is_unflushed: bool,
    /// When the peer last took something, or there was nothing for it.
    moved: Instant,
}

impl<'a, W: AsyncWrite + Unpin> Writing<'a, W> {
    pub(super) fn new(writer: W, outbox: &'a Outbox) -> Self {
        Self { writer, outbox, waiting: Bytes::new(), is_unflushed: false, moved: Instant::now() }
    }

    /// Writes all there is, unless the socket takes no more at the moment.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        // Nobody needs to be woken: `ready` asks again.
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => Ok(()),
        }
    }

    /// Whether something is left after [`Self::advance`].
    pub(super) fn has_some(&self) -> bool {
        !self.waiting.is_empty() || self.is_unflushed
    }

    /// Waits until the socket takes more, and gives it what there is.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.waiting.is_empty() {
                self.waiting = self.outbox.take();
            }
            if self.waiting.is_empty() {
                if self.is_unflushed && Pin::new(&mut self.writer).poll_flush(context)?.is_pending() {
                    return Poll::Pending;
                }
                self.is_unflushed = false;
                self.moved = Instant::now();
                return Poll::Ready(Ok(()));
            }
            let Poll::Ready(bytes) = Pin::new(&mut self.writer).poll_write(context, &self.waiting)? else {
                return Poll::Pending;
            };
            if bytes == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.advance(bytes);
            self.outbox.written(bytes);
            self.is_unflushed = true;
            self.moved = Instant::now();
        }
    }

    /// Whether the peer has taken nothing for so long of what waits for it.
    pub(super) fn stalls(&self, silence_max: Duration) -> bool {
        self.has_some() && self.moved.elapsed() >= silence_max
    }

    /// Writes what was taken from the outbox, for the last time.
    pub(super) async fn finish(&mut self, silence_max: Duration) -> Result<(), Hangup> {
        let written = timeout(silence_max, async {
            self.writer.write_all_buf(&mut self.waiting).await?;
            // A peer that is gone already has what it wanted.
            let _ = self.writer.shutdown().await;
            Ok::<_, io::Error>(())
        });
        Ok(written.await.map_err(|_| Hangup::Silent)??)
    }
}
