//! Puts chunked messages together.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hexalpes_wire::MessageId;
use hexalpes_wire::proto::MessageMetadata;

/// Chunked messages of which not all chunks have arrived, oldest first.
#[derive(Debug)]
pub(super) struct Chunks {
    incomplete: VecDeque<Incomplete>,
    max_incomplete: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Incomplete {
    uuid: String,
    next: i32,
    body: BytesMut,
    ids: Vec<MessageId>,
}

/// What became of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// More are to come.
    Taken,
    /// It was the last: the body, and the ids of the chunks before.
    Complete(Bytes, Vec<MessageId>),
    /// It belongs to nothing that can be completed, as little as these.
    Misplaced(Vec<MessageId>),
}

impl Chunks {
    pub(super) const fn new(max_incomplete: usize, max_bytes: usize) -> Self {
        Self { incomplete: VecDeque::new(), max_incomplete, max_bytes }
    }

    /// Whether an entry is a chunk: it has a name and a place, and there is more than one.
    pub(super) fn is_chunk(metadata: &MessageMetadata) -> bool {
        metadata.uuid.is_some() && metadata.chunk_id.is_some() && metadata.num_chunks_from_msg() > 1
    }

    pub(super) fn take(&mut self, id: MessageId, metadata: &MessageMetadata, part: &Bytes) -> Chunk {
        let (uuid, chunk_id) = (metadata.uuid(), metadata.chunk_id());
        let known = self.incomplete.iter().position(|message| message.uuid == uuid);
        let mut message = match known.and_then(|at| self.incomplete.remove(at)) {
            Some(message) if message.next == chunk_id => message,
            // The same chunk again, as after a resend: it is part of what is known already.
            Some(mut message) if chunk_id > 0 && chunk_id < message.next => {
                message.ids.push(id);
                self.incomplete.push_back(message);
                return Chunk::Taken;
            }
            other if chunk_id == 0 => {
                let ids = other.map(|message| message.ids).unwrap_or_default();
                Incomplete { uuid: uuid.to_owned(), next: 0, body: BytesMut::new(), ids }
            }
            other => {
                let mut ids = other.map(|message| message.ids).unwrap_or_default();
                ids.push(id);
                return Chunk::Misplaced(ids);
            }
        };
        if message.body.len() + part.len() > self.max_bytes {
            message.ids.push(id);
            return Chunk::Misplaced(message.ids);
        }
        message.body.extend_from_slice(part);
        message.next += 1;
        if message.next == metadata.num_chunks_from_msg() {
            return Chunk::Complete(message.body.freeze(), message.ids);
        }
        message.ids.push(id);
        self.incomplete.push_back(message);
        if self.incomplete.len() > self.max_incomplete
            && let Some(oldest) = self.incomplete.pop_front()
        {
            return Chunk::Misplaced(oldest.ids);
        }
        Chunk::Taken
    }

    pub(super) fn clear(&mut self) {
        self.incomplete.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(uuid: &str, chunk_id: i32) -> MessageMetadata {
        MessageMetadata {
            uuid: Some(uuid.to_owned()),
            chunk_id: Some(chunk_id),
            num_chunks_from_msg: Some(3),
            ..MessageMetadata::default()
        }
    }

    fn take(chunks: &mut Chunks, uuid: &str, entry: u64, chunk_id: i32, part: &'static str) -> Chunk {
        chunks.take(MessageId::new(0, entry), &chunk(uuid, chunk_id), &Bytes::from_static(part.as_bytes()))
    }

    fn ids(entries: &[u64]) -> Vec<MessageId> {
        entries.iter().map(|entry| MessageId::new(0, *entry)).collect()
    }

    #[test]
    fn chunks_of_two_messages_may_alternate() {
        let mut chunks = Chunks::new(10, 100);
        for (entry, chunk_id) in [(0, 0), (2, 1)] {
            assert_eq!(take(&mut chunks, "a", entry, chunk_id, "a"), Chunk::Taken);
            assert_eq!(take(&mut chunks, "b", entry + 1, chunk_id, "b"), Chunk::Taken);
        }
        assert_eq!(take(&mut chunks, "b", 5, 2, "B"), Chunk::Complete(Bytes::from("bbB"), ids(&[1, 3])));
        assert_eq!(take(&mut chunks, "a", 4, 2, "A"), Chunk::Complete(Bytes::from("aaA"), ids(&[0, 2])));
    }

    #[test]
    fn a_chunk_that_was_sent_twice_counts_once_and_is_acked_twice() {
        let mut chunks = Chunks::new(10, 100);
        take(&mut chunks, "a", 0, 0, "x");
        take(&mut chunks, "a", 1, 1, "y");
        assert_eq!(take(&mut chunks, "a", 2, 1, "y"), Chunk::Taken);
        assert_eq!(take(&mut chunks, "a", 3, 2, "z"), Chunk::Complete(Bytes::from("xyz"), ids(&[0, 1, 2])));
    }

    #[test]
    fn a_message_sent_again_from_its_first_chunk_starts_over() {
        let mut chunks = Chunks::new(10, 100);
        take(&mut chunks, "a", 0, 0, "x");
        assert_eq!(take(&mut chunks, "a", 1, 0, "x"), Chunk::Taken);
        take(&mut chunks, "a", 2, 1, "y");
        assert_eq!(take(&mut chunks, "a", 3, 2, "z"), Chunk::Complete(Bytes::from("xyz"), ids(&[0, 1, 2])));
    }

    #[test]
    fn what_cannot_be_completed_is_given_back() {
        let mut chunks = Chunks::new(1, 2);
        assert_eq!(take(&mut chunks, "gap", 0, 1, "x"), Chunk::Misplaced(ids(&[0])));
        take(&mut chunks, "large", 1, 0, "xx");
        assert_eq!(take(&mut chunks, "large", 2, 1, "x"), Chunk::Misplaced(ids(&[1, 2])));
        take(&mut chunks, "old", 3, 0, "x");
        assert_eq!(take(&mut chunks, "new", 4, 0, "x"), Chunk::Misplaced(ids(&[3])));
    }
}
