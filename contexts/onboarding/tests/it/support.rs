//! The API on a fresh database of every kind, without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::{Edge, FixedEdge, Timestamp};
use hexalpes_onboarding::{App, api, prepare, sweep};
use http::{HeaderMap, Method, Request, StatusCode, header};
use sea_query::{Asterisk, Order, Query};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) db: Db,
    pub(crate) edge: Arc<FixedEdge>,
    router: Router,
}

/// Runs a test on each database, one after the other.
pub(crate) async fn on_each_database(test: impl AsyncFn(TestApp)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(hexalpes_outbox::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_consumer::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_http::idempotency::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_onboarding::MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T12:00:00Z").unwrap()));
        prepare(&db, &*edge).await.unwrap();
        let app = App { db: db.clone(), edge: edge.clone(), idempotency: Idempotency::default() };
        let routes = hexalpes_http::openapi::published(api(app), "Onboarding", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        test(TestApp { db: db.clone(), edge, router }).await;
        db.close().await;
    }
}

/// A contract of the seeds' partner.
pub(crate) fn a_contract() -> Value {
    json!({
        "partner_id": "550e8400-e29b-41d4-a716-446655440000",
        "business_name": "TechSolutions Inc",
        "email": "contact@techsolutions.com",
        "partner_type": "EMPRESA",
        "contract_type": "STANDARD",
    })
}

/// A body with some fields of its own.
pub(crate) fn with(body: &Value, fields: &Value) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// What was answered.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }
}

impl TestApp {
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json").header("x-actor", "ana");
        let reply = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (reply.status, reply.json())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::PATCH, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let reply = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (reply.status, reply.json())
    }

    /// Posts what must be done, and gives the answer.
    pub(crate) async fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    /// Drafts, and gives the id.
    pub(crate) async fn drafted(&self, body: &Value) -> String {
        let contract = self.done("/v1/contracts", body).await;
        contract["contract_id"].as_str().unwrap().to_owned()
    }

    /// Sends, and gives the tokens in their order.
    pub(crate) async fn sent(&self, id: &str) -> Vec<String> {
        let sent = self.done(&format!("/v1/contracts/{id}/send"), &json!({})).await;
        let token = |one: &Value| one["token"].as_str().unwrap().to_owned();
        sent["signing_tokens"].as_array().unwrap().iter().map(token).collect()
    }

    /// Sends, and lets everybody sign.
    pub(crate) async fn signed(&self, id: &str) -> Value {
        let mut last = Value::Null;
        for token in self.sent(id).await {
            last = self.done(&format!("/v1/contracts/{id}/signatures"), &json!({ "token": token })).await;
        }
        last
    }

    /// A contract that holds from today on.
    pub(crate) async fn active(&self, body: &Value) -> String {
        let id = self.drafted(body).await;
        self.signed(&id).await;
        self.done(&format!("/v1/contracts/{id}/activate"), &json!({})).await;
        id
    }

    pub(crate) async fn contract(&self, id: &str) -> Value {
        self.get(&format!("/v1/contracts/{id}")).await.1
    }

    pub(crate) async fn sweep(&self) -> u64 {
        let edge: Arc<dyn Edge> = self.edge.clone();
        sweep(&self.db, &edge).await.unwrap().passed
    }

    /// Bare types and payloads of the outbox, oldest first.
    pub(crate) async fn events(&self) -> Vec<(String, Value)> {
        let select =
            Query::select().column(Asterisk).from("outbox_event").order_by("seq", Order::Asc).to_owned();
        let rows = self.db.read(async move |tx: &Tx| -> Result<_, DbError> { tx.fetch_all(&select).await });
        let read = |row: &Row| {
            let (kind, payload): (String, String) = (row.get("type").unwrap(), row.get("payload").unwrap());
            (kind.rsplit('.').next().unwrap().to_owned(), serde_json::from_str(&payload).unwrap())
        };
        rows.await.unwrap().iter().map(read).collect()
    }

    pub(crate) async fn kinds(&self) -> Vec<String> {
        self.events().await.into_iter().map(|(kind, _)| kind).collect()
    }
}
