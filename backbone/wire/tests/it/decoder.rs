//! Laws: what is encoded is decoded, however it is cut; no bytes make the decoder panic.

use bytes::{Bytes, BytesMut};
use hexalpes_wire::batch::{self, BatchReader};
use hexalpes_wire::compression::{self, Codec};
use hexalpes_wire::frame::{self, Checksum, Decoder, Payload};
use hexalpes_wire::proto::{Command, MessageMetadata, SingleMessageMetadata};
use hexalpes_wire::{MessageId, TopicName};
use proptest::prelude::*;

use crate::strategies::{command, message_id, metadata, payload};

const DECODER: Decoder = Decoder::new(1024 * 1024);

fn encode(command: &Command, metadata: &MessageMetadata, body: &[u8], out: &mut BytesMut) {
    match command {
        Command::Send(_) | Command::Message(_) => frame::encode_message(command, metadata, body, out),
        _ => frame::encode(command, out),
    }
}

proptest! {
    #[test]
    fn frames_survive_being_cut_anywhere(
        commands in proptest::collection::vec((command(), metadata(), payload()), 1..5),
        cuts in proptest::collection::vec(1..40usize, 1..20),
    ) {
        let mut stream = BytesMut::new();
        for (command, metadata, body) in &commands {
            encode(command, metadata, body, &mut stream);
        }
        let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
        let mut cuts = cuts.iter().cycle();
        while !stream.is_empty() {
            let cut = stream.len().min(*cuts.next().unwrap());
            buffer.extend_from_slice(&stream.split_to(cut));
            while let Some(frame) = DECODER.decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(frames.len(), commands.len());
        for (frame, (command, metadata, body)) in frames.iter().zip(&commands) {
            prop_assert_eq!(&frame.command, command);
            if !frame.payload.is_empty() {
                prop_assert_eq!(frame.payload.checksum(), Checksum::Valid);
                let (opened, rest) = frame.payload.open().unwrap();
                prop_assert_eq!(&opened, metadata);
                prop_assert_eq!(&rest[..], &body[..]);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in payload()) {
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some(frame)) = DECODER.decode(&mut buffer) {
            let _ = (frame.payload.checksum(), frame.payload.open());
        }
        // As the content of one frame, and as the content of one command, most bytes get further.
        let length = u32::try_from(bytes.len()).unwrap();
        for prefix in [vec![length], vec![length + 4, length]] {
            let mut framed = BytesMut::new();
            framed.extend(prefix.iter().flat_map(|n: &u32| n.to_be_bytes()));
            framed.extend_from_slice(&bytes);
            let _ = DECODER.decode(&mut framed);
        }
    }

    #[test]
    fn no_bytes_make_a_payload_or_a_batch_panic(bytes in payload(), count in any::<u32>()) {
        for magic in [&[][..], &[0x0e, 0x01], &[0x0e, 0x02]] {
            let payload = Payload::from_raw([magic, &bytes[..]].concat().into());
            let _ = (payload.checksum(), payload.open(), payload.peek(), payload.broker_entry());
        }
        let _ = BatchReader::new(Bytes::from(bytes.clone()), count).count();
        for codec in [Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy] {
            let _ = compression::decompress(codec, &Bytes::from(bytes.clone()), 1000, 1000);
        }
    }

    #[test]
    fn flipping_any_bit_after_the_checksum_is_noticed(
        metadata in metadata(), body in payload(), at in any::<prop::sample::Index>(), bit in 0..8u8,
    ) {
        let mut raw = Payload::new(&metadata, &body).into_raw().to_vec();
        let at = 6 + at.index(raw.len() - 6);
        raw[at] ^= 1 << bit;
        let damaged = Payload::from_raw(raw.into());
        prop_assert!(matches!(damaged.checksum(), Checksum::Wrong { .. }), "{damaged:?}");
    }

    #[test]
    fn batches_give_back_what_was_written(messages in proptest::collection::vec((".*", payload()), 1..20)) {
        let mut body = BytesMut::new();
        for (key, payload) in &messages {
            let single = SingleMessageMetadata { partition_key: Some(key.clone()), ..Default::default() };
            let before = body.len();
            let bound = batch::encoded_len(&single, payload);
            batch::write(single, payload, &mut body);
            prop_assert!(body.len() - before <= bound);
        }
        let read: Result<Vec<_>, _> =
            BatchReader::new(body.freeze(), u32::try_from(messages.len()).unwrap()).collect();
        let read: Vec<_> = read.unwrap().into_iter().map(|(m, p)| (m.partition_key.unwrap(), p.to_vec())).collect();
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn message_ids_survive_text_and_wire(id in message_id()) {
        prop_assume!(id.ledger.cast_signed() >= -1 && id.entry.cast_signed() >= -1);
        prop_assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
    }

    #[test]
    fn a_canonical_topic_name_is_its_own_canonical_name(name in ".*") {
        if let Ok(topic) = TopicName::parse(&name) {
            prop_assert_eq!(TopicName::parse(&topic.to_string()).unwrap(), topic);
        }
    }
}
