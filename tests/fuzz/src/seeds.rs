//! What the broker and its clients say to each other, as it lies on the wire.

use bytes::{BufMut, Bytes, BytesMut};
use hexalpes_wire::{
    MessageId, batch,
    compression::{self, Codec},
    frame::{self, Payload},
    proto::{
        Command, CommandAck, CommandConnect, CommandFlow, CommandMessage, CommandProducer, CommandSeek,
        CommandSend, CommandSubscribe, CommandType, KeyValue, MessageMetadata, ServerError,
        SingleMessageMetadata, SubType,
    },
};

fn metadata() -> MessageMetadata {
    MessageMetadata {
        producer_name: "p".to_owned(),
        sequence_id: 7,
        publish_time: 1_700_000_000_000,
        properties: vec![KeyValue { key: "a".to_owned(), value: "b".to_owned() }],
        num_messages_in_batch: Some(2),
        partition_key: Some("key".to_owned()),
        schema_version: Some(Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 1])),
        deliver_at_time: Some(1_700_000_001_000),
        highest_sequence_id: Some(8),
        ..MessageMetadata::default()
    }
}

/// A command of this number with nothing in it: its type, then its own field, empty.
fn empty(number: u8) -> Vec<u8> {
    let key = (u16::from(number) << 3) | 2;
    let (low, high) = (u8::try_from(key & 0x7f).unwrap(), u8::try_from(key >> 7).unwrap());
    let key = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
    [&[8, number][..], &key, &[0]].concat()
}

pub(crate) fn frames() -> Vec<Vec<u8>> {
    let topic = || "persistent://public/default/orders".to_owned();
    let commands = [
        Command::Connect(CommandConnect {
            client_version: "c".to_owned(),
            protocol_version: Some(21),
            ..Default::default()
        }),
        Command::Producer(Box::new(CommandProducer {
            topic: topic(),
            producer_id: 1,
            request_id: 2,
            ..Default::default()
        })),
        Command::Subscribe(Box::new(CommandSubscribe {
            topic: topic(),
            subscription: "s".to_owned(),
            sub_type: SubType::KeyShared.into(),
            start_message_id: Some(MessageId::EARLIEST.into()),
            ..Default::default()
        })),
        Command::Ack(CommandAck { message_id: vec![MessageId::new(1, 2).into()], ..Default::default() }),
        Command::Flow(CommandFlow { consumer_id: 1, message_permits: 1000 }),
        Command::Seek(CommandSeek { message_publish_time: Some(7), ..Default::default() }),
        Command::error(7, ServerError::TopicNotFound, "there is no topic".to_owned()),
        Command::send_receipt(1, 2, 2, MessageId::new(3, 4)),
    ];
    let one = |command: &Command| {
        let mut out = BytesMut::new();
        frame::encode(command, &mut out);
        out
    };
    let raw = Payload::new(&metadata(), b"body").into_raw();
    let mut with_payload = one(&commands[4]);
    let send = CommandSend { producer_id: 1, sequence_id: 7, ..Default::default() };
    frame::encode_with_payload(&Command::Send(send), &raw, &mut with_payload);
    let message = CommandMessage { message_id: MessageId::new(1, 2).into(), ..Default::default() };
    frame::encode_with_payload(&Command::Message(message), &raw, &mut with_payload);
    let kinds = (0..=u8::MAX).filter(|number| CommandType::try_from(i32::from(*number)).is_ok());
    commands
        .iter()
        .map(|command| one(command).to_vec())
        .chain([with_payload.to_vec()])
        .chain(kinds.map(empty))
        .collect()
}

pub(crate) fn payloads() -> Vec<Vec<u8>> {
    let whole = Payload::new(&metadata(), b"body").into_raw().to_vec();
    let plain = whole[6..].to_vec();
    let entry = [&[0x0e, 0x02, 0, 0, 0, 4, 8, 1, 16, 2][..], &whole].concat();
    vec![whole, plain, entry]
}

pub(crate) fn batches() -> Vec<Vec<u8>> {
    let mut out = BytesMut::new();
    out.put_u32(3);
    for (key, payload) in [("a", "one"), ("b", ""), ("c", "three")] {
        let single = SingleMessageMetadata { partition_key: Some(key.to_owned()), ..Default::default() };
        batch::write(single, payload.as_bytes(), &mut out);
    }
    let mut lying = out.to_vec();
    lying[0] = 0xff;
    vec![out.to_vec(), lying]
}

pub(crate) fn compressions() -> Vec<Vec<u8>> {
    let body = Bytes::from("a body, a body, a body, a body".repeat(10));
    let codecs = [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy];
    (0_u8..)
        .zip(codecs)
        .map(|(number, codec)| {
            let length = u32::try_from(body.len()).unwrap().to_be_bytes();
            [&[number][..], &length, &compression::compress(codec, &body)].concat()
        })
        .collect()
}

pub(crate) fn names() -> Vec<Vec<u8>> {
    let names = [
        "orders",
        "public/default/orders",
        "persistent://public/default/orders",
        "non-persistent://a/b/c",
        "persistent://a/b/c-partition-17",
        "persistent://tenant/cluster/namespace/topic",
        "persistent://a/b/c%2Fd",
        "1:2:-1",
        "1:2:3:4",
        "-1:-1:-1",
    ];
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}
