//! The API on a fresh database of every kind, without a socket, and reports as campaigns tell them.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hexalpes_analytics::{App, Campaigns, MIGRATIONS, Reports, api};
use hexalpes_consumer::{Event, HandleError, Handler as _};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, FixedEdge, Timestamp};
use http::{HeaderMap, Request};
use sea_query::Query;
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Clone)]
pub(crate) struct TestApp {
    db: Db,
    edge: Arc<FixedEdge>,
    router: Router,
}

/// Runs a test on each database, one after the other.
pub(crate) async fn on_each_database(test: impl AsyncFn(TestApp)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-02-01T06:00:00Z").unwrap()));
        let routes = hexalpes_http::openapi::published(api(App { db: db.clone() }), "Analytics", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        test(TestApp { db: db.clone(), edge, router }).await;
        db.close().await;
    }
}

/// What a report says: the numbers of its event, id and version are one.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) campaign: &'static str,
    pub(crate) partner: &'static str,
    pub(crate) granularity: &'static str,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) version: i64,
    /// After one o'clock; where nothing is said, of newer versions later.
    pub(crate) minute: Option<i64>,
    pub(crate) currency: &'static str,
    /// Impressions, clicks, leads, conversions.
    pub(crate) counts: [i64; 4],
    pub(crate) spend_minor: i64,
    pub(crate) revenue_minor: i64,
}

/// Of the campaign `c-1` of `p-1`, on the 15th of January.
pub(crate) fn a_day() -> Told {
    Told {
        campaign: "c-1",
        partner: "p-1",
        granularity: "DAILY",
        start: "2025-01-15".to_owned(),
        end: "2025-01-16".to_owned(),
        version: 1,
        minute: None,
        currency: "USD",
        counts: [1_000, 50, 5, 2],
        spend_minor: 1_210,
        revenue_minor: 3_000,
    }
}

/// As [`a_day`], of January.
pub(crate) fn a_month() -> Told {
    let (start, end) = ("2025-01-01".to_owned(), "2025-02-01".to_owned());
    Told { granularity: "MONTHLY", start, end, ..a_day() }
}

impl Told {
    pub(crate) fn report_id(&self) -> String {
        let Self { campaign, granularity, start, end, version, minute, .. } = self;
        let made = minute.map(|minute| format!(" at {minute}")).unwrap_or_default();
        format!("r {campaign} {granularity} {start} {end} {version}{made}")
    }

    pub(crate) fn at(&self) -> String {
        format!("2025-02-01T01:{:02}:00Z", self.minute.unwrap_or(self.version))
    }

    pub(crate) fn data(&self) -> Value {
        let [impressions, clicks, leads, conversions] = self.counts;
        json!({
            "report_id": self.report_id(), "campaign_id": self.campaign, "partner_id": self.partner,
            "reporting_period": { "start": self.start, "end": self.end, "granularity": self.granularity, "days": 1 },
            "performance_summary": { "currency": self.currency, "impressions": impressions, "clicks": clicks,
                "leads": leads, "conversions": conversions, "spend_minor": self.spend_minor,
                "revenue_minor": self.revenue_minor },
            "kpi_achievements": {}, "roi_metrics": {}, "engagement_metrics": {}, "period_comparison": {},
            "benchmark_comparison": {}, "trend_analysis": {}, "performance_insights": [],
            "optimization_suggestions": [], "risk_indicators": [], "generated_at": self.at(),
            "version": self.version, "replaces": null, "renewal_reasons": [],
        })
    }
}

impl TestApp {
    /// Lets the handler have a report, as its consumer does.
    pub(crate) async fn handled(&self, id: &str, time: Option<&str>, data: &str) -> Result<(), HandleError> {
        self.handled_as("CampaignPerformanceReport", (id, time), data).await
    }

    /// Lets both handlers have an event, of which one takes it.
    pub(crate) async fn handled_as(
        &self,
        kind: &str,
        (id, time): (&str, Option<&str>),
        data: &str,
    ) -> Result<(), HandleError> {
        let event = Event {
            id: id.to_owned(),
            kind: format!("com.hexabuilders.campaigns.{kind}"),
            source: None,
            subject: None,
            time: time.map(|time| Timestamp::parse(time).unwrap()),
            correlation: None,
            actor: None,
            data: data.to_owned().into_bytes().into(),
            content_type: "application/json".to_owned(),
        };
        let cause = Cause {
            correlation: CorrelationId::parse("CORR-1").unwrap(),
            causation: CausationId::parse("EVT-1").unwrap(),
            actor: Actor::parse("campaign-management").unwrap(),
            at: self.edge.now(),
        };
        let handle = async move |tx: &Tx| -> Result<(), HandleError> {
            Reports.handle(tx, &event, &cause).await?;
            Campaigns.handle(tx, &event, &cause).await
        };
        self.db.write(handle).await
    }

    /// The event is called as the report.
    pub(crate) async fn told(&self, told: &Told) {
        let event = told.report_id().replacen('r', "e", 1);
        self.handled(&event, Some(&told.at()), &told.data().to_string()).await.unwrap();
    }

    /// As if nothing had been heard.
    pub(crate) async fn forget(&self) {
        let forget = async move |tx: &Tx| -> Result<(), DbError> {
            for table in ["period_report", "newest_report"] {
                tx.execute(&Query::delete().from_table(table).to_owned()).await?;
            }
            Ok(())
        };
        self.db.write(forget).await.unwrap();
    }

    /// Status, headers and text.
    pub(crate) async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, text) = self.ask(path, &[]).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// What is there.
    pub(crate) async fn found(&self, path: &str) -> Value {
        let (status, found) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {found}");
        found
    }

    /// All items of a list, which is asked for in pages of two.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let first = format!("{path}{}limit=2", if path.contains('?') { '&' } else { '?' });
        let (mut all, mut next) = (Vec::new(), first.clone());
        loop {
            let mut page = self.found(&next).await;
            let items = page["items"].take();
            all.extend(items.as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            next = format!("{first}&cursor={cursor}");
        }
    }
}
