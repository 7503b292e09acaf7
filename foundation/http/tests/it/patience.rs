//! What takes too long, on a clock that the test drives.

use std::future::pending;
use std::ops::Range;
use std::time::Duration;

use axum::Router;
use axum::body::{Body as Stream, Bytes};
use axum::routing::get;
use hexalpes_http::{HEAD_TIME_MAX, REQUEST_TIME_MAX, layers, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::support::{edge, face, get_from, post_to};

/// The limit and not much later: the clock only moves when there is nothing to do.
fn soon_after(limit: Duration) -> Range<Duration> {
    limit..limit + Duration::from_secs(1)
}

/// A client of a face on a socket.
struct Connected {
    client: TcpStream,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Connected {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, face(), stop.clone()));
        Self { client: TcpStream::connect(address).await.unwrap(), stop, serving }
    }

    async fn ask(&mut self) {
        self.client.write_all(b"GET /numbers/7 HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n7") {
            assert_ne!(self.client.read_buf(&mut answer).await.unwrap(), 0, "it hung up");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_never_answered_is_a_problem_in_time() {
    let router = layers(Router::new().route("/never", get(pending::<()>)), edge());
    let since = Instant::now();
    let answer = get_from(&router, "/never", &[]).await;
    assert_eq!(answer.problem(503), "request_timeout");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(soon_after(REQUEST_TIME_MAX).contains(&since.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_a_problem_in_time() {
    let since = Instant::now();
    let body = Stream::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = post_to(&face(), "/orders", body).await;
    assert_eq!(answer.problem(503), "request_timeout");
    assert!(soon_after(REQUEST_TIME_MAX).contains(&since.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_head_is_hung_up_on() {
    let Connected { mut client, .. } = Connected::new().await;
    let since = Instant::now();
    client.write_all(b"GET /numbers/7 HTTP/1.1\r\nx-slow: ").await.unwrap();
    let mut letters = interval(Duration::from_secs(5));
    let mut answer = [0];
    let read = loop {
        tokio::select! {
            read = client.read(&mut answer) => break read,
            _ = letters.tick() => client.write_all(b"x").await.unwrap(),
        }
    };
    assert!(!matches!(read, Ok(1..)), "it was answered");
    assert!(soon_after(HEAD_TIME_MAX).contains(&since.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_connection_serves_again_and_ends_when_nothing_more_is_asked() {
    let mut connected = Connected::new().await;
    connected.ask().await;
    connected.ask().await;
    let since = Instant::now();
    assert_eq!(connected.client.read(&mut [0]).await.unwrap(), 0);
    assert!(soon_after(HEAD_TIME_MAX).contains(&since.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_client_that_asks_nothing_more() {
    let mut connected = Connected::new().await;
    connected.ask().await;
    let since = Instant::now();
    connected.stop.cancel();
    connected.serving.await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(1));
}
