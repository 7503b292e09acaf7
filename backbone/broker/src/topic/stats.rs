//! What is counted of a topic, under the names that Pulsar's REST interface gives it.
//!
//! Counters begin with 0 when the broker is opened, as Pulsar's do. What is not known here (expiry, geographic
//! replication) is left out rather than made up.

use std::{collections::BTreeMap, time::Duration};

use hexalpes_log::Position;
use hexalpes_wire::proto::ProducerAccessMode;
use serde::Serialize;

use super::{State, Sub, Topic, producing};
use crate::{
    compaction::CompactionStats, connection::outbox::Outbox, cursor_store::Properties, meter::Counts,
    subscription::KeyMode,
};

/// A topic, as it is at the moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicStats {
    /// Messages a second, over the last few seconds.
    pub msg_rate_in: f64,
    /// Bytes a second.
    pub msg_throughput_in: f64,
    pub msg_rate_out: f64,
    pub msg_throughput_out: f64,
    pub msg_in_counter: u64,
    pub bytes_in_counter: u64,
    /// Deliveries: a message counts for each subscription, and each time that it is delivered.
    pub msg_out_counter: u64,
    pub bytes_out_counter: u64,
    /// In bytes, over the last few seconds; 0 if there was none.
    pub average_msg_size: f64,
    /// What the entries take on the disk, in bytes.
    pub storage_size: u64,
    /// What the entries take that the slowest subscription has not acked, about.
    pub backlog_size: u64,
    pub publishers: Vec<PublisherStats>,
    /// Producers that wait until they can have the topic alone.
    pub waiting_publishers: usize,
    pub subscriptions: BTreeMap<String, SubscriptionStats>,
    pub deduplication_status: &'static str,
    pub compaction: CompactionStats,
    /// Messages a second that nobody took, where nothing is stored; one counts for each subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_drop_rate: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublisherStats {
    pub access_mode: &'static str,
    pub producer_id: u64,
    pub producer_name: String,
    pub msg_rate_in: f64,
    pub msg_throughput_in: f64,
    pub average_msg_size: f64,
    #[serde(flatten)]
    pub client: ClientStats,
}

/// Who is at the other end.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionStats {
    pub msg_rate_out: f64,
    pub msg_throughput_out: f64,
    pub msg_out_counter: u64,
    pub bytes_out_counter: u64,
    /// Entries that are not acked; a batch is one.
    pub msg_backlog: u64,
    /// Without those that are not due yet.
    pub msg_backlog_no_delayed: u64,
    /// Entries that are not due yet, of those that were read.
    pub msg_delayed: u64,
    /// What they take on the disk, about.
    pub backlog_size: u64,
    /// Messages that consumers have and did not ack.
    pub unacked_messages: u64,
    /// Nobody is kept waiting for acks.
    pub blocked_subscription_on_unacked_msgs: bool,
    pub r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_shared_mode: Option<&'static str>,
    pub allow_out_of_order_delivery: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_consumer_name: Option<String>,
    pub is_durable: bool,
    /// Messages a second that no consumer took, where nothing is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_drop_rate: Option<f64>,
    /// Entries that expired, since the start.
    pub total_msg_expired: u64,
    /// What somebody noted beside it.
    pub subscription_properties: Properties,
    pub consumers: Vec<ConsumerStats>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerStats {
    pub consumer_name: String,
    pub msg_rate_out: f64,
    pub msg_throughput_out: f64,
    pub msg_out_counter: u64,
    pub bytes_out_counter: u64,
    /// Below zero if the last batch had more messages than were left.
    pub available_permits: i64,
    pub unacked_messages: u64,
    pub blocked_consumer_on_unacked_msgs: bool,
    #[serde(flatten)]
    pub client: ClientStats,
}

impl TopicStats {
    /// Several as if they were one; a subscription of the same name on several is one.
    pub fn sum<'a>(several: impl Iterator<Item = &'a Self>) -> Self {
        let mut all = Self {
            msg_rate_in: 0.0,
            msg_throughput_in: 0.0,
            msg_rate_out: 0.0,
            msg_throughput_out: 0.0,
            msg_in_counter: 0,
            bytes_in_counter: 0,
            msg_out_counter: 0,
            bytes_out_counter: 0,
            average_msg_size: 0.0,
            storage_size: 0,
            backlog_size: 0,
            publishers: Vec::new(),
            waiting_publishers: 0,
            subscriptions: BTreeMap::new(),
            deduplication_status: "Disabled",
            compaction: CompactionStats::default(),
            msg_drop_rate: None,
        };
        for one in several {
            all.msg_rate_in += one.msg_rate_in;
            all.msg_throughput_in += one.msg_throughput_in;
            all.msg_rate_out += one.msg_rate_out;
            all.msg_throughput_out += one.msg_throughput_out;
            all.msg_in_counter += one.msg_in_counter;
            all.bytes_in_counter += one.bytes_in_counter;
            all.msg_out_counter += one.msg_out_counter;
            all.bytes_out_counter += one.bytes_out_counter;
            all.storage_size += one.storage_size;
            all.backlog_size += one.backlog_size;
            all.deduplication_status = one.deduplication_status;
            all.msg_drop_rate = added(all.msg_drop_rate, one.msg_drop_rate);
            all.publishers.extend(one.publishers.iter().cloned());
            all.waiting_publishers += one.waiting_publishers;
            for (name, sub) in &one.subscriptions {
                match all.subscriptions.get_mut(name) {
                    Some(sum) => sum.add(sub),
                    None => {
                        all.subscriptions.insert(name.clone(), sub.clone());
                    }
                }
            }
        }
        if all.msg_rate_in > 0.0 {
            all.average_msg_size = all.msg_throughput_in / all.msg_rate_in;
        }
        all
    }
}

impl SubscriptionStats {
    fn add(&mut self, other: &Self) {
        self.msg_rate_out += other.msg_rate_out;
        self.msg_throughput_out += other.msg_throughput_out;
        self.msg_out_counter += other.msg_out_counter;
        self.bytes_out_counter += other.bytes_out_counter;
        self.msg_backlog += other.msg_backlog;
        self.msg_backlog_no_delayed += other.msg_backlog_no_delayed;
        self.backlog_size += other.backlog_size;
        self.unacked_messages += other.unacked_messages;
        self.msg_drop_rate = added(self.msg_drop_rate, other.msg_drop_rate);
        self.total_msg_expired += other.total_msg_expired;
        self.consumers.extend(other.consumers.iter().cloned());
    }
}

impl ClientStats {
    fn of(outbox: &Outbox) -> Self {
        Self { address: outbox.address(), client_version: outbox.client_version.get().cloned() }
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
        let received = state.received.counted();
        let sent = state.sent();
        let dropped = || {
            let by_subscriptions = subscriptions.values().filter_map(|sub| sub.msg_drop_rate);
            state.dropped.messages_per_second() + sum(by_subscriptions)
        };
        TopicStats {
            msg_drop_rate: (!self.is_stored()).then(dropped),
            msg_rate_in: state.received.messages_per_second(),
            msg_throughput_in: state.received.bytes_per_second(),
            msg_rate_out: sum(subscriptions.values().map(|sub| sub.msg_rate_out)),
            msg_throughput_out: sum(subscriptions.values().map(|sub| sub.msg_throughput_out)),
            msg_in_counter: received.messages,
            bytes_in_counter: received.bytes,
            msg_out_counter: sent.messages,
            bytes_out_counter: sent.bytes,
            average_msg_size: state.received.average_bytes(),
            storage_size: self.log.bytes_from(self.id, Position::EARLIEST),
            backlog_size: subscriptions.values().map(|sub| sub.backlog_size).max().unwrap_or(0),
            publishers: state.producers.iter().map(|(name, seat)| publisher(name, seat)).collect(),
            waiting_publishers: state.waiting.len(),
            subscriptions,
            compaction: self.compactions.stats(),
            deduplication_status: if self.deduplicates() { "Enabled" } else { "Disabled" },
        }
    }

    fn subscription_stats(&self, sub: &Sub) -> SubscriptionStats {
        let mut consumers = Vec::new();
        for (id, name, permits, unacked) in sub.machine.consumers() {
            let Some(seat) = sub.seats.get(&id) else { continue };
            let sent = seat.sent.counted();
            consumers.push(ConsumerStats {
                consumer_name: name.to_owned(),
                msg_rate_out: seat.sent.messages_per_second(),
                msg_throughput_out: seat.sent.bytes_per_second(),
                msg_out_counter: sent.messages,
                bytes_out_counter: sent.bytes,
                available_permits: permits,
                unacked_messages: unacked,
                blocked_consumer_on_unacked_msgs: false,
                client: ClientStats::of(&seat.outbox),
            });
        }
        let active = consumers.first().filter(|_| !sub.machine.kind().is_shared());
        let (keys, delayed) = (sub.machine.key_policy(), sub.machine.delayed() as u64);
        let (sent, backlog) = (sub.sent.counted(), self.backlog(sub));
        SubscriptionStats {
            msg_rate_out: sub.sent.messages_per_second(),
            msg_throughput_out: sub.sent.bytes_per_second(),
            msg_out_counter: sent.messages,
            bytes_out_counter: sent.bytes,
            msg_backlog: backlog,
            msg_backlog_no_delayed: backlog.saturating_sub(delayed),
            msg_delayed: delayed,
            backlog_size: self.log.bytes_from(self.id, sub.machine.cursor().mark_delete().next()),
            unacked_messages: consumers.iter().map(|consumer| consumer.unacked_messages).sum(),
            blocked_subscription_on_unacked_msgs: false,
            r#type: if sub.was_joined { sub.machine.kind().name() } else { "None" },
            key_shared_mode: keys.map(|(mode, _)| match mode {
                KeyMode::AutoSplit => "AUTO_SPLIT",
                KeyMode::Sticky => "STICKY",
            }),
            allow_out_of_order_delivery: keys.is_some_and(|(_, out_of_order)| out_of_order),
            active_consumer_name: active.map(|active| active.consumer_name.clone()),
            is_durable: sub.durable,
            msg_drop_rate: (!self.is_stored()).then(|| sub.dropped.messages_per_second()),
            total_msg_expired: sub.expired,
            subscription_properties: sub.properties.clone(),
            consumers,
        }
    }

    /// So much time has passed since rates were last computed.
    pub(crate) fn tick(&self, elapsed: Duration) {
        let mut state = self.state.lock();
        state.received.tick(elapsed);
        state.dropped.tick(elapsed);
        state.producers.values_mut().for_each(|seat| seat.received.tick(elapsed));
        for sub in state.subscriptions.values_mut() {
            sub.sent.tick(elapsed);
            sub.dropped.tick(elapsed);
            sub.seats.values_mut().for_each(|seat| seat.sent.tick(elapsed));
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

/// Both, as far as they are known.
fn added(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

/// 0 for none, where `Iterator::sum` has -0.
fn sum(rates: impl Iterator<Item = f64>) -> f64 {
    rates.fold(0.0, |sum, rate| sum + rate)
}

fn publisher(name: &str, seat: &producing::Seat) -> PublisherStats {
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
        client: ClientStats::of(&seat.outbox),
    }
}
