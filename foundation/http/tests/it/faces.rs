//! What holds for every route.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hexalpes_http::{layers, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::support::{NOON, edge, face, get_from, request, send};

const ORDER: &str = r#"{"conversionId":"a","amount":1}"#;

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    assert_eq!(get_from(&face(), "/nowhere", &[]).await.problem(404), "route_not_found");
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let answer = get_from(&face(), "/orders", &[]).await;
    assert_eq!(answer.problem(405), "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn a_path_that_does_not_parse_is_a_problem() {
    assert_eq!(get_from(&face(), "/numbers/x", &[]).await.problem(400), "bad_request");
    assert_eq!(get_from(&face(), "/numbers/7", &[]).await.text, "7");
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let answer = get_from(&face(), "/panics", &[]).await;
    assert_eq!(answer.problem(500), "internal_error");
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[tokio::test]
async fn the_cause_is_made_of_headers_and_clock() {
    let headers = [("content-type", "application/json"), ("x-correlation-id", "CORR-1"), ("x-actor", "juan")];
    let mut order = request("POST", "/orders", &headers);
    *order.body_mut() = ORDER.into();
    let answer = send(&face(), order).await;
    assert_eq!(answer.header("x-correlation-id"), "CORR-1");
    let json = answer.json();
    assert_eq!(
        (&json["actor"], &json["correlation"], &json["at"]),
        (&"juan".into(), &"CORR-1".into(), &NOON.into())
    );
}

#[tokio::test]
async fn without_headers_the_correlation_is_new_and_the_actor_anonymous() {
    let mut order = request("POST", "/orders", &[("content-type", "application/json")]);
    *order.body_mut() = ORDER.into();
    let answer = send(&face(), order).await;
    assert_eq!(answer.json()["actor"], "anonymous");
    assert_eq!(answer.json()["correlation"], answer.header("x-correlation-id"));
}

#[tokio::test]
async fn a_correlation_id_of_blanks_or_65_characters_is_refused() {
    for bad in ["", "a b", &"x".repeat(65)] {
        let answer = get_from(&face(), "/numbers/7", &[("x-correlation-id", bad)]).await;
        assert_eq!(answer.problem(422), "invalid_header");
        assert_eq!(answer.json()["header"], "x-correlation-id");
    }
}

#[tokio::test]
async fn a_shutdown_finishes_what_was_accepted() {
    let (entered, inside) = tokio::sync::oneshot::channel();
    let entered = std::sync::Mutex::new(Some(entered));
    let go = CancellationToken::new();
    let slow = {
        let go = go.clone();
        async move || {
            let entered = entered.lock().unwrap().take();
            entered.unwrap().send(()).unwrap();
            go.cancelled().await;
            "done"
        }
    };
    let slow = std::sync::Arc::new(slow);
    let handler = move || {
        let slow = slow.clone();
        async move { slow().await }
    };
    let router = layers(Router::new().route("/slow", get(handler)), edge());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, router, stop.clone()));

    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /slow HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    inside.await.unwrap();
    stop.cancel();
    go.cancel();
    let mut answer = String::new();
    let reading = client.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
}
