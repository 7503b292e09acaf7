//! A file applied to the backbone, and to a real Pulsar where there is one.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::path::Path;

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{
    AdminClient, AdminOptions, Client, ClientOptions, Outgoing, ProducerOptions, TopicName,
};
use hexalpes_topology::{Applied, Change, Plan, Topology};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Runs a scenario on each engine, with the name of a tenant that nobody else has.
async fn on_every_engine(about: &str, scenario: impl AsyncFn(&AdminClient, &str)) {
    on_every_engine_with_clients(about, async |_, admin, tenant| scenario(admin, tenant).await).await;
}

/// The same with a client of the engine.
async fn on_every_engine_with_clients(about: &str, scenario: impl AsyncFn(&Client, &AdminClient, &str)) {
    let tenant = format!("topology-{about}-{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("pulsar://{}", listener.local_addr().unwrap());
    let admin_url = format!("http://{}", admin_listener.local_addr().unwrap());
    let broker = Broker::open(BrokerOptions::new(folder.path(), &url)).unwrap();
    let serving = broker.clone();
    tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
    let router = hexalpes_admin::router(broker.clone());
    tokio::spawn(async move { axum::serve(admin_listener, router).await });
    let pulsar = hexalpes_engines::pulsar().map(|urls| (urls.service, urls.admin));
    for (url, admin_url) in [Some((url, admin_url)), pulsar].into_iter().flatten() {
        println!("on {url}");
        let admin = AdminClient::new(AdminOptions::new(admin_url)).unwrap();
        let client = Client::new(ClientOptions::new(url)).unwrap();
        scenario(&client, &admin, &tenant).await;
        tidy_up(&admin, &tenant).await;
    }
    broker.close().await.unwrap();
}

/// Topics are what weighs; tenants and namespaces of tests may stay.
async fn tidy_up(admin: &AdminClient, tenant: &str) {
    for namespace in admin.namespaces(tenant).await.unwrap() {
        for topic in admin.partitioned_topics(&namespace).await.unwrap() {
            admin.delete_partitioned_topic(&name(&topic), true).await.unwrap();
        }
        for topic in admin.topics(&namespace).await.unwrap() {
            admin.delete_topic(&name(&topic), true).await.unwrap();
        }
    }
}

fn name(topic: &str) -> TopicName {
    TopicName::parse(topic).unwrap()
}

fn topology(text: &str) -> Topology {
    Topology::parse("sales.toml", text, Path::new(".")).unwrap()
}

async fn plan(admin: &AdminClient, text: &str) -> Plan {
    Plan::make(&topology(text), admin).await.unwrap()
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

const SALE: &str = r#"'{"type":"record","name":"Sale","fields":[{"name":"id","type":"string"}]}'"#;

fn sales(tenant: &str) -> String {
    format!(
        r#"
        [tenants.{tenant}]

        [namespaces."{tenant}/sales"]
        deduplication = true
        retention = {{ time_minutes = 10080, size_mb = 1024 }}
        inactive_topics = "keep"
        schema_compatibility = "BACKWARD"
        schema_validation_enforced = true
        auto_topics = {{ allowed = true, partitions = 3 }}
        permissions = {{ billing = ["consume", "produce"] }}

        [topics."{tenant}/sales/orders"]
        partitions = 2
        subscriptions = ["billing", "audit"]
        schema = {{ type = "JSON", definition = {SALE} }}

        [topics."{tenant}/sales/returns"]
        "#
    )
}

#[tokio::test]
async fn what_a_file_says_is_made_once_and_then_nothing_is_left_to_do() {
    on_every_engine("made", async |admin, tenant| {
        let text = sales(tenant);
        let first = plan(admin, &text).await;
        assert_eq!(lines(&first)[0], format!("+ tenant {tenant}"));
        assert!(lines(&first).contains(&format!("+ topic persistent://{tenant}/sales/orders: 2 partitions")));
        let mut told = 0;
        let applied = first.apply(admin, |_| told += 1).await.unwrap();
        assert_eq!((applied.created, applied.deleted), (7, 0));
        assert_eq!(told, first.steps.len());

        let orders = name(&format!("{tenant}/sales/orders"));
        assert_eq!(admin.partitions(&orders).await.unwrap(), 2);
        let mut subscriptions = admin.subscriptions(&orders).await.unwrap();
        subscriptions.sort();
        assert_eq!(subscriptions, ["audit", "billing"]);
        assert_eq!(admin.schema(&orders).await.unwrap().unwrap()["type"], "JSON");
        let namespace = format!("{tenant}/sales");
        assert_eq!(admin.deduplication(&namespace).await.unwrap(), Some(true));

        let again = plan(admin, &text).await;
        assert_eq!(lines(&again), Vec::<String>::new());
        assert_eq!(first.apply(admin, |_| {}).await.unwrap().created, 7, "each step may be repeated");
    })
    .await;
}

#[tokio::test]
async fn what_differs_is_changed_and_partitions_only_grow() {
    on_every_engine("changed", async |admin, tenant| {
        let text = sales(tenant);
        plan(admin, &text).await.apply(admin, |_| {}).await.unwrap();
        let other = text
            .replace("partitions = 2", "partitions = 5")
            .replace("size_mb = 1024", "size_mb = 2048")
            .replace("[\"consume\", \"produce\"]", "[\"consume\"]");
        let change = plan(admin, &other).await;
        assert!(change.steps.iter().all(|step| step.change == Change::Change), "{:?}", lines(&change));
        assert_eq!(change.steps.len(), 3);
        let applied = change.apply(admin, |_| {}).await.unwrap();
        assert_eq!(applied, Applied { changed: 3, ..Applied::default() });
        assert!(plan(admin, &other).await.is_done());

        for (wrong, words) in [
            ("partitions = 2", "the topic has 5: partitions cannot be taken away; write 5"),
            ("partitions = \"none\"", "the topic has 5"),
        ] {
            let wrong = topology(&other.replace("partitions = 5", wrong));
            let error = Plan::make(&wrong, admin).await.unwrap_err().to_string();
            assert!(error.starts_with("sales.toml: topics.") && error.contains(words), "{error}");
        }
        let wrong = other.replace("/sales/returns\"]", "/sales/returns\"]\npartitions = 2");
        let error = Plan::make(&topology(&wrong), admin).await.unwrap_err().to_string();
        assert!(error.contains("was made without partitions"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn what_is_only_there_stays_until_it_is_pruned() {
    on_every_engine("pruned", async |admin, tenant| {
        let text = sales(tenant);
        plan(admin, &text).await.apply(admin, |_| {}).await.unwrap();
        let (orders, extra) =
            (name(&format!("{tenant}/sales/orders")), name(&format!("{tenant}/sales/extra")));
        let parted = name(&format!("{tenant}/sales/parted"));
        admin.create_topic(&extra).await.unwrap();
        admin.create_partitioned_topic(&parted, 2).await.unwrap();
        admin.create_subscription(&orders, "somebody").await.unwrap();
        admin.create_namespace(&format!("{tenant}/elsewhere")).await.unwrap();

        let found = plan(admin, &text).await;
        assert!(found.is_done());
        assert_eq!(found.apply(admin, |_| {}).await.unwrap(), Applied::default());
        let mut told = lines(&found);
        told.sort();
        assert_eq!(
            told,
            [
                format!("? namespace {tenant}/elsewhere is only there"),
                format!("? subscription somebody of topic {orders} is only there"),
                format!("? topic {extra} is only there"),
                format!("? topic {parted} is only there"),
            ]
        );
        assert_eq!(found.prune(admin, |_| {}).await.unwrap().deleted, 3);
        assert_eq!(
            lines(&plan(admin, &text).await),
            [format!("? namespace {tenant}/elsewhere is only there")]
        );
        assert_eq!(admin.subscriptions(&orders).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn letters_of_planned_topics_stay_and_what_nobody_has_read_is_told() {
    on_every_engine_with_clients("letters", async |client, admin, tenant| {
        let text = sales(tenant).replace("schema_validation_enforced = true", "");
        plan(admin, &text).await.apply(admin, |_| {}).await.unwrap();
        let topic = |local: &str| name(&format!("{tenant}/sales/{local}"));
        let letters = ["dead-letters", "orders-billing-DLQ", "orders-billing-RETRY", "returns-audit-dlq"];
        for local in letters {
            admin.create_topic(&topic(local)).await.unwrap();
        }
        let (read, unread, orphan) = (topic("read"), topic("unread"), topic("others-billing-DLQ"));
        admin.create_topic(&read).await.unwrap();
        admin.create_partitioned_topic(&unread, 2).await.unwrap();
        for (topic, subscription) in [(&unread, "somebody"), (&topic("orders"), "stranger")] {
            admin.create_subscription(topic, subscription).await.unwrap();
            let producer = client.producer(&topic.to_string(), ProducerOptions::default()).await.unwrap();
            for partition in [0, 1, 1] {
                producer.send(Outgoing { partition: Some(partition), ..Outgoing::new("x") }).await.unwrap();
            }
            producer.close().await;
        }
        let producer = client.producer(&orphan.to_string(), ProducerOptions::default()).await.unwrap();
        producer.send(Outgoing::new("x")).await.unwrap();
        producer.close().await;

        let found = plan(admin, &text).await;
        let mut prunable: Vec<_> = found.prunable().map(ToString::to_string).collect();
        prunable.sort();
        let [stranger, orphaned, is_read, is_unread] = &prunable[..] else { panic!("{prunable:?}") };
        let orders = topic("orders");
        assert_eq!(
            *stranger,
            format!("? subscription stranger of topic {orders} (3 unread messages) is only there")
        );
        let (start, end) = (format!("? topic {orphan} ("), " bytes without a reader) is only there");
        assert!(orphaned.starts_with(&start) && orphaned.ends_with(end), "{orphaned}");
        assert_eq!(*is_read, format!("? topic {read} is only there"));
        assert_eq!(*is_unread, format!("? topic {unread} (3 unread messages) is only there"));

        assert_eq!(found.prune(admin, |_| {}).await.unwrap().deleted, 4);
        let mut left = lines(&plan(admin, &text).await);
        left.sort();
        assert_eq!(left, letters.map(|local| format!("? topic {} is only there", topic(local))));
    })
    .await;
}

/// Each by itself, as the file has it and as REST has it.
#[tokio::test]
async fn every_setting_of_a_namespace_is_applied_and_then_there() {
    let quota = |size: i64, time: i64, policy: &str| json!({ "destination_storage": { "limitSize": size, "limitTime": time, "policy": policy } });
    let inactive = |delete: bool| {
        json!({
            "inactiveTopicDeleteMode": "delete_when_no_subscriptions",
            "maxInactiveDurationSeconds": 60,
            "deleteWhileInactive": delete,
        })
    };
    let settings: Vec<(&str, &str, Value)> = vec![
        ("deduplication = true", "deduplication", json!(true)),
        ("deduplication = false", "deduplication", json!(false)),
        (
            "retention = { time_minutes = -1, size_mb = -1 }",
            "retention",
            json!({ "retentionTimeInMinutes": -1, "retentionSizeInMB": -1 }),
        ),
        ("ttl_seconds = 3600", "messageTTL", json!(3600)),
        ("ttl_seconds = 0", "messageTTL", json!(0)),
        ("inactive_topics = \"keep\"", "inactiveTopicPolicies", inactive(false)),
        ("inactive_topics = \"delete_without_subscriptions\"", "inactiveTopicPolicies", inactive(true)),
        (
            "backlog_quota = { limit_bytes = 1048576, over = \"producers_wait\" }",
            "backlogQuotaMap",
            quota(1_048_576, -1, "producer_request_hold"),
        ),
        (
            "backlog_quota = { limit_bytes = -1, limit_seconds = 60, over = \"producers_are_refused\" }",
            "backlogQuotaMap",
            quota(-1, 60, "producer_exception"),
        ),
        (
            "backlog_quota = { limit_bytes = 4096, over = \"oldest_messages_go\" }",
            "backlogQuotaMap",
            quota(4096, -1, "consumer_backlog_eviction"),
        ),
        (
            "schema_compatibility = \"FORWARD_TRANSITIVE\"",
            "schemaCompatibilityStrategy",
            json!("FORWARD_TRANSITIVE"),
        ),
        ("schema_auto_update = false", "isAllowAutoUpdateSchema", json!(false)),
        ("schema_validation_enforced = true", "schemaValidationEnforced", json!(true)),
        (
            "auto_topics = { allowed = false }",
            "autoTopicCreation",
            json!({ "allowAutoTopicCreation": false }),
        ),
        (
            "auto_topics = { allowed = true }",
            "autoTopicCreation",
            json!({ "allowAutoTopicCreation": true, "topicType": "non-partitioned" }),
        ),
        (
            "auto_topics = { allowed = true, partitions = 3 }",
            "autoTopicCreation",
            json!({ "allowAutoTopicCreation": true, "topicType": "partitioned", "defaultNumPartitions": 3 }),
        ),
        (
            "auto_subscriptions = false",
            "autoSubscriptionCreation",
            json!({ "allowAutoSubscriptionCreation": false }),
        ),
        (
            "auto_subscriptions = true",
            "autoSubscriptionCreation",
            json!({ "allowAutoSubscriptionCreation": true }),
        ),
        ("permissions = { billing = [\"consume\"] }", "permissions", json!({ "billing": ["consume"] })),
    ];
    on_every_engine("settings", async |admin, tenant| {
        let namespace = format!("{tenant}/sales");
        let file = |line: &str| format!("[namespaces.\"{namespace}\"]\n{line}\n");
        plan(admin, &file("")).await.apply(admin, |_| {}).await.unwrap();
        for (line, path, expected) in &settings {
            let change = plan(admin, &file(line)).await;
            assert_eq!(change.steps.len(), 1, "{line}: {:?}", lines(&change));
            change.apply(admin, |_| {}).await.unwrap();
            let known = admin.policy(&namespace, path).await.unwrap().unwrap();
            assert!(has(&known, expected), "{line}: {known}");
            assert_eq!(lines(&plan(admin, &file(line)).await), Vec::<String>::new(), "{line}");
        }
        let file = format!("[tenants.{tenant}]\nadmin_roles = [\"ops\", \"root\"]\n");
        plan(admin, &file).await.apply(admin, |_| {}).await.unwrap();
        let roles = admin.tenant(tenant).await.unwrap()["adminRoles"].clone();
        assert!(has(&roles, &json!(["ops", "root"])) || has(&roles, &json!(["root", "ops"])), "{roles}");
        assert!(plan(admin, &file).await.is_done());
    })
    .await;
}

/// Whether a value has all that another says.
fn has(value: &Value, expected: &Value) -> bool {
    match expected {
        Value::Object(expected) => expected.iter().all(|(name, expected)| has(&value[name], expected)),
        expected => value == expected,
    }
}
