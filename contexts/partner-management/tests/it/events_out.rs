//! What this context tells others: every field of each event has the value that its history gives it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    TestApp, a_document, a_partner, a_request, activated, alerted, hired, matched, on_each_database,
    reported, signed, with,
};

/// The last event of a type.
async fn last(app: &TestApp, kind: &str) -> Value {
    app.events_of(kind).await.pop().unwrap_or_else(|| panic!("no {kind}"))
}

/// Accepts S2-EV-1, C-8.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_told_with_every_field() {
    on_each_database(async |app| {
        let body = with(&a_partner(), &json!({ "documents": [a_document("TAX_ID", 'a')] }));
        let (_, made) = app
            .ask(
                "POST",
                "/v1/partners",
                &[("x-correlation-id", "CORR-123-456-789"), ("x-actor", "ana")],
                &body,
            )
            .await;
        let id = &made["partner_id"];
        let expected = json!({
            "partner_id": id,
            "business_name": "TechSolutions Inc",
            "email": "contact@techsolutions.com",
            "partner_type": "EMPRESA",
            "registration_data": {
                "contact_name": "Juan Pérez", "country": "CO", "employees": 12_345_678_901_234_567_890_u64,
                "documents": [{
                    "document_id": made["documents"][0]["document_id"], "kind": "TAX_ID",
                    "reference": "papers/TAX_ID-a.pdf", "hash": "a".repeat(64),
                }],
            },
            "validation_status": "PENDING",
            "preferred_contract_type": "PREMIUM",
            "registration_source": "WEB",
            "registration_timestamp": "2025-01-15T10:30:00Z",
            "revision": 1,
        });
        assert_eq!(last(&app, "PartnerRegistrationCompleted").await, expected);
        let row = app.outbox().await.remove(0);
        let text = |column| row.get::<String>(column).unwrap();
        assert_eq!(text("type"), "com.hexabuilders.partners.PartnerRegistrationCompleted");
        assert_eq!(
            (text("aggregatetype"), text("aggregateid")),
            ("partners".to_owned(), id.as_str().unwrap().to_owned())
        );
        let headers: Value = serde_json::from_str(&text("headers")).unwrap();
        assert_eq!(
            (&headers["correlationid"], &headers["actor"]),
            (&json!("CORR-123-456-789"), &json!("ana"))
        );
    })
    .await;
}

/// Accepts S2-EV-7, G-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_validation_is_told_with_every_check() {
    on_each_database(async |app| {
        let body = with(
            &a_partner(),
            &json!({ "partner_type": "STARTUP", "documents": [a_document("TAX_ID", 'a'), a_document("INCORPORATION", 'b')] }),
        );
        let (_, made) = app.post("/v1/partners", &body).await;
        let id = made["partner_id"].as_str().unwrap();
        let decide = async |index: usize, verb: &str, body: &Value| {
            let document = made["documents"][index]["document_id"].as_str().unwrap();
            let (status, answer) = app.post(&format!("/v1/partners/{id}/documents/{document}/{verb}"), body).await;
            assert_eq!(status, 200, "{answer}");
        };
        decide(0, "verify", &Value::Null).await;
        app.edge.advance(Duration::from_hours(1));
        decide(1, "reject", &json!({ "reason": "illegible" })).await;
        app.edge.advance(Duration::from_hours(48));
        app.told(activated("c-1", id)).await;
        let expected = json!({
            "partner_id": id,
            "validation_status": "PARTIAL",
            "validated_at": "2025-01-17T11:30:00Z",
            "validated_by": "system",
            "checks": [
                {
                    "name": "tax_id", "passed": true, "reason": "the document papers/TAX_ID-a.pdf was verified",
                    "checked_at": "2025-01-15T10:30:00Z", "checked_by": "ana",
                },
                {
                    "name": "incorporation", "passed": false,
                    "reason": "the document papers/INCORPORATION-b.pdf was rejected: illegible",
                    "checked_at": "2025-01-15T11:30:00Z", "checked_by": "ana",
                },
                {
                    "name": "contract", "passed": true, "reason": "the contract c-1 was activated",
                    "checked_at": "2025-01-17T00:00:00Z", "checked_by": "system",
                },
            ],
            "partner_type": "STARTUP",
            "partner_status": "VALIDATED",
            "revision": 4,
        });
        assert_eq!(last(&app, "PartnerValidationCompleted").await, expected);

        // Whoever lets it do something hears that it was stopped.
        app.post(&format!("/v1/partners/{id}/suspend"), &json!({ "reason": "x" })).await;
        let told = last(&app, "PartnerValidationCompleted").await;
        assert_eq!((&told["partner_status"], &told["revision"]), (&json!("SUSPENDED"), &json!(5)));
    })
    .await;
}

/// Accepts S2-EV-3, S2-ENU-5, S2-ENU-6, S2-ENU-7, S2-ENU-8.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_people_is_told_with_every_field() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let (_, made) = app.post(&format!("/v1/partners/{id}/recruitment-requests"), &a_request()).await;
        let expected = json!({
            "request_id": made["request_id"],
            "partner_id": id,
            "job_requirements": { "title": "Backend engineer", "department": "Plataforma", "openings": 2, "bonus": 1.10 },
            "required_skills": ["Rust", { "skill": "SQL", "level": "ADVANCED", "years": 3 }],
            "experience_level": "SENIOR",
            "job_type": "FULL_TIME",
            "remote_work_allowed": true,
            "location_preferences": ["Bogotá", "Medellín"],
            "salary_range": {
                "min": 60000, "min_minor": 6_000_000, "max": 80000.5, "max_minor": 8_000_050, "currency": "USD",
                "period": "YEAR",
            },
            "budget_range": {
                "min": null, "min_minor": null, "max": 9000, "max_minor": 900_000, "currency": "EUR",
            },
            "hiring_timeline": { "start_by": "2025-04-01", "fill_by": "2025-03-01", "max_days": 60 },
            "urgency_level": "HIGH",
            "candidate_sources": ["INTERNAL", "REFERRALS"],
            "screening_criteria": { "min_years": 5 },
            "requested_at": "2025-01-15T10:30:00Z",
        });
        assert_eq!(last(&app, "RecruitmentRequested").await, expected);

        // What was not said has its default, and is empty only where there is none.
        let short = json!({
            "job_requirements": { "title": "Cook" }, "required_skills": ["Pans"], "experience_level": "JUNIOR",
            "job_type": "PART_TIME",
        });
        app.post(&format!("/v1/partners/{id}/recruitment-requests"), &short).await;
        let told = last(&app, "RecruitmentRequested").await;
        assert_eq!((&told["urgency_level"], &told["remote_work_allowed"]), (&json!("NORMAL"), &json!(false)));
        assert_eq!(told["candidate_sources"], json!(["INTERNAL", "EXTERNAL", "REFERRALS"]));
        for empty in ["salary_range", "budget_range", "hiring_timeline", "screening_criteria"] {
            assert_eq!(told[empty], json!({}), "{empty}");
        }
        assert_eq!(told["location_preferences"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_called_off_is_told_once_with_every_field() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let (_, made) = app.post(&format!("/v1/partners/{id}/recruitment-requests"), &a_request()).await;
        let request = made["request_id"].as_str().unwrap();
        app.edge.advance(Duration::from_hours(1));
        let cancel = format!("/v1/partners/{id}/recruitment-requests/{request}/cancel");
        for _ in 0..2 {
            let (status, _) = app.post(&cancel, &json!({ "reason": "the project was stopped" })).await;
            assert_eq!(status, 200);
        }
        let told = app.events_of("RecruitmentCancelled").await;
        let expected = json!({
            "request_id": request, "partner_id": id, "reason": "the project was stopped",
            "cancelled_at": "2025-01-15T11:30:00Z", "revision": 2,
        });
        assert_eq!(told, [expected]);
    })
    .await;
}

/// Accepts S2-TOP-4, G-10.
#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_a_partner_are_told_with_every_field() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let (_, made) = app.post(&format!("/v1/partners/{id}/recruitment-requests"), &a_request()).await;
        let request = made["request_id"].as_str().unwrap();
        app.post(&format!("/v1/partners/{id}/recruitment-requests"), &a_request()).await;
        app.told(matched("m-1", &id, Some(request))).await;
        app.told(matched("m-2", &id, Some(request))).await;
        app.told(hired("h-1", &id, Some(request), 20)).await;
        app.told(hired("h-2", &id, Some(request), 31)).await;
        app.told(reported("r-1", &id, "camp-1", "2025-01-08")).await;
        app.edge.advance(Duration::from_hours(2));
        app.told(alerted("a-1", &id, 1)).await;

        let all = app.events_of("PartnerMetricsSnapshot").await;
        let revisions: Vec<&Value> = all.iter().map(|told| &told["revision"]).collect();
        let counted: Vec<Value> = (1..=all.len()).map(|number| json!(number)).collect();
        assert_eq!(revisions, counted.iter().collect::<Vec<_>>());
        let told = all.last().unwrap();
        let expected = json!({
            "snapshot_id": told["snapshot_id"],
            "partner_id": id,
            // Active, two requests, matched, hired, filled, a report, an alert.
            "revision": 8,
            "trigger": "CHANGE",
            "taken_at": "2025-01-15T12:30:00Z",
            "partner_status": "VALIDATED",
            "contracts_activated": 1,
            "successful_hires": 2,
            "recruitment_costs": [{ "currency": "USD", "amount": 3001, "amount_minor": 300_100 }],
            "time_to_hire_days_sum": 51,
            "time_to_hire_count": 2,
            "average_time_to_hire_hundredths": 2550,
            "recruitment_requests": { "open": 1, "matched": 0, "filled": 1, "cancelled": 0, "expired": 0 },
            "candidates_matched": 2,
            "campaigns": [{
                "campaign_id": "camp-1", "period_start": "2025-01-01", "period_end": "2025-01-08",
                "performance_summary": { "currency": "USD", "clicks": 10, "spend": 12.1 },
            }],
            "open_budget_alerts": [{
                "alert_id": "a-1", "campaign_id": "camp-1", "alert_type": "WARNING", "threshold_reached": 80.25,
                "alerted_at": "2025-02-02T00:00:00Z",
            }],
        });
        assert_eq!(*told, expected);
        assert_ne!(told["snapshot_id"], all[0]["snapshot_id"]);
    })
    .await;
}

/// Accepts S2-PRP-5.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_from_an_event_belongs_to_what_that_belonged_to() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        app.told(signed("c-1", &id)).await;
        app.told(activated("c-1", &id)).await;
        let rows = app.outbox().await;
        assert!(rows.len() > 1);
        for row in &rows[1..] {
            let headers: Value = serde_json::from_str(&row.get::<String>("headers").unwrap()).unwrap();
            assert_eq!(headers["correlationid"], "CORR-123-456-789");
            assert_eq!(headers["causationid"], "e-1");
        }
    })
    .await;
}
