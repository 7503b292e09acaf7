//! What is read next, and who gets it.

use super::{
    ConsumerId, DELAYED_MAX, Delivery, Effect, Entry, KEYS_AHEAD_MAX, KeyHash, Kind, Position,
    WANTED_ENTRIES_MAX, Want,
    holdings::Held,
    state::{Consumer, Subscription, ones},
};

impl Subscription {
    /// What the next dispatch needs; `None` if nobody is there who takes anything. Entries that wait come first.
    pub fn wants(&self) -> Option<Want> {
        if self.owes_acks {
            return None;
        }
        let takers = match self.kind {
            Kind::Shared | Kind::KeyShared => &self.consumers[..],
            Kind::Exclusive | Kind::Failover => self.consumers.get(..1)?,
        };
        let takers = takers.iter().filter(|consumer| consumer.takes_any());
        let permits = takers.map(|consumer| consumer.permits).fold(0, i64::saturating_add);
        let entries = u32::try_from(permits).unwrap_or(u32::MAX).min(WANTED_ENTRIES_MAX);
        if entries == 0 {
            return None;
        }
        let due = self.waiting.iter().filter(|(_, key)| self.taker(*key).is_some());
        let due: Vec<_> = due.map(|(at, _)| at).take(entries as usize).collect();
        if !due.is_empty() {
            return Some(Want::These(due));
        }
        if self.delayed.len() >= DELAYED_MAX {
            return None;
        }
        // What is left waits for somebody in particular.
        let room = KEYS_AHEAD_MAX.saturating_sub(self.waiting.len());
        let room =
            if self.kind == Kind::KeyShared { u32::try_from(room).unwrap_or(u32::MAX) } else { entries };
        (room > 0).then(|| Want::After(self.read, entries.min(room)))
    }

    /// Delivers the entries that were read for the last `wants`, as long as permits last; what is acked or
    /// held already is skipped, and what is not due is kept in mind, see [`Self::wake`]. See
    /// [`Self::generation`] if anything happened in between.
    pub fn dispatch(&mut self, entries: &[Entry], now_ms: u64, effects: &mut Vec<Effect>) {
        for entry in entries {
            let Entry { position, key, due_ms, .. } = *entry;
            let again = self.waiting.contains(position);
            if position <= self.read && !again {
                continue;
            }
            let acked = self.cursor.is_acked(position);
            let later = due_ms.filter(|due_ms| *due_ms > now_ms && !again && !acked && self.kind.is_shared());
            if let Some(due_ms) = later {
                self.read = position;
                self.cursor.saw(position);
                self.delayed.insert(position, due_ms, key);
                continue;
            }
            let is_next = key.is_none_or(|key| !self.waiting.has_before(key, position));
            let taker = self.taker(key).filter(|_| !acked && (is_next || self.shares.out_of_order));
            let waits = !acked && taker.is_none();
            if waits && !again && !self.may_go_ahead() {
                return;
            }
            if !again {
                self.read = position;
                self.cursor.saw(position);
            }
            if waits {
                self.waiting.insert(position, key);
            } else {
                self.waiting.remove(position);
            }
            if let Some(taker) = taker {
                effects.push(Effect::Deliver(self.deliver(taker, *entry)));
            }
        }
    }

    /// Chooses who gets an entry that nobody keeps, if somebody takes it: it is not held, and never comes again.
    pub fn pass(&mut self, messages: u32, key: Option<KeyHash>) -> Option<ConsumerId> {
        let taker = self.taker(key)?;
        self.turn = taker + 1;
        let consumer = &mut self.consumers[taker];
        consumer.permits -= i64::from(messages);
        Some(consumer.id)
    }

    /// Whether an entry that nobody takes may be put aside for those behind it: they may be another's.
    fn may_go_ahead(&self) -> bool {
        self.kind == Kind::KeyShared
            && self.waiting.len() < KEYS_AHEAD_MAX
            && !self.owes_acks
            && self.consumers.iter().any(Consumer::takes_any)
    }

    /// Who gets the next entry, or one of them, if somebody takes any.
    pub fn next_taker(&self) -> Option<ConsumerId> {
        let taker = match self.kind {
            Kind::KeyShared => self.consumers.iter().position(Consumer::takes_any),
            _ => self.taker(None),
        };
        taker.map(|index| self.consumers[index].id)
    }

    /// The index of the consumer that gets the next entry of this key.
    fn taker(&self, key: Option<KeyHash>) -> Option<usize> {
        if self.owes_acks {
            return None;
        }
        match (self.kind, key) {
            (Kind::Exclusive | Kind::Failover, _) => {
                self.consumers.first().filter(|active| active.takes_any()).map(|_| 0)
            }
            (Kind::KeyShared, Some(key)) => self.taker_of(key),
            (Kind::Shared | Kind::KeyShared, _) => self.taker_in_turn(),
        }
    }

    /// Of those who take any the ones with the lowest priority value, in turn.
    fn taker_in_turn(&self) -> Option<usize> {
        let count = self.consumers.len();
        (0..count)
            .map(|step| (self.turn + step) % count)
            .filter(|index| self.consumers[*index].takes_any())
            .min_by_key(|index| self.consumers[*index].priority)
    }

    /// Whose key it is, if it takes any, and nobody holds entries of the key from when it was not: they come
    /// first, wherever they end.
    fn taker_of(&self, key: KeyHash) -> Option<usize> {
        let owner = self.shares.owner(key)?;
        let index = self.consumers.iter().position(|consumer| consumer.id == owner)?;
        let may = self.consumers[index].takes_any()
            && (self.shares.out_of_order || !self.held.is_held_beside(key, owner));
        may.then_some(index)
    }

    fn deliver(&mut self, taker: usize, Entry { position, messages, key, .. }: Entry) -> Delivery {
        self.turn = taker + 1;
        let consumer = &mut self.consumers[taker];
        consumer.permits -= i64::from(messages);
        let ack_set = self.cursor.remaining(position).map(<[u64]>::to_vec);
        let left = ack_set.as_deref().map_or(messages, |left| ones(left).min(messages));
        let consumer = consumer.id;
        self.held.insert(position, Held { by: consumer, messages: left, key });
        self.look_at_unacked(taker);
        Delivery { consumer, position, messages, redelivery: self.redelivered(position), ack_set }
    }

    fn redelivered(&self, position: Position) -> u32 {
        self.redeliveries.get(&position).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConsumerId, Cursor, Joining, KeyPolicy, UnackedMax, keys::Shares};
    use super::*;

    fn shared(consumers: &[(u64, i32, u32)]) -> Subscription {
        let mut subscription = Subscription::new(Kind::Shared, Cursor::at(Position::EARLIEST));
        for (id, priority, permits) in consumers {
            let joining = Joining {
                id: ConsumerId(*id),
                name: id.to_string(),
                priority: *priority,
                keys: KeyPolicy::default(),
            };
            subscription.join(joining, Kind::Shared, &mut Vec::new()).unwrap();
            subscription.flow(ConsumerId(*id), *permits);
        }
        subscription
    }

    fn takers(subscription: &mut Subscription, messages: &[u32]) -> Vec<u64> {
        let entry = |(entry, messages)| Entry {
            position: Position::new(1, entry),
            messages,
            key: None,
            due_ms: None,
        };
        let entries: Vec<_> = (0..).zip(messages.iter().copied()).map(entry).collect();
        let mut effects = Vec::new();
        subscription.dispatch(&entries, 0, &mut effects);
        let taker = |effect: &Effect| match effect {
            Effect::Deliver(delivery) => Some(delivery.consumer.0),
            Effect::ActiveChanged { .. } => None,
        };
        effects.iter().filter_map(taker).collect()
    }

    #[test]
    fn consumers_take_turns_while_they_have_permits() {
        let mut subscription = shared(&[(1, 0, 2), (2, 0, 1), (3, 0, 2)]);
        assert_eq!(takers(&mut subscription, &[1; 6]), [1, 2, 3, 1, 3]);
        assert_eq!(subscription.wants(), None);
        subscription.flow(ConsumerId(2), 7);
        assert_eq!(subscription.wants(), Some(Want::After(Position::new(1, 4), 7)));
    }

    #[test]
    fn a_batch_may_take_more_permits_than_there_are() {
        let mut subscription = shared(&[(1, 0, 2)]);
        assert_eq!(takers(&mut subscription, &[1, 5, 1]), [1, 1]);
        assert_eq!(subscription.consumers().next(), Some((ConsumerId(1), "1", -4, 6)));
    }

    #[test]
    fn lower_priority_values_are_served_first() {
        let mut subscription = shared(&[(1, 1, 2), (2, 0, 2), (3, 0, 1)]);
        assert_eq!(takers(&mut subscription, &[1; 5]), [2, 3, 2, 1, 1]);
    }

    #[test]
    fn who_is_blocked_is_passed_over_and_keeps_its_permits() {
        let mut subscription = shared(&[(1, 0, 2), (2, 0, 3)]);
        subscription.block(ConsumerId(1), true);
        assert_eq!(subscription.wants(), Some(Want::After(Position::EARLIEST, 3)));
        assert_eq!(takers(&mut subscription, &[1; 2]), [2, 2]);
        subscription.block(ConsumerId(2), true);
        assert_eq!(subscription.wants(), None);
        subscription.block(ConsumerId(1), false);
        assert_eq!(takers(&mut subscription, &[1; 6]), [1, 1]);
    }

    #[test]
    fn what_was_given_back_comes_first_and_once() {
        let mut subscription = shared(&[(1, 0, 3)]);
        takers(&mut subscription, &[1; 3]);
        subscription.redeliver(ConsumerId(1), Some(&[Position::new(1, 1), Position::new(1, 7)]));
        subscription.flow(ConsumerId(1), 5);
        assert_eq!(subscription.wants(), Some(Want::These(vec![Position::new(1, 1)])));
        assert_eq!(takers(&mut subscription, &[1; 3]), [1]);
        assert_eq!(subscription.wants(), Some(Want::After(Position::new(1, 2), 4)));
    }

    #[test]
    fn what_was_given_back_and_is_lost_does_not_hold_up_what_follows() {
        let mut subscription = shared(&[(1, 0, 9)]);
        takers(&mut subscription, &[1; 3]);
        let back = [Position::new(1, 0), Position::new(1, 1)];
        subscription.redeliver(ConsumerId(1), Some(&back));
        assert_eq!(subscription.wants(), Some(Want::These(back.to_vec())));
        for position in back {
            subscription.lost(position);
        }
        assert_eq!(subscription.wants(), Some(Want::After(Position::new(1, 2), 6)));
        assert_eq!(subscription.cursor().mark_delete(), Position::new(1, 1));
    }

    fn by_keys(consumers: &[u64], policy: &KeyPolicy) -> Subscription {
        let mut subscription = Subscription::new(Kind::KeyShared, Cursor::at(Position::EARLIEST));
        for id in consumers {
            join_by_keys(&mut subscription, *id, policy);
        }
        subscription
    }

    fn join_by_keys(subscription: &mut Subscription, id: u64, policy: &KeyPolicy) {
        let joining = Joining { id: ConsumerId(id), name: id.to_string(), priority: 0, keys: policy.clone() };
        subscription.join(joining, Kind::KeyShared, &mut Vec::new()).unwrap();
        subscription.flow(ConsumerId(id), 1000);
    }

    /// Delivers what the subscription wants of a log with an entry of each of these keys; says who got which.
    fn by_key(subscription: &mut Subscription, keys: &[&str]) -> Vec<(u64, u64)> {
        let log = (0..).zip(keys).map(|(entry, key)| Entry {
            position: Position::new(1, entry),
            messages: 1,
            key: Some(KeyHash::of(key.as_bytes())),
            due_ms: None,
        });
        let mut effects = Vec::new();
        let wanted: Vec<_> = match subscription.wants() {
            None => Vec::new(),
            Some(Want::These(these)) => log.filter(|entry| these.contains(&entry.position)).collect(),
            Some(Want::After(after, most)) => {
                log.filter(|entry| entry.position > after).take(most as usize).collect()
            }
        };
        subscription.dispatch(&wanted, 0, &mut effects);
        let got = |effect: &Effect| match effect {
            Effect::Deliver(delivery) => Some((delivery.consumer.0, delivery.position.entry)),
            Effect::ActiveChanged { .. } => None,
        };
        effects.iter().filter_map(got).collect()
    }

    /// A key that is the second consumer's once it is there, and one that stays the first's.
    fn moving_and_staying() -> (String, String) {
        let mut shares = Shares::default();
        (1..3).for_each(|id| shares.join(ConsumerId(id), KeyPolicy::default()).unwrap());
        let of = |owner| {
            let mut keys = (0..).map(|number: u32| format!("key-{number}"));
            keys.find(|key| shares.owner(KeyHash::of(key.as_bytes())) == Some(ConsumerId(owner)))
        };
        (of(2).unwrap(), of(1).unwrap())
    }

    #[test]
    fn a_key_that_moves_waits_until_what_was_delivered_of_it_is_acked() {
        let (moving, staying) = moving_and_staying();
        let keys = [&*moving, &staying, &moving, &staying];
        let mut subscription = by_keys(&[1], &KeyPolicy::default());
        assert_eq!(by_key(&mut subscription, &keys[..1]), [(1, 0)]);
        join_by_keys(&mut subscription, 2, &KeyPolicy::default());
        assert_eq!(by_key(&mut subscription, &keys), [(1, 1), (1, 3)]);
        assert_eq!(by_key(&mut subscription, &keys), []);
        subscription.ack(ConsumerId(1), Position::new(1, 0), None);
        assert_eq!(by_key(&mut subscription, &keys), [(2, 2)]);
    }

    #[test]
    fn a_key_of_who_is_gone_goes_on_elsewhere_in_order() {
        let (moving, staying) = moving_and_staying();
        let keys = [&*moving, &staying, &moving, &moving];
        let mut subscription = by_keys(&[1, 2], &KeyPolicy::default());
        assert_eq!(by_key(&mut subscription, &keys[..3]), [(2, 0), (1, 1), (2, 2)]);
        subscription.leave(ConsumerId(2), &mut Vec::new());
        assert_eq!(by_key(&mut subscription, &keys), [(1, 0), (1, 2)]);
        assert_eq!(by_key(&mut subscription, &keys), [(1, 3)]);
    }

    #[test]
    fn a_key_waits_for_nobody_where_order_does_not_matter() {
        let (moving, _) = moving_and_staying();
        let keys = [&*moving, &moving];
        let policy = KeyPolicy { out_of_order: true, ..KeyPolicy::default() };
        let mut subscription = by_keys(&[1], &policy);
        assert_eq!(by_key(&mut subscription, &keys[..1]), [(1, 0)]);
        join_by_keys(&mut subscription, 2, &policy);
        assert_eq!(by_key(&mut subscription, &keys), [(2, 1)]);
    }

    #[test]
    fn who_takes_nothing_holds_up_its_own_keys_and_so_many_entries() {
        let (moving, staying) = moving_and_staying();
        let mut keys = vec![&*moving; KEYS_AHEAD_MAX + 2];
        keys[KEYS_AHEAD_MAX - 1] = &staying;
        keys[KEYS_AHEAD_MAX + 1] = &staying;
        let mut subscription = by_keys(&[1, 2], &KeyPolicy::default());
        subscription.block(ConsumerId(2), true);
        let mut got = Vec::new();
        while subscription.wants().is_some() {
            got.extend(by_key(&mut subscription, &keys));
        }
        assert_eq!(got, [(1, KEYS_AHEAD_MAX as u64 - 1)]);
        subscription.block(ConsumerId(2), false);
        subscription.flow(ConsumerId(2), 5000);
        got.clear();
        while got.len() <= KEYS_AHEAD_MAX {
            got.extend(by_key(&mut subscription, &keys));
        }
        let of = |id| got.iter().filter(move |(by, _)| *by == id).map(|(_, entry)| *entry);
        assert!(of(2).eq((0..=KEYS_AHEAD_MAX as u64).filter(|entry| *entry != KEYS_AHEAD_MAX as u64 - 1)));
        assert!(of(1).eq([KEYS_AHEAD_MAX as u64 + 1]));
    }

    /// Delivers at that time what the subscription wants of a log whose entries are due at these; says which.
    fn due(subscription: &mut Subscription, now_ms: u64, log: &[u64]) -> Vec<u64> {
        subscription.wake(now_ms);
        let log = (0..).zip(log).map(|(entry, due)| Entry {
            position: Position::new(1, entry),
            messages: 1,
            key: None,
            due_ms: Some(*due),
        });
        let wanted: Vec<_> = match subscription.wants() {
            None => Vec::new(),
            Some(Want::These(these)) => log.filter(|entry| these.contains(&entry.position)).collect(),
            Some(Want::After(after, _)) => log.filter(|entry| entry.position > after).collect(),
        };
        let mut effects = Vec::new();
        subscription.dispatch(&wanted, now_ms, &mut effects);
        let got = |effect: &Effect| match effect {
            Effect::Deliver(delivery) => Some(delivery.position.entry),
            Effect::ActiveChanged { .. } => None,
        };
        effects.iter().filter_map(got).collect()
    }

    #[test]
    fn what_is_not_due_is_passed_over_and_comes_when_it_is() {
        let log = [30, 5, 20, 10];
        let mut subscription = shared(&[(1, 0, 9)]);
        assert_eq!(due(&mut subscription, 10, &log), [1, 3]);
        assert_eq!((subscription.wakes_at_ms(), subscription.delayed()), (Some(20), 2));
        assert!(due(&mut subscription, 19, &log).is_empty());
        assert_eq!(due(&mut subscription, 25, &log), [2]);
        subscription.ack(ConsumerId(1), Position::new(1, 0), None);
        assert_eq!(subscription.wakes_at_ms(), None);
        assert!(due(&mut subscription, 40, &log).is_empty());
    }

    #[test]
    fn who_does_not_ack_gets_no_more_until_half_is_acked() {
        let mut subscription = shared(&[(1, 0, 99), (2, 0, 99)]);
        let max = UnackedMax { of_consumer: 4, of_subscription: 6 };
        subscription.limit_unacked(max);
        let mut next = 0;
        let mut deliver = |subscription: &mut Subscription| {
            let entries: Vec<_> = (next..next + 20)
                .map(|entry| Entry {
                    position: Position::new(1, entry),
                    messages: 1,
                    key: None,
                    due_ms: None,
                })
                .collect();
            let mut effects = Vec::new();
            subscription.dispatch(&entries, 0, &mut effects);
            next += effects.len() as u64;
            effects.len()
        };
        assert_eq!(deliver(&mut subscription), 6);
        assert!(subscription.owes_acks(None) && subscription.wants().is_none());
        let ack = |subscription: &mut Subscription, id, entries: &[u64]| {
            for entry in entries {
                subscription.ack(ConsumerId(id), Position::new(1, *entry), None);
            }
            subscription.limit_unacked(max);
        };
        ack(&mut subscription, 1, &[0, 1, 2]);
        assert!(subscription.wants().is_none(), "half of six is not acked");
        ack(&mut subscription, 1, &[4]);
        assert_eq!(deliver(&mut subscription), 4);
        assert!([1, 2].map(|id| subscription.owes_acks(Some(ConsumerId(id)))).contains(&true));
        subscription.limit_unacked(UnackedMax::default());
        assert_eq!(deliver(&mut subscription), 20);
    }

    #[test]
    fn one_consumer_in_order_waits_for_no_time() {
        let mut subscription = Subscription::new(Kind::Exclusive, Cursor::at(Position::EARLIEST));
        let (id, keys) = (ConsumerId(1), KeyPolicy::default());
        let joining = Joining { id, name: "1".to_owned(), priority: 0, keys };
        subscription.join(joining, Kind::Exclusive, &mut Vec::new()).unwrap();
        subscription.flow(ConsumerId(1), 9);
        assert_eq!(due(&mut subscription, 0, &[30, 0]), [0, 1]);
    }
}
