//! The API on a fresh database of every kind, without a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::{Edge, FixedEdge, Timestamp};
use hexalpes_recruitment::{App, CandidateIndex, api, match_due};
use http::{HeaderMap, Method, Request, StatusCode, header};
use sea_query::{Asterisk, Order, Query};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) db: Db,
    pub(crate) edge: Arc<FixedEdge>,
    pub(crate) index: CandidateIndex,
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
        db.migrate(hexalpes_recruitment::MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T12:00:00Z").unwrap()));
        test(TestApp::on(db.clone(), edge)).await;
        db.close().await;
    }
}

/// A job that asks for what [`ana`] has.
pub(crate) fn backend_job() -> Value {
    json!({
        "partner_id": "partner-1",
        "job_requirements": {
            "title": "Backend developer",
            "department": "Payments",
            "description": "Moves money",
            "openings": 1,
            "responsibilities": ["Design", "On call"],
            "nice_to_have_skills": ["Kafka"],
            "details": { "team": 7, "rate": 1.50 },
        },
        "required_skills": [{ "skill": "Rust", "years": 3 }, "PostgreSQL"],
        "experience_level": "SENIOR",
        "job_type": "FULL_TIME",
        "remote_work_allowed": true,
        "location_preferences": ["Bogotá, Colombia"],
        "salary_range": { "min": 40000, "max": 60000.50, "currency": "USD" },
        "budget_range": { "max": 5000, "currency": "USD" },
        "hiring_timeline": { "start_by": "2025-03-01", "fill_by": "2025-02-15", "max_days": 30 },
        "urgency_level": "HIGH",
        "candidate_sources": ["EXTERNAL", "REFERRALS"],
        "screening_criteria": { "languages": ["es"] },
    })
}

pub(crate) fn ana() -> Value {
    json!({
        "name": "Ana Gil Páez",
        "email": "ana@email.com",
        "phone": "+57 300 123 4567",
        "skills": [{ "skill": "rust", "years": 4 }, { "skill": "PostgreSQL", "level": "ADVANCED" }, "Kafka"],
        "experience_years": 6,
        "locations": ["Bogotá"],
        "remote_work": true,
        "salary_expectation": { "amount": 4500, "currency": "USD", "period": "MONTH" },
        "job_types": ["FULL_TIME"],
        "available_from": "2025-02-01",
        "summary": "Writes about money",
    })
}

pub(crate) fn hire_of(job: &str, candidate: &str) -> Value {
    json!({
        "job_id": job,
        "candidate_id": candidate,
        "employment_type": "PERMANENT",
        "start_date": "2025-03-01",
        "agreed_salary": 54000.25,
        "currency": "USD",
    })
}

impl TestApp {
    fn on(db: Db, edge: Arc<FixedEdge>) -> Self {
        let index = CandidateIndex::default();
        let shared: Arc<dyn Edge> = edge.clone();
        let app =
            App { db: db.clone(), edge: shared, index: index.clone(), idempotency: Idempotency::default() };
        let routes = hexalpes_http::openapi::published(api(app), "Recruitment", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        Self { db, edge, index, router }
    }

    /// Another process on the same database.
    pub(crate) fn beside(&self) -> Self {
        Self::on(self.db.clone(), Arc::clone(&self.edge))
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, _, value) = self.answer(request.body(Body::from(body.to_string())).unwrap()).await;
        (status, value)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, &[], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, &[], &Value::Null).await
    }

    /// Posts what must be created, and gives its id.
    pub(crate) async fn made(&self, path: &str, body: &Value) -> String {
        let (status, made) = self.post(path, body).await;
        assert_eq!(status, StatusCode::CREATED, "{path}: {made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn candidate(&self, name: &str, mut with: Value) -> String {
        with["name"] = json!(name);
        with["email"] = json!(format!("{}@x.co", name.to_lowercase().replace(' ', ".")));
        self.made("/v1/candidates", &with).await
    }

    /// Does a round of what became due.
    pub(crate) async fn round(&self) -> u64 {
        let edge: Arc<dyn Edge> = self.edge.clone();
        match_due(&self.db, &edge, &self.index).await.unwrap()
    }

    /// Does all that became due.
    pub(crate) async fn catch_up(&self) {
        while self.round().await > 0 {}
    }

    pub(crate) fn days(&self, days: u64) {
        self.edge.advance(Duration::from_hours(24 * days));
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

    /// The events of one type.
    pub(crate) async fn told(&self, kind: &str) -> Vec<Value> {
        let events = self.events().await.into_iter();
        events.filter(|(known, _)| known == kind).map(|(_, payload)| payload).collect()
    }

    /// Every text of a table.
    pub(crate) async fn texts(&self, table: &'static str) -> Vec<String> {
        let select = Query::select().column(Asterisk).from(table).to_owned();
        let rows = self.db.read(async move |tx: &Tx| -> Result<_, DbError> { tx.fetch_all(&select).await });
        rows.await.unwrap().iter().map(|row| format!("{row:?}")).collect()
    }
}
