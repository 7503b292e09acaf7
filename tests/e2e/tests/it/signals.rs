//! Ctrl-C and a polite kill: what was accepted is answered, and a second Ctrl-C waits for nothing.

use std::net::{Ipv4Addr, TcpStream as Probe};

use hexalpes_e2e::{Backbone, PATIENCE, Product, calculation};
use hexalpes_engines::eventually;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A command that the product has begun to read, and not to its end.
struct HalfSent {
    socket: TcpStream,
    rest: String,
}

impl HalfSent {
    async fn to(product: &Product, conversion: &str) -> Self {
        let body = calculation(conversion).to_string();
        let head = format!(
            "POST /commissions/calculate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, product.port())).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        // It asks for the body: it has accepted the command.
        let asked = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut heard = vec![0; asked.len()];
        timeout(PATIENCE, socket.read_exact(&mut heard)).await.expect("it asks for the body").unwrap();
        assert_eq!(heard, asked, "{}", String::from_utf8_lossy(&heard));
        Self { socket, rest: body }
    }

    /// Sends the rest, and gives status and body of the answer.
    async fn finish(mut self) -> (String, Value) {
        self.socket.write_all(self.rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, self.socket.read_to_string(&mut answer)).await.expect("it is answered").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
    }
}

#[tokio::test]
async fn a_clean_end_is_no_news() {
    let mut product = Product::start();
    let (status, answer) = product.post("/commissions/calculate", &calculation("conv-quiet")).await;
    assert_eq!(status, 201, "{answer}");
    product.event_lines(1);
    assert_eq!(product.interrupt(), Some(0));
    let log = product.log();
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

/// Asks it to end, and waits until it takes no more connections.
fn begin_to_stop(product: &Product, signal: Signal) {
    product.signal(signal);
    let refuses = || Probe::connect((Ipv4Addr::LOCALHOST, product.port())).is_err().then_some(());
    assert!(eventually(PATIENCE, refuses).is_some(), "it still takes connections: {}", product.log());
}

#[tokio::test]
async fn a_command_that_was_accepted_is_answered_and_kept_when_it_is_asked_to_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut product = Product::start();
        let accepted = HalfSent::to(&product, "conv-accepted").await;
        begin_to_stop(&product, signal);
        let (status, answer) = accepted.finish().await;
        assert!(status.ends_with("201 Created"), "{signal:?}: {status} {answer}");
        assert_eq!(product.ended(), Some(0), "{signal:?}: {}", product.log());

        product.restart();
        let (status, found) = product.get("/commissions/by-conversion/conv-accepted").await;
        assert_eq!((status, &found["commissionId"]), (200, &answer["commissionId"]), "{signal:?}: {found}");
        assert_eq!(product.event_lines(1)[0].subject.as_deref(), answer["commissionId"].as_str());
    }
}

#[tokio::test]
async fn a_second_signal_cuts_off_what_is_not_done_and_what_was_answered_stays() {
    let mut product = Product::start();
    let (status, answered) = product.post("/commissions/calculate", &calculation("conv-answered")).await;
    assert_eq!(status, 201, "{answered}");
    let accepted = HalfSent::to(&product, "conv-cut-off").await;
    begin_to_stop(&product, Signal::INT);
    product.signal(Signal::INT);
    assert_eq!(product.ended(), Some(130), "{}", product.log());
    drop(accepted);

    product.restart();
    let (_, found) = product.get("/commissions/by-conversion/conv-answered").await;
    assert_eq!(found["commissionId"], answered["commissionId"], "{found}");
    assert_eq!(product.get("/commissions/by-conversion/conv-cut-off").await.0, 404);
}

#[tokio::test]
async fn the_parts_of_a_split_deployment_end_well_when_they_are_asked_to() {
    let mut backbone = Backbone::start();
    let mut product = Product::serve_on(backbone.urls());
    let (status, answered) = product.post("/commissions/calculate", &calculation("conv-split")).await;
    assert_eq!((status, &answered["status"]), (201, &json!("CALCULATED")), "{answered}");
    assert_eq!(product.terminate(), Some(0), "{}", product.log());
    assert_eq!(backbone.terminate(), Some(0));
    backbone.restart();
    product.restart();
    assert_eq!(product.event_lines(1).len(), 1);
    assert_eq!(product.interrupt(), Some(0), "{}", product.log());
    assert_eq!(backbone.interrupt(), Some(0));
}
