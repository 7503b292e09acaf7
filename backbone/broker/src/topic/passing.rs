//! Topics that are not persistent: what is sent goes to who takes it at that moment, and nowhere else.
//!
//! As with Pulsar each message is `0:0`, is answered at once, and comes once; acks mean nothing. A subscription that
//! takes none drops it, which is counted. Producers, consumers and who of them gets what are as everywhere.

use std::sync::Arc;

use hexalpes_log::{Position, TopicId};
use hexalpes_wire::{
    MessageId, TopicName,
    frame::Payload,
    proto::{Command, MetadataPeek},
};

use super::{Send, State, Sub, Topic, delivering};
use crate::{
    broker::Shared,
    subscription::{Delivery, Kind},
};

/// Topics that are stored are numbered from 1; those that are not, from here, and anew by each run.
pub(crate) const FIRST_PASSING: u64 = 1 << 63;

/// A topic that nobody has used at so many looks in a row is forgotten.
const IDLE_LOOKS: u32 = 2;

impl Topic {
    /// Whether entries are kept. What is not kept is delivered once, or dropped.
    pub(crate) fn is_stored(&self) -> bool {
        self.name.is_persistent()
    }

    /// Gives a message to those who take it, and its receipt to the producer, which is there.
    pub(super) fn pass(state: &mut State, send: &Send<'_>, peek: MetadataPeek, now_ms: u64) {
        let Send { outbox, command, payload, .. } = *send;
        let (messages, bytes) =
            (u64::from(peek.num_messages_in_batch().max(1).unsigned_abs()), payload.raw().len());
        let is_chunk = peek.chunk_id.is_some();
        state.count_received(send.producer, outbox, command.producer_id, messages, bytes, is_chunk);
        for sub in state.subscriptions.values_mut() {
            sub.pass(payload, messages, is_chunk, now_ms);
        }
        if state.subscriptions.is_empty() {
            state.dropped.count(messages, bytes);
        }
        let highest = command.sequence_id.max(command.highest_sequence_id.unwrap_or(0));
        let id = MessageId::new(0, 0);
        outbox.push(&Command::send_receipt(command.producer_id, command.sequence_id, highest, id));
    }

    /// Looks whether nobody uses it, for the second time in a row; then lets nobody in any more.
    fn ends_idle(&self) -> bool {
        if self.is_in_use() {
            return false;
        }
        let mut state = self.state.lock();
        state.idle_looks += 1;
        let ends =
            state.idle_looks >= IDLE_LOOKS && state.producers.is_empty() && state.subscriptions.is_empty();
        state.disbanded |= ends;
        ends
    }
}

impl Sub {
    fn pass(&mut self, payload: &Payload, messages: u64, is_chunk: bool, now_ms: u64) {
        for (id, seat) in &self.seats {
            self.machine.block(*id, seat.outbox.is_full());
        }
        let key = (self.machine.kind() == Kind::KeyShared).then(|| delivering::key_of(payload));
        let bytes = payload.raw().len();
        let count = u32::try_from(messages).unwrap_or(u32::MAX);
        let taker = self.machine.pass(count, key);
        let Some((consumer, seat)) = taker.and_then(|id| Some((id, self.seats.get_mut(&id)?))) else {
            self.dropped.count(messages, bytes);
            return;
        };
        seat.counted.sent(messages, bytes, is_chunk, now_ms);
        self.sent.count(messages, bytes);
        self.times.sent_ms = now_ms;
        let position = Position::new(0, 0);
        let delivery = Delivery { consumer, position, messages: count, redelivery: 0, ack_set: None };
        seat.outbox.push_with_payload(&delivering::message(seat, delivery), payload.raw());
    }
}

impl Shared {
    /// A topic that is not stored; somebody uses it, or said that it should be there.
    pub(crate) fn passing(&self, name: TopicName) -> Arc<Topic> {
        let rules = self.rules_of(&name);
        let id = self.next_passing.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(Topic::empty(self.around.clone(), TopicId(id), name, rules))
    }

    /// Forgets topics that are not stored and that nobody has used for a while: all they are is in memory.
    pub(crate) fn forget_passing(&self) {
        let _changing = self.changing.lock();
        let passing: Vec<_> =
            self.topics.read().values().filter(|topic| !topic.is_stored()).cloned().collect();
        let idle = passing.into_iter().filter(|topic| topic.ends_idle());
        let names: Vec<_> = idle.map(|topic| topic.name.clone()).collect();
        if !names.is_empty() {
            self.remove_topics(&names);
        }
    }
}
