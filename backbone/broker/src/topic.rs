//! One topic: who produces to it, what of that is on its way to the disk, and its subscriptions.
//!
//! One lock for all of it. It is taken by connections for their commands, and by whoever leads a commit for
//! the receipts; the log's own locks are taken under it, never the other way round.

mod access;
mod analyzing;
mod consuming;
mod counting;
mod delivering;
mod ending;
mod gathering;
mod internals;
mod managing;
mod passing;
mod policing;
mod producing;
mod stats;
mod unwritten;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
};

use hexalpes_log::{Log, Position, ReadError, TopicId};
use hexalpes_wire::{MessageId, TopicName, frame::Payload, proto::Command};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::{
    alarms::Alarms,
    compaction::{self, Compactions, View},
    connection::outbox::Outbox,
    counters::Counters,
    cursor_store::Properties,
    dedup::{Dedup, Snapshot},
    meter::{Counts, Meter},
    off_reactor::off_reactor,
    pace::Bucket,
    rules::Rules,
    subscription::{ConsumerId, Cursor, Kind, Subscription},
};

pub use analyzing::BacklogAnalysis;
pub(crate) use consuming::{ConsumerSeat, Ending, Start, SubscribeError};
pub use internals::{CompactedLedger, CursorStats, InternalStats, LedgerStats};
pub(crate) use managing::Forward;
pub(crate) use passing::FIRST_PASSING;
pub(crate) use producing::{Opening, ProducerError, Send, completes};
pub(crate) use stats::time;
pub use stats::{
    ClientStats, ConsumerStats, PublisherStats, StorageStats, SubscriptionCounts, SubscriptionStats,
    TopicCounts, TopicStats,
};
pub(crate) use unwritten::Unwritten;

/// What all topics of a broker share.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) log: Log,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) counters: Arc<Counters>,
}

pub(crate) struct Topic {
    pub(crate) id: TopicId,
    pub(crate) name: TopicName,
    pub(crate) log: Log,
    rules: RwLock<Arc<Rules>>,
    /// Nothing comes any more, and all that came is decided of: consumers hear when they have had it.
    has_ended: AtomicBool,
    alarms: Arc<Alarms>,
    counters: Arc<Counters>,
    /// What compaction left, if the topic was compacted.
    view: RwLock<Option<View>>,
    pub(crate) compactions: Compactions,
    state: Mutex<State>,
    /// What is delivered, where that has a limit. Its lock is the innermost.
    dispatched: Mutex<Bucket>,
    /// Of entries that were on their way to the disk, it was decided.
    settled: Condvar,
}

#[derive(Default)]
struct State {
    producers: HashMap<String, producing::Seat>,
    /// Who waits to be the only one, in the order of their coming.
    waiting: VecDeque<access::Waiting>,
    /// How often somebody was the only one, beginning with 0. It is on the disk.
    epoch: Option<u64>,
    pending: HashMap<u64, producing::Pending>,
    /// By producer name, in the order of their coming.
    duplicates: HashMap<Arc<str>, Vec<producing::Duplicate>>,
    next_token: u64,
    dedup: Dedup,
    /// The newest durable entry that `dedup` knows of, once there is one.
    newest: Option<Position>,
    /// Entries that `dedup` has heard of since the broker opened.
    entries: u64,
    /// Those that came since.
    entries_added: u64,
    /// As many of them as the snapshot of `dedup` knows that was written down last.
    entries_in_snapshot: u64,
    subscriptions: BTreeMap<String, Sub>,
    /// How many there were.
    subscriptions_begun: u64,
    /// What came, where that has a limit.
    published: Bucket,
    /// How often consumers came, where that has a limit, by host, name and number.
    subscribed: HashMap<(IpAddr, String, u64), Bucket>,
    /// Nobody comes any more: the topic is deleted.
    disbanded: bool,
    /// Nothing more is taken: somebody terminated the topic.
    terminated: bool,
    /// Everything up to here was truncated away, though the newest segment may still have some of it.
    floor: Option<Position>,
    received: Meter,
    written: counting::Written,
    /// How often the backlog was evicted by its quota of size, and of time.
    evictions: [u64; 2],
    /// At the last look at a quota of time, how old the oldest message was that waits.
    oldest_age_ms: Option<u64>,
    /// What came while the topic had no subscription, where nothing is stored.
    dropped: Meter,
    /// At how many looks in a row nobody used the topic, where nothing is stored.
    idle_looks: u32,
    /// Since when nobody has used the topic, as far as that was looked at.
    unused_since_ms: Option<u64>,
    /// What was delivered for subscriptions that are no more.
    sent_before: Counts,
}

pub(crate) struct Sub {
    /// Which of all that the topic had: names come again.
    number: u64,
    pub(crate) machine: Subscription,
    pub(crate) durable: bool,
    /// The cursor's count of changes when it was last written down.
    pub(crate) written: u64,
    pub(crate) seats: HashMap<ConsumerId, ConsumerSeat>,
    /// What somebody noted beside it.
    pub(crate) properties: Properties,
    /// Whether somebody has consumed for it since the start: of which kind it is, is known then.
    was_joined: bool,
    /// The entries of it that expired, as messages.
    expired: Meter,
    /// When it was last looked at for what expires, in milliseconds since 1970, as every time here; 0 for never.
    expiry_ms: u64,
    /// When the cursor's mark moved.
    mark_moved_ms: u64,
    times: counting::Times,
    /// Entries, as messages.
    read: Meter,
    /// Those of them that memory did not have.
    read_from_files: Meter,
    /// Since when nobody has consumed for it, as far as that was looked at.
    unused_since_ms: Option<u64>,
    sent: Meter,
    /// What nobody took, where nothing is stored.
    dropped: Meter,
    /// When the topic is to be woken for it, as far as that was said.
    alarm_ms: Option<u64>,
    /// The connection that reads for it at the moment, without the lock.
    reader: Option<Arc<Outbox>>,
    /// What is delivered, where that has a limit.
    dispatched: Bucket,
    /// When more may be delivered, if the limit is reached.
    held_until_ms: Option<u64>,
}

impl State {
    /// A subscription, made if it is not there.
    fn subscription(&mut self, name: &str, make: impl FnOnce() -> (Subscription, bool)) -> &mut Sub {
        self.subscriptions.entry(name.to_owned()).or_insert_with(|| {
            let (machine, durable) = make();
            let written = machine.cursor().changes();
            self.subscriptions_begun += 1;
            Sub {
                number: self.subscriptions_begun,
                machine,
                durable,
                written,
                seats: HashMap::new(),
                properties: Properties::new(),
                was_joined: false,
                expired: Meter::default(),
                expiry_ms: 0,
                mark_moved_ms: 0,
                times: counting::Times::default(),
                read: Meter::default(),
                read_from_files: Meter::default(),
                unused_since_ms: None,
                sent: Meter::default(),
                dropped: Meter::default(),
                alarm_ms: None,
                reader: None,
                dispatched: Bucket::default(),
                held_until_ms: None,
            }
        })
    }
}

/// An entry that was to be read through when the topic was opened could not be.
pub(crate) type ScanError = ReadError;

impl Topic {
    /// Opens a topic, reading the entries that its snapshot does not know for the sequence ids of their
    /// producers.
    pub(crate) fn open(
        around: Around,
        id: TopicId,
        name: TopicName,
        rules: Arc<Rules>,
        cursors: Vec<(String, Cursor, Properties)>,
        snapshot: Option<&Snapshot>,
    ) -> Result<Self, ScanError> {
        let log = &around.log;
        let mut state = State::default();
        let mut from = Position::EARLIEST;
        if let Some(snapshot) = snapshot {
            state.dedup.restore(snapshot);
            from = snapshot.up_to().next();
        }
        loop {
            let entries = log.read(id, from, 1000, 4 << 20)?;
            let Some(last) = entries.last() else { break };
            from = last.position.next();
            state.newest = Some(last.position);
            state.entries += entries.len() as u64;
            for entry in entries {
                // What cannot be read tells of no producer; its consumers will say so.
                if let Ok((metadata, _)) = Payload::from_raw(entry.payload).open()
                    && completes(metadata.chunk_id, metadata.num_chunks_from_msg)
                {
                    let highest = metadata.sequence_id.max(metadata.highest_sequence_id());
                    state.dedup.persisted(&metadata.producer_name, highest);
                }
            }
        }
        for (subscription, cursor, properties) in cursors {
            let sub =
                state.subscription(&subscription, || (Subscription::new(Kind::Exclusive, cursor), true));
            sub.properties = properties;
        }
        Ok(Self { state: Mutex::new(state), ..Self::empty(around, id, name, rules) })
    }

    /// A topic without entries.
    pub(crate) fn empty(around: Around, id: TopicId, name: TopicName, rules: Arc<Rules>) -> Self {
        let Around { log, alarms, counters } = around;
        let rules = RwLock::new(rules);
        let (has_ended, state, settled) = (AtomicBool::new(false), Mutex::default(), Condvar::new());
        let (view, compactions) = (RwLock::new(None), Compactions::default());
        let dispatched = Mutex::default();
        Self {
            id,
            name,
            log,
            rules,
            has_ended,
            alarms,
            counters,
            view,
            compactions,
            state,
            dispatched,
            settled,
        }
    }

    /// What compaction left, up to where.
    pub(crate) fn view(&self) -> Option<View> {
        *self.view.read()
    }

    /// The last entry that was compacted.
    fn compacted_to(&self) -> Position {
        self.view().map_or(Position::EARLIEST, |view| view.horizon)
    }

    /// Gives back what was there before.
    pub(crate) fn set_view(&self, view: Option<View>) -> Option<View> {
        std::mem::replace(&mut *self.view.write(), view)
    }

    /// Goes by other rules. Who may not stay by them is sent away, and who waited may not have to any more.
    pub(crate) fn set_rules(&self, rules: Arc<Rules>) {
        if self.rules() == rules {
            return;
        }
        let encrypts = rules.encrypts;
        *self.rules.write() = rules;
        let mut state = self.state.lock();
        if encrypts {
            state.send_away_unencrypted();
        }
        self.dispatch_all(&mut state, self.alarms.now_ms());
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    fn deduplicates(&self) -> bool {
        self.is_stored() && self.rules.read().deduplicates
    }

    /// Where the topic ends: behind its newest durable entry.
    pub(crate) fn end(&self) -> Position {
        self.log.last_position(self.id).unwrap_or(Position::EARLIEST)
    }

    /// What clients know an entry by: of a partition, with its number.
    pub(crate) fn message_id(&self, position: Position) -> MessageId {
        let Position { ledger, entry } = position;
        MessageId { partition: self.name.partition(), ..MessageId::new(ledger, entry) }
    }

    /// The newest message, within its batch if it is in one.
    pub(crate) fn last_message(&self) -> MessageId {
        let none = MessageId::EARLIEST;
        let Some(last) = self.log.last_position(self.id) else { return none };
        let id = self.message_id(last);
        let recent = self.log.read_recent(self.id, last, 1, usize::MAX);
        // The first time after a start this may read through a segment.
        let read = recent.map_or_else(|| off_reactor(|| self.log.read(self.id, last, 1, usize::MAX)), Ok);
        let Ok(entries) = read else { return id };
        let peek = entries.into_iter().next().and_then(|entry| Payload::from_raw(entry.payload).peek().ok());
        match peek.and_then(|peek| peek.num_messages_in_batch) {
            Some(messages) if messages > 0 => id.in_batch(messages.unsigned_abs() - 1),
            _ => id,
        }
    }

    /// As [`Self::last_message`], of those that compaction left.
    pub(crate) fn last_message_as_compacted(&self) -> Result<MessageId, ReadError> {
        let Some(view) = self.view().filter(|view| self.end() <= view.horizon) else {
            return Ok(self.last_message());
        };
        let Some(entry) = view.last(&self.log)? else { return Ok(MessageId::EARLIEST) };
        let id = self.message_id(entry.position);
        Ok(compaction::last_in_batch(&entry.payload).map_or(id, |index| id.in_batch(index)))
    }

    /// Before which position nothing is to be kept any more; none if all is.
    pub(crate) fn keeps_from(&self, now_ms: u64) -> Option<Position> {
        let retention = self.rules.read().retention;
        let slowest = {
            let state = self.state.lock();
            let marks = state.subscriptions.iter().map(|(name, sub)| {
                let mark = sub.machine.cursor().mark_delete();
                // However it came to be moved: what is not compacted yet is in no view.
                if name == compaction::SUBSCRIPTION { mark.min(self.compacted_to()) } else { mark }
            });
            marks.min()
        };
        retention.keeps_from(&self.log.segments(self.id), slowest, now_ms)
    }

    /// How many entries a subscription has not acked.
    fn backlog(&self, sub: &Sub) -> u64 {
        let cursor = sub.machine.cursor();
        let between = self.log.entries_between(self.id, cursor.mark_delete().next(), self.end().next());
        between.saturating_sub(cursor.acked_beyond() as u64)
    }

    /// About how many bytes of entries are not compacted.
    pub(crate) fn uncompacted_bytes(&self) -> u64 {
        self.log.bytes_from(self.id, self.compacted_to().next())
    }

    /// Whether nobody has used it yet but consumers that take any schema: it may still get one.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        let takes_any = |sub: &Sub| sub.seats.values().all(|seat| seat.takes_any_schema);
        state.producers.is_empty()
            && state.subscriptions.values().all(takes_any)
            && self.log.last_position(self.id).is_none()
    }

    pub(crate) fn is_in_use(&self) -> bool {
        let state = self.state.lock();
        !state.producers.is_empty()
            || !state.waiting.is_empty()
            || state.subscriptions.values().any(|sub| !sub.seats.is_empty())
    }

    /// Sends everybody away, and lets nobody in any more: the topic is deleted.
    pub(crate) fn disband(&self) {
        let mut state = self.state.lock();
        state.disbanded = true;
        for waiting in std::mem::take(&mut state.waiting) {
            waiting.refuse(&ProducerError::Deleted);
        }
        for (_, seat) in state.producers.drain() {
            seat.outbox.push(&Command::close_producer(seat.producer_id));
        }
        for (_, sub) in std::mem::take(&mut state.subscriptions) {
            for seat in sub.seats.values() {
                seat.outbox.push(&Command::close_consumer(seat.consumer_id));
            }
        }
    }

    /// Sends away those producers and consumers, by connection and subscription, that may not stay.
    pub(crate) fn send_away(
        &self,
        may_produce: impl Fn(&Arc<Outbox>) -> bool,
        may_consume: impl Fn(&Arc<Outbox>, &str) -> bool,
    ) {
        let mut state = self.state.lock();
        state.producers.retain(|_, seat| {
            let stays = may_produce(&seat.outbox);
            if !stays {
                seat.outbox.push(&Command::close_producer(seat.producer_id));
            }
            stays
        });
        state.waiting.retain(|waiting| {
            let stays = may_produce(waiting.outbox());
            if !stays {
                waiting.refuse(&ProducerError::NoRight);
            }
            stays
        });
        let mut gone = Vec::new();
        for (name, sub) in &state.subscriptions {
            for (id, seat) in sub.seats.iter().filter(|(_, seat)| !may_consume(&seat.outbox, name)) {
                seat.outbox.push(&Command::close_consumer(seat.consumer_id));
                gone.push((name.clone(), *id));
            }
        }
        for (name, id) in gone {
            self.let_go(&mut state, &name, id);
        }
    }

    /// A connection is gone, and all it had here.
    pub(crate) fn leave(&self, outbox: &Arc<Outbox>) {
        let mut state = self.state.lock();
        state.producers.retain(|_, seat| !Arc::ptr_eq(&seat.outbox, outbox));
        state.waiting.retain(|waiting| !waiting.is_on(outbox));
        for sub in state.subscriptions.values_mut() {
            // It was in the middle of reading: that ended in a panic.
            sub.reader.take_if(|reader| Arc::ptr_eq(reader, outbox));
        }
        let gone: Vec<(String, ConsumerId)> = state
            .subscriptions
            .iter()
            .flat_map(|(name, sub)| sub.seats.iter().map(move |(id, seat)| (name, *id, seat)))
            .filter(|(_, _, seat)| Arc::ptr_eq(&seat.outbox, outbox))
            .map(|(name, id, _)| (name.clone(), id))
            .collect();
        for (name, id) in gone {
            self.let_go(&mut state, &name, id);
        }
    }
}
