//! What roles may do over the protocol: the answers are those of a Pulsar 4.0.8 that was asked the same, but for
//! schemas, which it gives to anybody.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_auth::{Authentication, Authorization, Claims, SecretKey, TokenKey};
use hexalpes_broker::{Action, BrokerOptions, TenantInfo};
use hexalpes_wire::proto::{
    Command, CommandConnect, CommandGetOrCreateSchema, CommandGetSchema, CommandGetTopicsOfNamespace,
    CommandLookupTopic, CommandPartitionedTopicMetadata, CommandType, CommandWatchTopicList, Schema,
    ServerError, SubType,
};
use tempfile::TempDir;

use crate::peer::{Peer, Running};

fn secret() -> SecretKey {
    SecretKey::new(vec![7; 32]).unwrap()
}

/// `boss` administers tenant `t`; in `t/n`, `prod` and `cons` have a right each, and `topicprod` may produce to topic
/// `a` and to `p`, which has partitions. Whoever is anonymous has none.
async fn start() -> (Running, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let anonymous = Some("anonymous".to_owned());
    let authentication = Authentication::by_token(TokenKey::secret(secret()), anonymous);
    let options = |url| BrokerOptions {
        authentication: Some(Arc::new(authentication)),
        authorization: Some(Authorization::new(["super".to_owned()], ["proxy".to_owned()])),
        ..BrokerOptions::new(folder.path(), url)
    };
    let running = Running::open(options).await.unwrap();
    let broker = &running.broker;
    let info = TenantInfo { admin_roles: ["boss".to_owned()].into(), ..TenantInfo::default() };
    assert!(broker.create_tenant("t", info).unwrap());
    broker.create_namespace("t/n").unwrap();
    broker.create_topic(&"t/n/a".parse().unwrap()).unwrap();
    broker.create_partitioned(&"t/n/p".parse().unwrap(), 2).unwrap();
    grant(&running, "prod", Action::Produce);
    grant(&running, "cons", Action::Consume);
    grant(&running, "func", Action::Functions);
    for topic in ["a", "p"] {
        let topic = format!("persistent://t/n/{topic}");
        let add = |grants: &mut hexalpes_broker::Grants| {
            grants.topics.entry(topic).or_default().insert("topicprod".to_owned(), [Action::Produce].into());
        };
        broker.change_grants("t/n", add).unwrap();
    }
    (running, folder)
}

fn grant(running: &Running, role: &str, action: Action) {
    let add = |grants: &mut hexalpes_broker::Grants| {
        grants.namespace.insert(role.to_owned(), [action].into());
    };
    running.broker.change_grants("t/n", add).unwrap();
}

async fn connect(running: &Running, role: Option<&str>, original: Option<&str>) -> (Peer, Command) {
    let mut peer = running.stranger().await;
    let token = role.map(|role| Claims { sub: Some(role.to_owned()), ..Claims::default() }.sign(&secret()));
    let connect = CommandConnect {
        client_version: "test".to_owned(),
        protocol_version: Some(21),
        auth_method_name: token.as_ref().map(|_| "token".to_owned()),
        auth_data: token.map(|token| Bytes::from(token.into_bytes())),
        original_principal: original.map(str::to_owned),
        ..CommandConnect::default()
    };
    let answer = peer.ask(&Command::Connect(connect)).await;
    (peer, answer)
}

/// Whether an answer refuses for want of a right; any other refusal is a mistake of the test.
fn is_refused(answer: &Command) -> bool {
    let error = match answer {
        Command::LookupResponse(answer) => answer.error,
        Command::PartitionedMetadataResponse(answer) => answer.error,
        Command::GetSchemaResponse(answer) => answer.error_code,
        Command::GetOrCreateSchemaResponse(answer) => answer.error_code,
        Command::Error(answer) => Some(answer.error),
        _ => None,
    };
    error == Some(ServerError::AuthorizationError.into())
}

fn asked(topic: &str, namespace: &str) -> Vec<Command> {
    let topic = topic.to_owned();
    vec![
        Command::Lookup(CommandLookupTopic {
            topic: topic.clone(),
            request_id: 1,
            ..CommandLookupTopic::default()
        }),
        Command::PartitionedMetadata(CommandPartitionedTopicMetadata {
            topic: topic.clone(),
            request_id: 2,
            ..CommandPartitionedTopicMetadata::default()
        }),
        Command::GetSchema(CommandGetSchema { request_id: 3, topic: topic.clone(), schema_version: None }),
        Command::GetOrCreateSchema(CommandGetOrCreateSchema {
            request_id: 4,
            topic,
            schema: Schema::default(),
        }),
        Command::GetTopicsOfNamespace(CommandGetTopicsOfNamespace {
            request_id: 5,
            namespace: namespace.to_owned(),
            ..CommandGetTopicsOfNamespace::default()
        }),
        Command::WatchTopicList(CommandWatchTopicList {
            request_id: 6,
            watcher_id: 1,
            namespace: namespace.to_owned(),
            topics_pattern: ".*".to_owned(),
            ..CommandWatchTopicList::default()
        }),
    ]
}

/// Accepts S0-SEC-3.
#[tokio::test]
async fn each_command_is_for_those_that_have_its_right() {
    let (broker, _folder) = start().await;
    // Lookup, partitions, a schema, a new schema, the topics of a namespace, a watch of them, a producer, a consumer.
    for (role, expected) in [
        (Some("nobody"), [false; 8]),
        (None, [false; 8]),
        (Some("func"), [false; 8]),
        (Some("topicprod"), [true, true, true, true, false, false, true, false]),
        (Some("prod"), [true, true, true, true, true, true, true, false]),
        (Some("cons"), [true, true, true, false, true, true, false, true]),
        (Some("boss"), [true; 8]),
        (Some("super"), [true; 8]),
    ] {
        let (mut peer, _) = connect(&broker, role, None).await;
        let mut may = Vec::new();
        for command in asked("persistent://t/n/a", "t/n") {
            may.push(!is_refused(&peer.ask(&command).await));
        }
        may.push(!is_refused(&peer.open_producer("persistent://t/n/a", None).await));
        may.push(!is_refused(&peer.subscribe("persistent://t/n/a", SubType::Shared).await));
        assert_eq!(may, expected, "{role:?}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn what_is_granted_on_a_topic_holds_for_its_partitions_and_for_no_other_topic() {
    let (broker, _folder) = start().await;
    let (mut peer, _) = connect(&broker, Some("topicprod"), None).await;
    let opened = peer.open_producer("persistent://t/n/p-partition-1", None).await;
    assert_eq!(opened.kind(), CommandType::ProducerSuccess, "{opened:?}");
    for other in ["persistent://t/n/b", "persistent://t/other/a", "persistent://public/default/a", "a"] {
        assert!(is_refused(&peer.open_producer(other, None).await), "{other}");
    }
    // Who may produce in a namespace may make its topics by that.
    let (mut peer, _) = connect(&broker, Some("prod"), None).await;
    let opened = peer.open_producer("persistent://t/n/new", None).await;
    assert_eq!(opened.kind(), CommandType::ProducerSuccess, "{opened:?}");
    let wrong = peer.open_producer("no://such/name", None).await;
    assert!(
        matches!(&wrong, Command::Error(error) if error.error == i32::from(ServerError::InvalidTopicName))
    );
    broker.stop().await;
}

#[tokio::test]
async fn who_loses_its_right_is_sent_away_and_may_not_come_back() {
    let (broker, _folder) = start().await;
    let (mut producer, _) = connect(&broker, Some("prod"), None).await;
    let (mut consumer, _) = connect(&broker, Some("cons"), None).await;
    let (mut boss, _) = connect(&broker, Some("boss"), None).await;
    producer.open_producer("persistent://t/n/a", None).await;
    boss.open_producer("persistent://t/n/a", None).await;
    consumer.subscribe("persistent://t/n/a", SubType::Exclusive).await;
    broker.broker.change_grants("t/n", |grants| grants.namespace.clear()).unwrap();
    assert_eq!(producer.answer().await.kind(), CommandType::CloseProducer);
    assert_eq!(consumer.answer().await.kind(), CommandType::CloseConsumer);
    assert!(is_refused(&producer.open_producer("persistent://t/n/a", None).await));
    assert!(is_refused(&consumer.subscribe("persistent://t/n/a", SubType::Exclusive).await));
    assert_eq!(boss.send(1, "still here").await.kind(), CommandType::SendReceipt);
    // The place is free.
    grant(&broker, "cons", Action::Consume);
    let back = consumer.subscribe("persistent://t/n/a", SubType::Exclusive).await;
    assert_eq!(back.kind(), CommandType::Success, "{back:?}");
    broker.stop().await;
}

#[tokio::test]
async fn who_administers_no_more_is_sent_away_and_hears_of_no_topics() {
    let (broker, _folder) = start().await;
    let (mut boss, _) = connect(&broker, Some("boss"), None).await;
    let (mut prod, _) = connect(&broker, Some("prod"), None).await;
    boss.open_producer("persistent://t/n/a", None).await;
    for peer in [&mut boss, &mut prod] {
        let watch = asked("persistent://t/n/a", "t/n").swap_remove(5);
        assert_eq!(peer.ask(&watch).await.kind(), CommandType::WatchTopicListSuccess);
    }
    broker.broker.update_tenant("t", TenantInfo::default()).unwrap();
    assert_eq!(boss.answer().await.kind(), CommandType::CloseProducer);
    broker.broker.create_topic(&"t/n/secret".parse().unwrap()).unwrap();
    assert_eq!(prod.answer().await.kind(), CommandType::WatchTopicUpdate);
    // It would have come before.
    assert_eq!(boss.ask(&Command::ping()).await.kind(), CommandType::Pong);
    broker.stop().await;
}

/// And of a namespace that is not there, in a tenant that is, nothing.
#[tokio::test]
async fn who_has_no_right_hears_that_a_tenant_is_not_there_when_it_asks_for_partitions() {
    let (broker, _folder) = start().await;
    let (mut peer, _) = connect(&broker, Some("nobody"), None).await;
    for (topic, expected) in [
        ("persistent://nowhere/ns/a", ServerError::TopicNotFound),
        ("persistent://t/nowhere/a", ServerError::AuthorizationError),
    ] {
        let commands = asked(topic, "nowhere/ns");
        let Command::PartitionedMetadataResponse(answer) = peer.ask(&commands[1]).await else {
            panic!("{topic}")
        };
        assert_eq!(answer.error, Some(expected.into()), "{topic}");
        assert!(is_refused(&peer.ask(&commands[0]).await), "{topic}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_subscription_with_roles_of_its_own_is_for_them_alone() {
    let (broker, _folder) = start().await;
    grant(&broker, "other", Action::Consume);
    let only = |grants: &mut hexalpes_broker::Grants| {
        grants.subscriptions.insert("sub".to_owned(), ["other".to_owned()].into());
    };
    broker.broker.change_grants("t/n", only).unwrap();
    for (role, refused) in [("cons", true), ("other", false), ("boss", false)] {
        let (mut peer, _) = connect(&broker, Some(role), None).await;
        let answer = peer.subscribe_as("persistent://t/n/a", "sub", SubType::Shared).await;
        assert_eq!(is_refused(&answer), refused, "{role}: {answer:?}");
    }
    let (mut peer, _) = connect(&broker, Some("cons"), None).await;
    let answer = peer.subscribe_as("persistent://t/n/a", "another", SubType::Shared).await;
    assert!(!is_refused(&answer), "{answer:?}");
    broker.stop().await;
}

#[tokio::test]
async fn where_names_of_subscriptions_begin_with_a_role_it_is_that_of_their_consumer() {
    let (broker, _folder) = start().await;
    broker.broker.set_policy("t/n", hexalpes_broker::Policy::SubscriptionAuthMode, "Prefix".into()).unwrap();
    for (role, subscription, refused) in
        [("cons", "sub", true), ("cons", "cons-sub", false), ("boss", "sub", false)]
    {
        let (mut peer, _) = connect(&broker, Some(role), None).await;
        let answer = peer.subscribe_as("persistent://t/n/a", subscription, SubType::Shared).await;
        assert_eq!(is_refused(&answer), refused, "{role} {subscription}: {answer:?}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_proxy_says_for_whom_it_speaks_and_nobody_else_does() {
    let (broker, _folder) = start().await;
    for (role, original) in
        [("proxy", None), ("proxy", Some("proxy")), ("boss", Some("super")), ("boss", Some("boss"))]
    {
        let (mut peer, refused) = connect(&broker, Some(role), original).await;
        assert!(is_refused(&refused), "{role} {original:?}: {refused:?}");
        assert!(peer.hears().await.is_none(), "{role}: it is hung up on");
    }
    let produces = async |original: &str| {
        let (mut peer, _) = connect(&broker, Some("proxy"), Some(original)).await;
        !is_refused(&peer.open_producer("persistent://t/n/a", None).await)
    };
    assert!(!produces("prod").await, "the proxy has no right itself");
    grant(&broker, "proxy", Action::Produce);
    assert!(produces("prod").await);
    assert!(!produces("cons").await);
    broker.stop().await;
}

#[tokio::test]
async fn grants_and_administrators_survive_a_restart() {
    let (running, folder) = start().await;
    let (grants, info) = (running.broker.grants("t/n").unwrap(), running.broker.tenant("t").unwrap());
    assert!(grants.namespace.contains_key("prod") && grants.topics.contains_key("persistent://t/n/p"));
    running.stop().await;
    let running = Running::start(folder.path()).await;
    assert_eq!(running.broker.grants("t/n").unwrap(), grants);
    assert_eq!(running.broker.tenant("t").unwrap(), info);
    running.stop().await;
}
