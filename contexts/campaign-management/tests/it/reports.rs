//! How campaigns did: every figure of a report, and who makes reports when.

use std::sync::Arc;
use std::time::Duration;

use hexalpes_campaign_management::{report, sweep};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Edge, Timestamp};
use http::Request;
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};

use crate::support::{TestApp, on_each_database};

const DAY: Duration = Duration::from_hours(24);

async fn results(app: &TestApp, id: &str, rows: &[(&str, [i64; 5])]) {
    let rows: Vec<Value> = rows
        .iter()
        .map(|(day, [impressions, clicks, leads, conversions, revenue])| {
            json!({ "result_id": day, "date": day, "impressions": impressions, "clicks": clicks, "leads": leads,
                "conversions": conversions, "revenue": revenue })
        })
        .collect();
    let (_, answer) = app.post(&format!("/v1/campaigns/{id}/results"), &json!({ "results": rows })).await;
    assert_eq!(answer["refused"], 0, "{answer}");
}

/// Three days of a campaign that does worse than the partner's other one, and than it did before.
async fn a_history(app: &TestApp) -> String {
    let targets = json!({ "conversions": 100, "revenue": 1_400, "roi": 100 });
    let budgets = json!([{ "kind": "TOTAL", "limit": 1_000 }]);
    let id = app.drafted(&json!({ "targets": targets, "budgets": budgets })).await;
    let other = app.running(&[("TOTAL", 500)]).await;
    app.verb(&id, "activate", &Value::Null).await;
    app.spent(&id, "s-1", "100").await;
    app.edge.advance(DAY);
    app.spent(&id, "s-2", "200").await;
    app.spent(&other, "s-1", "200").await;
    app.edge.advance(DAY);
    app.spent(&id, "s-3", "100").await;
    app.edge.advance(DAY);
    let rows = [
        ("2025-01-14", [10_000, 400, 0, 40, 1_000]),
        ("2025-01-15", [10_000, 200, 20, 10, 500]),
        ("2025-01-16", [12_000, 300, 0, 15, 900]),
        ("2025-01-17", [8_000, 100, 0, 5, 100]),
    ];
    results(app, &id, &rows).await;
    results(app, &other, &[("2025-01-16", [10_000, 400, 0, 40, 2_000])]).await;
    id
}

fn kinds(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

/// Accepts S2-EV-5.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_tells_every_field_with_the_numbers_that_follow_from_what_happened() {
    on_each_database(async |app| {
        let id = a_history(&app).await;
        let body = json!({ "campaign_id": id, "start": "2025-01-15", "end": "2025-01-18" });
        let (status, report) = app.post("/v1/reports", &body).await;
        assert_eq!(status, 201, "{report}");
        let [told] = app.events_of("CampaignPerformanceReport").await.try_into().unwrap();
        assert_eq!(told, report);
        let (_, kept) = app.get(&format!("/v1/reports/{}", report["report_id"].as_str().unwrap())).await;
        assert_eq!(kept, report);

        let of = ["campaign_id", "partner_id", "generated_at"].map(|name| told[name].clone());
        assert_eq!(of, [json!(id), json!("p-1"), json!("2025-01-18T12:00:00Z")]);
        let period = json!({ "start": "2025-01-15", "end": "2025-01-18", "granularity": "CUSTOM", "days": 3 });
        assert_eq!(told["reporting_period"], period);
        let summary = json!({ "currency": "USD", "impressions": 30_000, "clicks": 600, "leads": 20,
            "conversions": 30, "spend": 400, "spend_minor": 40_000, "revenue": 1_500, "revenue_minor": 150_000,
            "active_days": 3 });
        assert_eq!(told["performance_summary"], summary);
        let kpis = json!({
            "conversions": { "target": 100, "actual": 70, "achieved_bp": 7_000, "is_met": false },
            "revenue": { "target": 1_400, "target_minor": 140_000, "actual": 2_500, "actual_minor": 250_000,
                "currency": "USD", "achieved_bp": 17_857, "is_met": true },
            "roi": { "target": 100, "actual": 525, "achieved_bp": 52_500, "is_met": true },
        });
        assert_eq!(told["kpi_achievements"], kpis);
        let roi = json!({ "currency": "USD", "spend": 400, "spend_minor": 40_000, "revenue": 1_500,
            "revenue_minor": 150_000, "profit": 1_100, "profit_minor": 110_000, "roi_percent": 275, "roas": 3.75 });
        assert_eq!(told["roi_metrics"], roi);
        let engagement = json!({ "currency": "USD", "ctr_percent": 2, "cvr_percent": 5, "cpc": 0.6667,
            "cpa": 13.3333, "cpl": 20, "cpm": 13.3333, "revenue_per_conversion": 50 });
        assert_eq!(told["engagement_metrics"], engagement);
        compared(&told);

        let insights = ["FIGURE_DOWN", "FIGURE_UP", "FIGURE_DOWN", "FIGURE_DOWN", "TARGET_MET", "TARGET_MET",
            "BEST_DAY", "TREND_DOWN", "TREND_DOWN"];
        assert_eq!(kinds(&told["performance_insights"]), insights);
        let suggestions = ["IMPROVE_CREATIVES", "IMPROVE_LANDING_PAGE", "LOWER_COST_PER_CONVERSION",
            "REDUCE_DAILY_SPEND", "RAISE_BUDGET"];
        assert_eq!(kinds(&told["optimization_suggestions"]), suggestions);
        assert_eq!(kinds(&told["risk_indicators"]), ["BUDGET_OVERRUN", "CONVERSIONS_FALLING"]);
        let risk = json!({ "kind": "BUDGET_OVERRUN", "severity": "WARNING",
            "message": { "en": "the budget will be overrun: 1200 USD are projected for 1000 USD",
                "es": "el presupuesto se superará: se proyectan 1200 USD para 1000 USD" },
            "evidence": { "budget": "TOTAL", "limit": 1_000, "limit_minor": 100_000, "spent": 400,
                "spent_minor": 40_000, "projected": 1_200, "projected_minor": 120_000, "burn_rate": 133.33,
                "burn_rate_minor": 13_333, "days_remaining": 7, "runs_out": "2025-01-22", "currency": "USD" } });
        assert_eq!(told["risk_indicators"][0], risk);
    })
    .await;
}

/// With the days before, with others, and day by day.
fn compared(told: &Value) {
    let comparison = &told["period_comparison"];
    let dates = (&comparison["previous_start"], &comparison["previous_end"]);
    assert_eq!(dates, (&json!("2025-01-12"), &json!("2025-01-15")));
    let previous = json!({ "currency": "USD", "impressions": 10_000, "clicks": 400, "leads": 0, "conversions": 40,
        "spend": 0, "spend_minor": 0, "revenue": 1_000, "revenue_minor": 100_000 });
    assert_eq!(comparison["previous"], previous);
    let figures = comparison["figures"].as_object().unwrap();
    assert_eq!(figures.len(), 12);
    for (name, expected) in [
        ("conversions", json!({ "current": 30, "previous": 40, "change": -10, "change_percent": -25 })),
        ("revenue", json!({ "current": 1_500, "previous": 1_000, "change": 500, "change_percent": 50 })),
        ("ctr_percent", json!({ "current": 2, "previous": 4, "change": -2, "change_percent": -50 })),
        ("spend", json!({ "current": 400, "previous": 0, "change": 400, "change_percent": null })),
        ("roi_percent", json!({ "current": 275, "previous": null, "change": null, "change_percent": null })),
    ] {
        assert_eq!(figures[name], expected, "{name}");
    }
    let benchmark = &told["benchmark_comparison"];
    assert_eq!((&benchmark["of"], &benchmark["campaigns"]), (&json!("partner"), &json!(1)));
    let figures = benchmark["figures"].as_object().unwrap();
    assert_eq!(figures.len(), 6);
    let cpa = json!({ "current": 13.3333, "benchmark": 5, "difference_percent": 166.67 });
    assert_eq!(figures["cpa"], cpa);
    let trends = told["trend_analysis"].as_object().unwrap();
    assert_eq!(trends.len(), 6);
    let falling = |slope: Value| json!({ "direction": "DOWN", "slope_per_day": slope, "points": 3 });
    assert_eq!(trends["conversions"], falling(json!(-2.5)));
    assert_eq!(trends["revenue"], falling(json!(-200)));
    assert_eq!(trends["spend"], json!({ "direction": "FLAT", "slope_per_day": 0, "points": 3 }));
}

/// Accepts G-10.
#[tokio::test(flavor = "multi_thread")]
async fn insights_and_suggestions_are_told_each_by_itself_with_their_numbers() {
    on_each_database(async |app| {
        let id = a_history(&app).await;
        let body = json!({ "campaign_id": id, "start": "2025-01-15", "end": "2025-01-18" });
        let (_, report) = app.post("/v1/reports", &body).await;
        let insights = app.events_of("CampaignInsight").await;
        assert_eq!(insights.len(), 9);
        let expected = json!({
            "insight_id": insights[0]["insight_id"], "campaign_id": id, "partner_id": "p-1",
            "report_id": report["report_id"], "insight_type": "FIGURE_DOWN", "severity": "WARNING",
            "message": { "en": "conversions fell by -25 %, from 40 to 30",
                "es": "cambio en las conversiones: bajó un -25 %, de 40 a 30" },
            "evidence": { "figure": "conversions", "current": 30, "previous": 40, "change_percent": -25 },
            "generated_at": "2025-01-18T12:00:00Z",
        });
        assert_eq!(insights[0], expected);
        let suggestions = app.events_of("OptimizationSuggestion").await;
        assert_eq!(suggestions.len(), 5);
        let expected = json!({
            "suggestion_id": suggestions[2]["suggestion_id"], "campaign_id": id, "partner_id": "p-1",
            "report_id": report["report_id"], "suggestion_type": "LOWER_COST_PER_CONVERSION", "priority": "HIGH",
            "message": {
                "en": "lower the cost per conversion: it is 13.3333, and 5 with the partner's other campaigns",
                "es": "baje el coste por conversión: es 13.3333, y 5 en las otras campañas del socio" },
            "evidence": { "figure": "cpa", "current": 13.3333, "benchmark": 5, "difference_percent": 166.67,
                "benchmark_of": "partner", "benchmark_campaigns": 1 },
            "suggested_at": "2025-01-18T12:00:00Z",
        });
        assert_eq!(suggestions[2], expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_which_nothing_is_known_has_a_report_without_ratios() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        let (_, report) =
            app.post("/v1/reports", &json!({ "campaign_id": id, "granularity": "WEEKLY" })).await;
        assert_eq!(report["reporting_period"]["start"], "2025-01-06");
        let ratios = report["engagement_metrics"].as_object().unwrap();
        assert!(ratios.iter().all(|(name, ratio)| name == "currency" || ratio.is_null()), "{ratios:?}");
        assert_eq!(report["roi_metrics"]["roi_percent"], Value::Null);
        let nobody = json!({ "of": "none", "campaigns": 0, "figures": {} });
        assert_eq!(report["benchmark_comparison"], nobody);
        assert_eq!(report["performance_insights"], json!([]));
    })
    .await;
}

/// Kinds and first days of a campaign's reports, in order.
async fn periods(app: &TestApp, campaign: &str) -> Vec<String> {
    let mut periods = Vec::new();
    let mut path = format!("/v1/reports?campaign_id={campaign}&limit=200");
    loop {
        let (_, page) = app.get(&path).await;
        periods.extend(page["items"].as_array().unwrap().iter().map(|report| {
            let period = &report["reporting_period"];
            let text = |name: &str| period[name].as_str().unwrap().to_owned();
            format!("{} {}", text("granularity"), text("start"))
        }));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/reports?campaign_id={campaign}&limit=200&cursor={cursor}");
    }
    periods.sort();
    periods
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_absence_each_period_that_was_missed_is_reported_once_the_oldest_first() {
    on_each_database(async |app| {
        let id = app
            .drafted(&json!({ "end_date": "2025-12-31", "budgets": [{ "kind": "TOTAL", "limit": 1_000 }] }))
            .await;
        app.verb(&id, "activate", &Value::Null).await;
        app.spent(&id, "s-1", "100").await;
        app.edge.advance(DAY * 290);
        let edge: Arc<dyn Edge> = app.edge.clone();
        // Of two processes each makes its part; a round has 200 of a kind. Who is in the other's way too often has its next
        // turn.
        let (one, other) = tokio::join!(report(&app.db, &edge), report(&app.db, &edge));
        let first = periods(&app, &id).await.len() as u64;
        match (one, other) {
            (Ok(one), Ok(other)) => {
                assert_eq!(one + other, first);
                assert!((200 + 41 + 10..=290 + 41 + 10).contains(&first), "{first}");
            }
            (Ok(_) | Err(DbError::Conflict(_)), Ok(_) | Err(DbError::Conflict(_))) => {}
            outcomes => panic!("{outcomes:?}"),
        }
        let mut last = String::new();
        for daily in periods(&app, &id).await.iter().filter(|period| period.starts_with("DAILY")) {
            // None is left out before another.
            let day = daily.trim_start_matches("DAILY ").to_owned();
            assert_eq!(if last.is_empty() { "2025-01-15".to_owned() } else { next(&last) }, day);
            last = day;
        }
        let mut later = 0;
        loop {
            match app.sweep().await {
                0 => break,
                made => later += made,
            }
        }
        assert_eq!(first + later, 290 + 41 + 10);
        let all = periods(&app, &id).await;
        let of = |kind: &str| all.iter().filter(|period| period.starts_with(kind)).count();
        // Days and months until the end of October, and Mondays until the 20th, whose week is over.
        assert_eq!((of("DAILY"), of("WEEKLY"), of("MONTHLY")), (290, 41, 10), "{all:?}");
        assert_eq!(app.events_of("CampaignPerformanceReport").await.len(), all.len());
        let (_, january) = app.get("/v1/reports?granularity=MONTHLY&sort=generated_at&limit=1").await;
        assert_eq!(january["items"][0]["performance_summary"]["spend_minor"], 10_000, "{january}");
    })
    .await;
}

/// The day after a day.
fn next(day: &str) -> String {
    let start = Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap();
    start.after(DAY).to_string()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_days_weeks_and_months_are_made_once_by_themselves() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        assert_eq!(app.sweep().await, 0);
        app.edge.advance(DAY);
        assert_eq!((app.sweep().await, app.sweep().await), (1, 0));
        // Monday: the day before, and the week.
        // Monday: the four days since, and the week.
        app.edge.advance(DAY * 4);
        assert_eq!((app.sweep().await, app.sweep().await), (5, 0));
        app.edge.advance(DAY * 12);
        // Its last day was the 24th: five more days, the week until the 26th, and January.
        assert_eq!((app.sweep().await, app.sweep().await), (7, 0));
        let mut expected: Vec<String> = (15..25).map(|day| format!("DAILY 2025-01-{day}")).collect();
        expected.extend(["MONTHLY 2025-01-01", "WEEKLY 2025-01-13", "WEEKLY 2025-01-20"].map(str::to_owned));
        assert_eq!(periods(&app, &id).await, expected);
        let (_, page) = app.get("/v1/reports?granularity=MONTHLY").await;
        assert_eq!(page["items"][0]["reporting_period"]["end"], "2025-02-01");
        let request = Request::get("/v1/reports?granularity=WEEKLY").header("accept", "text/csv");
        let (_, _, csv) = app.send(request.body("".into()).unwrap()).await;
        assert!(csv.as_str().unwrap().contains(",WEEKLY,2025-01-13,2025-01-20,0,0,0,0,0,0,"), "{csv}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_cannot_be_read_holds_up_no_other() {
    on_each_database(async |app| {
        let mut ids = [app.running(&[("TOTAL", 100)]).await, app.running(&[("TOTAL", 100)]).await];
        // They are looked at in this order.
        ids.sort();
        let [broken, other] = ids;
        let unread = Query::update()
            .table("campaign")
            .value("targets", "no JSON")
            .and_where(Expr::col("id").eq(broken.as_str()))
            .to_owned();
        app.db
            .write(async move |tx: &Tx| -> Result<(), DbError> { tx.execute(&unread).await.map(drop) })
            .await
            .unwrap();
        app.edge.advance(DAY * 12);
        let edge: Arc<dyn Edge> = app.edge.clone();
        let failed = sweep(&app.db, &edge).await;
        assert!(matches!(&failed, Err(DbError::Column { column, .. }) if column == "targets"), "{failed:?}");
        assert_eq!(app.status(&other).await.0, "COMPLETED");
        let failed = report(&app.db, &edge).await;
        assert!(matches!(&failed, Err(DbError::Column { column, .. }) if column == "targets"), "{failed:?}");
        let (_, page) = app.get(&format!("/v1/reports?campaign_id={other}")).await;
        assert_eq!(page["items"][0]["reporting_period"]["granularity"], "WEEKLY", "{page}");
    })
    .await;
}
