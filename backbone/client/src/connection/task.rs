//! The task of one connection: reads, writes, keeps alive, until one of them fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use hexalpes_wire::PROTOCOL_VERSION;
use hexalpes_wire::frame::{self, Decoder, Frame, FrameError};
use hexalpes_wire::proto::{AuthData, Command, CommandAuthResponse};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::outgoing::Urgency;

const READ_BYTES: usize = 64 * 1024;
/// With less room than this the buffer is replaced before the next read.
const READ_BYTES_MIN: usize = 8 * 1024;
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("closed by the broker")]
    ByBroker,
    #[error("not a byte for {0:?}")]
    Silence(Duration),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// What the task needs and nobody else.
pub(super) struct Ends {
    pub(super) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) writer: Writer,
    /// What arrived after the handshake.
    pub(super) buffer: BytesMut,
    pub(super) decoder: Decoder,
    pub(super) keep_alive: Duration,
    pub(super) address: String,
}

pub(super) enum Writer {
    Plain(Arc<OwnedWriteHalf>),
    Tls(Box<dyn AsyncWrite + Send + Unpin>),
}

/// Runs until the connection is lost or `closing` is asked for, then tells everybody.
pub(super) async fn run(shared: Arc<Shared>, ends: Ends, closing: CancellationToken) {
    let heard = AtomicBool::new(true);
    let Ends { reader, mut writer, buffer, decoder, keep_alive, address } = ends;
    let lost = tokio::select! {
        lost = read(&shared, reader, buffer, decoder, &heard) => Some(lost),
        lost = write(&shared, &mut writer) => Some(lost),
        lost = watch(&shared, keep_alive, &heard) => Some(lost),
        () = closing.cancelled() => None,
    };
    match lost {
        // Brokers hang up on whoever is idle, and end before their clients do.
        Some(Err(lost)) if shared.routes.are_idle() => {
            tracing::debug!(broker.address = %address, reason = %lost, "an idle connection ended");
        }
        Some(Err(lost)) => tracing::warn!(broker.address = %address, reason = %lost, "lost the connection"),
        Some(Ok(never)) => match never {},
        None => {
            // What was said before the end is said: acks and farewells.
            if let Some(rest) = shared.outgoing.rest() {
                let _ = tokio::time::timeout(FAREWELL_TIMEOUT, writer.write_all(rest)).await;
            }
            tracing::debug!(broker.address = %address, "closed the connection");
        }
    }
    shared.outgoing.close();
    shared.routes.lose();
}

type Never = std::convert::Infallible;

async fn read(
    shared: &Shared,
    mut reader: Box<dyn AsyncRead + Send + Unpin>,
    mut buffer: BytesMut,
    decoder: Decoder,
    heard: &AtomicBool,
) -> Result<Never, Lost> {
    loop {
        while let Some(frame) = decoder.decode(&mut buffer)? {
            dispatch(shared, frame);
        }
        if buffer.capacity() - buffer.len() < READ_BYTES_MIN {
            buffer.reserve(READ_BYTES);
        }
        if reader.read_buf(&mut buffer).await? == 0 {
            return Err(Lost::ByBroker);
        }
        heard.store(true, Ordering::Relaxed);
    }
}

fn dispatch(shared: &Shared, frame: Frame) {
    let route = match &frame.command {
        Command::SendReceipt(c) => c.producer_id,
        Command::SendError(c) => c.producer_id,
        Command::CloseProducer(c) => c.producer_id,
        Command::Message(c) => c.consumer_id,
        Command::CloseConsumer(c) => c.consumer_id,
        Command::ReachedEndOfTopic(c) => c.consumer_id,
        Command::ActiveConsumerChange(c) => c.consumer_id,
        Command::WatchTopicUpdate(c) => c.watcher_id,
        _ => return answer(shared, frame.command),
    };
    // Nobody is there for what comes late, after a close.
    if let Some(to) = shared.routes.get(route) {
        to.on_frame(route, frame);
    }
}

fn answer(shared: &Shared, command: Command) {
    match command {
        Command::Ping(_) => reply(shared, &Command::pong()),
        Command::Pong(_) => {}
        Command::AuthChallenge(_) => {
            let data = shared.token.as_ref().map(|token| AuthData {
                auth_method_name: Some("token".to_owned()),
                auth_data: Some(Bytes::copy_from_slice(token.secret().as_bytes())),
            });
            let response = CommandAuthResponse {
                client_version: Some(super::handshake::CLIENT_VERSION.to_owned()),
                response: data,
                protocol_version: Some(PROTOCOL_VERSION),
            };
            reply(shared, &Command::AuthResponse(response));
        }
        // A producer that waits for exclusive access: the second answer is the one.
        Command::ProducerSuccess(waiting) if !waiting.producer_ready() => {}
        command => {
            if let Some(id) = command.request_id() {
                shared.routes.answer(id, command);
            }
        }
    }
}

fn reply(shared: &Shared, command: &Command) {
    shared.outgoing.push(Urgency::Soon, |out| frame::encode(command, out));
}

async fn write(shared: &Shared, writer: &mut Writer) -> Result<Never, Lost> {
    loop {
        let bytes = shared.outgoing.take().await;
        writer.write_all(bytes).await?;
    }
}

impl Writer {
    async fn write_all(&mut self, mut bytes: BytesMut) -> std::io::Result<()> {
        match self {
            Self::Plain(socket) => {
                while !bytes.is_empty() {
                    socket.writable().await?;
                    match socket.try_write(&bytes) {
                        Ok(written) => bytes.advance(written),
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            Self::Tls(stream) => {
                stream.write_all(&bytes).await?;
                stream.flush().await
            }
        }
    }
}

/// Sends a PING after each interval of silence; two in a row are a loss.
async fn watch(shared: &Shared, keep_alive: Duration, heard: &AtomicBool) -> Result<Never, Lost> {
    let mut asked = false;
    loop {
        tokio::time::sleep(keep_alive).await;
        match (heard.swap(false, Ordering::Relaxed), asked) {
            (true, _) => asked = false,
            (false, false) => {
                asked = true;
                reply(shared, &Command::ping());
            }
            (false, true) => return Err(Lost::Silence(keep_alive * 2)),
        }
    }
}
