//! What of a topic a subscription is through with: a mark up to which everything is acked, the entries
//! acked beyond it, and what is left of batches acked in part.
//!
//! Not here: who got what and when it is delivered again (`Subscription`), and where a cursor is stored.

use std::collections::{BTreeMap, BTreeSet};

use super::Position;

/// Everything up to `mark` is acked. Positions have gaps only the log knows, so the mark moves over what was
/// `seen`: the entries that came by in reading order, without a hole, beginning right behind the mark.
#[derive(Debug, Clone)]
pub struct Cursor {
    mark: Position,
    acked: BTreeSet<Position>,
    /// The bits that are left, without trailing zero words, never empty.
    partial: BTreeMap<Position, Vec<u64>>,
    seen: BTreeSet<Position>,
    changes: u64,
}

/// A cursor as plain data, to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorSnapshot {
    pub mark_delete: Position,
    pub acked: Vec<Position>,
    pub partial: Vec<(Position, Vec<u64>)>,
}

impl Cursor {
    pub const fn at(mark_delete: Position) -> Self {
        Self {
            mark: mark_delete,
            acked: BTreeSet::new(),
            partial: BTreeMap::new(),
            seen: BTreeSet::new(),
            changes: 0,
        }
    }

    pub fn restore(snapshot: CursorSnapshot) -> Self {
        let mut cursor = Self::at(snapshot.mark_delete);
        cursor.acked = snapshot.acked.into_iter().collect();
        cursor.partial = snapshot.partial.into_iter().collect();
        cursor.forget_below_mark();
        cursor
    }

    pub fn snapshot(&self) -> CursorSnapshot {
        CursorSnapshot {
            mark_delete: self.mark,
            acked: self.acked.iter().copied().collect(),
            partial: self.partial.iter().map(|(at, bits)| (*at, bits.clone())).collect(),
        }
    }

    pub const fn mark_delete(&self) -> Position {
        self.mark
    }

    pub fn is_acked(&self, position: Position) -> bool {
        position <= self.mark || self.acked.contains(&position)
    }

    /// The entries that are acked beyond the mark, in order.
    pub fn acked(&self) -> impl Iterator<Item = Position> {
        self.acked.iter().copied()
    }

    /// How many entries are acked beyond the mark.
    pub fn acked_beyond(&self) -> usize {
        self.acked.len()
    }

    /// In how many stretches without a hole these lie.
    pub fn ranges_beyond(&self) -> usize {
        let mut before: Option<Position> = None;
        let begins = |at: &Position| {
            let follows = before.replace(*at).is_some_and(|before| before.next() == *at);
            !follows
        };
        self.acked().filter(begins).count()
    }

    /// What is left of a batch that is acked in part.
    pub fn remaining(&self, position: Position) -> Option<&[u64]> {
        self.partial.get(&position).map(Vec::as_slice)
    }

    /// How often it changed: who has written it down compares.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Acks one entry, or the messages of its batch whose bits are not in `ack_set`. Says if that was news.
    pub fn ack(&mut self, position: Position, ack_set: Option<&[u64]>) -> bool {
        if self.is_acked(position) {
            return false;
        }
        if let Some(left) = self.left_after(position, ack_set) {
            if self.partial.get(&position) == Some(&left) {
                return false;
            }
            self.partial.insert(position, left);
        } else {
            self.partial.remove(&position);
            self.acked.insert(position);
            self.advance();
        }
        self.changes += 1;
        true
    }

    /// Acks everything before the entry, and the entry as [`Self::ack`] does. Says if that was news.
    pub fn ack_cumulative(&mut self, position: Position, ack_set: Option<&[u64]>) -> bool {
        if position <= self.mark {
            return false;
        }
        if self.acked.contains(&position) || self.left_after(position, ack_set).is_none() {
            self.move_mark(position);
            return true;
        }
        let before = match position.entry.checked_sub(1) {
            Some(entry) => Some(Position { ledger: position.ledger, entry }),
            None => self.seen.range(..position).next_back().copied(),
        };
        let moved = before.filter(|before| *before > self.mark);
        if let Some(before) = moved {
            self.move_mark(before);
        }
        self.ack(position, ack_set) || moved.is_some()
    }

    /// Begins anew: everything up to the mark is acked, nothing behind it.
    pub(super) fn reset(&mut self, mark_delete: Position) {
        *self = Self { changes: self.changes + 1, ..Self::at(mark_delete) };
    }

    /// An entry came by in reading order.
    pub(super) fn saw(&mut self, position: Position) {
        if position > self.mark {
            self.seen.insert(position);
            self.advance();
        }
    }

    /// The bits left when this ack is added to the earlier ones; none if nothing is left.
    fn left_after(&self, position: Position, ack_set: Option<&[u64]>) -> Option<Vec<u64>> {
        let mut left = ack_set?.to_vec();
        if let Some(earlier) = self.partial.get(&position) {
            left.truncate(earlier.len());
            left.iter_mut().zip(earlier).for_each(|(word, earlier)| *word &= earlier);
        }
        let words = left.iter().rposition(|word| *word != 0)? + 1;
        left.truncate(words);
        Some(left)
    }

    fn move_mark(&mut self, to: Position) {
        self.mark = to;
        self.changes += 1;
        self.forget_below_mark();
        self.advance();
    }

    fn advance(&mut self) {
        while let Some(first) = self.seen.first().copied()
            && self.acked.remove(&first)
        {
            self.seen.pop_first();
            self.mark = first;
            self.changes += 1;
        }
    }

    fn forget_below_mark(&mut self) {
        self.acked = self.acked.split_off(&self.mark);
        self.acked.remove(&self.mark);
        self.seen = self.seen.split_off(&self.mark);
        self.seen.remove(&self.mark);
        self.partial = self.partial.split_off(&self.mark);
        self.partial.remove(&self.mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(entry: u64) -> Position {
        Position { ledger: 1, entry }
    }

    #[test]
    fn the_mark_moves_over_what_was_seen_and_acked() {
        let mut cursor = Cursor::at(Position::EARLIEST);
        (0..4).for_each(|entry| cursor.saw(at(entry)));
        assert!(cursor.ack(at(1), None) && cursor.ack(at(2), None));
        assert_eq!(cursor.mark_delete(), Position::EARLIEST);
        assert!(cursor.ack(at(0), None) && !cursor.ack(at(1), None));
        assert_eq!(cursor.mark_delete(), at(2));
        let changes = cursor.changes();
        assert!(!cursor.ack(at(2), None) && cursor.changes() == changes);
        assert!(cursor.ack(at(3), None) && cursor.changes() > changes);
    }

    #[test]
    fn what_is_acked_beyond_the_mark_lies_in_stretches() {
        let mut cursor = Cursor::at(Position::EARLIEST);
        for entry in [1, 2, 4, 7, 8] {
            cursor.ack(at(entry), None);
        }
        assert_eq!((cursor.ranges_beyond(), cursor.acked_beyond()), (3, 5));
    }

    #[test]
    fn partial_acks_of_a_batch_add_up() {
        let mut cursor = Cursor::at(Position::EARLIEST);
        cursor.saw(at(0));
        assert!(cursor.ack(at(0), Some(&[0b101])));
        assert_eq!(cursor.remaining(at(0)), Some(&[0b101][..]));
        assert!(!cursor.ack(at(0), Some(&[0b111])));
        assert!(cursor.ack(at(0), Some(&[0b010])));
        assert_eq!((cursor.remaining(at(0)), cursor.mark_delete()), (None, at(0)));
    }

    #[test]
    fn a_cumulative_ack_into_a_batch_leaves_its_rest() {
        let mut cursor = Cursor::at(Position::EARLIEST);
        assert!(cursor.ack_cumulative(at(5), Some(&[0b110])));
        assert_eq!((cursor.mark_delete(), cursor.is_acked(at(5))), (at(4), false));
        let restored = Cursor::restore(cursor.snapshot());
        assert_eq!(restored.snapshot(), cursor.snapshot());
        assert_eq!(restored.remaining(at(5)), Some(&[0b110][..]));
    }
}
