//! What the broker does with commands that it cannot understand, or that nobody should say to it.

use std::time::Duration;

use bytes::BytesMut;
use hexalpes_broker::BrokerOptions;
use hexalpes_wire::{
    DEFAULT_MAX_MESSAGE_BYTES,
    frame::{self, Decoder, FRAME_OVERHEAD_BYTES},
    proto::{
        AckType, Command, CommandAck, CommandConnect, CommandLookupTopic, CommandType, LookupOutcome,
        ServerError, SubType,
    },
};
use tempfile::tempdir;

use crate::peer::{Peer, Running, payload};

const TOPIC: &str = "persistent://public/default/orders";

/// A frame with this command alone.
fn framed(command: &[u8]) -> Vec<u8> {
    let length = u32::try_from(command.len()).unwrap();
    let mut frame = (length + 4).to_be_bytes().to_vec();
    frame.extend(length.to_be_bytes());
    frame.extend(command);
    frame
}

/// The command of this number with nothing in it: type, then its own field, empty.
fn empty(number: u8) -> Vec<u8> {
    let key = (u16::from(number) << 3) | 2;
    let (low, high) = (u8::try_from(key & 0x7f).unwrap(), u8::try_from(key >> 7).unwrap());
    let key = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
    framed(&[&[8, number][..], &key, &[0]].concat())
}

/// Every command there is, with nothing in it.
fn every_command() -> Vec<(Command, Vec<u8>)> {
    let known = (0..=u8::MAX).filter(|number| CommandType::try_from(i32::from(*number)).is_ok());
    let decoded = known.map(|number| {
        let bytes = empty(number);
        let decoder = Decoder::new(DEFAULT_MAX_MESSAGE_BYTES);
        (decoder.decode(&mut BytesMut::from(&bytes[..])).unwrap().unwrap().command, bytes)
    });
    let all: Vec<_> = decoded.collect();
    assert_eq!(all.len(), 58);
    all
}

async fn assert_alive(peer: &mut Peer, after: &Command) {
    assert_eq!(peer.ask(&Command::ping()).await, Command::pong(), "after {:?}", after.kind());
}

#[tokio::test]
async fn every_command_with_a_request_id_is_answered() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    let with_id = every_command().into_iter().filter(|(command, _)| command.request_id().is_some());
    let mut asked = 0;
    for (command, bytes) in with_id {
        peer.say_raw(&bytes).await;
        let answer = peer.answer().await;
        assert_eq!(answer.request_id(), command.request_id(), "{:?} to {:?}", answer, command.kind());
        assert_alive(&mut peer, &command).await;
        asked += 1;
    }
    assert_eq!(asked, 40);
    let mut ack = CommandAck { consumer_id: 9, request_id: Some(3), ..CommandAck::default() };
    ack.ack_type = AckType::Individual.into();
    let answer = peer.ask(&Command::Ack(ack)).await;
    assert_eq!((answer.kind(), answer.request_id()), (CommandType::AckResponse, Some(3)));
    running.stop().await;
}

/// What Pulsar passes over: the producer or consumer may be gone without its client knowing yet.
#[tokio::test]
async fn what_is_said_to_nobody_is_passed_over() {
    const TO_NOBODY: [CommandType; 5] = [
        CommandType::Send,
        CommandType::Ack,
        CommandType::Flow,
        CommandType::RedeliverUnacknowledgedMessages,
        CommandType::Pong,
    ];
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    for (command, bytes) in every_command() {
        if TO_NOBODY.contains(&command.kind()) {
            peer.say_raw(&bytes).await;
            assert_alive(&mut peer, &command).await;
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_command_without_a_request_id_that_no_client_says_closes_its_connection() {
    const SENSELESS: [CommandType; 12] = [
        CommandType::Connect,
        CommandType::Connected,
        CommandType::SendReceipt,
        CommandType::SendError,
        CommandType::Message,
        CommandType::ReachedEndOfTopic,
        CommandType::ActiveConsumerChange,
        CommandType::AuthChallenge,
        CommandType::AuthResponse,
        CommandType::AckResponse,
        CommandType::WatchTopicUpdate,
        CommandType::TopicMigrated,
    ];
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut other = running.peer().await;
    for (command, bytes) in every_command() {
        if SENSELESS.contains(&command.kind()) {
            let mut peer = running.peer().await;
            peer.say_raw(&bytes).await;
            assert_eq!(peer.hears().await, None, "after {:?}", command.kind());
            assert_alive(&mut other, &command).await;
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_closes_its_connection_and_no_other() {
    let unknown = empty(200);
    let undecodable = framed(&[0xff; 8]);
    let too_short = [0, 0, 0, 4, 0, 0, 0, 9].to_vec();
    let too_large = u32::try_from(DEFAULT_MAX_MESSAGE_BYTES + FRAME_OVERHEAD_BYTES + 1).unwrap();
    let too_large = too_large.to_be_bytes().to_vec();
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut other = running.peer().await;
    for bytes in [unknown, undecodable, too_short, too_large] {
        let mut peer = running.peer().await;
        peer.say_raw(&bytes).await;
        assert_eq!(peer.hears().await, None, "after {bytes:?}");
        assert_eq!(other.ask(&Command::ping()).await, Command::pong());
    }
    running.stop().await;
}

#[tokio::test]
async fn anything_before_connect_closes_its_connection() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    for (command, bytes) in every_command() {
        if command.kind() != CommandType::Connect {
            let mut peer = running.stranger().await;
            peer.say_raw(&bytes).await;
            assert_eq!(peer.hears().await, None, "after {:?}", command.kind());
        }
    }
    running.stop().await;
}

/// Its producer is gone with it: another may have the name.
#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_a_frame_leaves_nothing_behind() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    peer.open_producer(TOPIC, Some("p")).await;
    let mut half = BytesMut::new();
    frame::encode(&Command::Connect(CommandConnect::default()), &mut half);
    peer.say_raw(&half[..half.len() - 1]).await;
    drop(peer);
    let mut other = running.peer().await;
    while !matches!(other.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)) {}
    assert!(matches!(other.send(0, "stored").await, Command::SendReceipt(_)));
    running.stop().await;
}

/// One has said nothing, one half its CONNECT, one half of a later frame. Who goes on talking is heard all the
/// while.
#[tokio::test]
async fn whoever_stops_talking_is_hung_up_on_alone() {
    let data = tempdir().unwrap();
    let keep_alive = Duration::from_millis(500);
    let options = |url| BrokerOptions { keep_alive, ..BrokerOptions::new(data.path(), url) };
    let running = Running::open(options).await.unwrap();
    let mut connect = BytesMut::new();
    frame::encode(&Command::Connect(CommandConnect::default()), &mut connect);
    let half = &connect[..connect.len() / 2];
    let (mut mute, mut half_connected, mut connected) =
        (running.stranger().await, running.stranger().await, running.peer().await);
    half_connected.say_raw(half).await;
    connected.say_raw(half).await;
    let mut other = running.peer().await;
    let hung_up = async { tokio::join!(mute.hears(), half_connected.hears(), connected.hears()) };
    let mut hung_up = std::pin::pin!(hung_up);
    let ping = Command::ping();
    let heard = loop {
        tokio::select! {
            heard = &mut hung_up => break heard,
            answer = other.ask(&ping) => assert_eq!(answer, Command::pong()),
        }
    };
    assert_eq!(heard, (None, None, None));
    assert_eq!(other.ask(&Command::ping()).await, Command::pong());
    running.stop().await;
}

#[tokio::test]
async fn a_message_that_is_damaged_is_refused_and_nobody_else_hears_of_it() {
    let mut flipped = payload(1, "flipped");
    *flipped.last_mut().unwrap() ^= 1;
    let cut = payload(1, "cut")[..8].to_vec();
    // Without a checksum: headers that announce more than there is, and such as are no headers.
    let (short, none) = ([0, 0, 1, 0, 7].to_vec(), [0, 0, 0, 2, 0xff, 0xff].to_vec());
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let (mut producer, mut other) = (running.peer().await, running.peer().await);
    producer.open_producer(TOPIC, Some("p")).await;
    other.open_producer(TOPIC, Some("other")).await;
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Exclusive).await, Command::success(11));
    consumer.flow(100).await;
    let (checksum, metadata) = (ServerError::ChecksumError, ServerError::MetadataError);
    let damaged = [(flipped, checksum), (cut, checksum), (short, metadata), (none, metadata)];
    for (sequence_id, (raw, error)) in (0..).zip(damaged) {
        let answer = producer.send_payload(sequence_id, &raw).await;
        let Command::SendError(refusal) = answer else { panic!("{answer:?} to {raw:?}") };
        assert_eq!((refusal.sequence_id, refusal.error()), (sequence_id, error), "{raw:?}");
        for peer in [&mut other, &mut producer] {
            let whole = peer.send(sequence_id, "whole").await;
            assert!(matches!(whole, Command::SendReceipt(_)), "{whole:?}");
            assert_eq!(consumer.message().await.2, "whole");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_answer_when_it_is_asked_is_hung_up_on() {
    let data = tempdir().unwrap();
    let keep_alive = Duration::from_millis(50);
    let options = |url| BrokerOptions { keep_alive, ..BrokerOptions::new(data.path(), url) };
    let running = Running::open(options).await.unwrap();
    let mut peer = running.peer().await;
    assert_eq!(peer.hears().await, None);
    running.stop().await;
}

#[tokio::test]
async fn a_listener_that_the_broker_does_not_have_is_refused() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    let lookup = |listener: &str| {
        Command::Lookup(CommandLookupTopic {
            topic: "persistent://public/default/orders".to_owned(),
            request_id: 5,
            advertised_listener_name: Some(listener.to_owned()),
            ..CommandLookupTopic::default()
        })
    };
    let Command::LookupResponse(refused) = peer.ask(&lookup("outside")).await else { panic!("no answer") };
    assert_eq!((refused.response(), refused.error()), (LookupOutcome::Failed, ServerError::ServiceNotReady));
    assert!(refused.message().contains("outside"), "{refused:?}");
    let Command::LookupResponse(found) = peer.ask(&lookup("")).await else { panic!("no answer") };
    assert_eq!(found.response(), LookupOutcome::Connect);
    running.stop().await;
}
