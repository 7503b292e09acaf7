//! Looks up what [`TopicStats`] tells.

use std::collections::BTreeMap;

use hexalpes_log::{Position, ReadError};
use hexalpes_wire::proto::ProducerAccessMode;

use super::{
    ClientStats, ConsumerStats, PublisherStats, State, StorageStats, Sub, SubscriptionCounts,
    SubscriptionStats, Topic, TopicCounts, TopicStats,
    counting::Consuming,
    producing,
    stats::{AbsentOfSubscriptions, AbsentOfTopics, first},
};
use crate::{
    connection::outbox::Outbox,
    cursor_store::Properties,
    meter::Counts,
    rules::Quota,
    subscription::{self, ConsumerId, KeyMode},
};

/// What a stretch of acked entries takes: where it begins and ends.
const RANGE_BYTES: usize = 2 * size_of::<Position>();

impl ClientStats {
    fn of(outbox: &Outbox, connected_since: u64, metadata: &Properties) -> Self {
        Self {
            address: outbox.address(),
            client_version: outbox.client_version.get().cloned(),
            connected_since,
            metadata: metadata.clone(),
        }
    }
}

impl Topic {
    pub(crate) fn stats(&self) -> TopicStats {
        let state = self.state.lock();
        let subscriptions: BTreeMap<_, _> = state
            .subscriptions
            .iter()
            .map(|(name, sub)| (name.clone(), self.subscription_stats(sub)))
            .collect();
        let dropped = || {
            let by_subscriptions = subscriptions.values().filter_map(|sub| sub.msg_drop_rate);
            state.dropped.messages_per_second() + total(by_subscriptions)
        };
        let rules = self.rules();
        TopicStats {
            counts: self.counts(&state, &subscriptions),
            storage: Self::storage_stats(&state),
            msg_drop_rate: (!self.is_stored()).then(dropped),
            average_msg_size: state.received.average_bytes(),
            backlog_quota_limit_size: limit(rules.size_quota, 1),
            backlog_quota_limit_time: limit(rules.age_quota, 1000),
            oldest_backlog_message_age_seconds: state
                .oldest_age_ms
                .map_or(-1, |age_ms| i64::try_from(age_ms / 1000).unwrap_or(i64::MAX)),
            publishers: state.producers.iter().map(|(name, seat)| self.publisher(name, seat)).collect(),
            subscriptions,
            compaction: self.compactions.stats(),
            deduplication_status: if self.deduplicates() { "Enabled" } else { "Disabled" },
            owner_broker: None,
            absent: AbsentOfTopics::default(),
        }
    }

    /// What there is to tell of a subscription and of one of its consumers.
    pub(crate) fn consumer_stats(
        &self,
        subscription: &str,
        id: ConsumerId,
    ) -> Option<(SubscriptionStats, ConsumerStats)> {
        let state = self.state.lock();
        let mut stats = self.subscription_stats(state.subscriptions.get(subscription)?);
        let index = stats.consumers.iter().position(|consumer| consumer.id == id)?;
        let consumer = stats.consumers.swap_remove(index);
        Some((stats, consumer))
    }

    fn counts(&self, state: &State, subscriptions: &BTreeMap<String, SubscriptionStats>) -> TopicCounts {
        let (received, sent) = (state.received.counted(), state.sent());
        let each = || subscriptions.values().map(|sub| &sub.counts);
        TopicCounts {
            msg_rate_in: state.received.messages_per_second(),
            msg_throughput_in: state.received.bytes_per_second(),
            msg_rate_out: total(each().map(|sub| sub.msg_rate_out)),
            msg_throughput_out: total(each().map(|sub| sub.msg_throughput_out)),
            msg_in_counter: received.messages,
            bytes_in_counter: received.bytes,
            msg_out_counter: sent.messages,
            bytes_out_counter: sent.bytes,
            storage_size: self.log.bytes_from(self.id, Position::EARLIEST),
            backlog_size: each().map(|sub| sub.backlog_size).max().unwrap_or(0),
            msg_chunk_published: state.written.has_chunks,
            earliest_msg_publish_time_in_backlogs: 0,
            waiting_publishers: state.waiting.len(),
            non_contiguous_deleted_messages_ranges: each()
                .map(|sub| sub.non_contiguous_deleted_messages_ranges)
                .sum(),
            non_contiguous_deleted_messages_ranges_serialized_size: each()
                .map(|sub| sub.non_contiguous_deleted_messages_ranges_serialized_size)
                .sum(),
            delayed_message_index_size_in_bytes: each()
                .map(|sub| sub.delayed_message_index_size_in_bytes)
                .sum(),
        }
    }

    fn storage_stats(state: &State) -> StorageStats {
        let subs = || state.subscriptions.values();
        StorageStats {
            write_rate: state.written.sizes.per_second(),
            read_rate: total(subs().map(|sub| sub.read.messages_per_second())),
            read_cache_misses_rate: total(subs().map(|sub| sub.read_from_files.messages_per_second())),
            entry_sizes: state.written.sizes.last(),
            write_latencies: state.written.latencies.last(),
            evictions: state.evictions,
        }
    }

    fn subscription_stats(&self, sub: &Sub) -> SubscriptionStats {
        let by_keys = sub.machine.key_policy();
        let mut consumers = Vec::new();
        for (id, name, permits, unacked) in sub.machine.consumers() {
            let Some(seat) = sub.seats.get(&id) else { continue };
            let (keys, entries) = sub.machine.draining(id);
            let Consuming { sent, acked, given_back, chunks, times, .. } = &seat.counted;
            let ranges = || sub.machine.ranges(id);
            consumers.push(ConsumerStats {
                id,
                consumer_name: name.to_owned(),
                msg_rate_out: sent.messages_per_second(),
                msg_throughput_out: sent.bytes_per_second(),
                msg_out_counter: sent.counted().messages,
                bytes_out_counter: sent.counted().bytes,
                msg_rate_redeliver: given_back.messages_per_second(),
                message_ack_rate: acked.messages_per_second(),
                chunked_message_rate: chunks.messages_per_second(),
                available_permits: permits,
                unacked_messages: unacked,
                avg_messages_per_entry: seat.counted.messages_per_entry(),
                blocked_consumer_on_unacked_msgs: sub.machine.owes_acks(Some(id)),
                draining_hashes_count: keys,
                draining_hashes_unacked_messages: entries,
                last_acked_timestamp: times.acked_ms,
                last_consumed_timestamp: times.sent_ms,
                last_consumed_flow_timestamp: times.flow_ms,
                last_acked_time: times.acked_ms,
                last_consumed_time: times.sent_ms,
                key_hash_range_arrays: by_keys
                    .map(|_| ranges().iter().map(|range| [range.first, range.last]).collect()),
                client: ClientStats::of(&seat.outbox, seat.since_ms, &seat.metadata),
            });
        }
        let active = consumers.first().filter(|_| !sub.machine.kind().is_shared());
        SubscriptionStats {
            counts: self.subscription_counts(sub, &consumers),
            blocked_subscription_on_unacked_msgs: sub.machine.owes_acks(None),
            r#type: if sub.was_joined { sub.machine.kind().name() } else { "None" },
            key_shared_mode: by_keys.map(|(mode, _)| match mode {
                KeyMode::AutoSplit => "AUTO_SPLIT",
                KeyMode::Sticky => "STICKY",
            }),
            allow_out_of_order_delivery: by_keys.is_some_and(|(_, out_of_order)| out_of_order),
            active_consumer_name: active.map(|active| active.consumer_name.clone()),
            is_durable: sub.durable,
            durable: sub.durable,
            msg_drop_rate: (!self.is_stored()).then(|| sub.dropped.messages_per_second()),
            subscription_properties: sub.properties.clone(),
            consumers,
            absent: AbsentOfSubscriptions::default(),
        }
    }

    fn subscription_counts(&self, sub: &Sub, consumers: &[ConsumerStats]) -> SubscriptionCounts {
        let (sent, backlog, cursor) = (sub.sent.counted(), self.backlog(sub), sub.machine.cursor());
        let (delayed, ranges) = (sub.machine.delayed(), cursor.ranges_beyond());
        SubscriptionCounts {
            msg_rate_out: sub.sent.messages_per_second(),
            msg_throughput_out: sub.sent.bytes_per_second(),
            msg_out_counter: sent.messages,
            bytes_out_counter: sent.bytes,
            msg_rate_redeliver: total(consumers.iter().map(|consumer| consumer.msg_rate_redeliver)),
            message_ack_rate: total(consumers.iter().map(|consumer| consumer.message_ack_rate)),
            chunked_message_rate: total(consumers.iter().map(|consumer| consumer.chunked_message_rate)),
            msg_backlog: backlog,
            msg_backlog_no_delayed: backlog.saturating_sub(delayed as u64),
            msg_delayed: delayed as u64,
            msg_in_replay: sub.machine.waiting(),
            backlog_size: self.log.bytes_from(self.id, cursor.mark_delete().next()),
            earliest_msg_publish_time_in_backlog: 0,
            unacked_messages: consumers.iter().map(|consumer| consumer.unacked_messages).sum(),
            msg_rate_expired: sub.expired.messages_per_second(),
            total_msg_expired: sub.expired.counted().messages,
            last_expire_timestamp: sub.expiry_ms,
            last_consumed_flow_timestamp: sub.times.flow_ms,
            last_consumed_timestamp: sub.times.sent_ms,
            last_acked_timestamp: sub.times.acked_ms,
            last_mark_delete_advanced_timestamp: sub.mark_moved_ms,
            draining_hashes_count: consumers.iter().map(|consumer| consumer.draining_hashes_count).sum(),
            draining_hashes_unacked_messages: consumers
                .iter()
                .map(|consumer| consumer.draining_hashes_unacked_messages)
                .sum(),
            non_contiguous_deleted_messages_ranges: ranges,
            non_contiguous_deleted_messages_ranges_serialized_size: ranges * RANGE_BYTES,
            delayed_message_index_size_in_bytes: delayed * subscription::DELAYED_BYTES,
        }
    }

    /// When the oldest entry was published that each subscription has not acked. That takes reading.
    pub(crate) fn add_earliest(&self, stats: &mut TopicStats) -> Result<(), ReadError> {
        for (name, sub) in &mut stats.subscriptions {
            let mark = self.look(name, |machine, backlog| (machine.cursor().mark_delete(), backlog));
            let Some((mark, 1..)) = mark else { continue };
            let oldest = self.log.read(self.id, mark.next(), 1, 1)?;
            let stamp = oldest.first().map_or(0, |oldest| oldest.stamp);
            sub.counts.earliest_msg_publish_time_in_backlog = stamp;
            let earliest = &mut stats.counts.earliest_msg_publish_time_in_backlogs;
            *earliest = first(*earliest, stamp);
        }
        Ok(())
    }

    fn publisher(&self, name: &str, seat: &producing::Seat) -> PublisherStats {
        PublisherStats {
            access_mode: match seat.access {
                ProducerAccessMode::Shared => "Shared",
                ProducerAccessMode::Exclusive => "Exclusive",
                ProducerAccessMode::WaitForExclusive => "WaitForExclusive",
                ProducerAccessMode::ExclusiveWithFencing => "ExclusiveWithFencing",
            },
            producer_id: seat.producer_id,
            producer_name: name.to_owned(),
            msg_rate_in: seat.received.messages_per_second(),
            msg_throughput_in: seat.received.bytes_per_second(),
            average_msg_size: seat.received.average_bytes(),
            chunked_message_rate: seat.chunks.messages_per_second(),
            supports_partial_producer: false,
            msg_drop_rate: (!self.is_stored()).then_some(0.0),
            client: ClientStats::of(&seat.outbox, seat.since_ms, &seat.metadata),
        }
    }
}

impl State {
    /// Forgets a subscription, but not what was delivered for it.
    pub(super) fn end_subscription(&mut self, name: &str) -> Option<Sub> {
        let sub = self.subscriptions.remove(name)?;
        self.sent_before.add(sub.sent.counted());
        Some(sub)
    }

    fn sent(&self) -> Counts {
        let mut sent = self.sent_before;
        self.subscriptions.values().for_each(|sub| sent.add(sub.sent.counted()));
        sent
    }
}

/// What Pulsar says of a quota: below zero if there is none.
fn limit(quota: Option<Quota>, unit: u64) -> i64 {
    quota.map_or(-1, |quota| i64::try_from(quota.limit / unit).unwrap_or(i64::MAX))
}

/// 0 for none, where `Iterator::sum` has -0.
fn total(rates: impl Iterator<Item = f64>) -> f64 {
    rates.fold(0.0, |sum, rate| sum + rate)
}
