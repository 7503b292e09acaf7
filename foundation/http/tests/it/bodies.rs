//! What bodies are refused, and how.

use axum::body::Body as Stream;
use axum::http::Request;

use crate::support::{face, post_to, send};

async fn order(body: impl Into<Stream>) -> crate::support::Answer {
    post_to(&face(), "/orders", body).await
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn an_amount_is_read_as_it_stood_in_the_body() {
    let answer =
        order(r#" {"conversionId":"Ñandú & Cía 📡","amount":1.10000000000000000001, "note":null} "#).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["amount"], "1.10000000000000000001");
    assert_eq!(answer.json()["conversion"], "Ñandú & Cía 📡");
    assert_eq!(answer.json()["note"], serde_json::Value::Null);
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    for body in ["", "{", r#"{"amount":1"#, r#"{"amount":NaN}"#, "{} {}", r#"{"amount":01}"#, "nope"] {
        assert_eq!(order(body).await.problem(400), "malformed_json", "{body}");
    }
}

#[tokio::test]
async fn invalid_utf8_is_malformed() {
    let answer = order(b"{\"conversionId\":\"\xff\xfe\",\"amount\":1}".to_vec()).await;
    assert_eq!(answer.problem(400), "malformed_json");
}

#[tokio::test]
async fn json_that_lies_200_deep_is_malformed() {
    let deep = format!(r#"{{"conversionId":{}{},"amount":1}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(order(deep).await.problem(400), "malformed_json");
    let brackets = format!(r#"{{"conversionId":"\"{}","amount":1}}"#, "[".repeat(200));
    assert_eq!(order(brackets).await.status, 200);
}

#[tokio::test]
async fn a_body_of_10_mb_is_too_large() {
    let body = format!(r#"{{"conversionId":"{}","amount":1}}"#, "a".repeat(10_000_000));
    assert_eq!(order(body).await.problem(413), "body_too_large");
}

#[tokio::test]
async fn a_body_that_is_not_called_json_is_refused() {
    for kind in ["text/plain", "application/x-www-form-urlencoded", "json"] {
        let request = Request::post("/orders").header("content-type", kind).body(Stream::from("{}")).unwrap();
        assert_eq!(send(&face(), request).await.problem(415), "unsupported_media_type");
    }
    let request = Request::post("/orders").body(Stream::from("{}")).unwrap();
    assert_eq!(send(&face(), request).await.problem(415), "unsupported_media_type");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for body in ["[]", "1", "null", r#""text""#] {
        assert_eq!(order(body).await.errors(), pairs(&[("", "wrong_type")]), "{body}");
    }
}

#[tokio::test]
async fn all_wrong_fields_are_told_at_once() {
    let answer = order(r#"{"amount":"1","note":7,"colour/~":1}"#).await;
    let expected = pairs(&[
        ("/conversionId", "missing_field"),
        ("/amount", "wrong_type"),
        ("/note", "wrong_type"),
        ("/colour~1~0", "unknown_field"),
    ]);
    assert_eq!(answer.errors(), expected);
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_a_hint() {
    let answer = order(r#"{"conversionId":"a","amount":1,"conversion_id":"a"}"#).await;
    assert_eq!(answer.errors(), pairs(&[("/conversion_id", "unknown_field")]));
    assert!(answer.text.contains("did you mean conversionId?"), "{}", answer.text);
}

#[tokio::test]
async fn a_field_that_is_there_twice_is_refused() {
    let answer = order(r#"{"conversionId":"a","amount":1,"amount":2}"#).await;
    assert_eq!(answer.errors(), pairs(&[("/amount", "duplicate_field")]));
}

#[tokio::test]
async fn a_lone_surrogate_is_a_wrong_field() {
    let answer = order(r#"{"conversionId":"\ud800","amount":1}"#).await;
    assert_eq!(answer.errors(), pairs(&[("/conversionId", "invalid_text")]));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_language_that_was_asked_for() {
    let request = Request::post("/orders")
        .header("content-type", "application/json")
        .header("accept-language", "es-CO,es;q=0.9")
        .body(r#"{"conversionId":7,"ammount":1}"#.into())
        .unwrap();
    let answer = send(&face(), request).await;
    assert_eq!(answer.header("content-language"), "es");
    let told = answer.json();
    assert_eq!(told["title"], "Contenido no procesable");
    assert_eq!(told["detail"], "3 campos están mal");
    let messages: Vec<_> = told["errors"].as_array().unwrap().iter().map(|error| &error["message"]).collect();
    assert_eq!(
        messages,
        ["debe ser un texto, no un número", "falta", "es desconocido; ¿quiso decir amount?"]
    );
}
