//! The admin interface over a socket, as the client calls it and by itself.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod metrics;
mod rights;
mod schemas;

use std::sync::Arc;

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::admin::{AdminClient, AdminOptions, InactiveTopics, Retention};
use hexalpes_files::{Files, ForgetfulFiles, RealFiles};
use hexalpes_wire::TopicName;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SERVICE: &str = "pulsar://broker.test:6650";

struct TestAdmin {
    address: String,
    client: AdminClient,
    _data: TempDir,
}

impl TestAdmin {
    async fn start() -> Self {
        Self::start_on(Arc::new(RealFiles)).await
    }

    async fn start_on(files: Arc<dyn Files>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = BrokerOptions { files, ..BrokerOptions::new(data.path(), SERVICE) };
        let broker = Broker::open(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, hexalpes_admin::router(broker)).await.unwrap() });
        let client = AdminClient::new(AdminOptions::new(format!("http://{address}"))).unwrap();
        Self { address, client, _data: data }
    }

    /// Status and body: null if empty, a string if it is not JSON.
    async fn call(&self, request: &str, body: &str) -> (u16, Value) {
        call(&self.address, request, "", body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(&format!("GET {path}"), "").await
    }

    /// The status of a call that has no body; whatever is refused says why.
    async fn status(&self, request: &str) -> u16 {
        let (status, body) = self.call(request, "").await;
        assert_eq!(status >= 400, body["reason"].is_string(), "{request}: {status} {body}");
        status
    }
}

/// With headers besides, each with its end. Status and body: null if empty, a string if it is not JSON.
async fn call(address: &str, request: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!("{request} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n{headers}");
    let whole = format!("{head}connection: close\r\n\r\n{body}");
    socket.write_all(whole.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if text.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
}

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

/// Accepts S0-HC-3.
#[tokio::test]
async fn the_client_finds_a_healthy_broker_of_one_cluster() {
    let admin = TestAdmin::start().await;
    admin.client.health().await.unwrap();
    assert_eq!(admin.get("/admin/v2/brokers/health").await, (200, json!("ok")));
    assert_eq!(admin.get("/admin/v2/brokers/ready").await, (200, json!("ok")));
    assert_eq!(admin.client.clusters().await.unwrap(), ["standalone"]);
    assert_eq!(admin.get("/admin/v2/clusters/standalone").await.1["brokerServiceUrl"], SERVICE);
    assert_eq!(admin.status("GET /admin/v2/clusters/other").await, 404);
}

#[tokio::test]
async fn a_broker_whose_disk_fails_is_not_healthy() {
    const HEALTH: &str = "GET /admin/v2/brokers/health";
    for fail in [|disk: &ForgetfulFiles| disk.fail_sync(1), |disk: &ForgetfulFiles| disk.set_read_only(true)]
    {
        let disk = ForgetfulFiles::new();
        let admin = TestAdmin::start_on(Arc::new(disk.clone())).await;
        assert_eq!(admin.status(HEALTH).await, 200);
        fail(&disk);
        for _ in 0..2 {
            assert_eq!(admin.status(HEALTH).await, 500);
        }
    }
}

#[tokio::test]
async fn the_client_creates_tenants_and_namespaces_as_often_as_it_likes() {
    let admin = TestAdmin::start().await;
    for _ in 0..2 {
        admin.client.create_tenant("alpes").await.unwrap();
        admin.client.create_namespace("alpes/sales").await.unwrap();
    }
    assert_eq!(admin.client.tenants().await.unwrap(), ["alpes", "public"]);
    assert_eq!(admin.client.namespaces("alpes").await.unwrap(), ["alpes/sales"]);
    assert_eq!(admin.client.namespaces("public").await.unwrap(), ["public/default"]);
}

#[tokio::test]
async fn policies_come_back_as_they_were_set_until_they_are_unset() {
    let admin = TestAdmin::start().await;
    let (client, namespace) = (&admin.client, "public/default");
    assert_eq!(client.deduplication(namespace).await.unwrap(), None);
    assert_eq!(client.retention(namespace).await.unwrap(), None);
    let retention = Retention { time_minutes: -1, size_mb: 512 };
    client.set_deduplication(namespace, true).await.unwrap();
    client.set_retention(namespace, retention).await.unwrap();
    client.set_inactive_topics(namespace, &InactiveTopics::kept()).await.unwrap();
    assert_eq!(client.deduplication(namespace).await.unwrap(), Some(true));
    assert_eq!(client.retention(namespace).await.unwrap(), Some(retention));
    assert_eq!(client.inactive_topics(namespace).await.unwrap(), Some(InactiveTopics::kept()));
    let (_, all) = admin.get("/admin/v2/namespaces/public/default").await;
    assert_eq!(all["deduplicationEnabled"], true);
    assert_eq!(all["retention_policies"]["retentionSizeInMB"], 512);

    for policy in ["deduplication", "retention", "inactiveTopicPolicies"] {
        let path = format!("/admin/v2/namespaces/public/default/{policy}");
        assert_eq!(admin.status(&format!("DELETE {path}")).await, 204);
        assert_eq!(admin.get(&path).await, (200, Value::Null));
    }
}

#[tokio::test]
async fn policies_that_are_none_are_refused() {
    let admin = TestAdmin::start().await;
    let post = async |policy: &str, body: &str| {
        admin.call(&format!("POST /admin/v2/namespaces/public/default/{policy}"), body).await.0
    };
    assert_eq!(post("deduplication", "1").await, 400);
    assert_eq!(post("deduplication", "").await, 400);
    assert_eq!(post("retention", r#"{"retentionTimeInMinutes":0,"retentionSizeInMB":5}"#).await, 412);
    assert_eq!(post("inactiveTopicPolicies", r#"{"deleteWhileInactive":true}"#).await, 400);
    assert_eq!(post("backlogQuota", "{}").await, 400);
    assert_eq!(post("nothing", "{}").await, 404);
}

#[tokio::test]
async fn the_client_creates_lists_and_deletes_topics() {
    let admin = TestAdmin::start().await;
    let (client, name) = (&admin.client, topic("public/default/a b+é"));
    client.create_topic(&name).await.unwrap();
    client.create_topic(&name).await.unwrap();
    assert_eq!(client.topics("public/default").await.unwrap(), [name.to_string()]);
    let stats = client.stats(&name).await.unwrap();
    assert_eq!(stats["msgInCounter"], 0);
    assert_eq!(stats["storageSize"], 0);
    assert_eq!(stats["publishers"], json!([]));
    assert_eq!(stats["subscriptions"], json!({}));
    client.delete_topic(&name, false).await.unwrap();
    client.delete_topic(&name, false).await.unwrap();
    assert!(client.topics("public/default").await.unwrap().is_empty());
}

#[tokio::test]
async fn metrics_are_of_each_topic_and_subscription_under_the_names_of_pulsar() {
    let admin = TestAdmin::start().await;
    admin.client.create_topic(&topic("public/default/a\"b")).await.unwrap();
    for path in ["/metrics", "/metrics/"] {
        let (status, text) = admin.get(path).await;
        let text = text.as_str().unwrap();
        assert_eq!(status, 200);
        let labels = r#"cluster="standalone",namespace="public/default""#;
        let topic = format!(r#"{labels},topic="persistent://public/default/a\"b""#);
        for line in [
            "# TYPE pulsar_topics_count gauge".to_owned(),
            format!("pulsar_topics_count{{{labels}}} 1"),
            "# TYPE pulsar_in_messages_total counter".to_owned(),
            format!("pulsar_in_messages_total{{{topic}}} 0"),
            format!("pulsar_producers_count{{{topic}}} 0"),
        ] {
            assert!(text.lines().any(|shown| shown == line), "no {line} in\n{text}");
        }
    }
}

/// What `pulsar-admin` asks for `clusters list`, `brokers list` and `topics list`.
#[tokio::test]
async fn the_lists_of_pulsar_admin_are_whole() {
    let admin = TestAdmin::start().await;
    let (_, configuration) = admin.get("/admin/v2/brokers/configuration/runtime").await;
    assert_eq!(configuration["clusterName"], "standalone");
    assert_eq!(admin.get("/admin/v2/brokers/standalone").await, (200, json!([admin.address])));
    let name = topic("public/default/orders");
    admin.client.create_topic(&name).await.unwrap();
    let persistent = "/admin/v2/persistent/public/default?includeSystemTopic=false";
    assert_eq!(admin.get(persistent).await, (200, json!([name.to_string()])));
    for none in ["non-persistent/public/default", "persistent/public/default/partitioned"] {
        assert_eq!(admin.get(&format!("/admin/v2/{none}")).await, (200, json!([])), "{none}");
    }
    let (_, stats) = admin.get("/admin/v2/persistent/public/default/orders/stats").await;
    assert_eq!(stats["msgRateOut"].to_string(), "0.0");
}

#[tokio::test]
async fn topics_that_are_not_persistent_have_lists_of_their_own() {
    let admin = TestAdmin::start().await;
    let passing = "/admin/v2/non-persistent/public/default";
    assert_eq!(admin.status(&format!("PUT {passing}/one")).await, 204);
    assert_eq!(admin.status(&format!("PUT {passing}/one")).await, 409);
    admin.client.create_topic(&topic("public/default/stored")).await.unwrap();
    let (one, stored) = ("non-persistent://public/default/one", "persistent://public/default/stored");
    let topics = "/admin/v2/namespaces/public/default/topics";
    for (list, expected) in [
        (passing, json!([one])),
        ("/admin/v2/persistent/public/default", json!([stored])),
        (topics, json!([stored])),
        (&format!("{topics}?mode=NON_PERSISTENT"), json!([one])),
        (&format!("{topics}?mode=ALL"), json!([stored, one])),
    ] {
        assert_eq!(admin.get(list).await, (200, expected), "{list}");
    }
    assert_eq!(admin.get(&format!("{passing}/one/subscriptions")).await, (200, json!([])));
    assert_eq!(admin.get(&format!("{passing}/one/stats")).await.1["msgDropRate"], 0.0);
    assert_eq!(admin.get(&format!("{passing}/none/stats")).await.0, 404);
    let lookup = admin.get("/lookup/v2/topic/non-persistent/public/default/one").await;
    assert_eq!((lookup.0, &lookup.1["brokerUrl"]), (200, &json!(SERVICE)));
    assert_eq!(admin.status(&format!("DELETE {passing}/one")).await, 204);
    assert_eq!(admin.get(passing).await, (200, json!([])));
}

#[tokio::test]
async fn a_lookup_leads_to_the_broker() {
    let admin = TestAdmin::start().await;
    let http = format!("http://{}", admin.address);
    assert_eq!(
        admin.get("/lookup/v2/topic/persistent/public/default/orders").await,
        (200, json!({ "brokerUrl": SERVICE, "nativeUrl": SERVICE, "httpUrl": http }))
    );
    let topic = "/admin/v2/persistent/public/default/orders";
    assert_eq!(admin.status(&format!("PUT {topic}")).await, 204);
    assert_eq!(admin.get(&format!("{topic}/subscriptions")).await, (200, json!([])));
}

#[tokio::test]
async fn what_is_not_there_is_404_what_is_there_already_409_and_a_bad_name_412() {
    let admin = TestAdmin::start().await;
    for (status, request) in [
        (404, "GET /"),
        (404, "GET /admin/v2/nothing"),
        (404, "GET /admin/v2/non-persistent/public/none"),
        (404, "GET /admin/v2/persistent/public/none/partitioned"),
        (405, "GET /admin/v2/persistent/public/default/topic"),
        (404, "GET /admin/v2/tenants/nobody"),
        (404, "GET /admin/v2/namespaces/nobody"),
        (404, "PUT /admin/v2/namespaces/nobody/any"),
        (404, "GET /admin/v2/namespaces/public/none"),
        (404, "GET /admin/v2/namespaces/public/none/retention"),
        (404, "DELETE /admin/v2/namespaces/public/none"),
        (404, "GET /admin/v2/persistent/public/none"),
        (404, "PUT /admin/v2/persistent/public/none/topic"),
        (404, "GET /admin/v2/persistent/public/default/none/stats"),
        (404, "GET /admin/v2/persistent/public/default/none/subscriptions"),
        (404, "DELETE /admin/v2/persistent/public/default/none"),
        (404, "GET /lookup/v2/topic/persistent/public/none/topic"),
        (200, "GET /lookup/v2/topic/persistent/public/default/topic?listenerName="),
        (412, "GET /lookup/v2/topic/persistent/public/default/topic?listenerName=outside"),
        (405, "PATCH /admin/v2/tenants"),
        (409, "PUT /admin/v2/tenants/public"),
        (409, "PUT /admin/v2/namespaces/public/default"),
        (204, "PUT /admin/v2/persistent/public/default/topic"),
        (409, "PUT /admin/v2/persistent/public/default/topic"),
        (412, "PUT /admin/v2/tenants/a%20b"),
        (412, "PUT /admin/v2/tenants/persistent%3A%2F%2Fa"),
        (412, "PUT /admin/v2/namespaces/public/a%20b"),
        (412, "PUT /admin/v2/persistent/public/default/%20"),
        (412, "PUT /admin/v2/persistent/public/default/a%2Fb"),
        (400, "PUT /admin/v2/tenants/%FF"),
        (400, "DELETE /admin/v2/persistent/public/default/topic?force=maybe"),
    ] {
        assert_eq!(admin.status(request).await, status, "{request}");
    }
}

#[tokio::test]
async fn only_what_is_empty_is_deleted() {
    let admin = TestAdmin::start().await;
    for (status, request) in [
        (204, "PUT /admin/v2/tenants/alpes"),
        (204, "PUT /admin/v2/namespaces/alpes/sales"),
        (204, "PUT /admin/v2/persistent/alpes/sales/orders"),
        (409, "DELETE /admin/v2/tenants/alpes"),
        (409, "DELETE /admin/v2/namespaces/alpes/sales"),
        (204, "DELETE /admin/v2/persistent/alpes/sales/orders"),
        (204, "DELETE /admin/v2/namespaces/alpes/sales"),
        (204, "DELETE /admin/v2/tenants/alpes"),
        (404, "GET /admin/v2/tenants/alpes"),
        (204, "DELETE /admin/v2/namespaces/public/default"),
        (404, "GET /admin/v2/namespaces/public/default"),
    ] {
        assert_eq!(admin.status(request).await, status, "{request}");
    }
}

/// Accepts S0-TC-1.
#[tokio::test]
async fn topics_with_partitions_are_made_grown_and_deleted_as_pulsar_does() {
    let admin = TestAdmin::start().await;
    let at = |name: &str, rest: &str| format!("/admin/v2/persistent/public/default/{name}{rest}");
    let partitions = |name: &str| at(name, "/partitions");
    for (method, name, body, status) in [
        ("PUT", "orders", "0", 406),
        ("PUT", "orders", "-1", 406),
        ("PUT", "orders", "5000", 406),
        ("PUT", "orders", "\"x\"", 400),
        ("PUT", "a-partition-2", "2", 412),
        ("PUT", "orders", "3", 204),
        ("PUT", "orders", "3", 409),
        ("POST", "orders", "2", 422),
        ("POST", "orders", "3", 204),
        ("POST", "orders", "5", 204),
        ("POST", "nothing", "5", 409),
    ] {
        let (answered, why) = admin.call(&format!("{method} {}", partitions(name)), body).await;
        assert_eq!(
            (answered, why["reason"].is_string()),
            (status, status >= 400),
            "{method} {name} {body}: {why}"
        );
    }
    assert_eq!(admin.get(&partitions("orders")).await, (200, json!({ "partitions": 5, "deleted": false })));
    assert_eq!(admin.status(&format!("GET {}", partitions("nothing"))).await, 404);
    let name = "persistent://public/default/orders";
    assert_eq!(admin.get(&at("partitioned", "")).await, (200, json!([name])));
    let each: Vec<_> = (0..5).map(|number| format!("{name}-partition-{number}")).collect();
    assert_eq!(admin.get("/admin/v2/persistent/public/default").await, (200, json!(each)));

    let (status, stats) = admin.get(&at("orders", "/partitioned-stats")).await;
    assert_eq!((status, &stats["metadata"]["partitions"]), (200, &json!(5)));
    assert_eq!(stats["partitions"].as_object().unwrap().len(), 5);
    assert_eq!(admin.status(&format!("GET {}", at("orders", "/stats"))).await, 404);

    // A topic is one or the other.
    assert_eq!(admin.status(&format!("PUT {}", at("orders", ""))).await, 409);
    assert_eq!(admin.status(&format!("DELETE {}", at("orders", ""))).await, 409);
    assert_eq!(admin.status(&format!("PUT {}", at("plain", ""))).await, 204);
    assert_eq!(admin.call(&format!("PUT {}", partitions("plain")), "2").await.0, 409);
    assert_eq!(admin.get(&partitions("plain")).await, (200, json!({ "partitions": 0, "deleted": false })));
    assert_eq!(admin.status(&format!("GET {}", at("plain", "/partitioned-stats"))).await, 404);
    assert_eq!(admin.status(&format!("DELETE {}", partitions("plain"))).await, 409);
    assert_eq!(admin.status(&format!("PUT {}", at("plain-partition-2", ""))).await, 412);

    assert_eq!(admin.status(&format!("DELETE {}", partitions("orders"))).await, 204);
    assert_eq!(admin.status(&format!("DELETE {}", partitions("orders"))).await, 404);
    let plain = json!(["persistent://public/default/plain"]);
    assert_eq!(admin.get("/admin/v2/persistent/public/default").await, (200, plain));
}

#[tokio::test]
async fn a_namespace_says_what_becomes_of_topics_that_nobody_made() {
    let admin = TestAdmin::start().await;
    let policy = "/admin/v2/namespaces/public/default/autoTopicCreation";
    assert_eq!(admin.get(policy).await, (200, Value::Null));
    for wrong in [
        r#"{"allowAutoTopicCreation":true,"topicType":"partitioned","defaultNumPartitions":0}"#,
        r#"{"allowAutoTopicCreation":true,"topicType":"partitioned"}"#,
        r#"{"allowAutoTopicCreation":true,"topicType":"non-partitioned","defaultNumPartitions":2}"#,
    ] {
        assert_eq!(admin.call(&format!("POST {policy}"), wrong).await.0, 412, "{wrong}");
    }
    let three =
        json!({ "allowAutoTopicCreation": true, "topicType": "partitioned", "defaultNumPartitions": 3 });
    assert_eq!(admin.call(&format!("POST {policy}"), &three.to_string()).await.0, 204);
    assert_eq!(admin.get(policy).await, (200, three));
    let partitions = "/admin/v2/persistent/public/default/orders/partitions";
    assert_eq!(admin.get(partitions).await.0, 404);
    let made = admin.get(&format!("{partitions}?checkAllowAutoCreation=true")).await;
    assert_eq!(made, (200, json!({ "partitions": 3, "deleted": false })));
    assert_eq!(admin.get(partitions).await, made);
}

#[tokio::test]
async fn a_namespace_says_how_strict_it_is_about_schemas() {
    const OF: &str = "/admin/v2/namespaces/public/default";
    let admin = TestAdmin::start().await;
    let strategy = format!("{OF}/schemaCompatibilityStrategy");
    assert_eq!(admin.get(&strategy).await, (200, json!("UNDEFINED")));
    assert_eq!(admin.call(&format!("PUT {strategy}"), "\"FORWARD\"").await.0, 204);
    assert_eq!(admin.get(&strategy).await, (200, json!("FORWARD")));
    let (status, refused) = admin.call(&format!("PUT {strategy}"), "\"SIDEWAYS\"").await;
    assert!(status == 412 && refused["reason"].as_str().unwrap().contains("FULL_TRANSITIVE"), "{refused}");
    assert_eq!(admin.call(&format!("POST {strategy}"), "\"FULL\"").await.0, 405);
    for (policy, unset) in [("isAllowAutoUpdateSchema", true), ("schemaValidationEnforced", false)] {
        let path = format!("{OF}/{policy}");
        assert_eq!(admin.get(&path).await, (200, json!(unset)));
        assert_eq!(admin.call(&format!("POST {path}"), &(!unset).to_string()).await.0, 204);
        assert_eq!(admin.get(&path).await, (200, json!(!unset)));
    }
    let (_, policies) = admin.get(OF).await;
    assert_eq!(policies["schema_compatibility_strategy"], "FORWARD");
    assert_eq!(policies["is_allow_auto_update_schema"], false);
}
