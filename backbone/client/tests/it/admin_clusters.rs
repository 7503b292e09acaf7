//! Other clusters, as far as a broker that knows of none takes note of them; and what of it can be changed while it runs.

use serde_json::{Value, json};

use crate::{engine::on_every_engine, rest::Rest};

const NONE: Value = Value::Null;

#[tokio::test]
async fn other_clusters_are_noted_for_tenants_to_be_allowed_on_them() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        let name = format!("other-{}", std::process::id());
        let (of, tenant) = (format!("/clusters/{name}"), format!("/tenants/{name}"));
        let data = |port: u32| {
            json!({
                "serviceUrl": format!("http://other.test:{port}"), "brokerServiceUrl": "pulsar://other.test:6650",
                "brokerClientTlsEnabled": false, "tlsAllowInsecureConnection": false,
                "brokerClientTlsEnabledWithKeyStore": false,
            })
        };
        let allowed = |cluster: &str| json!({ "adminRoles": [], "allowedClusters": [cluster] });
        rest.answers(&[
            (&format!("GET {of}"), NONE, 404),
            (&format!("PUT {of}"), NONE, 400),
            (&format!("PUT {of}"), json!({ "serviceUrl": "other.test" }), 400),
            (&format!("PUT {of}@home"), data(8080), 412),
            (&format!("PUT {tenant}"), allowed(&name), 412),
            (&format!("POST {of}"), data(8080), 404),
            (&format!("PUT {of}"), data(8080), 200),
            (&format!("PUT {of}"), data(8080), 409),
            ("PUT /clusters/standalone", data(8080), 409),
        ])
        .await;
        assert_eq!(rest.get(&of).await, data(8080));
        assert!(rest.get("/clusters").await.as_array().unwrap().contains(&json!(name)));
        assert_eq!(rest.status(&format!("POST {of}"), &data(8081)).await, 200);
        assert_eq!(rest.get(&of).await, data(8081));
        assert_eq!(rest.get(&format!("{of}/peers")).await, NONE);
        rest.answers(&[
            (&format!("POST {of}/peers"), json!(["standalone"]), 204),
            (&format!("POST {of}/peers"), json!([name]), 412),
            (&format!("POST {of}/peers"), json!(["none"]), 412),
            (&format!("GET {of}-none/peers"), NONE, 404),
        ])
        .await;
        assert_eq!(rest.get(&format!("{of}/peers")).await, json!(["standalone"]));
        rest.answers(&[
            (&format!("PUT {tenant}"), allowed(&name), 204),
            // Its namespaces cannot be here.
            (&format!("PUT /namespaces/{name}/orders"), NONE, 403),
            (&format!("DELETE {tenant}"), NONE, 204),
            (&format!("DELETE {of}"), NONE, 204),
            (&format!("DELETE {of}"), NONE, 404),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn one_broker_has_no_domains_that_fail_and_isolates_no_namespaces() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        assert_eq!(rest.get("/clusters/standalone/failureDomains").await, json!({}));
        rest.answers(&[
            ("GET /clusters/standalone/failureDomains/none", NONE, 404),
            ("DELETE /clusters/standalone/failureDomains/none", NONE, 404),
            ("GET /clusters/standalone/namespaceIsolationPolicies", NONE, 404),
            ("GET /clusters/standalone/namespaceIsolationPolicies/none", NONE, 404),
            ("GET /clusters/none/namespaceIsolationPolicies", NONE, 404),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_does_not_change_while_a_broker_runs_is_refused() {
    on_every_engine(async |engine| {
        let rest = Rest::of(engine);
        rest.answers(&[
            ("POST /brokers/configuration/maxMessageSize/1000", NONE, 412),
            ("POST /brokers/configuration/none/1", NONE, 412),
            ("DELETE /brokers/configuration/none", NONE, 412),
            ("GET /brokers/standalone/none.test:1/ownedNamespaces", NONE, 404),
        ])
        .await;
        let broker = rest.get("/brokers").await[0].as_str().unwrap().to_owned();
        let owned = rest.get(&format!("/brokers/standalone/{broker}/ownedNamespaces")).await;
        let all = owned.as_object().unwrap();
        assert!(all.values().all(|bundle| bundle["is_active"] == true), "{owned}");
        assert!(!all.is_empty());
    })
    .await;
}
