//! What comes in late for a period that was reported has its report made again.

use std::sync::Arc;
use std::time::Duration;

use hexalpes_campaign_management::report;
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Edge;
use http::Request;
use sea_query::{Order, Query};
use serde_json::{Value, json};

use crate::support::{TestApp, on_each_database};

const DAY: Duration = Duration::from_hours(24);

async fn late(app: &TestApp, id: &str, spend: &str, amount: &str, at: &str) {
    let (status, answer) = app.spend(id, spend, amount, &json!({ "occurred_at": at })).await;
    assert_eq!(status, 201, "{answer}");
}

/// Its reports that nothing replaced, by period: what each says of itself.
async fn newest(app: &TestApp, id: &str) -> Vec<Value> {
    let (_, page) = app.get(&format!("/v1/reports?campaign_id={id}&replaced=false&limit=200")).await;
    let mut reports = page["items"].as_array().unwrap().clone();
    reports.sort_by_key(|report| report["reporting_period"]["start"].to_string());
    reports
}

/// A campaign that spent 100 on the 15th, of which there is a report.
async fn reported(app: &TestApp) -> String {
    let id = app.running(&[("TOTAL", 1_000)]).await;
    app.spent(&id, "s-1", "100").await;
    app.edge.advance(DAY);
    assert_eq!(app.sweep().await, 1);
    id
}

/// Accepts S2-PRP-3, S2-PRP-5.
#[tokio::test(flavor = "multi_thread")]
async fn late_and_corrected_spend_has_the_report_of_its_period_made_again_once_for_all_of_it() {
    on_each_database(async |app| {
        let id = reported(&app).await;
        let [first] = app.events_of("CampaignPerformanceReport").await.try_into().unwrap();
        assert_eq!(
            (&first["version"], &first["replaces"], &first["renewal_reasons"]),
            (&json!(1), &Value::Null, &json!([]))
        );
        let body = json!({ "spend_id": "s-2", "amount": 50, "occurred_at": "2025-01-15T20:00:00Z" });
        let request = Request::post(format!("/v1/campaigns/{id}/spend"))
            .header("content-type", "application/json")
            .header("x-correlation-id", "CORR-LATE");
        let (status, _, answer) = app.send(request.body(body.to_string().into()).unwrap()).await;
        assert_eq!(status, 201, "{answer}");
        late(&app, &id, "s-3", "25", "2025-01-15T21:00:00Z").await;
        let (status, _) = app.spend(&id, "c-1", "80", &json!({ "corrects": "s-1" })).await;
        assert_eq!(status, 201);
        app.spent(&id, "s-4", "1").await;
        app.edge.advance(Duration::from_mins(1));
        let edge: Arc<dyn Edge> = app.edge.clone();
        // Of two processes one makes it.
        let (one, other) = tokio::join!(report(&app.db, &edge), report(&app.db, &edge));
        assert_eq!((one.unwrap() + other.unwrap(), app.sweep().await), (1, 0));

        let [kept] = newest(&app, &id).await.try_into().unwrap();
        let [before, told] = app.events_of("CampaignPerformanceReport").await.try_into().unwrap();
        assert_eq!((&before, &kept), (&first, &told), "what was told stays so");
        for (field, value) in [
            ("version", json!(2)),
            ("replaces", first["report_id"].clone()),
            ("renewal_reasons", json!(["SPEND_CHANGED"])),
            ("generated_at", json!("2025-01-16T12:01:00Z")),
            ("reporting_period", first["reporting_period"].clone()),
        ] {
            assert_eq!(told[field], value, "{field}");
        }
        assert_eq!(told["performance_summary"]["spend_minor"], 15_500);
        // What follows from it is told of it too.
        let suggestions = app.events_of("OptimizationSuggestion").await;
        let losses: Vec<(&Value, &Value)> = suggestions
            .iter()
            .filter(|one| one["suggestion_type"] == "REVIEW_CAMPAIGN")
            .map(|one| (&one["report_id"], &one["evidence"]["spend_minor"]))
            .collect();
        let (of_first, of_told) = (&first["report_id"], &told["report_id"]);
        assert_eq!(losses, [(of_first, &json!(10_000)), (of_told, &json!(15_500))]);

        assert_eq!(correlation_of_last(&app).await, "CORR-LATE");

        // The former stays as it was, and says what replaced it.
        let (_, mut former) = app.get(&format!("/v1/reports/{}", of_first.as_str().unwrap())).await;
        assert_eq!(former.as_object_mut().unwrap().remove("replaced_by"), Some(of_told.clone()));
        assert_eq!(former, first);
        let (_, replaced) = app.get(&format!("/v1/reports?campaign_id={id}&replaced=true")).await;
        assert_eq!(replaced["items"][0]["replaced_by"], *of_told, "{replaced}");
        assert_eq!(replaced["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

/// What the last event belongs to.
async fn correlation_of_last(app: &TestApp) -> Value {
    let select =
        Query::select().column("headers").from("outbox_event").order_by("seq", Order::Desc).to_owned();
    let read =
        async move |tx: &Tx| -> Result<String, DbError> { tx.fetch_one(&select).await?.get("headers") };
    let headers: Value = serde_json::from_str(&app.db.read(read).await.unwrap()).unwrap();
    headers["correlationid"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_no_figure_renews_no_report() {
    on_each_database(async |app| {
        let id = reported(&app).await;
        let at = json!({ "occurred_at": "2025-01-15T12:00:00Z" });
        assert_eq!(app.spend(&id, "s-1", "100", &at).await.0, 200, "it is told again");
        for (correction, amount) in [("c-1", "90"), ("c-2", "100"), ("c-3", "100")] {
            app.spend(&id, correction, amount, &json!({ "corrects": "s-1" })).await;
        }
        // Spent, and found to be nothing.
        late(&app, &id, "s-2", "5", "2025-01-15T13:00:00Z").await;
        app.spend(&id, "c-4", "0", &json!({ "corrects": "s-2" })).await;
        // Today's report is not due yet, and one that somebody asked for is of when it was asked for.
        let body = json!({ "campaign_id": id, "start": "2025-01-16", "end": "2025-01-17" });
        assert_eq!(app.post("/v1/reports", &body).await.0, 201);
        app.spent(&id, "s-3", "7").await;
        assert_eq!(app.sweep().await, 0);
        assert_eq!(app.events_of("CampaignPerformanceReport").await.len(), 2);
        let versions: Vec<Value> =
            newest(&app, &id).await.iter().map(|report| report["version"].clone()).collect();
        assert_eq!(versions, [json!(1), json!(1)]);
    })
    .await;
}

/// Others keep what was made last, and would be left with what somebody asked for between two changes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_and_is_right_no_longer_is_followed_by_a_version_with_the_former_figures() {
    on_each_database(async |app| {
        let id = reported(&app).await;
        late(&app, &id, "s-2", "50", "2025-01-15T20:00:00Z").await;
        app.edge.advance(Duration::from_secs(10));
        let (status, asked) =
            app.post("/v1/reports", &json!({ "campaign_id": id, "granularity": "DAILY" })).await;
        assert_eq!((status, &asked["performance_summary"]["spend_minor"]), (201, &json!(15_000)), "{asked}");
        app.spend(&id, "c-1", "0", &json!({ "corrects": "s-2" })).await;
        app.edge.advance(Duration::from_secs(10));
        assert_eq!((app.sweep().await, app.sweep().await), (1, 0));
        let told: Vec<(Value, Value)> = app
            .events_of("CampaignPerformanceReport")
            .await
            .iter()
            .map(|report| (report["version"].clone(), report["performance_summary"]["spend_minor"].clone()))
            .collect();
        let expected =
            [(1, 10_000), (1, 15_000), (2, 10_000)].map(|(version, spend)| (json!(version), json!(spend)));
        assert_eq!(told, expected);
        // Who asks afterwards is told what holds, and nothing follows.
        let days = json!({ "campaign_id": id, "start": "2025-01-15", "end": "2025-01-16" });
        assert_eq!(app.post("/v1/reports", &days).await.0, 201);
        late(&app, &id, "s-3", "5", "2025-01-15T21:00:00Z").await;
        app.spend(&id, "c-2", "0", &json!({ "corrects": "s-3" })).await;
        assert_eq!(app.sweep().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_are_compared_with_a_period_follow_it_and_say_what_changed() {
    on_each_database(async |app| {
        let id = reported(&app).await;
        app.edge.advance(DAY * 2);
        assert_eq!(app.sweep().await, 2);
        late(&app, &id, "s-2", "50", "2025-01-15T20:00:00Z").await;
        let results = json!({ "results": [
            { "result_id": "r-1", "date": "2025-01-15", "clicks": 40, "conversions": 4, "revenue": 300 },
            { "result_id": "r-2", "date": "2025-01-17", "clicks": 10 },
        ] });
        let (_, answer) = app.post(&format!("/v1/campaigns/{id}/results"), &results).await;
        assert_eq!(answer["refused"], 0, "{answer}");
        assert_eq!((app.sweep().await, app.sweep().await), (3, 0));
        let told: Vec<(Value, Value)> = newest(&app, &id)
            .await
            .iter()
            .map(|report| (report["reporting_period"]["start"].clone(), report["renewal_reasons"].clone()))
            .collect();
        let expected = [
            (json!("2025-01-15"), json!(["SPEND_CHANGED", "RESULTS_CHANGED"])),
            (json!("2025-01-16"), json!(["PERIOD_BEFORE_CHANGED"])),
            (json!("2025-01-17"), json!(["RESULTS_CHANGED"])),
        ];
        assert_eq!(told, expected);
        let compared = &newest(&app, &id).await[1]["period_comparison"]["previous"];
        assert_eq!((&compared["spend_minor"], &compared["revenue_minor"]), (&json!(15_000), &json!(30_000)));

        // A third version replaces the second, of the week too once it was reported.
        app.edge.advance(DAY * 3);
        app.sweep().await;
        late(&app, &id, "s-3", "10", "2025-01-17T23:00:00Z").await;
        assert_eq!((app.sweep().await, app.sweep().await), (3, 0));
        let (_, all) = app.get(&format!("/v1/reports?campaign_id={id}&limit=200")).await;
        let mut versions: Vec<String> = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|report| report["reporting_period"]["start"] == "2025-01-17" || report["version"] == 2)
            .map(|report| {
                let period = &report["reporting_period"];
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                format!("{} {} v{}", text(&period["granularity"]), text(&period["start"]), report["version"])
            })
            .collect();
        versions.sort();
        let expected = [
            "DAILY 2025-01-15 v2",
            "DAILY 2025-01-16 v2",
            "DAILY 2025-01-17 v1",
            "DAILY 2025-01-17 v2",
            "DAILY 2025-01-17 v3",
            "DAILY 2025-01-18 v2",
            "WEEKLY 2025-01-13 v2",
        ];
        assert_eq!(versions, expected);
    })
    .await;
}
