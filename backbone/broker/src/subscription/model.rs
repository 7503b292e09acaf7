//! What a subscription must do, kept the naive way, and random histories of it to hold the subscription to.

mod histories;

use std::collections::{BTreeMap, BTreeSet};

use super::{ConsumerId, Delivery, Entry, KeyHash, KeyMode, Kind, Position};

/// What must be true, kept the simple way.
#[derive(Default)]
pub(super) struct Model {
    pub(super) log: Vec<Entry>,
    /// What is left of each entry in bits; 0 is acked.
    pub(super) left: BTreeMap<Position, u64>,
    /// Those of `left` that an ack named bits of.
    pub(super) partial: BTreeSet<Position>,
    pub(super) kind: Option<Kind>,
    pub(super) permits: BTreeMap<ConsumerId, i64>,
    pub(super) ranks: BTreeMap<ConsumerId, i32>,
    pub(super) blocked: BTreeSet<ConsumerId>,
    pub(super) held: BTreeMap<Position, ConsumerId>,
    pub(super) given_back: BTreeMap<Position, u32>,
    /// The last delivery since order last began anew.
    pub(super) last: Option<Position>,
    /// How keys are shared, and whether out of order.
    pub(super) keys: (KeyMode, bool),
    /// The latest time that an entry was delivered or looked for.
    pub(super) now_ms: u64,
    /// Who had a key among which consumers.
    pub(super) owners: BTreeMap<(Vec<ConsumerId>, KeyHash), ConsumerId>,
}

/// The part of all keys that a sticky consumer asks for in these histories: thirds, which leave a rest.
pub(super) fn third(ConsumerId(id): ConsumerId) -> (u16, u16) {
    let first = u16::try_from(id % 3).expect("it is small") * 20_000;
    (first, first + 19_999)
}

impl Model {
    pub(super) fn active(&self) -> Option<ConsumerId> {
        self.ranks.iter().map(|(id, priority)| (*priority, *id)).min().map(|(_, id)| id)
    }

    pub(super) fn is_shared(&self) -> bool {
        self.kind.is_some_and(Kind::is_shared)
    }

    fn key(&self, position: Position) -> KeyHash {
        let entry = self.log.iter().find(|entry| entry.position == position);
        entry.and_then(|entry| entry.key).expect("all entries have a key")
    }

    fn is_due(&self, position: Position) -> bool {
        let entry = self.log.iter().find(|entry| entry.position == position);
        entry.and_then(|entry| entry.due_ms).is_none_or(|due_ms| due_ms <= self.now_ms)
    }

    fn has_delay(&self, position: Position) -> bool {
        self.log.iter().any(|entry| entry.position == position && entry.due_ms.is_some())
    }

    fn of_key(&self, key: KeyHash) -> impl Iterator<Item = Position> {
        self.log.iter().filter(move |entry| entry.key == Some(key)).map(|entry| entry.position)
    }

    /// Whether an entry that is not acked may wait though its consumers take all there is.
    pub(super) fn may_wait(&self, position: Position) -> bool {
        if self.is_shared() && !self.is_due(position) {
            return true;
        }
        let key = self.key(position);
        let is_moving = self.of_key(key).any(|at| self.held.contains_key(&at));
        let has = |(first, last)| (first..=last).contains(&key.get());
        let is_nobodys = self.keys.0 == KeyMode::Sticky && !self.ranks.keys().any(|id| has(third(*id)));
        self.kind == Some(Kind::KeyShared) && (is_nobodys || is_moving && !self.keys.1)
    }

    fn delivered_by_key(&mut self, consumer: ConsumerId, position: Position) {
        let key = self.key(position);
        let present: Vec<_> = self.ranks.keys().copied().collect();
        let owner = *self.owners.entry((present, key)).or_insert(consumer);
        assert_eq!(owner, consumer, "among the same consumers a key is always of the same one");
        let (mode, out_of_order) = self.keys;
        if mode == KeyMode::Sticky {
            let (first, last) = third(consumer);
            assert!((first..=last).contains(&key.get()));
        }
        if out_of_order {
            return;
        }
        for other in self.of_key(key) {
            let holder = self.held.get(&other);
            assert!(holder.is_none_or(|holder| *holder == consumer), "{key:?} has two holders");
            assert!(
                other >= position || self.left[&other] == 0 || holder.is_some() || self.has_delay(other),
                "{position} comes before {other}, which is of the same key"
            );
        }
    }

    pub(super) fn ack(&mut self, position: Position, bits: Option<u64>) {
        let left = self.left.get_mut(&position).unwrap();
        if bits.is_some() && *left != 0 {
            self.partial.insert(position);
        }
        *left &= bits.unwrap_or(0);
        if *left == 0 {
            self.held.remove(&position);
            self.given_back.remove(&position);
        }
    }

    pub(super) fn give_back(&mut self, id: ConsumerId, which: Option<&[Position]>) {
        let mine =
            |(at, by): (&Position, &ConsumerId)| *by == id && which.is_none_or(|which| which.contains(at));
        if !self.held.iter().any(mine) {
            return;
        }
        let ordered = !self.is_shared();
        let back: Vec<Position> =
            self.held.iter().filter(|held| ordered || mine(*held)).map(|(at, _)| *at).collect();
        for position in back {
            self.held.remove(&position);
            *self.given_back.entry(position).or_default() += 1;
        }
        self.last = None;
    }

    pub(super) fn unacked(&self) -> Vec<Position> {
        self.left.iter().filter(|(_, left)| **left != 0).map(|(at, _)| *at).collect()
    }

    pub(super) fn delivered(&mut self, delivery: &Delivery) {
        let Delivery { consumer, position, messages, redelivery, ack_set } = delivery;
        let permits = self.permits.get_mut(consumer).expect("it goes to somebody who is there");
        assert!(*permits > 0, "{consumer:?} takes nothing");
        assert!(!self.blocked.contains(consumer), "{consumer:?} is blocked");
        *permits -= i64::from(*messages);
        let left = self.left[position];
        assert_ne!(left, 0, "{position} is acked");
        assert_eq!(*ack_set, self.partial.contains(position).then(|| vec![left]));
        assert_eq!(*redelivery, self.given_back.get(position).copied().unwrap_or(0));
        assert_eq!(self.held.insert(*position, *consumer), None, "{position} is held already");
        assert!(!self.is_shared() || self.is_due(*position), "{position} is not due");
        if self.kind == Some(Kind::KeyShared) {
            self.delivered_by_key(*consumer, *position);
        }
        if !self.is_shared() {
            assert_eq!(Some(*consumer), self.active());
            assert!(self.last < Some(*position), "{position} is out of order");
            // Nothing that is unacked was left out on the way.
            assert!(self.unacked().iter().all(|at| at >= position || self.held.contains_key(at)));
            self.last = Some(*position);
        }
    }
}
