//! A broker made of answers, for what no real one does on demand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hexalpes_client::{ClientOptions, ServerError};
use hexalpes_wire::frame::{self, Decoder};
use hexalpes_wire::proto::{Command, CommandConnected, CommandMessage};
use hexalpes_wire::{DEFAULT_MAX_MESSAGE_BYTES, MessageId};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::engine::DEADLINE;

/// What the broker does about a command.
pub(crate) enum Reply {
    /// What a broker usually does.
    Usual,
    Say(Vec<Command>),
    /// A message and the raw bytes that go with it.
    Deliver(CommandMessage, Bytes),
    HangUp,
}

impl Reply {
    pub(crate) fn silence() -> Self {
        Self::Say(Vec::new())
    }

    pub(crate) fn refuse(to: &Command, error: ServerError, message: &str) -> Self {
        Self::Say(vec![Command::error(to.request_id().unwrap_or(u64::MAX), error, message)])
    }
}

type Script = Arc<dyn Fn(&Command) -> Reply + Send + Sync>;

/// Serves until it is dropped.
pub(crate) struct Fake {
    pub(crate) url: String,
    heard: Mutex<mpsc::UnboundedReceiver<Command>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Fake {
    pub(crate) async fn start(script: impl Fn(&Command) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(script), None).await
    }

    pub(crate) async fn start_tls(
        script: impl Fn(&Command) -> Reply + Send + Sync + 'static,
        tls: TlsAcceptor,
    ) -> Self {
        Self::serve(Arc::new(script), Some(tls)).await
    }

    async fn serve(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "pulsar+ssl" } else { "pulsar" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (say, heard) = mpsc::unbounded_channel();
        let here = url.clone();
        let serving = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let broker = Broker { url: here.clone(), script: Arc::clone(&script), heard: say.clone() };
                match tls.clone() {
                    None => tokio::spawn(broker.answer(socket)),
                    Some(tls) => tokio::spawn(async move {
                        if let Ok(stream) = tls.accept(socket).await {
                            broker.answer(stream).await;
                        }
                    }),
                };
            }
        });
        Self { url, heard: Mutex::new(heard), serving }
    }

    /// Options of a client that notices failures fast.
    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions { operation_timeout: Duration::from_secs(2), ..ClientOptions::new(&self.url) }
    }

    /// The next command of a kind; those before it are passed over.
    pub(crate) async fn hears<T: fmt::Debug>(&self, pick: impl Fn(Command) -> Option<T>) -> T {
        let mut heard = self.heard.lock().await;
        let wait = async {
            loop {
                if let Some(picked) = pick(heard.recv().await.unwrap()) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("the client says it in time")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Broker {
    url: String,
    script: Script,
    heard: mpsc::UnboundedSender<Command>,
}

impl Broker {
    async fn answer(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let decoder = Decoder::new(DEFAULT_MAX_MESSAGE_BYTES);
        let (mut incoming, mut outgoing) = (BytesMut::new(), BytesMut::new());
        while let Ok(1..) = stream.read_buf(&mut incoming).await {
            while let Some(frame) = decoder.decode(&mut incoming).unwrap() {
                match (self.script)(&frame.command) {
                    Reply::Usual => {
                        self.usual(&frame.command).iter().for_each(|said| frame::encode(said, &mut outgoing));
                    }
                    Reply::Say(said) => said.iter().for_each(|said| frame::encode(said, &mut outgoing)),
                    Reply::Deliver(message, raw) => {
                        frame::encode_with_payload(&Command::Message(message), &raw, &mut outgoing);
                    }
                    Reply::HangUp => return,
                }
                // The test may be over.
                let _ = self.heard.send(frame.command);
            }
            if stream.write_all(&outgoing.split()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    fn usual(&self, command: &Command) -> Vec<Command> {
        let said = match command {
            Command::Connect(_) => Command::Connected(CommandConnected {
                server_version: "fake".to_owned(),
                protocol_version: Some(21),
                ..CommandConnected::default()
            }),
            Command::PartitionedMetadata(c) => Command::partitions(c.request_id, 0),
            Command::Lookup(c) => {
                Command::lookup_connect(c.request_id, Some(self.url.clone()), Some(self.url.clone()))
            }
            Command::Producer(c) => Command::producer_success(
                c.request_id,
                c.producer_name.clone().unwrap_or("made-up".to_owned()),
                None,
            ),
            Command::Send(c) => {
                let highest = c.highest_sequence_id.unwrap_or(c.sequence_id);
                Command::send_receipt(c.producer_id, c.sequence_id, highest, MessageId::new(1, c.sequence_id))
            }
            Command::Ping(_) => Command::pong(),
            Command::Flow(_) | Command::Ack(_) | Command::Pong(_) => return Vec::new(),
            other => match other.request_id() {
                Some(request_id) => Command::success(request_id),
                None => return Vec::new(),
            },
        };
        vec![said]
    }
}
