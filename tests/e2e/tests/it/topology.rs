//! The platform's topics, made on an empty broker.

use std::process::Command;

use crate::command::printed;
use hexalpes_e2e::{Api, Backbone};
use hexalpes_engines::program;

/// Accepts S0-CLI-4, S0-CLI-5, S0-CLI-6, S0-ENV-22, S0-ENV-23.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_makes_all_topics_of_the_platform_and_may_be_repeated() {
    let Some(python) = hexalpes_engines::python() else { return };
    let backbone = Backbone::start();
    let urls = backbone.urls();
    let run = || {
        let output = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/create_topics.py"))
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
