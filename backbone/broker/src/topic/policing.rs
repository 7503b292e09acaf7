//! What a topic's policies do to it: messages expire, quotas are kept, who comes too many is refused, and what nobody
//! uses goes.
//!
//! What counts as acked here is written down with the other cursors, within a second: after a crash it expires again.

use hexalpes_log::{Position, ReadError};
use hexalpes_wire::proto::Command;

use super::{ConsumerSeat, State, Sub, SubscribeError, Topic};
use crate::{
    broker::AdminError,
    compaction::SUBSCRIPTION,
    rules::{Inactive, Over, Quota},
    subscription::Kind,
};

/// So many consumers are remembered that came; beyond, only those that came often of late.
const SUBSCRIBERS_MAX: usize = 1_000;

impl Topic {
    /// Has what is too old count as acked, in every subscription.
    pub(crate) fn expire_old(&self, now_ms: u64) -> Result<(), AdminError> {
        match self.rules().ttl_ms {
            Some(ttl_ms) => self.expire_before(now_ms.saturating_sub(ttl_ms)),
            None => Ok(()),
        }
    }

    fn expire_before(&self, stamp: u64) -> Result<(), AdminError> {
        for (name, mark) in self.marks() {
            // Without the lock, for it may have to read.
            let to = self.last_before(mark, stamp)?;
            if let Some(sub) = self.state.lock().subscriptions.get_mut(&name) {
                sub.expiry_ms = self.alarms.now_ms();
            }
            if to > mark {
                self.drop_through(&name, to);
            }
        }
        Ok(())
    }

    /// Keeps the topic within its backlog quotas: has the oldest count as acked, or sends producers away, who are
    /// refused when they come back as long as it is over. Says whether it has to refuse them.
    pub(crate) fn keep_quotas(&self, now_ms: u64) -> Result<bool, AdminError> {
        let rules = self.rules();
        let mut blocks = false;
        if let Some(Quota { limit, over }) = rules.size_quota
            && self.is_over_size(limit)
        {
            match over {
                // As by Pulsar, so far that it is not at once the same again.
                Over::ConsumerBacklogEviction => {
                    self.evict_to(limit / 10 * 9);
                    self.state.lock().evictions[0] += 1;
                }
                Over::ProducerRequestHold | Over::ProducerException => blocks = true,
            }
        }
        let age_ms = if rules.age_quota.is_some() { self.oldest_age(now_ms)? } else { None };
        self.state.lock().oldest_age_ms = age_ms;
        if let Some(Quota { limit, over }) = rules.age_quota
            && age_ms >= Some(limit)
        {
            match over {
                Over::ConsumerBacklogEviction => {
                    self.expire_before(now_ms.saturating_sub(limit))?;
                    self.state.lock().evictions[1] += 1;
                }
                Over::ProducerRequestHold | Over::ProducerException => blocks = true,
            }
        }
        if blocks {
            self.send_producers_away();
        }
        Ok(blocks)
    }

    /// Whether producers are refused at the moment, as the topic is over a quota; and if so, whether they are to wait.
    pub(crate) fn blocks_producers(&self, now_ms: u64) -> Option<bool> {
        let rules = self.rules();
        let holds = |quota: Quota| match quota.over {
            Over::ProducerRequestHold => Some(true),
            Over::ProducerException => Some(false),
            Over::ConsumerBacklogEviction => None,
        };
        let by_size = rules.size_quota.filter(|quota| self.is_over_size(quota.limit)).and_then(holds);
        let is_old = |quota: &Quota| {
            // What cannot be read says nothing.
            holds(*quota).is_some()
                && crate::off_reactor::off_reactor(|| self.oldest_age(now_ms)).unwrap_or(None)
                    >= Some(quota.limit)
        };
        by_size.or_else(|| rules.age_quota.filter(is_old).and_then(holds))
    }

    /// What waits for the slowest subscription takes so much, about.
    fn is_over_size(&self, limit: u64) -> bool {
        let waits = |(_, mark): &(String, Position)| self.log.bytes_from(self.id, mark.next());
        self.marks().iter().map(waits).max().is_some_and(|bytes| bytes > 0 && bytes >= limit)
    }

    /// How long ago the oldest message was published that waits for a subscription, if there is one.
    fn oldest_age(&self, now_ms: u64) -> Result<Option<u64>, ReadError> {
        let slowest = self.marks().into_iter().map(|(_, mark)| mark).min();
        let Some(slowest) = slowest else { return Ok(None) };
        let oldest = self.log.read(self.id, slowest.next(), 1, usize::MAX)?;
        Ok(oldest.first().map(|oldest| now_ms.saturating_sub(oldest.stamp)))
    }

    /// Moves subscriptions that have more than so many bytes before them.
    fn evict_to(&self, bytes: u64) {
        for (name, mark) in self.marks() {
            let from = mark.next();
            let left = |skipped: u64| {
                let at = skipped.checked_sub(1).and_then(|last| self.log.nth_from(self.id, from, last));
                (at, self.log.bytes_from(self.id, at.map_or(from, Position::next)))
            };
            let (mut few, mut enough) = (0, self.log.entries_between(self.id, from, self.end().next()));
            if left(0).1 <= bytes {
                continue;
            }
            while few + 1 < enough {
                let half = few.midpoint(enough);
                if left(half).1 <= bytes { enough = half } else { few = half }
            }
            if let (Some(to), _) = left(enough) {
                tracing::warn!(topic = %self.name, subscription = name, entries = enough, "evicted by its backlog quota");
                self.drop_through(&name, to);
            }
        }
    }

    /// Where each subscription is, but for the one that says how far the topic is compacted.
    fn marks(&self) -> Vec<(String, Position)> {
        let state = self.state.lock();
        let others = state.subscriptions.iter().filter(|(name, _)| *name != SUBSCRIPTION);
        others.map(|(name, sub)| (name.clone(), sub.machine.cursor().mark_delete())).collect()
    }

    fn drop_through(&self, subscription: &str, to: Position) {
        let mut state = self.state.lock();
        if let Some(sub) = state.subscriptions.get_mut(subscription) {
            let gone = self.expire(sub, to);
            sub.expired.count(gone, 0);
        }
    }

    fn send_producers_away(&self) {
        let mut state = self.state.lock();
        for (_, seat) in state.producers.drain() {
            seat.outbox.push(&Command::close_producer(seat.producer_id));
        }
    }

    /// Refuses a consumer that comes too often.
    pub(super) fn check_subscribe_rate(
        &self,
        state: &mut State,
        seat: &ConsumerSeat,
        name: &str,
    ) -> Result<(), SubscribeError> {
        let (Some(rate), Some(host)) = (self.rules().subscribe_rate, seat.outbox.host()) else {
            state.subscribed.clear();
            return Ok(());
        };
        let now_ms = self.alarms.now_ms();
        if state.subscribed.len() >= SUBSCRIBERS_MAX {
            state.subscribed.retain(|_, bucket| !bucket.is_full(rate, now_ms));
        }
        let bucket = state.subscribed.entry((host, name.to_owned(), seat.consumer_id)).or_default();
        if bucket.wait_ms(rate, now_ms) > 0 {
            return Err(SubscribeError::Often);
        }
        bucket.take(1, 0);
        Ok(())
    }

    /// Refuses a consumer that the topic may not take.
    pub(super) fn check_limits(
        &self,
        state: &State,
        subscription: &str,
        kind: Kind,
        durable: bool,
    ) -> Result<(), SubscribeError> {
        let rules = self.rules.read();
        if !rules.takes(kind) {
            return Err(SubscribeError::KindNotTaken(kind));
        }
        let consumers = || state.subscriptions.values().map(|sub| sub.seats.len()).sum::<usize>();
        if let Some(max) = rules.consumers_max.filter(|max| consumers() >= *max) {
            return Err(SubscribeError::ManyConsumers(max));
        }
        let Some(sub) = state.subscriptions.get(subscription) else {
            let max = rules.subscriptions_max.filter(|max| state.subscriptions.len() >= *max);
            return match max {
                Some(max) => Err(SubscribeError::ManySubscriptions(max)),
                None if durable && !rules.makes_subscriptions => {
                    Err(SubscribeError::NotMade(subscription.to_owned()))
                }
                None => Ok(()),
            };
        };
        let max = rules.consumers_per_subscription_max.filter(|max| sub.seats.len() >= *max);
        max.map_or(Ok(()), |max| Err(SubscribeError::ManyOfSubscription(max)))
    }

    /// Refuses one subscription more than there may be.
    pub(super) fn check_room(&self, state: &State) -> Result<(), AdminError> {
        let max = self.rules.read().subscriptions_max;
        match max.filter(|max| state.subscriptions.len() >= *max) {
            Some(max) => Err(AdminError::TooManySubscriptions(max)),
            None => Ok(()),
        }
    }

    /// The durable subscriptions that nobody has used for as long as the namespace says.
    pub(crate) fn unused_subscriptions(&self, now_ms: u64) -> Vec<String> {
        let Some(after_ms) = self.rules().subscription_ms else { return Vec::new() };
        let mut state = self.state.lock();
        let mut unused = Vec::new();
        for (name, sub) in &mut state.subscriptions {
            if !sub.seats.is_empty() {
                sub.unused_since_ms = None;
                continue;
            }
            let since = *sub.unused_since_ms.get_or_insert(now_ms);
            if sub.durable && name != SUBSCRIPTION && now_ms.saturating_sub(since) >= after_ms {
                unused.push(name.clone());
            }
        }
        unused
    }

    /// Looks whether nobody has used the topic for as long as its policy says, and if so lets nobody in any more:
    /// then it is to be deleted, or [`Topic::stay`].
    pub(crate) fn ends_inactive(&self, now_ms: u64) -> bool {
        let rules = self.rules();
        let Some(Inactive { after_ms, when_caught_up }) = rules.inactive else { return false };
        let mut state = self.state.lock();
        let is_through = |name: &str, sub: &Sub| {
            let has_all = || sub.seats.is_empty() && self.backlog(sub) == 0;
            when_caught_up && (name == SUBSCRIPTION || has_all())
        };
        let is_used = !state.producers.is_empty()
            || !state.waiting.is_empty()
            || !state.pending.is_empty()
            || !state.subscriptions.iter().all(|(name, sub)| is_through(name, sub));
        if is_used {
            state.unused_since_ms = None;
            return false;
        }
        let unused_ms = now_ms.saturating_sub(*state.unused_since_ms.get_or_insert(now_ms));
        let ends = unused_ms >= after_ms && !rules.retention.keeps_for(unused_ms);
        state.disbanded |= ends;
        ends
    }

    /// The topic could not be deleted: it lets in who comes.
    pub(crate) fn stay(&self) {
        self.state.lock().disbanded = false;
    }
}
