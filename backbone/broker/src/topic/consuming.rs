//! The consumers' side of a topic: subscribing, delivering, acking, seeking.

use std::{collections::HashMap, sync::Arc};

use hexalpes_log::{Entry, Position, ReadError};
use hexalpes_wire::{
    MessageId,
    frame::Payload,
    proto::{Command, CommandActiveConsumerChange, CommandMessage},
};

use super::{State, Sub, Topic};
use crate::{
    connection::outbox::Outbox,
    cursor_store,
    metadata::{CursorRecord, MetadataError},
    options::DISPATCH_BYTES,
    subscription::{
        self, ConsumerId, Cursor, Delivery, Effect, JoinError, Joining, Kind, Subscription, Want,
    },
};

/// A consumer that is connected.
pub(crate) struct ConsumerSeat {
    pub(crate) outbox: Arc<Outbox>,
    /// What its client calls it.
    pub(crate) consumer_id: u64,
}

/// Where a cursor that is new begins, or one is moved to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Earliest,
    Latest,
    /// With this message.
    At(MessageId),
    /// With the first that was published then or later, in milliseconds since 1970.
    Published(u64),
}

/// What a read for a dispatch found.
#[derive(Default)]
struct Read {
    entries: Vec<Entry>,
    /// Were to be delivered again, and are not kept any more.
    lost: Vec<Position>,
}

/// What there is to know before a subscription is ended.
pub(crate) struct Ending {
    pub(crate) is_allowed: bool,
    pub(crate) is_durable: bool,
}

/// Why a consumer could not join, or seek.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("entries cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("topic was deleted just now")]
    Deleted,
    #[error("subscription {name:?} is durable, and was asked for as one that is not, or the other way round")]
    Durability { name: String },
}

impl Topic {
    /// Joins a subscription, then says so through `joined`, before anything else is said to the consumer. What a
    /// new one that is durable begins with is written down first, by `write`; the caller sees to it that nobody
    /// else writes cursors down meanwhile.
    #[allow(clippy::too_many_arguments, reason = "each is a field of SUBSCRIBE")]
    pub(crate) fn subscribe(
        &self,
        subscription: &str,
        seat: ConsumerSeat,
        joining: Joining,
        kind: Kind,
        durable: bool,
        start: Start,
        write: impl Fn(CursorRecord) -> Result<(), MetadataError>,
        joined: impl FnOnce(),
    ) -> Result<(), SubscribeError> {
        let cursor = Cursor::at(self.mark_before(start)?);
        let mut state = self.state.lock();
        let mut is_written = false;
        while durable && !is_written && !state.subscriptions.contains_key(subscription) {
            // Nobody waits for the disk under the lock.
            drop(state);
            write((self.id, subscription.to_owned(), cursor_store::write(&cursor)))?;
            is_written = true;
            state = self.state.lock();
        }
        if state.disbanded {
            return Err(SubscribeError::Deleted);
        }
        let sub = state.subscriptions.entry(subscription.to_owned()).or_insert_with(|| Sub {
            written: cursor.changes(),
            machine: Subscription::new(kind, cursor),
            durable,
            seats: HashMap::new(),
        });
        if sub.durable != durable {
            return Err(SubscribeError::Durability { name: subscription.to_owned() });
        }
        let mut effects = Vec::new();
        let id = joining.id;
        sub.machine.join(joining, kind, &mut effects)?;
        sub.seats.insert(id, seat);
        joined();
        self.carry_out(sub, effects, &HashMap::new());
        Ok(())
    }

    /// The cursor's mark such that reading goes on with `start`.
    fn mark_before(&self, start: Start) -> Result<Position, ReadError> {
        Ok(match start {
            Start::Earliest => Position::EARLIEST,
            Start::Latest => self.end(),
            Start::At(id) if id.ledger.cast_signed() < 0 => Position::EARLIEST,
            Start::At(id) if id.ledger >= MessageId::LATEST.ledger => self.end(),
            Start::At(id) => {
                let entry = u64::try_from(id.entry.cast_signed()).unwrap_or(0);
                before(Position::new(id.ledger, entry)).min(self.end())
            }
            Start::Published(stamp) => self.log.first_at(self.id, stamp)?.map_or_else(|| self.end(), before),
        })
    }

    /// Does something with a subscription's machine on behalf of a consumer, then delivers what it may.
    pub(crate) fn with(&self, subscription: &str, change: impl FnOnce(&mut Subscription)) {
        let mut state = self.state.lock();
        if let Some(sub) = state.subscriptions.get_mut(subscription) {
            change(&mut sub.machine);
            self.dispatch(sub);
        }
    }

    /// Delivers what a subscription's consumers may have.
    pub(crate) fn deliver(&self, subscription: &str) {
        self.with(subscription, |_| {});
    }

    /// Reads something off a subscription's machine: with its backlog in entries.
    pub(crate) fn look<T>(
        &self,
        subscription: &str,
        look: impl FnOnce(&Subscription, u64) -> T,
    ) -> Option<T> {
        let state = self.state.lock();
        let sub = state.subscriptions.get(subscription)?;
        Some(look(&sub.machine, self.backlog(sub)))
    }

    /// A consumer goes.
    pub(crate) fn close_consumer(&self, subscription: &str, id: ConsumerId) {
        self.let_go(&mut self.state.lock(), subscription, id);
    }

    pub(super) fn let_go(&self, state: &mut State, subscription: &str, id: ConsumerId) {
        let Some(sub) = state.subscriptions.get_mut(subscription) else { return };
        let mut effects = Vec::new();
        sub.machine.leave(id, &mut effects);
        sub.seats.remove(&id);
        self.carry_out(sub, effects, &HashMap::new());
        self.dispatch(sub);
        if !sub.durable && sub.machine.is_idle() {
            state.subscriptions.remove(subscription);
        }
    }

    /// Whether a consumer may end its subscription, which only the sole one may, or anyone by force; with
    /// whether it is durable. None if it has ended.
    pub(crate) fn may_unsubscribe(&self, subscription: &str, id: ConsumerId, force: bool) -> Option<Ending> {
        let state = self.state.lock();
        let sub = state.subscriptions.get(subscription)?;
        let is_shared = sub.seats.keys().any(|other| *other != id);
        Some(Ending { is_allowed: force || !is_shared, is_durable: sub.durable })
    }

    /// Ends a subscription, which is not written down any more.
    pub(crate) fn unsubscribe(&self, subscription: &str, id: ConsumerId) {
        let Some(sub) = self.state.lock().subscriptions.remove(subscription) else { return };
        for (other, seat) in &sub.seats {
            if *other != id {
                seat.outbox.push(&Command::close_consumer(seat.consumer_id));
            }
        }
    }

    /// Moves a cursor, if `write` could write it down as moved; the caller sees to it that nobody else writes it
    /// down meanwhile. As with Pulsar, the consumers are sent away first: what is under way to them is of
    /// before.
    pub(crate) fn seek(
        &self,
        subscription: &str,
        start: Start,
        write: impl FnOnce(CursorRecord) -> Result<(), MetadataError>,
    ) -> Result<(), SubscribeError> {
        let mark = self.mark_before(start)?;
        let durable = self.state.lock().subscriptions.get(subscription).is_some_and(|sub| sub.durable);
        if durable {
            write((self.id, subscription.to_owned(), cursor_store::write(&Cursor::at(mark))))?;
        }
        let mut state = self.state.lock();
        let Some(sub) = state.subscriptions.get_mut(subscription) else { return Ok(()) };
        for (id, seat) in sub.seats.drain() {
            seat.outbox.push(&Command::close_consumer(seat.consumer_id));
            sub.machine.leave(id, &mut Vec::new());
        }
        sub.machine.seek(mark);
        Ok(())
    }

    pub(super) fn dispatch_all(&self, state: &mut State) {
        for sub in state.subscriptions.values_mut() {
            self.dispatch(sub);
        }
    }

    /// Delivers as long as there is something, and somebody who takes it and has room for it.
    fn dispatch(&self, sub: &mut Sub) {
        let mut before = None;
        loop {
            for (id, seat) in &sub.seats {
                sub.machine.block(*id, seat.outbox.is_full());
            }
            let Some(want) = sub.machine.wants() else { return };
            // Nothing came of it the last time: the entries are gone, or nobody takes them.
            if before.as_ref() == Some(&want) {
                return;
            }
            let Read { entries, lost } = match self.read(&want) {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(topic = %self.name, %error, "could not read entries to deliver");
                    return;
                }
            };
            for position in &lost {
                tracing::warn!(topic = %self.name, %position, "an entry to deliver again is no longer kept");
                sub.machine.lost(*position);
            }
            if entries.is_empty() && lost.is_empty() {
                return;
            }
            let count = |entry: &Entry| {
                let messages = Payload::from_raw(entry.payload.clone()).peek();
                let messages = messages.map_or(1, |peek| peek.num_messages_in_batch().max(1).unsigned_abs());
                subscription::Entry { position: entry.position, messages }
            };
            let counted: Vec<_> = entries.iter().map(count).collect();
            let by_position = entries.into_iter().map(|entry| (entry.position, entry)).collect();
            let mut effects = Vec::new();
            sub.machine.dispatch(&counted, &mut effects);
            self.carry_out(sub, effects, &by_position);
            before = Some(want);
        }
    }

    /// Reads what is wanted, as far as [`DISPATCH_BYTES`] go.
    fn read(&self, want: &Want) -> Result<Read, ReadError> {
        let mut read = Read::default();
        match want {
            Want::After(position, count) => {
                read.entries = self.log.read(self.id, position.next(), *count as usize, DISPATCH_BYTES)?;
            }
            Want::These(positions) => {
                let mut bytes = 0;
                for position in positions {
                    let found = self.log.read(self.id, *position, 1, DISPATCH_BYTES)?;
                    match found.into_iter().find(|entry| entry.position == *position) {
                        Some(entry) => {
                            bytes += entry.payload.len();
                            read.entries.push(entry);
                        }
                        None => read.lost.push(*position),
                    }
                    if bytes >= DISPATCH_BYTES {
                        break;
                    }
                }
            }
        }
        Ok(read)
    }

    #[allow(clippy::unused_self, reason = "it belongs to the topic's side effects")]
    fn carry_out(&self, sub: &Sub, effects: Vec<Effect>, entries: &HashMap<Position, Entry>) {
        for effect in effects {
            match effect {
                Effect::ActiveChanged { consumer, active } => {
                    let Some(seat) = sub.seats.get(&consumer) else { continue };
                    let change = CommandActiveConsumerChange {
                        consumer_id: seat.consumer_id,
                        is_active: Some(active),
                    };
                    seat.outbox.push(&Command::ActiveConsumerChange(change));
                }
                Effect::Deliver(delivery) => {
                    let (Some(seat), Some(entry)) =
                        (sub.seats.get(&delivery.consumer), entries.get(&delivery.position))
                    else {
                        continue;
                    };
                    seat.outbox.push_with_payload(&message(seat, delivery), &entry.payload);
                }
            }
        }
    }
}

fn message(seat: &ConsumerSeat, delivery: Delivery) -> Command {
    let ack_set = delivery.ack_set.unwrap_or_default();
    Command::Message(CommandMessage {
        consumer_id: seat.consumer_id,
        message_id: MessageId::new(delivery.position.ledger, delivery.position.entry).into(),
        redelivery_count: Some(delivery.redelivery),
        ack_set: ack_set.into_iter().map(u64::cast_signed).collect(),
        consumer_epoch: None,
    })
}

/// A position before this one and behind whatever is before it.
fn before(position: Position) -> Position {
    match (position.ledger, position.entry) {
        (0, 0) => Position::EARLIEST,
        (ledger, 0) => Position::new(ledger - 1, i64::MAX as u64 - 1),
        (ledger, entry) => Position::new(ledger, entry - 1),
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::mpsc};

    use bytes::BytesMut;
    use hexalpes_files::{Files, ForgetfulFiles};
    use hexalpes_log::{Appended, FileError, Log, Options, Receipts, TopicId};
    use hexalpes_wire::{TopicName, frame::Decoder, proto::MessageMetadata};

    use super::*;

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

    /// A topic with three entries, each in a segment of its own.
    fn topic() -> (Topic, Vec<Position>) {
        let files: Arc<dyn Files> = Arc::new(ForgetfulFiles::new());
        let options = Options { segment_entries: 1, cache_bytes: 0, ..Options::default() };
        let (log, _) = Log::open(&files, Path::new("/log"), options).unwrap();
        let (send, receive) = mpsc::channel();
        let receipts: Arc<dyn Receipts> = Arc::new(Done(send));
        let payload = Payload::new(&MessageMetadata::default(), b"body");
        for _ in 0..3 {
            log.append(TopicId(1), 0, &[payload.raw()], &receipts, 0).unwrap();
        }
        log.commit_now();
        let positions = receive.iter().take(3).collect();
        let name = TopicName::parse("persistent://public/default/orders").unwrap();
        (Topic::empty(log, TopicId(1), name, false), positions)
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

    #[test]
    fn an_entry_that_was_trimmed_when_it_is_due_again_does_not_hold_up_the_next() {
        let (topic, positions) = topic();
        let (outbox, id) = (Arc::new(Outbox::default()), ConsumerId(1));
        let seat = ConsumerSeat { outbox: Arc::clone(&outbox), consumer_id: 5 };
        let joining = Joining { id, name: "one".to_owned(), priority: 0 };
        let (kind, start) = (Kind::Shared, Start::Earliest);
        topic.subscribe("sub", seat, joining, kind, false, start, |_| Ok(()), || {}).unwrap();
        topic.with("sub", |machine| machine.flow(id, 2));
        assert_eq!(delivered(&outbox), positions[..2]);
        topic.log.trim_before(topic.id, positions[1]);
        topic.with("sub", |machine| machine.redeliver(id, None));
        topic.with("sub", |machine| machine.flow(id, 9));
        assert_eq!(delivered(&outbox), positions[1..]);
    }
}
