//! Where in a segment its entries begin, for one entry out of many.

/// A sparse index, grown by whoever reads through the segment. Never on the disk: reading headers is cheap,
/// and what is not stored cannot be wrong.
#[derive(Debug)]
pub(crate) struct SparseIndex {
    marks: Vec<Mark>,
    /// Where the part that is not indexed yet begins.
    end: Mark,
}

/// An entry and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) index: u64,
    pub(crate) byte: u64,
}

/// At least so many bytes lie between two marks: what a read goes through in vain, at most.
const SPACING_BYTES: u64 = 64 << 10;

impl SparseIndex {
    pub(crate) fn new(first: Mark) -> Self {
        Self { marks: vec![first], end: first }
    }

    /// Where the part that is not indexed yet begins.
    pub(crate) fn end(&self) -> Mark {
        self.end
    }

    /// The last known beginning of an entry that is not behind `index`.
    pub(crate) fn before(&self, index: u64) -> Mark {
        if index >= self.end.index {
            return self.end;
        }
        let after = self.marks.partition_point(|mark| mark.index <= index);
        self.marks[after.saturating_sub(1)]
    }

    /// Learns that an entry lies at `at` and ends at `end_byte`. Only the entry at `end` is news.
    pub(crate) fn learn(&mut self, at: Mark, end_byte: u64) {
        if at != self.end {
            return;
        }
        let last = self.marks.last().expect("the first mark is there from the start");
        if at.byte - last.byte >= SPACING_BYTES {
            self.marks.push(at);
        }
        self.end = Mark { index: at.index + 1, byte: end_byte };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_begins_at_most_one_spacing_before() {
        let mut index = SparseIndex::new(Mark { index: 100, byte: 64 });
        let entry_bytes = 1000;
        for n in 0..1000 {
            let byte = 64 + n * entry_bytes;
            index.learn(Mark { index: 100 + n, byte }, byte + entry_bytes);
        }
        for n in 0..1000 {
            let found = index.before(100 + n);
            let byte = 64 + n * entry_bytes;
            assert!(found.index <= 100 + n && byte - found.byte < SPACING_BYTES + entry_bytes, "entry {n}");
        }
        assert_eq!(index.before(5000), index.end);
        assert!(index.marks.len() < 20);
    }

    #[test]
    fn what_is_known_or_too_far_ahead_is_not_learnt() {
        let first = Mark { index: 0, byte: 64 };
        let mut index = SparseIndex::new(first);
        index.learn(Mark { index: 5, byte: 500 }, 600);
        assert_eq!(index.end, first);
    }
}
