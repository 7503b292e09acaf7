//! The face, and a client that reads its answers.

use std::sync::Arc;

use axum::body::{Body as Stream, to_bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use hexalpes_http::{Body, Caused, Fields, FromFields, PROBLEM_JSON, Problem, Raw, layers};
use hexalpes_kernel::{FixedEdge, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const NOON: &str = "2026-01-01T12:00:00Z";

pub(crate) struct Order {
    pub(crate) conversion: String,
    pub(crate) amount: String,
    pub(crate) note: Option<String>,
}

impl FromFields for Order {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let conversion = fields.required("conversionId", Raw::string);
        let amount = fields.required("amount", |raw| raw.number().map(str::to_owned));
        let note = fields.optional("note", Raw::string);
        Some(Self { conversion: conversion?, amount: amount?, note: note? })
    }
}

async fn order(Caused(cause): Caused, body: Body<Order>) -> Json<Value> {
    let Order { conversion, amount, note } = body.value;
    Json(json!({
        "conversion": conversion, "amount": amount, "note": note, "actor": cause.actor.as_str(),
        "correlation": cause.correlation.as_str(), "at": cause.at.to_string(),
    }))
}

/// The order as the document tells of it.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct OrderBody {
    conversion_id: String,
    amount: f64,
    note: Option<String>,
}

async fn panics() -> Result<(), Problem> {
    panic!("a secret of the handler")
}

pub(crate) fn edge() -> Arc<FixedEdge> {
    Arc::new(FixedEdge::at(Timestamp::parse(NOON).unwrap()))
}

pub(crate) fn face() -> Router {
    let router = Router::new()
        .route("/orders", post(order))
        .route("/numbers/{number}", get(async |Path(number): Path<u32>| number.to_string()))
        .route("/panics", get(panics));
    layers(router, edge())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem's code, after a check that it is a whole problem.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), PROBLEM_JSON);
        assert_eq!(self.json()["status"], status);
        assert!(self.json()["title"].is_string());
        assert!(!self.header("x-correlation-id").is_empty() || self.json()["header"] == "x-correlation-id");
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// Pointer and code of each wrong field.
    pub(crate) fn errors(&self) -> Vec<(String, String)> {
        assert_eq!(self.problem(422), "invalid_request");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = self.json()["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }
}

pub(crate) async fn send(router: &Router, request: Request<Stream>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Stream> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Stream::empty()).unwrap()
}

pub(crate) async fn get_from(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(router, request("GET", path, headers)).await
}

pub(crate) async fn post_to(router: &Router, path: &str, body: impl Into<Stream>) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    send(router, request.body(body.into()).unwrap()).await
}
