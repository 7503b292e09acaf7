//! What campaigns report is what analytics shows, on port 5004: with the event that told it, and newer versions in the
//! place of older ones.

use std::fs;
use std::time::Duration;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_e2e::{Journey, PATIENCE, Product, real_pulsar};
use hexalpes_engines::{eventually, log_databases};
use hexalpes_kernel::{
    Actor, CausationId, Cause, Clock as _, CorrelationId, Ids as _, SystemEdge, Timestamp,
};
use hexalpes_outbox::NewEvent;
use sea_query::Query;
use serde_json::{Value, json};

use crate::command::ask;

const DAY: Duration = Duration::from_hours(24);

fn journey(product: &Product) -> Journey {
    let [partners, recruitment, campaigns] =
        ["--partners-port", "--recruitment-port", "--campaigns-port"].map(|flag| product.port_of(flag));
    Journey::on_ports([partners, product.port(), recruitment, campaigns], "CORR-analytics")
}

fn day(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

/// The id of the event that told of a report, from the audit trail.
fn event_of(product: &Product, report: &str) -> String {
    let found = eventually(PATIENCE, || {
        let events = product.event_lines(1).into_iter();
        let mut reports = events.filter(|event| event.kind.ends_with(".CampaignPerformanceReport"));
        reports.find(|event| event.data.get().contains(report)).map(|event| event.id)
    });
    found.unwrap_or_else(|| panic!("no event tells of {report}"))
}

/// Accepts C-28, S2-EV-5.
#[tokio::test]
async fn a_campaigns_figures_are_those_of_its_report_and_say_which_event_told_them() {
    shown(&Product::start()).await;
    if let Some(pulsar) = real_pulsar().await {
        shown(&Product::start_on(Some(pulsar.urls.clone()))).await;
    }
    for database in log_databases() {
        println!("on {}", database.engine());
        shown(&Product::start_on_server(database.url(), None)).await;
    }
}

async fn shown(product: &Product) {
    let journey = journey(product);
    let analytics = product.api_at("--analytics-port");
    let (partner, _) = journey.validated("Analytics").await;
    let campaign = journey.campaign(&partner, 1000).await;
    let now = SystemEdge.now();
    let (today, tomorrow) = (day(now), day(now.after(DAY)));
    let spend = json!({ "spend_id": "s-1", "amount": 120.5, "occurred_at": now });
    journey.campaigns.made(&format!("/v1/campaigns/{campaign}/spend"), &spend).await;
    let results = json!({ "results": [{ "result_id": "r-1", "date": today, "impressions": 1_000, "clicks": 50,
        "leads": 5, "conversions": 2, "revenue": 300, "currency": "USD" }] });
    journey.campaigns.made(&format!("/v1/campaigns/{campaign}/results"), &results).await;
    let asked = json!({ "campaign_id": campaign, "start": today, "end": tomorrow });
    let report = journey.campaigns.made("/v1/reports", &asked).await["report_id"].take();
    let report = report.as_str().unwrap();

    let path = format!("/v1/analytics/campaigns/{campaign}/periods/{today}--{tomorrow}");
    let is_heard =
        |found: &Value| found["as_of"]["report_id"] == report && found["campaign"]["status"] == "ACTIVE";
    let found = analytics.until(&path, is_heard).await;
    assert_eq!(
        (&found["campaign"]["name"], &found["campaign"]["channel"]),
        (&json!("Verano"), &json!("WEB"))
    );
    assert_eq!(found["as_of"]["event_id"], event_of(product, report), "{found}");
    assert_eq!((&found["partner_id"], &found["correlation_id"]), (&json!(partner), &json!("CORR-analytics")));
    let figures = &found["figures"];
    assert_eq!((&figures["clicks"], &figures["spend_minor"]), (&json!(50), &json!(12_050)), "{found}");
    assert_eq!(
        (&figures["revenue"], figures["roi_percent"].to_string()),
        (&json!(300), "148.9627".to_owned())
    );
    let (_, told) = journey.campaigns.get(&format!("/v1/reports/{report}")).await;
    for part in
        ["performance_summary", "kpi_achievements", "roi_metrics", "trend_analysis", "risk_indicators"]
    {
        assert_eq!(found["report"][part], told[part], "{part}");
    }
    for (list, of) in [("campaigns", "campaign_id"), ("partners", "partner_id"), ("overview", "campaigns")] {
        let (status, page) = analytics.get(&format!("/v1/analytics/{list}?sort=-period")).await;
        let item = &page["items"][0];
        let expected =
            [("campaign_id", json!(campaign)), ("partner_id", json!(partner)), ("campaigns", json!(1))];
        let expected = expected.into_iter().find(|(name, _)| *name == of).unwrap().1;
        assert_eq!((status, &item[of], &item["as_of"]), (200, &expected, &found["as_of"]), "{page}");
    }

    let (status, health) = analytics.get("/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")), "{health}");
    for check in ["relay", "performance-report", "campaigns"] {
        assert_eq!(health["checks"][check]["status"], "ok", "{check}: {health}");
    }
    let (_, consumers) = analytics.get("/debug/consumers").await;
    let subscriptions: Vec<&Value> =
        consumers.as_array().unwrap().iter().map(|consumer| &consumer["subscription"]).collect();
    assert_eq!(subscriptions, ["analytics-performance-report", "analytics-campaigns"]);
}

async fn campaigns_of(product: &Product) -> Db {
    let url = DatabaseUrl::file(product.data().join("campaign-management.db"));
    Db::open(&url, DbOptions::default()).await.unwrap()
}

/// As if it had run since the day before, which is given: no test can wait for a day to be over.
async fn had_begun_the_day_before(product: &Product) -> String {
    let db = campaigns_of(product).await;
    let since = SystemEdge.now().before(DAY);
    let begin = async move |tx: &Tx| -> Result<(), DbError> {
        let began = Query::update().table("campaign").value("running_since", since.as_micros()).to_owned();
        tx.execute(&began).await?;
        tx.execute(&Query::delete().from_table("campaign_schedule").to_owned()).await.map(drop)
    };
    db.write(begin).await.unwrap();
    db.close().await;
    day(since)
}

/// What is due is reported at the start, and what is no longer right is reported again.
///
/// Accepts C-28, S2-EV-5.
#[tokio::test]
async fn late_spend_has_another_version_take_the_place_of_the_first() {
    let mut product = Product::start();
    let (partner, _) = journey(&product).validated("Late").await;
    let campaign = journey(&product).campaign(&partner, 1000).await;
    assert_eq!(product.terminate(), Some(0));
    let yesterday = had_begun_the_day_before(&product).await;
    let path = format!("/v1/analytics/campaigns/{campaign}/periods/{yesterday}");
    let of_version = async |product: &Product, version: u32| -> Value {
        product.api_at("--analytics-port").until(&path, |found| found["as_of"]["version"] == version).await
    };
    product.restart();
    let first = of_version(&product, 1).await;
    assert_eq!((&first["period"]["granularity"], &first["figures"]["spend"]), (&json!("DAILY"), &json!(0)));

    let spend = json!({ "spend_id": "late", "amount": 50, "occurred_at": format!("{yesterday}T12:00:00Z") });
    journey(&product).campaigns.made(&format!("/v1/campaigns/{campaign}/spend"), &spend).await;
    assert_eq!(product.terminate(), Some(0));
    product.restart();
    let second = of_version(&product, 2).await;
    assert_eq!((&second["figures"]["spend"], &second["revision"]), (&json!(50), &json!(2)), "{second}");
    assert_eq!(second["report"]["replaces"], first["as_of"]["report_id"], "{second}");
    let report = second["as_of"]["report_id"].as_str().unwrap();
    assert_eq!(second["as_of"]["event_id"], event_of(&product, report), "{second}");
    let list = format!("/v1/analytics/campaigns/{campaign}?granularity=DAILY");
    let (_, campaign) = product.api_at("--analytics-port").get(&list).await;
    assert_eq!(campaign["items"].as_array().unwrap().len(), 1, "{campaign}");
    assert_eq!(campaign["totals"][0]["figures"]["spend"], 50, "{campaign}");
}

/// Has the campaigns tell of a report with this summary.
async fn tell(product: &Product, summary: &Value) -> Value {
    let report = json!({
        "report_id": "r-1", "campaign_id": "c-1", "partner_id": "p-1",
        "reporting_period": { "start": "2026-01-01", "end": "2026-02-01", "granularity": "MONTHLY", "days": 31 },
        "performance_summary": summary, "kpi_achievements": {}, "roi_metrics": {}, "engagement_metrics": {},
        "period_comparison": {}, "benchmark_comparison": {}, "trend_analysis": {}, "performance_insights": [],
        "optimization_suggestions": [], "risk_indicators": [], "generated_at": "2026-02-01T00:01:00Z",
        "version": 1, "replaces": null, "renewal_reasons": [],
    });
    let event = NewEvent {
        id: SystemEdge.uuid(),
        aggregate_type: "campaigns",
        aggregate_id: "c-1".to_owned(),
        kind: "com.hexabuilders.campaigns.CampaignPerformanceReport",
        data: serde_json::value::to_raw_value(&report).unwrap(),
    };
    let cause = Cause {
        correlation: CorrelationId::parse("CORR-told").unwrap(),
        causation: CausationId::parse("CMD-told").unwrap(),
        actor: Actor::parse("campaigns").unwrap(),
        at: SystemEdge.now(),
    };
    let db = campaigns_of(product).await;
    db.write(async move |tx: &Tx| hexalpes_outbox::append(tx, &cause, event.clone()).await).await.unwrap();
    db.close().await;
    report
}

/// Accepts C-3, C-6, C-28.
#[tokio::test]
async fn a_report_that_cannot_be_added_up_is_a_dead_letter_of_analytics_alone_and_is_heard_once_it_is_mended()
{
    const LETTERS: &str = "hexabuilders/campaign-management/performance-report-analytics-dlq";
    let product = Product::start();
    let mut report = tell(&product, &json!({ "clicks": 7 })).await;
    let rows = |arguments: &[&str]| -> Vec<Value> {
        serde_json::from_str(&ask(&product, &[arguments, &["-o", "json"]].concat())).unwrap()
    };
    let letters =
        eventually(PATIENCE, || Some(rows(&["dlq", "list", LETTERS])).filter(|all| !all.is_empty()));
    let [letter] = letters.unwrap_or_else(|| panic!("{}", product.log())).try_into().unwrap();
    let event = letter["event"].as_str().unwrap();
    let shown = ask(&product, &["dlq", "show", LETTERS, event]);
    assert!(shown.contains("performance_summary: missing field `currency`"), "{shown}");
    let topics = rows(&["dlq", "list"]);
    let waiting: Vec<&str> = topics.iter().map(|topic| topic["topic"].as_str().unwrap()).collect();
    assert!(waiting.iter().all(|topic| topic.ends_with("performance-report-analytics-dlq")), "{waiting:?}");

    report["performance_summary"] = json!({ "clicks": 7, "currency": "COP", "spend": 100 });
    let mended = product.data().join("mended.json");
    fs::write(&mended, report.to_string()).unwrap();
    let data = mended.display().to_string();
    let said = ask(&product, &["dlq", "replay", LETTERS, "--event", event, "--edit", &data]);
    assert!(said.contains(&format!("{event}: handled")), "{said}");
    let (status, found) =
        product.api_at("--analytics-port").get("/v1/analytics/campaigns/c-1/periods/2026-01").await;
    assert_eq!((status, &found["figures"]["spend_minor"]), (200, &json!(10_000)), "{found}");
    assert_eq!((&found["as_of"]["event_id"], &found["figures"]["clicks"]), (&json!(event), &json!(7)));
    assert!(rows(&["dlq", "list", LETTERS]).is_empty());
    assert!(rows(&["consumers", "blocked"]).is_empty());
}
