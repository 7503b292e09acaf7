//! What runs while its partner may run it: contracts that end, partners who are suspended, and what comes after.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Contracts, TestApp, activated, on_each_database, with};

/// A campaign of `p-1` that runs.
async fn running(app: &TestApp) -> String {
    app.running(&[("TOTAL", 1_000)]).await
}

async fn resumed(app: &TestApp, id: &str) -> (u16, Value) {
    app.verb(id, "resume", &Value::Null).await
}

/// Status, by whom it is paused and why, of the last event of a campaign.
async fn told_last(app: &TestApp) -> (Value, Value) {
    let events = app.events_of("CampaignUpdated").await;
    let last = events.last().unwrap();
    (last["status"].clone(), last["reason"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_contract_pauses_what_runs_by_it_and_another_one_lets_it_go_on() {
    on_each_database(async |app| {
        let id = running(&app).await;
        app.spent(&id, "s-1", "10").await;
        app.edge.advance(Duration::from_hours(1));
        app.ended(&json!({})).await;
        // Twice, as it may come.
        app.ended(&json!({})).await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("CONTRACT")));
        let reason = json!("contract k-1 was terminated on 2025-01-15");
        assert_eq!(told_last(&app).await, (json!("PAUSED"), reason));
        let told = app.events_of("CampaignUpdated").await.len();

        let (status, refused) = resumed(&app, &id).await;
        assert_eq!((status, &refused["code"]), (409, &json!("contract_terminated")), "{refused}");
        assert_eq!(refused["allowed_transitions"], json!(["pause", "complete", "cancel"]));
        let (status, refused) = app.spend(&id, "s-2", "10", &json!({})).await;
        assert_eq!((status, &refused["code"]), (409, &json!("campaign_paused")), "{refused}");
        let before = json!({ "occurred_at": "2025-01-15T12:30:00Z" });
        assert_eq!(app.spend(&id, "s-3", "10", &before).await.0, 201);
        let (status, refused) = app.post("/v1/campaigns", &crate::support::a_campaign()).await;
        assert_eq!((status, &refused["code"]), (403, &json!("contract_terminated")), "{refused}");
        assert_eq!(app.events_of("CampaignUpdated").await.len(), told);

        let next = json!({ "contract_id": "k-9", "effective_date": "2025-01-15", "revision": 4 });
        app.told(&Contracts, &activated(&next)).await.unwrap();
        app.told(&Contracts, &activated(&next)).await.unwrap();
        assert_eq!(app.status(&id).await, ("ACTIVE".to_owned(), Value::Null));
        assert_eq!(told_last(&app).await, (json!("ACTIVE"), Value::Null));
        assert_eq!(app.events_of("CampaignUpdated").await.len(), told + 1);
        let (_, campaign) = app.get(&format!("/v1/campaigns/{id}")).await;
        assert_eq!(campaign["contract_id"], "k-9");
        app.spent(&id, "s-4", "10").await;
        let (_, history) = app.get(&format!("/v1/campaigns/{id}/history")).await;
        let changes: Vec<&Value> = history.as_array().unwrap().iter().map(|one| &one["change"]).collect();
        assert_eq!(changes, ["CREATED", "ACTIVATED", "PAUSED_BY_CONTRACT", "RESUMED_BY_CONTRACT"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_stops_nothing_whichever_of_its_two_events_comes_first() {
    on_each_database(async |app| {
        let id = running(&app).await;
        let renewed = json!({ "outcome": "RENEWED", "renewed_by": "k-9" });
        let next = activated(&json!({ "contract_id": "k-9", "effective_date": "2025-01-15" }));
        let told = app.events_of("CampaignUpdated").await.len();
        app.ended(&renewed).await;
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        app.told(&Contracts, &next).await.unwrap();
        app.ended(&renewed).await;
        assert_eq!(app.status(&id).await.0, "ACTIVE");
        assert_eq!(app.events_of("CampaignUpdated").await.len(), told);
        let (_, rights) = app.get("/v1/partners/p-1/campaign-permissions").await;
        assert_eq!(rights["contract_id"], "k-9");
        let ends: Vec<&Value> =
            rights["contracts"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
        assert_eq!(ends, [&json!("RENEWED"), &Value::Null]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_partner_runs_nothing_until_it_is_reinstated() {
    on_each_database(async |app| {
        let (id, held) = (running(&app).await, running(&app).await);
        app.verb(&held, "pause", &json!({ "reason": "vacaciones" })).await;
        let suspended = json!({ "revision": 2, "partner_status": "SUSPENDED" });
        app.validated(&suspended).await;
        app.validated(&suspended).await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("PARTNER")));
        assert_eq!(told_last(&app).await.1, "partner p-1 is suspended or terminated");
        assert_eq!(app.status(&held).await, ("PAUSED".to_owned(), json!("PERSON")));
        let (status, refused) = resumed(&app, &held).await;
        assert_eq!((status, &refused["code"]), (409, &json!("partner_suspended")), "{refused}");

        app.validated(&json!({ "revision": 3, "partner_status": "VALIDATED" })).await;
        // What was told before comes late, and changes nothing.
        app.validated(&suspended).await;
        assert_eq!(app.status(&id).await, ("ACTIVE".to_owned(), Value::Null));
        // What a person paused waits for a person.
        assert_eq!(app.status(&held).await.0, "PAUSED");
        assert_eq!(resumed(&app, &held).await.0, 200);

        app.validated(&json!({ "revision": 4, "partner_status": "TERMINATED" })).await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("PARTNER")));
        assert_eq!(app.verb(&id, "complete", &Value::Null).await.0, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_comes_before_what_it_ends_lets_nothing_begin() {
    on_each_database(async |app| {
        let of = json!({ "contract_id": "k-2", "partner_id": "p-2" });
        app.ended(&of).await;
        app.told(&Contracts, &activated(&of)).await.unwrap();
        let body = with(&crate::support::a_campaign(), &json!({ "partner_id": "p-2" }));
        let (status, refused) = app.post("/v1/campaigns", &body).await;
        assert_eq!((status, &refused["code"]), (403, &json!("contract_terminated")), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_ends_on_its_day_whether_anybody_tells_or_not() {
    on_each_database(async |app| {
        let of = json!({ "partner_id": "p-3", "contract_id": "k-3", "expiration_date": "2025-01-17" });
        app.told(&Contracts, &activated(&of)).await.unwrap();
        let budgets = json!([{ "kind": "TOTAL", "limit": 1_000 }]);
        let begins = |day: &str| {
            json!({ "partner_id": "p-3", "start_date": day, "end_date": "2025-02-20", "budgets": budgets })
        };
        let now = app.drafted(&begins("2025-01-15")).await;
        let later = app.drafted(&begins("2025-01-16")).await;
        for id in [&now, &later] {
            assert_eq!(app.verb(id, "activate", &Value::Null).await.0, 200);
        }
        app.ended(&json!({ "partner_id": "p-4", "contract_id": "k-4" })).await;
        app.later(Duration::from_hours(24)).await;
        assert_eq!((app.status(&now).await.0, app.status(&later).await.0), ("ACTIVE".into(), "ACTIVE".into()));
        app.later(Duration::from_hours(24)).await;
        for id in [&now, &later] {
            assert_eq!(app.status(id).await, ("PAUSED".to_owned(), json!("CONTRACT")));
        }
        let (_, refused) = resumed(&app, &now).await;
        assert_eq!((&refused["code"], &refused["expiration_date"]), (&json!("contract_expired"), &json!("2025-01-17")));
        // The event comes after all, and the next contract begins tomorrow.
        let expired = json!({ "outcome": "EXPIRED", "ended_at": "2025-01-17T00:00:00Z" });
        app.ended(&with(&of, &expired)).await;
        let next = json!({ "partner_id": "p-3", "contract_id": "k-5", "effective_date": "2025-01-18" });
        app.told(&Contracts, &activated(&next)).await.unwrap();
        assert_eq!(app.status(&now).await, ("PAUSED".to_owned(), json!("CONTRACT")));
        app.later(Duration::from_hours(24)).await;
        for id in [&now, &later] {
            assert_eq!(app.status(id).await.0, "ACTIVE");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_after_its_contract_ended_begins_paused() {
    on_each_database(async |app| {
        let fields = json!({ "start_date": "2025-01-16", "budgets": [{ "kind": "TOTAL", "limit": 10 }] });
        let id = app.drafted(&fields).await;
        let (status, campaign) = app.verb(&id, "activate", &Value::Null).await;
        assert_eq!((status, &campaign["status"]), (200, &json!("SCHEDULED")), "{campaign}");
        app.ended(&json!({})).await;
        assert_eq!(app.status(&id).await.0, "SCHEDULED");
        app.later(Duration::from_hours(24)).await;
        assert_eq!(app.status(&id).await, ("PAUSED".to_owned(), json!("CONTRACT")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_campaigns_than_one_event_looks_at_are_all_paused_by_the_next_sweep() {
    on_each_database(async |app| {
        let mut ids = Vec::new();
        for _ in 0..103 {
            ids.push(running(&app).await);
        }
        app.ended(&json!({})).await;
        let mut paused = 0;
        for id in &ids {
            paused += usize::from(app.status(id).await.0 == "PAUSED");
        }
        assert_eq!(paused, 100);
        app.sweep().await;
        for id in &ids {
            assert_eq!(app.status(id).await, ("PAUSED".to_owned(), json!("CONTRACT")));
        }
    })
    .await;
}
