//! The API on a fresh database of every kind, without a socket, and what the other contexts tell it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_consumer::{Event, HandleError, Handler as _};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Edge, FixedEdge, Timestamp};
use hexalpes_partner_management::{App, Others, Swept, api, sweep};
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
        db.migrate(hexalpes_partner_management::MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T10:30:00Z").unwrap()));
        let app = App { db: db.clone(), edge: edge.clone(), idempotency: Idempotency::default() };
        let routes = hexalpes_http::openapi::published(api(app), "Partners", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        test(TestApp { db: db.clone(), edge, router }).await;
        db.close().await;
    }
}

/// Seed 2's example.
pub(crate) fn a_partner() -> Value {
    json!({
        "business_name": "TechSolutions Inc", "email": "contact@techsolutions.com", "partner_type": "EMPRESA",
        "preferred_contract_type": "PREMIUM", "registration_source": "WEB",
        "registration_data": { "contact_name": "Juan Pérez", "country": "CO", "employees": 12_345_678_901_234_567_890_u64 },
    })
}

/// The same with some fields more, or others.
pub(crate) fn with(body: &Value, fields: &Value) -> Value {
    let mut body = body.clone();
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub(crate) fn a_document(kind: &str, digit: char) -> Value {
    json!({ "kind": kind, "reference": format!("papers/{kind}-{digit}.pdf"), "hash": digit.to_string().repeat(64) })
}

pub(crate) fn a_request() -> Value {
    json!({
        "job_requirements": { "title": "Backend engineer", "department": "Plataforma", "openings": 2, "bonus": 1.10 },
        "required_skills": ["Rust", { "skill": "SQL", "level": "ADVANCED", "years": 3 }],
        "experience_level": "SENIOR", "job_type": "FULL_TIME", "remote_work_allowed": true,
        "location_preferences": ["Bogotá", "Medellín"],
        "salary_range": { "min": 60000, "max": 80000.50, "currency": "USD", "period": "YEAR" },
        "budget_range": { "max": 9000, "currency": "EUR" },
        "hiring_timeline": { "start_by": "2025-04-01", "fill_by": "2025-03-01", "max_days": 60 },
        "urgency_level": "HIGH", "candidate_sources": ["INTERNAL", "REFERRALS"],
        "screening_criteria": { "min_years": 5 },
    })
}

pub(crate) fn signed(contract: &str, partner: &str) -> (&'static str, Value) {
    let told = json!({
        "contract_id": contract, "partner_id": partner, "contract_type": "PREMIUM",
        "signed_at": "2025-01-16T09:00:00Z", "signatories": [], "document_hash": "00", "revision": 3,
    });
    ("com.hexabuilders.onboarding.ContractSigned", told)
}

pub(crate) fn activated(contract: &str, partner: &str) -> (&'static str, Value) {
    let told = json!({
        "contract_id": contract, "partner_id": partner, "contract_type": "PREMIUM",
        "effective_date": "2025-01-17", "expiration_date": "2026-01-17", "campaign_permissions": ["ALL"],
        "budget_limits": {}, "activated_at": "2025-01-17T00:00:00Z",
    });
    ("com.hexabuilders.onboarding.ContractActivated", told)
}

pub(crate) fn ended(contract: &str, partner: &str) -> (&'static str, Value) {
    let told = json!({
        "contract_id": contract, "partner_id": partner, "contract_type": "PREMIUM", "outcome": "TERMINATED",
        "ended_at": "2025-01-18T00:00:00Z", "reason": "agreed", "renewed_by": null, "revision": 9,
    });
    ("com.hexabuilders.onboarding.ContractEnded", told)
}

pub(crate) fn matched(id: &str, partner: &str, request: Option<&str>) -> (&'static str, Value) {
    let told = json!({
        "match_id": id, "job_id": "job-1", "partner_id": partner, "candidate_id": format!("cand-{id}"), "score": 87.25,
        "score_bp": 8725, "rank": 1, "components": [], "explanation": { "es": "Encaja", "en": "It fits" },
        "request_id": request, "job_version": 1, "matched_at": "2025-01-20T08:00:00Z",
    });
    ("com.hexabuilders.recruitment.CandidateMatched", told)
}

pub(crate) fn hired(id: &str, partner: &str, request: Option<&str>, days: i64) -> (&'static str, Value) {
    let told = json!({
        "hiring_id": id, "partner_id": partner, "candidate_id": format!("cand-{id}"), "job_id": "job-1",
        "employment_details": {}, "job_title": "Backend engineer", "department": "Plataforma",
        "start_date": "2025-03-01", "employment_type": "PERMANENT", "agreed_salary": 70000,
        "agreed_salary_minor": 7_000_000, "currency": "USD", "benefits_package": {}, "hiring_process_metrics": {},
        "time_to_hire": days, "recruitment_cost": 1500.5, "recruitment_cost_minor": 150_050,
        "recruitment_cost_currency": "USD", "request_id": request, "hired_at": "2025-02-01T08:00:00Z",
    });
    ("com.hexabuilders.recruitment.CandidateHired", told)
}

pub(crate) fn reported(report: &str, partner: &str, campaign: &str, end: &str) -> (&'static str, Value) {
    let told = json!({
        "report_id": report, "campaign_id": campaign, "partner_id": partner,
        "reporting_period": { "start": "2025-01-01", "end": end, "granularity": "CUSTOM", "days": 7 },
        "performance_summary": { "currency": "USD", "clicks": 10, "spend": 12.10 }, "kpi_achievements": {},
        "roi_metrics": { "roas": 1.10 }, "engagement_metrics": {}, "period_comparison": {},
        "benchmark_comparison": {}, "trend_analysis": {}, "performance_insights": [], "optimization_suggestions": [],
        "risk_indicators": [], "generated_at": "2025-02-01T00:00:00Z",
    });
    ("com.hexabuilders.campaigns.CampaignPerformanceReport", told)
}

pub(crate) fn alerted(alert: &str, partner: &str, version: i64) -> (&'static str, Value) {
    let told = json!({
        "alert_id": alert, "campaign_id": "camp-1", "partner_id": partner,
        "budget_status": { "kind": "TOTAL", "version": version }, "alert_type": "WARNING",
        "threshold_reached": 80.25, "threshold_reached_bp": 8025, "current_spend": 802.5,
        "current_spend_minor": 80_250, "budget_limit": 1000, "budget_limit_minor": 100_000, "projected_spend": 1100,
        "projected_spend_minor": 110_000, "days_remaining": 3, "burn_rate": 99, "burn_rate_minor": 9_900,
        "currency": "USD", "recommended_actions": [], "automatic_actions_taken": [],
        "alerted_at": "2025-02-02T00:00:00Z",
    });
    ("com.hexabuilders.campaigns.BudgetAlert", told)
}

impl TestApp {
    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (parts.status, parts.headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks with some headers.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_null() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let (status, _, answer) = self.send(request.body(body).unwrap()).await;
        (status.as_u16(), answer)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, &[("x-actor", "ana")], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, &[], &Value::Null).await
    }

    /// Registers, and gives the id.
    pub(crate) async fn registered(&self, body: &Value) -> String {
        let (status, partner) = self.post("/v1/partners", body).await;
        assert_eq!(status, 201, "{partner}");
        partner["partner_id"].as_str().unwrap().to_owned()
    }

    /// A partner whose contract is active.
    pub(crate) async fn validated(&self, body: &Value) -> String {
        let id = self.registered(body).await;
        let contract = format!("contract-{id}");
        self.told(signed(&contract, &id)).await;
        self.told(activated(&contract, &id)).await;
        id
    }

    pub(crate) async fn partner(&self, id: &str) -> Value {
        let (status, partner) = self.get(&format!("/v1/partners/{id}")).await;
        assert_eq!(status, 200, "{partner}");
        partner
    }

    pub(crate) async fn metrics(&self, id: &str) -> Value {
        let (status, metrics) = self.get(&format!("/v1/partners/{id}/metrics")).await;
        assert_eq!(status, 200, "{metrics}");
        metrics
    }

    /// Hands an event to the handler of its type, as the consumers do.
    pub(crate) async fn handled(&self, event: (&'static str, Value)) -> Result<(), HandleError> {
        self.handled_by(event.0, event).await
    }

    /// Hands an event to the handler that takes a type.
    pub(crate) async fn handled_by(
        &self,
        taken: &'static str,
        (kind, data): (&str, Value),
    ) -> Result<(), HandleError> {
        let edge: Arc<dyn Edge> = self.edge.clone();
        let others = Others { edge, kind: taken };
        let event = Event {
            id: "e-1".to_owned(),
            kind: kind.to_owned(),
            source: None,
            subject: None,
            time: None,
            correlation: None,
            actor: None,
            data: data.to_string().into_bytes().into(),
            content_type: "application/json".to_owned(),
        };
        let cause = Cause {
            correlation: CorrelationId::parse("CORR-123-456-789").unwrap(),
            causation: CausationId::parse("e-1").unwrap(),
            actor: Actor::parse("onboarding").unwrap(),
            at: self.edge.now(),
        };
        self.db.write(async move |tx: &Tx| others.handle(tx, &event, &cause).await).await
    }

    pub(crate) async fn told(&self, event: (&'static str, Value)) {
        self.handled(event).await.unwrap();
    }

    pub(crate) async fn swept(&self) -> Swept {
        let edge: Arc<dyn Edge> = self.edge.clone();
        sweep(&self.db, &edge).await.unwrap()
    }

    /// The rows of the outbox, oldest first.
    pub(crate) async fn outbox(&self) -> Vec<Row> {
        let select =
            Query::select().column(Asterisk).from("outbox_event").order_by("seq", Order::Asc).to_owned();
        let read = async move |tx: &Tx| -> Result<_, DbError> { tx.fetch_all(&select).await };
        self.db.read(read).await.unwrap()
    }

    /// Bare types and payloads of the outbox, oldest first.
    pub(crate) async fn events(&self) -> Vec<(String, Value)> {
        let read = |row: &Row| {
            let (kind, payload): (String, String) = (row.get("type").unwrap(), row.get("payload").unwrap());
            (kind.rsplit('.').next().unwrap().to_owned(), serde_json::from_str(&payload).unwrap())
        };
        self.outbox().await.iter().map(read).collect()
    }

    /// The payloads of one type.
    pub(crate) async fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events().await.into_iter().filter(|(of, _)| of == kind).map(|(_, told)| told).collect()
    }
}
