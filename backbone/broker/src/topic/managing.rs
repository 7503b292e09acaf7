//! Subscriptions as somebody at the REST interface sees to them: made, ended, moved, looked into.
//!
//! What moves or ends one is on the disk before it is so, as with SEEK and UNSUBSCRIBE. Each caller sees to it that
//! nobody else writes cursors down meanwhile.

use hexalpes_log::{Entry, Position};
use hexalpes_wire::proto::Command;

use super::{Start, State, Sub, Topic};
use crate::{
    broker::AdminError,
    cursor_store::{self, Properties},
    metadata::Metadata,
    subscription::{Cursor, Kind, Subscription},
};

/// How far a cursor is moved forward.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Forward {
    /// Over so many entries that are not acked.
    Entries(u64),
    /// Over everything.
    ToEnd,
    /// Over what was published before then, in milliseconds since 1970, up to the first that was not.
    PublishedBefore(u64),
    /// Over everything up to this entry.
    Through(Position),
}

/// Consumers that are connected keep what they have not had, unless more than this waits.
const EXPIRED_UNDER_CONSUMERS_FROM: u64 = 1000;

impl Topic {
    pub(crate) fn create_subscription(
        &self,
        subscription: &str,
        start: Start,
        properties: Properties,
        metadata: &Metadata,
    ) -> Result<(), AdminError> {
        let cursor = Cursor::at(self.mark_before(start)?);
        {
            let state = self.state.lock();
            if state.subscriptions.contains_key(subscription) {
                return Err(AdminError::SubscriptionExists);
            }
            self.check_room(&state)?;
        }
        metadata.put_cursor(&(
            self.id,
            subscription.to_owned(),
            cursor_store::write(&cursor, &properties),
        ))?;
        let mut state = self.state.lock();
        let sub = state.subscription(subscription, || (Subscription::new(Kind::Exclusive, cursor), true));
        sub.properties = properties;
        state.unused_since_ms = None;
        Ok(())
    }

    /// Ends a subscription; while somebody consumes for it, only by force.
    pub(crate) fn delete_subscription(
        &self,
        subscription: &str,
        force: bool,
        metadata: &Metadata,
    ) -> Result<(), AdminError> {
        {
            let state = self.state.lock();
            let sub = self.sub(&state, subscription)?;
            if !force && !sub.seats.is_empty() {
                return Err(AdminError::SubscriptionInUse);
            }
        }
        metadata.delete_cursor(self.id, subscription)?;
        let ended = self.state.lock().end_subscription(subscription);
        for seat in ended.iter().flat_map(|sub| sub.seats.values()) {
            seat.outbox.push(&Command::close_consumer(seat.consumer_id));
        }
        Ok(())
    }

    /// Counts entries as acked, on the disk first. Says how many.
    pub(crate) fn move_forward(
        &self,
        subscription: &str,
        how: Forward,
        metadata: &Metadata,
    ) -> Result<u64, AdminError> {
        let Some(to) = self.end_of(subscription, how)? else { return Ok(0) };
        let record = {
            let state = self.state.lock();
            let sub = self.sub(&state, subscription)?;
            let mut cursor = sub.machine.cursor().clone();
            if !cursor.ack_cumulative(to, None) {
                return Ok(0);
            }
            let written = cursor_store::write(&cursor, &sub.properties);
            sub.durable.then(|| (self.id, subscription.to_owned(), written))
        };
        if let Some(record) = &record {
            metadata.put_cursor(record)?;
        }
        let mut state = self.state.lock();
        let Some(sub) = state.subscriptions.get_mut(subscription) else { return Ok(0) };
        Ok(self.expire(sub, to))
    }

    /// Counts everything up to here as acked, and delivers what follows. Says how many entries that were.
    pub(super) fn expire(&self, sub: &mut Sub, to: Position) -> u64 {
        let (before, now_ms) = (self.backlog(sub), self.alarms.now_ms());
        sub.noting(now_ms, |sub| sub.machine.expire(to));
        let gone = before.saturating_sub(self.backlog(sub));
        self.dispatch(sub, now_ms);
        gone
    }

    /// As [`Topic::move_forward`] over what is old, or up to an entry; counted as expired. Refused, as by Pulsar,
    /// where there is nothing that could, or little and consumers that are about to have it.
    pub(crate) fn expire_messages(
        &self,
        subscription: &str,
        how: Forward,
        metadata: &Metadata,
    ) -> Result<u64, AdminError> {
        let backlog = {
            let state = self.state.lock();
            let sub = self.sub(&state, subscription)?;
            let backlog = self.backlog(sub);
            if backlog < EXPIRED_UNDER_CONSUMERS_FROM && !sub.seats.is_empty() { 0 } else { backlog }
        };
        let is_there = !matches!(how, Forward::Through(position) if position > self.end());
        let is_old = |at: Position| self.end_of(subscription, how).map(|to| to.is_some_and(|to| to >= at));
        let is_issued = is_there
            && match (backlog, self.nth_unacked(subscription, 1)?) {
                (1.., _) => true,
                (_, Some(oldest)) => is_old(oldest)?,
                (_, None) => false,
            };
        if !is_issued {
            return Err(AdminError::NothingToExpire(subscription.to_owned()));
        }
        let gone = self.move_forward(subscription, how, metadata)?;
        if let Some(sub) = self.state.lock().subscriptions.get_mut(subscription) {
            sub.expired.count(gone, 0);
            sub.expiry_ms = self.alarms.now_ms();
        }
        Ok(gone)
    }

    /// The last entry that is moved over; none if there is none. To find a time may read through a segment.
    fn end_of(&self, subscription: &str, how: Forward) -> Result<Option<Position>, AdminError> {
        Ok(match how {
            Forward::Entries(0) => None,
            Forward::Entries(entries) => {
                Some(self.nth_unacked(subscription, entries)?.unwrap_or_else(|| self.end()))
            }
            Forward::ToEnd => Some(self.end()),
            Forward::Through(position) => Some(position.min(self.end())),
            Forward::PublishedBefore(stamp) => {
                let mark = self.sub(&self.state.lock(), subscription)?.machine.cursor().mark_delete();
                Some(self.last_before(mark, stamp)?).filter(|to| *to > mark)
            }
        })
    }

    /// The last of the entries behind a mark that were published before then, up to the first that was not; the mark
    /// if that is the first of them.
    pub(super) fn last_before(&self, mark: Position, stamp: u64) -> Result<Position, AdminError> {
        let end = self.end();
        let Some(first) = self.log.first_at(self.id, mark.next(), stamp)? else { return Ok(end.max(mark)) };
        let entries = self.log.entries_between(self.id, mark.next(), first);
        let last = entries.checked_sub(1).and_then(|last| self.log.nth_from(self.id, mark.next(), last));
        Ok(last.unwrap_or(mark))
    }

    /// Where the entry is that is the `nth` of those that are not acked, counted from 1.
    pub(crate) fn nth_unacked(&self, subscription: &str, nth: u64) -> Result<Option<Position>, AdminError> {
        let Some(mut before) = nth.checked_sub(1) else { return Ok(None) };
        let state = self.state.lock();
        let cursor = self.sub(&state, subscription)?.machine.cursor();
        let from = cursor.mark_delete().next();
        let mut found = self.log.nth_from(self.id, from, before);
        for acked in cursor.acked() {
            if found.is_none_or(|at| at < acked) {
                break;
            }
            before += 1;
            found = self.log.nth_from(self.id, from, before);
        }
        Ok(found)
    }

    /// An entry, if it is kept.
    pub(crate) fn entry(&self, position: Position) -> Result<Option<Entry>, AdminError> {
        let found = self.log.read(self.id, position, 1, usize::MAX)?;
        Ok(found.into_iter().find(|entry| entry.position == position))
    }

    /// The entry that is the `nth` from the beginning or the end, counted from 1; the outermost, if there are fewer.
    pub(crate) fn nth_from_either_end(&self, from_end: bool, nth: u64) -> Option<Position> {
        let from = self.floor().next();
        let entries = self.log.entries_between(self.id, from, self.end().next());
        let last = entries.checked_sub(1)?;
        let index = nth.saturating_sub(1).min(last);
        self.log.nth_from(self.id, from, if from_end { last - index } else { index })
    }

    /// What the entries behind this one take on the disk, about.
    pub(crate) fn bytes_behind(&self, position: Position) -> u64 {
        self.log.bytes_from(self.id, position.next())
    }

    pub(crate) fn first_published_at(&self, stamp: u64) -> Result<Position, AdminError> {
        let first = self.log.first_at(self.id, self.floor().next(), stamp)?;
        Ok(first.unwrap_or_else(|| if self.is_empty() { self.end() } else { self.end().next() }))
    }

    fn is_empty(&self) -> bool {
        self.log.last_position(self.id).is_none()
    }

    pub(crate) fn subscription_properties(&self, subscription: &str) -> Result<Properties, AdminError> {
        Ok(self.sub(&self.state.lock(), subscription)?.properties.clone())
    }

    /// Notes these, and forgets what was noted before.
    pub(crate) fn set_subscription_properties(
        &self,
        subscription: &str,
        properties: Properties,
        metadata: &Metadata,
    ) -> Result<(), AdminError> {
        let record = {
            let state = self.state.lock();
            let sub = self.sub(&state, subscription)?;
            let written = cursor_store::write(sub.machine.cursor(), &properties);
            sub.durable.then(|| (self.id, subscription.to_owned(), written))
        };
        if let Some(record) = &record {
            metadata.put_cursor(record)?;
        }
        if let Some(sub) = self.state.lock().subscriptions.get_mut(subscription) {
            sub.properties = properties;
        }
        Ok(())
    }

    pub(crate) fn subscriptions(&self) -> Vec<String> {
        self.state.lock().subscriptions.keys().cloned().collect()
    }

    pub(super) fn sub<'a>(&self, state: &'a State, subscription: &str) -> Result<&'a Sub, AdminError> {
        state.subscriptions.get(subscription).ok_or_else(|| AdminError::NoSubscription {
            name: subscription.to_owned(),
            topic: self.name.clone(),
        })
    }
}
