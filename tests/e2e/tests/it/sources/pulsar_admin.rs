//! Sources by the program that Pulsar brings.

use std::process::Command;

use hexalpes_e2e::Product;
use hexalpes_engines::{Engine, log_databases};
use serde_json::{Value, json};

use super::table::Table;

/// As seed 3 calls it.
pub(super) const NAME: &str = "mysql-outbox-commissions";

/// Seed 3's own lines, with Pulsar's own program.
///
/// Accepts S3-CLI-4, S3-SRC-2.
#[tokio::test(flavor = "multi_thread")]
async fn pulsar_admin_makes_looks_at_restarts_and_deletes_a_source() {
    if hexalpes_engines::pulsar_program("pulsar-admin").is_none() {
        return;
    }
    let product = Product::start();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = |name: &str| folder.path().join(name).display().to_string();
    // Larger than what a request may otherwise have.
    let archive = at("pulsar-io-debezium-mysql-3.1.2.nar");
    std::fs::write(&archive, vec![0; 8 << 20]).expect("it can be written");
    let config = at("debezium-mysql-outbox.json");
    let mut seed: Value = serde_json::from_str(SEED).expect("it is JSON");
    // Nobody is there.
    seed["configs"]["database.hostname"] = "127.0.0.1".into();
    seed["configs"]["database.port"] = "1".into();
    std::fs::write(&config, seed.to_string()).expect("it can be written");
    let admin = |words: &[&str]| -> (bool, String) {
        let mut command: Command = hexalpes_engines::pulsar_program("pulsar-admin").expect("it was there");
        command.arg("--admin-url").arg(&product.urls().admin).arg("sources").args(words);
        let output = command.output().expect("it starts");
        let is_done = output.status.success();
        let said = if is_done { output.stdout } else { [output.stdout, output.stderr].concat() };
        (is_done, String::from_utf8_lossy(&said).into_owned())
    };
    let named = ["--tenant", "public", "--namespace", "default", "--name", NAME];
    let (done, told) = admin(&[&["delete"][..], &named].concat());
    assert!(!done && told.contains(&format!("Source {NAME} doesn't exist")), "{told}");
    let topic = "persistent://public/default/outbox-events";
    let create = ["--archive", &archive, "--destination-topic-name", topic, "--source-config-file", &config];
    let (done, told) = admin(&[&["create"][..], &named, &create].concat());
    assert!(done && told.contains("Created successfully"), "{told}");
    let (done, told) = admin(&[&["create"][..], &named, &create].concat());
    assert!(!done && told.contains("already exists"), "{told}");
    let (done, told) = admin(&[&["status"][..], &named].concat());
    assert!(done && told.contains("numReceivedFromSource") && told.contains("numWritten"), "{told}");
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    let instance = &told["instances"][0]["status"];
    assert_eq!((&told["numInstances"], &instance["running"]), (&json!(1), &json!(true)), "{told}");
    assert!(instance["error"].as_str().is_some_and(|error| error.contains("does not answer")), "{told}");
    let (done, told) = admin(&[&["status"][..], &named, &["--instance-id", "0"]].concat());
    assert!(done && told.contains("numWritten"), "{told}");
    for instance in [&[][..], &["--instance-id", "0"]] {
        let (done, told) = admin(&[&["restart"][..], &named, instance].concat());
        assert!(done, "{told}");
    }
    let (done, told) = admin(&[&["restart"][..], &named, &["--instance-id", "1"]].concat());
    assert!(!done && told.contains("has one instance, 0"), "{told}");
    let (done, told) = admin(&["list", "--tenant", "public", "--namespace", "default"]);
    assert!(done && told.contains(NAME), "{told}");
    let (done, told) = admin(&[&["get"][..], &named].concat());
    assert!(done && told.contains("alpes.outbox_event") && told.contains("******"), "{told}");
    let (done, told) = admin(&[&["delete"][..], &named].concat());
    assert!(done, "{told}");

    // And one whose database is there, of the seed's kind.
    let databases = log_databases().into_iter().filter(|database| database.engine() == Engine::MySql);
    for table in databases.map(|database| Table::make(database, "admin")) {
        table.insert(0..3);
        std::fs::write(&config, table.config().to_string()).expect("it can be written");
        let named = ["--tenant", "public", "--namespace", "default", "--name", &table.source];
        let create = ["--source-config-file", &config];
        let (done, told) = admin(&[&["create"][..], &named, &create].concat());
        assert!(done, "{told}");
        table.written(&product, 3);
        let (done, told) = admin(&[&["status"][..], &named].concat());
        let told: Value = serde_json::from_str(&told).expect("it is JSON");
        let status = &told["instances"][0]["status"];
        let counts = (&status["running"], &status["numReceivedFromSource"], &status["numWritten"]);
        assert!(done && counts == (&json!(true), &json!(3), &json!(3)), "{told}");
        let (done, told) = admin(&[&["delete"][..], &named].concat());
        assert!(done, "{told}");
    }
}

/// Seed 3's `debezium-mysql-outbox.json`.
pub(super) const SEED: &str =
    include_str!("../../../../../backbone/sources/tests/debezium-mysql-outbox.json");
