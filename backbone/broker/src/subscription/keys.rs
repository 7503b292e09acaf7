//! Which consumer of a `Key_Shared` subscription gets which keys.
//!
//! Not here: that a key stays with who holds messages of it until they are acked (`Holdings`).

use std::{collections::BTreeSet, fmt, num::NonZeroU16};

use hexalpes_wire::key::murmur3_32;

use super::{ConsumerId, JoinError};

/// How many points of the circle of hashes a consumer has: shares differ by a tenth or so.
const POINTS: u32 = 100;

/// Pulsar's hash of what a message is ordered by. Its 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(NonZeroU16);

impl KeyHash {
    pub fn of(key: &[u8]) -> Self {
        let low = u16::try_from(murmur3_32(key) & 0xffff).expect("16 bits");
        Self(NonZeroU16::new(low).unwrap_or(NonZeroU16::MIN))
    }

    #[cfg(test)]
    pub(super) const fn get(self) -> u16 {
        self.0.get()
    }
}

/// Hashes that a consumer asks for, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashRange {
    pub first: u16,
    pub last: u16,
}

impl fmt::Display for HashRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.first, self.last)
    }
}

/// Who divides the keys among the consumers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyMode {
    /// The subscription.
    #[default]
    AutoSplit,
    /// Each consumer asks for its own.
    Sticky,
}

/// What a consumer wants of a `Key_Shared` subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    pub mode: KeyMode,
    /// Sticky only.
    pub ranges: Vec<HashRange>,
    /// A key that moves to another consumer does not wait for what the one before has of it.
    pub out_of_order: bool,
}

/// The keys of all consumers.
#[derive(Debug, Default)]
pub(super) struct Shares {
    mode: KeyMode,
    pub(super) out_of_order: bool,
    /// Each consumer has the hashes from the point before its own up to its own, on a circle: one that comes or
    /// goes moves no hashes but its own.
    points: BTreeSet<(u16, ConsumerId)>,
    ranges: Vec<(HashRange, ConsumerId)>,
}

impl Shares {
    pub(super) const fn mode(&self) -> KeyMode {
        self.mode
    }

    /// Gives a consumer its share. The first one says how it is done.
    pub(super) fn join(&mut self, id: ConsumerId, policy: KeyPolicy) -> Result<(), JoinError> {
        let KeyPolicy { mode, ranges, out_of_order } = policy;
        if self.points.is_empty() && self.ranges.is_empty() {
            *self = Self { mode, out_of_order, ..Self::default() };
        } else if (self.mode, self.out_of_order) != (mode, out_of_order) {
            return Err(JoinError::KeyPolicyMismatch);
        }
        match mode {
            KeyMode::AutoSplit => self.points.extend((0..POINTS).map(|number| (point(id, number), id))),
            KeyMode::Sticky => {
                if ranges.is_empty() {
                    return Err(JoinError::NoRanges);
                }
                for asked in &ranges {
                    if asked.first > asked.last {
                        return Err(JoinError::BackwardRange { range: *asked });
                    }
                    let overlaps = |has: &HashRange| has.first <= asked.last && asked.first <= has.last;
                    if let Some((has, _)) = self.ranges.iter().find(|(has, _)| overlaps(has)) {
                        return Err(JoinError::RangeTaken { asked: *asked, has: *has });
                    }
                }
                self.ranges.extend(ranges.into_iter().map(|range| (range, id)));
            }
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, id: ConsumerId) {
        self.points.retain(|(_, owner)| *owner != id);
        self.ranges.retain(|(_, owner)| *owner != id);
    }

    /// Which hashes are a consumer's, in order; those that follow each other as one.
    pub(super) fn ranges(&self, id: ConsumerId) -> Vec<HashRange> {
        if self.mode == KeyMode::Sticky {
            let own = self.ranges.iter().filter(|(_, owner)| *owner == id);
            return own.map(|(range, _)| *range).collect();
        }
        let mut own: Vec<HashRange> = Vec::new();
        let mut add = |first: u16, last: u16| match own.last_mut() {
            Some(before) if before.last + 1 == first => before.last = last,
            _ => own.push(HashRange { first, last }),
        };
        // As 0 stands for none, the first hash is 1. Of two at one point it is the first one's.
        let mut from = 1;
        for (point, owner) in &self.points {
            if *point >= from {
                if *owner == id {
                    add(from, *point);
                }
                let Some(next) = point.checked_add(1) else { return own };
                from = next;
            }
        }
        if self.points.first().is_some_and(|(_, owner)| *owner == id) {
            add(from, u16::MAX);
        }
        own
    }

    /// Whose key it is, if it is anyone's.
    pub(super) fn owner(&self, KeyHash(hash): KeyHash) -> Option<ConsumerId> {
        let hash = hash.get();
        match self.mode {
            KeyMode::AutoSplit => {
                let next = self.points.range((hash, ConsumerId(0))..).next();
                next.or_else(|| self.points.first()).map(|(_, owner)| *owner)
            }
            KeyMode::Sticky => {
                let range = self.ranges.iter().find(|(range, _)| (range.first..=range.last).contains(&hash));
                range.map(|(_, owner)| *owner)
            }
        }
    }
}

fn point(ConsumerId(id): ConsumerId, number: u32) -> u16 {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    u16::try_from(murmur3_32(&bytes) >> 16).expect("16 bits are left")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn owners(shares: &Shares) -> BTreeMap<KeyHash, ConsumerId> {
        let hashes = (1..=u16::MAX).filter_map(NonZeroU16::new).map(KeyHash);
        hashes.filter_map(|hash| Some((hash, shares.owner(hash)?))).collect()
    }

    fn sticky(ranges: &[(u16, u16)]) -> KeyPolicy {
        let ranges = ranges.iter().map(|(first, last)| HashRange { first: *first, last: *last }).collect();
        KeyPolicy { mode: KeyMode::Sticky, ranges, out_of_order: false }
    }

    #[test]
    fn who_comes_and_goes_moves_no_hashes_but_its_own() {
        let mut shares = Shares::default();
        (1..=4).for_each(|id| shares.join(ConsumerId(id), KeyPolicy::default()).unwrap());
        let before = owners(&shares);
        assert_eq!(before.len(), usize::from(u16::MAX));
        let has = |owners: &BTreeMap<_, _>, id| owners.values().filter(|owner| **owner == id).count();
        for id in (1..=4).map(ConsumerId) {
            assert!((10_000..25_000).contains(&has(&before, id)), "{} for {id:?}", has(&before, id));
        }
        let new = ConsumerId(5);
        shares.join(new, KeyPolicy::default()).unwrap();
        let with = owners(&shares);
        assert!(has(&with, new) > 5_000);
        assert!(with.iter().all(|(hash, owner)| *owner == new || before[hash] == *owner));
        shares.leave(new);
        assert_eq!(owners(&shares), before);
    }

    #[test]
    fn each_hash_is_in_a_range_of_its_owner_and_in_no_other() {
        let mut shares = Shares::default();
        (1..=3).for_each(|id| shares.join(ConsumerId(id), KeyPolicy::default()).unwrap());
        let mut told = BTreeMap::new();
        for id in (1..=3).map(ConsumerId) {
            for HashRange { first, last } in shares.ranges(id) {
                for hash in (first..=last).filter_map(NonZeroU16::new).map(KeyHash) {
                    assert_eq!(told.insert(hash, id), None, "{hash:?}");
                }
            }
        }
        assert_eq!(told, owners(&shares));
        (2..=3).for_each(|id| shares.leave(ConsumerId(id)));
        assert_eq!(shares.ranges(ConsumerId(1)), [HashRange { first: 1, last: u16::MAX }]);
    }

    #[test]
    fn sticky_consumers_get_what_they_ask_for_and_nobody_the_rest() {
        let mut shares = Shares::default();
        shares.join(ConsumerId(1), sticky(&[(0, 9), (30, 39)])).unwrap();
        shares.join(ConsumerId(2), sticky(&[(10, 19)])).unwrap();
        let of = |hash| shares.owner(KeyHash(NonZeroU16::new(hash).unwrap()));
        assert_eq!((of(9), of(10), of(35)), (Some(ConsumerId(1)), Some(ConsumerId(2)), Some(ConsumerId(1))));
        assert_eq!((of(20), of(65535)), (None, None));
        let has = HashRange { first: 30, last: 39 };
        let taken = JoinError::RangeTaken { asked: HashRange { first: 39, last: 50 }, has };
        assert_eq!(shares.join(ConsumerId(3), sticky(&[(20, 29), (39, 50)])), Err(taken));
        assert_eq!(shares.join(ConsumerId(3), sticky(&[])), Err(JoinError::NoRanges));
        let backward = shares.join(ConsumerId(3), sticky(&[(21, 20)]));
        assert!(matches!(backward, Err(JoinError::BackwardRange { .. })), "{backward:?}");
        let other = shares.join(ConsumerId(3), KeyPolicy::default());
        assert_eq!(other, Err(JoinError::KeyPolicyMismatch));
        shares.leave(ConsumerId(1));
        shares.join(ConsumerId(3), sticky(&[(20, 29), (39, 50)])).unwrap();
    }

    #[test]
    fn a_refused_consumer_leaves_no_trace() {
        let mut shares = Shares::default();
        shares.join(ConsumerId(1), sticky(&[])).unwrap_err();
        shares.join(ConsumerId(2), KeyPolicy::default()).unwrap();
        assert_eq!(shares.mode(), KeyMode::AutoSplit);
    }
}
