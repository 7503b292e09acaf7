//! Which messages of an entry are not acked yet, as bits.

/// A bit per message, set while it is not acked; the form that acks have on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unacked {
    words: Vec<u64>,
    size: u32,
}

impl Unacked {
    pub(super) fn all(size: u32) -> Self {
        let mut words = vec![u64::MAX; size.div_ceil(64) as usize];
        if let (Some(last), spare @ 1..) = (words.last_mut(), size % 64) {
            *last = (1 << spare) - 1;
        }
        Self { words, size }
    }

    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    pub(super) fn contains(&self, index: u32) -> bool {
        index < self.size && self.words[(index / 64) as usize] & (1 << (index % 64)) != 0
    }

    pub(super) fn ack(&mut self, index: u32) {
        if index < self.size {
            self.words[(index / 64) as usize] &= !(1 << (index % 64));
        }
    }

    pub(super) fn ack_through(&mut self, index: u32) {
        (0..self.size.min(index.saturating_add(1))).for_each(|i| self.ack(i));
    }

    /// Acks what the broker says is acked. An empty set from it says nothing.
    pub(super) fn intersect(&mut self, ack_set: &[i64]) {
        if ack_set.is_empty() {
            return;
        }
        for (at, word) in self.words.iter_mut().enumerate() {
            // Trailing zero words are left out on the wire.
            *word &= ack_set.get(at).copied().unwrap_or_default().cast_unsigned();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(super) fn on_the_wire(&self) -> Vec<i64> {
        let used = self.words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        self.words[..used].iter().map(|word| word.cast_signed()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_is_empty_when_each_of_its_messages_is_acked() {
        let mut unacked = Unacked::all(65);
        unacked.ack_through(63);
        assert_eq!(unacked.on_the_wire(), [0, 1]);
        unacked.ack(64);
        assert!(unacked.is_empty());
        assert_eq!(unacked.on_the_wire(), [0_i64; 0]);
    }

    #[test]
    fn what_lies_outside_the_batch_is_no_message_of_it() {
        let mut unacked = Unacked::all(3);
        unacked.ack(200);
        unacked.intersect(&[-1, -1, -1]);
        assert_eq!(unacked, Unacked::all(3));
        assert!(!unacked.contains(3));
    }

    proptest! {
        #[test]
        fn the_wire_gives_the_same_set_back(size in 1..200u32, acked in proptest::collection::vec(0..200u32, 0..80)) {
            let mut unacked = Unacked::all(size);
            for index in &acked {
                unacked.ack(*index);
            }
            for index in 0..size {
                prop_assert_eq!(unacked.contains(index), !acked.contains(&index));
            }
            let mut other = Unacked::all(size);
            other.intersect(&unacked.on_the_wire());
            // An empty set on the wire is what an entry without any acks has.
            prop_assert!(other == unacked || unacked.is_empty());
        }
    }
}
