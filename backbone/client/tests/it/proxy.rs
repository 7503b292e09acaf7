//! A broker's front that can fail: connections are cut, receipts are swallowed, on demand.
//!
//! It reads the frames that pass, so that lookups lead through it too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bytes::BytesMut;
use hexalpes_client::Client;
use hexalpes_wire::DEFAULT_MAX_MESSAGE_BYTES;
use hexalpes_wire::frame::{self, Decoder, Frame};
use hexalpes_wire::proto::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::engine::{Engine, client_of};

pub(crate) struct Proxy {
    url: String,
    state: Arc<State>,
    /// Dropped with the proxy, it ends everything.
    _alive: watch::Sender<()>,
}

struct State {
    /// Counts the cuts; a connection lives as long as its number stands.
    cuts: watch::Sender<u32>,
    up: AtomicBool,
    swallow_receipts: AtomicBool,
    swallowed: watch::Sender<u32>,
    refused: AtomicU32,
}

impl Proxy {
    pub(crate) async fn before(engine: &Engine) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let broker = engine.url.trim_start_matches("pulsar://").to_owned();
        let state = Arc::new(State {
            cuts: watch::channel(0).0,
            up: AtomicBool::new(true),
            swallow_receipts: AtomicBool::new(false),
            swallowed: watch::channel(0).0,
            refused: AtomicU32::new(0),
        });
        let (alive, mut ended) = watch::channel(());
        let accept = accept(listener, url.clone(), broker, Arc::clone(&state));
        tokio::spawn(async move {
            tokio::select! {
                () = accept => {}
                _ = ended.changed() => {}
            }
        });
        Self { url, state, _alive: alive }
    }

    pub(crate) async fn client(&self) -> Client {
        client_of(&self.url).await
    }

    /// Cuts every connection, and lets none through until [`restore`](Self::restore).
    pub(crate) fn cut(&self) {
        self.state.up.store(false, Ordering::SeqCst);
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn restore(&self) {
        self.state.swallow_receipts.store(false, Ordering::SeqCst);
        self.state.up.store(true, Ordering::SeqCst);
    }

    /// From now on receipts do not get through: what is sent is stored, and its sender does not know.
    pub(crate) fn swallow_receipts(&self) {
        self.state.swallow_receipts.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn swallowed(&self, count: u32) {
        self.state.swallowed.subscribe().wait_for(|swallowed| *swallowed >= count).await.unwrap();
    }

    /// How many attempts to connect came while it was down.
    pub(crate) fn refused(&self) -> u32 {
        self.state.refused.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, url: String, broker: String, state: Arc<State>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if !state.up.load(Ordering::SeqCst) {
            state.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let broker = TcpStream::connect(&broker).await.unwrap();
        client.set_nodelay(true).unwrap();
        broker.set_nodelay(true).unwrap();
        tokio::spawn(pass(client, broker, url.clone(), Arc::clone(&state)));
    }
}

async fn pass(client: TcpStream, broker: TcpStream, url: String, state: Arc<State>) {
    let mut cuts = state.cuts.subscribe();
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    tokio::select! {
        () = copy(from_client, to_broker, Some) => {}
        () = copy(from_broker, to_client, |frame| answer(frame, &url, &state)) => {}
        _ = cuts.changed() => {}
    }
}

fn answer(mut frame: Frame, url: &str, state: &State) -> Option<Frame> {
    match &mut frame.command {
        Command::LookupResponse(response) => response.broker_service_url = Some(url.to_owned()),
        Command::SendReceipt(_) if state.swallow_receipts.load(Ordering::SeqCst) => {
            state.swallowed.send_modify(|swallowed| *swallowed += 1);
            return None;
        }
        _ => {}
    }
    Some(frame)
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut change: impl FnMut(Frame) -> Option<Frame>,
) {
    let decoder = Decoder::new(DEFAULT_MAX_MESSAGE_BYTES);
    let (mut incoming, mut outgoing) = (BytesMut::new(), BytesMut::new());
    while let Ok(1..) = from.read_buf(&mut incoming).await {
        while let Some(frame) = decoder.decode(&mut incoming).unwrap() {
            if let Some(Frame { command, payload }) = change(frame) {
                frame::encode_with_payload(&command, payload.raw(), &mut outgoing);
            }
        }
        if to.write_all(&outgoing.split()).await.is_err() {
            return;
        }
    }
}
