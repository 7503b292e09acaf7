//! What a subscription's consumers may have is read, and put where their connections write it from.
//!
//! What memory has is delivered at once and under the topic's lock by whoever brought it about, also by the leader of a
//! commit. What only a file has is not: reading may take long, and who needs the lock meanwhile waits, a leader with the
//! receipts of all topics. So the connection of a consumer is asked, which reads without the lock, and a few times in a
//! row at most, so that it hears its client. What has changed when it has the lock again, the subscription's
//! version tells.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use hexalpes_log::{Entry, Position, ReadError};
use hexalpes_wire::{
    MessageId,
    frame::Payload,
    proto::{Command, CommandActiveConsumerChange, CommandMessage},
};

use super::{ConsumerSeat, State, Sub, Topic};
use crate::{
    connection::outbox::Outbox,
    meter::Counts,
    off_reactor::off_reactor,
    options::{DISPATCH_BYTES, DISPATCH_READS_MAX},
    pace::{Bucket, Rate},
    rules::Rules,
    subscription::{self, Delivery, Effect, KeyHash, Kind, Want},
};

/// Of which subscription, and of which time of it, a want is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    number: u64,
    generation: u64,
    as_compacted: bool,
}

/// The entries that are delivered, by where they are.
#[derive(Default)]
pub(super) struct Found {
    entries: HashMap<Position, Entry>,
    /// Those that are chunks of a message.
    chunks: HashSet<Position>,
}

/// What a read for a dispatch found.
#[derive(Default)]
struct Read {
    entries: Vec<Entry>,
    /// Were to be delivered again, and are not kept any more.
    lost: Vec<Position>,
}

impl Topic {
    /// Does something with a subscription on behalf of a consumer, at that time, then delivers what it may.
    pub(crate) fn with(&self, subscription: &str, change: impl FnOnce(&mut Sub, u64)) {
        let now_ms = self.alarms.now_ms();
        let mut state = self.state.lock();
        if let Some(sub) = state.subscriptions.get_mut(subscription) {
            sub.noting(now_ms, |sub| change(sub, now_ms));
            self.dispatch(sub, now_ms);
        }
    }

    pub(super) fn dispatch_all(&self, state: &mut State, now_ms: u64) {
        for sub in state.subscriptions.values_mut() {
            self.dispatch(sub, now_ms);
        }
    }

    /// A time has come that an alarm was set for.
    pub(crate) fn ring(&self) {
        let mut state = self.state.lock();
        state.subscriptions.values_mut().for_each(|sub| sub.alarm_ms = None);
        self.dispatch_all(&mut state, self.alarms.now_ms());
    }

    /// Has the topic woken when there is something to deliver that is not due yet.
    fn set_alarm(&self, sub: &mut Sub) {
        let wakes_at_ms = [sub.machine.wakes_at_ms(), sub.held_until_ms].into_iter().flatten().min();
        if let Some(wakes_at_ms) = wakes_at_ms.filter(|_| wakes_at_ms != sub.alarm_ms) {
            self.alarms.set(wakes_at_ms, &self.name);
        }
        sub.alarm_ms = wakes_at_ms;
    }

    /// Delivers what memory has, and leaves it to a consumer's connection to deliver what only a file has.
    pub(super) fn dispatch(&self, sub: &mut Sub, now_ms: u64) {
        self.tell_of_the_end(sub);
        if self.dispatch_recent(sub, now_ms).is_some() {
            sub.ask_for_a_reader();
        }
    }

    /// Delivers what a subscription's consumers may have, from files too, on behalf of a connection that was asked to.
    pub(crate) fn deliver(&self, subscription: &str, reader: &Arc<Outbox>) {
        let first = {
            let mut state = self.state.lock();
            let Some(sub) = state.subscriptions.get_mut(subscription) else { return };
            let want = self.dispatch_recent(sub, self.alarms.now_ms());
            let Some(want) = want.filter(|_| sub.reader.is_none()) else { return };
            sub.reader = Some(Arc::clone(reader));
            (sub.version(), want)
        };
        off_reactor(|| self.deliver_from_files(subscription, first));
    }

    /// Reads and delivers as the subscription's one reader, and is so no more in the end.
    fn deliver_from_files(&self, subscription: &str, first: (Version, Want)) {
        let (mut version, mut want) = first;
        for reads in 1.. {
            let read = self.read(&want, version.as_compacted);
            let mut state = self.state.lock();
            // It may have ended, or another have begun under its name.
            let sub = state.subscriptions.get_mut(subscription).filter(|sub| sub.number == version.number);
            let Some(sub) = sub else { return };
            match self.go_on(sub, version, &want, read) {
                Some(next) if reads < DISPATCH_READS_MAX => (version, want) = (sub.version(), next),
                next => {
                    sub.reader = None;
                    if next.is_some() {
                        sub.ask_for_a_reader();
                    }
                    return;
                }
            }
        }
    }

    /// Delivers what was read for a want of this version, then what memory has. Gives back what to read next.
    fn go_on(
        &self,
        sub: &mut Sub,
        version: Version,
        want: &Want,
        read: Result<Read, ReadError>,
    ) -> Option<Want> {
        let now_ms = self.alarms.now_ms();
        match read {
            Err(error) => {
                tracing::error!(topic = %self.name, %error, "could not read entries to deliver");
                return None;
            }
            Ok(read) if sub.version() == version => {
                sub.read_from_files.count(read.entries.len() as u64, 0);
                if !self.hand_out(sub, read, now_ms) {
                    return None;
                }
            }
            // Reading begins elsewhere now.
            Ok(_) => {}
        }
        let next = self.dispatch_recent(sub, now_ms)?;
        // Or nothing came of it: nobody takes them.
        (sub.version() != version || !next.begins_as(want)).then_some(next)
    }

    /// Delivers as long as memory has something, and there is somebody who takes it and has room for it. Gives back
    /// what has to be read from a file.
    fn dispatch_recent(&self, sub: &mut Sub, now_ms: u64) -> Option<Want> {
        sub.machine.wake(now_ms);
        let left = self.dispatch_while_recent(sub, now_ms);
        self.set_alarm(sub);
        left
    }

    fn dispatch_while_recent(&self, sub: &mut Sub, now_ms: u64) -> Option<Want> {
        let mut before = None;
        let rules = self.rules();
        sub.held_until_ms = None;
        loop {
            sub.machine.limit_unacked(rules.unacked);
            for (id, seat) in &sub.seats {
                sub.machine.block(*id, seat.outbox.is_full());
            }
            let want = self.paced(sub, &rules, sub.machine.wants()?)?;
            // Nothing came of it the last time: the entries are gone, or nobody takes them.
            if before.as_ref().is_some_and(|before| want.begins_as(before)) {
                return None;
            }
            let Some(read) = self.read_recent(&want, sub.reads_compacted()) else { return Some(want) };
            if !self.hand_out(sub, read, now_ms) {
                return None;
            }
            before = Some(want);
        }
    }

    /// Delivers what was read for what the subscription wants. Says whether there was anything.
    fn hand_out(&self, sub: &mut Sub, read: Read, now_ms: u64) -> bool {
        let Read { entries, lost } = read;
        sub.read.count(entries.len() as u64, 0);
        for position in &lost {
            tracing::warn!(topic = %self.name, %position, "an entry to deliver again is no longer kept");
            sub.machine.lost(*position);
        }
        if entries.is_empty() {
            return !lost.is_empty();
        }
        let (by_keys, delays) = (sub.machine.kind() == Kind::KeyShared, self.rules.read().delays);
        let mut chunks = HashSet::new();
        let count = |entry: &Entry| {
            let peek = Payload::from_raw(entry.payload.clone()).peek().ok();
            let messages = peek.as_ref().map_or(1, |peek| peek.num_messages_in_batch().max(1).unsigned_abs());
            let due_ms = peek.filter(|_| delays).and_then(|peek| u64::try_from(peek.deliver_at_time?).ok());
            if peek.is_some_and(|peek| peek.chunk_id.is_some()) {
                chunks.insert(entry.position);
            }
            let key = by_keys.then(|| key_of(&Payload::from_raw(entry.payload.clone())));
            subscription::Entry { position: entry.position, messages, key, due_ms }
        };
        let counted: Vec<_> = entries.iter().map(count).collect();
        let entries = entries.into_iter().map(|entry| (entry.position, entry)).collect();
        let mut effects = Vec::new();
        sub.machine.dispatch(&counted, now_ms, &mut effects);
        let sent = sub.carry_out(effects, &Found { entries, chunks }, now_ms);
        for bucket in [&mut *self.dispatched.lock(), &mut sub.dispatched] {
            bucket.take(sent.messages, sent.bytes);
        }
        true
    }

    /// As much of a want as the rates leave; nothing until they leave some.
    fn paced(&self, sub: &mut Sub, rules: &Rules, want: Want) -> Option<Want> {
        let now_ms = self.alarms.now_ms();
        let (mut room, mut wait_ms) = (u64::MAX, 0);
        let mut look = |bucket: &mut Bucket, rate: Option<Rate>| {
            let Some(rate) = rate else { return *bucket = Bucket::default() };
            wait_ms = bucket.wait_ms(rate, now_ms).max(wait_ms);
            room = room.min(bucket.messages());
        };
        look(&mut self.dispatched.lock(), rules.dispatch_rate);
        look(&mut sub.dispatched, rules.subscription_rate);
        if wait_ms > 0 {
            sub.held_until_ms = Some(now_ms.saturating_add(wait_ms));
            return None;
        }
        Some(match want {
            Want::These(mut positions) => {
                positions.truncate(usize::try_from(room).unwrap_or(usize::MAX));
                Want::These(positions)
            }
            Want::After(after, entries) => {
                Want::After(after, entries.min(u32::try_from(room).unwrap_or(u32::MAX)))
            }
        })
    }

    /// Reads what is wanted, as far as [`DISPATCH_BYTES`] go.
    fn read(&self, want: &Want, as_compacted: bool) -> Result<Read, ReadError> {
        Self::gather(want, |position, entries| {
            if as_compacted {
                self.read_as_compacted(position, entries)
            } else {
                self.log.read(self.id, position, entries, DISPATCH_BYTES)
            }
        })
    }

    /// As [`Topic::read`], if memory has it. What compaction left is in files.
    fn read_recent(&self, want: &Want, as_compacted: bool) -> Option<Read> {
        let horizon = as_compacted.then(|| self.view()).flatten().map(|view| view.horizon);
        let read = |position, entries| {
            if horizon.is_some_and(|horizon| position <= horizon) {
                return Err(NotRecent);
            }
            self.log.read_recent(self.id, position, entries, DISPATCH_BYTES).ok_or(NotRecent)
        };
        Self::gather(want, read).ok()
    }

    fn gather<E>(want: &Want, read: impl Fn(Position, usize) -> Result<Vec<Entry>, E>) -> Result<Read, E> {
        let positions = match want {
            Want::After(position, count) => {
                return Ok(Read { entries: read(position.next(), *count as usize)?, lost: Vec::new() });
            }
            Want::These(positions) => positions,
        };
        let (mut found, mut bytes) = (Read::default(), 0);
        for position in positions {
            match read(*position, 1)?.into_iter().find(|entry| entry.position == *position) {
                Some(entry) => {
                    bytes += entry.payload.len();
                    found.entries.push(entry);
                }
                None => found.lost.push(*position),
            }
            if bytes >= DISPATCH_BYTES {
                break;
            }
        }
        Ok(found)
    }
}

/// A file has it.
struct NotRecent;

impl Sub {
    fn version(&self) -> Version {
        let generation = self.machine.generation();
        Version { number: self.number, generation, as_compacted: self.reads_compacted() }
    }

    /// Whether who gets the next entry reads the topic as compacted: only the one consumer in order may.
    fn reads_compacted(&self) -> bool {
        let active = self.machine.next_taker().filter(|_| !self.machine.kind().is_shared());
        active.and_then(|id| self.seats.get(&id)).is_some_and(|seat| seat.reads_compacted)
    }

    /// Asks the connection of who gets the next entry to read it, unless another is at it.
    fn ask_for_a_reader(&self) {
        let taker = self.machine.next_taker().and_then(|id| self.seats.get(&id));
        if let Some(seat) = taker.filter(|_| self.reader.is_none()) {
            seat.outbox.ask_to_deliver();
        }
    }

    /// Says how much went to consumers.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, found: &Found, now_ms: u64) -> Counts {
        let mut went = Counts::default();
        for effect in effects {
            match effect {
                Effect::ActiveChanged { consumer, active } => {
                    let Some(seat) = self.seats.get(&consumer) else { continue };
                    let change = CommandActiveConsumerChange {
                        consumer_id: seat.consumer_id,
                        is_active: Some(active),
                    };
                    seat.outbox.push(&Command::ActiveConsumerChange(change));
                }
                Effect::Deliver(delivery) => {
                    let (Some(seat), Some(entry)) =
                        (self.seats.get_mut(&delivery.consumer), found.entries.get(&delivery.position))
                    else {
                        continue;
                    };
                    let (messages, bytes) = (u64::from(delivery.messages), entry.payload.len());
                    let is_chunk = found.chunks.contains(&delivery.position);
                    seat.counted.sent(messages, bytes, is_chunk, now_ms);
                    self.sent.count(messages, bytes);
                    self.times.sent_ms = now_ms;
                    seat.outbox.push_with_payload(&message(seat, delivery), &entry.payload);
                    went.messages += messages;
                    went.bytes += bytes as u64;
                }
            }
        }
        went
    }
}

/// What cannot be read is of one key, and its consumer says so.
pub(super) fn key_of(payload: &Payload) -> KeyHash {
    let peek = payload.peek_key().unwrap_or_default();
    KeyHash::of(&peek.ordered_by())
}

pub(super) fn message(seat: &ConsumerSeat, delivery: Delivery) -> Command {
    let ack_set = delivery.ack_set.unwrap_or_default();
    let Position { ledger, entry } = delivery.position;
    let id = MessageId { partition: seat.partition, ..MessageId::new(ledger, entry) };
    Command::Message(CommandMessage {
        consumer_id: seat.consumer_id,
        message_id: id.into(),
        redelivery_count: Some(delivery.redelivery),
        ack_set: ack_set.into_iter().map(u64::cast_signed).collect(),
        consumer_epoch: None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::{path::Path, sync::mpsc};

    use bytes::BytesMut;
    use hexalpes_files::{Files, ForgetfulFiles};
    use hexalpes_log::{Appended, FileError, Log, Options, Receipts, TopicId};
    use hexalpes_wire::{TopicName, frame::Decoder, proto::MessageMetadata};

    use super::*;
    use crate::{
        alarms::driven::DrivenClock,
        cursor_store::Properties,
        subscription::{ConsumerId, Joining, KeyPolicy, Subscription},
        topic::{Around, Start},
    };

    struct Done(mpsc::Sender<Position>);

    impl Receipts for Done {
        fn synced(&self, appended: &[Appended]) {
            for one in appended {
                self.0.send(one.position).unwrap();
            }
        }
        fn failed(&self, _: &[Appended], cause: &FileError) {
            panic!("{cause}");
        }
    }

    /// A topic with an entry for each of these times at which it is due, each in a segment of its own.
    pub(in crate::topic) fn topic(clock: &DrivenClock, due: &[i64]) -> (Topic, Vec<Position>) {
        let files: Arc<dyn Files> = Arc::new(ForgetfulFiles::new());
        let options = Options { segment_entries: 1, cache_bytes: 0, ..Options::default() };
        let (log, _) = Log::open(&files, Path::new("/log"), options).unwrap();
        let (send, receive) = mpsc::channel();
        let receipts: Arc<dyn Receipts> = Arc::new(Done(send));
        for due in due {
            let metadata = MessageMetadata { deliver_at_time: Some(*due), ..MessageMetadata::default() };
            let payload = Payload::new(&metadata, b"body");
            log.append(TopicId(1), 0, &[payload.raw()], &receipts, 0).unwrap();
        }
        log.commit_now();
        let positions = receive.iter().take(due.len()).collect();
        let name = TopicName::parse("persistent://public/default/orders").unwrap();
        let around = Around { log, alarms: Arc::new(clock.alarms()), counters: Arc::default() };
        (Topic::empty(around, TopicId(1), name, Arc::default()), positions)
    }

    fn delivered(outbox: &Outbox) -> Vec<Position> {
        let (decoder, mut bytes) = (Decoder::new(1 << 20), BytesMut::from(&*outbox.take()));
        let mut positions = Vec::new();
        while let Some(frame) = decoder.decode(&mut bytes).unwrap() {
            if let Command::Message(message) = frame.command {
                positions.push(Position::new(message.message_id.ledger_id, message.message_id.entry_id));
            }
        }
        positions
    }

    /// Does something with the machine of a subscription, as a connection does: the log may have entries in files
    /// already.
    fn with(topic: &Topic, outbox: &Arc<Outbox>, change: impl FnOnce(&mut Subscription)) {
        topic.with("sub", |sub, _| change(&mut sub.machine));
        while outbox.has_to_deliver() {
            topic.deliver("sub", outbox);
        }
    }

    pub(in crate::topic) fn subscribed(topic: &Topic) -> (Arc<Outbox>, ConsumerId) {
        let (outbox, id) = (Arc::new(Outbox::default()), ConsumerId(1));
        let seat = ConsumerSeat::new(Arc::clone(&outbox), 5, None);
        let joining = Joining { id, name: "one".to_owned(), priority: 0, keys: KeyPolicy::default() };
        let (kind, start) = (Kind::Shared, Start::Earliest);
        topic
            .subscribe("sub", seat, joining, kind, false, start, &Properties::new(), |_| Ok(()), || {})
            .unwrap();
        (outbox, id)
    }

    #[test]
    fn an_entry_that_was_trimmed_when_it_is_due_again_does_not_hold_up_the_next() {
        let (topic, positions) = topic(&DrivenClock::default(), &[0; 3]);
        let (outbox, id) = subscribed(&topic);
        with(&topic, &outbox, |machine| machine.flow(id, 2));
        assert_eq!(delivered(&outbox), positions[..2]);
        topic.log.trim_before(topic.id, positions[1]);
        with(&topic, &outbox, |machine| {
            machine.redeliver(id, None);
        });
        with(&topic, &outbox, |machine| machine.flow(id, 9));
        assert_eq!(delivered(&outbox), positions[1..]);
    }

    #[tokio::test]
    async fn what_is_beyond_a_rate_is_delivered_when_it_is_not_any_more() {
        let clock = DrivenClock::default();
        let (topic, positions) = topic(&clock, &[0; 7]);
        let limits = |topic: i64, subscription: i64| {
            let rate = |messages: i64| {
                serde_json::json!({
                    "dispatchThrottlingRateInMsg": messages, "dispatchThrottlingRateInByte": 0, "ratePeriodInSecond": 1,
                })
            };
            let set = serde_json::json!({
                "topicDispatchRate": rate(topic), "subscriptionDispatchRate": rate(subscription),
            });
            Arc::new(Rules::of(Some(&set), None))
        };
        let (outbox, id) = subscribed(&topic);
        topic.set_rules(limits(2, 0));
        with(&topic, &outbox, |machine| machine.flow(id, 99));
        assert_eq!(delivered(&outbox), positions[..2]);
        let rings = async |now_ms: u64| {
            clock.set(now_ms);
            assert_eq!(topic.alarms.ring().await, [topic.name.clone()].into());
            topic.ring();
            with(&topic, &outbox, |_| {});
            delivered(&outbox)
        };
        assert_eq!(rings(501).await, positions[2..3]);
        topic.set_rules(limits(0, 3));
        with(&topic, &outbox, |_| {});
        assert_eq!(delivered(&outbox), positions[3..6]);
        topic.set_rules(limits(0, 0));
        with(&topic, &outbox, |_| {});
        assert_eq!(delivered(&outbox), positions[6..]);
    }

    #[tokio::test]
    async fn what_is_not_due_wakes_the_topic_when_it_is() {
        let clock = DrivenClock::default();
        let (topic, positions) = topic(&clock, &[2_000, 0, 1_000]);
        let (outbox, id) = subscribed(&topic);
        with(&topic, &outbox, |machine| machine.flow(id, 9));
        assert_eq!(delivered(&outbox), positions[1..2]);
        for (now_ms, came) in [(1_000, 2..3), (3_000, 0..1)] {
            clock.set(now_ms);
            assert_eq!(topic.alarms.ring().await, [topic.name.clone()].into());
            topic.ring();
            with(&topic, &outbox, |_| {});
            assert_eq!(delivered(&outbox), positions[came]);
        }
    }
}
