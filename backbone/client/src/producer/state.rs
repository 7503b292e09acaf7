//! What a producer remembers: sequence ids, the open batch, and what has no receipt yet.
//!
//! Everything here happens under one short lock, so that the order of calls is the order on the wire.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use hexalpes_wire::MessageId;
use hexalpes_wire::frame;
use hexalpes_wire::proto::{Command, CommandProducerSuccess, CommandSend};
use tokio::time::Instant;

use super::body::{Filled, Filling, OpenBatch, Packed, Packing, Single};
use super::pending::{self, Pending, Received};
use super::waiter::Waiter;
use super::{Batching, Outgoing, ProducerOptions};
use crate::connection::Urgency;
use crate::error::{OpenError, SendError};
use crate::link::Link;

#[derive(Debug)]
pub(super) struct State {
    pub(super) options: ProducerOptions,
    pub(super) name: Option<String>,
    pub(super) link: Option<Link>,
    /// An id that was closed before it was linked.
    pub(super) lost_early: Option<u64>,
    pending: VecDeque<Pending>,
    batch: Option<Open>,
    /// The batch before.
    filled: Filled,
    next_sequence_id: u64,
    pub(super) last_sequence_id: i64,
    pub(super) epoch: u64,
    /// What the broker said when it gave the topic to this producer alone; it is shown when it comes back.
    pub(super) topic_epoch: Option<u64>,
    pub(super) schema_version: Option<Bytes>,
    max_message_bytes: usize,
    /// Messages that were accepted, and of them those that were resolved.
    pub(super) accepted: u64,
    pub(super) resolved: u64,
    ended: Option<SendError>,
}

/// A batch that is open, who waits for its messages, and when it is closed at the latest.
#[derive(Debug)]
struct Open {
    batch: OpenBatch,
    waiters: Vec<Waiter>,
    deadline: Instant,
}

impl State {
    pub(super) fn new(options: ProducerOptions) -> Self {
        Self {
            name: options.name.clone(),
            options,
            link: None,
            lost_early: None,
            pending: VecDeque::new(),
            batch: None,
            filled: Filled::default(),
            next_sequence_id: 0,
            last_sequence_id: -1,
            epoch: 0,
            topic_epoch: None,
            schema_version: None,
            max_message_bytes: 0,
            accepted: 0,
            resolved: 0,
            ended: None,
        }
    }

    /// Takes a message into the batch, or sends it. True if a batch was opened, which wants closing.
    pub(super) fn accept(
        &mut self,
        mut message: Outgoing,
        waiter: Waiter,
        now: Instant,
    ) -> Result<bool, SendError> {
        if message.schema_version.is_none() {
            message.schema_version.clone_from(&self.schema_version);
        }
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let sequence_id = message.sequence_id.unwrap_or(self.next_sequence_id);
        let opened = match self.options.batching.filter(|_| message.deliver_at.is_none() && !message.alone) {
            None => {
                self.close_batch();
                self.send_alone(message, sequence_id, waiter).map(|()| false)
            }
            Some(batching) => self.send_in_batch(batching, Single::new(message, sequence_id), waiter, now),
        }?;
        self.next_sequence_id = sequence_id.saturating_add(1);
        self.accepted += 1;
        Ok(opened)
    }

    /// What [`accept`](Self::accept) would refuse of the message itself.
    pub(super) fn check(&self, message: &Outgoing) -> Result<(), SendError> {
        if self.packing().surely_takes(message) {
            return Ok(());
        }
        let sequence_id = message.sequence_id.unwrap_or(self.next_sequence_id);
        let mut message = message.clone();
        if message.schema_version.is_none() {
            message.schema_version.clone_from(&self.schema_version);
        }
        let message = match self.options.batching.filter(|_| message.deliver_at.is_none() && !message.alone) {
            None => message,
            Some(batching) => {
                let single = Single::new(message, sequence_id);
                if single.encoded_bytes <= self.batch_bytes_max(batching) {
                    return Ok(());
                }
                single.into_message()
            }
        };
        self.packing().packed(message, sequence_id).map(drop)
    }

    fn batch_bytes_max(&self, batching: Batching) -> usize {
        batching.max_bytes.min(self.max_message_bytes)
    }

    fn send_in_batch(
        &mut self,
        batching: Batching,
        single: Single,
        waiter: Waiter,
        now: Instant,
    ) -> Result<bool, SendError> {
        let max_bytes = self.batch_bytes_max(batching);
        // What does not fit closes the batch before it, so that order holds.
        if self.batch.as_ref().is_some_and(|open| !open.batch.takes(&single, batching, max_bytes)) {
            self.close_batch();
        }
        if single.encoded_bytes > max_bytes {
            let sequence_id = single.sequence_id;
            return self.send_alone(single.into_message(), sequence_id, waiter).map(|()| false);
        }
        let opened = match &mut self.batch {
            Some(open) => {
                open.batch.add(single);
                open.waiters.push(waiter);
                false
            }
            none => {
                let mut waiters = Vec::with_capacity(self.filled.messages);
                waiters.push(waiter);
                let batch = OpenBatch::open(single, self.filled);
                *none = Some(Open { batch, waiters, deadline: now + batching.max_delay });
                true
            }
        };
        let is_full = self.batch.as_ref().is_some_and(|open| open.batch.is_full(batching, max_bytes));
        if batching.max_delay == Duration::ZERO || is_full {
            self.close_batch();
            return Ok(false);
        }
        Ok(opened)
    }

    /// How it fills batches, if it lets messages wait for others.
    pub(super) fn filling(&self) -> Option<Filling> {
        let batching = self.options.batching.filter(|batching| !batching.max_delay.is_zero())?;
        Some(Filling {
            batching,
            max_bytes: self.batch_bytes_max(batching),
            codec: self.options.compression,
            schema_version: self.schema_version.clone(),
        })
    }

    /// Sends a batch that was packed for this producer and others. Each of its messages has a waiter.
    pub(super) fn accept_packed(&mut self, packed: Packed, waiters: Vec<Waiter>) -> Result<(), SendError> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        self.close_batch();
        self.next_sequence_id = packed.highest.saturating_add(1);
        self.accepted += packed.messages as u64;
        let sent = self.packing().batch(packed, waiters);
        self.send(sent);
        Ok(())
    }

    fn send_alone(&mut self, message: Outgoing, sequence_id: u64, waiter: Waiter) -> Result<(), SendError> {
        // The waiter of a message that cannot be packed is told by the error that its sender gets.
        let sent = self.packing().message(message, sequence_id, waiter).map_err(|(error, _)| error)?;
        for sent in sent {
            self.send(sent);
        }
        Ok(())
    }

    /// Closes the batch that is open, if one is.
    pub(super) fn close_batch(&mut self) {
        if let Some(Open { batch, waiters, .. }) = self.batch.take() {
            self.filled = batch.filled();
            let sent = self.packing().batch(batch.pack(self.options.compression), waiters);
            self.send(sent);
        }
    }

    pub(super) fn batch_deadline(&self) -> Option<Instant> {
        self.batch.as_ref().map(|open| open.deadline)
    }

    fn packing(&self) -> Packing<'_> {
        Packing {
            producer_name: self.name.as_deref().unwrap_or_default(),
            codec: self.options.compression,
            max_message_bytes: self.max_message_bytes,
            chunking: self.options.chunking,
        }
    }

    fn send(&mut self, sent: Pending) {
        let urgency = if self.pending.is_empty() { Urgency::Now } else { Urgency::Soon };
        self.write(&sent, urgency);
        self.pending.push_back(sent);
    }

    /// On a connection that is lost this does nothing: the next one sends all that is pending.
    fn write(&self, sent: &Pending, urgency: Urgency) {
        let Some(link) = &self.link else { return };
        let command = Command::Send(CommandSend { producer_id: link.id, ..sent.send.clone() });
        let _ = link.connection.push(urgency, |out| frame::encode_with_payload(&command, &sent.payload, out));
    }

    /// Whether a SEND that has no receipt is stored in part: then somebody else has sent under this name. A broker judges a
    /// SEND by its first id, and would drop the whole and give a receipt for it.
    pub(super) fn overtaken(&self, last_sequence_id: i64) -> Option<OpenError> {
        let stored = u64::try_from(last_sequence_id).ok()?;
        let amid = |sent: &&Pending| sent.send.sequence_id <= stored && stored < sent.highest();
        let (first, last) =
            self.pending.iter().find(amid).map(|sent| (sent.send.sequence_id, sent.highest()))?;
        Some(OpenError::Overtaken { stored: last_sequence_id, first, last })
    }

    /// The broker opened the producer. What has no receipt goes out (again), in its order.
    pub(super) fn opened(&mut self, link: Link, success: CommandProducerSuccess) {
        let last_sequence_id = success.last_sequence_id();
        self.topic_epoch = success.topic_epoch;
        self.schema_version = success.schema_version.filter(|version| !version.is_empty());
        self.max_message_bytes = link.connection.max_message_bytes();
        if self.name.is_none() || self.epoch == 0 {
            self.name = Some(success.producer_name);
        }
        if let Some(next) = self.next_after(last_sequence_id) {
            self.next_sequence_id = next;
        }
        self.last_sequence_id = self.last_sequence_id.max(last_sequence_id);
        self.epoch += 1;
        self.link = Some(link);
        for sent in &self.pending {
            self.write(sent, Urgency::Soon);
        }
    }

    /// The broker's memory counts when the producer has none of its own yet.
    fn next_after(&self, last_sequence_id: i64) -> Option<u64> {
        let fresh = self.accepted == 0 && last_sequence_id >= 0;
        fresh.then(|| last_sequence_id.unsigned_abs() + 1)
    }

    /// True if the broker lost its order and has to be sent everything again.
    pub(super) fn received(&mut self, sequence_id: u64, id: MessageId) -> bool {
        let (sent, broken) = match pending::receive(&mut self.pending, sequence_id) {
            Received::InOrder(sent) => (sent, false),
            Received::OutOfOrder(sent) => (sent, id != MessageId::EARLIEST),
            Received::Stale => return false,
        };
        self.last_sequence_id = self.last_sequence_id.max(sent.highest().cast_signed());
        self.resolved += sent.messages();
        sent.stored_at(id);
        broken
    }

    /// One message cannot be stored; those around it can.
    pub(super) fn refused(&mut self, sequence_id: u64, error: &SendError) {
        while let Some(at) = self.pending.iter().position(|sent| sent.send.sequence_id == sequence_id) {
            let Some(sent) = self.pending.remove(at) else { return };
            self.resolved += sent.messages();
            sent.failed(error);
        }
    }

    /// Nothing will be sent any more: whatever waits is told so. The first reason stays.
    pub(super) fn end(&mut self, error: SendError) {
        let error = self.ended.get_or_insert(error).clone();
        for sent in self.pending.drain(..) {
            sent.failed(&error);
        }
        if let Some(open) = self.batch.take() {
            open.waiters.into_iter().for_each(|waiter| waiter.failed(&error));
        }
        self.resolved = self.accepted;
    }

    /// Why nothing is sent any more.
    pub(super) fn ended(&self) -> Option<SendError> {
        self.ended.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use std::sync::Arc;

    use hexalpes_wire::compression::Codec;
    use hexalpes_wire::frame::Payload;
    use hexalpes_wire::proto::MessageMetadata;
    use tokio::sync::Semaphore;

    use super::super::Receipt;
    use super::super::pending::Permit;
    use super::*;

    const MAX_MESSAGE_BYTES: usize = 1000;

    /// A producer without a connection: what it would send stays pending.
    fn producer(batching: Option<Batching>) -> State {
        let mut state = State::new(ProducerOptions { batching, ..ProducerOptions::named("p") });
        state.max_message_bytes = MAX_MESSAGE_BYTES;
        state
    }

    fn batches_of(max_messages: usize) -> Batching {
        Batching { max_messages, max_bytes: 200, max_delay: Duration::from_secs(1), by_key: false }
    }

    fn waiter() -> (Waiter, Receipt) {
        let permit = || Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Waiter::one(Permit { messages: permit(), bytes: permit() })
    }

    fn accept(state: &mut State, message: Outgoing) -> Receipt {
        let (waiter, receipt) = waiter();
        state.accept(message, waiter, Instant::now()).unwrap();
        receipt
    }

    fn numbered(sequence_id: u64) -> Outgoing {
        Outgoing::new("x").sequence_id(sequence_id)
    }

    /// First and last sequence id of each SEND, in order.
    fn sent(state: &State) -> Vec<(u64, u64)> {
        state.pending.iter().map(|sent| (sent.send.sequence_id, sent.highest())).collect()
    }

    /// What was packed for several producers is what each would have sent by itself.
    #[test]
    fn what_is_packed_at_once_is_what_is_packed_one_by_one() {
        let message = |id: u64| {
            let text = "x".repeat(usize::try_from(id % 7).unwrap() * 10);
            numbered(id).key(format!("k-{}", id % 2)).property("n", text)
        };
        for batching in [batches_of(3), Batching { by_key: true, ..batches_of(10) }, batches_of(10)] {
            let messages: Vec<Outgoing> = (0..20).chain([5]).map(message).collect();
            let batching = Batching { max_bytes: 900, ..batching };
            for codec in [Codec::None, Codec::Lz4] {
                let [mut one, mut other] = [producer(Some(batching)), producer(Some(batching))];
                (one.options.compression, other.options.compression) = (codec, codec);
                let _waiting: Vec<_> =
                    messages.iter().map(|message| accept(&mut one, message.clone())).collect();
                one.close_batch();
                for packed in other.filling().unwrap().batches(messages.clone()).unwrap() {
                    let waiters = (0..packed.messages).map(|_| waiter().0).collect();
                    other.accept_packed(packed, waiters).unwrap();
                }
                assert!(one.pending.len() > 2);
                let sends = |state: &State| -> Vec<(CommandSend, u64)> {
                    state.pending.iter().map(|sent| (sent.send.clone(), sent.messages())).collect()
                };
                assert_eq!(sends(&one), sends(&other));
                let bodies = |state: &State| -> Vec<(MessageMetadata, Bytes)> {
                    let read = |sent: &Pending| Payload::from_raw(sent.payload.clone()).open().unwrap();
                    let payloads = state.pending.iter().map(read);
                    payloads
                        .map(|(metadata, body)| (MessageMetadata { publish_time: 0, ..metadata }, body))
                        .collect()
                };
                assert_eq!(bodies(&one), bodies(&other));
                assert_eq!(one.next_sequence_id, other.next_sequence_id);
                assert_eq!((one.accepted, one.resolved), (other.accepted, other.resolved));
            }
        }
    }

    #[test]
    fn what_is_not_for_a_batch_is_given_back() {
        let filling = producer(Some(Batching { max_bytes: 900, ..batches_of(3) })).filling().unwrap();
        let large = Outgoing::new(vec![0; 900]).sequence_id(1);
        for other in [Outgoing::new("x"), large, Outgoing { alone: true, ..numbered(1) }] {
            let messages = vec![numbered(0), other];
            assert_eq!(filling.batches(messages.clone()).unwrap_err(), messages);
        }
        assert!(producer(None).filling().is_none());
        assert!(producer(Some(Batching { max_delay: Duration::ZERO, ..batches_of(3) })).filling().is_none());
    }

    #[test]
    fn a_producer_that_has_ended_takes_no_packed_batch() {
        let mut state = producer(Some(Batching { max_bytes: 900, ..batches_of(3) }));
        let packed = state.filling().unwrap().batches(vec![numbered(0)]).unwrap().remove(0);
        state.end(SendError::Fenced);
        assert_eq!(state.accept_packed(packed, vec![waiter().0]), Err(SendError::Fenced));
        assert!(sent(&state).is_empty());
    }

    #[test]
    fn a_batch_is_closed_when_it_is_full() {
        let mut state = producer(Some(batches_of(2)));
        let _waiting: Vec<_> = (0..5).map(|id| accept(&mut state, numbered(id))).collect();
        assert_eq!(sent(&state), [(0, 1), (2, 3)]);
        state.close_batch();
        assert_eq!(sent(&state), [(0, 1), (2, 3), (4, 4)]);
    }

    #[test]
    fn a_sequence_id_that_does_not_rise_begins_a_new_batch() {
        let mut state = producer(Some(batches_of(10)));
        let _waiting: Vec<_> = [5, 9, 9, 3].map(|id| accept(&mut state, numbered(id))).into();
        state.close_batch();
        assert_eq!(sent(&state), [(5, 9), (9, 9), (3, 3)]);
    }

    #[test]
    fn a_message_that_cannot_be_batched_closes_the_batch_before_it() {
        let mut state = producer(Some(batches_of(10)));
        let large = Outgoing::new(vec![0; 500]);
        let delayed = Outgoing { deliver_at: Some(1), ..Outgoing::new("x") };
        let alone = Outgoing { alone: true, ..Outgoing::new("x") };
        let _waiting: Vec<_> = [numbered(0), large, numbered(2), delayed, numbered(4), alone, numbered(6)]
            .map(|m| accept(&mut state, m))
            .into();
        state.close_batch();
        assert_eq!(sent(&state), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]);
    }

    /// The names of a message count where it is sent whole: not in a batch, nor in parts.
    #[test]
    fn what_would_be_refused_is_told_before() {
        let mut refused = 0;
        for batching in [None, Some(Batching { max_bytes: 60_000, ..batches_of(10) })] {
            for chunking in [false, true] {
                for (payload, names) in [10, 9_000, 30_000, 90_000, 120_000]
                    .into_iter()
                    .flat_map(|payload| [0, 4_000, 9_100, 9_216, 40_000].map(|names| (payload, names)))
                {
                    for alone in [false, true] {
                        let mut state = producer(batching);
                        state.options.chunking = chunking;
                        state.max_message_bytes = 100_000;
                        let message = Outgoing { alone, ..Outgoing::new(vec![0; payload]) };
                        let message = message.property("name", "x".repeat(names)).key("k");
                        let told = state.check(&message);
                        let accepted = state.accept(message, waiter().0, Instant::now());
                        assert_eq!(told, accepted.map(drop), "{payload} {names} {chunking} {alone}");
                        refused += usize::from(told.is_err());
                    }
                }
            }
        }
        assert!((20..100).contains(&refused), "{refused}");
    }

    #[test]
    fn a_message_that_is_refused_takes_no_sequence_id() {
        let mut state = producer(None);
        let error = state.accept(Outgoing::new(vec![0; 1001]), waiter().0, Instant::now()).unwrap_err();
        assert_eq!(error, SendError::TooLarge { bytes: 1001, max_bytes: MAX_MESSAGE_BYTES });
        let _waiting = accept(&mut state, Outgoing::new("x"));
        assert_eq!(sent(&state), [(0, 0)]);
    }

    #[test]
    fn a_batch_resolves_each_message_to_its_place() {
        let mut state = producer(Some(batches_of(2)));
        let mut receipts = [0, 1].map(|id| accept(&mut state, numbered(id)));
        assert!(!state.received(0, MessageId::new(7, 3)));
        let ids = receipts.each_mut().map(|receipt| receipt.receiver.try_recv().unwrap().unwrap());
        assert_eq!(ids, [0, 1].map(|index| MessageId::new(7, 3).in_batch(index)));
        assert_eq!((state.last_sequence_id, state.resolved), (1, 2));
    }

    #[test]
    fn a_batch_that_is_stored_in_part_was_overtaken_and_one_that_is_stored_or_is_not_was_not() {
        let mut state = producer(Some(batches_of(3)));
        let _waiting: Vec<_> = (4..10).map(|id| accept(&mut state, numbered(id))).collect();
        assert_eq!(sent(&state), [(4, 6), (7, 9)]);
        for (stored, is_overtaken) in
            [(-1, false), (3, false), (4, true), (5, true), (6, false), (8, true), (9, false)]
        {
            assert_eq!(state.overtaken(stored).is_some(), is_overtaken, "{stored}");
        }
    }

    #[test]
    fn a_receipt_out_of_order_is_a_fault_unless_it_is_that_of_a_duplicate() {
        let mut state = producer(None);
        let _waiting: Vec<_> = (0..3).map(|id| accept(&mut state, numbered(id))).collect();
        assert!(!state.received(1, MessageId::EARLIEST));
        assert!(state.received(2, MessageId::new(7, 4)));
        assert!(!state.received(2, MessageId::new(7, 4)), "nobody waits for it");
        assert_eq!(sent(&state), [(0, 0)]);
    }
}
