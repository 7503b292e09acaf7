//! The API on a fresh database of every kind, without a socket, knowing two programs and some affiliates.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_conversions::commands::{Told, learn};
use hexalpes_conversions::domain::{
    AffiliateCode, AffiliateId, KnownAffiliate, KnownLink, KnownProgram, Model, ProgramId, Slug,
};
use hexalpes_conversions::{App, api};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::{Currency, FixedEdge, Timestamp};
use http::{HeaderMap, Request, StatusCode, header};
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
        db.migrate(hexalpes_conversions::MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T12:00:00Z").unwrap()));
        let app = App { db: db.clone(), edge: edge.clone(), idempotency: Idempotency::default() };
        let routes = hexalpes_http::openapi::published(api(app), "Conversiones", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        let app = TestApp { db: db.clone(), edge, router };
        app.learn(Told::Program(KnownProgram {
            currency: Currency::JPY,
            ..a_program("tokio", Model::Explicit)
        }))
        .await;
        app.learn(Told::Affiliate(an_affiliate("af_1", "default"))).await;
        app.learn(Told::Affiliate(an_affiliate("af_2", "default"))).await;
        app.learn(Told::Affiliate(an_affiliate("af_jp", "tokio"))).await;
        test(app).await;
        db.close().await;
    }
}

pub(crate) fn a_program(id: &str, model: Model) -> KnownProgram {
    KnownProgram {
        id: ProgramId::parse(id).unwrap(),
        revision: 1,
        currency: Currency::USD,
        model,
        window: Duration::from_hours(30 * 24),
        is_active: true,
    }
}

pub(crate) fn an_affiliate(id: &str, program: &str) -> KnownAffiliate {
    KnownAffiliate {
        id: AffiliateId::parse(id).unwrap(),
        revision: 1,
        program: ProgramId::parse(program).unwrap(),
        code: AffiliateCode::parse(&id.to_ascii_uppercase()).unwrap(),
        is_active: true,
    }
}

pub(crate) fn a_link(slug: &str, affiliate: &str) -> KnownLink {
    KnownLink {
        slug: Slug::parse(slug).unwrap(),
        affiliate: AffiliateId::parse(affiliate).unwrap(),
        program: ProgramId::parse("default").unwrap(),
        campaign: None,
        destination: "https://example.com/zapatos?talla=42".to_owned(),
    }
}

/// Seed 4's example.
pub(crate) fn a_sale() -> Value {
    json!({ "afiliado_id": "af_1", "valor_conversion": 100_000.0, "tipo_conversion": "venta" })
}

/// The same with some fields more, or others.
pub(crate) fn with(body: &Value, fields: &Value) -> Value {
    let mut body = body.clone();
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

impl TestApp {
    pub(crate) async fn learn(&self, told: Told) {
        self.db.write(async move |tx: &Tx| learn(tx, told.clone()).await).await.unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (parts.status, parts.headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let (status, _, answer) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (status.as_u16(), answer)
    }

    pub(crate) async fn record(&self, body: &Value) -> (u16, Value) {
        self.post("/api/v1/conversiones", body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, answer) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (status.as_u16(), answer)
    }

    /// Records, and gives the id.
    pub(crate) async fn recorded(&self, body: &Value) -> String {
        let (status, conversion) = self.record(body).await;
        assert_eq!(status, 201, "{conversion}");
        conversion["id"].as_str().unwrap().to_owned()
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
}
