//! What campaigns are called is beside their figures, whichever of the two was heard first.

use serde_json::{Value, json};

use crate::support::{TestApp, Told, a_day, on_each_database};

const DAY: &str = "/v1/analytics/campaigns/c-1/periods/2025-01-15";

fn a_campaign(revision: i64, name: &str, status: &str) -> Value {
    json!({
        "campaign_id": "c-1", "partner_id": "p-1", "revision": revision, "name": name, "campaign_type": "SOCIAL",
        "channel": "instagram", "status": status, "start_date": "2025-01-01", "end_date": null, "currency": "USD",
        "budget": {}, "targets": {}, "reason": null, "changed_at": "2025-01-01T00:00:00Z",
    })
}

async fn told(app: &TestApp, kind: &str, data: &Value) {
    app.handled_as(kind, ("e-1", None), &data.to_string()).await.unwrap();
}

/// Accepts C-28, S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn the_highest_revision_of_a_campaign_says_what_it_is_called() {
    on_each_database(async |app| {
        app.told(&a_day()).await;
        assert_eq!(app.found(DAY).await["campaign"], Value::Null);
        told(&app, "CampaignUpdated", &a_campaign(3, "Verano, otra vez", "PAUSED")).await;
        told(&app, "CampaignCreated", &a_campaign(1, "Verano", "DRAFT")).await;
        told(&app, "CampaignUpdated", &a_campaign(2, "Verano", "ACTIVE")).await;
        let known = json!({ "name": "Verano, otra vez", "campaign_type": "SOCIAL", "channel": "instagram",
            "status": "PAUSED", "start_date": "2025-01-01", "end_date": null, "revision": 3 });
        assert_eq!(app.found(DAY).await["campaign"], known);
        for list in ["campaigns", "campaigns?period=2025-01-15", "campaigns/c-1"] {
            let page = app.found(&format!("/v1/analytics/{list}")).await;
            assert_eq!(page["items"][0]["campaign"], known, "{list}");
        }
        let (_, _, csv) = app.ask("/v1/analytics/campaigns", &[("accept", "text/csv")]).await;
        assert!(csv.contains("\nc-1,\"Verano, otra vez\",p-1,2025-01-15,"), "{csv}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_in_the_answer_of_a_period_changes_its_tag() {
    on_each_database(async |app| {
        let tag = async || {
            let (status, headers, _) = app.ask(DAY, &[]).await;
            assert_eq!(status, 200);
            headers["etag"].to_str().unwrap().to_owned()
        };
        app.told(&a_day()).await;
        assert_eq!(tag().await, r#""1""#);
        told(&app, "CampaignCreated", &a_campaign(1, "Verano", "DRAFT")).await;
        assert_eq!(tag().await, r#""1-1""#);
        told(&app, "CampaignUpdated", &a_campaign(2, "Verano", "ACTIVE")).await;
        assert_eq!(tag().await, r#""1-2""#);
        app.told(&Told { version: 2, ..a_day() }).await;
        assert_eq!(tag().await, r#""2-2""#);
        // What is late changes neither.
        app.told(&a_day()).await;
        told(&app, "CampaignCreated", &a_campaign(1, "Verano", "DRAFT")).await;
        assert_eq!(tag().await, r#""2-2""#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_without_a_name_of_its_own_is_refused_and_one_without_reports_is_in_no_list() {
    on_each_database(async |app| {
        let mut nameless = a_campaign(1, "Verano", "DRAFT");
        nameless["campaign_id"] = json!("");
        let refused = app.handled_as("CampaignCreated", ("e-1", None), &nameless.to_string()).await;
        assert_eq!(refused.unwrap_err().to_string(), "invalid_event: campaign_id: must not be empty");
        told(&app, "CampaignCreated", &a_campaign(1, "Verano", "DRAFT")).await;
        assert_eq!(app.all("/v1/analytics/campaigns").await, Vec::<Value>::new());
        assert_eq!(app.get("/v1/analytics/campaigns/c-1").await.0, 404);
    })
    .await;
}
