//! What each command does, but for those of consumers.

use std::sync::Arc;

use hexalpes_wire::{
    PROTOCOL_VERSION, TopicName,
    frame::Payload,
    proto::{
        Command, CommandConnect, CommandConnected, CommandLookupTopic, CommandPartitionedTopicMetadata,
        CommandProducer, CommandSend, FeatureFlags, ProducerAccessMode, ServerError,
    },
};

use super::{
    Connection, Hangup, Producer,
    consume::{METADATA_BYTES_MAX, bytes, pairs},
    schemas::schema_refusal,
};
use crate::{
    broker::AdminError,
    off_reactor::off_reactor,
    rights::Right,
    topic::{Opening, ProducerError, Send, Topic},
};

/// What the broker calls itself.
pub(super) const SERVER_VERSION: &str = concat!("Hexalpes ", env!("CARGO_PKG_VERSION"));

/// A refusal, as it is answered.
pub(super) type Refusal = (ServerError, String);

impl Connection {
    pub(super) fn handle(&mut self, command: Command, payload: &Payload) -> Result<(), Hangup> {
        if let Some(answer) = self.forbids(&command) {
            self.outbox.push(&answer);
            return Ok(());
        }
        self.obey(command, payload)
    }

    /// Does what a command says that the client has the right to, or had a moment ago.
    pub(super) fn obey(&mut self, command: Command, payload: &Payload) -> Result<(), Hangup> {
        match command {
            Command::Connect(connect) if !self.is_connected => self.connect(&connect)?,
            Command::AuthResponse(answer) => self.prove_again(&answer)?,
            Command::Ping(_) => self.outbox.push(&Command::pong()),
            // That something was heard is all there is to it.
            Command::Pong(_) => {}
            Command::Send(send) => self.send(&send, payload),
            Command::Flow(flow) => self.flow(flow),
            Command::Ack(ack) => self.ack(&ack),
            Command::RedeliverUnacknowledgedMessages(redeliver) => self.redeliver(&redeliver),
            Command::PartitionedMetadata(asked) => {
                let answer = match self.partitions(&asked) {
                    Ok(partitions) => Command::partitions(asked.request_id, partitions),
                    Err((error, why)) => Command::partitions_error(asked.request_id, error, why),
                };
                self.outbox.push(&answer);
            }
            Command::Lookup(lookup) => {
                let (id, options) = (lookup.request_id, &self.shared.options);
                let found = topic_name(&lookup.topic).and_then(|_| own_listener(&lookup));
                self.shared.around.counters.lookup(self.heard.elapsed(), found.is_ok());
                let answer = match found {
                    Ok(()) => Command::lookup_connect(
                        id,
                        options.service_url.clone(),
                        options.service_url_tls.clone(),
                    ),
                    Err((error, why)) => Command::lookup_error(id, error, why),
                };
                self.outbox.push(&answer);
            }
            Command::GetSchema(asked) => self.get_schema(&asked),
            Command::GetOrCreateSchema(asked) => self.get_or_create_schema(&asked),
            other => {
                let request_id = other.request_id().ok_or(Hangup::Senseless(other.kind()))?;
                if let Err((error, why)) = self.request(other, request_id) {
                    self.outbox.push(&Command::error(request_id, error, why));
                }
            }
        }
        Ok(())
    }

    /// Those that are answered with SUCCESS or ERROR.
    fn request(&mut self, command: Command, request_id: u64) -> Result<(), Refusal> {
        match command {
            Command::Producer(producer) => return self.open_producer(&producer),
            Command::CloseProducer(close) => {
                if let Some(Producer { topic, name }) = self.producers.remove(&close.producer_id) {
                    topic.close_producer(&name, &self.outbox, close.producer_id);
                    self.shared.promote(&topic);
                }
            }
            Command::Subscribe(subscribe) => return self.subscribe(&subscribe),
            Command::CloseConsumer(close) => {
                if let Some(consumer) = self.consumers.remove(&close.consumer_id) {
                    consumer.topic.close_consumer(&consumer.subscription, consumer.id);
                }
            }
            Command::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe)?,
            Command::Seek(seek) => self.seek(&seek)?,
            Command::GetLastMessageId(asked) => return self.last_message_id(asked),
            Command::ConsumerStats(asked) => return self.consumer_stats(asked),
            Command::GetTopicsOfNamespace(asked) => {
                self.topics_of_namespace(&asked);
                return Ok(());
            }
            Command::WatchTopicList(asked) => return self.watch_topics(&asked),
            Command::WatchTopicListClose(close) => self.shared.watchers.end(&self.outbox, close.watcher_id),
            other => return Err(not_allowed(format!("{:?} is not supported", other.kind()))),
        }
        self.outbox.push(&Command::success(request_id));
        Ok(())
    }

    fn connect(&mut self, connect: &CommandConnect) -> Result<(), Hangup> {
        let proved = self.prove(connect);
        self.shared.around.counters.connections.answered(proved.is_ok());
        proved?;
        self.is_connected = true;
        // It says so once.
        let _ = self.outbox.client_version.set(connect.client_version.clone());
        self.outbox.push(&Command::Connected(CommandConnected {
            server_version: SERVER_VERSION.to_owned(),
            protocol_version: Some(connect.protocol_version().min(PROTOCOL_VERSION)),
            max_message_size: i32::try_from(self.shared.options.max_message_bytes).ok(),
            feature_flags: Some(FeatureFlags {
                supports_topic_watchers: Some(true),
                supports_get_partitioned_metadata_without_auto_creation: Some(true),
                ..FeatureFlags::default()
            }),
        }));
        Ok(())
    }

    fn open_producer(&mut self, asked: &CommandProducer) -> Result<(), Refusal> {
        let name = topic_name(&asked.topic)?;
        let topic = self.topic(&name)?;
        let schema = self
            .shared
            .producer_schema(&name, asked.schema.as_ref())
            .map_err(|error| schema_refusal(&error))?;
        let given = asked.producer_name.as_deref().filter(|name| !name.is_empty());
        let producer = given.map_or_else(|| self.shared.producer_name(), str::to_owned);
        let mut metadata = pairs(&asked.metadata);
        if bytes(&metadata) > METADATA_BYTES_MAX {
            metadata.clear();
        }
        let opening = Opening {
            outbox: &self.outbox,
            name: &producer,
            producer_id: asked.producer_id,
            request_id: asked.request_id,
            epoch: asked.epoch(),
            access: asked.producer_access_mode(),
            topic_epoch: asked.topic_epoch,
            schema,
            encrypts: asked.encrypted(),
            named_by_user: given.is_some() && asked.user_provided_producer_name.unwrap_or(true),
            since_ms: self.shared.options.clock.now_ms(),
            metadata: &metadata,
        };
        let shared = &self.shared;
        if let Some(holds) = topic.blocks_producers(shared.options.clock.now_ms()) {
            let error = ProducerError::OverQuota { holds };
            return Err((error.kind(), error.to_string()));
        }
        let open = || topic.open_producer(&opening, |epoch| shared.put_topic_epoch(&topic, epoch));
        let opened = match opening.access {
            ProducerAccessMode::Shared => open(),
            _ => off_reactor(|| {
                let _changing = shared.changing.lock();
                open()
            }),
        };
        if let Err(error) = opened {
            shared.promote(&topic);
            return Err((error.kind(), error.to_string()));
        }
        let opened = Producer { topic, name: Arc::from(producer) };
        let right = Right::Produce { topic: &opened.topic.name };
        self.shared.send_away_if_without(&self.outbox, right, &opened.topic);
        if let Some(before) = self.producers.insert(asked.producer_id, opened) {
            let opened = &self.producers[&asked.producer_id];
            if before.name != opened.name || before.topic.id != opened.topic.id {
                before.topic.close_producer(&before.name, &self.outbox, asked.producer_id);
                self.shared.promote(&before.topic);
            }
        }
        Ok(())
    }

    fn send(&mut self, command: &CommandSend, payload: &Payload) {
        // Closed, and the client does not know yet: as with Pulsar, there is no answer.
        let Some(Producer { topic, name }) = self.producers.get(&command.producer_id) else { return };
        let send = Send { outbox: &self.outbox, producer: name, command, payload, came: self.heard };
        self.has_appended |= topic.send(&send);
    }

    pub(super) fn topic(&self, name: &TopicName) -> Result<Arc<Topic>, Refusal> {
        if let Ok(topic) = self.shared.existing(name) {
            return Ok(topic);
        }
        off_reactor(|| self.shared.used_topic(name)).map_err(|error| refusal(&error))
    }

    fn partitions(&self, asked: &CommandPartitionedTopicMetadata) -> Result<u32, Refusal> {
        let name = topic_name(&asked.topic)?;
        off_reactor(|| self.shared.partitions(&name, asked.metadata_auto_creation_enabled()))
            .map_err(|error| refusal(&error))
    }
}

fn refusal(error: &AdminError) -> Refusal {
    let kind = match error {
        AdminError::NoNamespace(_) | AdminError::NoTopic(_) => ServerError::TopicNotFound,
        AdminError::Partitioned { .. } | AdminError::NoPartition { .. } => ServerError::NotAllowedError,
        _ => ServerError::MetadataError,
    };
    (kind, error.to_string())
}

pub(super) fn not_allowed(why: String) -> Refusal {
    (ServerError::NotAllowedError, why)
}

pub(super) fn topic_name(name: &str) -> Result<TopicName, Refusal> {
    TopicName::parse(name).map_err(|error| (ServerError::InvalidTopicName, error.to_string()))
}

/// A broker may have addresses by name, for networks that reach it differently. This one has one, without a name.
fn own_listener(lookup: &CommandLookupTopic) -> Result<(), Refusal> {
    match lookup.advertised_listener_name.as_deref() {
        None | Some("") => Ok(()),
        Some(name) => {
            let why = format!("the broker has no listener {name}: look up without a listener's name");
            Err((ServerError::ServiceNotReady, why))
        }
    }
}
