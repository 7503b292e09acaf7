//! A client that says exactly what it is told, and blocks.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use bytes::{BufMut, BytesMut};
use hexalpes_wire::{
    DEFAULT_MAX_MESSAGE_BYTES, MessageId, batch,
    frame::{self, Decoder, Frame, Payload},
    proto::{
        AckType, Command, CommandAck, CommandConnect, CommandFlow, CommandGetLastMessageId, CommandProducer,
        CommandSend, CommandSubscribe, InitialPosition, MessageMetadata, SingleMessageMetadata, SubType,
    },
};

/// What keeps a client from going on.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The broker is gone, or says that it cannot: as it should be while something goes wrong.
    Gone(String),
    /// It says what it must never say.
    Wrong(String),
}

/// A broker that says nothing for so long is taken for gone.
const SILENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Peer {
    socket: TcpStream,
    buffer: BytesMut,
    out: BytesMut,
}

/// The one producer and the one consumer that a peer has.
const ID: u64 = 1;
const REQUEST: u64 = 7;

fn gone(error: impl std::fmt::Display) -> Trouble {
    Trouble::Gone(error.to_string())
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Trouble> {
        let socket = TcpStream::connect(address).map_err(gone)?;
        socket.set_read_timeout(Some(SILENCE)).map_err(gone)?;
        socket.set_nodelay(true).map_err(gone)?;
        let mut peer = Self { socket, buffer: BytesMut::new(), out: BytesMut::new() };
        let connect = CommandConnect {
            client_version: "torture".to_owned(),
            protocol_version: Some(21),
            ..CommandConnect::default()
        };
        match peer.ask(&Command::Connect(connect))? {
            Command::Connected(_) => Ok(peer),
            other => Err(Trouble::Wrong(format!("to connect it answers {other:?}"))),
        }
    }

    fn say(&mut self, command: &Command) -> Result<(), Trouble> {
        self.out.clear();
        frame::encode(command, &mut self.out);
        self.socket.write_all(&self.out).map_err(gone)
    }

    /// The next frame that is neither a ping, which is answered, nor about who is active: who is served sees it.
    fn hears(&mut self) -> Result<Frame, Trouble> {
        let decoder = Decoder::new(DEFAULT_MAX_MESSAGE_BYTES);
        let mut piece = [0; 16 << 10];
        loop {
            match decoder.decode(&mut self.buffer).map_err(|error| Trouble::Wrong(error.to_string()))? {
                Some(frame) if matches!(frame.command, Command::Ping(_)) => self.say(&Command::pong())?,
                Some(frame) if matches!(frame.command, Command::ActiveConsumerChange(_)) => {}
                Some(frame) => return Ok(frame),
                None => match self.socket.read(&mut piece).map_err(gone)? {
                    0 => return Err(Trouble::Gone("the broker hung up".to_owned())),
                    read => self.buffer.put_slice(&piece[..read]),
                },
            }
        }
    }

    fn ask(&mut self, command: &Command) -> Result<Command, Trouble> {
        self.say(command)?;
        Ok(self.hears()?.command)
    }

    /// Opens the producer. Gives back the highest sequence id that the topic knows of it, or -1.
    pub(crate) fn open_producer(&mut self, topic: &str, name: &str) -> Result<i64, Trouble> {
        let producer = CommandProducer {
            topic: topic.to_owned(),
            producer_id: ID,
            request_id: REQUEST,
            producer_name: Some(name.to_owned()),
            ..CommandProducer::default()
        };
        match self.ask(&Command::Producer(Box::new(producer)))? {
            Command::ProducerSuccess(success) => Ok(success.last_sequence_id()),
            other => Err(Trouble::Gone(format!("to a producer it answers {other:?}"))),
        }
    }

    /// Sends all of these at once, then takes the receipts one by one.
    pub(crate) fn send(
        &mut self,
        producer: &str,
        messages: &[(u64, Vec<u8>)],
        mut receipt: impl FnMut(u64, Receipt),
    ) -> Result<(), Trouble> {
        self.out.clear();
        for (sequence_id, body) in messages {
            let metadata = MessageMetadata {
                producer_name: producer.to_owned(),
                sequence_id: *sequence_id,
                publish_time: 1000 + sequence_id,
                ..MessageMetadata::default()
            };
            let send = CommandSend { producer_id: ID, sequence_id: *sequence_id, ..CommandSend::default() };
            let raw = Payload::new(&metadata, body).into_raw();
            frame::encode_with_payload(&Command::Send(send), &raw, &mut self.out);
        }
        self.socket.write_all(&self.out).map_err(gone)?;
        for (sequence_id, _) in messages {
            match self.hears()?.command {
                Command::SendReceipt(got) if got.sequence_id == *sequence_id => {
                    let id = got.message_id.as_ref().map(MessageId::from);
                    let stored = id.filter(|id| id.ledger != u64::MAX);
                    receipt(*sequence_id, stored.map_or(Receipt::Duplicate, Receipt::Stored));
                }
                Command::SendReceipt(got) => {
                    let got = got.sequence_id;
                    return Err(Trouble::Wrong(format!("a receipt for {got} where {sequence_id} is next")));
                }
                Command::SendError(error) => return Err(Trouble::Gone(error.message)),
                other => return Err(Trouble::Gone(format!("to a message it answers {other:?}"))),
            }
        }
        Ok(())
    }

    /// Sends so many batches at once, each of so many messages of the same body, and takes their receipts.
    pub(crate) fn send_batches(
        &mut self,
        producer: &str,
        first: u64,
        in_a_batch: u64,
        batches: u64,
        body: &[u8],
    ) -> Result<(), Trouble> {
        let mut batch = BytesMut::new();
        for _ in 0..in_a_batch {
            batch::write(SingleMessageMetadata::default(), body, &mut batch);
        }
        self.out.clear();
        let count = i32::try_from(in_a_batch).expect("a batch is small");
        for sequence_id in (0..batches).map(|n| first + n * in_a_batch) {
            let metadata = MessageMetadata {
                producer_name: producer.to_owned(),
                sequence_id,
                highest_sequence_id: Some(sequence_id + in_a_batch - 1),
                publish_time: 1000,
                num_messages_in_batch: Some(count),
                ..MessageMetadata::default()
            };
            let send = CommandSend {
                producer_id: ID,
                sequence_id,
                num_messages: Some(count),
                highest_sequence_id: metadata.highest_sequence_id,
                ..CommandSend::default()
            };
            let raw = Payload::new(&metadata, &batch).into_raw();
            frame::encode_with_payload(&Command::Send(send), &raw, &mut self.out);
        }
        self.socket.write_all(&self.out).map_err(gone)?;
        for _ in 0..batches {
            match self.hears()?.command {
                Command::SendReceipt(_) => {}
                other => return Err(Trouble::Gone(format!("to a batch it answers {other:?}"))),
            }
        }
        Ok(())
    }

    /// The connection by itself.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.socket
    }

    /// Joins a subscription that stays, from its first message on if it is new.
    pub(crate) fn subscribe(&mut self, topic: &str, subscription: &str) -> Result<(), Trouble> {
        self.join(topic, subscription, true)
    }

    /// Reads a topic from its first message on, and leaves nothing behind.
    pub(crate) fn read(&mut self, topic: &str, name: &str) -> Result<(), Trouble> {
        self.join(topic, name, false)
    }

    fn join(&mut self, topic: &str, subscription: &str, durable: bool) -> Result<(), Trouble> {
        let subscribe = CommandSubscribe {
            topic: topic.to_owned(),
            subscription: subscription.to_owned(),
            // One that was there before may not be gone yet.
            sub_type: if durable { SubType::Failover } else { SubType::Exclusive }.into(),
            consumer_id: ID,
            request_id: REQUEST,
            durable: Some(durable),
            start_message_id: (!durable).then(|| MessageId::EARLIEST.into()),
            initial_position: Some(InitialPosition::Earliest.into()),
            ..CommandSubscribe::default()
        };
        match self.ask(&Command::Subscribe(Box::new(subscribe)))? {
            Command::Success(_) => Ok(()),
            other => Err(Trouble::Gone(format!("to a subscription it answers {other:?}"))),
        }
    }

    pub(crate) fn flow(&mut self, permits: u32) -> Result<(), Trouble> {
        self.say(&Command::Flow(CommandFlow { consumer_id: ID, message_permits: permits }))
    }

    /// The topic's last message; none if it is empty. To be asked before any permits are given.
    pub(crate) fn last_message(&mut self) -> Result<Option<MessageId>, Trouble> {
        let asked = CommandGetLastMessageId { consumer_id: ID, request_id: REQUEST };
        match self.ask(&Command::GetLastMessageId(asked))? {
            Command::GetLastMessageIdResponse(answer) => {
                let id = MessageId::from(&answer.last_message_id);
                Ok((id.ledger != u64::MAX && id.entry != u64::MAX).then_some(id))
            }
            other => Err(Trouble::Gone(format!("for the last message it answers {other:?}"))),
        }
    }

    /// The next message: where it lies, its producer, its sequence id and its body.
    pub(crate) fn message(&mut self) -> Result<(MessageId, String, u64, Vec<u8>), Trouble> {
        let Frame { command, payload } = self.hears()?;
        let Command::Message(message) = command else {
            return Err(Trouble::Gone(format!("instead of a message comes {command:?}")));
        };
        let (metadata, body) = payload.open().map_err(|error| Trouble::Wrong(error.to_string()))?;
        let id = MessageId::from(&message.message_id).whole_entry();
        Ok((id, metadata.producer_name, metadata.sequence_id, body.to_vec()))
    }

    /// Acks everything up to this message, and waits for the answer among the messages that still come.
    pub(crate) fn ack_up_to(&mut self, id: MessageId) -> Result<(), Trouble> {
        let ack = CommandAck {
            consumer_id: ID,
            ack_type: AckType::Cumulative.into(),
            message_id: vec![id.into()],
            request_id: Some(REQUEST),
            ..CommandAck::default()
        };
        self.say(&Command::Ack(ack))?;
        loop {
            if let Command::AckResponse(answer) = self.hears()?.command {
                return match answer.message {
                    None => Ok(()),
                    Some(message) => Err(Trouble::Gone(message)),
                };
            }
        }
    }
}

/// What a receipt says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipt {
    Stored(MessageId),
    /// The topic had it already.
    Duplicate,
}
