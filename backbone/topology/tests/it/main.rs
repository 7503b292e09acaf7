//! A file applied to the backbone, and to a real Pulsar where there is one.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::path::Path;

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{AdminClient, AdminOptions, TopicName};
use hexalpes_topology::{Applied, Change, Plan, Topology};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Runs a scenario on each engine, with the name of a tenant that nobody else has.
async fn on_every_engine(about: &str, scenario: impl AsyncFn(&AdminClient, &str)) {
    let tenant = format!("topology-{about}-{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("pulsar://{}", listener.local_addr().unwrap());
    let admin_url = format!("http://{}", admin_listener.local_addr().unwrap());
    let broker = Broker::open(BrokerOptions::new(folder.path(), url)).unwrap();
    let serving = broker.clone();
    tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
    let router = hexalpes_admin::router(broker.clone());
    tokio::spawn(async move { axum::serve(admin_listener, router).await });
    let pulsar = hexalpes_engines::pulsar().map(|urls| urls.admin);
    for url in [Some(admin_url), pulsar].into_iter().flatten() {
        println!("on {url}");
        let admin = AdminClient::new(AdminOptions::new(url)).unwrap();
        scenario(&admin, &tenant).await;
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
