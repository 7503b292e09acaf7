//! What is refused, and where; and that nothing is stored then.

use serde_json::{Value, json};

use crate::support::{a_campaign, on_each_database, with};

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_of_a_campaign_is_named_and_nothing_is_stored() {
    on_each_database(async |app| {
        for (fields, pointer, code) in [
            (json!({ "nombre": "x" }), "/nombre", "unknown_field"),
            (json!({ "name": " " }), "/name", "empty"),
            (json!({ "campaign_type": "RADIO" }), "/campaign_type", "unknown_value"),
            (json!({ "start_date": "2025-02-30" }), "/start_date", "invalid_day"),
            (json!({ "start_date": "2025-01-15T00:00:00Z" }), "/start_date", "invalid_day"),
            (json!({ "end_date": "2025-01-14" }), "/end_date", "ends_before_start"),
            (json!({ "currency": "usd" }), "/currency", "unknown_currency"),
            (json!({ "targets": { "clicks": 0 } }), "/targets/clicks", "out_of_range"),
            (json!({ "targets": { "revenue": 0.001 } }), "/targets/revenue", "invalid_amount"),
            (json!({ "budgets": [{ "kind": "DAILY", "limit": "5" }] }), "/budgets/0/limit", "wrong_type"),
            (
                json!({ "budgets": [{ "kind": "DAILY", "limit": 0.001 }] }),
                "/budgets/0/limit",
                "invalid_amount",
            ),
            (
                json!({ "budgets": [{ "kind": "DAILY", "limit": 1e17 }] }),
                "/budgets/0/limit",
                "invalid_amount",
            ),
            (
                json!({ "budgets": [{ "kind": "DAILY", "limit": 1 }, { "kind": "DAILY", "limit": 2 }] }),
                "/budgets",
                "duplicate_budget",
            ),
            (
                json!({ "budgets": [{ "kind": "DAILY", "limit": 1, "thresholds": { "warning": 99 } }] }),
                "/budgets/0/thresholds/warning",
                "invalid_thresholds",
            ),
        ] {
            let (status, refused) = app.post("/v1/campaigns", &with(&a_campaign(), &fields)).await;
            let error = &refused["errors"][0];
            assert_eq!(
                (status, &error["pointer"], &error["code"]),
                (422, &json!(pointer), &json!(code)),
                "{refused}"
            );
        }
        assert!(app.events().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    on_each_database(async |app| {
        let spend = json!({ "spend_id": "s", "amount": 1 });
        let batch = json!({ "results": [{ "result_id": "r", "date": "2025-01-15" }] });
        let budget = json!({ "kind": "TOTAL", "limit": 1 });
        for (method, path, body) in [
            ("GET", "/v1/campaigns/nada", Value::Null),
            ("PATCH", "/v1/campaigns/nada", json!({ "name": "x" })),
            ("POST", "/v1/campaigns/nada/activate", Value::Null),
            ("POST", "/v1/campaigns/nada/spend", spend),
            ("POST", "/v1/campaigns/nada/results", batch),
            ("GET", "/v1/campaigns/nada/results", Value::Null),
            ("PUT", "/v1/campaigns/nada/budget", budget),
            ("GET", "/v1/campaigns/nada/budget", Value::Null),
            ("GET", "/v1/campaigns/nada/history", Value::Null),
            ("GET", "/v1/budgets/nada", Value::Null),
            ("GET", "/v1/budgets/nada/versions", Value::Null),
            ("GET", "/v1/reports/nada", Value::Null),
        ] {
            let (status, answer) = app.ask(method, path, None, &body).await;
            assert_eq!(status, 404, "{method} {path}: {answer}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_a_period_that_has_begun() {
    on_each_database(async |app| {
        let id = app.drafted(&json!({})).await;
        for (fields, pointer, code) in [
            (json!({}), "/start", "missing_field"),
            (json!({ "start": "2025-01-10" }), "/end", "missing_field"),
            (json!({ "start": "2025-01-10", "end": "2025-01-10" }), "/end", "invalid_period"),
            (json!({ "start": "2025-01-10", "end": "2027-01-10" }), "/end", "invalid_period"),
            (json!({ "start": "2025-01-16", "end": "2025-01-17" }), "/start", "in_the_future"),
            (json!({ "granularity": "DAILY", "start": "2025-01-10" }), "/start", "contradiction"),
            (json!({ "granularity": "DAILY", "campaign_id": "nada" }), "/campaign_id", "campaign_not_found"),
        ] {
            let (status, refused) =
                app.post("/v1/reports", &with(&json!({ "campaign_id": id }), &fields)).await;
            let error = &refused["errors"][0];
            assert_eq!(
                (status, &error["pointer"], &error["code"]),
                (422, &json!(pointer), &json!(code)),
                "{refused}"
            );
        }
    })
    .await;
}
