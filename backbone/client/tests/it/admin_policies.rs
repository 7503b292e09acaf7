//! Policies of namespaces and topics: how they are set and answered, and that they act.

use hexalpes_client::ProducerOptions;
use hexalpes_wire::proto::{Command, CommandProducer, CommandSubscribe, ServerError, SubType};
use serde_json::{Value, json};

use crate::{
    engine::{DEADLINE, Engine, numbers, on_every_engine, send_all, until},
    raw::Peer,
    rest::{Rest, assert_form},
};

const NONE: Value = Value::Null;

/// A namespace that no other test has, as `/namespaces/…`.
pub(crate) async fn namespace(engine: &Engine, rest: &Rest, about: &str) -> (String, String) {
    let name = format!("{}-{about}", engine.namespace());
    let path = format!("/namespaces/{name}");
    assert_eq!(rest.status(&format!("PUT {path}"), &NONE).await, 204);
    (name, path)
}

#[tokio::test]
async fn a_namespaces_policies_are_set_answered_and_unset() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (_, of) = namespace(engine, &rest, "policies").await;
        for (policy, unset, set) in [
            ("messageTTL", NONE, json!(60)),
            ("maxProducersPerTopic", NONE, json!(5)),
            ("maxConsumersPerTopic", NONE, json!(5)),
            ("maxConsumersPerSubscription", NONE, json!(5)),
            ("maxSubscriptionsPerTopic", NONE, json!(5)),
            ("maxTopicsPerNamespace", json!(0), json!(5)),
            ("subscriptionExpirationTime", NONE, json!(5)),
            ("deduplication", NONE, json!(true)),
            ("retention", NONE, json!({ "retentionTimeInMinutes": 10, "retentionSizeInMB": 1 })),
            ("autoSubscriptionCreation", NONE, json!({ "allowAutoSubscriptionCreation": false })),
            ("subscriptionTypesEnabled", json!([]), json!(["Failover", "Shared"])),
            (
                "delayedDelivery",
                NONE,
                json!({ "active": true, "tickTime": 1000, "maxDeliveryDelayInMillis": 0 }),
            ),
            (
                "persistence",
                NONE,
                json!({
                    "bookkeeperEnsemble": 1, "bookkeeperWriteQuorum": 1, "bookkeeperAckQuorum": 1,
                    "managedLedgerMaxMarkDeleteRate": 0.0,
                }),
            ),
            (
                "inactiveTopicPolicies",
                NONE,
                json!({
                    "inactiveTopicDeleteMode": "delete_when_no_subscriptions", "maxInactiveDurationSeconds": 9,
                    "deleteWhileInactive": true,
                }),
            ),
        ] {
            let at = format!("{of}/{policy}");
            assert_eq!(rest.get(&at).await, unset, "{policy}");
            assert_eq!(rest.status(&format!("POST {at}"), &set).await, 204, "{policy}");
            let mut answered = rest.get(&at).await;
            if let Some(names) = answered.as_array_mut() {
                // A set: Pulsar gives it back in any order.
                names.sort_by_key(ToString::to_string);
            }
            assert_eq!(answered, set, "{policy}");
            assert_eq!(rest.status(&format!("DELETE {at}"), &NONE).await, 204, "{policy}");
            assert_eq!(rest.get(&at).await, unset, "{policy} again");
        }
        for policy in [
            "messageTTL",
            "maxProducersPerTopic",
            "maxConsumersPerTopic",
            "maxConsumersPerSubscription",
            "maxSubscriptionsPerTopic",
            "maxTopicsPerNamespace",
            "subscriptionExpirationTime",
        ] {
            let post = format!("POST {of}/{policy}");
            rest.answers(&[(&post, json!(-1), 412), (&post, json!("x"), 400)]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn backlog_quotas_are_set_by_kind_and_below_the_retention() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (_, of) = namespace(engine, &rest, "quotas").await;
        let (post, map) = (format!("POST {of}/backlogQuota"), format!("{of}/backlogQuotaMap"));
        let by_age = format!("{post}?backlogQuotaType=message_age");
        assert_eq!(rest.get(&map).await, json!({}));
        let size = json!({ "limitSize": 1000, "limitTime": -1, "policy": "producer_exception" });
        let age = json!({ "limitTime": 10, "policy": "consumer_backlog_eviction" });
        rest.answers(&[(&post, size, 204), (&by_age, age, 204)]).await;
        assert_eq!(
            rest.get(&map).await,
            json!({
                "destination_storage": {
                    "limit": 1000, "limitSize": 1000, "limitTime": -1, "policy": "producer_exception",
                },
                "message_age": {
                    "limit": 0, "limitSize": 0, "limitTime": 10, "policy": "consumer_backlog_eviction",
                },
            })
        );
        rest.answers(&[
            (&post, json!({ "limit": 7, "policy": "producer_request_hold" }), 204),
            (&post, json!({ "limitSize": 7 }), 400),
            (&post, json!({ "limitSize": 7, "policy": "nonsense" }), 400),
            (&format!("DELETE {of}/backlogQuota?backlogQuotaType=message_age"), NONE, 204),
        ])
        .await;
        let set = rest.get(&map).await;
        assert_eq!((&set["destination_storage"]["limit"], &set["message_age"]), (&json!(7), &NONE));
        let kept = json!({ "retentionTimeInMinutes": 10, "retentionSizeInMB": 1 });
        rest.answers(&[
            (&format!("DELETE {of}/backlogQuota"), NONE, 204),
            (&format!("POST {of}/retention"), kept, 204),
            (&post, json!({ "limitSize": 10_000_000, "policy": "producer_exception" }), 412),
            (&by_age, json!({ "limitTime": 10_000_000, "policy": "producer_exception" }), 412),
            (&post, json!({ "limitSize": 1000, "policy": "producer_exception" }), 204),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_topics_own_policies_go_before_those_of_its_namespace() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of_namespace) = namespace(engine, &rest, "own").await;
        let of = format!("/persistent/{name}/orders");
        rest.answers(&[
            (&format!("PUT {of}"), NONE, 204),
            (&format!("POST {of_namespace}/messageTTL"), json!(77), 204),
        ])
        .await;
        let inactive = json!({
            "inactiveTopicDeleteMode": "delete_when_no_subscriptions", "maxInactiveDurationSeconds": 60,
            "deleteWhileInactive": true,
        });
        let delays = json!({ "active": true, "tickTime": 1000, "maxDeliveryDelayInMillis": 0 });
        for (policy, applied, own) in [
            ("messageTTL", json!(77), json!(60)),
            ("maxProducers", json!(0), json!(3)),
            ("maxConsumers", json!(0), json!(3)),
            ("deduplicationEnabled", json!(false), json!(true)),
            ("inactiveTopicPolicies", inactive.clone(), inactive),
            ("delayedDelivery", delays.clone(), delays),
            ("subscriptionTypesEnabled", json!([]), json!(["Shared"])),
            (
                "retention",
                json!({ "retentionTimeInMinutes": 0, "retentionSizeInMB": 0 }),
                json!({ "retentionTimeInMinutes": 0, "retentionSizeInMB": 0 }),
            ),
        ] {
            let at = format!("{of}/{policy}");
            let unset = if policy == "subscriptionTypesEnabled" { json!([]) } else { NONE };
            assert_eq!(rest.get(&at).await, unset, "{policy}");
            assert_eq!(rest.get(&format!("{at}?applied=true")).await, applied, "{policy}");
            let post = match policy {
                // That one stands in the path.
                "messageTTL" => rest.status(&format!("POST {at}?messageTTL=60"), &NONE).await,
                _ => rest.status(&format!("POST {at}"), &own).await,
            };
            assert_eq!(post, 204, "{policy}");
            // A real Pulsar hears of it from a topic of its own.
            until(async || rest.get(&at).await == own).await;
            assert_eq!(rest.status(&format!("DELETE {at}"), &NONE).await, 204, "{policy}");
            until(async || rest.get(&at).await == unset).await;
        }
        let quota = json!({ "limitSize": 1000, "policy": "producer_exception" });
        assert_eq!(rest.status(&format!("POST {of}/backlogQuota"), &quota).await, 204);
        until(async || {
            let set = rest.get(&format!("{of}/backlogQuotaMap")).await;
            set["destination_storage"]["limitSize"] == 1000
        })
        .await;
        let (none, whole) = (format!("/persistent/{name}/none"), format!("/persistent/{name}/whole"));
        rest.answers(&[
            (&format!("GET {none}/messageTTL"), NONE, 404),
            (&format!("POST {none}/maxProducers"), json!(1), 404),
            (&format!("POST {of}/maxProducers"), json!(-1), 412),
            (&format!("PUT {whole}/partitions"), json!(2), 204),
            (&format!("POST {whole}/maxProducers"), json!(3), 204),
            (&format!("POST {whole}-partition-0/maxProducers"), json!(4), 412),
        ])
        .await;
        until(async || rest.get(&format!("{whole}/maxProducers")).await == 3).await;
    })
    .await;
}

async fn produces(peer: &mut Peer, topic: &str, producer_id: u64) -> Option<ServerError> {
    let producer = CommandProducer {
        topic: topic.to_owned(),
        producer_id,
        request_id: producer_id,
        ..CommandProducer::default()
    };
    error(peer.ask(&Command::Producer(Box::new(producer))).await)
}

async fn subscribes(
    peer: &mut Peer,
    topic: &str,
    subscription: &str,
    consumer_id: u64,
    kind: SubType,
) -> Option<ServerError> {
    let subscribe = CommandSubscribe {
        topic: topic.to_owned(),
        subscription: subscription.to_owned(),
        sub_type: kind.into(),
        consumer_id,
        request_id: consumer_id,
        ..CommandSubscribe::default()
    };
    error(peer.ask(&Command::Subscribe(Box::new(subscribe))).await)
}

fn error(answer: Command) -> Option<ServerError> {
    match answer {
        Command::Error(refusal) => Some(refusal.error()),
        _ => None,
    }
}

#[tokio::test]
async fn limits_refuse_who_comes_too_many() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "limits").await;
        let topic = format!("persistent://{name}/orders");
        for (policy, limit) in [
            ("maxProducersPerTopic", 1),
            ("maxConsumersPerSubscription", 1),
            ("maxConsumersPerTopic", 2),
            ("maxSubscriptionsPerTopic", 2),
            ("maxTopicsPerNamespace", 1),
        ] {
            assert_eq!(rest.status(&format!("POST {of}/{policy}"), &json!(limit)).await, 204);
        }
        // It is served from here on.
        drop(engine.producer(&topic, ProducerOptions::default()).await);
        let mut peer = Peer::connect(engine).await;
        let last = rest.get(&format!("/persistent/{name}/orders/stats")).await;
        assert_form(&last["publishers"], &json!([{ "producerName": "text" }]), "publishers");
        until(async || {
            let stats = rest.get(&format!("/persistent/{name}/orders/stats")).await;
            stats["publishers"].as_array().unwrap().is_empty()
        })
        .await;
        assert_eq!(produces(&mut peer, &topic, 1).await, None);
        assert_eq!(produces(&mut peer, &topic, 2).await, Some(ServerError::ProducerBusy));
        assert_eq!(subscribes(&mut peer, &topic, "a", 11, SubType::Shared).await, None);
        let busy = Some(ServerError::ConsumerBusy);
        assert_eq!(subscribes(&mut peer, &topic, "a", 12, SubType::Shared).await, busy);
        assert_eq!(subscribes(&mut peer, &topic, "b", 13, SubType::Shared).await, None);
        assert_eq!(rest.status(&format!("POST {of}/maxConsumersPerTopic"), &json!(0)).await, 204);
        // A topic of Pulsar knows of another limit some moments after that was answered.
        let mut refused = busy;
        until(async || {
            refused = subscribes(&mut peer, &topic, "c", 14, SubType::Shared).await;
            refused != busy
        })
        .await;
        assert_eq!(refused, Some(ServerError::NotAllowedError));
        assert_eq!(rest.status(&format!("PUT /persistent/{name}/more"), &NONE).await, 409);
    })
    .await;
}

#[tokio::test]
async fn a_namespace_says_which_subscriptions_clients_make() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "subscriptions").await;
        let topic = format!("persistent://{name}/orders");
        rest.answers(&[
            (
                &format!("POST {of}/autoSubscriptionCreation"),
                json!({ "allowAutoSubscriptionCreation": false }),
                204,
            ),
            (&format!("POST {of}/subscriptionTypesEnabled"), json!(["Shared"]), 204),
        ])
        .await;
        // A topic goes by what was said before it was there; what is said later, a real Pulsar hears a little later.
        send_all(&engine.producer(&topic, ProducerOptions::default()).await, numbers(0..1)).await;
        let mut peer = Peer::connect(engine).await;
        let not_made = subscribes(&mut peer, &topic, "sub", 1, SubType::Shared).await;
        assert_eq!(not_made, Some(ServerError::SubscriptionNotFound));
        let make = format!("PUT /persistent/{name}/orders/subscription/sub");
        assert_eq!(rest.status(&make, &json!("earliest")).await, 204);
        let another = subscribes(&mut peer, &topic, "sub", 2, SubType::Failover).await;
        assert_eq!(another, Some(ServerError::NotAllowedError));
        assert_eq!(subscribes(&mut peer, &topic, "sub", 3, SubType::Shared).await, None);
    })
    .await;
}

#[tokio::test]
async fn over_its_backlog_quota_a_topic_takes_no_producer() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "blocked").await;
        let topic = format!("persistent://{name}/orders");
        let says = async |policy: &str| {
            let quota = json!({ "limitSize": 10, "policy": policy });
            assert_eq!(rest.status(&format!("POST {of}/backlogQuota"), &quota).await, 204);
        };
        says("producer_request_hold").await;
        let sub = format!("PUT /persistent/{name}/orders/subscription/sub");
        assert_eq!(rest.status(&sub, &json!("earliest")).await, 204);
        send_all(&engine.producer(&topic, ProducerOptions::default()).await, numbers(0..10)).await;
        let mut peer = Peer::connect(engine).await;
        let held = ServerError::ProducerBlockedQuotaExceededError;
        assert_eq!(produces(&mut peer, &topic, 1).await, Some(held));
        says("producer_exception").await;
        let refused = ServerError::ProducerBlockedQuotaExceededException;
        let wait = async { while produces(&mut peer, &topic, 1).await != Some(refused) {} };
        tokio::time::timeout(DEADLINE, wait).await.expect("it is refused in time");
        let clear = format!("POST /persistent/{name}/orders/subscription/sub/skip_all");
        assert_eq!(rest.status(&clear, &NONE).await, 204);
        assert_eq!(produces(&mut peer, &topic, 2).await, None);
    })
    .await;
}
