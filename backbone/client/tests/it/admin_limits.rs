//! Policies of rates, of messages that nobody acks, of sizes and encryption: set, answered, and acting.

use hexalpes_client::{ConsumerOptions, ProducerOptions, SubscriptionKind};
use hexalpes_wire::proto::{Command, CommandProducer, MessageMetadata, ServerError};
use serde_json::{Value, json};

use crate::{
    admin_policies::namespace,
    engine::{DEADLINE, Engine, next, numbers, on_every_engine, send_all, until},
    raw::Peer,
    rest::Rest,
};

const NONE: Value = Value::Null;

fn dispatch_rate(messages: i64) -> Value {
    json!({
        "dispatchThrottlingRateInMsg": messages, "dispatchThrottlingRateInByte": 1000,
        "relativeToPublishRate": false, "ratePeriodInSecond": 1,
    })
}

fn publish_rate(messages: i64) -> Value {
    json!({ "publishThrottlingRateInMsg": messages, "publishThrottlingRateInByte": 1000 })
}

fn subscribe_rate() -> Value {
    json!({ "subscribeThrottlingRatePerConsumer": 5, "ratePeriodInSecond": 30 })
}

#[tokio::test]
async fn a_namespaces_rates_and_limits_are_set_answered_and_unset() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "rates").await;
        for (policy, whole, set) in [
            ("publishRate", "publishMaxMessageRate", publish_rate(10)),
            ("dispatchRate", "topicDispatchRate", dispatch_rate(10)),
            ("subscriptionDispatchRate", "subscriptionDispatchRate", dispatch_rate(10)),
            ("replicatorDispatchRate", "replicatorDispatchRate", dispatch_rate(10)),
            ("subscribeRate", "clusterSubscribeRate", subscribe_rate()),
            ("maxUnackedMessagesPerConsumer", "max_unacked_messages_per_consumer", json!(5)),
            ("maxUnackedMessagesPerSubscription", "max_unacked_messages_per_subscription", json!(5)),
        ] {
            let at = format!("{of}/{policy}");
            assert_eq!(rest.get(&at).await, NONE, "{policy}");
            assert_eq!(rest.status(&format!("POST {at}"), &set).await, 204, "{policy}");
            assert_eq!(rest.get(&at).await, set, "{policy}");
            let all = rest.get(&of).await;
            let by_cluster = if set.is_object() { json!({ "standalone": set }) } else { set };
            assert_eq!(all[whole], by_cluster, "{policy}");
            assert_eq!(rest.status(&format!("DELETE {at}"), &NONE).await, 204, "{policy}");
            assert_eq!(rest.get(&at).await, NONE, "{policy} again");
        }
        for (policy, unset, set) in [
            ("encryptionRequired", json!(false), json!(true)),
            ("subscriptionAuthMode", json!("None"), json!("Prefix")),
            ("deduplicationSnapshotInterval", NONE, json!(50)),
        ] {
            let at = format!("{of}/{policy}");
            assert_eq!(rest.get(&at).await, unset, "{policy}");
            assert_eq!(rest.status(&format!("POST {at}"), &set).await, 204, "{policy}");
            assert_eq!(rest.get(&at).await, set, "{policy}");
            if policy != "encryptionRequired" {
                assert_eq!(rest.status(&format!("POST {at}"), &NONE).await, 204, "{policy}");
                assert_eq!(rest.get(&at).await, unset, "{policy} again");
            }
        }
        rest.answers(&[
            (&format!("POST {of}/maxUnackedMessagesPerConsumer"), json!(-1), 412),
            (&format!("POST {of}/maxUnackedMessagesPerSubscription"), json!(-1), 412),
            (&format!("POST {of}/deduplicationSnapshotInterval"), json!(-1), 412),
            (&format!("POST {of}/encryptionRequired"), NONE, 400),
            (&format!("GET /namespaces/{name}-none/publishRate"), NONE, 404),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_topics_rates_and_limits_are_set_answered_and_unset() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "own-rates").await;
        let of = format!("/persistent/{name}/orders");
        assert_eq!(rest.status(&format!("PUT {of}"), &NONE).await, 204);
        // Nothing is said as 200 or as 204.
        let said = async |at: &str| {
            let answer = rest.ask(&format!("GET {at}"), &NONE).await;
            assert!([200, 204].contains(&answer.status), "{at}: {}", answer.status);
            answer.json()
        };
        let no_rate = json!({
            "dispatchThrottlingRateInMsg": 0, "dispatchThrottlingRateInByte": 0,
            "relativeToPublishRate": false, "ratePeriodInSecond": 1,
        });
        let no_subscribe_rate = json!({ "subscribeThrottlingRatePerConsumer": 0, "ratePeriodInSecond": 30 });
        for (policy, applied, own) in [
            ("publishRate", NONE, publish_rate(9)),
            ("dispatchRate", no_rate.clone(), dispatch_rate(9)),
            ("subscriptionDispatchRate", no_rate, dispatch_rate(9)),
            ("subscribeRate", no_subscribe_rate, subscribe_rate()),
            ("maxUnackedMessagesOnConsumer", json!(50_000), json!(5)),
            ("maxUnackedMessagesOnSubscription", json!(200_000), json!(5)),
            ("maxMessageSize", NONE, json!(100)),
            ("deduplicationSnapshotInterval", NONE, json!(100)),
            ("compactionThreshold", json!(0), json!(100)),
            (
                "autoSubscriptionCreation",
                json!({ "allowAutoSubscriptionCreation": true }),
                json!({ "allowAutoSubscriptionCreation": false }),
            ),
            ("schemaCompatibilityStrategy", json!("FULL"), json!("BACKWARD")),
        ] {
            let at = format!("{of}/{policy}");
            assert_eq!(said(&at).await, NONE, "{policy}");
            assert_eq!(said(&format!("{at}?applied=true")).await, applied, "{policy}");
            let method = if policy == "schemaCompatibilityStrategy" { "PUT" } else { "POST" };
            assert_eq!(rest.status(&format!("{method} {at}"), &own).await, 204, "{policy}");
            until(async || said(&at).await == own).await;
            assert_eq!(rest.status(&format!("DELETE {at}"), &NONE).await, 204, "{policy}");
            until(async || said(&at).await == NONE).await;
        }
        rest.answers(&[
            (&format!("POST {of}/maxUnackedMessagesOnConsumer"), json!(-1), 412),
            (&format!("POST {of}/maxMessageSize"), json!(-1), 412),
            (&format!("POST {of}/maxMessageSize"), json!(50_000_000), 412),
            (&format!("POST {of}/compactionThreshold"), json!(-1), 412),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_namespaces_properties_are_noted_one_by_one_and_together() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "noted").await;
        let (all, one) = (format!("{of}/properties"), format!("{of}/property/a"));
        assert_eq!(rest.get(&all).await, json!({}));
        rest.answers(&[
            (&format!("PUT {one}/b"), NONE, 204),
            (&format!("PUT {all}"), json!({ "c": "d", "e": "f" }), 204),
        ])
        .await;
        assert_eq!(rest.get(&one).await, json!("b"));
        assert_eq!(rest.get(&all).await, json!({ "a": "b", "c": "d", "e": "f" }));
        assert_eq!(rest.get(&of).await["properties"]["c"], "d");
        let removed = rest.ask(&format!("DELETE {one}"), &NONE).await;
        assert_eq!((removed.status, &*removed.text), (200, "b"));
        assert_eq!((rest.get(&one).await, rest.get(&all).await), (NONE, json!({ "c": "d", "e": "f" })));
        assert_eq!(rest.status(&format!("DELETE {all}"), &NONE).await, 204);
        assert_eq!(rest.get(&all).await, json!({}));
        assert_eq!(rest.status(&format!("GET /namespaces/{name}-none/properties"), &NONE).await, 404);
    })
    .await;
}

/// What a topic's subscription `sub` is counted to have, and its only consumer.
async fn counted(engine: &Engine, topic: &str) -> (Value, Value) {
    let stats = engine.admin.stats(&topic.parse().unwrap()).await.unwrap();
    let sub = stats["subscriptions"]["sub"].clone();
    let consumer = sub["consumers"][0].clone();
    (sub, consumer)
}

#[tokio::test]
async fn who_does_not_ack_gets_no_more_until_it_does() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        for (policy, blocked) in [
            ("maxUnackedMessagesPerConsumer", "blockedConsumerOnUnackedMsgs"),
            ("maxUnackedMessagesPerSubscription", "blockedSubscriptionOnUnackedMsgs"),
        ] {
            let (name, of) = namespace(engine, &rest, policy).await;
            let topic = format!("persistent://{name}/orders");
            assert_eq!(rest.status(&format!("POST {of}/{policy}"), &json!(4)).await, 204);
            let sub = format!("PUT /persistent/{name}/orders/subscription/sub");
            assert_eq!(rest.status(&sub, &json!("earliest")).await, 204);
            send_all(&engine.producer(&topic, ProducerOptions::default()).await, numbers(0..10)).await;
            let options = ConsumerOptions { kind: SubscriptionKind::Shared, ..ConsumerOptions::new("sub") };
            let consumer = engine.client().await.consumer(&topic, options).await.unwrap();
            let mut held = Vec::new();
            for _ in 0..4 {
                held.push(next(&consumer).await);
            }
            until(async || {
                let (sub, one) = counted(engine, &topic).await;
                // Of a subscription, a real Pulsar counts what it has read at once.
                one["unackedMessages"].as_u64() >= Some(4) && (&sub[blocked] == true || &one[blocked] == true)
            })
            .await;
            for message in held {
                consumer.ack(&message).await.unwrap();
            }
            for _ in 4..10 {
                let message = next(&consumer).await;
                consumer.ack(&message).await.unwrap();
            }
            engine.backlog_becomes(&topic, 0).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_topic_whose_namespace_wants_encryption_takes_nothing_else() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "encrypted").await;
        let topic = format!("persistent://{name}/orders");
        assert_eq!(rest.status(&format!("POST {of}/encryptionRequired"), &json!(true)).await, 204);
        let mut peer = Peer::connect(engine).await;
        let mut open = async |encrypted: bool| {
            let producer = CommandProducer {
                topic: topic.clone(),
                // A number of its own for who is refused: Pulsar may still be clearing it away.
                producer_id: if encrypted { 1 } else { 2 },
                request_id: 1,
                encrypted: Some(encrypted),
                ..CommandProducer::default()
            };
            peer.ask(&Command::Producer(Box::new(producer))).await
        };
        let Command::Error(refused) = open(false).await else { panic!("it is let in") };
        assert_eq!(refused.error(), ServerError::MetadataError);
        assert!(matches!(open(true).await, Command::ProducerSuccess(_)));
        // It said that it would.
        let Command::SendError(refused) = peer.send(MessageMetadata::default(), "plain").await else {
            panic!("it is taken")
        };
        assert_eq!(refused.error(), ServerError::MetadataError);
    })
    .await;
}

#[tokio::test]
async fn a_topic_takes_no_message_that_is_larger_than_its_own_limit() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "sizes").await;
        let (topic, of) = (format!("persistent://{name}/orders"), format!("/persistent/{name}/orders"));
        let mut peer = Peer::connect(engine).await;
        peer.produce(&topic).await;
        assert_eq!(rest.status(&format!("POST {of}/maxMessageSize"), &json!(200)).await, 204);
        // That it is stored does not say that the open topic has heard of it.
        let refused = tokio::time::timeout(DEADLINE, async {
            loop {
                match peer.send(MessageMetadata::default(), &"x".repeat(300)).await {
                    Command::SendError(refused) => break refused,
                    answer => assert!(matches!(answer, Command::SendReceipt(_)), "{answer:?}"),
                }
            }
        });
        let refused = refused.await.expect("it is refused in time");
        assert_eq!(refused.error(), ServerError::NotAllowedError);
    })
    .await;
}
