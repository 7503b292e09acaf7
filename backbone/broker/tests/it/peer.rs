//! A broker in a folder, and a client that says exactly what it is told.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::BytesMut;
use hexalpes_broker::{Broker, BrokerOptions, OpenError};
use hexalpes_wire::{
    MessageId,
    frame::{self, Decoder, Frame, Payload},
    proto::{
        Command, CommandAck, CommandConnect, CommandFlow, CommandProducer, CommandSend, CommandSubscribe,
        MessageMetadata, SubType,
    },
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::faulty::FaultyFiles;

const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) broker: Broker,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::open(|url| BrokerOptions::new(data, url)).await.unwrap()
    }

    pub(crate) async fn start_on(disk: &FaultyFiles, data: &Path) -> Self {
        let files = Arc::new(disk.clone());
        Self::open(|url| BrokerOptions { files, ..BrokerOptions::new(data, url) }).await.unwrap()
    }

    /// A broker with other options, which get the address that it will have.
    pub(crate) async fn open(options: impl FnOnce(String) -> BrokerOptions) -> Result<Self, OpenError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let broker = Broker::open(options(format!("pulsar://{address}")))?;
        let serving = tokio::spawn({
            let broker = broker.clone();
            async move { broker.serve(listener, CancellationToken::new()).await }
        });
        Ok(Self { broker, address, serving })
    }

    /// As the REST interface shows them.
    pub(crate) fn stats(&self, topic: &str) -> Value {
        serde_json::to_value(self.broker.topic_stats(&topic.parse().unwrap()).unwrap()).unwrap()
    }

    pub(crate) async fn stop(self) {
        self.broker.close().await.unwrap();
        self.serving.await.unwrap();
    }

    /// Ends a broker whose disk is gone.
    pub(crate) async fn crash(self) {
        self.broker.close().await.expect_err("the log cannot be closed on a disk that is gone");
        self.serving.await.unwrap();
    }

    pub(crate) async fn peer(&self) -> Peer {
        self.connected(TcpStream::connect(self.address).await.unwrap()).await
    }

    /// A client whose machine takes little that it does not read.
    pub(crate) async fn narrow_peer(&self) -> Peer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        self.connected(socket.connect(self.address).await.unwrap()).await
    }

    /// A client that another thread serves, which may wait for the disk without holding this one up.
    pub(crate) async fn peer_aside(&self) -> Peer {
        let (broker, (send, receive)) = (self.broker.clone(), tokio::sync::oneshot::channel());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(listener.local_addr().unwrap()).unwrap();
                broker.serve(listener, CancellationToken::new()).await;
            });
        });
        self.connected(TcpStream::connect(receive.await.unwrap()).await.unwrap()).await
    }

    /// A client that has said nothing yet.
    pub(crate) async fn stranger(&self) -> Peer {
        Peer { socket: TcpStream::connect(self.address).await.unwrap(), buffer: BytesMut::new() }
    }

    async fn connected(&self, socket: TcpStream) -> Peer {
        let mut peer = Peer { socket, buffer: BytesMut::new() };
        let connect = CommandConnect {
            client_version: "test".to_owned(),
            protocol_version: Some(21),
            ..CommandConnect::default()
        };
        let answer = peer.ask(&Command::Connect(connect)).await;
        assert!(matches!(answer, Command::Connected(_)), "{answer:?}");
        peer
    }
}

pub(crate) struct Peer {
    socket: TcpStream,
    buffer: BytesMut,
}

impl Peer {
    pub(crate) async fn say(&mut self, command: &Command) {
        let mut out = BytesMut::new();
        frame::encode(command, &mut out);
        self.say_raw(&out).await;
    }

    pub(crate) async fn say_raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    /// The next frame that is not a ping; none if the broker hung up.
    pub(crate) async fn hears(&mut self) -> Option<Frame> {
        let decoder = Decoder::new(hexalpes_wire::DEFAULT_MAX_MESSAGE_BYTES);
        let wait = async {
            loop {
                match decoder.decode(&mut self.buffer).unwrap() {
                    Some(frame) if matches!(frame.command, Command::Ping(_)) => {}
                    Some(frame) => return Some(frame),
                    None => match self.socket.read_buf(&mut self.buffer).await {
                        Ok(0) | Err(_) => return None,
                        Ok(_) => {}
                    },
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("the broker says something in time")
    }

    pub(crate) async fn ask(&mut self, command: &Command) -> Command {
        self.say(command).await;
        self.answer().await
    }

    pub(crate) async fn open_producer(&mut self, topic: &str, name: Option<&str>) -> Command {
        let producer = CommandProducer {
            topic: topic.to_owned(),
            producer_id: 1,
            request_id: 10,
            producer_name: name.map(str::to_owned),
            ..CommandProducer::default()
        };
        self.ask(&Command::Producer(Box::new(producer))).await
    }

    pub(crate) async fn subscribe(&mut self, topic: &str, kind: SubType) -> Command {
        self.subscribe_as(topic, "sub", kind).await
    }

    pub(crate) async fn subscribe_as(&mut self, topic: &str, subscription: &str, kind: SubType) -> Command {
        let subscribe = CommandSubscribe {
            topic: topic.to_owned(),
            subscription: subscription.to_owned(),
            sub_type: kind.into(),
            consumer_id: 5,
            request_id: 11,
            initial_position: Some(1),
            ..CommandSubscribe::default()
        };
        self.ask(&Command::Subscribe(Box::new(subscribe))).await
    }

    pub(crate) async fn flow(&mut self, permits: u32) {
        self.say(&Command::Flow(CommandFlow { consumer_id: 5, message_permits: permits })).await;
    }

    /// Sends a message of producer `p` and takes the answer.
    pub(crate) async fn send(&mut self, sequence_id: u64, body: &str) -> Command {
        self.send_payload(sequence_id, &payload(sequence_id, body)).await
    }

    /// As [`Peer::send`], but for a broker that may be gone, or go.
    pub(crate) async fn try_send(&mut self, sequence_id: u64, body: &str) -> Option<Command> {
        let send = CommandSend { producer_id: 1, sequence_id, ..CommandSend::default() };
        let mut out = BytesMut::new();
        frame::encode_with_payload(&Command::Send(send), &payload(sequence_id, body), &mut out);
        self.socket.write_all(&out).await.ok()?;
        Some(self.hears().await?.command)
    }

    pub(crate) async fn send_payload(&mut self, sequence_id: u64, raw: &[u8]) -> Command {
        self.say_send(sequence_id, raw).await;
        self.answer().await
    }

    /// Sends without taking the answer.
    pub(crate) async fn say_send(&mut self, sequence_id: u64, raw: &[u8]) {
        let send = CommandSend { producer_id: 1, sequence_id, ..CommandSend::default() };
        let mut out = BytesMut::new();
        frame::encode_with_payload(&Command::Send(send), raw, &mut out);
        self.say_raw(&out).await;
    }

    pub(crate) async fn answer(&mut self) -> Command {
        self.hears().await.expect("the broker answers").command
    }

    /// The next message: its id, how often it was given back, and its body.
    pub(crate) async fn message(&mut self) -> (MessageId, u32, String) {
        let Frame { command, payload } = self.hears().await.expect("a message comes");
        let Command::Message(message) = command else { panic!("{command:?} is no message") };
        let body = String::from_utf8(payload.open().unwrap().1.to_vec()).unwrap();
        ((&message.message_id).into(), message.redelivery_count(), body)
    }
}

pub(crate) fn payload(sequence_id: u64, body: &str) -> Vec<u8> {
    let metadata = MessageMetadata {
        producer_name: "p".to_owned(),
        sequence_id,
        publish_time: 1000 + sequence_id,
        ..MessageMetadata::default()
    };
    Payload::new(&metadata, body.as_bytes()).into_raw().to_vec()
}

pub(crate) fn ack(id: MessageId) -> Command {
    Command::Ack(CommandAck {
        consumer_id: 5,
        message_id: vec![id.into()],
        request_id: Some(12),
        ..CommandAck::default()
    })
}

/// Waits for a fact that the broker brings about by itself.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        let mut again = tokio::time::interval(Duration::from_millis(5));
        while !is_so() {
            again.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("it is so in time");
}
