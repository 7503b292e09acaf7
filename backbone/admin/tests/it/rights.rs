//! Who may call what: the answers are those of a Pulsar 4.0.8 that was asked the same.

use std::{net::SocketAddr, sync::Arc};

use hexalpes_auth::{Authentication, Authorization, Claims, SecretKey, TokenKey};
use hexalpes_broker::{Broker, BrokerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{SERVICE, call};

/// A broker whose superuser is `super`, and whose proxy is `proxy`. `boss` administers tenant `t`; in `t/n`, `prod`
/// and `cons` have a right each, `func` has others, and `topicprod` may produce to topic `a`.
struct Guarded {
    address: SocketAddr,
    _broker: Broker,
    _data: TempDir,
}

fn secret() -> SecretKey {
    SecretKey::new(vec![7; 32]).unwrap()
}

impl Guarded {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = BrokerOptions {
            authentication: Some(Arc::new(Authentication::by_token(TokenKey::secret(secret()), None))),
            authorization: Some(Authorization::new(["super".to_owned()], ["proxy".to_owned()])),
            ..BrokerOptions::new(data.path(), SERVICE)
        };
        let broker = Broker::open(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = hexalpes_admin::router(broker.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let guarded = Self { address, _broker: broker, _data: data };
        let tenant = json!({ "adminRoles": ["boss"], "allowedClusters": ["standalone"] });
        for (role, request, body) in [
            ("super", "PUT /admin/v2/tenants/t", tenant),
            ("boss", "PUT /admin/v2/namespaces/t/n", Value::Null),
            ("boss", "PUT /admin/v2/persistent/t/n/a", Value::Null),
            ("boss", "PUT /admin/v2/persistent/t/n/p/partitions", json!(2)),
            ("boss", "POST /admin/v2/namespaces/t/n/permissions/prod", json!(["produce"])),
            ("boss", "POST /admin/v2/namespaces/t/n/permissions/cons", json!(["consume"])),
            ("boss", "POST /admin/v2/namespaces/t/n/permissions/func", json!(["functions", "packages"])),
            ("boss", "POST /admin/v2/persistent/t/n/a/permissions/topicprod", json!(["produce"])),
        ] {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let (status, answer) = guarded.call(role, request, &body).await;
            assert_eq!(status, 204, "{role} {request}: {answer}");
        }
        guarded
    }

    async fn call(&self, role: &str, request: &str, body: &str) -> (u16, Value) {
        self.call_for(role, "", request, body).await
    }

    /// On somebody's behalf, as a proxy does.
    async fn call_for(&self, role: &str, original: &str, request: &str, body: &str) -> (u16, Value) {
        let token = Claims { sub: Some(role.to_owned()), ..Claims::default() }.sign(&secret());
        let on_behalf = match original {
            "" => String::new(),
            original => format!("x-original-principal: {original}\r\n"),
        };
        let headers = format!("authorization: Bearer {token}\r\n{on_behalf}");
        call(&self.address.to_string(), request, &headers, body).await
    }

    async fn status(&self, role: &str, request: &str) -> u16 {
        self.call(role, request, "").await.0
    }
}

/// Each call with what is answered to `nobody`, `func`, `topicprod`, `prod`, `cons` and `boss`. 0 stands for
/// whatever is answered to who may.
const CALLS: &[(&str, [u16; 6])] = &[
    ("GET /admin/v2/brokers/health", [401, 401, 401, 401, 401, 401]),
    ("GET /admin/v2/brokers/version", [0, 0, 0, 0, 0, 0]),
    ("GET /admin/v2/brokers/configuration/runtime", [401, 401, 401, 401, 401, 401]),
    ("GET /admin/v2/brokers/standalone", [401, 401, 401, 401, 401, 401]),
    ("GET /admin/v2/clusters", [0, 0, 0, 0, 0, 0]),
    ("GET /admin/v2/clusters/standalone", [401, 401, 401, 401, 401, 401]),
    ("GET /admin/v2/tenants", [401, 401, 401, 401, 401, 401]),
    ("GET /admin/v2/tenants/t", [401, 401, 401, 401, 401, 0]),
    ("PUT /admin/v2/tenants/new", [401, 401, 401, 401, 401, 401]),
    ("DELETE /admin/v2/tenants/t", [401, 401, 401, 401, 401, 401]),
    ("GET /admin/v2/namespaces/t", [401, 401, 401, 401, 401, 0]),
    ("GET /admin/v2/namespaces/t/n", [403, 403, 403, 403, 403, 0]),
    ("PUT /admin/v2/namespaces/t/n2", [401, 401, 401, 401, 401, 0]),
    ("DELETE /admin/v2/namespaces/t/n2", [401, 401, 401, 401, 401, 0]),
    ("GET /admin/v2/namespaces/t/n/topics", [403, 403, 403, 0, 0, 0]),
    ("GET /admin/v2/namespaces/t/n/retention", [403, 403, 403, 403, 403, 0]),
    ("POST /admin/v2/namespaces/t/n/retention", [403, 403, 403, 403, 403, 0]),
    ("GET /admin/v2/namespaces/t/n/permissions", [403, 403, 403, 403, 403, 0]),
    ("POST /admin/v2/namespaces/t/n/permissions/x", [403, 403, 403, 403, 403, 0]),
    ("GET /admin/v2/persistent/t/n", [403, 403, 403, 0, 0, 0]),
    ("GET /admin/v2/persistent/t/n/partitioned", [403, 403, 403, 0, 0, 0]),
    ("GET /admin/v2/non-persistent/t/n", [403, 403, 403, 0, 0, 0]),
    ("PUT /admin/v2/persistent/t/n/new", [403, 403, 403, 403, 403, 0]),
    ("DELETE /admin/v2/persistent/t/n/new", [403, 403, 403, 403, 403, 0]),
    ("GET /admin/v2/persistent/t/n/a/stats", [401, 401, 0, 0, 0, 0]),
    ("GET /admin/v2/persistent/t/n/a/subscriptions", [401, 401, 401, 401, 0, 0]),
    ("GET /admin/v2/persistent/t/n/a/partitions", [401, 401, 0, 0, 0, 0]),
    ("PUT /admin/v2/persistent/t/n/newp/partitions", [403, 403, 403, 403, 403, 0]),
    ("POST /admin/v2/persistent/t/n/p/partitions", [403, 403, 403, 403, 403, 0]),
    ("DELETE /admin/v2/persistent/t/n/newp/partitions", [403, 403, 403, 403, 403, 0]),
    ("GET /admin/v2/persistent/t/n/p/partitioned-stats", [401, 401, 401, 0, 0, 0]),
    ("GET /admin/v2/persistent/t/n/a/permissions", [401, 401, 401, 401, 401, 0]),
    ("DELETE /admin/v2/persistent/t/n/a/permissions/x", [401, 401, 401, 401, 401, 0]),
    ("GET /admin/v2/schemas/t/n/a/schema", [401, 401, 0, 0, 0, 0]),
    ("GET /admin/v2/schemas/t/n/a/schemas", [401, 401, 0, 0, 0, 0]),
    ("GET /admin/v2/schemas/t/n/a/schema/0", [401, 401, 0, 0, 0, 0]),
    ("POST /admin/v2/schemas/t/n/a/schema", [401, 401, 0, 0, 401, 0]),
    ("POST /admin/v2/schemas/t/n/a/compatibility", [401, 401, 401, 401, 401, 0]),
    ("POST /admin/v2/schemas/t/n/a/version", [401, 401, 0, 0, 0, 0]),
    ("DELETE /admin/v2/schemas/t/n/a/schema", [401, 401, 401, 401, 401, 0]),
    ("GET /lookup/v2/topic/persistent/t/n/a", [401, 401, 0, 0, 0, 0]),
    ("GET /admin/v2/namespaces/t/n/permissions/subscription", [403, 403, 403, 403, 403, 0]),
    ("POST /admin/v2/namespaces/t/n/permissions/subscription/s", [403, 403, 403, 403, 403, 0]),
    ("DELETE /admin/v2/namespaces/t/n/permissions/s/x", [403, 403, 403, 403, 403, 0]),
    ("PUT /admin/v2/namespaces/t/n/property/a/b", [403, 403, 403, 403, 403, 0]),
    ("POST /admin/v2/namespaces/t/n/publishRate", [403, 403, 403, 403, 403, 0]),
    ("GET /admin/v2/non-persistent/t/n/a/permissions", [401, 401, 401, 401, 401, 0]),
    ("GET /admin/v2/non-persistent/t/n/a/internalStats", [401, 401, 401, 0, 0, 0]),
    ("GET /admin/v2/persistent/t/n/a/internal-info", [401, 401, 0, 0, 0, 0]),
    ("POST /admin/v2/persistent/t/n/p/createMissedPartitions", [401, 401, 401, 0, 0, 0]),
    ("POST /admin/v2/persistent/t/n/a/subscription/s/analyzeBacklog", [401, 401, 401, 401, 0, 0]),
    ("POST /admin/v2/persistent/t/n/a/publishRate", [403, 403, 403, 403, 403, 0]),
    ("GET /admin/v2/schemas/t/n/a/metadata", [401, 401, 0, 0, 0, 0]),
    // Of another tenant.
    ("GET /admin/v2/namespaces/public/default/permissions", [403, 403, 403, 403, 403, 403]),
    ("PUT /admin/v2/namespaces/public/mine", [401, 401, 401, 401, 401, 401]),
];

#[tokio::test]
async fn each_call_is_for_those_that_have_its_right() {
    let guarded = Guarded::start().await;
    for (request, expected) in CALLS {
        for (role, expected) in ["nobody", "func", "topicprod", "prod", "cons", "boss"].iter().zip(expected) {
            let (status, answer) = guarded.call(role, request, "").await;
            if *expected == 0 {
                assert!(![401, 403].contains(&status), "{role} {request}: {status} {answer}");
            } else {
                assert_eq!(status, *expected, "{role} {request}: {answer}");
                assert!(answer["reason"].as_str().unwrap().contains(role), "{role} {request}: {answer}");
            }
        }
        assert!(![401, 403].contains(&guarded.status("super", request).await), "{request}");
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_tells_nobody_more_and_wants_to_know_who_asks() {
    let guarded = Guarded::start().await;
    assert_eq!(guarded.status("nobody", "GET /admin/v2/nothing").await, 404);
    let address = guarded.address.to_string();
    assert_eq!(call(&address, "GET /admin/v2/nothing", "", "").await.0, 401);
    assert_eq!(call(&address, "GET /metrics", "", "").await.0, 200);
}

#[tokio::test]
async fn a_proxy_needs_the_right_itself_and_that_of_the_one_it_speaks_for() {
    const STATS: &str = "GET /admin/v2/persistent/t/n/a/stats";
    let guarded = Guarded::start().await;
    let stats = async |role: &str, original: &str| guarded.call_for(role, original, STATS, "").await.0;
    assert_eq!(stats("proxy", "prod").await, 401, "the proxy has no right itself");
    let grant = "POST /admin/v2/namespaces/t/n/permissions/proxy";
    assert_eq!(guarded.call("boss", grant, r#"["produce","consume"]"#).await.0, 204);
    assert_eq!(stats("proxy", "prod").await, 200);
    assert_eq!(stats("proxy", "boss").await, 200);
    assert_eq!(stats("proxy", "nobody").await, 401);
    assert_eq!(stats("proxy", "").await, 401, "it does not say for whom");
    assert_eq!(stats("proxy", "proxy").await, 401);
    assert_eq!(stats("boss", "super").await, 401, "that is no proxy");
    assert_eq!(stats("boss", "boss").await, 200);
}

#[tokio::test]
async fn a_role_has_what_it_was_granted_last() {
    const OF: &str = "/admin/v2/namespaces/t/n/permissions";
    let guarded = Guarded::start().await;
    let of = async |path: &str| guarded.call("boss", &format!("GET {path}"), "").await;
    assert_eq!(
        of(OF).await,
        (200, json!({ "prod": ["produce"], "cons": ["consume"], "func": ["functions", "packages"] }))
    );
    for (body, status) in [
        (r#"["consume"]"#, 204),
        ("[]", 204),
        (r#"["fly"]"#, 400),
        (r#""produce""#, 400),
        ("", 400),
        (r#"["sources","sinks"]"#, 204),
    ] {
        assert_eq!(guarded.call("boss", &format!("POST {OF}/prod"), body).await.0, status, "{body}");
    }
    assert_eq!(of(OF).await.1["prod"], json!(["sources", "sinks"]));
    for _ in 0..2 {
        assert_eq!(guarded.status("boss", &format!("DELETE {OF}/prod")).await, 204);
    }
    assert_eq!(of(OF).await.1["prod"], Value::Null);
    assert_eq!(guarded.call("super", "POST /admin/v2/namespaces/t/none/permissions/x", "[]").await.0, 404);

    let on = "/admin/v2/persistent/t/n/a/permissions";
    let granted = of(on).await.1;
    assert_eq!((&granted["topicprod"], &granted["cons"]), (&json!(["produce"]), &json!(["consume"])));
    assert_eq!(of("/admin/v2/persistent/t/n/none/permissions").await.0, 404);
    let (_, policies) = of("/admin/v2/namespaces/t/n").await;
    let on_topics = &policies["auth_policies"]["destination_auth"];
    assert_eq!(on_topics, &json!({ "persistent://t/n/a": { "topicprod": ["produce"] } }));
    assert_eq!(guarded.status("boss", "DELETE /admin/v2/persistent/t/n/a").await, 204);
    let (_, policies) = of("/admin/v2/namespaces/t/n").await;
    assert_eq!(policies["auth_policies"]["destination_auth"], json!({}), "a later topic is another");
}

/// As the setup of the official clients' own tests does it.
#[tokio::test]
async fn a_namespace_is_made_with_its_grants() {
    let guarded = Guarded::start().await;
    let body = r#"{"auth_policies":{"namespace_auth":{"anonymous":["produce","consume"]}},
        "replication_clusters":["standalone"]}"#;
    assert_eq!(guarded.call("super", "PUT /admin/v2/namespaces/t/open", body).await.0, 204);
    assert_eq!(guarded.status("anonymous", "GET /admin/v2/persistent/t/open").await, 200);
    assert_eq!(guarded.status("anonymous", "GET /admin/v2/persistent/t/n").await, 403);
}

#[tokio::test]
async fn a_tenant_has_who_administers_it() {
    let guarded = Guarded::start().await;
    let info = |roles: Value, clusters: Value| {
        json!({ "adminRoles": roles, "allowedClusters": clusters }).to_string()
    };
    let (one, ours) = (json!(["one"]), json!(["standalone"]));
    for (request, body, status) in [
        ("PUT /admin/v2/tenants/x", info(one.clone(), json!(["other"])), 412),
        ("PUT /admin/v2/tenants/x", info(one.clone(), json!([])), 412),
        ("PUT /admin/v2/tenants/x", info(one.clone(), Value::Null), 412),
        ("PUT /admin/v2/tenants/x", info(json!(["", " x "]), ours.clone()), 412),
        ("POST /admin/v2/tenants/x", info(one.clone(), ours.clone()), 404),
        ("PUT /admin/v2/tenants/x", info(Value::Null, ours.clone()), 204),
        ("POST /admin/v2/tenants/x", info(json!(["two", "one"]), ours.clone()), 204),
    ] {
        assert_eq!(guarded.call("super", request, &body).await.0, status, "{request} {body}");
    }
    let (_, read) = guarded.call("two", "GET /admin/v2/tenants/x", "").await;
    assert_eq!(read, json!({ "adminRoles": ["one", "two"], "allowedClusters": ["standalone"] }));
    // Who administers a tenant may say who else does, and that it is not among them any more.
    assert_eq!(guarded.call("two", "POST /admin/v2/tenants/x", &info(one, ours)).await.0, 204);
    assert_eq!(guarded.status("two", "GET /admin/v2/tenants/x").await, 401);
}
