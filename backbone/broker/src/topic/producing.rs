//! The producers' side of a topic: opening, sending, receipts.

use std::sync::Arc;

use hexalpes_log::{AppendError, Appended, FileError, Receipts};
use hexalpes_wire::{
    MessageId,
    frame::{Checksum, Payload},
    proto::{Command, CommandSend, MetadataPeek, ProducerAccessMode, ServerError},
};

use tokio::time::Instant;

use super::{State, Topic};
use crate::{
    connection::outbox::Outbox, cursor_store::Properties, dedup::Verdict, metadata::MetadataError,
    meter::Meter, rules::Rules,
};

/// A producer that is connected.
pub(crate) struct Seat {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) producer_id: u64,
    pub(super) epoch: u64,
    pub(super) access: ProducerAccessMode,
    pub(super) received: Meter,
    pub(super) chunks: Meter,
    /// When it came, in milliseconds since 1970.
    pub(super) since_ms: u64,
    /// What its client says of it.
    pub(super) metadata: Properties,
    pub(super) named_by_user: bool,
    encrypts: bool,
    /// The version of the schema that it came with, if it did.
    pub(super) schema: Option<u64>,
    /// A message of it was not stored. Nothing later is, or there would be a gap that its client could not fill:
    /// it opens the producer again and sends again from there.
    failed: bool,
}

impl Seat {
    pub(super) fn encrypts(&self) -> bool {
        self.encrypts
    }

    pub(super) fn of(opening: &Opening<'_>) -> Self {
        let Opening { outbox, producer_id, epoch, access, named_by_user, schema, since_ms, .. } = *opening;
        Self {
            outbox: Arc::clone(outbox),
            producer_id,
            epoch,
            access,
            received: Meter::default(),
            chunks: Meter::default(),
            since_ms,
            metadata: opening.metadata.clone(),
            named_by_user,
            encrypts: opening.encrypts,
            schema,
            failed: false,
        }
    }

    pub(super) fn is_alone(&self) -> bool {
        self.access != ProducerAccessMode::Shared
    }

    pub(super) fn is_of(&self, outbox: &Arc<Outbox>, producer_id: u64) -> bool {
        Arc::ptr_eq(&self.outbox, outbox) && self.producer_id == producer_id
    }
}

/// An entry that came again while its first sending is on its way to the disk, which decides for both.
pub(crate) struct Duplicate {
    outbox: Arc<Outbox>,
    producer_id: u64,
    sequence_id: u64,
    highest: u64,
}

/// An entry on its way to the disk.
pub(crate) struct Pending {
    outbox: Arc<Outbox>,
    producer: Arc<str>,
    producer_id: u64,
    sequence_id: u64,
    highest: u64,
    /// Not so for the earlier chunks of a message: they share its sequence id.
    completes: bool,
    is_chunk: bool,
    messages: u64,
    bytes: usize,
    came: Instant,
}

/// What a producer asks for when it opens.
pub(crate) struct Opening<'a> {
    pub(crate) outbox: &'a Arc<Outbox>,
    pub(crate) name: &'a str,
    pub(crate) producer_id: u64,
    pub(crate) request_id: u64,
    pub(crate) epoch: u64,
    pub(crate) access: ProducerAccessMode,
    /// When it had the topic alone before, the topic's epoch at that time.
    pub(crate) topic_epoch: Option<u64>,
    /// The version of the schema that it comes with, if it does.
    pub(crate) schema: Option<u64>,
    pub(crate) named_by_user: bool,
    /// In milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// What its client says of it.
    pub(crate) metadata: &'a Properties,
    /// Its client encrypts what it sends.
    pub(crate) encrypts: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ProducerError {
    #[error("producer with name {name:?} is already connected")]
    NameTaken { name: String },
    #[error("topic has an exclusive producer")]
    Busy,
    #[error("topic has an exclusive producer already, or one that waits to be it")]
    Fenced,
    #[error("topic has producers already")]
    NotAlone,
    #[error("topic epoch has moved to {current}, beyond {given}: another producer had the topic alone since")]
    EpochMoved { current: u64, given: u64 },
    #[error("another producer took the topic for itself")]
    PutOut,
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("topic was deleted just now")]
    Deleted,
    #[error("the right to produce was taken back")]
    NoRight,
    #[error("topic has {0} producers, as many as it may have")]
    TooMany(usize),
    #[error(
        "topic is over its backlog quota: nothing more is taken until its slowest subscription has consumed some"
    )]
    OverQuota { holds: bool },
    #[error("topic was terminated: it takes no more messages")]
    Terminated,
    #[error("topic takes from those only who encrypt: its namespace says encryption_required")]
    Unencrypted,
}

/// One entry as it was sent.
pub(crate) struct Send<'a> {
    pub(crate) outbox: &'a Arc<Outbox>,
    pub(crate) producer: &'a Arc<str>,
    pub(crate) command: &'a CommandSend,
    pub(crate) payload: &'a Payload,
    /// When it was read off the socket.
    pub(crate) came: Instant,
}

impl Topic {
    /// Forgets the sequence ids of producers that were away so long.
    pub(crate) fn forget_absent(&self, now_ms: u64, absent_ms_max: u64) {
        let mut state = self.state.lock();
        let State { dedup, producers, .. } = &mut *state;
        dedup.forget_absent(|name| producers.contains_key(name), now_ms, absent_ms_max);
    }

    pub(crate) fn close_producer(&self, name: &str, outbox: &Arc<Outbox>, producer_id: u64) {
        let mut state = self.state.lock();
        if state.producers.get(name).is_some_and(|seat| seat.is_of(outbox, producer_id)) {
            state.producers.remove(name);
        }
        state.waiting.retain(|waiting| !waiting.is_of(outbox, producer_id));
    }

    /// Queues an entry for the log, or answers at once why not. Says whether there is something to commit.
    pub(crate) fn send(self: &Arc<Self>, send: &Send<'_>) -> bool {
        let Send { outbox, producer, command, payload, came } = *send;
        let (producer_id, sequence_id) = (command.producer_id, command.sequence_id);
        let refuse = |error, message: String| {
            outbox.push(&Command::send_error(producer_id, sequence_id, error, message));
            false
        };
        if let Checksum::Wrong { stated, computed } = payload.checksum() {
            let message = format!("checksum is {computed:08x}, not {stated:08x}");
            return refuse(ServerError::ChecksumError, message);
        }
        let peek = match payload.peek() {
            Ok(peek) => peek,
            Err(error) => return refuse(ServerError::MetadataError, error.to_string()),
        };
        let (rules, bytes) = (self.rules(), payload.raw().len());
        if let Some((error, message)) = refuses(&rules, payload, &peek) {
            return refuse(error, message);
        }
        let highest = sequence_id.max(command.highest_sequence_id.unwrap_or(0));
        let completes = completes(peek.chunk_id, peek.num_chunks_from_msg);
        let mut state = self.state.lock();
        let Some(seat) = state.seat_of(producer, outbox, producer_id) else {
            // Sent away, and the client does not know yet: it sends again where it reconnects.
            return false;
        };
        if seat.failed {
            let message = "an earlier message of this producer was not stored".to_owned();
            return refuse(ServerError::PersistenceError, message);
        }
        if state.terminated {
            return refuse(ServerError::TopicTerminatedError, ProducerError::Terminated.to_string());
        }
        if let Some(rate) = rules.publish_rate {
            let now_ms = self.alarms.now_ms();
            state.published.wait_ms(rate, now_ms);
            state.published.take(messages(&peek), bytes as u64);
            if state.published.wait_ms(rate, now_ms) > 0 {
                outbox.slow_down();
            }
        }
        if !self.is_stored() {
            Self::pass(&mut state, send, peek, self.alarms.now_ms());
            return false;
        }
        if self.deduplicates() {
            match state.dedup.judge(producer, sequence_id) {
                Verdict::New => {}
                Verdict::Duplicate => {
                    outbox.push(&Command::duplicate_receipt(producer_id, sequence_id, highest));
                    return false;
                }
                Verdict::Unknown => {
                    outbox.send_began();
                    let outbox = Arc::clone(outbox);
                    let duplicate = Duplicate { outbox, producer_id, sequence_id, highest };
                    state.duplicates.entry(Arc::clone(producer)).or_default().push(duplicate);
                    return false;
                }
            }
        }
        let receipts: Arc<dyn Receipts> = self.clone();
        let token = state.next_token;
        match self.log.append(self.id, peek.publish_time, &[payload.raw()], &receipts, token) {
            Ok(_) => {}
            Err(error @ AppendError::TooLarge { .. }) => {
                return refuse(ServerError::NotAllowedError, error.to_string());
            }
            Err(error) => {
                state.fail(producer, outbox, producer_id);
                return refuse(ServerError::PersistenceError, error.to_string());
            }
        }
        state.next_token += 1;
        outbox.send_began();
        if completes {
            state.dedup.pushed(producer, highest);
        }
        let pending = Pending {
            outbox: Arc::clone(outbox),
            producer: Arc::clone(producer),
            producer_id,
            sequence_id,
            highest,
            completes,
            is_chunk: peek.chunk_id.is_some(),
            messages: messages(&peek),
            bytes,
            came,
        };
        state.pending.insert(token, pending);
        true
    }

    /// How long nothing more is to be taken for the topic, in milliseconds, so that it keeps to its rate.
    pub(crate) fn publishing_waits_ms(&self) -> u64 {
        let Some(rate) = self.rules().publish_rate else { return 0 };
        self.state.lock().published.wait_ms(rate, self.alarms.now_ms())
    }

    fn settle(&self, state: &mut State, appended: &Appended, outcome: Result<Instant, &FileError>) {
        let Some(pending) = state.pending.remove(&appended.token) else { return };
        let Pending { outbox, producer, producer_id, sequence_id, highest, messages, bytes, .. } = &pending;
        outbox.send_ended();
        let now = match outcome {
            Ok(now) => now,
            Err(cause) => {
                state.dedup.failed(producer);
                state.fail(producer, outbox, *producer_id);
                let (error, message) = (ServerError::PersistenceError, cause.to_string());
                outbox.push(&Command::send_error(*producer_id, *sequence_id, error, message));
                state.refuse_duplicates(producer, cause);
                return;
            }
        };
        state.newest = state.newest.max(Some(appended.position));
        state.entries += 1;
        state.entries_added += 1;
        state.count_received(producer, outbox, *producer_id, *messages, *bytes, pending.is_chunk);
        self.note_written(state, *bytes, pending.came, now);
        let id = MessageId::new(appended.position.ledger, appended.position.entry);
        outbox.push(&Command::send_receipt(*producer_id, *sequence_id, *highest, id));
        if pending.completes {
            state.dedup.persisted(producer, *highest);
            state.answer_duplicates(producer);
        }
    }
}

impl State {
    /// A producer's entry is taken, with so many messages in it.
    pub(super) fn count_received(
        &mut self,
        producer: &str,
        outbox: &Arc<Outbox>,
        producer_id: u64,
        messages: u64,
        bytes: usize,
        is_chunk: bool,
    ) {
        self.received.count(messages, bytes);
        self.written.has_chunks |= is_chunk;
        if let Some(seat) = self.seat_of(producer, outbox, producer_id) {
            seat.received.count(messages, bytes);
            seat.chunks.count(u64::from(is_chunk), 0);
        }
    }

    /// A producer's seat, if it is still there.
    pub(super) fn seat_of(
        &mut self,
        producer: &str,
        outbox: &Arc<Outbox>,
        producer_id: u64,
    ) -> Option<&mut Seat> {
        self.producers.get_mut(producer).filter(|seat| seat.is_of(outbox, producer_id))
    }

    /// Sends away who does not encrypt, and those who wait.
    pub(super) fn send_away_unencrypted(&mut self) {
        self.producers.retain(|_, seat| {
            if !seat.encrypts {
                seat.outbox.push(&Command::close_producer(seat.producer_id));
            }
            seat.encrypts
        });
        self.waiting.retain(|waiting| {
            let stays = waiting.encrypts();
            if !stays {
                waiting.refuse(&ProducerError::Unencrypted);
            }
            stays
        });
    }

    /// Takes nothing more from a producer, if it is still there.
    fn fail(&mut self, producer: &str, outbox: &Arc<Outbox>, producer_id: u64) {
        if let Some(seat) = self.seat_of(producer, outbox, producer_id) {
            seat.failed = true;
        }
    }

    /// Gives receipts to those that came again and whose first sending is durable.
    fn answer_duplicates(&mut self, producer: &str) {
        let Some(waiting) = self.duplicates.get_mut(producer) else { return };
        let durable =
            |duplicate: &Duplicate| self.dedup.judge(producer, duplicate.sequence_id) == Verdict::Duplicate;
        waiting.retain(|duplicate| {
            let Duplicate { outbox, producer_id, sequence_id, highest } = duplicate;
            let is_durable = durable(duplicate);
            if is_durable {
                outbox.send_ended();
                outbox.push(&Command::duplicate_receipt(*producer_id, *sequence_id, *highest));
            }
            !is_durable
        });
        if waiting.is_empty() {
            self.duplicates.remove(producer);
        }
    }

    /// The first sending was not stored: neither are those that came again.
    fn refuse_duplicates(&mut self, producer: &str, cause: &FileError) {
        for duplicate in self.duplicates.remove(producer).unwrap_or_default() {
            let Duplicate { outbox, producer_id, sequence_id, .. } = duplicate;
            outbox.send_ended();
            let (error, message) = (ServerError::PersistenceError, cause.to_string());
            outbox.push(&Command::send_error(producer_id, sequence_id, error, message));
            self.fail(producer, &outbox, producer_id);
        }
    }
}

/// Why a message is none that the topic takes.
fn refuses(rules: &Rules, payload: &Payload, peek: &MetadataPeek) -> Option<(ServerError, String)> {
    let is_plain = || payload.open().is_ok_and(|(metadata, _)| metadata.encryption_keys.is_empty());
    if rules.encrypts && is_plain() {
        return Some((ServerError::MetadataError, "messages must be encrypted".to_owned()));
    }
    let bytes = payload.raw().len();
    let max = rules.message_bytes_max.filter(|max| bytes > *max && peek.chunk_id.is_none())?;
    Some((
        ServerError::NotAllowedError,
        format!("message has {bytes} bytes, and the topic takes {max} at most"),
    ))
}

fn messages(peek: &MetadataPeek) -> u64 {
    u64::from(peek.num_messages_in_batch().max(1).unsigned_abs())
}

/// Whether a message is whole with this entry: with the last of its chunks, if it has any.
pub(crate) fn completes(chunk_id: Option<i32>, chunks: Option<i32>) -> bool {
    match (chunk_id, chunks) {
        (Some(chunk), Some(chunks)) => chunk + 1 >= chunks,
        _ => true,
    }
}

impl Receipts for Topic {
    fn synced(&self, appended: &[Appended]) {
        let (now, now_ms) = (Instant::now(), self.alarms.now_ms());
        let mut state = self.state.lock();
        for one in appended {
            self.settle(&mut state, one, Ok(now));
        }
        self.dispatch_all(&mut state, now_ms);
        self.settled.notify_all();
    }

    fn failed(&self, appended: &[Appended], cause: &FileError) {
        let mut state = self.state.lock();
        for one in appended {
            self.settle(&mut state, one, Err(cause));
        }
        self.settled.notify_all();
    }
}
