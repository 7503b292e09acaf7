//! What may be spent: versions, alerts, pauses, and how budgets stand.

use std::time::Duration;

use futures::future::join_all;
use http::Request;
use serde_json::{Value, json};

use crate::support::{TestApp, on_each_database, with};

async fn standing(app: &TestApp, id: &str) -> Value {
    app.get(&format!("/v1/campaigns/{id}/budget")).await.1["budgets"][0].clone()
}

async fn set(app: &TestApp, id: &str, kind: &str, limit: i64) -> Value {
    let body = json!({ "kind": kind, "limit": limit });
    let (status, answer) = app.put(&format!("/v1/campaigns/{id}/budget"), &body).await;
    assert!([200, 201].contains(&status), "{answer}");
    answer
}

/// Accepts S2-EV-6, S2-ENU-10.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_tells_every_field_and_what_was_really_done() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 1_000)]).await;
        app.spent(&id, "s-1", "400").await;
        app.edge.advance(Duration::from_hours(24));
        app.spent(&id, "s-2", "450").await;
        let [warning] = app.events_of("BudgetAlert").await.try_into().unwrap();
        let budget_id = warning["budget_status"]["budget_id"].clone();
        let message = json!({
            "en": "spend 16.66 USD a day at most instead of 425 USD: 4250 USD are projected for 1000 USD",
            "es": "gaste como máximo 16.66 USD al día en vez de 425 USD: se proyectan 4250 USD para 1000 USD",
        });
        let evidence = json!({ "budget": "TOTAL", "limit": 1_000, "limit_minor": 100_000, "spent": 850,
            "spent_minor": 85_000, "projected": 4_250, "projected_minor": 425_000, "burn_rate": 425,
            "burn_rate_minor": 42_500, "days_remaining": 9, "affordable_per_day": 16.66,
            "affordable_per_day_minor": 1_666, "currency": "USD" });
        let expected = json!({
            "alert_id": warning["alert_id"], "campaign_id": id, "partner_id": "p-1",
            "budget_status": { "budget_id": budget_id, "kind": "TOTAL", "version": 1, "limit": 1_000,
                "limit_minor": 100_000, "currency": "USD", "campaign_status": "ACTIVE", "threshold_percent": 80,
                "spent": 850, "spent_minor": 85_000, "remaining": 150, "remaining_minor": 15_000,
                "spent_percent": 85, "level": "WARNING", "expected": 150, "expected_minor": 15_000,
                "pacing": "OVER", "pace_percent": 566.66, "burn_rate": 425, "burn_rate_minor": 42_500,
                "projected": 4_250, "projected_minor": 425_000, "days_remaining": 9,
                "runs_out_on": "2025-01-16", "affordable_per_day": 16.66 },
            "alert_type": "WARNING", "threshold_reached": 85, "threshold_reached_bp": 8_500,
            "current_spend": 850, "current_spend_minor": 85_000, "budget_limit": 1_000,
            "budget_limit_minor": 100_000, "projected_spend": 4_250, "projected_spend_minor": 425_000,
            "days_remaining": 9, "burn_rate": 425, "burn_rate_minor": 42_500, "currency": "USD",
            "recommended_actions": [{ "action": "REDUCE_DAILY_SPEND", "priority": "HIGH", "message": message,
                "evidence": evidence }],
            "automatic_actions_taken": [], "alerted_at": "2025-01-16T12:00:00Z",
        });
        assert_eq!(warning, expected);

        app.spent(&id, "s-3", "150").await;
        let [_, critical, exhausted] = app.events_of("BudgetAlert").await.try_into().unwrap();
        let actions = |alert: &Value| -> Vec<Value> {
            alert["recommended_actions"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect()
        };
        assert_eq!(actions(&critical), ["RAISE_BUDGET"]);
        assert_eq!(critical["automatic_actions_taken"], json!([]));
        assert_eq!(actions(&exhausted), ["RAISE_BUDGET", "REVIEW_CAMPAIGN"]);
        assert_eq!(exhausted["recommended_actions"][0]["evidence"]["raise_to"], 5_000);
        let taken = json!([{ "action": "PAUSED", "at": "2025-01-16T12:00:00Z" }]);
        assert_eq!(exhausted["automatic_actions_taken"], taken);
        assert_eq!(exhausted["budget_status"]["campaign_status"], "PAUSED");
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("BUDGET")));
        let (_, page) = app.get(&format!("/v1/budget-alerts?campaign_id={id}&alert_type=EXHAUSTED")).await;
        assert_eq!(page["items"][0]["alert"], exhausted);
    })
    .await;
}

/// Accepts G-13.
#[tokio::test(flavor = "multi_thread")]
async fn each_version_of_each_budget_gives_each_alert_once() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100), ("LIFETIME", 1_000)]).await;
        app.spent(&id, "s-1", "96").await;
        app.spent(&id, "s-2", "1").await;
        app.spend(&id, "c-1", "50", &json!({ "corrects": "s-1" })).await;
        app.spent(&id, "s-3", "46").await;
        assert_eq!(app.alerts().await, ["TOTAL 1 WARNING", "TOTAL 1 CRITICAL"]);
        // A lower limit is another version, which spend has passed already.
        set(&app, &id, "TOTAL", 97).await;
        assert_eq!(app.alerts().await[2..], ["TOTAL 2 WARNING", "TOTAL 2 CRITICAL", "TOTAL 2 EXHAUSTED"]);
        set(&app, &id, "TOTAL", 120).await;
        assert_eq!(app.alerts().await[5..], ["TOTAL 3 WARNING"]);
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        // The same again is no version.
        assert_eq!(set(&app, &id, "TOTAL", 120).await["version"], 3);
        assert_eq!(app.alerts().await.len(), 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_budget_paused_goes_on_when_there_is_money_and_what_a_person_paused_does_not() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        app.spent(&id, "s-1", "100").await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("BUDGET")));
        let (status, answer) = app.verb(&id, "resume", &Value::Null).await;
        assert_eq!((status, &answer["code"]), (409, &json!("budget_exhausted")));
        app.spend(&id, "c-1", "99", &json!({ "corrects": "s-1" })).await;
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        app.spend(&id, "c-2", "100", &json!({ "corrects": "s-1" })).await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("BUDGET")));
        app.verb(&id, "pause", &json!({ "reason": "revisión" })).await;
        set(&app, &id, "TOTAL", 1_000).await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("PERSON")));
        app.verb(&id, "resume", &Value::Null).await;
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        let (_, history) = app.get(&format!("/v1/campaigns/{id}/history")).await;
        let facts: Vec<&Value> =
            history.as_array().unwrap().iter().skip(2).map(|one| &one["change"]).collect();
        let expected = [
            "PAUSED_BY_BUDGET",
            "RESUMED_BY_BUDGET",
            "PAUSED_BY_BUDGET",
            "PAUSED",
            "BUDGET_CHANGED",
            "RESUMED",
        ];
        assert_eq!(facts, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_budget_begins_anew_each_day_and_late_spend_alerts_for_its_own() {
    on_each_database(async |app| {
        let id = app.running(&[("DAILY", 100)]).await;
        app.spent(&id, "s-1", "100").await;
        assert_eq!(app.status(&id).await.0, "PAUSED");
        app.later(Duration::from_hours(11)).await;
        assert_eq!(app.status(&id).await.0, "PAUSED");
        app.later(Duration::from_hours(1)).await;
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        assert_eq!(standing(&app, &id).await["standing"]["spent"], 0);
        app.later(Duration::from_hours(24)).await;
        app.spend(&id, "late", "85", &json!({ "occurred_at": "2025-01-16T23:00:00Z" })).await;
        let alerts = app.events_of("BudgetAlert").await;
        let days: Vec<Value> = alerts.iter().map(|alert| alert["budget_status"]["day"].clone()).collect();
        assert_eq!(days, ["2025-01-15", "2025-01-15", "2025-01-15", "2025-01-16"]);
        let late = &alerts[3];
        assert_eq!((&late["days_remaining"], &late["projected_spend"]), (&json!(1), &json!(85)), "{late}");
        assert_eq!(app.status(&id).await.0, "ACTIVE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_spends_across_a_threshold_one_gives_the_alert() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        app.spent(&id, "before", "50").await;
        let names: Vec<String> = (0..64).map(|index| format!("s{index}")).collect();
        let mut left: Vec<&String> = names.iter().collect();
        let nothing = json!({});
        // A server that had to let some try too often says so, and they come again.
        for _ in 0..20 {
            let asked = left.iter().map(|name| app.spend(&id, name, "0.5", &nothing));
            let statuses: Vec<u16> = join_all(asked).await.iter().map(|(status, _)| *status).collect();
            assert!(statuses.iter().all(|status| [200, 201, 503].contains(status)), "{statuses:?}");
            left = left
                .into_iter()
                .zip(statuses)
                .filter(|(_, status)| *status == 503)
                .map(|(name, _)| name)
                .collect();
            if left.is_empty() {
                break;
            }
        }
        assert!(left.is_empty());
        assert_eq!(app.get(&format!("/v1/campaigns/{id}")).await.1["spent_minor"], 8_200);
        assert_eq!(app.alerts().await, ["TOTAL 1 WARNING"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_versioned_listed_and_changed_by_who_has_seen_the_newest() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        let budget = standing(&app, &id).await;
        let path = format!("/v1/budgets/{}", budget["budget_id"].as_str().unwrap());
        let (_, headers, _) = app.send(Request::get(&path).body("".into()).unwrap()).await;
        assert_eq!(headers["etag"], "\"1\"");
        let body =
            json!({ "limit": 150.5, "reason": "más", "thresholds": { "warning": 50, "critical": 75.5 } });
        let (status, changed) = app.ask("PATCH", &path, Some("\"1\""), &body).await;
        assert_eq!(
            (status, &changed["version"], &changed["limit_minor"]),
            (200, &json!(2), &json!(15_050)),
            "{changed}"
        );
        let thresholds = json!({ "warning": 50, "critical": 75.5, "exhausted": 100 });
        assert_eq!(changed["thresholds"], thresholds);
        let (status, answer) = app.ask("PATCH", &path, Some("\"1\""), &json!({ "limit": 9 })).await;
        assert_eq!((status, &answer["code"]), (412, &json!("not_newest")));
        app.spent(&id, "s-1", "76").await;
        assert_eq!(app.alerts().await, ["TOTAL 2 WARNING"]);

        let (_, versions) = app.get(&format!("{path}/versions")).await;
        let told: Vec<_> =
            versions.as_array().unwrap().iter().map(|one| (&one["limit"], &one["reason"])).collect();
        assert_eq!(told, [(&json!(100), &Value::Null), (&json!(150.5), &json!("más"))]);
        let (_, page) = app.get("/v1/budgets?partner_id=p-1&kind=TOTAL").await;
        assert_eq!(page["items"][0]["standing"]["level"], "WARNING");
        assert_eq!(app.get("/v1/budgets?partner_id=p-2").await.1["items"], json!([]));
        let request = Request::get("/v1/budgets").header("accept", "text/csv");
        let (_, _, csv) = app.send(request.body("".into()).unwrap()).await;
        assert!(csv.as_str().unwrap().contains(",TOTAL,2,150.5,USD,76,74.5,50.49,WARNING,"), "{csv}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_spend_of_a_campaign_that_is_over_alerts_and_pauses_nothing() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        app.edge.advance(Duration::from_hours(1));
        app.verb(&id, "complete", &Value::Null).await;
        let before = with(&json!({}), &json!({ "occurred_at": "2025-01-15T12:30:00Z" }));
        let (status, _) = app.spend(&id, "s-1", "100", &before).await;
        assert_eq!(status, 201);
        let alerts = app.events_of("BudgetAlert").await;
        assert_eq!(alerts.len(), 3);
        assert!(alerts.iter().all(|alert| alert["automatic_actions_taken"] == json!([])));
        assert_eq!(app.status(&id).await.0, "COMPLETED");
        assert_eq!(app.spend(&id, "s-2", "1", &json!({})).await.1["code"], "campaign_over");
    })
    .await;
}
