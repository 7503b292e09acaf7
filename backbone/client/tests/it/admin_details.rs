//! What REST tells of topics and subscriptions beside their statistics, and who may use which subscription.

use hexalpes_client::ProducerOptions;
use serde_json::{Value, json};

use crate::{
    admin_policies::namespace,
    engine::{numbers, on_every_engine, send_all, until},
    rest::{Rest, assert_form},
};

const NONE: Value = Value::Null;

#[tokio::test]
async fn partitions_that_are_missing_are_made() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "missed").await;
        let (of, whole) = (format!("/persistent/{name}"), format!("/persistent/{name}/parts"));
        let missed = format!("POST {whole}/createMissedPartitions");
        let there = async || rest.get(&of).await.as_array().unwrap().len();
        rest.answers(&[
            (&format!("PUT {whole}/partitions"), json!(3), 204),
            (&format!("PUT {of}/single"), NONE, 204),
        ])
        .await;
        assert_eq!(there().await, 4);
        assert_eq!(rest.status(&format!("DELETE {whole}-partition-1"), &NONE).await, 204);
        until(async || there().await == 3).await;
        assert_eq!(rest.status(&missed, &NONE).await, 204);
        until(async || there().await == 4).await;
        rest.answers(&[
            (&missed, NONE, 204),
            (&format!("POST {of}/single/createMissedPartitions"), NONE, 404),
            (&format!("POST {of}/none/createMissedPartitions"), NONE, 404),
            (&format!("DELETE {whole}/partitions"), NONE, 204),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_subscription_is_looked_at_entry_by_entry() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "analyzed").await;
        let of = format!("/persistent/{name}/orders");
        let topic = format!("persistent://{name}/orders");
        let sub = format!("{of}/subscription/sub");
        assert_eq!(rest.status(&format!("PUT {sub}"), &json!("earliest")).await, 204);
        send_all(&engine.producer(&topic, ProducerOptions::default()).await, numbers(0..5)).await;
        assert_eq!(rest.status(&format!("POST {sub}/skip/2"), &NONE).await, 204);
        let mut found = rest.ask(&format!("POST {sub}/analyzeBacklog"), &NONE).await.json();
        let ids =
            ["firstMessageId", "lastMessageId"].map(|id| found.as_object_mut().unwrap().remove(id).unwrap());
        let entries = ids.map(|id| id.as_str().unwrap().split_once(':').unwrap().1.to_owned());
        assert_eq!(entries, ["2", "4"]);
        let expected = json!({
            "entries": 3, "messages": 3, "filterRejectedEntries": 0, "filterAcceptedEntries": 3,
            "filterRescheduledEntries": 0, "filterRejectedMessages": 0, "filterAcceptedMessages": 3,
            "filterRescheduledMessages": 0, "aborted": false,
        });
        assert_eq!(found, expected);
        rest.answers(&[
            (&format!("POST {of}/subscription/none/analyzeBacklog"), NONE, 404),
            (&format!("POST /persistent/{name}/none/subscription/sub/analyzeBacklog"), NONE, 404),
            (&format!("PUT /persistent/{name}/parts/partitions"), json!(2), 204),
            (&format!("POST /persistent/{name}/parts/subscription/sub/analyzeBacklog"), NONE, 405),
        ])
        .await;
        let replicated = format!("{sub}/replicatedSubscriptionStatus");
        assert_eq!(rest.get(&replicated).await, json!({ topic: false }));
        assert_eq!(rest.status(&format!("POST {replicated}"), &json!(false)).await, 204);
        let info = rest.get(&format!("{of}/internal-info")).await;
        let form = json!({
            "version": 0,
            "ledgers": [{ "ledgerId": 0, "isOffloaded": false }],
            "cursors": { "sub": { "cursorsLedgerId": 0, "markDelete": { "ledgerId": 0, "entryId": 0 } } },
        });
        assert_form(&info, &form, "internal-info");
        let parts = rest.get(&format!("/persistent/{name}/parts/internal-info")).await;
        assert_eq!(parts["partitions"].as_object().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_topic_is_made_with_what_is_noted_beside_it() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "made").await;
        let noted = json!({ "a": "b" });
        let of = format!("/persistent/{name}/orders");
        assert_eq!(rest.status(&format!("PUT {of}"), &noted).await, 204);
        assert_eq!(rest.get(&format!("{of}/properties")).await, noted);
        // With partitions, it is said in a media type of its own.
        let whole = format!("/persistent/{name}/parts");
        let body = json!({ "partitions": 2, "properties": noted });
        let made = rest.ask_as(&format!("PUT {whole}/partitions"), PARTITIONED, &body).await;
        assert_eq!(made.status, 204, "{}", made.text);
        let both = json!({ "partitions": 2, "deleted": false, "properties": noted });
        assert_eq!(rest.get(&format!("{whole}/partitions")).await, both);
        assert_eq!(rest.get(&format!("{whole}/properties")).await, noted);
    })
    .await;
}

const PARTITIONED: &str = "application/vnd.partitioned-topic-metadata+json";

#[tokio::test]
async fn the_versions_of_a_topics_schemas_are_listed() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "versions").await;
        let at = format!("/schemas/{name}/orders/metadata");
        assert_eq!(rest.status(&format!("PUT /persistent/{name}/orders"), &NONE).await, 204);
        assert_eq!(rest.get(&at).await, NONE);
        let schema = json!({ "type": "STRING", "schema": "", "properties": {} });
        assert_eq!(rest.status(&format!("POST /schemas/{name}/orders/schema"), &schema).await, 200);
        let all = rest.get(&at).await;
        assert_eq!((&all["info"]["version"], all["index"].as_array().unwrap().len()), (&json!(0), 1));
    })
    .await;
}

#[tokio::test]
async fn subscriptions_are_for_the_roles_that_were_named() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (_, of) = namespace(engine, &rest, "roles").await;
        let all = format!("{of}/permissions/subscription");
        assert_eq!(rest.get(&all).await, json!({}));
        assert_eq!(rest.status(&format!("POST {all}/sub"), &json!(["one", "two"])).await, 204);
        let mut named = rest.get(&all).await;
        named["sub"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
        assert_eq!(named, json!({ "sub": ["one", "two"] }));
        rest.answers(&[
            (&format!("POST {all}/sub"), NONE, 400),
            (&format!("DELETE {of}/permissions/sub/one"), NONE, 204),
        ])
        .await;
        assert_eq!(rest.get(&all).await, json!({ "sub": ["two"] }));
        assert_eq!(rest.status(&format!("DELETE {of}/permissions/sub/two"), &NONE).await, 204);
        assert_eq!(rest.get(&all).await, json!({}));
    })
    .await;
}

#[tokio::test]
async fn topics_that_are_not_stored_have_permissions_too() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, _) = namespace(engine, &rest, "passing").await;
        let of = format!("/non-persistent/{name}/orders");
        let all = format!("{of}/permissions");
        rest.answers(&[
            (&format!("PUT {of}"), NONE, 204),
            (&format!("POST {all}/one"), json!(["produce"]), 204),
        ])
        .await;
        assert_eq!(rest.get(&all).await, json!({ "one": ["produce"] }));
        rest.answers(&[
            (&format!("DELETE {all}/one"), NONE, 204),
            (&format!("GET {of}/internalStats"), NONE, 200),
            (&format!("GET /non-persistent/{name}/none/permissions"), NONE, 404),
        ])
        .await;
        assert_eq!(rest.get(&all).await, json!({}));
    })
    .await;
}

#[tokio::test]
async fn what_nobody_set_of_policies_that_are_rarely_there_is_told_as_unset() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let (name, of) = namespace(engine, &rest, "unset").await;
        let topic = format!("/persistent/{name}/orders");
        assert_eq!(rest.status(&format!("PUT {topic}"), &NONE).await, 204);
        for (path, unset) in [
            (format!("{of}/offloadThreshold"), json!(-1)),
            (format!("{of}/offloadThresholdInSeconds"), json!(-1)),
            (format!("{of}/offloadPolicies"), NONE),
            (format!("{of}/resourcegroup"), NONE),
            (format!("{of}/antiAffinity"), NONE),
            (format!("{of}/entryFilters"), NONE),
            (format!("{of}/persistence/bookieAffinity"), NONE),
            (format!("{of}/dispatcherPauseOnAckStatePersistent"), json!(false)),
            (format!("{of}/allowedClusters"), json!([])),
            (format!("{topic}/offloadPolicies"), NONE),
            (format!("{topic}/entryFilters"), NONE),
            (format!("{topic}/replication"), NONE),
            (format!("{topic}/dispatcherPauseOnAckStatePersistent"), json!(false)),
        ] {
            let answer = rest.ask(&format!("GET {path}"), &NONE).await;
            assert!([200, 204].contains(&answer.status), "{path}: {}", answer.status);
            assert_eq!(answer.json(), unset, "{path}");
        }
        rest.answers(&[
            (&format!("POST {of}/allowedClusters"), json!(["none"]), 403),
            (&format!("POST {topic}/trim"), NONE, 200),
            (&format!("POST {topic}/maxProducers"), json!(3), 204),
        ])
        .await;
        until(async || rest.get(&format!("{topic}/maxProducers")).await == 3).await;
        assert_eq!(rest.status(&format!("DELETE {topic}/policies"), &NONE).await, 204);
        until(async || rest.get(&format!("{topic}/maxProducers")).await == NONE).await;
    })
    .await;
}
