//! Frames, what is in them, and batches.

use bytes::{Buf, Bytes, BytesMut};
use hexalpes_wire::{
    batch::{self, BatchReader},
    frame::{self, Checksum, Decoder, Frame, FrameError, Payload},
    proto::Command,
};

const DECODER: Decoder = Decoder::new(64 << 10);

/// A stream of frames, as it is and as the command of one frame. It makes no difference where it is cut, and a frame
/// that is encoded again is the same.
pub(crate) fn frame(data: &[u8]) {
    let whole = decoded([data]);
    if let Some((cut, _)) = data.split_first() {
        let (one, other) = data.split_at(usize::from(*cut).min(data.len()));
        assert_eq!(
            decoded([one, other]).map(|frames| bytes_of(&frames)),
            whole.clone().map(|frames| bytes_of(&frames)),
            "cut at {cut}"
        );
    }
    let length = u32::try_from(data.len()).unwrap();
    let framed = [&(length + 4).to_be_bytes()[..], &length.to_be_bytes(), data].concat();
    for frames in [whole, decoded([&framed[..]])] {
        for frame in frames.into_iter().flatten() {
            let encoded = encode(&frame);
            let again = DECODER.decode(&mut BytesMut::from(&encoded[..])).unwrap().expect("it is whole");
            // By bytes, for there are numbers that are not equal to themselves.
            assert_eq!(encode(&again), encoded, "{frame:?}");
            assert_eq!(again.command.kind(), frame.command.kind());
            assert_eq!(again.command.request_id(), frame.command.request_id());
            opened(&again.payload);
        }
    }
}

fn bytes_of(frames: &[Frame]) -> Vec<Bytes> {
    frames.iter().map(encode).collect()
}

fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Frame>, FrameError> {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(frame) = DECODER.decode(&mut buffer)? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

fn encode(frame: &Frame) -> Bytes {
    let mut out = BytesMut::new();
    match &frame.command {
        Command::Send(_) | Command::Message(_) => {
            frame::encode_with_payload(&frame.command, frame.payload.raw(), &mut out);
        }
        command => frame::encode(command, &mut out),
    }
    out.freeze()
}

/// What a producer sends.
pub(crate) fn payload(data: &[u8]) {
    opened(&Payload::from_raw(Bytes::copy_from_slice(data)));
}

fn opened(payload: &Payload) {
    let _ = (payload.checksum(), payload.broker_entry(), payload.peek_key());
    let peek = payload.peek();
    let Ok((metadata, body)) = payload.open() else { return };
    let peek = peek.expect("it knows fewer fields");
    assert_eq!(
        (peek.sequence_id, peek.publish_time, peek.num_messages_in_batch, peek.deliver_at_time),
        (
            metadata.sequence_id,
            metadata.publish_time,
            metadata.num_messages_in_batch,
            metadata.deliver_at_time
        )
    );
    assert_eq!(
        (peek.highest_sequence_id, peek.num_chunks_from_msg, peek.chunk_id),
        (metadata.highest_sequence_id, metadata.num_chunks_from_msg, metadata.chunk_id)
    );
    let again = Payload::new(&metadata, &body);
    assert_eq!(again.checksum(), Checksum::Valid);
    assert_eq!(again.open().unwrap(), (metadata, body));
}

/// How many messages it is said to have, and the batch.
pub(crate) fn batch(data: &[u8]) {
    let mut body = Bytes::copy_from_slice(data);
    let Ok(count) = body.try_get_u32() else { return };
    let messages: Vec<_> = BatchReader::new(body.clone(), count).map_while(Result::ok).collect();
    assert!(messages.len() <= count as usize && messages.len() * 4 <= body.len());
    let mut written = BytesMut::new();
    for (metadata, payload) in &messages {
        let (before, bound) = (written.len(), batch::encoded_len(metadata, payload));
        batch::write(metadata.clone(), payload, &mut written);
        assert!(written.len() - before <= bound);
    }
    let count = u32::try_from(messages.len()).unwrap();
    let again: Vec<_> = BatchReader::new(written.freeze(), count).map(Result::unwrap).collect();
    assert_eq!(again, messages);
}
