//! What the stats of a topic tell, on every engine: the same fields, and the same values after the same history.

use std::collections::BTreeSet;

use hexalpes_client::{Consumer, ConsumerOptions, Outgoing, Producer, ProducerOptions, SubscriptionKind};
use serde_json::{Value, json};

use crate::{
    engine::{Engine, next, on_every_engine, until},
    rest::Rest,
};

/// Every one of these is told on every engine.
const OF_TOPICS: &str = "msgRateIn msgThroughputIn msgRateOut msgThroughputOut bytesInCounter msgInCounter
    systemTopicBytesInCounter bytesOutCounter msgOutCounter bytesOutInternalCounter averageMsgSize msgChunkPublished
    storageSize backlogSize backlogQuotaLimitSize backlogQuotaLimitTime oldestBacklogMessageAgeSeconds
    publishRateLimitedTimes earliestMsgPublishTimeInBacklogs offloadedStorageSize lastOffloadLedgerId
    lastOffloadSuccessTimeStamp lastOffloadFailureTimeStamp ongoingTxnCount abortedTxnCount committedTxnCount
    publishers waitingPublishers subscriptions replication deduplicationStatus nonContiguousDeletedMessagesRanges
    nonContiguousDeletedMessagesRangesSerializedSize delayedMessageIndexSizeInBytes compaction ownerBroker";
const OF_PUBLISHERS: &str =
    "accessMode msgRateIn msgThroughputIn averageMsgSize chunkedMessageRate producerId
    supportsPartialProducer producerName address connectedSince clientVersion metadata";
const OF_SUBSCRIPTIONS: &str = "msgRateOut msgThroughputOut bytesOutCounter msgOutCounter msgRateRedeliver messageAckRate
    chunkedMessageRate msgBacklog backlogSize earliestMsgPublishTimeInBacklog msgBacklogNoDelayed
    blockedSubscriptionOnUnackedMsgs msgDelayed msgInReplay unackedMessages type msgRateExpired totalMsgExpired
    lastExpireTimestamp lastConsumedFlowTimestamp lastConsumedTimestamp lastAckedTimestamp
    lastMarkDeleteAdvancedTimestamp consumers isDurable isReplicated allowOutOfOrderDelivery
    consumersAfterMarkDeletePosition drainingHashesCount drainingHashesUnackedMessages
    nonContiguousDeletedMessagesRanges nonContiguousDeletedMessagesRangesSerializedSize
    delayedMessageIndexSizeInBytes subscriptionProperties filterProcessedMsgCount filterAcceptedMsgCount
    filterRejectedMsgCount filterRescheduledMsgCount dispatchThrottledMsgEventsBySubscriptionLimit
    dispatchThrottledBytesEventsBySubscriptionLimit dispatchThrottledMsgEventsByTopicLimit
    dispatchThrottledBytesEventsByTopicLimit dispatchThrottledMsgEventsByBrokerLimit
    dispatchThrottledBytesEventsByBrokerLimit durable replicated";
const OF_CONSUMERS: &str = "msgRateOut msgThroughputOut bytesOutCounter msgOutCounter msgRateRedeliver messageAckRate
    chunkedMessageRate consumerName availablePermits unackedMessages avgMessagesPerEntry blockedConsumerOnUnackedMsgs
    drainingHashesCount drainingHashesUnackedMessages address connectedSince clientVersion lastAckedTimestamp
    lastConsumedTimestamp lastConsumedFlowTimestamp metadata lastAckedTime lastConsumedTime";
/// Those that depend on what it is, and those that Pulsar alone tells.
const SOMETIMES: &str = "activeConsumerName keySharedMode keyHashRangeArrays metadata partitions
    drainingHashes drainingHashesClearedTotal";

fn words(list: &str) -> BTreeSet<&str> {
    list.split_whitespace().collect()
}

/// All of these are there, and no other but those that sometimes are.
fn assert_fields(of: &Value, expected: &str) {
    let there: BTreeSet<_> = of.as_object().unwrap().keys().map(String::as_str).collect();
    let missing: Vec<_> = words(expected).difference(&there).copied().collect();
    assert!(missing.is_empty(), "{missing:?} are missing in {of}");
    let known = &words(expected) | &words(SOMETIMES);
    let unknown: Vec<_> = there.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?} are new in {of}");
}

fn is_time(of: &Value) -> bool {
    // Since then is within a few decades, for both kinds of writing it.
    of.as_u64().is_some_and(|ms| ms > 1_600_000_000_000)
        || of.as_str().is_some_and(|text| text > "2020-01-01T")
}

fn stats_of(topic: &str, flags: &str) -> String {
    format!("/{}/stats?{flags}", topic.replacen("://", "/", 1))
}

/// Six messages with keys; of the first sent subscription two are acked, of the second three together, of the third none.
async fn history(engine: &Engine, topic: &str) -> (Producer, Vec<Consumer>) {
    let client = engine.client().await;
    let subscribe = |name: &str, kind| ConsumerOptions::new(name).kind(kind).from_earliest();
    let mut consumers = Vec::new();
    for (name, kind) in [
        ("shared", SubscriptionKind::Shared),
        ("alone", SubscriptionKind::Exclusive),
        ("keys", SubscriptionKind::KeyShared),
    ] {
        consumers.push(client.consumer(topic, subscribe(name, kind)).await.unwrap());
    }
    let producer = client.producer(topic, ProducerOptions::default()).await.unwrap();
    for n in 0..6 {
        producer.send(Outgoing::new(format!("message {n}")).key(n.to_string())).await.unwrap();
    }
    for (consumer, acked) in consumers.iter().zip([&[0, 2][..], &[2], &[]]) {
        for n in 0..6 {
            let message = next(consumer).await;
            match acked.contains(&n) {
                true if acked.len() == 1 => consumer.ack_cumulative(&message).await.unwrap(),
                true => consumer.ack(&message).await.unwrap(),
                false => {}
            }
        }
    }
    // They stay as long as somebody looks.
    (producer, consumers)
}

#[tokio::test]
async fn the_stats_of_a_topic_tell_of_what_happened_to_it() {
    on_every_engine(async |engine| {
        let (rest, topic) = (Rest::of(engine), engine.topic("counted"));
        let _clients = history(engine, &topic).await;
        let flags = "getPreciseBacklog=true&subscriptionBacklogSize=true&getEarliestTimeInBacklog=true";
        let path = stats_of(&topic, flags);
        let backlogs = async || {
            let stats = rest.get(&path).await;
            ["shared", "alone", "keys"]
                .map(|name| stats["subscriptions"][name]["msgBacklog"].as_u64().unwrap())
        };
        until(async || backlogs().await == [4, 3, 6]).await;
        // Pulsar notes when a cursor moved once that is stored.
        let moved = async |name: &str| {
            is_time(&rest.get(&path).await["subscriptions"][name]["lastMarkDeleteAdvancedTimestamp"])
        };
        until(async || moved("shared").await && moved("alone").await).await;
        let stats = rest.get(&path).await;
        assert_fields(&stats, OF_TOPICS);
        assert_eq!((&stats["msgInCounter"], &stats["msgOutCounter"]), (&json!(6), &json!(18)), "{stats}");
        assert_eq!((&stats["msgChunkPublished"], &stats["waitingPublishers"]), (&json!(false), &json!(0)));
        assert!(stats["ownerBroker"].is_string(), "{stats}");
        assert_eq!(stats["nonContiguousDeletedMessagesRanges"], 1);
        let publisher = &stats["publishers"][0];
        assert_fields(publisher, OF_PUBLISHERS);
        assert!(is_time(&publisher["connectedSince"]), "{publisher}");
        assert_eq!(publisher["metadata"], json!({}));
        for (name, kind, unacked, ranges, acked) in [
            ("shared", "Shared", 4, 1, true),
            ("alone", "Exclusive", 0, 0, true),
            ("keys", "Key_Shared", 6, 0, false),
        ] {
            let sub = &stats["subscriptions"][name];
            assert_fields(sub, OF_SUBSCRIPTIONS);
            assert_eq!((&sub["type"], &sub["unackedMessages"]), (&json!(kind), &json!(unacked)), "{sub}");
            assert_eq!(sub["nonContiguousDeletedMessagesRanges"], ranges, "{sub}");
            assert_eq!((&sub["msgOutCounter"], &sub["msgInReplay"]), (&json!(6), &json!(0)), "{sub}");
            assert_eq!(sub["activeConsumerName"].is_string(), kind == "Exclusive", "{sub}");
            assert_eq!(sub["keySharedMode"] == "AUTO_SPLIT", kind == "Key_Shared", "{sub}");
            let consumer = &sub["consumers"][0];
            assert_fields(consumer, OF_CONSUMERS);
            assert_eq!(
                (&consumer["unackedMessages"], &consumer["avgMessagesPerEntry"]),
                (&json!(unacked), &json!(1))
            );
            for of in [sub, consumer] {
                assert!(
                    is_time(&of["lastConsumedTimestamp"]) && is_time(&of["lastConsumedFlowTimestamp"]),
                    "{of}"
                );
                assert_eq!(is_time(&of["lastAckedTimestamp"]), acked, "{of}");
            }
            assert_eq!(is_time(&sub["lastMarkDeleteAdvancedTimestamp"]), acked, "{sub}");
            assert_eq!(is_time(&consumer["lastAckedTime"]), acked, "{consumer}");
            assert!(is_time(&consumer["connectedSince"]), "{consumer}");
        }
        let ranges = &stats["subscriptions"]["keys"]["consumers"][0]["keyHashRangeArrays"];
        assert_eq!(ranges, &json!([[1, 65535]]));
        let earliest =
            |name: &str| stats["subscriptions"][name]["earliestMsgPublishTimeInBacklog"].as_u64().unwrap();
        assert!(is_time(&json!(earliest("keys"))), "{stats}");
        assert!(earliest("keys") <= earliest("shared") && earliest("shared") <= earliest("alone"), "{stats}");
        assert_eq!(stats["earliestMsgPublishTimeInBacklogs"], earliest("keys"));
        let fewer = rest.get(&stats_of(&topic, "excludePublishers=true&excludeConsumers=true")).await;
        assert_eq!(fewer["publishers"], json!([]));
        assert_eq!(fewer["subscriptions"]["keys"]["consumers"], json!([]));
        assert_eq!(fewer["earliestMsgPublishTimeInBacklogs"], 0);
    })
    .await;
}

#[tokio::test]
async fn the_stats_of_partitions_add_up() {
    on_every_engine(async |engine| {
        let (rest, topic) = (Rest::of(engine), engine.partitioned("counted-parts", 2).await);
        let _clients = history(engine, &topic).await;
        let path = format!("/{}/partitioned-stats?perPartition=true", topic.replacen("://", "/", 1));
        let stats = rest.get(&path).await;
        // Who serves it and whether it deduplicates is told of each partition.
        let of_all = OF_TOPICS.replace("ownerBroker", "").replace("deduplicationStatus", "");
        let mut all = stats.clone();
        all.as_object_mut().unwrap().remove("deduplicationStatus");
        assert_fields(&all, &of_all);
        assert_eq!((&stats["msgInCounter"], &stats["msgOutCounter"]), (&json!(6), &json!(18)), "{stats}");
        let parts = stats["partitions"].as_object().unwrap();
        assert_eq!(parts.len(), 2);
        for part in parts.values() {
            assert_fields(part, OF_TOPICS);
        }
        let sum = |name: &str| parts.values().map(|part| part[name].as_u64().unwrap()).sum::<u64>();
        for counter in ["msgInCounter", "bytesInCounter", "msgOutCounter", "bytesOutCounter", "storageSize"] {
            assert_eq!(stats[counter], sum(counter), "{counter} of {stats}");
        }
        for (name, consumers) in [("shared", 2), ("alone", 2), ("keys", 2)] {
            let of_parts =
                parts.values().map(|part| part["subscriptions"][name]["consumers"].as_array().unwrap().len());
            assert_eq!(of_parts.sum::<usize>(), consumers, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_consumer_is_told_how_much_waits_of_all_its_partitions() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("backlog", 2).await;
        let consumer = engine.consumer(&topic).await;
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let backlog = consumer.backlog();
        assert_eq!(backlog.entries().await.unwrap(), Some(0));
        for n in 0..6 {
            producer.send(Outgoing::new(n.to_string()).key(n.to_string())).await.unwrap();
        }
        until(async || backlog.entries().await.unwrap() == Some(6)).await;
        let first = next(&consumer).await;
        consumer.ack(&first).await.unwrap();
        until(async || backlog.entries().await.unwrap() == Some(5)).await;
    })
    .await;
}

#[tokio::test]
async fn how_many_entries_a_topic_keeps_is_told_acked_or_not() {
    on_every_engine(async |engine| {
        let topic = engine.topic("kept");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        for n in 0..3 {
            producer.send(Outgoing::new(n.to_string())).await.unwrap();
        }
        assert_eq!(engine.admin.entries(&topic.parse().unwrap()).await.unwrap(), 3);
    })
    .await;
}
