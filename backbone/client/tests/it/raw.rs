//! A client that says exactly what it is told, to either engine: for what our own client does not say.

use bytes::BytesMut;
use hexalpes_wire::{
    MessageId,
    frame::{self, Decoder, Frame, Payload},
    proto::{
        AckType, Command, CommandAck, CommandConnect, CommandConnected, CommandFlow, CommandLookupTopic,
        CommandMessage, CommandProducer, CommandSend, CommandSubscribe, MessageMetadata, ServerError,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::engine::{DEADLINE, Engine};

pub(crate) struct Peer {
    socket: TcpStream,
    buffer: BytesMut,
    pub(crate) connected: CommandConnected,
}

impl Peer {
    pub(crate) async fn connect(engine: &Engine) -> Self {
        let address = engine.url.strip_prefix("pulsar://").unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let mut peer = Self { socket, buffer: BytesMut::new(), connected: CommandConnected::default() };
        let connect = CommandConnect {
            client_version: "test".to_owned(),
            protocol_version: Some(21),
            ..CommandConnect::default()
        };
        let answer = peer.ask(&Command::Connect(connect)).await;
        let Command::Connected(connected) = answer else { panic!("{answer:?}") };
        Self { connected, ..peer }
    }

    pub(crate) async fn say(&mut self, command: &Command) {
        let mut out = BytesMut::new();
        frame::encode(command, &mut out);
        self.socket.write_all(&out).await.unwrap();
    }

    /// The next frame that is neither a ping nor a notice of who is active.
    pub(crate) async fn hears(&mut self) -> Frame {
        let decoder = Decoder::new(hexalpes_wire::DEFAULT_MAX_MESSAGE_BYTES);
        let wait = async {
            loop {
                match decoder.decode(&mut self.buffer).unwrap() {
                    Some(Frame { command: Command::Ping(_) | Command::ActiveConsumerChange(_), .. }) => {}
                    Some(frame) => return frame,
                    None => {
                        assert_ne!(self.socket.read_buf(&mut self.buffer).await.unwrap(), 0, "hung up on");
                    }
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("the broker says something in time")
    }

    /// What opens a topic looks it up first, as clients do: until somebody has, a real Pulsar serves it nowhere.
    pub(crate) async fn ask(&mut self, command: &Command) -> Command {
        let topic = match command {
            Command::Producer(producer) => Some(&producer.topic),
            Command::Subscribe(subscribe) => Some(&subscribe.topic),
            _ => None,
        };
        if let Some(topic) = topic {
            let lookup =
                CommandLookupTopic { topic: topic.clone(), request_id: 1, ..CommandLookupTopic::default() };
            self.say(&Command::Lookup(lookup)).await;
            assert!(matches!(self.hears().await.command, Command::LookupResponse(_)));
        }
        self.say(command).await;
        self.hears().await.command
    }

    /// Opens producer 1.
    pub(crate) async fn produce(&mut self, topic: &str) {
        let producer = CommandProducer {
            topic: topic.to_owned(),
            producer_id: 1,
            request_id: 10,
            ..CommandProducer::default()
        };
        let answer = self.ask(&Command::Producer(Box::new(producer))).await;
        assert!(matches!(answer, Command::ProducerSuccess(_)), "{answer:?}");
    }

    /// Sends by producer 1, with what the metadata says beside names; gives back the answer.
    pub(crate) async fn send(&mut self, metadata: MessageMetadata, body: &str) -> Command {
        let metadata = MessageMetadata { producer_name: "raw".to_owned(), ..metadata };
        let send = CommandSend {
            producer_id: 1,
            sequence_id: metadata.sequence_id,
            num_messages: metadata.num_messages_in_batch,
            ..CommandSend::default()
        };
        let raw = Payload::new(&metadata, body.as_bytes()).into_raw();
        let mut out = BytesMut::new();
        frame::encode_with_payload(&Command::Send(send), &raw, &mut out);
        self.socket.write_all(&out).await.unwrap();
        self.hears().await.command
    }

    /// Subscribes as consumer 5 and asks for a hundred messages; to `sub`, if no subscription is named.
    pub(crate) async fn subscribe(&mut self, topic: &str, asked: CommandSubscribe) {
        let named = Some(&asked.subscription).filter(|name| !name.is_empty()).cloned();
        let subscribe = CommandSubscribe {
            topic: topic.to_owned(),
            subscription: named.unwrap_or_else(|| "sub".to_owned()),
            consumer_id: 5,
            request_id: 11,
            ..asked
        };
        // As clients do, again while the broker is not ready: a real Pulsar moves a cursor behind its answers.
        let subscribing = async {
            loop {
                match self.ask(&Command::Subscribe(Box::new(subscribe.clone()))).await {
                    Command::Error(refused) if refused.error() == ServerError::ServiceNotReady => {}
                    answer => return answer,
                }
            }
        };
        let answer = tokio::time::timeout(DEADLINE, subscribing).await.expect("it is ready in time");
        assert_eq!(answer, Command::success(11));
        self.say(&Command::Flow(CommandFlow { consumer_id: 5, message_permits: 100 })).await;
    }

    /// Acks what consumer 5 has, up to this message.
    pub(crate) async fn ack_cumulative(&mut self, id: MessageId) {
        let ack = CommandAck {
            consumer_id: 5,
            ack_type: AckType::Cumulative.into(),
            message_id: vec![id.into()],
            request_id: Some(13),
            ..CommandAck::default()
        };
        let answer = self.ask(&Command::Ack(ack)).await;
        assert!(matches!(answer, Command::AckResponse(_)), "{answer:?}");
    }

    /// The next message and its body.
    pub(crate) async fn message(&mut self) -> (CommandMessage, String) {
        let Frame { command, payload } = self.hears().await;
        let Command::Message(message) = command else { panic!("{command:?} is no message") };
        let body = String::from_utf8(payload.open().unwrap().1.to_vec()).unwrap();
        (message, body)
    }
}

/// The machine's time, as brokers compare messages with it.
pub(crate) fn now_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "what a client stamps its messages with")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.unwrap().as_millis()).unwrap()
}
