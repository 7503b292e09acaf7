//! Tells the server how far the log is not needed any more, beside whoever reads it.
//!
//! It has a task of its own, which owns the way to the server: a reader that waits for somebody else, such as a
//! broker that is away, still shows that it is there, and the server keeps the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hexalpes_capture::LogError;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::Stream;

/// What is confirmed waits no longer than this.
const PAUSE: Duration = Duration::from_millis(200);

/// How often the server is told that we are there, and asked whether it is. It hangs up after 60 s without a word
/// (`wal_sender_timeout`, unless its owner says otherwise).
const ASK_EVERY: Duration = Duration::from_secs(5);

/// A status in its frame: `d`, its length; `r`, what is received, flushed and applied, a clock, whether to answer.
const STATUS_BYTES: usize = 39;
/// `c` and its length: we stop.
const DONE: [u8; 5] = [b'c', 0, 0, 0, 4];

/// What the reader has to say. Dropped, it has what was confirmed said at once, and the stream ended.
#[derive(Debug)]
pub(crate) struct Acknowledger {
    confirmed: watch::Sender<u64>,
    heard: Arc<Heard>,
}

/// What the reader heard from the server.
#[derive(Debug, Default)]
struct Heard {
    end: AtomicU64,
    clock: AtomicI64,
}

impl Acknowledger {
    pub(crate) fn start(outgoing: WriteHalf<Stream>) -> Self {
        let (confirmed, changes) = watch::channel(0);
        let heard = Arc::new(Heard::default());
        tokio::spawn(run(outgoing, changes, Arc::clone(&heard)));
        Self { confirmed, heard }
    }

    /// The server may let go what is before; it is never told less than before.
    pub(crate) fn confirm(&self, through: u64) -> Result<(), LogError> {
        self.confirmed.send_if_modified(|confirmed| {
            let more = through > *confirmed;
            *confirmed = through.max(*confirmed);
            more
        });
        if self.confirmed.is_closed() {
            return Err(LogError::Unreachable("the server hung up".to_owned()));
        }
        Ok(())
    }

    /// Everything before `end` is here.
    pub(crate) fn received(&self, end: u64) {
        self.heard.end.fetch_max(end, Ordering::Relaxed);
    }

    /// The server's clock; if it asks for an answer, it gets one soon.
    pub(crate) fn asked(&self, clock: i64, answer: bool) {
        self.heard.clock.store(clock, Ordering::Relaxed);
        if answer {
            self.confirmed.send_modify(|_| {});
        }
    }
}

async fn run(mut outgoing: WriteHalf<Stream>, mut changes: watch::Receiver<u64>, heard: Arc<Heard>) {
    let mut ended = false;
    while !ended {
        let mut news = changes.has_changed().unwrap_or(false);
        if !news {
            tokio::select! {
                changed = changes.changed() => (news, ended) = (changed.is_ok(), changed.is_err()),
                () = sleep(ASK_EVERY) => {}
            }
        }
        // Last words are not waited for.
        ended |= changes.has_changed().is_err();
        let confirmed = *changes.borrow_and_update();
        let status = status(confirmed, &heard, !news && !ended);
        if outgoing.write_all(&status).await.and(outgoing.flush().await).is_err() {
            return;
        }
        if !ended {
            pause(&mut changes).await;
        }
    }
    // A server that is gone already misses nothing.
    let _ = outgoing.write_all(&DONE).await;
    let _ = outgoing.shutdown().await;
}

/// As long as there is somebody to confirm more; what is confirmed meanwhile stays to be seen.
async fn pause(changes: &mut watch::Receiver<u64>) {
    let mut others = changes.clone();
    let gone = async { while others.changed().await.is_ok() {} };
    tokio::select! {
        () = sleep(PAUSE) => {}
        () = gone => {}
    }
}

/// <https://www.postgresql.org/docs/15/protocol-replication.html>, "Standby status update". The clock is the
/// server's own, as it said it last. Nothing confirmed is 0, which the server takes for no news.
fn status(confirmed: u64, heard: &Heard, ask: bool) -> [u8; STATUS_BYTES] {
    let received = heard.end.load(Ordering::Relaxed).max(confirmed);
    let mut status = [0; STATUS_BYTES];
    let fields: [&[u8]; 8] = [
        b"d",
        &38_u32.to_be_bytes(),
        b"r",
        &received.to_be_bytes(),
        &confirmed.to_be_bytes(),
        &confirmed.to_be_bytes(),
        &heard.clock.load(Ordering::Relaxed).to_be_bytes(),
        &[u8::from(ask)],
    ];
    let mut at = 0;
    for field in fields {
        status[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[test]
    fn a_status_fills_its_frame() {
        let heard = Heard { end: AtomicU64::new(9), clock: AtomicI64::new(-1) };
        let status = status(7, &heard, true);
        let words = [&[0; 7][..], &[9], &[0; 7], &[7], &[0; 7], &[7], &[0xFF; 8], &[1]].concat();
        assert_eq!(status, *[&b"d\0\0\0\x26r"[..], &words].concat());
    }

    #[tokio::test]
    async fn what_was_confirmed_is_said_when_the_reader_goes() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let stream: Stream = Box::new(ours);
        let (reader, writer) = tokio::io::split(stream);
        let acknowledger = Acknowledger::start(writer);
        acknowledger.confirm(7).unwrap();
        acknowledger.confirm(5).unwrap();
        drop(acknowledger);
        drop(reader);
        let mut said = Vec::new();
        theirs.read_to_end(&mut said).await.unwrap();
        assert_eq!(said.len(), STATUS_BYTES + DONE.len());
        assert_eq!(said[14..22], 7_u64.to_be_bytes());
        assert!(said.ends_with(&DONE));
    }
}
