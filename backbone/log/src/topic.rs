//! What is known of one topic in memory: its segments, and its newest entries.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::position::{Entry, Position, TopicId};

/// A topic as readers see it: only what is durable.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: TopicId,
    state: Mutex<State>,
}

/// Indices count the entries of the topic from its first day; positions are made of them here.
#[derive(Debug, Default)]
struct State {
    segments: VecDeque<SegmentInfo>,
    /// Of the next entry.
    next: u64,
    /// Entries below are in segment files, and may leave memory.
    written: u64,
    /// The entries up to `next`, without a gap.
    tail: VecDeque<Entry>,
}

/// One segment of a topic, without what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    pub ledger: u64,
    /// The index in the topic of its first entry.
    pub(crate) base: u64,
    pub entries: u64,
    /// What its entries take on the disk.
    pub bytes: u64,
    /// The greatest stamp that one of its entries has.
    pub stamp_max: u64,
}

impl SegmentInfo {
    pub(crate) fn begin(ledger: u64, base: u64) -> Self {
        Self { ledger, base, entries: 0, bytes: 0, stamp_max: 0 }
    }
}

/// Where entries are to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Here, as far as the budget goes.
    InMemory,
    /// In the file of this segment, from one index to before another; of the ledger, `base` is the first.
    InSegment { ledger: u64, base: u64, from: u64, until: u64 },
}

impl Topic {
    /// A topic whose segments, all written, are these.
    pub(crate) fn new(id: TopicId, segments: VecDeque<SegmentInfo>) -> Self {
        let next = segments.back().map_or(0, |last| last.base + last.entries);
        Self { id, state: Mutex::new(State { segments, next, written: next, tail: VecDeque::new() }) }
    }

    /// Adds entries that have just become durable, in order; `bytes` is what each takes on the disk.
    pub(crate) fn publish(&self, entries: impl Iterator<Item = (Entry, u64)>) {
        let mut state = self.state.lock();
        for (entry, bytes) in entries {
            let ledger = entry.position.ledger;
            if state.segments.back().is_none_or(|last| last.ledger < ledger) {
                let base = state.next;
                state.segments.push_back(SegmentInfo::begin(ledger, base));
            }
            let segment = state.segments.back_mut().expect("there is one now");
            segment.entries += 1;
            segment.bytes += bytes;
            segment.stamp_max = segment.stamp_max.max(entry.stamp);
            state.next += 1;
            state.tail.push_back(entry);
        }
    }

    /// Entries below this index are in segment files now.
    pub(crate) fn mark_written(&self, next: u64) {
        self.state.lock().written = next;
    }

    /// Lets so many of the oldest entries go from memory. They are written.
    pub(crate) fn evict(&self, entries: usize) {
        let mut state = self.state.lock();
        let in_memory_from = state.next - state.tail.len() as u64;
        debug_assert!(in_memory_from + entries as u64 <= state.written, "unwritten entries stay in memory");
        state.tail.drain(..entries);
        if state.tail.is_empty() {
            state.tail = VecDeque::new();
        }
    }

    /// Forgets the segments before this one, but never the last. Their entries that are still in memory go
    /// with the cache. Returns the first ledger that stays, if any went.
    pub(crate) fn trim(&self, before_ledger: u64) -> Option<u64> {
        let mut state = self.state.lock();
        let mut trimmed = false;
        while state.segments.len() > 1 && state.segments[0].ledger < before_ledger {
            state.segments.pop_front();
            trimmed = true;
        }
        state.segments.front().filter(|_| trimmed).map(|first| first.ledger)
    }

    /// Takes what there is from a position on, if it is in memory; else says where it is.
    pub(crate) fn find(&self, from: Position, budget: &mut Budget, out: &mut Vec<Entry>) -> Found {
        let state = self.state.lock();
        let from = state.index_of(from);
        let in_memory_from = state.next - state.tail.len() as u64;
        if from >= in_memory_from {
            let skipped = usize::try_from(from - in_memory_from).unwrap_or(usize::MAX);
            let entries = state.tail.iter().skip(skipped);
            out.extend(entries.take_while(|entry| budget.takes(entry.payload.len())).cloned());
            return Found::InMemory;
        }
        let segment = state.segments[state.segment_of(from)];
        let until = (segment.base + segment.entries).min(in_memory_from);
        Found::InSegment { ledger: segment.ledger, base: segment.base, from, until }
    }

    pub(crate) fn first(&self) -> Option<Position> {
        let state = self.state.lock();
        state
            .segments
            .iter()
            .find(|segment| segment.entries > 0)
            .map(|segment| Position::new(segment.ledger, 0))
    }

    pub(crate) fn last(&self) -> Option<Position> {
        let state = self.state.lock();
        let last = state.segments.iter().rev().find(|segment| segment.entries > 0)?;
        Some(Position::new(last.ledger, last.entries - 1))
    }

    /// How many entries there are from one position up to, not including, another.
    pub(crate) fn entries_between(&self, from: Position, until: Position) -> u64 {
        let state = self.state.lock();
        state.index_of(until).saturating_sub(state.index_of(from))
    }

    /// Where the entry is that has so many before it from a position on.
    pub(crate) fn nth_from(&self, from: Position, entries: u64) -> Option<Position> {
        let state = self.state.lock();
        let index = state.index_of(from).saturating_add(entries);
        let segment = state.segments.get(state.segment_of(index))?;
        (index < state.next).then(|| Position::new(segment.ledger, index - segment.base))
    }

    /// The index of the entry at a position; of the next one there is, if it is gone or not there yet.
    pub(crate) fn index_of(&self, position: Position) -> u64 {
        self.state.lock().index_of(position)
    }

    /// What the entries from a position on take on the disk, if those of a segment were all of one size.
    pub(crate) fn bytes_from(&self, from: Position) -> u64 {
        let state = self.state.lock();
        let from = state.index_of(from);
        let left = state.segments.iter().map(|segment| {
            let entries = (segment.base + segment.entries).saturating_sub(from).min(segment.entries);
            segment.bytes * entries / segment.entries.max(1)
        });
        left.sum()
    }

    /// The segments and the entries in memory that a search by stamp has to go through.
    pub(crate) fn segments(&self) -> Vec<SegmentInfo> {
        self.state.lock().segments.iter().copied().collect()
    }

    /// Finds in memory the first entry that satisfies, and says from where on the entries are in memory.
    pub(crate) fn find_in_memory(
        &self,
        mut satisfies: impl FnMut(&Entry) -> bool,
    ) -> (u64, Option<Position>) {
        let state = self.state.lock();
        let first = state.segments.front().map(|first| first.ledger);
        let kept = state.tail.iter().filter(|entry| Some(entry.position.ledger) >= first);
        let found = kept.map(|entry| (entry, entry.position)).find(|(entry, _)| satisfies(entry));
        (state.next - state.tail.len() as u64, found.map(|(_, position)| position))
    }
}

impl State {
    /// The index of the entry at a position; of the next one there is, if it is gone or not there yet.
    fn index_of(&self, position: Position) -> u64 {
        let after = self.segments.partition_point(|segment| segment.ledger < position.ledger);
        match self.segments.get(after) {
            Some(segment) if segment.ledger == position.ledger => {
                segment.base + position.entry.min(segment.entries)
            }
            Some(segment) => segment.base,
            None => self.next,
        }
    }

    /// Which segment holds an entry that there is.
    fn segment_of(&self, index: u64) -> usize {
        self.segments.partition_point(|segment| segment.base <= index).saturating_sub(1)
    }
}

/// How much a read may still take. The first entry is always taken, or a large one would block the way;
/// once one does not fit, nothing does.
pub(crate) struct Budget {
    entries: usize,
    bytes: usize,
    first: bool,
}

impl Budget {
    pub(crate) fn new(entries: usize, bytes: usize) -> Self {
        Self { entries, bytes, first: true }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.entries > 0 && (self.bytes > 0 || self.first)
    }

    pub(crate) fn takes(&mut self, bytes: usize) -> bool {
        if self.entries == 0 || (bytes > self.bytes && !self.first) {
            self.entries = 0;
            return false;
        }
        self.entries -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.first = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Ledger 2 with three entries, ledger 5 with two, ledger 6 with one; all in memory.
    fn topic() -> Topic {
        let topic = Topic::new(TopicId(1), VecDeque::new());
        let positions = [(2, 0), (2, 1), (2, 2), (5, 0), (5, 1), (6, 0)];
        topic.publish(positions.into_iter().map(|(ledger, entry)| {
            let position = Position::new(ledger, entry);
            (Entry { position, stamp: ledger, payload: Bytes::from_static(b"12345") }, 100)
        }));
        topic
    }

    fn found(topic: &Topic, from: (u64, u64), entries: usize, bytes: usize) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        let from = Position::new(from.0, from.1);
        assert_eq!(topic.find(from, &mut Budget::new(entries, bytes), &mut out), Found::InMemory);
        out.iter().map(|entry| (entry.position.ledger, entry.position.entry)).collect()
    }

    #[test]
    fn a_position_that_there_is_not_means_the_next_there_is() {
        let topic = topic();
        for (from, first) in [((0, 0), (2, 0)), ((2, 3), (5, 0)), ((3, 7), (5, 0)), ((5, 9), (6, 0))] {
            assert_eq!(found(&topic, from, 1, 100), [first], "{from:?}");
        }
        assert_eq!(found(&topic, (6, 1), 1, 100), []);
        assert_eq!(found(&topic, (9, 0), 1, 100), []);
    }

    #[test]
    fn the_first_always_fits_and_nothing_after_what_does_not() {
        let topic = topic();
        assert_eq!(found(&topic, (0, 0), 9, 0).len(), 1);
        assert_eq!(found(&topic, (0, 0), 9, 11).len(), 2);
        assert_eq!(found(&topic, (0, 0), 4, 100).len(), 4);
    }

    #[test]
    fn entries_between_counts_over_segments() {
        let topic = topic();
        let between = |from: (u64, u64), until: (u64, u64)| {
            topic.entries_between(Position::new(from.0, from.1), Position::new(until.0, until.1))
        };
        assert_eq!(between((2, 1), (5, 1)), 3);
        assert_eq!(between((0, 0), (9, 9)), 6);
        assert_eq!(between((6, 0), (2, 0)), 0);
    }

    #[test]
    fn the_nth_entry_from_a_position_is_counted_over_segments() {
        let topic = topic();
        let nth = |from: (u64, u64), entries| {
            let found = topic.nth_from(Position::new(from.0, from.1), entries);
            found.map(|position| (position.ledger, position.entry))
        };
        assert_eq!(
            [nth((0, 0), 0), nth((2, 1), 1), nth((2, 1), 2), nth((3, 9), 2), nth((6, 0), 1)],
            [Some((2, 0)), Some((2, 2)), Some((5, 0)), Some((6, 0)), None]
        );
        assert_eq!(Topic::new(TopicId(1), VecDeque::new()).nth_from(Position::EARLIEST, 0), None);
    }

    #[test]
    fn bytes_from_a_position_are_those_of_whole_segments_and_a_share_of_one() {
        let topic = topic();
        let bytes = |ledger, entry| topic.bytes_from(Position::new(ledger, entry));
        assert_eq!(
            [bytes(0, 0), bytes(2, 1), bytes(5, 0), bytes(6, 0), bytes(6, 1)],
            [600, 500, 300, 100, 0]
        );
    }

    #[test]
    fn what_left_memory_is_in_a_segment() {
        let topic = topic();
        topic.mark_written(5);
        topic.evict(4);
        let mut out = Vec::new();
        let found = topic.find(Position::new(2, 1), &mut Budget::new(9, 100), &mut out);
        assert_eq!(found, Found::InSegment { ledger: 2, base: 0, from: 1, until: 3 });
        let found = topic.find(Position::new(5, 0), &mut Budget::new(9, 100), &mut out);
        assert_eq!(found, Found::InSegment { ledger: 5, base: 3, from: 3, until: 4 });
    }

    #[test]
    fn trimming_leaves_the_last_segment() {
        let topic = topic();
        assert_eq!(topic.trim(2), None);
        assert_eq!(topic.trim(4), Some(5));
        assert_eq!(topic.first(), Some(Position::new(5, 0)));
        assert_eq!(topic.trim(u64::MAX), Some(6));
        assert_eq!(topic.last(), Some(Position::new(6, 0)));
    }
}
