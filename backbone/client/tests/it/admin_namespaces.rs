//! What tools ask of brokers and whole namespaces.

use hexalpes_client::ProducerOptions;
use serde_json::{Value, json};

use crate::{
    engine::{numbers, on_every_engine, send_all, until},
    rest::{Rest, assert_form},
};

const NONE: Value = Value::Null;

#[tokio::test]
async fn a_broker_tells_of_itself_and_of_its_leader() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let brokers = rest.get("/brokers").await;
        assert_eq!(brokers.as_array().unwrap().len(), 1, "{brokers}");
        let leader = rest.get("/brokers/leaderBroker").await;
        assert_form(&leader, &json!({ "serviceUrl": "text", "brokerId": "text" }), "leader");
        assert_eq!(leader["brokerId"], brokers[0]);
        let internals = json!({ "metadataStoreUrl": "text", "configurationMetadataStoreUrl": "text", "ledgersRootPath": "text" });
        assert_form(&rest.get("/brokers/internal-configuration").await, &internals, "internals");
        assert_form(&rest.get("/brokers/configuration").await, &json!(["text"]), "names");
        assert_form(&rest.get("/brokers/configuration/values").await, &json!({}), "values");
        assert_eq!(rest.status("GET /brokers/backlog-quota-check", &NONE).await, 204);
    })
    .await;
}

#[tokio::test]
async fn a_namespaces_policies_are_all_shown_also_those_that_nobody_set() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let path = format!("/namespaces/{}-whole", engine.namespace());
        assert_eq!(rest.status(&format!("PUT {path}"), &NONE).await, 204);
        let all = rest.get(&path).await;
        let form = json!({
            "auth_policies": { "namespace_auth": {}, "destination_auth": {}, "subscription_auth_roles": {} },
            "replication_clusters": ["text"], "allowed_clusters": [],
            "bundles": { "boundaries": ["text"], "numBundles": 1 }, "backlog_quota_map": {},
            "clusterDispatchRate": {}, "topicDispatchRate": {}, "subscriptionDispatchRate": {},
            "replicatorDispatchRate": {}, "clusterSubscribeRate": {}, "publishMaxMessageRate": {},
            "latency_stats_sample_rate": {}, "deleted": false, "encryption_required": false,
            "subscription_auth_mode": "None", "offload_threshold": -1, "offload_threshold_in_seconds": -1,
            "schema_compatibility_strategy": "UNDEFINED", "is_allow_auto_update_schema": true,
            "schema_validation_enforced": false, "subscription_types_enabled": [], "properties": {},
            "migrated": false,
        });
        assert_form(&all, &form, "policies");
        for unset in ["retention_policies", "message_ttl_in_seconds", "deduplicationEnabled"] {
            assert_eq!(all[unset], NONE, "{unset}");
        }
        assert_eq!(rest.status(&format!("POST {path}/messageTTL"), &json!(9)).await, 204);
        assert_eq!(rest.get(&path).await["message_ttl_in_seconds"], 9);
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_of_a_namespace_is_done_to_all_of_its_topics() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let name = format!("{}-all", engine.namespace());
        let path = format!("/namespaces/{name}");
        assert_eq!(rest.status(&format!("PUT {path}"), &NONE).await, 204);
        let backlogs = async |subscription: &str| {
            let mut backlogs = Vec::new();
            for topic in ["one", "two"] {
                let stats = rest.get(&format!("/persistent/{name}/{topic}/stats")).await;
                backlogs.push(stats["subscriptions"][subscription]["msgBacklog"].clone());
            }
            backlogs
        };
        for topic in ["one", "two"] {
            for subscription in ["a", "b"] {
                let sub = format!("PUT /persistent/{name}/{topic}/subscription/{subscription}");
                assert_eq!(rest.status(&sub, &json!("earliest")).await, 204);
            }
            let topic = format!("persistent://{name}/{topic}");
            send_all(&engine.producer(&topic, ProducerOptions::default()).await, numbers(0..3)).await;
        }
        assert_eq!(rest.status(&format!("POST {path}/clearBacklog/a"), &NONE).await, 204);
        until(async || backlogs("a").await == [0, 0]).await;
        assert_eq!(backlogs("b").await, [3, 3]);
        assert_eq!(rest.status(&format!("POST {path}/clearBacklog"), &NONE).await, 204);
        until(async || backlogs("b").await == [0, 0]).await;
        assert_eq!(rest.status(&format!("POST {path}/unsubscribe/a"), &NONE).await, 204);
        until(async || backlogs("a").await == [NONE, NONE]).await;
        assert_eq!(backlogs("b").await, [0, 0]);

        let bundles = rest.get(&format!("{path}/bundles")).await;
        assert_form(&bundles, &json!({ "boundaries": ["text"], "numBundles": 1 }), "bundles");
        let bundle = bundles["boundaries"].as_array().unwrap()[..2].to_vec();
        let bundle = format!("{}_{}", bundle[0].as_str().unwrap(), bundle[1].as_str().unwrap());
        assert_eq!(rest.get(&format!("{path}/replication")).await, json!(["standalone"]));
        rest.answers(&[
            (&format!("PUT {path}/unload"), NONE, 204),
            (&format!("PUT {path}/{bundle}/unload"), NONE, 204),
            (&format!("PUT {path}/0x00000000_0x40000001/unload"), NONE, 412),
            (&format!("POST {path}/replication"), json!(["standalone"]), 200),
            (&format!("POST {path}/replication"), json!(["other"]), 403),
        ])
        .await;
    })
    .await;
}
