//! The face of the context on a fresh database of every kind, without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_commissions::domain::Program;
use hexalpes_commissions::{App, Webhooks};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_kernel::{Edge, FixedEdge, Timestamp};
use hexalpes_vault::Vault;
use http::{Request, StatusCode, header};
use sea_query::{Asterisk, Order, Query};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Clone)]
pub(crate) struct TestApp {
    db: Db,
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
        db.migrate(hexalpes_commissions::MIGRATIONS).await.unwrap();
        let noon = Timestamp::parse("2025-01-15T12:00:00Z").unwrap();
        let edge = Arc::new(FixedEdge::at(noon));
        let routes = hexalpes_commissions::router(db.clone(), edge.clone());
        let router = hexalpes_http::layers(routes, edge.clone());
        test(TestApp { db: db.clone(), edge, router }).await;
        db.close().await;
    }
}

impl TestApp {
    /// The same database under another program.
    pub(crate) fn under(&self, program: Program) -> Self {
        let routes = hexalpes_commissions::router_under(program, self.db.clone(), self.edge.clone());
        Self { router: hexalpes_http::layers(routes, self.edge.clone()), ..self.clone() }
    }

    /// The same database with the installation's key.
    pub(crate) fn with_vault(&self, vault: Vault) -> Self {
        self.with(App { vault: Some(vault), ..App::new(self.db.clone(), self.edge.clone()) })
    }

    /// The same database with what sends lines of payouts.
    pub(crate) fn with_webhooks(&self, webhooks: Webhooks) -> Self {
        self.with(App { webhooks: Some(webhooks), ..App::new(self.db.clone(), self.edge.clone()) })
    }

    fn with(&self, app: App) -> Self {
        let routes = hexalpes_commissions::seed_api(app.clone()).merge(hexalpes_commissions::api(app));
        Self { router: hexalpes_http::layers(Router::from(routes), self.edge.clone()), ..self.clone() }
    }

    /// What time brings about.
    pub(crate) async fn sweep(&self) -> hexalpes_commissions::Swept {
        let edge: Arc<dyn Edge> = self.edge.clone();
        hexalpes_commissions::sweep(&self.db, &edge).await.unwrap()
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn calculate(&self, body: &Value) -> (StatusCode, Value) {
        self.post("/commissions/calculate", body.to_string()).await
    }

    pub(crate) async fn approve(&self, commission: &str) -> (StatusCode, Value) {
        self.post("/commissions/approve", json!({ "commissionId": commission }).to_string()).await
    }

    pub(crate) async fn by_conversion(&self, id: &str) -> (StatusCode, Value) {
        let path = format!("/commissions/by-conversion/{id}");
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let is_error = status.is_client_error() || status.is_server_error();
        let expected = if is_error { "application/problem+json" } else { "application/json" };
        assert_eq!(kind, expected, "{status}");
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// What the two faces say of themselves.
    pub(crate) async fn documents(&self) -> [Value; 2] {
        let app = App::new(self.db.clone(), self.edge.clone());
        let mut told = Vec::new();
        for api in [hexalpes_commissions::seed_api(app.clone()), hexalpes_commissions::api(app)] {
            let router = hexalpes_http::openapi::published(api, "Comisiones", "");
            let router = hexalpes_http::layers(router, self.edge.clone());
            let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
            let answer = router.oneshot(request).await.unwrap();
            let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            told.push(serde_json::from_slice(&bytes).unwrap());
        }
        told.try_into().unwrap()
    }

    /// As [`Self::send`], of an answer that is no JSON: its status, its type and its bytes.
    pub(crate) async fn raw(&self, request: Request<Body>) -> (StatusCode, String, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status();
        (status, kind, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    /// Types and payloads of the outbox, oldest first.
    pub(crate) async fn events(&self) -> Vec<(String, Value)> {
        let read = |row: &Row| {
            let payload: String = row.get("payload").unwrap();
            (row.get("type").unwrap(), serde_json::from_str(&payload).unwrap())
        };
        self.rows("outbox_event", "seq").await.iter().map(read).collect()
    }

    /// What travels beside the outbox's events, oldest first.
    pub(crate) async fn headers(&self) -> Vec<Value> {
        let read = |row: &Row| serde_json::from_str(&row.get::<String>("headers").unwrap()).unwrap();
        self.rows("outbox_event", "seq").await.iter().map(read).collect()
    }

    pub(crate) async fn commissions(&self) -> usize {
        self.rows("commission", "id").await.len()
    }

    async fn rows(&self, table: &'static str, order: &'static str) -> Vec<Row> {
        let select = Query::select().column(Asterisk).from(table).order_by(order, Order::Asc).to_owned();
        let rows = self.db.read(async move |tx: &Tx| -> Result<_, DbError> { tx.fetch_all(&select).await });
        rows.await.unwrap()
    }
}

/// Seed 3's example.
pub(crate) fn a_conversion(id: &str) -> Value {
    json!({
        "conversionId": id,
        "affiliateId": "aff-1",
        "campaignId": "cmp-1",
        "grossAmount": 120.5,
        "currency": "USD",
    })
}
