//! What is spent: once for each id, on its own day, and corrected by what is added.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::on_each_database;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_spend_twice_is_one_and_another_under_its_name_is_refused() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 1_000)]).await;
        let (status, first) = app.spend(&id, "s-1", "12.50", &json!({})).await;
        assert_eq!(status, 201, "{first}");
        assert_eq!(
            (&first["amount_minor"], &first["day"], &first["late"]),
            (&json!(1250), &json!("2025-01-15"), &json!(false))
        );
        let (status, again) = app.spend(&id, "s-1", "12.5", &json!({})).await;
        assert_eq!((status, &again["duplicate"]), (200, &json!(true)));
        let (status, other) = app.spend(&id, "s-1", "12.51", &json!({})).await;
        assert_eq!((status, &other["code"]), (409, &json!("duplicate_spend")));
        assert_eq!(app.get(&format!("/v1/campaigns/{id}")).await.1["spent_minor"], 1250);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_a_batch_has_its_own_answer() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 1_000)]).await;
        let batch = json!({ "spend": [
            { "spend_id": "a", "amount": 10 }, { "spend_id": "b", "amount": 0 }, { "spend_id": "a", "amount": 10 },
            { "spend_id": "c", "amount": 1.005 }, { "amount": 1 }, { "spend_id": "d", "amount": 5, "currency": "EUR" },
            { "spend_id": "a", "amount": 11 }, { "spend_id": "e", "amount": 2.25 },
        ] });
        let (status, answer) = app.post(&format!("/v1/campaigns/{id}/spend/batch"), &batch).await;
        assert_eq!(status, 200, "{answer}");
        let statuses: Vec<u64> =
            answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [201, 422, 200, 422, 422, 422, 409, 201]);
        assert_eq!((&answer["recorded"], &answer["duplicates"], &answer["refused"]), (&json!(2), &json!(1), &json!(5)));
        assert_eq!(app.get(&format!("/v1/campaigns/{id}")).await.1["spent_minor"], 1225);
        let many: Vec<Value> =
            (0..1_000).map(|index| json!({ "spend_id": format!("m{index}"), "amount": 0.01 })).collect();
        let (_, answer) = app.post(&format!("/v1/campaigns/{id}/spend/batch"), &json!({ "spend": many })).await;
        assert_eq!(answer["recorded"], 1_000);
        let (_, page) = app.get(&format!("/v1/campaigns/{id}/spend?limit=200")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_adds_a_difference_to_the_day_of_what_it_corrects() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 1_000)]).await;
        app.spent(&id, "s-1", "100").await;
        app.later(Duration::from_hours(24)).await;
        let (status, first) = app.spend(&id, "c-1", "80.50", &json!({ "corrects": "s-1" })).await;
        assert_eq!(status, 201, "{first}");
        assert_eq!((&first["difference_minor"], &first["day"]), (&json!(-1950), &json!("2025-01-15")));
        let (_, second) = app.spend(&id, "c-2", "90", &json!({ "corrects": "s-1" })).await;
        assert_eq!(second["difference_minor"], 950);
        assert_eq!(app.spend(&id, "c-2", "90", &json!({ "corrects": "s-1" })).await.0, 200);
        for (of, code) in [("nadie", "spend_not_found"), ("c-1", "is_a_correction")] {
            let (status, answer) = app.spend(&id, "c-9", "1", &json!({ "corrects": of })).await;
            assert_eq!((status, &answer["errors"][0]["code"]), (422, &json!(code)));
        }
        let (_, gone) = app.spend(&id, "c-3", "0", &json!({ "corrects": "s-1" })).await;
        assert_eq!(gone["difference_minor"], -9_000);
        assert_eq!(app.get(&format!("/v1/campaigns/{id}")).await.1["spent_minor"], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_spend_counts_to_its_own_day_and_spend_of_a_pause_is_refused() {
    on_each_database(async |app| {
        let id = app.running(&[("TOTAL", 1_000)]).await;
        app.later(Duration::from_hours(48)).await;
        let (status, late) =
            app.spend(&id, "s-1", "7", &json!({ "occurred_at": "2025-01-15T20:00:00Z" })).await;
        assert_eq!((status, &late["late"], &late["day"]), (201, &json!(true), &json!("2025-01-15")));
        let (status, answer) =
            app.spend(&id, "s-2", "7", &json!({ "occurred_at": "2025-01-14T20:00:00Z" })).await;
        assert_eq!((status, &answer["code"]), (409, &json!("before_campaign")));
        let (status, answer) =
            app.spend(&id, "s-3", "7", &json!({ "occurred_at": "2025-01-17T13:00:00Z" })).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (422, &json!("in_the_future")));

        app.verb(&id, "pause", &json!({ "reason": "revisión" })).await;
        app.edge.advance(Duration::from_hours(1));
        let (status, answer) = app.spend(&id, "s-4", "7", &json!({})).await;
        assert_eq!((status, &answer["code"]), (409, &json!("campaign_paused")));
        let (status, late) =
            app.spend(&id, "s-4", "7", &json!({ "occurred_at": "2025-01-17T11:59:59Z" })).await;
        assert_eq!((status, &late["late"]), (201, &json!(true)), "{late}");
        // What was taken before is found, whatever the campaign is now.
        assert_eq!(
            app.spend(&id, "s-1", "7", &json!({ "occurred_at": "2025-01-15T20:00:00Z" })).await.0,
            200
        );
        let (_, days) = app.get(&format!("/v1/campaigns/{id}/results")).await;
        let days: Vec<(&Value, &Value)> =
            days.as_array().unwrap().iter().map(|day| (&day["day"], &day["spend_minor"])).collect();
        assert_eq!(days, [(&json!("2025-01-15"), &json!(700)), (&json!("2025-01-17"), &json!(700))]);
    })
    .await;
}
