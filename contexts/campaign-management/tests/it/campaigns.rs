//! What becomes of campaigns, and what others hear of it.

use std::time::Duration;

use http::Request;
use serde_json::{Value, json};

use crate::support::{a_campaign, on_each_database, with};

/// Accepts G-11.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_told_with_all_its_fields_when_it_is_made_and_when_it_changes() {
    on_each_database(async |app| {
        let targets = json!({ "impressions": 10_000, "clicks": 500, "leads": 50, "conversions": 20,
            "revenue": 5_000.5, "roi": 150, "ctr": 2.5 });
        let budgets = json!([{ "kind": "DAILY", "limit": 100 }, { "kind": "TOTAL", "limit": 800.25 }]);
        let id = app.drafted(&json!({ "targets": targets, "budgets": budgets })).await;
        let [told] = app.events_of("CampaignCreated").await.try_into().unwrap();
        let expected = json!({
            "campaign_id": id, "partner_id": "p-1", "revision": 1, "name": "Verano", "campaign_type": "SOCIAL",
            "channel": "instagram", "status": "DRAFT", "start_date": "2025-01-15", "end_date": "2025-01-24",
            "currency": "USD",
            "budget": { "daily": { "amount": 100, "amount_minor": 10_000, "version": 1 },
                "total": { "amount": 800.25, "amount_minor": 80_025, "version": 1 } },
            "targets": { "impressions": 10_000, "clicks": 500, "leads": 50, "conversions": 20, "revenue": 5_000.5,
                "revenue_minor": 500_050, "roi": 150, "ctr": 2.5 },
            "reason": null, "changed_at": "2025-01-15T12:00:00Z",
        });
        assert_eq!(told, expected);

        app.verb(&id, "activate", &Value::Null).await;
        app.edge.advance(Duration::from_hours(1));
        app.verb(&id, "pause", &json!({ "reason": "revisión" })).await;
        let updated = app.events_of("CampaignUpdated").await;
        let told = updated.last().unwrap();
        let changed = json!({ "revision": 3, "status": "PAUSED", "reason": "revisión", "changed_at": "2025-01-15T13:00:00Z" });
        assert_eq!(*told, with(&expected, &changed));
        let (_, history) = app.get(&format!("/v1/campaigns/{id}/history")).await;
        let facts: Vec<&Value> = history.as_array().unwrap().iter().map(|one| &one["change"]).collect();
        assert_eq!(facts, ["CREATED", "ACTIVATED", "PAUSED"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_with_what_can() {
    on_each_database(async |app| {
        let id = app.drafted(&json!({})).await;
        let (status, answer) = app.verb(&id, "pause", &json!({ "reason": "x" })).await;
        assert_eq!((status, &answer["code"]), (409, &json!("illegal_transition")));
        assert_eq!(answer["allowed_transitions"], json!(["activate", "cancel"]));
        let (status, answer) = app.verb(&id, "activate", &Value::Null).await;
        assert_eq!((status, &answer["code"]), (409, &json!("no_budget")));
        app.put(&format!("/v1/campaigns/{id}/budget"), &json!({ "kind": "TOTAL", "limit": 100 })).await;
        let (status, active) = app.verb(&id, "activate", &Value::Null).await;
        assert_eq!((status, &active["status"]), (200, &json!("ACTIVE")));
        assert_eq!(active["allowed_transitions"], json!(["pause", "complete", "cancel"]));
        // Again is no news.
        assert_eq!(app.verb(&id, "activate", &Value::Null).await.1["revision"], active["revision"]);
        let (status, answer) =
            app.patch(&format!("/v1/campaigns/{id}"), &json!({ "start_date": "2025-01-16" })).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (422, &json!("campaign_begun")));
        app.verb(&id, "complete", &Value::Null).await;
        let (status, answer) = app.verb(&id, "resume", &Value::Null).await;
        assert_eq!((status, &answer["allowed_transitions"]), (409, &json!([])));
        let (status, answer) =
            app.put(&format!("/v1/campaigns/{id}/budget"), &json!({ "kind": "TOTAL", "limit": 5 })).await;
        assert_eq!((status, &answer["code"]), (409, &json!("campaign_over")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_seen_the_newest_revision_changes_nothing() {
    on_each_database(async |app| {
        let id = app.drafted(&json!({})).await;
        let path = format!("/v1/campaigns/{id}");
        let (_, headers, _) = app.send(Request::get(&path).body("".into()).unwrap()).await;
        let seen = headers["etag"].to_str().unwrap().to_owned();
        let name = |name: &str| json!({ "name": name });
        assert_eq!(app.ask("PATCH", &path, Some(&seen), &name("uno")).await.0, 200);
        let (status, answer) = app.ask("PATCH", &path, Some(&seen), &name("dos")).await;
        assert_eq!((status, &answer["code"], &answer["revision"]), (412, &json!("not_newest"), &json!(2)));
        let activate = format!("{path}/activate");
        assert_eq!(app.ask("POST", &activate, Some(&seen), &Value::Null).await.0, 412);
        assert_eq!(app.get(&path).await.1["name"], "uno");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_on_its_first_day_and_is_complete_after_its_last() {
    on_each_database(async |app| {
        let days = json!({ "start_date": "2025-01-17", "end_date": "2025-01-18",
            "budgets": [{ "kind": "DAILY", "limit": 10 }] });
        let id = app.drafted(&days).await;
        app.verb(&id, "activate", &Value::Null).await;
        assert_eq!(app.status(&id).await.0, "SCHEDULED");
        let (status, answer) = app.spend(&id, "s", "1", &json!({})).await;
        assert_eq!((status, &answer["code"]), (409, &json!("campaign_not_running")));
        app.later(Duration::from_hours(35)).await;
        assert_eq!(app.status(&id).await.0, "SCHEDULED");
        app.later(Duration::from_hours(1)).await;
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        app.later(Duration::from_hours(48)).await;
        assert_eq!(app.status(&id).await.0, "COMPLETED");
        let statuses: Vec<Value> =
            app.events_of("CampaignUpdated").await.iter().map(|told| told["status"].clone()).collect();
        assert_eq!(statuses, ["SCHEDULED", "ACTIVE", "COMPLETED"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn campaigns_are_listed_narrowed_and_told_as_csv() {
    on_each_database(async |app| {
        for index in 0..3 {
            let kind = if index == 0 { "EMAIL" } else { "SOCIAL" };
            app.drafted(&json!({ "name": format!("c{index}"), "campaign_type": kind })).await;
        }
        let (_, page) =
            app.get("/v1/campaigns?partner_id=p-1&campaign_type=SOCIAL&status=DRAFT&limit=1").await;
        assert_eq!(page["items"][0]["name"], "c2");
        let cursor = page["next_cursor"].as_str().unwrap();
        let next =
            format!("/v1/campaigns?partner_id=p-1&campaign_type=SOCIAL&status=DRAFT&limit=1&cursor={cursor}");
        let (_, page) = app.get(&next).await;
        assert_eq!((&page["items"][0]["name"], &page["next_cursor"]), (&json!("c1"), &Value::Null));
        let request = Request::get("/v1/campaigns?campaign_type=EMAIL").header("accept", "text/csv");
        let (_, _, csv) = app.send(request.body("".into()).unwrap()).await;
        let csv = csv.as_str().unwrap();
        assert!(
            csv.starts_with("campaign_id,partner_id,contract_id,name,") && csv.contains(",c0,EMAIL,"),
            "{csv}"
        );
        assert_eq!(app.get("/v1/campaigns?estado=DRAFT").await.0, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_drafts_once_and_is_answered_twice() {
    on_each_database(async |app| {
        let request = || {
            let request = Request::post("/v1/campaigns").header("idempotency-key", "k-1");
            let request = request.header("content-type", "application/json");
            request.body(a_campaign().to_string().into()).unwrap()
        };
        let (status, _, first) = app.send(request()).await;
        let (_, headers, again) = app.send(request()).await;
        assert_eq!((status, &again), (201, &first));
        assert_eq!(headers["idempotent-replay"], "true");
        assert_eq!(app.events_of("CampaignCreated").await.len(), 1);
    })
    .await;
}
