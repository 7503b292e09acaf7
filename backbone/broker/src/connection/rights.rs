//! Which right a command takes. Every command stands here by name, so that a new one cannot be forgotten.

use hexalpes_wire::{
    TopicName,
    proto::{Command, ServerError},
};

use super::Connection;
use crate::{broker::AdminError, rights::Right};

/// What a command is about, as far as rights go.
enum Subject<'a> {
    /// What belongs to the connection itself, or to a producer or consumer of it, whose right was asked when it was
    /// opened; those are closed when the right is taken back. And what nobody gets, be it that it is not there yet or
    /// that only brokers say it.
    Own,
    Produce(&'a str),
    Consume(&'a str, &'a str),
    Use(&'a str),
    Namespace(&'a str),
}

impl Connection {
    /// The answer to a command that the client has no right to.
    pub(super) fn forbids(&self, command: &Command) -> Option<Command> {
        self.shared.options.authorization.as_ref()?;
        let topic = |name: &str| TopicName::parse(name).ok();
        let allow = |right: Right<'_>| self.shared.allow(self.outbox.caller(), right).err();
        // A name that is none is refused for that.
        let forbidden = match subject(command) {
            Subject::Own => None,
            Subject::Produce(name) => allow(Right::Produce { topic: &topic(name)? }),
            Subject::Consume(name, subscription) => {
                allow(Right::Consume { topic: &topic(name)?, subscription: Some(subscription) })
            }
            Subject::Use(name) => allow(Right::Use { topic: &topic(name)? }),
            Subject::Namespace(namespace) => allow(Right::UseNamespace { namespace }),
        };
        let (error, why) = (ServerError::AuthorizationError, forbidden?.to_string());
        Some(match command {
            // This command alone tells anybody whether there is such a tenant, as with Pulsar.
            Command::PartitionedMetadata(asked) if let Some(why) = self.without_tenant(&asked.topic) => {
                Command::partitions_error(asked.request_id, ServerError::TopicNotFound, why)
            }
            Command::Lookup(asked) => Command::lookup_error(asked.request_id, error, why),
            Command::PartitionedMetadata(asked) => Command::partitions_error(asked.request_id, error, why),
            Command::GetSchema(asked) => Command::schema_error(asked.request_id, error, why),
            Command::GetOrCreateSchema(asked) => Command::schema_version_error(asked.request_id, error, why),
            other => Command::error(other.request_id().unwrap_or(u64::MAX), error, why),
        })
    }

    /// What to say of a topic whose tenant is not there.
    fn without_tenant(&self, topic: &str) -> Option<String> {
        let topic = TopicName::parse(topic).ok()?;
        let is_there = self.shared.tenants.read().contains_key(topic.tenant());
        (!is_there).then(|| AdminError::NoTenant(topic.tenant().to_owned()).to_string())
    }
}

fn subject(command: &Command) -> Subject<'_> {
    match command {
        Command::Producer(asked) => Subject::Produce(&asked.topic),
        Command::GetOrCreateSchema(asked) => Subject::Produce(&asked.topic),
        Command::Subscribe(asked) => Subject::Consume(&asked.topic, &asked.subscription),
        Command::Lookup(asked) => Subject::Use(&asked.topic),
        Command::PartitionedMetadata(asked) => Subject::Use(&asked.topic),
        Command::GetSchema(asked) => Subject::Use(&asked.topic),
        Command::GetTopicsOfNamespace(asked) => Subject::Namespace(&asked.namespace),
        Command::WatchTopicList(asked) => Subject::Namespace(&asked.namespace),
        // Of the connection, of a producer, of a consumer, of a watcher.
        Command::Connect(_)
        | Command::AuthResponse(_)
        | Command::Ping(_)
        | Command::Pong(_)
        | Command::Send(_)
        | Command::CloseProducer(_)
        | Command::Ack(_)
        | Command::Flow(_)
        | Command::Unsubscribe(_)
        | Command::CloseConsumer(_)
        | Command::RedeliverUnacknowledgedMessages(_)
        | Command::ConsumerStats(_)
        | Command::Seek(_)
        | Command::GetLastMessageId(_)
        | Command::WatchTopicListClose(_)
        // Not there yet.
        | Command::NewTxn(_)
        | Command::AddPartitionToTxn(_)
        | Command::AddSubscriptionToTxn(_)
        | Command::EndTxn(_)
        | Command::EndTxnOnPartition(_)
        | Command::EndTxnOnSubscription(_)
        | Command::TcClientConnectRequest(_)
        // What only a broker says.
        | Command::Connected(_)
        | Command::SendReceipt(_)
        | Command::SendError(_)
        | Command::Message(_)
        | Command::Success(_)
        | Command::Error(_)
        | Command::ProducerSuccess(_)
        | Command::PartitionedMetadataResponse(_)
        | Command::LookupResponse(_)
        | Command::ConsumerStatsResponse(_)
        | Command::ReachedEndOfTopic(_)
        | Command::GetLastMessageIdResponse(_)
        | Command::ActiveConsumerChange(_)
        | Command::GetTopicsOfNamespaceResponse(_)
        | Command::GetSchemaResponse(_)
        | Command::AuthChallenge(_)
        | Command::AckResponse(_)
        | Command::GetOrCreateSchemaResponse(_)
        | Command::NewTxnResponse(_)
        | Command::AddPartitionToTxnResponse(_)
        | Command::AddSubscriptionToTxnResponse(_)
        | Command::EndTxnResponse(_)
        | Command::EndTxnOnPartitionResponse(_)
        | Command::EndTxnOnSubscriptionResponse(_)
        | Command::TcClientConnectResponse(_)
        | Command::WatchTopicListSuccess(_)
        | Command::WatchTopicUpdate(_)
        | Command::TopicMigrated(_) => Subject::Own,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use bytes::{Bytes, BytesMut};
    use hexalpes_auth::Authorization;
    use hexalpes_files::{Files, ForgetfulFiles};
    use hexalpes_wire::{
        frame::{Decoder, Payload},
        proto::{CommandProducer, CommandSubscribe, CommandType, CommandWatchTopicList, ProducerAccessMode},
    };

    use super::*;
    use tokio::time::Instant;

    use crate::{Action, Broker, BrokerOptions, Grants, connection::outbox::Outbox};

    const TOPIC: &str = "persistent://public/default/a";

    fn connected(broker: &Broker, role: &str) -> Connection {
        let outbox = Arc::new(Outbox::default());
        let rights = broker.shared.options.authorization.as_ref().unwrap();
        outbox.caller.set(rights.caller(role.to_owned(), None, false).unwrap()).unwrap();
        Connection {
            shared: Arc::clone(&broker.shared),
            outbox,
            is_connected: true,
            proof: None,
            has_appended: false,
            heard: Instant::now(),
            is_watching: false,
            producers: HashMap::new(),
            consumers: HashMap::new(),
        }
    }

    fn said(connection: &Connection) -> Vec<CommandType> {
        let (decoder, mut bytes) = (Decoder::new(1 << 20), BytesMut::from(&*connection.outbox.take()));
        std::iter::from_fn(|| decoder.decode(&mut bytes).unwrap()).map(|frame| frame.command.kind()).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_right_that_is_taken_back_between_asking_and_opening_lets_nobody_stay() {
        let files: Arc<dyn Files> = Arc::new(ForgetfulFiles::new());
        let options = BrokerOptions {
            files,
            authorization: Some(Authorization::new([], [])),
            ..BrokerOptions::new("/data", "pulsar://test")
        };
        let broker = Broker::open(options).unwrap();
        broker.create_topic(&TOPIC.parse().unwrap()).unwrap();
        let producer = |access: ProducerAccessMode| {
            Command::Producer(Box::new(CommandProducer {
                topic: TOPIC.to_owned(),
                producer_access_mode: Some(access.into()),
                ..CommandProducer::default()
            }))
        };
        let subscribe = CommandSubscribe {
            topic: TOPIC.to_owned(),
            subscription: "sub".to_owned(),
            ..CommandSubscribe::default()
        };
        let watch = CommandWatchTopicList {
            namespace: "public/default".to_owned(),
            topics_pattern: "public/default/.*".to_owned(),
            ..CommandWatchTopicList::default()
        };
        for (command, hears) in [
            (
                producer(ProducerAccessMode::Shared),
                [CommandType::ProducerSuccess, CommandType::CloseProducer],
            ),
            (
                producer(ProducerAccessMode::Exclusive),
                [CommandType::ProducerSuccess, CommandType::CloseProducer],
            ),
            (Command::Subscribe(Box::new(subscribe)), [CommandType::Success, CommandType::CloseConsumer]),
            (Command::WatchTopicList(watch), [CommandType::WatchTopicListSuccess, CommandType::Pong]),
        ] {
            let grant = |grants: &mut Grants| {
                let both = [Action::Produce, Action::Consume].into();
                grants.namespace.insert("role".to_owned(), both);
            };
            broker.change_grants("public/default", grant).unwrap();
            let mut connection = connected(&broker, "role");
            assert!(connection.forbids(&command).is_none());
            broker.change_grants("public/default", |grants| grants.namespace.clear()).unwrap();
            assert_eq!(said(&connection), [], "nobody is there yet");
            let watches = matches!(command, Command::WatchTopicList(_));
            connection.obey(command, &Payload::from_raw(Bytes::new())).unwrap();
            if watches {
                // Nothing is said of it.
                broker.create_topic(&"persistent://public/default/b".parse().unwrap()).unwrap();
                connection.obey(Command::ping(), &Payload::from_raw(Bytes::new())).unwrap();
            }
            assert_eq!(said(&connection), hears);
            assert!(!broker.shared.existing(&TOPIC.parse().unwrap()).unwrap().is_in_use());
        }
    }
}
