//! One task for each socket: reads what came, handles all of it, commits, writes what waits.

mod commands;
mod consume;
mod listing;
pub(crate) mod outbox;
mod proving;
mod rights;
mod schemas;
mod writing;

use std::{collections::HashMap, future::pending, io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use hexalpes_auth::Refused;
use hexalpes_tls::ClientName;
use hexalpes_wire::{
    frame::{Decoder, Frame, FrameError},
    proto::{Command, CommandType},
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
    time::{Instant, interval, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::{broker::Shared, subscription::ConsumerId, topic::Topic};
use outbox::Outbox;
use proving::Proof;
use writing::Writing;

const READ_BYTES: usize = 64 << 10;

/// How long a rate may be lifted until who waits for it hears of it.
const REST_MAX: Duration = Duration::from_secs(1);

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Hangup {
    #[error("the peer hung up")]
    Peer,
    #[error("the broker stops")]
    Stopping,
    #[error("the peer is silent")]
    Silent,
    #[error("the peer is not let in: {0}")]
    Unproven(Refused),
    #[error("the peer's token has expired")]
    Expired,
    #[error("the peer has become another role")]
    AnotherRole,
    #[error("no TLS: {0}")]
    NoTls(std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the first command is not CONNECT but {0:?}")]
    NotConnected(CommandType),
    #[error("{0:?} makes no sense here")]
    Senseless(CommandType),
}

impl Hangup {
    /// It comes to every connection: also a client that was killed has done nothing wrong.
    fn is_ordinary(&self) -> bool {
        match self {
            Self::Peer | Self::Stopping => true,
            Self::Io(error) => {
                use ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
                // The last is a TLS client that is gone without a word.
                matches!(error.kind(), ConnectionReset | BrokenPipe | UnexpectedEof)
            }
            _ => false,
        }
    }
}

/// What a connection has open.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    is_connected: bool,
    /// Where clients prove who they are: of CONNECT, or of the last answer.
    proof: Option<Proof>,
    /// When the peer said something last.
    heard: Instant,
    /// Whether something went to the log since the last commit.
    has_appended: bool,
    /// Whether it may be told of topics that come and go.
    is_watching: bool,
    producers: HashMap<u64, Producer>,
    consumers: HashMap<u64, Consumer>,
}

struct Producer {
    topic: Arc<Topic>,
    name: Arc<str>,
}

struct Consumer {
    topic: Arc<Topic>,
    subscription: String,
    id: ConsumerId,
    /// It wants what compaction left, as far as the topic is compacted.
    reads_compacted: bool,
}

/// Serves one socket to its end.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    mut socket: TcpStream,
    peer: SocketAddr,
    stop: CancellationToken,
) {
    let served = match socket.set_nodelay(true) {
        Ok(()) => converse(shared, socket.split(), Outbox::of(peer, None), &stop).await,
        Err(error) => Err(error.into()),
    };
    log_end(served, peer);
}

/// The same over TLS.
pub(crate) async fn serve_tls(
    shared: Arc<Shared>,
    socket: TcpStream,
    tls: Arc<ServerConfig>,
    peer: SocketAddr,
    stop: CancellationToken,
) {
    let accepted = tokio::select! {
        accepted = accept_tls(socket, tls, shared.options.keep_alive) => accepted,
        () = stop.cancelled() => Err(Hangup::Stopping),
        () = shared.stop.cancelled() => Err(Hangup::Stopping),
    };
    let served = match accepted {
        Ok(stream) => {
            let name = ClientName::of(stream.get_ref().1).map(|ClientName(name)| name);
            converse(shared, tokio::io::split(stream), Outbox::of(peer, name), &stop).await
        }
        Err(cause) => Err(cause),
    };
    log_end(served, peer);
}

async fn accept_tls(
    socket: TcpStream,
    tls: Arc<ServerConfig>,
    within: Duration,
) -> Result<TlsStream<TcpStream>, Hangup> {
    socket.set_nodelay(true)?;
    let accepted = timeout(within, TlsAcceptor::from(tls).accept(socket)).await;
    accepted.map_err(|_| Hangup::Silent)?.map_err(Hangup::NoTls)
}

async fn converse(
    shared: Arc<Shared>,
    (reader, writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    outbox: Outbox,
    stop: &CancellationToken,
) -> Result<(), Hangup> {
    shared.around.counters.connections.opened();
    let mut connection = Connection {
        shared,
        outbox: Arc::new(outbox),
        is_connected: false,
        proof: None,
        heard: Instant::now(),
        has_appended: false,
        is_watching: false,
        producers: HashMap::new(),
        consumers: HashMap::new(),
    };
    connection.run(reader, writer, stop).await
}

fn log_end(served: Result<(), Hangup>, peer: SocketAddr) {
    match served {
        Err(cause) if !cause.is_ordinary() => tracing::warn!(%peer, %cause, "closed a connection"),
        Err(_) | Ok(()) => tracing::debug!(%peer, "connection ended"),
    }
}

impl Connection {
    async fn run(
        &mut self,
        mut reader: impl AsyncRead + Unpin,
        writer: impl AsyncWrite + Unpin,
        stop: &CancellationToken,
    ) -> Result<(), Hangup> {
        let decoder = Decoder::new(self.shared.options.max_message_bytes);
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        let (shared, outbox) = (Arc::clone(&self.shared), Arc::clone(&self.outbox));
        let silence_max = shared.options.keep_alive * 2;
        let mut keep_alive = interval(shared.options.keep_alive);
        let mut writing = Writing::new(writer, &outbox);
        loop {
            let handled = self.handle_all(decoder, &mut buffer);
            if std::mem::take(&mut self.has_appended) {
                shared.log.commit_now();
            }
            writing.advance()?;
            let is_whole = match handled {
                Ok(is_whole) => is_whole,
                Err(cause) => {
                    let end = writing.finish(silence_max);
                    tokio::select! {
                        ended = end => ended?,
                        () = stop.cancelled() => {}
                        () = shared.stop.cancelled() => {}
                    }
                    return Err(cause);
                }
            };
            if outbox.has_to_deliver() {
                for Consumer { topic, subscription, .. } in self.consumers.values() {
                    topic.deliver(subscription, &outbox);
                }
                writing.advance()?;
            }
            let rest = self.rest();
            let reads = rest.is_none() && !outbox.is_crowded();
            if reads && !is_whole {
                continue;
            }
            buffer.reserve(READ_BYTES);
            tokio::select! {
                read = reader.read_buf(&mut buffer), if reads => match read? {
                    0 => return Err(Hangup::Peer),
                    _ => self.heard = Instant::now(),
                },
                ready = writing.ready(), if writing.has_some() => ready?,
                () = outbox.wake.notified() => {}
                () = until(self.proof_is_due()) => self.look_at_proof()?,
                () = until(rest) => {}
                _ = keep_alive.tick() => {
                    if !reads {
                        self.heard = Instant::now();
                    }
                    if self.heard.elapsed() >= silence_max || writing.stalls(silence_max) {
                        return Err(Hangup::Silent);
                    }
                    if self.is_connected {
                        outbox.push(&Command::ping());
                    }
                }
                () = stop.cancelled() => return Err(Hangup::Stopping),
                () = shared.stop.cancelled() => return Err(Hangup::Stopping),
            }
        }
    }

    /// Until when nothing is read, so that the topics that the client produces to keep their rates. A rate may be lifted:
    /// so it is looked again before long.
    fn rest(&self) -> Option<Instant> {
        if !self.outbox.is_slowed() {
            return None;
        }
        let waits_ms = self.producers.values().map(|producer| producer.topic.publishing_waits_ms());
        let wait = Duration::from_millis(waits_ms.max().unwrap_or(0)).min(REST_MAX);
        if wait.is_zero() {
            self.outbox.go_on();
            return None;
        }
        Some(Instant::now() + wait)
    }

    /// Handles the frames that are there, up to the first that cannot be read. Says whether that was all: there
    /// may be more if too much waits for the peer.
    fn handle_all(&mut self, decoder: Decoder, buffer: &mut BytesMut) -> Result<bool, Hangup> {
        while !self.outbox.is_crowded() && !self.outbox.is_slowed() {
            let Some(Frame { command, payload }) = decoder.decode(buffer)? else { return Ok(true) };
            if !self.is_connected && !matches!(command, Command::Connect(_)) {
                return Err(Hangup::NotConnected(command.kind()));
            }
            self.handle(command, &payload)?;
        }
        Ok(false)
    }
}

/// Waits for a moment; without one, for ever.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.around.counters.connections.closed();
        if self.is_watching {
            self.shared.watchers.leave(&self.outbox);
        }
        let producing = self.producers.drain().map(|(_, producer)| producer.topic);
        let consuming = self.consumers.drain().map(|(_, consumer)| consumer.topic);
        let topics: HashMap<_, _> = producing.chain(consuming).map(|topic| (topic.id, topic)).collect();
        for topic in topics.values() {
            topic.leave(&self.outbox);
            self.shared.promote(topic);
        }
    }
}
