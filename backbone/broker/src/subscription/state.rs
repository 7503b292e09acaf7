//! Who takes part in a subscription and what they hold; acks, nacks and seeks.

use std::collections::BTreeMap;

use super::{
    ConsumerId, Cursor, Effect, HashRange, JoinError, Joining, KeyMode, Kind, Position, UnackedMax,
    delayed::Delayed,
    holdings::{Holdings, Waiting},
    keys::Shares,
};

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) id: ConsumerId,
    pub(super) name: String,
    pub(super) priority: i32,
    /// Messages it takes; below zero if the last entry had more than were left.
    pub(super) permits: i64,
    /// It takes nothing for now, whatever its permits.
    pub(super) blocked: bool,
    /// It has as many messages unacked as it may, and has not acked half of them since.
    pub(super) owes_acks: bool,
}

impl Consumer {
    pub(super) const fn takes_any(&self) -> bool {
        self.permits > 0 && !self.blocked && !self.owes_acks
    }
}

#[derive(Debug)]
pub struct Subscription {
    pub(super) kind: Kind,
    pub(super) cursor: Cursor,
    /// Failover: the active one first. Otherwise as they joined.
    pub(super) consumers: Vec<Consumer>,
    /// Whose turn it is, Shared only.
    pub(super) turn: usize,
    /// `Key_Shared` only.
    pub(super) shares: Shares,
    /// The last entry that was delivered or skipped: reading goes on behind it.
    pub(super) read: Position,
    pub(super) held: Holdings,
    /// Given back and not yet delivered again, or of a key whose consumer takes nothing. Shared ones only: the
    /// others read again from the mark.
    pub(super) waiting: Waiting,
    /// Shared ones only, as with Pulsar: the others deliver at once.
    pub(super) delayed: Delayed,
    pub(super) redeliveries: BTreeMap<Position, u32>,
    unacked_max: UnackedMax,
    /// As [`Consumer::owes_acks`], all of them together.
    pub(super) owes_acks: bool,
    generation: u64,
}

impl Subscription {
    pub fn new(kind: Kind, cursor: Cursor) -> Self {
        Self {
            kind,
            read: cursor.mark_delete(),
            cursor,
            consumers: Vec::new(),
            turn: 0,
            shares: Shares::default(),
            held: Holdings::default(),
            waiting: Waiting::default(),
            delayed: Delayed::default(),
            redeliveries: BTreeMap::new(),
            unacked_max: UnackedMax::default(),
            owes_acks: false,
            generation: 0,
        }
    }

    pub const fn kind(&self) -> Kind {
        self.kind
    }

    pub const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The last entry that was read, or passed over.
    pub const fn read_position(&self) -> Position {
        self.read
    }

    /// Changes whenever reading begins again further back or elsewhere: entries that were read for a want of
    /// an older generation must not be dispatched.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Id, name, permits, and how many messages it holds unacked: where consumers ack one by one, as Pulsar counts it.
    pub fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &str, i64, u64)> {
        self.consumers.iter().map(|consumer| {
            let unacked = if self.kind.is_shared() { self.held.messages_of(consumer.id) } else { 0 };
            (consumer.id, consumer.name.as_str(), consumer.permits, unacked)
        })
    }

    /// Whether a consumer holds too many messages unacked to get more; all together, without one.
    pub fn owes_acks(&self, id: Option<ConsumerId>) -> bool {
        match id {
            None => self.owes_acks,
            Some(id) => self.consumers.iter().any(|consumer| consumer.id == id && consumer.owes_acks),
        }
    }

    /// Holds back who does not ack, from now on and as long as it does not.
    pub fn limit_unacked(&mut self, max: UnackedMax) {
        self.unacked_max = max;
        (0..self.consumers.len()).for_each(|index| self.look_at_unacked(index));
        let settled = (max.of_subscription / 2).saturating_sub(1);
        self.owes_acks = self.owes(self.owes_acks, self.held.all_messages(), max.of_subscription, settled);
    }

    /// After one consumer has got something, or more has changed.
    pub(super) fn look_at_unacked(&mut self, index: usize) {
        let max = self.unacked_max;
        let consumer = &self.consumers[index];
        let unacked = self.held.messages_of(consumer.id);
        let owes = self.owes(consumer.owes_acks, unacked, max.of_consumer, max.of_consumer / 2);
        self.consumers[index].owes_acks = owes;
        self.owes_acks |= self.owes(self.owes_acks, self.held.all_messages(), max.of_subscription, 0);
    }

    fn owes(&self, owed: bool, unacked: u64, max: u64, settled: u64) -> bool {
        self.kind.is_shared() && max > 0 && if owed { unacked > settled } else { unacked >= max }
    }

    /// How a subscription that is shared by keys divides them, and whether a key that moves does not wait.
    pub fn key_policy(&self) -> Option<(KeyMode, bool)> {
        (self.kind == Kind::KeyShared).then(|| (self.shares.mode(), self.shares.out_of_order))
    }

    /// Which hashes of keys are a consumer's at the moment.
    pub fn ranges(&self, id: ConsumerId) -> Vec<HashRange> {
        self.shares.ranges(id)
    }

    /// How many keys a consumer holds messages of that are another's by now, and how many entries of them.
    pub fn draining(&self, id: ConsumerId) -> (u64, u64) {
        let moved = self.held.keys_of(id).filter(|(key, _)| self.shares.owner(*key) != Some(id));
        moved.fold((0, 0), |(keys, entries), (_, held)| (keys + 1, entries + u64::from(held)))
    }

    /// How many entries wait to be delivered that were read already.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many entries are not due yet, of those that were read.
    pub fn delayed(&self) -> usize {
        self.delayed.len()
    }

    /// When there is something to deliver that is not due yet, in milliseconds since 1970.
    pub fn wakes_at_ms(&self) -> Option<u64> {
        self.delayed.first_due_ms()
    }

    /// It is now so late: what is due by now is wanted.
    pub fn wake(&mut self, now_ms: u64) {
        while let Some((position, key)) = self.delayed.pop_due(now_ms) {
            self.waiting.insert(position, key);
        }
    }

    /// Whether nobody is there.
    pub const fn is_idle(&self) -> bool {
        self.consumers.is_empty()
    }

    /// Takes a consumer in. An idle subscription takes the kind that is asked for.
    pub fn join(&mut self, joining: Joining, kind: Kind, effects: &mut Vec<Effect>) -> Result<(), JoinError> {
        if self.is_idle() {
            self.kind = kind;
        } else if self.kind != kind {
            return Err(JoinError::KindMismatch { has: self.kind, asked: kind });
        } else if kind == Kind::Exclusive {
            return Err(JoinError::Busy);
        }
        let before = self.active();
        let Joining { id, name, priority, keys } = joining;
        if kind == Kind::KeyShared {
            self.shares.join(id, keys)?;
        }
        self.consumers.push(Consumer { id, name, priority, permits: 0, blocked: false, owes_acks: false });
        if kind != Kind::Failover {
            return Ok(());
        }
        self.consumers.sort_by(|a, b| (a.priority, &a.name, a.id).cmp(&(b.priority, &b.name, b.id)));
        let active = self.active() == Some(id);
        if let (true, Some(before)) = (active, before) {
            effects.push(Effect::ActiveChanged { consumer: before, active: false });
            self.give_back(before, None);
        }
        effects.push(Effect::ActiveChanged { consumer: id, active });
        Ok(())
    }

    /// Lets a consumer go; what it holds is delivered again.
    pub fn leave(&mut self, id: ConsumerId, effects: &mut Vec<Effect>) {
        let Some(index) = self.consumers.iter().position(|consumer| consumer.id == id) else { return };
        self.give_back(id, None);
        self.consumers.remove(index);
        self.shares.leave(id);
        if index < self.turn {
            self.turn -= 1;
        }
        match self.active() {
            None => self.rewind(),
            Some(next) if self.kind == Kind::Failover && index == 0 => {
                effects.push(Effect::ActiveChanged { consumer: next, active: true });
            }
            Some(_) => {}
        }
    }

    /// The consumer takes so many messages more.
    pub fn flow(&mut self, id: ConsumerId, permits: u32) {
        if let Some(consumer) = self.consumers.iter_mut().find(|consumer| consumer.id == id) {
            consumer.permits = consumer.permits.saturating_add(i64::from(permits));
        }
    }

    /// The consumer takes nothing, whatever its permits, or does so again.
    pub fn block(&mut self, id: ConsumerId, blocked: bool) {
        if let Some(consumer) = self.consumers.iter_mut().find(|consumer| consumer.id == id) {
            consumer.blocked = blocked;
        }
    }

    /// Acks one entry, or with `ack_set` the messages of its batch whose bits are not in it. Whoever holds it:
    /// an ack may be on its way while the entry is given to another. That the topic has the entry at all is for
    /// the caller to check, here and below: the cursor does not know the end of the log. Says how many messages were
    /// acked by it; an entry that nobody holds is one.
    pub fn ack(&mut self, id: ConsumerId, position: Position, ack_set: Option<&[u64]>) -> u64 {
        if !self.has(id) || !self.cursor.ack(position, ack_set) {
            return 0;
        }
        let before = self.held.messages(position);
        self.settle(position);
        let left = self.held.messages(position).unwrap_or(0);
        before.map_or(1, |before| u64::from(before - left))
    }

    /// Acks everything up to the entry. Shared subscriptions ignore it, as Pulsar's do. As Pulsar counts it, that is one
    /// message, or none.
    pub fn ack_cumulative(&mut self, id: ConsumerId, position: Position, ack_set: Option<&[u64]>) -> u64 {
        let is_news = !self.kind.is_shared() && self.has(id) && self.cursor.ack_cumulative(position, ack_set);
        if is_news {
            self.settle(position);
        }
        u64::from(is_news)
    }

    /// Counts everything up to the position as acked, whoever holds it: it expired or was skipped.
    pub fn expire(&mut self, up_to: Position) {
        if self.cursor.ack_cumulative(up_to, None) {
            self.settle(up_to);
        }
    }

    /// Counts an entry as acked that is to be delivered again and that the topic has no more.
    pub fn lost(&mut self, position: Position) {
        if self.cursor.ack(position, None) {
            self.settle(position);
        }
    }

    /// The consumer gives back these entries, or all it holds. Where order matters, giving back one gives back
    /// all. Says how many messages that is.
    pub fn redeliver(&mut self, id: ConsumerId, positions: Option<&[Position]>) -> u64 {
        self.give_back(id, positions)
    }

    /// Everything up to the position is acked and nothing behind it. Who holds what is forgotten; consumers
    /// and their permits stay.
    pub fn seek(&mut self, mark_delete: Position) {
        self.cursor.reset(mark_delete);
        self.redeliveries.clear();
        self.rewind();
    }

    /// The consumer all entries go to, where there is one.
    pub(super) fn active(&self) -> Option<ConsumerId> {
        self.consumers.first().map(|consumer| consumer.id)
    }

    fn has(&self, id: ConsumerId) -> bool {
        self.consumers.iter().any(|consumer| consumer.id == id)
    }

    fn give_back(&mut self, id: ConsumerId, positions: Option<&[Position]>) -> u64 {
        let mut back: Vec<Position> = match positions {
            Some(positions) => positions.to_vec(),
            None => self.held.iter().map(|(at, _)| at).collect(),
        };
        back.retain(|at| self.held.holder(*at) == Some(id));
        if back.is_empty() {
            return 0;
        }
        let mut messages = 0;
        if !self.kind.is_shared() {
            back = self.held.iter().map(|(at, _)| at).collect();
        }
        for position in back {
            let Some(held) = self.held.remove(position) else { continue };
            messages += u64::from(held.messages);
            *self.redeliveries.entry(position).or_default() += 1;
            if self.kind.is_shared() {
                self.waiting.insert(position, held.key);
            }
        }
        if !self.kind.is_shared() {
            self.rewind();
        }
        messages
    }

    /// Reads again from the mark: what is acked behind it is skipped on the way.
    fn rewind(&mut self) {
        self.held.clear();
        self.waiting.clear();
        self.delayed.clear();
        self.read = self.cursor.mark_delete();
        self.generation += 1;
    }

    /// Forgets what the cursor now has as acked: the entry, and all up to the mark.
    fn settle(&mut self, position: Position) {
        if self.cursor.is_acked(position) {
            self.held.remove(position);
            self.waiting.remove(position);
            self.delayed.remove(position);
            self.redeliveries.remove(&position);
        } else if let Some(left) = self.cursor.remaining(position) {
            self.held.shrink(position, ones(left));
        }
        let mark = self.cursor.mark_delete();
        self.read = self.read.max(mark);
        self.held.remove_through(mark);
        self.waiting.remove_through(mark);
        self.delayed.remove_through(mark);
        while self.redeliveries.first_key_value().is_some_and(|(at, _)| *at <= mark) {
            self.redeliveries.pop_first();
        }
    }
}

/// How many bits are set.
pub(super) fn ones(words: &[u64]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}
