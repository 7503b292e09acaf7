//! The API on a fresh database of every kind, without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_affiliates::{App, api, prepare};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::{FixedEdge, Timestamp};
use hexalpes_vault::Vault;
use http::{Method, Request, StatusCode, header};
use sea_query::{Asterisk, Order, Query};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Clone)]
pub(crate) struct TestApp {
    db: Db,
    pub(crate) edge: Arc<FixedEdge>,
    pub(crate) vault: Vault,
    router: Router,
}

/// Runs a test on each database, one after the other.
pub(crate) async fn on_each_database(test: impl AsyncFn(TestApp)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(hexalpes_outbox::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_http::idempotency::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_affiliates::MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T12:00:00Z").unwrap()));
        prepare(&db, &*edge).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_or_make(&folder.path().join("secret.key")).unwrap();
        let app = App {
            db: db.clone(),
            edge: edge.clone(),
            vault: vault.clone(),
            links_base: "http://127.0.0.1:8002".into(),
            idempotency: Idempotency::default(),
        };
        let routes = hexalpes_http::openapi::published(api(app), "Afiliados", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        test(TestApp { db: db.clone(), edge, vault, router }).await;
        db.close().await;
    }
}

/// Seed 4's example.
pub(crate) fn juan() -> Value {
    json!({
        "nombre": "Juan Pérez",
        "email": "juan@email.com",
        "tipo_afiliado": "premium",
        "configuracion_comisiones": { "comision_base": 15.0, "comision_premium": 20.0 },
    })
}

impl TestApp {
    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::PATCH, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn prepare_again(&self) {
        prepare(&self.db, &*self.edge).await.unwrap();
    }

    /// Registers, and gives the id.
    pub(crate) async fn registered(&self, body: &Value) -> String {
        let (status, affiliate) = self.post("/api/v1/afiliados", body).await;
        assert_eq!(status, StatusCode::CREATED, "{affiliate}");
        affiliate["id"].as_str().unwrap().to_owned()
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
