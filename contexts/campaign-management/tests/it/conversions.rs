//! What the conversions context tells: counted once, in whatever order it comes.

use serde_json::{Value, json};

use crate::support::{Conversions, TestApp, on_each_database, with};

fn recorded(campaign: &str, fields: &Value) -> Value {
    let conversion = json!({ "conversion_id": "conv-1", "affiliate_id": "p-1", "campaign_id": campaign,
        "gross_amount": 100.5, "gross_amount_minor": 10_050, "currency": "USD",
        "occurred_at": "2025-01-15T09:00:00Z" });
    with(&conversion, fields)
}

fn refunded(id: &str, minor: i64) -> Value {
    json!({ "conversion_id": "conv-1", "refund_id": id, "affiliate_id": "p-1", "program_id": "default",
        "refund_amount": 1, "refund_amount_minor": minor, "refunded_total": 1, "refunded_total_minor": minor,
        "currency": "USD", "reason": null, "refunded_at": "2025-01-16T09:00:00Z" })
}

async fn days(app: &TestApp, id: &str) -> Vec<String> {
    let (_, days) = app.get(&format!("/v1/campaigns/{id}/results?until=2025-01-31")).await;
    let told = |day: &Value| {
        format!(
            "{} {} {} {}",
            day["day"].as_str().unwrap(),
            day["leads"],
            day["conversions"],
            day["revenue_minor"]
        )
    };
    days.as_array().unwrap().iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conversions_and_refunds_are_counted_once_in_any_order() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        // A refund that comes first waits for its conversion.
        app.converted(&refunded("r-1", 50)).await;
        app.converted(&recorded(&id, &json!({}))).await;
        app.converted(&recorded(&id, &json!({}))).await;
        app.converted(&refunded("r-1", 50)).await;
        app.converted(&refunded("r-2", 1_000)).await;
        assert_eq!(days(&app, &id).await, ["2025-01-15 0 1 10050", "2025-01-16 0 0 -1050"]);
        let lead = json!({ "conversion_id": "conv-2", "conversion_type": "lead", "currency": "EUR" });
        app.converted(&recorded(&id, &lead)).await;
        // Euros are not dollars: the lead counts, the money does not.
        assert_eq!(days(&app, &id).await[0], "2025-01-15 1 1 10050");
        // Somebody else's campaign, and none.
        app.converted(&recorded("camp-456", &json!({ "conversion_id": "conv-3" }))).await;
        app.converted(&recorded("x", &json!({ "conversion_id": "conv-4", "campaign_id": null }))).await;
        let broken = recorded(&id, &json!({ "conversion_id": "conv-5", "currency": "??" }));
        assert!(app.told(&Conversions, &broken).await.is_err());
    })
    .await;
}

/// Two days of nearly all that a number holds could not be added up: no report of the campaign could be made.
#[tokio::test(flavor = "multi_thread")]
async fn revenue_of_a_day_that_no_report_could_add_up_is_refused() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        for day in ["2025-01-14", "2025-01-15"] {
            let much = json!({ "conversion_id": day, "gross_amount_minor": i64::MAX - 7,
                "occurred_at": format!("{day}T09:00:00Z") });
            assert!(app.told(&Conversions, &recorded(&id, &much)).await.is_err());
        }
        app.converted(&recorded(&id, &json!({}))).await;
        let body = json!({ "campaign_id": id, "start": "2025-01-13", "end": "2025-01-16" });
        let (status, report) = app.post("/v1/reports", &body).await;
        assert_eq!(
            (status, &report["performance_summary"]["revenue_minor"]),
            (201, &json!(10_050)),
            "{report}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_in_batches_each_once() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 100)]).await;
        let result = |name: &str, fields: &Value| {
            with(
                &json!({ "result_id": name, "date": "2025-01-14", "impressions": 100, "clicks": 7,
                "leads": 2, "conversions": 1, "revenue": 9.5 }),
                fields,
            )
        };
        let batch = json!({ "results": [result("a", &json!({})), result("a", &json!({})),
            result("a", &json!({ "clicks": 8 })), result("b", &json!({ "date": "2025-01-16" })),
            result("c", &json!({ "revenue": 0.001 })), result("event:conversion:1", &json!({})),
            result("d", &json!({ "clicks": -1 }))] });
        let (status, answer) = app.post(&format!("/v1/campaigns/{id}/results"), &batch).await;
        assert_eq!(status, 200, "{answer}");
        let outcomes: Vec<u64> =
            answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
        assert_eq!(outcomes, [201, 200, 409, 422, 422, 422, 422]);
        assert_eq!(days(&app, &id).await, ["2025-01-14 2 1 950"]);
    })
    .await;
}
