//! The consumers' side of a topic: subscribing, delivering, acking, seeking.

use std::sync::Arc;

use hexalpes_log::{Position, ReadError};
use hexalpes_wire::{MessageId, proto::Command};

use super::{State, Sub, Topic, counting::Consuming, delivering::Found};
use crate::{
    connection::outbox::Outbox,
    cursor_store::{self, Properties},
    metadata::{CursorRecord, MetadataError},
    subscription::{ConsumerId, Cursor, JoinError, Joining, Kind, Subscription},
};

/// A consumer that is connected.
pub(crate) struct ConsumerSeat {
    pub(crate) outbox: Arc<Outbox>,
    /// What its client calls it.
    pub(crate) consumer_id: u64,
    /// The topic's, if it is one: its messages are known by it.
    pub(crate) partition: Option<u32>,
    /// It says nothing of what the topic's schema should be.
    pub(crate) takes_any_schema: bool,
    /// It was told that the topic has ended and it has had all of it.
    pub(super) has_reached_end: bool,
    /// It wants of each key the newest message only, as far as the topic is compacted.
    pub(crate) reads_compacted: bool,
    /// When it came, in milliseconds since 1970.
    pub(super) since_ms: u64,
    /// What its client says of it.
    pub(crate) metadata: Properties,
    pub(super) counted: Consuming,
}

impl ConsumerSeat {
    pub(crate) fn new(outbox: Arc<Outbox>, consumer_id: u64, partition: Option<u32>) -> Self {
        Self {
            outbox,
            consumer_id,
            partition,
            takes_any_schema: false,
            has_reached_end: false,
            reads_compacted: false,
            since_ms: 0,
            metadata: Properties::new(),
            counted: Consuming::default(),
        }
    }
}

/// Where a cursor that is new begins, or one is moved to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Earliest,
    Latest,
    /// With this message.
    At(MessageId),
    /// With what follows this entry.
    After(Position),
    /// With the first that was published then or later, in milliseconds since 1970.
    Published(u64),
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
    #[error("topic has {0} consumers, as many as it may have")]
    ManyConsumers(usize),
    #[error("subscription has {0} consumers, as many as it may have")]
    ManyOfSubscription(usize),
    #[error("topic has {0} subscriptions, as many as it may have")]
    ManySubscriptions(usize),
    #[error("consumer has subscribed as often as it may for now")]
    Often,
    #[error("topic takes no subscriptions of type {}", .0.name())]
    KindNotTaken(Kind),
    #[error("subscription {0:?} is not there, and clients may not make any in this namespace")]
    NotMade(String),
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
        mut seat: ConsumerSeat,
        joining: Joining,
        kind: Kind,
        durable: bool,
        start: Start,
        properties: &Properties,
        write: impl Fn(CursorRecord) -> Result<(), MetadataError>,
        joined: impl FnOnce(),
    ) -> Result<(), SubscribeError> {
        let cursor = Cursor::at(self.mark_before(start)?);
        let mut state = self.state.lock();
        self.check_subscribe_rate(&mut state, &seat, &joining.name)?;
        self.check_limits(&state, subscription, kind, durable)?;
        let mut is_written = false;
        while durable && !is_written && !state.subscriptions.contains_key(subscription) {
            // Nobody waits for the disk under the lock.
            drop(state);
            write((self.id, subscription.to_owned(), cursor_store::write(&cursor, properties)))?;
            is_written = true;
            state = self.state.lock();
        }
        if state.disbanded {
            return Err(SubscribeError::Deleted);
        }
        state.idle_looks = 0;
        state.unused_since_ms = None;
        let is_new = !state.subscriptions.contains_key(subscription);
        let sub = state.subscription(subscription, || (Subscription::new(kind, cursor), durable));
        if is_new {
            sub.properties.clone_from(properties);
        }
        if sub.durable != durable {
            return Err(SubscribeError::Durability { name: subscription.to_owned() });
        }
        let mut effects = Vec::new();
        let id = joining.id;
        let now_ms = self.alarms.now_ms();
        seat.since_ms = now_ms;
        sub.machine.join(joining, kind, &mut effects)?;
        sub.seats.insert(id, seat);
        sub.was_joined = true;
        sub.unused_since_ms = None;
        joined();
        sub.carry_out(effects, &Found::default(), now_ms);
        self.tell_of_the_end(sub);
        Ok(())
    }

    /// The names of the subscriptions that are written down.
    pub(crate) fn durable_subscriptions(&self) -> Vec<String> {
        let state = self.state.lock();
        let durable = state.subscriptions.iter().filter(|(_, sub)| sub.durable);
        durable.map(|(name, _)| name.clone()).collect()
    }

    /// Begins subscriptions with the oldest entry; they are written down already.
    pub(crate) fn begin_subscriptions(&self, names: &[String]) {
        let mut state = self.state.lock();
        for name in names {
            state.subscription(name, || {
                (Subscription::new(Kind::Exclusive, Cursor::at(Position::EARLIEST)), true)
            });
        }
    }

    /// The cursor's mark such that reading goes on with `start`. To find a time may read through a segment.
    pub(crate) fn mark_before(&self, start: Start) -> Result<Position, ReadError> {
        let floor = self.floor();
        let mark = match start {
            Start::Earliest => floor,
            Start::Latest => self.end(),
            Start::At(id) if id.ledger.cast_signed() < 0 => floor,
            Start::At(id) if id.ledger >= MessageId::LATEST.ledger => self.end(),
            Start::At(id) => {
                let entry = u64::try_from(id.entry.cast_signed()).unwrap_or(0);
                before(Position::new(id.ledger, entry)).min(self.end())
            }
            Start::After(position) => position.min(self.end()),
            Start::Published(stamp) => {
                let first = self.log.first_at(self.id, floor, stamp)?;
                first.map_or_else(|| self.end(), before)
            }
        };
        Ok(mark.max(floor))
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
        let now_ms = self.alarms.now_ms();
        sub.carry_out(effects, &Found::default(), now_ms);
        self.dispatch(sub, now_ms);
        if !sub.durable && sub.machine.is_idle() {
            state.end_subscription(subscription);
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
        let Some(sub) = self.state.lock().end_subscription(subscription) else { return };
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
        mark: Position,
        write: impl FnOnce(CursorRecord) -> Result<(), MetadataError>,
    ) -> Result<(), SubscribeError> {
        let record = |sub: &Sub| {
            let cursor = cursor_store::write(&Cursor::at(mark), &sub.properties);
            sub.durable.then(|| (self.id, subscription.to_owned(), cursor))
        };
        let record = self.state.lock().subscriptions.get(subscription).and_then(record);
        record.map_or(Ok(()), write)?;
        let mut state = self.state.lock();
        let Some(sub) = state.subscriptions.get_mut(subscription) else { return Ok(()) };
        for (id, seat) in sub.seats.drain() {
            seat.outbox.push(&Command::close_consumer(seat.consumer_id));
            sub.machine.leave(id, &mut Vec::new());
        }
        sub.machine.seek(mark);
        Ok(())
    }
}

/// A position before this one and behind whatever is before it.
fn before(position: Position) -> Position {
    match (position.ledger, position.entry) {
        (0, 0) => Position::EARLIEST,
        (ledger, 0) => Position::new(ledger - 1, i64::MAX as u64 - 1),
        (ledger, entry) => Position::new(ledger, entry - 1),
    }
}
