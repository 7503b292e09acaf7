//! Services that start before their broker.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use hexalpes_e2e::{Api, Backbone, PATIENCE, Product, calculation};
use hexalpes_engines::{PulsarUrls, free_port};
use serde_json::{Value, json};

/// What answers and what is kept while there is no broker.
async fn a_command_is_answered_and_kept(api: &Api, broker: &PulsarUrls) {
    let (status, body) = api.post("/commissions/calculate", &calculation("conv-early")).await;
    assert_eq!(status, 201, "{body}");
    let (_, outbox) = api.get("/debug/outbox?limit=1").await;
    assert_eq!(outbox["items"][0]["published"], 0, "{outbox}");
    let health = broker_becomes(api, "degraded", "waits").await;
    let why = health["checks"]["broker"]["detail"].as_str().unwrap();
    assert!(why.contains(&broker.admin) && why.contains("hexalpes backbone"), "{why}");
}

/// The report of `/health`, once it says so of the broker.
async fn broker_becomes(api: &Api, status: &str, detail: &str) -> Value {
    let becomes = async {
        // Each look is a request; there is nothing else to wait for from outside.
        loop {
            let (_, health) = api.get("/health").await;
            let broker = &health["checks"]["broker"];
            let told = broker["detail"].as_str().unwrap_or_default();
            if broker["status"] == status && told.contains(detail) {
                return health;
            }
            hexalpes_engines::a_moment().await;
        }
    };
    tokio::time::timeout(PATIENCE, becomes).await.expect("health says so at last")
}

async fn policy(broker: &PulsarUrls, name: &str) -> Value {
    let url = format!("{}/admin/v2/namespaces/public/default/{name}", broker.admin);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_without_their_broker_answer_and_begin_when_it_comes() {
    let mut backbone = Backbone::start();
    let broker = backbone.urls();
    assert_eq!(backbone.interrupt(), Some(0));

    let mut services = Product::serve_on(broker.clone());
    a_command_is_answered_and_kept(services.api(), &broker).await;
    assert!(services.log().contains("waits for the broker"), "{}", services.log());

    backbone.restart();
    services.event_lines(1);
    assert_eq!(policy(&broker, "deduplication").await, json!(true));
    let health = broker_becomes(services.api(), "ok", "").await;
    assert_eq!(health["status"], "ok", "{health}");

    // And when it goes away again.
    assert_eq!(backbone.interrupt(), Some(0));
    broker_becomes(services.api(), "degraded", "away").await;
    backbone.restart();
    broker_becomes(services.api(), "ok", "").await;
    assert_eq!(services.interrupt(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_the_broker_answers_and_begins_when_it_comes() {
    let mut backbone = Backbone::start();
    let broker = backbone.urls();
    assert_eq!(backbone.interrupt(), Some(0));

    let mut product = Product::start_on(Some(broker.clone()));
    a_command_is_answered_and_kept(product.api(), &broker).await;
    backbone.restart();
    product.event_lines(1);
    assert_eq!(product.interrupt(), Some(0));
}

/// A REST interface that knows its clusters and allows nothing, on this port until the test ends.
fn start_forbidding_rest(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    thread::spawn(move || {
        for client in listener.incoming() {
            // One that is gone is the client's loss.
            let _ = client.and_then(forbid);
        }
    });
}

fn forbid(mut client: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    lines.read_exact(&mut vec![0; length])?;
    let (status, body) = if first.starts_with("GET /admin/v2/clusters ") {
        ("200 OK", r#"["standalone"]"#)
    } else {
        ("403 Forbidden", r#"{"reason":"hexalpes may not do this"}"#)
    };
    let length = body.len();
    write!(client, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_refuses_its_promises_ends_the_services_and_is_published_nothing() {
    let backbone = Backbone::start();
    let port = free_port();
    let broker = PulsarUrls { service: backbone.urls().service, admin: format!("http://127.0.0.1:{port}") };
    let mut services = Product::serve_on(broker.clone());
    a_command_is_answered_and_kept(services.api(), &broker).await;

    start_forbidding_rest(port);
    assert_eq!(services.ended(), Some(1), "{}", services.log());
    let log = services.log();
    let last = log.lines().last().unwrap();
    for word in ["hexalpes: ", "403", "hexalpes may not do this", "so nothing is published"] {
        assert!(last.contains(word), "{last}");
    }
    let url = format!("{}/admin/v2/persistent/public/default", backbone.urls().admin);
    let topics: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(topics, json!([]));
}
