//! Turns acks of messages into acks of entries, which is what a broker stores.

use std::collections::{BTreeMap, VecDeque};

use hexalpes_wire::MessageId;
use hexalpes_wire::proto::{AckType, CommandAck, MessageIdData};

use super::batches::Unacked;
use crate::error::ConsumeError;

/// Entries of several messages or chunks that may be known at a time; beyond, the oldest is forgotten.
/// Who never acks gets here, and loses nothing by it.
const ENTRIES_MAX: usize = 20_000;
/// Acks kept while there is no connection; beyond, the oldest is dropped and its message comes again.
const KEPT_MAX: usize = 20_000;

/// What this consumer received and has not acked, as far as it takes more than one ack.
#[derive(Debug)]
pub(super) struct Acks {
    by_batch_index: bool,
    batches: BTreeMap<MessageId, Unacked>,
    /// The chunks before the last one, by the last one's id, which is the message's.
    chunks: BTreeMap<MessageId, Vec<MessageId>>,
    kept: VecDeque<CommandAck>,
}

impl Acks {
    pub(super) fn new(by_batch_index: bool) -> Self {
        Self { by_batch_index, batches: BTreeMap::new(), chunks: BTreeMap::new(), kept: VecDeque::new() }
    }

    /// A batch arrived (again). Gives what of it is not acked, by what either end knows.
    pub(super) fn batch_arrived(&mut self, entry: MessageId, size: u32, ack_set: &[i64]) -> Unacked {
        let unacked = self.batches.entry(entry).or_insert_with(|| Unacked::all(size));
        if unacked.size() != size {
            *unacked = Unacked::all(size);
        }
        unacked.intersect(ack_set);
        let unacked = unacked.clone();
        forget_oldest(&mut self.batches);
        unacked
    }

    pub(super) fn chunked_arrived(&mut self, last: MessageId, before: Vec<MessageId>) {
        self.chunks.insert(last, before);
        forget_oldest(&mut self.chunks);
    }

    /// The ack that one acked message makes due, if any.
    pub(super) fn individual(&mut self, id: MessageId) -> Result<Option<CommandAck>, ConsumeError> {
        let entry = id.whole_entry();
        let Some(index) = id.batch_index else {
            let mut ids: Vec<MessageIdData> =
                self.chunks.remove(&entry).into_iter().flatten().map(Into::into).collect();
            ids.push(entry.into());
            return Ok(Some(ack(AckType::Individual, ids)));
        };
        let unacked = self.batches.get_mut(&entry).ok_or(ConsumeError::UnknownBatch { id })?;
        unacked.ack(index);
        if unacked.is_empty() {
            self.batches.remove(&entry);
            return Ok(Some(ack(AckType::Individual, vec![entry.into()])));
        }
        let partial = partial(entry, unacked);
        Ok(self.by_batch_index.then(|| ack(AckType::Individual, vec![partial])))
    }

    /// As [`individual`](Self::individual), for a message and all before it.
    pub(super) fn cumulative(&mut self, id: MessageId) -> Result<Option<CommandAck>, ConsumeError> {
        let entry = id.whole_entry();
        let (place, entry_done) = match id.batch_index {
            None => (entry.into(), true),
            Some(index) => {
                let unacked = self.batches.get_mut(&entry).ok_or(ConsumeError::UnknownBatch { id })?;
                unacked.ack_through(index);
                match (unacked.is_empty(), self.by_batch_index) {
                    (true, _) => (entry.into(), true),
                    (false, true) => (partial(entry, unacked), false),
                    // All of the entries before; this one when it is done.
                    (false, false) => {
                        (MessageId { entry: entry.entry.wrapping_sub(1), ..entry }.into(), false)
                    }
                }
            }
        };
        let open = |known: &MessageId| *known > entry || (*known == entry && !entry_done);
        self.batches.retain(|known, _| open(known));
        self.chunks.retain(|known, _| open(known));
        Ok(Some(ack(AckType::Cumulative, vec![place])))
    }

    /// The entries that make up a message: more than one if it came in chunks.
    pub(super) fn entries_of(&self, id: MessageId) -> Vec<MessageId> {
        let before = self.chunks.get(&id).cloned().unwrap_or_default();
        before.into_iter().chain([id]).collect()
    }

    /// Keeps an ack until there is a connection again.
    pub(super) fn keep(&mut self, ack: CommandAck) {
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(ack);
    }

    pub(super) fn take_kept(&mut self) -> VecDeque<CommandAck> {
        std::mem::take(&mut self.kept)
    }

    /// After a seek, nothing counts as acked.
    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.chunks.clear();
        self.kept.clear();
    }
}

fn forget_oldest<T>(known: &mut BTreeMap<MessageId, T>) {
    if known.len() > ENTRIES_MAX {
        known.pop_first();
    }
}

fn partial(entry: MessageId, unacked: &Unacked) -> MessageIdData {
    MessageIdData {
        ack_set: unacked.on_the_wire(),
        batch_size: i32::try_from(unacked.size()).ok(),
        ..entry.into()
    }
}

fn ack(ack_type: AckType, message_id: Vec<MessageIdData>) -> CommandAck {
    CommandAck { ack_type: ack_type.into(), message_id, ..CommandAck::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;

    const ENTRY: MessageId = MessageId::new(5, 7);

    fn holding_a_batch_of_three(by_batch_index: bool) -> Acks {
        let mut acks = Acks::new(by_batch_index);
        acks.batch_arrived(ENTRY, 3, &[]);
        acks
    }

    fn only_id(ack: Option<CommandAck>) -> MessageIdData {
        ack.unwrap().message_id.pop().unwrap()
    }

    #[test]
    fn a_batch_is_acked_when_its_last_message_is() {
        let mut acks = holding_a_batch_of_three(false);
        assert_eq!(acks.individual(ENTRY.in_batch(2)).unwrap(), None);
        assert_eq!(acks.individual(ENTRY.in_batch(0)).unwrap(), None);
        assert_eq!(only_id(acks.individual(ENTRY.in_batch(1)).unwrap()), ENTRY.into());
    }

    #[test]
    fn a_message_in_a_batch_is_acked_by_its_bit() {
        let mut acks = holding_a_batch_of_three(true);
        let id = only_id(acks.individual(ENTRY.in_batch(1)).unwrap());
        assert_eq!((id.ack_set, id.batch_size), (vec![0b101], Some(3)));
    }

    #[test]
    fn a_cumulative_ack_inside_a_batch_stops_before_the_batch_where_bits_do_not_count() {
        let mut acks = holding_a_batch_of_three(false);
        let id = only_id(acks.cumulative(ENTRY.in_batch(1)).unwrap());
        assert_eq!((id.ledger_id, id.entry_id, id.ack_set), (5, 6, vec![]));
        let id = only_id(acks.cumulative(ENTRY.in_batch(2)).unwrap());
        assert_eq!(id, ENTRY.into());
    }

    #[test]
    fn a_cumulative_ack_inside_a_batch_leaves_the_bits_after_it() {
        let mut acks = holding_a_batch_of_three(true);
        let id = only_id(acks.cumulative(ENTRY.in_batch(1)).unwrap());
        assert_eq!((id.entry_id, id.ack_set), (7, vec![0b100]));
        assert_eq!(only_id(acks.individual(ENTRY.in_batch(2)).unwrap()), ENTRY.into());
    }

    #[test]
    fn a_batch_that_comes_again_comes_without_what_was_acked() {
        let mut acks = holding_a_batch_of_three(false);
        acks.individual(ENTRY.in_batch(0)).unwrap();
        let unacked = acks.batch_arrived(ENTRY, 3, &[0b011]);
        assert_eq!([0, 1, 2].map(|index| unacked.contains(index)), [false, true, false]);
    }

    #[test]
    fn a_chunked_message_is_acked_with_all_its_chunks() {
        let mut acks = Acks::new(true);
        let before = vec![MessageId::new(5, 5), MessageId::new(5, 6)];
        acks.chunked_arrived(ENTRY, before.clone());
        let ids = acks.individual(ENTRY).unwrap().unwrap().message_id;
        assert_eq!(ids.iter().map(MessageId::from).collect::<Vec<_>>(), [&before[..], &[ENTRY]].concat());
    }

    #[test]
    fn a_message_of_a_batch_that_is_not_held_cannot_be_acked() {
        let error = Acks::new(true).individual(ENTRY.in_batch(0)).unwrap_err();
        assert!(matches!(error, ConsumeError::UnknownBatch { .. }));
    }
}
