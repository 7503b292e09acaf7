//! What is read next, and who gets it.

use super::state::{Held, Subscription, ones};
use super::{ConsumerId, Delivery, Effect, Entry, Kind, Position, WANTED_ENTRIES_MAX, Want};

impl Subscription {
    /// What the next dispatch needs; `None` if nobody is there who takes anything. Entries given back come
    /// first.
    pub fn wants(&self) -> Option<Want> {
        let takers = match self.kind {
            Kind::Shared => &self.consumers[..],
            Kind::Exclusive | Kind::Failover => self.consumers.get(..1)?,
        };
        let takers = takers.iter().filter(|consumer| consumer.takes_any());
        let permits = takers.map(|consumer| consumer.permits).fold(0, i64::saturating_add);
        let entries = u32::try_from(permits).unwrap_or(u32::MAX).min(WANTED_ENTRIES_MAX);
        if entries == 0 {
            return None;
        }
        if self.returned.is_empty() {
            return Some(Want::After(self.read, entries));
        }
        Some(Want::These(self.returned.iter().copied().take(entries as usize).collect()))
    }

    /// Delivers the entries that were read for the last `wants`, as long as permits last; what is acked or
    /// held already is skipped. See [`Self::generation`] if anything happened in between.
    pub fn dispatch(&mut self, entries: &[Entry], effects: &mut Vec<Effect>) {
        for entry in entries {
            let position = entry.position;
            let again = self.returned.contains(&position);
            if position <= self.read && !again {
                continue;
            }
            let acked = self.cursor.is_acked(position);
            let taker = if acked { None } else { self.taker() };
            if !acked && taker.is_none() {
                return;
            }
            if !again {
                self.read = position;
                self.cursor.saw(position);
            }
            self.returned.remove(&position);
            if let Some(taker) = taker {
                effects.push(Effect::Deliver(self.deliver(taker, *entry)));
            }
        }
    }

    /// Who gets the next entry, if somebody takes any.
    pub fn next_taker(&self) -> Option<ConsumerId> {
        self.taker().map(|index| self.consumers[index].id)
    }

    /// The index of the consumer that gets the next entry: of those who take any the ones with the lowest
    /// priority value, in turn.
    fn taker(&self) -> Option<usize> {
        if self.kind != Kind::Shared {
            return self.consumers.first().filter(|active| active.takes_any()).map(|_| 0);
        }
        let count = self.consumers.len();
        (0..count)
            .map(|step| (self.turn + step) % count)
            .filter(|index| self.consumers[*index].takes_any())
            .min_by_key(|index| self.consumers[*index].priority)
    }

    fn deliver(&mut self, taker: usize, Entry { position, messages }: Entry) -> Delivery {
        self.turn = taker + 1;
        let consumer = &mut self.consumers[taker];
        consumer.permits -= i64::from(messages);
        let ack_set = self.cursor.remaining(position).map(<[u64]>::to_vec);
        let left = ack_set.as_deref().map_or(messages, |left| ones(left).min(messages));
        self.held.insert(position, Held { by: consumer.id, messages: left });
        Delivery {
            consumer: consumer.id,
            position,
            messages,
            redelivery: self.redelivered(position),
            ack_set,
        }
    }

    fn redelivered(&self, position: Position) -> u32 {
        self.redeliveries.get(&position).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConsumerId, Cursor, Joining};
    use super::*;

    fn shared(consumers: &[(u64, i32, u32)]) -> Subscription {
        let mut subscription = Subscription::new(Kind::Shared, Cursor::at(Position::EARLIEST));
        for (id, priority, permits) in consumers {
            let joining = Joining { id: ConsumerId(*id), name: id.to_string(), priority: *priority };
            subscription.join(joining, Kind::Shared, &mut Vec::new()).unwrap();
            subscription.flow(ConsumerId(*id), *permits);
        }
        subscription
    }

    fn takers(subscription: &mut Subscription, messages: &[u32]) -> Vec<u64> {
        let entry = |(entry, messages)| Entry { position: Position::new(1, entry), messages };
        let entries: Vec<_> = (0..).zip(messages.iter().copied()).map(entry).collect();
        let mut effects = Vec::new();
        subscription.dispatch(&entries, &mut effects);
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
}
