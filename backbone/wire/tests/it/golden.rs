//! Bytes written down by hand from the protocol's description.

use bytes::{Bytes, BytesMut};
use hexalpes_wire::DEFAULT_MAX_MESSAGE_BYTES;
use hexalpes_wire::frame::{self, Checksum, Decoder, Frame, FrameError, Payload};
use hexalpes_wire::proto::{
    AckType, BrokerEntryMetadata, Command, CommandAck, CommandSend, CommandType, MessageIdData,
    MessageMetadata, ServerError,
};

const PING: &[u8] = &[0, 0, 0, 9, 0, 0, 0, 5, 0x08, 18, 0x92, 0x01, 0];

/// SEND of `hi` by producer 3 (`p`), sequence id 7, published at 1000.
const SEND: &[u8] = &[
    0, 0, 0, 32, // total
    0, 0, 0, 8, // command
    0x08, 6, 0x32, 4, 0x08, 3, 0x10, 7, //
    0x0e, 0x01, 0x90, 0xbb, 0x0e, 0x5a, // checksum
    0, 0, 0, 8, // metadata
    0x0a, 1, b'p', 0x10, 7, 0x18, 0xe8, 0x07, //
    b'h', b'i',
];

fn metadata() -> MessageMetadata {
    MessageMetadata {
        producer_name: "p".to_owned(),
        sequence_id: 7,
        publish_time: 1000,
        ..MessageMetadata::default()
    }
}

fn send() -> Command {
    Command::Send(CommandSend { producer_id: 3, sequence_id: 7, ..CommandSend::default() })
}

fn encoded(command: &Command) -> BytesMut {
    let mut out = BytesMut::new();
    frame::encode(command, &mut out);
    out
}

fn decoded(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    Decoder::new(DEFAULT_MAX_MESSAGE_BYTES).decode(&mut BytesMut::from(bytes))
}

#[test]
fn ping_is_thirteen_bytes() {
    assert_eq!(encoded(&Command::ping()), PING);
    assert_eq!(decoded(PING).unwrap().unwrap().command, Command::ping());
}

#[test]
fn a_ping_without_its_empty_field_is_a_ping() {
    let frame = decoded(&[0, 0, 0, 6, 0, 0, 0, 2, 0x08, 18]).unwrap().unwrap();
    assert_eq!(frame.command, Command::ping());
}

#[test]
fn send_carries_checksum_metadata_and_body() {
    let mut out = BytesMut::new();
    frame::encode_message(&send(), &metadata(), b"hi", &mut out);
    assert_eq!(out, SEND);

    let frame = decoded(SEND).unwrap().unwrap();
    assert_eq!(frame.command, send());
    assert_eq!(frame.payload.checksum(), Checksum::Valid);
    assert_eq!(frame.payload.open().unwrap(), (metadata(), Bytes::from_static(b"hi")));
    assert_eq!(frame.payload.peek().unwrap().sequence_id, 7);
}

#[test]
fn a_payload_that_was_kept_is_sent_again_byte_by_byte() {
    let kept = Payload::new(&metadata(), b"hi");
    let mut out = BytesMut::new();
    frame::encode_with_payload(&send(), kept.raw(), &mut out);
    assert_eq!(out, SEND);
    assert_eq!(kept.raw(), &SEND[16..]);
}

#[test]
fn a_send_whose_checksum_does_not_hold_still_yields_its_command() {
    let mut bytes = SEND.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let frame = decoded(&bytes).unwrap().unwrap();
    assert_eq!(frame.command, send());
    assert!(matches!(frame.payload.checksum(), Checksum::Wrong { .. }));
}

#[test]
fn a_send_without_a_checksum_says_so_and_can_be_read() {
    let mut bytes = vec![0, 0, 0, 26];
    bytes.extend_from_slice(&SEND[4..16]);
    bytes.extend_from_slice(&SEND[22..]);
    let frame = decoded(&bytes).unwrap().unwrap();
    assert_eq!(frame.payload.checksum(), Checksum::Missing);
    assert_eq!(frame.payload.open().unwrap().1, Bytes::from_static(b"hi"));
}

#[test]
fn a_delivery_carries_what_the_broker_adds_in_front_of_what_was_stored() {
    let entry = BrokerEntryMetadata { broker_timestamp: None, index: Some(41) };
    let mut out = BytesMut::new();
    frame::encode_delivery(&send(), &entry, &SEND[16..], &mut out);
    assert_eq!(out[16..24], [0x0e, 0x02, 0, 0, 0, 2, 0x10, 41]);
    let payload = decoded(&out).unwrap().unwrap().payload;
    assert_eq!(payload.broker_entry(), Ok(Some(entry)));
    assert_eq!(payload.checksum(), Checksum::Valid);
    assert_eq!(payload.open().unwrap().0, metadata());
}

#[test]
fn the_words_of_an_ack_set_are_not_packed() {
    let id = MessageIdData { ledger_id: 1, entry_id: 2, ack_set: vec![-1, 5], ..MessageIdData::default() };
    let ack = Command::Ack(CommandAck {
        consumer_id: 4,
        ack_type: AckType::Individual.into(),
        message_id: vec![id],
        ..CommandAck::default()
    });
    let mut expected = vec![0x08, 10, 0x52, 23, 0x08, 4, 0x10, 0, 0x1a, 17, 0x08, 1, 0x10, 2, 0x28];
    expected.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x28, 5]);
    assert_eq!(encoded(&ack)[8..], expected);
}

#[test]
fn what_is_absent_reads_as_the_protocol_says() {
    let id = MessageIdData::default();
    assert_eq!((id.partition(), id.batch_index()), (-1, -1));
    assert_eq!(metadata().num_messages_in_batch(), 1);
    assert_eq!(metadata().num_messages_in_batch, None);
}

#[test]
fn a_frame_over_the_limit_is_refused_before_it_has_arrived() {
    let error = Decoder::new(100).decode(&mut BytesMut::from(&[0xff; 4][..])).unwrap_err();
    assert_eq!(error, FrameError::TooLarge { bytes: 0xffff_ffff, max_bytes: 100 + 10 * 1024 });
}

#[test]
fn an_unknown_command_is_named_by_its_number() {
    let error = decoded(&[0, 0, 0, 6, 0, 0, 0, 2, 0x08, 99]).unwrap_err();
    assert_eq!(error, FrameError::UnknownCommand { number: 99 });
}

#[test]
fn a_command_without_its_field_or_with_another_is_refused() {
    let error = decoded(&[0, 0, 0, 6, 0, 0, 0, 2, 0x08, 6]).unwrap_err();
    assert_eq!(error, FrameError::MissingBody { kind: CommandType::Send });
    let error = decoded(&[0, 0, 0, 9, 0, 0, 0, 5, 0x08, 6, 0x92, 0x01, 0]).unwrap_err();
    assert_eq!(error, FrameError::ForeignBody { kind: CommandType::Send, field: CommandType::Ping });
}

#[test]
fn a_frame_shorter_than_its_command_is_refused() {
    let error = decoded(&[0, 0, 0, 5, 0, 0, 0, 9, 0x08]).unwrap_err();
    assert_eq!(error, FrameError::TooShort { bytes: 5, command_bytes: 9 });
    assert!(matches!(decoded(&[0, 0, 0, 0]), Err(FrameError::TooShort { .. })));
}

#[test]
fn answers_carry_the_request_they_answer() {
    assert_eq!(Command::error(9, ServerError::NotAllowedError, "not yet").request_id(), Some(9));
    assert_eq!(Command::success(8).request_id(), Some(8));
    assert_eq!(Command::send_error(1, 2, ServerError::ChecksumError, "").request_id(), None);
}

#[test]
fn credentials_do_not_show_in_debug_output() {
    use hexalpes_wire::proto::{AuthData, CommandConnect};
    let secret = Some(Bytes::from_static(b"hush"));
    let connect = CommandConnect { auth_data: secret.clone(), ..CommandConnect::default() };
    let data = AuthData { auth_data: secret, ..AuthData::default() };
    let shown = format!("{connect:?} {data:?}");
    assert!(!shown.contains("hush") && !shown.contains("auth_data"), "{shown}");
}
