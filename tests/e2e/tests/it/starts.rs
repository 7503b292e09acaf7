//! How the product refuses to start, and how its command line speaks to one that runs.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    thread,
};

use hexalpes_e2e::{Backbone, Product, calculation};
use hexalpes_engines::free_port;
use serde_json::Value;

use crate::command::{ask, hexalpes, refusal, up_refusal};

#[test]
fn a_port_in_use_is_named_with_its_flag() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = taken.local_addr().expect("it listens").port().to_string();
    let said = up_refusal(folder.path(), &["--commissions-port", &port], 1);
    assert!(said.contains(&port) && said.contains("--commissions-port"), "{said}");
}

#[test]
fn a_document_without_an_end_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let said = refusal(folder.path(), &["consume", "outbox-events", "-s", "me", "-n", "0", "-o", "json"], 2);
    assert!(said.contains("say how many with -n"), "{said}");
}

/// Accepts C-31, S0-ENV-26.
#[tokio::test]
async fn one_binary_is_the_service_that_its_environment_names() {
    let backbone = Backbone::start();
    let product = Product::start_named(backbone.urls(), "commissions-service");
    assert_eq!(product.post("/commissions/calculate", &calculation("conv-1")).await.0, 201);
    assert_eq!(product.api_at("--partners-port").try_get("/health").await, None);
    let (_, health) = product.get("/health").await;
    assert_eq!(health["service"], "commissions", "{health}");
}

#[test]
fn an_unknown_setting_is_a_usage_error_that_names_the_nearest() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::write(folder.path().join("hexalpes.toml"), "admin_prt = 1\n").expect("it can be written");
    assert!(refusal(folder.path(), &["config", "show"], 2).contains("did you mean admin_port?"));
}

/// Accepts S3-CLI-5, S3-CLI-6, S3-CLI-6b, S3-SRC-2, S1-ENC-1.
#[tokio::test]
async fn the_command_line_speaks_to_the_product_over_its_ports() {
    let product = Product::start();
    let ask = |arguments: &[&str]| ask(&product, arguments);
    let mut body = calculation("conv-Ñandú & Cía 📡");
    body["affiliateId"] = "Juan Pérez".into();
    let (status, answer) = product.post("/commissions/calculate", &body).await;
    assert_eq!(status, 201, "{answer}");
    let events = product.event_lines(1);
    assert!(events[0].data.get().contains("Juan Pérez"), "{}", events[0].data.get());

    let read = ask(&["consume", "outbox-events", "-s", "cli", "-n", "1", "-p", "Earliest", "-o", "jsonl"]);
    assert!(read.contains("Juan Pérez") && read.contains("Ñandú & Cía 📡"), "{read}");
    let rows: Value = serde_json::from_str(&ask(&["outbox", "list", "-o", "json"])).expect("it is JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let relay: Value = serde_json::from_str(&ask(&["relay", "status", "-o", "json"])).expect("it is JSON");
    assert_eq!(relay["running"], true);
    assert!(ask(&["topics", "list"]).contains("persistent://public/default/outbox-events"));
    assert!(ask(&["produce", "greetings", "-m", "¡Hola!"]).contains("1 stored"));
}

/// Accepts S3-DB-5.
#[tokio::test]
async fn a_data_folder_in_use_is_refused_and_a_reset_with_it() {
    let mut product = Product::start();
    let data = product.data().display().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    assert!(up_refusal(folder.path(), &["--data", &data], 1).contains("is in use by"));
    assert!(refusal(folder.path(), &["demo", "reset", "--yes", "--data", &data], 1).contains("is in use by"));

    assert_eq!(product.interrupt(), Some(0));
    assert!(hexalpes(folder.path(), &["demo", "reset", "--yes", "--data", &data]).status.success());
    assert!(!product.data().join("backbone").exists() && !product.data().join("events.jsonl").exists());
}

/// Accepts S3-QS-10.
#[test]
fn a_command_that_finds_nobody_says_where_it_looked_and_what_to_start() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let port = free_port().to_string();
    let said = refusal(folder.path(), &["relay", "status", "--commissions-port", &port], 1);
    assert!(
        said.contains(&port) && said.contains("start it") && said.contains("--commissions-port"),
        "{said}"
    );
    let said =
        refusal(folder.path(), &["consume", "outbox-events", "-s", "new", "--backbone-port", &port], 1);
    assert!(said.contains(&port) && said.contains("start it"), "{said}");
}

#[test]
fn a_database_that_is_away_is_told_once_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let url = format!("postgresql://me:secret@127.0.0.1:{}/c", free_port());
    let said = up_refusal(folder.path(), &["--no-relay", "--commissions-database-url", &url], 1);
    let what = "the database is not available: nothing answers at its address; start it, or correct its address in \
                COMMISSIONS_DATABASE_URL or DATABASE_URL";
    assert!(said.contains(what) && !said.contains("secret"), "{said}");
}

#[test]
fn a_broker_that_is_away_is_told_once() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let port = free_port().to_string();
    for words in [
        &["consume", "t", "-s", "me", "--backbone-port", &port][..],
        &["topics", "list", "--admin-port", &port][..],
    ] {
        let said = refusal(folder.path(), words, 1);
        assert_eq!(said.matches("Connection refused").count(), 1, "{said}");
        assert!(said.contains("start it") && !said.contains("error sending request"), "{said}");
    }
}

#[test]
fn a_page_on_the_admin_port_is_told_and_not_repeated() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it listens").port().to_string();
    let answering = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("it is asked");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            client.read_exact(&mut byte).expect("the request has an end");
            request.extend(byte);
        }
        let page = "<!DOCTYPE HTML><title>Directory</title>";
        let length = page.len();
        write!(
            client,
            "HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
        )
        .expect("it can be answered");
    });
    let said = refusal(folder.path(), &["topics", "list", "--admin-port", &port], 1);
    answering.join().expect("it was asked once");
    assert!(said.contains("is no broker's REST") && said.contains("404") && !said.contains('<'), "{said}");
    assert!(said.contains("--admin-port"), "{said}");
}
