//! The platform's topics, made on an empty broker.

use std::process::Command;

use crate::{CHECKOUT, command::printed};
use hexalpes_e2e::{Api, Backbone, Product, calculation, messages};
use hexalpes_engines::{log_databases, program};
use serde_json::json;

/// Accepts S0-CLI-4, S0-CLI-5, S0-CLI-6, S0-ENV-22, S0-ENV-23.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_makes_all_topics_of_the_platform_and_may_be_repeated() {
    let Some(python) = hexalpes_engines::python() else { return };
    let backbone = Backbone::start();
    let urls = backbone.urls();
    let run = || {
        let output = Command::new(&python)
            .arg(format!("{CHECKOUT}/scripts/create_topics.py"))
            .env("HEXALPES", program("hexalpes"))
            .env("PULSAR_BROKER_URL", &urls.service)
            .env("PULSAR_ADMIN_URL", &urls.admin)
            .output()
            .expect("Python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it says UTF-8")
    };
    let made = run();
    assert!(made.contains("hexabuilders/partner-management"), "{made}");

    let port = urls.admin.rsplit(':').next().expect("it names a port").parse().expect("it is a number");
    let rest = Api::on_port(port);
    let (_, namespaces) = rest.get("/admin/v2/namespaces/hexabuilders").await;
    let expected = "hexabuilders/partner-management".into();
    assert!(namespaces.as_array().is_some_and(|all| all.contains(&expected)), "{namespaces}");
    let topic = "/admin/v2/persistent/hexabuilders/partner-management/partner-events";
    let (_, partitioned) = rest.get(&format!("{topic}/partitions")).await;
    assert_eq!(partitioned["partitions"], 4, "{partitioned}");

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = ["--pulsar-broker-url", &urls.service, "--pulsar-admin-url", &urls.admin];
    let asked = |words: &[&str]| printed(folder.path(), &[&at[..], words].concat());
    let event_topic = "persistent://hexabuilders/partner-management/partner-events";
    let listed = asked(&["topics", "list", "hexabuilders"]);
    assert!(listed.contains(&format!("{event_topic}-partition-3")), "{listed}");
    let stats = asked(&["topics", "stats", event_topic]);
    assert!(stats.contains("msgInCounter"), "{stats}");

    let plan = ["--pulsar-broker-url", &urls.service, "--pulsar-admin-url", &urls.admin, "topology", "plan"];
    assert_eq!(printed(folder.path(), &plan).trim(), "nothing differs");
    run();
    assert_eq!(printed(folder.path(), &plan).trim(), "nothing differs");
}

const ROUTES: &str = r#"
[routes.calculated]
outbox = "commissions"
field = "type"
regex = '.*\.Commission(.*)'
topic = "acme/sales/commissions-$1"
headers = { who = "aggregatetype" }
content = "event"

[routes.elsewhere]
outbox = "onboarding"
topic = "acme/sales/contracts"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_where_the_rules_of_a_topology_file_send_them_on_each_database() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("routes.toml");
    std::fs::write(&file, ROUTES).expect("it can be written");
    let file = file.display().to_string();
    let product = routed(&file, None).await;
    let urls = product.urls();
    let at = ["--pulsar-broker-url", &urls.service, "--pulsar-admin-url", &urls.admin];
    let plan = printed(folder.path(), &[&at[..], &["topology", "plan", &file]].concat());
    let rule = "calculated: rows of the outbox of commissions whose type fits";
    assert!(plan.contains("route") && plan.contains(rule), "{plan}");
    assert!(plan.contains("acme/sales/commissions-$1"), "{plan}");
    drop(product);
    for database in log_databases() {
        routed(&file, Some(database.url())).await;
    }
}

/// An event is where its rule sends it, and so is one of after a kill.
async fn routed(file: &str, server: Option<&str>) -> Product {
    let rules = ("HEXALPES_TOPOLOGY_FILE", file.to_owned());
    let address = server.map(|url| ("DATABASE_URL", url.to_owned()));
    let mut product = Product::start_set([rules].into_iter().chain(address).collect());
    let conversions = ["conv-routed", "conv-after"];
    for (number, conversion) in (1..).zip(conversions) {
        // Rows of before a rule was known go without it.
        product.api().until("/debug/relay", |status| status["running"] == true).await;
        let (status, answer) = product.post("/commissions/calculate", &calculation(conversion)).await;
        assert_eq!(status, 201, "{answer}");
        product.event_lines(number);
        if number == 1 {
            product.kill();
            product.restart();
        }
    }
    let topic = "persistent://acme/sales/commissions-Calculated";
    let routed = messages(&product.urls().service, topic).await;
    assert_eq!(routed.len(), conversions.len(), "{server:?}");
    for (message, conversion) in routed.iter().zip(conversions) {
        assert_eq!(message.property("who"), Some("commissions"));
        let event: serde_json::Value = serde_json::from_slice(&message.payload).expect("it is JSON");
        assert_eq!(event["data"]["conversion_id"], json!(conversion), "{event}");
    }
    product
}
