//! Whom partners look for, and what the recruiters tell of it.

use serde_json::{Value, json};

use crate::support::{a_partner, a_request, hired, matched, on_each_database, with};

pub(crate) fn completed(partner: &str, request: &str, outcome: &str) -> (&'static str, Value) {
    let told = json!({
        "job_id": "job-1", "partner_id": partner, "request_id": request, "outcome": outcome, "openings": 2,
        "hiring_ids": [], "hires": 0, "candidates_considered": 0, "total_cost": 0, "total_cost_minor": 0,
        "currency": "USD", "opened_at": "2025-01-20T00:00:00Z", "completed_at": "2025-02-20T00:00:00Z",
        "reason": null,
    });
    ("com.hexabuilders.recruitment.RecruitmentCompleted", told)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_partner_with_an_active_contract_may_ask_for_people() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let path = format!("/v1/partners/{id}/recruitment-requests");
        let (status, refused) = app.post(&path, &a_request()).await;
        assert_eq!((status, &refused["code"]), (409, &json!("partner_not_validated")));
        assert_eq!(refused["partner_status"], "REGISTERED");
        assert!(refused["detail"].as_str().unwrap().contains("signed and activated first"), "{refused}");

        let mut contract = crate::support::activated("c-1", &id);
        contract.1["expiration_date"] = json!("2025-01-15");
        app.told(contract).await;
        let (status, refused) = app.post(&path, &a_request()).await;
        assert_eq!((status, &refused["code"]), (409, &json!("no_active_contract")), "{refused}");

        app.told(crate::support::activated("c-2", &id)).await;
        let (status, made) = app.post(&path, &a_request()).await;
        assert_eq!((status, &made["status"], &made["openings"]), (201, &json!("OPEN"), &json!(2)), "{made}");
        app.edge.advance(std::time::Duration::from_hours(4 * 24));
        app.told(crate::support::ended("c-2", &id)).await;
        let (status, refused) = app.post(&path, &a_request()).await;
        assert_eq!((status, &refused["code"]), (409, &json!("no_active_contract")), "{refused}");
        app.post(&format!("/v1/partners/{id}/suspend"), &json!({ "reason": "x" })).await;
        let (status, refused) = app.post(&path, &a_request()).await;
        assert_eq!((status, &refused["partner_status"]), (409, &json!("SUSPENDED")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_matched_and_filled_as_the_recruiters_tell() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let path = format!("/v1/partners/{id}/recruitment-requests");
        let (_, made) = app.post(&path, &a_request()).await;
        let request = made["request_id"].as_str().unwrap();
        let one = format!("{path}/{request}");
        assert_eq!(app.get(&one).await, (200, made.clone()));
        assert_eq!(made["expires_at"], "2025-03-02T00:00:00Z");
        assert_eq!(made["salary_range"]["max_minor"], 8_000_050);

        for _ in 0..2 {
            app.told(matched("m-1", &id, Some(request))).await;
            app.told(matched("m-2", &id, Some(request))).await;
        }
        let (_, found) = app.get(&one).await;
        assert_eq!((&found["status"], &found["matches"]), (&json!("MATCHED"), &json!(2)));
        let (_, matches) = app.get(&format!("/v1/partners/{id}/matches?request_id={request}")).await;
        assert_eq!(matches["items"].as_array().unwrap().len(), 2);
        assert_eq!(matches["items"][0]["score"].to_string(), "87.25");

        app.told(hired("h-1", &id, Some(request), 20)).await;
        assert_eq!(app.get(&one).await.1["status"], "MATCHED");
        for _ in 0..2 {
            app.told(hired("h-2", &id, Some(request), 31)).await;
        }
        let (_, filled) = app.get(&one).await;
        assert_eq!((&filled["status"], &filled["hires"]), (&json!("FILLED"), &json!(2)));
        let (status, refused) = app.post(&format!("{one}/cancel"), &json!({ "reason": "late" })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("illegal_transition")));
        assert_eq!(refused["allowed_transitions"], json!([]));
        let (_, list) = app.get(&format!("{path}?status=FILLED")).await;
        assert_eq!(list["items"], json!([filled]));
        let (_, csv) = app.ask("GET", &path, &[("accept", "text/csv")], &Value::Null).await;
        assert!(csv.as_str().unwrap().starts_with("request_id,partner_id,status,openings,"), "{csv}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_called_off_here_or_by_the_recruiters() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let path = format!("/v1/partners/{id}/recruitment-requests");
        let (_, made) = app.post(&path, &a_request()).await;
        let cancel = format!("{path}/{}/cancel", made["request_id"].as_str().unwrap());
        let why = json!({ "reason": "the project was stopped" });
        let (status, refused) = app.ask("POST", &cancel, &[("if-match", "\"7\"")], &why).await;
        assert_eq!((status, &refused["revision"]), (412, &json!(1)));
        let (status, off) = app.ask("POST", &cancel, &[("if-match", "\"1\"")], &why).await;
        assert_eq!((status, &off["status"], &off["revision"]), (200, &json!("CANCELLED"), &json!(2)));
        assert_eq!(off["cancel_reason"], why["reason"]);
        assert_eq!(app.post(&cancel, &why).await, (200, off));

        let (_, other) = app.post(&path, &a_request()).await;
        let request = other["request_id"].as_str().unwrap();
        for _ in 0..2 {
            app.told(completed(&id, request, "CLOSED")).await;
        }
        let (_, closed) = app.get(&format!("{path}/{request}")).await;
        assert_eq!((&closed["status"], &closed["revision"]), (&json!("CANCELLED"), &json!(2)));
        assert_eq!(app.metrics(&id).await["recruitment_requests"]["cancelled"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_is_made_once_and_is_one_partners() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let other = app.validated(&with(&a_partner(), &json!({ "email": "b@x.co" }))).await;
        let path = format!("/v1/partners/{id}/recruitment-requests");
        let key = [("idempotency-key", "k-1")];
        let (first, again) = (
            app.ask("POST", &path, &key, &a_request()).await,
            app.ask("POST", &path, &key, &a_request()).await,
        );
        assert_eq!((first.0, &first), (201, &again));
        assert_eq!(app.events_of("RecruitmentRequested").await.len(), 1);
        let request = first.1["request_id"].as_str().unwrap();
        let (status, refused) =
            app.get(&format!("/v1/partners/{other}/recruitment-requests/{request}")).await;
        assert_eq!((status, &refused["code"]), (404, &json!("recruitment_request_not_found")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_what_it_saw_of_another_partners_request_learns_nothing_of_it() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let other = app.validated(&with(&a_partner(), &json!({ "email": "b@x.co" }))).await;
        let (_, made) = app.post(&format!("/v1/partners/{id}/recruitment-requests"), &a_request()).await;
        let request = made["request_id"].as_str().unwrap();
        let cancel = format!("/v1/partners/{other}/recruitment-requests/{request}/cancel");
        let why = json!({ "reason": "x" });
        for seen in ["\"1\"", "\"7\""] {
            let (status, refused) = app.ask("POST", &cancel, &[("if-match", seen)], &why).await;
            let code = &refused["code"];
            assert_eq!((status, code), (404, &json!("recruitment_request_not_found")), "{refused}");
            assert_eq!(refused["revision"], Value::Null);
        }
    })
    .await;
}
