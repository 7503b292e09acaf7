//! The API on a fresh database of every kind, without a socket, and events as others send them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hexalpes_campaign_management::{App, api, report, sweep};
use hexalpes_campaign_management::{Contracts as OnContracts, Conversions as OnConversions};
use hexalpes_campaign_management::{Ends as OnEnds, Validations as OnValidations};
use hexalpes_consumer::{Event, HandleError, Handler as _};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::{
    Actor, CausationId, Cause, Clock as _, CorrelationId, Edge, FixedEdge, Ids as _, Timestamp,
};
use http::{HeaderMap, Request, header};
use sea_query::{Asterisk, Order, Query};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Which of the handlers hears it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hears {
    Contracts,
    Ends,
    Validations,
    Conversions,
}

pub(crate) use Hears::{Contracts, Conversions, Ends, Validations};

#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) db: Db,
    pub(crate) edge: Arc<FixedEdge>,
    router: Router,
}

/// Runs a test on each database, one after the other, at noon of 2025-01-15, a Wednesday. The partner `p-1` has a
/// contract that allows everything.
pub(crate) async fn on_each_database(test: impl AsyncFn(TestApp)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(hexalpes_outbox::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_consumer::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_http::idempotency::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_campaign_management::MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T12:00:00Z").unwrap()));
        let app = App { db: db.clone(), edge: edge.clone(), idempotency: Idempotency::default() };
        let routes = hexalpes_http::openapi::published(api(app), "Campaigns", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        let app = TestApp { db: db.clone(), edge, router };
        app.told(&Contracts, &activated(&json!({}))).await.unwrap();
        test(app).await;
        db.close().await;
    }
}

/// The data of `ContractActivated`, with some fields others.
pub(crate) fn activated(fields: &Value) -> Value {
    let contract = json!({
        "contract_id": "k-1", "partner_id": "p-1", "contract_type": "PREMIUM",
        "effective_date": "2025-01-01", "expiration_date": "2026-01-01",
        "campaign_permissions": ["ALL"], "budget_limits": {}, "feature_flags": {}, "sla_terms": {},
        "commission_structure": {}, "payment_terms": {}, "revision": 1, "renews": null,
        "activated_at": "2025-01-01T00:00:00Z",
    });
    with(&contract, fields)
}

pub(crate) fn a_campaign() -> Value {
    json!({
        "partner_id": "p-1", "name": "Verano", "campaign_type": "SOCIAL", "channel": "instagram",
        "start_date": "2025-01-15", "end_date": "2025-01-24",
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

impl TestApp {
    pub(crate) fn cause(&self) -> Cause {
        Cause {
            correlation: CorrelationId::parse("CORR-1").unwrap(),
            causation: CausationId::parse("EVT-1").unwrap(),
            actor: Actor::anonymous(),
            at: self.edge.now(),
        }
    }

    /// Lets a handler have an event, as a consumer does.
    pub(crate) async fn told(&self, handler: &Hears, data: &Value) -> Result<(), HandleError> {
        let kind = match handler {
            Contracts => "com.hexabuilders.onboarding.ContractActivated",
            Ends => "com.hexabuilders.onboarding.ContractEnded",
            Validations => "com.hexabuilders.partners.PartnerValidationCompleted",
            Conversions if data.get("refund_id").is_some() => {
                "com.hexabuilders.conversions.ConversionRefunded"
            }
            Conversions => "com.hexabuilders.conversions.ConversionRecorded",
        };
        let event = Event {
            id: self.edge.uuid().to_string(),
            kind: kind.to_owned(),
            source: None,
            subject: None,
            time: Some(self.edge.now()),
            correlation: None,
            actor: None,
            data: Bytes::from(data.to_string()),
            content_type: "application/json".to_owned(),
        };
        let (handler, cause, edge) = (*handler, self.cause(), self.edge.clone());
        self.db
            .write(async move |tx: &Tx| -> Result<(), HandleError> {
                let edge: Arc<dyn Edge> = edge.clone();
                match handler {
                    Contracts => OnContracts { edge }.handle(tx, &event, &cause).await,
                    Ends => OnEnds { edge }.handle(tx, &event, &cause).await,
                    Validations => OnValidations { edge }.handle(tx, &event, &cause).await,
                    Conversions => OnConversions.handle(tx, &event, &cause).await,
                }
            })
            .await
    }

    /// That the contract `k-1` of `p-1` ended, with some fields others.
    pub(crate) async fn ended(&self, fields: &Value) {
        let whole = json!({ "contract_id": "k-1", "partner_id": "p-1", "contract_type": "PREMIUM",
            "outcome": "TERMINATED", "ended_at": "2025-01-15T12:00:00Z", "reason": "no paga",
            "renewed_by": null, "revision": 8 });
        self.told(&Ends, &with(&whole, fields)).await.unwrap();
    }

    pub(crate) async fn validated(&self, data: &Value) {
        let whole = json!({ "partner_id": "p-1", "validation_status": "COMPLETE", "validated_by": "system",
            "validated_at": "2025-01-15T10:00:00Z", "checks": [], "revision": 1 });
        self.told(&Validations, &with(&whole, data)).await.unwrap();
    }

    pub(crate) async fn converted(&self, data: &Value) {
        self.told(&Conversions, data).await.unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (parts.status.as_u16(), parts.headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        seen: Option<&str>,
        body: &Value,
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(seen) = seen {
            request = request.header(header::IF_MATCH, seen);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        let (status, _, answer) = self.send(request.body(body).unwrap()).await;
        (status, answer)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, None, &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, None, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("PATCH", path, None, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("PUT", path, None, body).await
    }

    /// Drafts, and gives the id.
    pub(crate) async fn drafted(&self, fields: &Value) -> String {
        let (status, campaign) = self.post("/v1/campaigns", &with(&a_campaign(), fields)).await;
        assert_eq!(status, 201, "{campaign}");
        campaign["campaign_id"].as_str().unwrap().to_owned()
    }

    /// A campaign that runs, with budgets of these kinds and limits.
    pub(crate) async fn running(&self, budgets: &[(&str, i64)]) -> String {
        let budgets: Vec<Value> =
            budgets.iter().map(|(kind, limit)| json!({ "kind": kind, "limit": limit })).collect();
        let id = self.drafted(&json!({ "budgets": budgets })).await;
        let (status, campaign) = self.verb(&id, "activate", &Value::Null).await;
        assert_eq!(status, 200, "{campaign}");
        id
    }

    pub(crate) async fn verb(&self, id: &str, verb: &str, body: &Value) -> (u16, Value) {
        self.post(&format!("/v1/campaigns/{id}/{verb}"), body).await
    }

    pub(crate) async fn spend(&self, id: &str, spend: &str, amount: &str, fields: &Value) -> (u16, Value) {
        let amount: Value = serde_json::from_str(amount).unwrap();
        let body = with(&json!({ "spend_id": spend, "amount": amount }), fields);
        self.post(&format!("/v1/campaigns/{id}/spend"), &body).await
    }

    pub(crate) async fn spent(&self, id: &str, spend: &str, amount: &str) {
        let (status, answer) = self.spend(id, spend, amount, &json!({})).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub(crate) async fn status(&self, id: &str) -> (String, Value) {
        let (_, campaign) = self.get(&format!("/v1/campaigns/{id}")).await;
        (campaign["status"].as_str().unwrap().to_owned(), campaign["paused_by"].clone())
    }

    /// Lets time pass, and what it brings about happen.
    pub(crate) async fn later(&self, duration: Duration) {
        self.edge.advance(duration);
        self.sweep().await;
    }

    /// What time brings about; tells how many reports were made.
    pub(crate) async fn sweep(&self) -> u64 {
        let edge: Arc<dyn Edge> = self.edge.clone();
        sweep(&self.db, &edge).await.unwrap();
        report(&self.db, &edge).await.unwrap()
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

    pub(crate) async fn events_of(&self, kind: &str) -> Vec<Value> {
        let events = self.events().await;
        events.into_iter().filter(|(one, _)| one == kind).map(|(_, data)| data).collect()
    }

    /// Kind of budget, version and level of each alert, in order.
    pub(crate) async fn alerts(&self) -> Vec<String> {
        let told = |alert: &Value| {
            let status = &alert["budget_status"];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            format!("{} {} {}", text(&status["kind"]), status["version"], text(&alert["alert_type"]))
        };
        self.events_of("BudgetAlert").await.iter().map(told).collect()
    }
}
