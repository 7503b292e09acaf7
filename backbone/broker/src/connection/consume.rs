//! What the commands of consumers do.

use std::sync::{Arc, atomic::Ordering};

use hexalpes_log::Position;
use hexalpes_wire::{
    MessageId,
    proto::{
        AckType, Command, CommandAck, CommandConsumerStats, CommandConsumerStatsResponse, CommandFlow,
        CommandGetLastMessageId, CommandRedeliverUnacknowledgedMessages, CommandSeek, CommandSubscribe,
        CommandUnsubscribe, InitialPosition, IntRange, KeySharedMeta, KeySharedMode, KeyValue, MessageIdData,
        Schema, SchemaType, ServerError, SubType,
    },
};

use super::{
    Connection, Consumer,
    commands::{Refusal, not_allowed, topic_name},
    schemas::schema_refusal,
};
use crate::{
    cursor_store::Properties,
    off_reactor::off_reactor,
    rights::Right,
    subscription::{ConsumerId, HashRange, JoinError, Joining, KeyMode, KeyPolicy, Kind, Subscription},
    topic::{ConsumerSeat, Ending, Start, SubscribeError, time},
};

/// What a client may say of a consumer, as with Pulsar; of a producer that says more, none is kept.
pub(super) const METADATA_BYTES_MAX: usize = 1024;

impl Connection {
    pub(super) fn subscribe(&mut self, asked: &CommandSubscribe) -> Result<(), Refusal> {
        let name = topic_name(&asked.topic)?;
        let kind = match SubType::try_from(asked.sub_type) {
            Ok(SubType::Exclusive) => Kind::Exclusive,
            Ok(SubType::Failover) => Kind::Failover,
            Ok(SubType::Shared) => Kind::Shared,
            Ok(SubType::KeyShared) => Kind::KeyShared,
            Err(_) => return Err(not_allowed(format!("there is no subscription type {}", asked.sub_type))),
        };
        let keys = key_policy(asked.key_shared_meta.as_ref())?;
        let metadata = pairs(&asked.metadata);
        if bytes(&metadata) > METADATA_BYTES_MAX {
            let why = format!("consumer says more of itself than {METADATA_BYTES_MAX} bytes of metadata");
            return Err((ServerError::MetadataError, why));
        }
        let topic = if asked.force_topic_creation() {
            self.topic(&name)?
        } else {
            let existing = self.shared.existing(&name);
            existing.map_err(|error| (ServerError::TopicNotFound, error.to_string()))?
        };
        if asked.read_compacted() && (!topic.is_stored() || kind.is_shared()) {
            let why = "only persistent topics, and only Exclusive and Failover subscriptions, are read as compacted";
            return Err(not_allowed(why.to_owned()));
        }
        if let Some(schema) = &asked.schema {
            self.shared.consumer_schema(&topic, schema).map_err(|error| schema_refusal(&error))?;
        }
        if let Some(before) = self.consumers.remove(&asked.consumer_id) {
            before.topic.close_consumer(&before.subscription, before.id);
        }
        let back_ms = asked.start_message_rollback_duration_sec().saturating_mul(1000);
        let start = match (&asked.start_message_id, asked.initial_position()) {
            _ if back_ms > 0 => Start::Published(self.shared.options.clock.now_ms().saturating_sub(back_ms)),
            (Some(id), _) => Start::At(id.into()),
            (None, InitialPosition::Earliest) => Start::Earliest,
            (None, InitialPosition::Latest) => Start::Latest,
        };
        let id = ConsumerId(self.shared.next_consumer.fetch_add(1, Ordering::Relaxed));
        let mut seat = ConsumerSeat::new(Arc::clone(&self.outbox), asked.consumer_id, name.partition());
        seat.reads_compacted = asked.read_compacted();
        seat.metadata = metadata;
        seat.takes_any_schema = asked.schema.as_ref().map(Schema::r#type) == Some(SchemaType::AutoConsume);
        let joining = Joining {
            id,
            name: asked.consumer_name.clone().unwrap_or_else(|| format!("consumer-{}", id.0)),
            priority: asked.priority_level(),
            keys,
        };
        let (shared, outbox) = (&self.shared, &self.outbox);
        let durable = topic.is_stored() && asked.durable.unwrap_or(true);
        let properties = pairs(&asked.subscription_properties);
        off_reactor(|| {
            let _changing = shared.changing.lock();
            let write = |cursor| shared.metadata.put_cursor(&cursor);
            if back_ms > 0 {
                // As with Pulsar, also where the subscription is there: clients ask for it once, not again when they
                // come back.
                topic.seek(&asked.subscription, topic.mark_before(start)?, write)?;
            }
            let joined = || outbox.push(&Command::success(asked.request_id));
            topic.subscribe(
                &asked.subscription,
                seat,
                joining,
                kind,
                durable,
                start,
                &properties,
                write,
                joined,
            )
        })
        .map_err(|error| refusal(&error))?;
        let right = Right::Consume { topic: &topic.name, subscription: Some(&asked.subscription) };
        self.shared.send_away_if_without(&self.outbox, right, &topic);
        let (subscription, reads_compacted) = (asked.subscription.clone(), asked.read_compacted());
        let consumer = Consumer { topic, subscription, id, reads_compacted };
        self.consumers.insert(asked.consumer_id, consumer);
        Ok(())
    }

    fn consumer(&self, consumer_id: u64) -> Result<&Consumer, Refusal> {
        let missing = || (ServerError::ConsumerNotFound, format!("there is no consumer {consumer_id}"));
        self.consumers.get(&consumer_id).ok_or_else(missing)
    }

    pub(super) fn flow(&self, flow: CommandFlow) {
        if let Ok(Consumer { topic, subscription, id, .. }) = self.consumer(flow.consumer_id) {
            topic.with(subscription, |sub, now_ms| sub.flow(*id, flow.message_permits, now_ms));
        }
    }

    pub(super) fn ack(&self, ack: &CommandAck) {
        let consumer = match self.consumer(ack.consumer_id) {
            Ok(consumer) => consumer,
            Err((error, why)) => {
                if let Some(request_id) = ack.request_id {
                    self.outbox.push(&Command::ack_error(ack.consumer_id, request_id, error, why));
                }
                return;
            }
        };
        let Consumer { topic, subscription, id, .. } = consumer;
        let end = topic.end();
        // Of what is not stored nothing is held.
        let acked = if topic.is_stored() { &ack.message_id[..] } else { &[] };
        let ack_one = |machine: &mut Subscription, message: &MessageIdData| {
            // Clients ack "earliest" and "latest" too: nothing, and all there is.
            let Some(position) = acked_position(message) else { return 0 };
            let words: Vec<u64> = message.ack_set.iter().map(|word| word.cast_unsigned()).collect();
            let ack_set = Some(words.as_slice()).filter(|words| !words.is_empty());
            match ack.ack_type() {
                AckType::Cumulative if position > end => machine.ack_cumulative(*id, end, None),
                AckType::Cumulative => machine.ack_cumulative(*id, position, ack_set),
                AckType::Individual if position > end => 0,
                AckType::Individual => machine.ack(*id, position, ack_set),
            }
        };
        if !acked.is_empty() {
            topic.with(subscription, |sub, now_ms| {
                sub.ack(*id, now_ms, |machine| acked.iter().map(|message| ack_one(machine, message)).sum());
            });
        }
        if let Some(request_id) = ack.request_id {
            self.outbox.push(&Command::ack_response(ack.consumer_id, request_id));
        }
    }

    pub(super) fn redeliver(&self, asked: &CommandRedeliverUnacknowledgedMessages) {
        let Ok(Consumer { topic, subscription, id, .. }) = self.consumer(asked.consumer_id) else { return };
        let positions: Vec<Position> = asked.message_ids.iter().map(position).collect();
        let positions = Some(positions.as_slice()).filter(|positions| !positions.is_empty());
        topic.with(subscription, |sub, _| sub.redeliver(*id, positions));
    }

    pub(super) fn unsubscribe(&mut self, asked: CommandUnsubscribe) -> Result<(), Refusal> {
        let Consumer { topic, subscription, id, .. } = self.consumer(asked.consumer_id)?;
        let shared = &self.shared;
        off_reactor(|| {
            let _changing = shared.changing.lock();
            match topic.may_unsubscribe(subscription, *id, asked.force()) {
                None => return Ok(()),
                Some(Ending { is_allowed: false, .. }) => {
                    let why = "other consumers of the subscription are connected".to_owned();
                    return Err((ServerError::MetadataError, why));
                }
                Some(Ending { is_durable: false, .. }) => {}
                Some(Ending { is_durable: true, .. }) => shared
                    .metadata
                    .delete_cursor(topic.id, subscription)
                    .map_err(|error| (ServerError::MetadataError, error.to_string()))?,
            }
            topic.unsubscribe(subscription, *id);
            Ok(())
        })?;
        self.consumers.remove(&asked.consumer_id);
        Ok(())
    }

    pub(super) fn seek(&mut self, asked: &CommandSeek) -> Result<(), Refusal> {
        let Consumer { topic, subscription, .. } = self.consumer(asked.consumer_id)?;
        if !topic.is_stored() {
            // As with Pulsar: there is nothing to go back to, and all that follows comes anyway.
            return Ok(());
        }
        let start = match (&asked.message_id, asked.message_publish_time) {
            (Some(id), _) => Start::At(id.into()),
            (None, Some(time)) => Start::Published(time),
            (None, None) => return Err(not_allowed("seek names neither a message nor a time".to_owned())),
        };
        let shared = &self.shared;
        // Acks may be lost to a crash, which only redelivers; a seek forward or back that was answered may not.
        off_reactor(|| {
            // To find a time may take reading through a segment: others may change things meanwhile.
            let mark = topic.mark_before(start)?;
            let _changing = shared.changing.lock();
            topic.seek(subscription, mark, |cursor| shared.metadata.put_cursor(&cursor))
        })
        .map_err(|error| refusal(&error))?;
        self.consumers.remove(&asked.consumer_id);
        Ok(())
    }

    pub(super) fn last_message_id(&self, asked: CommandGetLastMessageId) -> Result<(), Refusal> {
        let Consumer { topic, subscription, reads_compacted, .. } = self.consumer(asked.consumer_id)?;
        if !topic.is_stored() {
            let why = "a topic that is not persistent has no last message".to_owned();
            return Err((ServerError::UnknownError, why));
        }
        let mark = topic.look(subscription, |machine, _| machine.cursor().mark_delete());
        let mark = mark.map(|mark| match mark {
            Position::EARLIEST => MessageId::EARLIEST,
            position => topic.message_id(position),
        });
        let last = if *reads_compacted {
            off_reactor(|| topic.last_message_as_compacted())
                .map_err(|error| (ServerError::MetadataError, error.to_string()))?
        } else {
            topic.last_message()
        };
        let answer = Command::last_message_id(asked.request_id, last, mark);
        self.outbox.push(&answer);
        Ok(())
    }

    pub(super) fn consumer_stats(&self, asked: CommandConsumerStats) -> Result<(), Refusal> {
        let Consumer { topic, subscription, id, .. } = self.consumer(asked.consumer_id)?;
        let gone = || (ServerError::ConsumerNotFound, format!("there is no consumer {}", asked.consumer_id));
        let (sub, told) = topic.consumer_stats(subscription, *id).ok_or_else(gone)?;
        let answer = CommandConsumerStatsResponse {
            request_id: asked.request_id,
            error_code: None,
            error_message: None,
            msg_rate_out: Some(told.msg_rate_out),
            msg_throughput_out: Some(told.msg_throughput_out),
            msg_rate_redeliver: Some(told.msg_rate_redeliver),
            consumer_name: Some(told.consumer_name),
            available_permits: u64::try_from(told.available_permits).ok(),
            unacked_messages: Some(told.unacked_messages),
            blocked_consumer_on_unacked_msgs: Some(told.blocked_consumer_on_unacked_msgs),
            address: told.client.address,
            connected_since: Some(time(told.client.connected_since).to_string()),
            r#type: Some(sub.r#type.to_owned()),
            msg_rate_expired: Some(sub.counts.msg_rate_expired),
            msg_backlog: Some(sub.counts.msg_backlog),
            message_ack_rate: Some(told.message_ack_rate),
        };
        self.outbox.push(&Command::ConsumerStatsResponse(answer));
        Ok(())
    }
}

fn refusal(error: &SubscribeError) -> Refusal {
    let kind = match error {
        SubscribeError::Join(
            JoinError::Busy | JoinError::KindMismatch { .. } | JoinError::KeyPolicyMismatch,
        )
        | SubscribeError::ManyConsumers(_)
        | SubscribeError::ManyOfSubscription(_) => ServerError::ConsumerBusy,
        SubscribeError::Join(
            JoinError::NoRanges | JoinError::BackwardRange { .. } | JoinError::RangeTaken { .. },
        ) => ServerError::ConsumerAssignError,
        SubscribeError::Durability { .. }
        | SubscribeError::KindNotTaken(_)
        | SubscribeError::Often
        | SubscribeError::ManySubscriptions(_) => ServerError::NotAllowedError,
        SubscribeError::NotMade(_) => ServerError::SubscriptionNotFound,
        SubscribeError::Read(_) => ServerError::PersistenceError,
        SubscribeError::Metadata(_) => ServerError::MetadataError,
        SubscribeError::Deleted => ServerError::TopicNotFound,
    };
    (kind, error.to_string())
}

/// How a consumer wants keys to be shared; only a `Key_Shared` subscription asks.
fn key_policy(meta: Option<&KeySharedMeta>) -> Result<KeyPolicy, Refusal> {
    let Some(meta) = meta else { return Ok(KeyPolicy::default()) };
    let mode = match meta.key_shared_mode() {
        KeySharedMode::AutoSplit => KeyMode::AutoSplit,
        KeySharedMode::Sticky => KeyMode::Sticky,
    };
    let bound = |hash: i32| {
        let why = || format!("hash {hash} of a range is not within 0 and 65535");
        u16::try_from(hash).map_err(|_| (ServerError::ConsumerAssignError, why()))
    };
    let range = |range: &IntRange| Ok(HashRange { first: bound(range.start)?, last: bound(range.end)? });
    let ranges = meta.hash_ranges.iter().map(range).collect::<Result<_, Refusal>>()?;
    Ok(KeyPolicy { mode, ranges, out_of_order: meta.allow_out_of_order_delivery() })
}

/// Of a key that comes twice the last counts.
pub(super) fn pairs(pairs: &[KeyValue]) -> Properties {
    pairs.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect()
}

pub(super) fn bytes(pairs: &Properties) -> usize {
    pairs.iter().map(|(key, value)| key.len() + value.len()).sum()
}

fn position(id: &MessageIdData) -> Position {
    Position::new(id.ledger_id, id.entry_id)
}

/// None for what is before every entry.
fn acked_position(id: &MessageIdData) -> Option<Position> {
    let is_some = id.ledger_id.cast_signed() >= 0 && id.entry_id.cast_signed() >= 0;
    is_some.then(|| position(id))
}
