//! The backbone over TLS, as who runs it sees it, and a database over TLS, from which its events come.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use hexalpes_e2e::{Backbone, PATIENCE, Product, calculation, messages};
use hexalpes_engines::{Engine, MariaDb, TestDatabase, eventually, free_port, killable};
use hexalpes_outbox::EVENTS_TOPIC;

use crate::command::{hexalpes, refusal};

/// Made for tests, for `localhost` and `127.0.0.1`: certificate and key.
const ONE: [&str; 2] = [
    include_str!("../../../../foundation/tls/tests/it/pems/one.certificate.pem"),
    include_str!("../../../../foundation/tls/tests/it/pems/one.key.pem"),
];
const TWO: [&str; 2] = [
    include_str!("../../../../foundation/tls/tests/it/pems/two.certificate.pem"),
    include_str!("../../../../foundation/tls/tests/it/pems/two.key.pem"),
];

/// Writes a pair, and gives the flags that name it.
fn put(folder: &Path, [certificate, key]: [&str; 2]) -> [String; 4] {
    let path = |name| folder.join(name).display().to_string();
    fs::write(path("key.pem"), key).expect("it can be written");
    fs::write(path("certificate.pem"), certificate).expect("it can be written");
    ["--tls-certificate-file".into(), path("certificate.pem"), "--tls-key-file".into(), path("key.pem")]
}

#[test]
fn a_key_that_is_missing_or_another_certificates_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let flags = put(folder.path(), [ONE[0], TWO[1]]);
    let [a, b, c, d] = flags.each_ref().map(String::as_str);
    let said = refusal(folder.path(), &["backbone", a, b, c, d], 1);
    assert!(said.contains("key.pem is not that of the certificate in"), "{said}");

    fs::remove_file(folder.path().join("key.pem")).expect("it is there");
    let said = refusal(folder.path(), &["backbone", a, b, c, d], 1);
    assert!(said.contains("key.pem cannot be read"), "{said}");

    let said = refusal(folder.path(), &["backbone", a, b], 2);
    assert!(said.contains("needs tls_key_file"), "{said}");
    assert!(!folder.path().join("data/backbone").exists(), "nothing was opened");
}

#[test]
fn the_command_line_speaks_tls_and_a_renewed_certificate_needs_no_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let [port, admin_port] = [free_port(), free_port()].map(|port| port.to_string());
    let pair = put(folder.path(), ONE);
    let mut flags: Vec<&str> = pair.iter().map(String::as_str).collect();
    flags.extend(["--backbone-tls-port", &port, "--admin-tls-port", &admin_port]);
    flags.extend(["--advertised-address", "localhost"]);
    let _backbone = Backbone::start_with_flags(&flags);

    let [service, admin] =
        [format!("pulsar+ssl://localhost:{port}"), format!("https://localhost:{admin_port}")];
    let ask = |trust: &str, words: &[&str]| {
        let file = folder.path().join("trust.pem");
        fs::write(&file, trust).expect("it can be written");
        let file = file.display().to_string();
        let reach = ["--pulsar-broker-url", &service, "--pulsar-admin-url", &admin];
        let trusting = ["--tls-trust-certs-file", &file];
        let output = hexalpes(folder.path(), &[words, &reach[..], &trusting[..]].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(said)
    };
    let stored = ask(ONE[0], &["produce", "greetings", "-m", "hello"]).expect("it is stored");
    assert!(stored.contains("1 stored"), "{stored}");
    let topics = ask(ONE[0], &["topics", "list"]).expect("they are listed");
    assert!(topics.contains("persistent://public/default/greetings"), "{topics}");
    assert_eq!(ask(TWO[0], &["topics", "list"]), None, "who trusts another does not speak to it");

    put(folder.path(), TWO);
    let renewed = || ask(TWO[0], &["topics", "list"]);
    assert!(eventually(PATIENCE, renewed).is_some(), "the new certificate is not served");
    let stored = ask(TWO[0], &["produce", "greetings", "-m", "hello"]).expect("it is stored");
    assert!(stored.contains("1 stored"), "{stored}");
}

/// Files that a server may read who runs as somebody else.
fn readable(folder: &Path, files: &[(&str, &str)]) -> Vec<PathBuf> {
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    open(folder, 0o755);
    let written = files.iter().map(|(name, content)| {
        let path = folder.join(name);
        fs::write(&path, content).expect("it can be written");
        open(&path, 0o644);
        path
    });
    written.collect()
}

/// Both of what the commissions write and of what their relay reads, for the user is let in over TLS alone.
///
/// Accepts S3-QS-8.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_over_tls_is_believed_by_who_signed_its_certificate_and_its_log_is_read_so_too() {
    if !killable().contains(&Engine::MariaDb) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let files = [("one.pem", ONE[0]), ("one.key.pem", ONE[1]), ("two.pem", TWO[0])];
    let files = readable(folder.path(), &files);
    let [certificate, key, another] = [0, 1, 2].map(|file| files[file].display().to_string());
    let flags = [format!("--ssl-cert={certificate}"), format!("--ssl-key={key}")];
    let server = MariaDb::start_with(&flags.each_ref().map(String::as_str)).unwrap();
    let database = TestDatabase::on_server(Engine::MariaDb, &server.url());
    let user = "CREATE USER tls@'%' IDENTIFIED BY 'geheim' REQUIRE SSL; GRANT ALL ON *.* TO tls@'%'";
    database.run(user).expect("the server takes it");
    let address = |query: &str| {
        let url = database.url().replacen("mysql://hexalpes:hexalpes@", "mariadb://tls:geheim@", 1);
        format!("{url}?{query}")
    };

    let by_another = format!("ssl-mode=VERIFY_CA&ssl-ca={another}");
    for query in ["ssl-mode=DISABLED", "ssl-mode=VERIFY_CA", &by_another] {
        let ports = [free_port(), free_port()].map(|port| port.to_string());
        let flags = ["--commissions-port", &ports[0], "--marketing-port", &ports[1]];
        let address = address(query);
        let words = ["serve", "commissions", "--commissions-database-url", &address];
        let said = refusal(folder.path(), &[&words[..], &flags].concat(), 1);
        assert!(said.contains("database") && !said.contains("geheim"), "{query}: {said}");
    }

    let backbone = Backbone::start();
    for (number, mode) in ["VERIFY_CA", "VERIFY_IDENTITY"].iter().enumerate() {
        let address = address(&format!("ssl-mode={mode}&ssl-ca={certificate}"));
        let product = Product::serve_from(backbone.urls(), &address);
        assert_eq!(product.post("/commissions/calculate", &calculation(mode)).await.0, 201);
        let published = |relay: &serde_json::Value| relay["lagRows"] == 0 && relay["numWritten"] != 0;
        product.api().until("/debug/relay", published).await;
        let events = messages(&backbone.urls().service, EVENTS_TOPIC).await;
        assert_eq!(events.len(), number + 1, "{mode}: {}", product.log());
    }
}
