//! Policies act: messages expire, quotas are kept, limits refuse, and what nobody uses goes.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hexalpes_broker::{
    AdminError, BrokerOptions, Clock, Grants, Policy, Properties, Roles, SubscriptionStart,
};
use hexalpes_wire::proto::{Command, CommandSend, CommandSubscribe, ServerError, SubType};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::peer::{Running, ack, payload, until};

const TOPIC: &str = "persistent://public/default/orders";
const OTHER: &str = "persistent://public/default/other";

/// The messages of a [`Peer`](crate::peer::Peer) are published a second after the epoch and a millisecond apart.
const PUBLISHED_MS: u64 = 1000;

struct Driven {
    running: Running,
    now_ms: Arc<AtomicU64>,
}

impl Driven {
    async fn start(data: &Path) -> Self {
        let now_ms = Arc::new(AtomicU64::new(PUBLISHED_MS));
        let clock = Arc::clone(&now_ms);
        let options = |url| BrokerOptions {
            trim_every: Duration::from_millis(5),
            clock: Clock::new(move || clock.load(Ordering::Relaxed)),
            ..BrokerOptions::new(data, url)
        };
        Self { running: Running::open(options).await.unwrap(), now_ms }
    }

    fn it_is(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }

    fn says(&self, policy: Policy, value: Value) {
        self.running.broker.set_policy("public/default", policy, value).unwrap();
    }

    async fn send(&self, topic: &str, messages: std::ops::Range<u64>) {
        let mut producer = self.running.peer().await;
        assert!(matches!(producer.open_producer(topic, Some("p")).await, Command::ProducerSuccess(_)));
        for n in messages {
            assert!(matches!(producer.send(n, &n.to_string()).await, Command::SendReceipt(_)));
        }
    }

    fn subscribe(&self, topic: &str, subscription: &str) -> Result<(), AdminError> {
        let (topic, start) = (topic.parse().unwrap(), SubscriptionStart::Earliest);
        self.running.broker.create_subscription(&topic, subscription, start, Properties::new())
    }

    fn backlog(&self, topic: &str) -> u64 {
        self.running.stats(topic)["subscriptions"]["sub"]["msgBacklog"].as_u64().unwrap()
    }

    fn is_there(&self, topic: &str) -> bool {
        self.running.broker.topics().contains(&topic.parse().unwrap())
    }
}

fn refusal(answer: Command) -> ServerError {
    let Command::Error(refusal) = answer else { panic!("{answer:?} is no refusal") };
    refusal.error()
}

#[tokio::test]
async fn messages_expire_when_they_are_too_old_and_stay_so() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.subscribe(TOPIC, "sub").unwrap();
    driven.subscribe(OTHER, "sub").unwrap();
    driven.send(TOPIC, 0..4).await;
    driven.send(OTHER, 0..4).await;
    driven.says(Policy::MessageTtl, json!(10));
    // A topic's own goes before: there nothing is ever too old.
    let broker = &driven.running.broker;
    broker
        .change_topic_policy(&OTHER.parse().unwrap(), Policy::MessageTtl, |ttl| *ttl = json!(100_000))
        .unwrap();
    driven.it_is(PUBLISHED_MS + 10_002);
    until(|| driven.backlog(TOPIC) == 2).await;
    assert_eq!(driven.running.stats(TOPIC)["subscriptions"]["sub"]["totalMsgExpired"], 2);
    assert_eq!(driven.backlog(OTHER), 4);
    driven.running.stop().await;

    let driven = Driven::start(data.path()).await;
    assert_eq!((driven.backlog(TOPIC), driven.backlog(OTHER)), (2, 4));
    let mut consumer = driven.running.peer().await;
    consumer.subscribe(TOPIC, SubType::Exclusive).await;
    consumer.flow(10).await;
    assert_eq!(consumer.message().await.2, "2");
    // What was delivered and is not acked expires too.
    driven.it_is(PUBLISHED_MS + 20_000);
    until(|| driven.backlog(TOPIC) == 0).await;
    driven.running.stop().await;
}

#[tokio::test]
async fn over_the_quota_the_oldest_messages_go_and_the_newest_stay() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.subscribe(TOPIC, "sub").unwrap();
    driven.send(TOPIC, 0..10).await;
    let bytes = driven.running.stats(TOPIC)["backlogSize"].as_u64().unwrap();
    driven.says(
        Policy::BacklogQuota,
        json!({ "destination_storage": { "limitSize": bytes / 2, "policy": "consumer_backlog_eviction" } }),
    );
    // To nine tenths of the quota.
    until(|| driven.backlog(TOPIC) == 4).await;
    driven.running.stop().await;
}

#[tokio::test]
async fn over_the_quota_of_age_the_oldest_messages_go() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.subscribe(TOPIC, "sub").unwrap();
    driven.send(TOPIC, 0..10).await;
    driven.says(
        Policy::BacklogQuota,
        json!({ "message_age": { "limitTime": 5, "policy": "consumer_backlog_eviction" } }),
    );
    driven.it_is(PUBLISHED_MS + 5_000 + 7);
    until(|| driven.backlog(TOPIC) == 3).await;
    driven.running.stop().await;
}

#[tokio::test]
async fn over_the_quota_producers_are_sent_away_and_let_in_when_something_was_consumed() {
    for (policy, error) in [
        ("producer_request_hold", ServerError::ProducerBlockedQuotaExceededError),
        ("producer_exception", ServerError::ProducerBlockedQuotaExceededException),
    ] {
        let data = tempdir().unwrap();
        let driven = Driven::start(data.path()).await;
        let mut consumer = driven.running.peer().await;
        consumer.subscribe(TOPIC, SubType::Exclusive).await;
        let mut producer = driven.running.peer().await;
        producer.open_producer(TOPIC, Some("p")).await;
        for n in 0..4 {
            assert!(matches!(producer.send(n, "body").await, Command::SendReceipt(_)));
        }
        let bytes = driven.running.stats(TOPIC)["backlogSize"].as_u64().unwrap();
        let quota = json!({ "destination_storage": { "limitSize": bytes, "policy": policy } });
        driven.says(Policy::BacklogQuota, quota);
        assert_eq!(producer.answer().await, Command::close_producer(1));
        assert_eq!(refusal(producer.open_producer(TOPIC, Some("p")).await), error);
        assert_eq!(driven.backlog(TOPIC), 4, "nothing that was acknowledged goes");
        consumer.flow(1).await;
        let (id, ..) = consumer.message().await;
        consumer.ask(&ack(id)).await;
        assert!(matches!(producer.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)));
        driven.running.stop().await;
    }
}

#[tokio::test]
async fn limits_refuse_who_comes_too_many() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    for (policy, limit) in [
        (Policy::MaxProducers, 1),
        (Policy::MaxConsumersPerSubscription, 1),
        (Policy::MaxConsumers, 2),
        (Policy::MaxSubscriptions, 2),
        (Policy::MaxTopics, 1),
    ] {
        driven.says(policy, json!(limit));
    }
    let (mut one, mut two, mut three) =
        (driven.running.peer().await, driven.running.peer().await, driven.running.peer().await);
    assert!(matches!(one.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)));
    assert_eq!(refusal(two.open_producer(TOPIC, Some("q")).await), ServerError::ProducerBusy);
    // Who is there may come back.
    assert!(matches!(one.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)));
    let success = Command::success(11);
    assert_eq!(one.subscribe_as(TOPIC, "a", SubType::Shared).await, success);
    assert_eq!(refusal(two.subscribe_as(TOPIC, "a", SubType::Shared).await), ServerError::ConsumerBusy);
    assert_eq!(two.subscribe_as(TOPIC, "b", SubType::Shared).await, success);
    assert_eq!(refusal(three.subscribe_as(TOPIC, "b", SubType::Shared).await), ServerError::ConsumerBusy);
    driven.says(Policy::MaxConsumers, json!(0));
    assert_eq!(refusal(three.subscribe_as(TOPIC, "c", SubType::Shared).await), ServerError::NotAllowedError);
    assert!(matches!(driven.subscribe(TOPIC, "c"), Err(AdminError::TooManySubscriptions(2))));
    let made = driven.running.broker.create_topic(&OTHER.parse().unwrap());
    assert!(matches!(made, Err(AdminError::TooManyTopics { topics: 1, .. })), "{made:?}");
    driven.running.stop().await;
}

#[tokio::test]
async fn a_namespace_says_which_subscriptions_clients_make() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.says(Policy::AutoSubscriptionCreation, json!({ "allowAutoSubscriptionCreation": false }));
    driven.says(Policy::SubscriptionTypes, json!(["Shared"]));
    let mut peer = driven.running.peer().await;
    let not_made = peer.subscribe_as(TOPIC, "sub", SubType::Shared).await;
    assert_eq!(refusal(not_made), ServerError::SubscriptionNotFound);
    driven.subscribe(TOPIC, "sub").unwrap();
    let another = peer.subscribe_as(TOPIC, "sub", SubType::Failover).await;
    assert_eq!(refusal(another), ServerError::NotAllowedError);
    assert_eq!(peer.subscribe_as(TOPIC, "sub", SubType::Shared).await, Command::success(11));
    driven.running.stop().await;
}

#[tokio::test]
async fn a_subscription_that_nobody_uses_ends() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.says(Policy::SubscriptionExpiration, json!(2));
    driven.subscribe(TOPIC, "unused").unwrap();
    let mut consumer = driven.running.peer().await;
    consumer.subscribe(TOPIC, SubType::Exclusive).await;
    let names = || driven.running.broker.subscriptions(&TOPIC.parse().unwrap()).unwrap();
    for (now_ms, left) in [(0, &["sub", "unused"][..]), (119_000, &["sub", "unused"]), (121_000, &["sub"])] {
        driven.it_is(PUBLISHED_MS + now_ms);
        driven.running.broker.keep_policies();
        assert_eq!(names(), left, "after {now_ms} ms");
    }
    driven.running.stop().await;
    let driven = Driven::start(data.path()).await;
    assert_eq!(driven.running.broker.subscriptions(&TOPIC.parse().unwrap()).unwrap(), ["sub"]);
    driven.running.stop().await;
}

#[tokio::test]
async fn a_topic_that_nobody_uses_is_deleted_as_its_policy_says() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    let of = |name: &str| format!("persistent://public/default/{name}");
    let [alone, subscribed, caught_up, kept, retained] =
        ["alone", "subscribed", "caught-up", "kept", "retained"].map(of);
    let broker = &driven.running.broker;
    for name in [&alone, &subscribed, &caught_up, &kept, &retained] {
        broker.create_topic(&name.parse().unwrap()).unwrap();
    }
    let policy = |mode: &str, deletes: bool| {
        json!({
            "inactiveTopicDeleteMode": mode, "maxInactiveDurationSeconds": 60, "deleteWhileInactive": deletes,
        })
    };
    let set = |name: &str, policy: Policy, value: Value| {
        broker.change_topic_policy(&name.parse().unwrap(), policy, |set| *set = value).unwrap();
    };
    set(&caught_up, Policy::InactiveTopics, policy("delete_when_subscriptions_caught_up", true));
    set(&kept, Policy::InactiveTopics, policy("delete_when_no_subscriptions", false));
    set(&retained, Policy::Retention, json!({ "retentionTimeInMinutes": -1, "retentionSizeInMB": -1 }));
    let grants = || broker.grants("public/default").unwrap().topics;
    for name in [&alone, &kept] {
        let grant = |grants: &mut Grants| drop(grants.topics.insert(name.clone(), Roles::default()));
        broker.change_grants("public/default", grant).unwrap();
    }
    driven.subscribe(&subscribed, "sub").unwrap();
    driven.subscribe(&caught_up, "sub").unwrap();
    for (now_ms, is_there) in [(0, true), (59_000, true), (61_000, false)] {
        driven.it_is(PUBLISHED_MS + now_ms);
        broker.keep_policies();
        for name in [&alone, &caught_up] {
            assert_eq!(driven.is_there(name), is_there, "{name} after {now_ms} ms");
        }
    }
    assert!([&subscribed, &kept, &retained].iter().all(|name| driven.is_there(name)));
    assert!(!grants().contains_key(&alone) && grants().contains_key(&kept), "rights go with their topic");
    driven.running.stop().await;
    let driven = Driven::start(data.path()).await;
    assert!(!driven.is_there(&alone) && driven.is_there(&kept));
    driven.running.stop().await;
}

#[tokio::test]
async fn what_comes_faster_than_its_topic_takes_waits_with_its_connection() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.says(
        Policy::PublishRate,
        json!({ "publishThrottlingRateInMsg": 2, "publishThrottlingRateInByte": 0 }),
    );
    let mut peer = driven.running.peer().await;
    peer.open_producer(TOPIC, Some("p")).await;
    let mut all = bytes::BytesMut::new();
    for n in 0..5 {
        let send = CommandSend { producer_id: 1, sequence_id: n, ..CommandSend::default() };
        hexalpes_wire::frame::encode_with_payload(&Command::Send(send), &payload(n, "body"), &mut all);
    }
    // All at once: what is taken of it, is taken by one look.
    peer.say_raw(&all).await;
    let came = || driven.running.stats(TOPIC)["msgInCounter"].as_u64().unwrap();
    until(|| came() == 2).await;
    driven.it_is(PUBLISHED_MS + 1_000);
    until(|| came() == 4).await;
    driven.says(Policy::PublishRate, Value::Null);
    until(|| came() == 5).await;
    driven.running.stop().await;
}

#[tokio::test]
async fn a_consumer_may_come_so_often_and_others_beside_it() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    driven.says(
        Policy::SubscribeRate,
        json!({ "subscribeThrottlingRatePerConsumer": 1, "ratePeriodInSecond": 30 }),
    );
    let mut peer = driven.running.peer().await;
    let named = |name: &str| {
        Command::Subscribe(Box::new(CommandSubscribe {
            topic: TOPIC.to_owned(),
            subscription: "sub".to_owned(),
            sub_type: SubType::Shared.into(),
            consumer_name: Some(name.to_owned()),
            ..CommandSubscribe::default()
        }))
    };
    assert!(matches!(peer.ask(&named("one")).await, Command::Success(_)));
    assert_eq!(refusal(peer.ask(&named("one")).await), ServerError::NotAllowedError);
    assert!(matches!(peer.ask(&named("other")).await, Command::Success(_)));
    driven.it_is(PUBLISHED_MS + 30_000);
    assert!(matches!(peer.ask(&named("one")).await, Command::Success(_)));
    driven.running.stop().await;
}

#[tokio::test]
async fn who_does_not_encrypt_is_sent_away_once_its_namespace_wants_that() {
    let data = tempdir().unwrap();
    let driven = Driven::start(data.path()).await;
    let mut peer = driven.running.peer().await;
    peer.open_producer(TOPIC, Some("p")).await;
    driven.says(Policy::EncryptionRequired, json!(true));
    assert!(matches!(peer.answer().await, Command::CloseProducer(_)));
    assert_eq!(refusal(peer.open_producer(TOPIC, Some("p")).await), ServerError::MetadataError);
    driven.running.stop().await;
}
