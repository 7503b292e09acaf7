//! What is noted of a topic's traffic while it passes, for [`TopicStats`](super::TopicStats): on the way of each message,
//! so there is nothing here but numbers that go up, and times that were looked at anyway.

use std::time::Duration;

use hexalpes_log::Position;
use tokio::time::Instant;

use super::{State, Sub, Topic};
use crate::{
    counters::micros,
    distribution::Minutely,
    meter::Meter,
    subscription::{ConsumerId, Subscription},
};

/// In microseconds: Pulsar's, which are named in milliseconds.
const WRITE_LATENCIES: [u64; 9] = [500, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 1_000_000];
/// In bytes: Pulsar's.
const ENTRY_SIZES: [u64; 8] = [128, 512, 1 << 10, 2 << 10, 4 << 10, 16 << 10, 100 << 10, 1 << 20];

/// When something happened last, in milliseconds since 1970; 0 for never.
#[derive(Debug, Default, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "a unit ends its name")]
pub(crate) struct Times {
    pub(super) flow_ms: u64,
    pub(super) sent_ms: u64,
    pub(super) acked_ms: u64,
}

/// What is counted of a consumer.
#[derive(Debug, Default)]
pub(crate) struct Consuming {
    pub(super) sent: Meter,
    pub(super) entries: u64,
    pub(super) acked: Meter,
    pub(super) given_back: Meter,
    pub(super) chunks: Meter,
    pub(super) times: Times,
}

/// What is counted of a topic's way to the disk.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(super) sizes: Minutely<{ ENTRY_SIZES.len() }>,
    pub(super) latencies: Minutely<{ WRITE_LATENCIES.len() }>,
    /// A message came in chunks.
    pub(super) has_chunks: bool,
}

impl Written {
    /// An entry is durable now that was read off its socket then.
    pub(super) fn count(&mut self, bytes: usize, took: Duration) {
        self.sizes.add(bytes as u64, &ENTRY_SIZES);
        self.latencies.add(micros(took), &WRITE_LATENCIES);
    }
}

impl Consuming {
    /// An entry was sent, with so many messages in it.
    pub(super) fn sent(&mut self, messages: u64, bytes: usize, is_chunk: bool, now_ms: u64) {
        self.sent.count(messages, bytes);
        self.entries += 1;
        self.chunks.count(u64::from(is_chunk), 0);
        self.times.sent_ms = now_ms;
    }

    /// Of what was sent, rounded.
    pub(super) fn messages_per_entry(&self) -> u64 {
        (self.sent.counted().messages + self.entries / 2).checked_div(self.entries).unwrap_or(0)
    }

    fn tick(&mut self, elapsed: Duration) {
        for meter in [&mut self.sent, &mut self.acked, &mut self.given_back, &mut self.chunks] {
            meter.tick(elapsed);
        }
    }
}

impl Sub {
    /// A consumer takes so many messages more.
    pub(crate) fn flow(&mut self, id: ConsumerId, permits: u32, now_ms: u64) {
        self.machine.flow(id, permits);
        self.times.flow_ms = now_ms;
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.counted.times.flow_ms = now_ms;
        }
    }

    /// A consumer acks; `ack` says how many messages that are.
    pub(crate) fn ack(&mut self, id: ConsumerId, now_ms: u64, ack: impl FnOnce(&mut Subscription) -> u64) {
        let messages = ack(&mut self.machine);
        self.times.acked_ms = now_ms;
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.counted.acked.count(messages, 0);
            seat.counted.times.acked_ms = now_ms;
        }
    }

    /// A consumer gives back these entries, or all it holds.
    pub(crate) fn redeliver(&mut self, id: ConsumerId, positions: Option<&[Position]>) {
        let messages = self.machine.redeliver(id, positions);
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.counted.given_back.count(messages, 0);
        }
    }

    /// Does something with it that may have the mark move, and notes if it did.
    pub(super) fn noting<T>(&mut self, now_ms: u64, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.machine.cursor().mark_delete();
        let changed = change(self);
        if self.machine.cursor().mark_delete() > before {
            self.mark_moved_ms = now_ms;
        }
        changed
    }
}

impl Topic {
    /// So much time has passed since rates were last computed.
    pub(crate) fn tick(&self, elapsed: Duration) {
        let mut state = self.state.lock();
        let State { received, dropped, written, producers, subscriptions, .. } = &mut *state;
        received.tick(elapsed);
        dropped.tick(elapsed);
        written.sizes.tick(elapsed);
        written.latencies.tick(elapsed);
        for seat in producers.values_mut() {
            seat.received.tick(elapsed);
            seat.chunks.tick(elapsed);
        }
        for sub in subscriptions.values_mut() {
            let Sub { sent, dropped, expired, read, read_from_files, seats, .. } = sub;
            for meter in [sent, dropped, expired, read, read_from_files] {
                meter.tick(elapsed);
            }
            for seat in seats.values_mut() {
                seat.counted.tick(elapsed);
            }
        }
    }

    /// An entry is durable that came then.
    pub(super) fn note_written(&self, state: &mut State, bytes: usize, came: Instant, now: Instant) {
        let took = now.saturating_duration_since(came);
        state.written.count(bytes, took);
        self.counters.publishing.add(micros(took));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alarms::driven::DrivenClock,
        topic::delivering::tests::{subscribed, topic},
    };

    #[test]
    fn what_consumers_do_is_told_as_rates_and_times() {
        let clock = DrivenClock::default();
        let (topic, positions) = topic(&clock, &[0; 4]);
        let (outbox, id) = subscribed(&topic);
        for (now_ms, step) in [(1_000, 0), (2_000, 1), (3_000, 2)] {
            clock.set(now_ms);
            topic.with("sub", |sub, now_ms| match step {
                0 => sub.flow(id, 4, now_ms),
                1 => sub.ack(id, now_ms, |machine| {
                    [0, 2].iter().map(|index| machine.ack(id, positions[*index], None)).sum()
                }),
                _ => sub.redeliver(id, Some(&positions[1..2])),
            });
            while outbox.has_to_deliver() {
                topic.deliver("sub", &outbox);
            }
        }
        topic.tick(Duration::from_secs(10));
        let stats = topic.stats();
        assert_eq!(stats.storage.read_rate.to_string(), "0.4");
        let sub = &stats.subscriptions["sub"];
        let (counts, consumer) = (&sub.counts, &sub.consumers[0]);
        for [out, acked, given_back] in [
            [counts.msg_rate_out, counts.message_ack_rate, counts.msg_rate_redeliver],
            [consumer.msg_rate_out, consumer.message_ack_rate, consumer.msg_rate_redeliver],
        ] {
            let told = [out, acked, given_back].map(|rate| rate.to_string());
            assert_eq!(told, ["0.4", "0.2", "0.1"]);
        }
        let times = (counts.last_consumed_flow_timestamp, counts.last_consumed_timestamp);
        assert_eq!(times, (1_000, 1_000));
        assert_eq!((counts.last_acked_timestamp, counts.last_mark_delete_advanced_timestamp), (2_000, 2_000));
        assert_eq!((counts.unacked_messages, counts.msg_in_replay), (1, 1));
        assert_eq!(consumer.avg_messages_per_entry, 1);
    }
}
