//! What is refused, where, and in which language; and that nothing is stored then.

use http::Request;
use serde_json::{Value, json};

use crate::support::{a_document, a_partner, a_request, ended, on_each_database, signed, with};

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_of_a_registration_is_named_and_nothing_is_stored() {
    on_each_database(async |app| {
        let documents = |document: Value| json!({ "documents": [document] });
        for (fields, pointer, code) in [
            (json!({ "email": "juan" }), "/email", "invalid_email"),
            (json!({ "business_name": "  " }), "/business_name", "empty"),
            (json!({ "business_name": "a".repeat(201) }), "/business_name", "too_long"),
            (json!({ "partner_type": null }), "/partner_type", "missing_field"),
            (json!({ "partner_type": "COMPANY" }), "/partner_type", "unknown_value"),
            (json!({ "preferred_contract_type": "GOLD" }), "/preferred_contract_type", "unknown_value"),
            (json!({ "registration_source": "web" }), "/registration_source", "unknown_value"),
            (json!({ "registration_data": [1] }), "/registration_data", "wrong_type"),
            (json!({ "registration_data": { "x": "y".repeat(70_000) } }), "/registration_data", "too_long"),
            (json!({ "bussiness_name": "x" }), "/bussiness_name", "unknown_field"),
            (documents(json!({})), "/documents/0/kind", "missing_field"),
            (
                documents(with(&a_document("TAX_ID", 'a'), &json!({ "hash": "x" }))),
                "/documents/0/hash",
                "invalid_hash",
            ),
            (
                documents(with(&a_document("TAX_ID", 'a'), &json!({ "expires_on": "2025-02-30" }))),
                "/documents/0/expires_on",
                "invalid_date",
            ),
            (
                documents(with(
                    &a_document("TAX_ID", 'a'),
                    &json!({ "issued_on": "2025-02-02", "expires_on": "2025-02-01" }),
                )),
                "/documents/0/expires_on",
                "before_issue",
            ),
            (
                json!({ "documents": [a_document("TAX_ID", 'a'), a_document("TAX_ID", 'a')] }),
                "/documents/1",
                "duplicate_document",
            ),
        ] {
            let (status, refused) = app.post("/v1/partners", &with(&a_partner(), &fields)).await;
            assert_eq!(status, 422, "{refused}");
            let error = &refused["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{refused}");
        }
        assert!(app.events().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_of_a_request_for_people_is_named() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let path = format!("/v1/partners/{id}/recruitment-requests");
        for (fields, pointer, code) in [
            (json!({ "job_requirements": {} }), "/job_requirements", "invalid_job_requirements"),
            (
                json!({ "job_requirements": { "title": "x", "openings": 0 } }),
                "/job_requirements",
                "invalid_job_requirements",
            ),
            (json!({ "required_skills": [] }), "/required_skills", "wrong_length"),
            (json!({ "required_skills": [1] }), "/required_skills", "invalid_skill"),
            (json!({ "required_skills": [{ "name": "Rust" }] }), "/required_skills", "invalid_skill"),
            (json!({ "required_skills": ["Rust", "rust"] }), "/required_skills", "duplicate_element"),
            (json!({ "experience_level": "GURU" }), "/experience_level", "unknown_value"),
            (json!({ "job_type": "PERMANENT" }), "/job_type", "unknown_value"),
            (json!({ "remote_work_allowed": "yes" }), "/remote_work_allowed", "wrong_type"),
            (json!({ "salary_range": { "currency": "USD" } }), "/salary_range/min", "missing_field"),
            (
                json!({ "salary_range": { "min": 2, "max": 1, "currency": "USD" } }),
                "/salary_range/max",
                "less_than_min",
            ),
            (
                json!({ "salary_range": { "min": 1.005, "currency": "USD" } }),
                "/salary_range/min",
                "too_precise",
            ),
            (json!({ "budget_range": { "max": -1, "currency": "USD" } }), "/budget_range/min", "negative"),
            (
                json!({ "budget_range": { "max": 1, "currency": "ZZZ" } }),
                "/budget_range/currency",
                "unknown_currency",
            ),
            (json!({ "hiring_timeline": { "max_days": 0 } }), "/hiring_timeline/max_days", "out_of_range"),
            (json!({ "hiring_timeline": { "start": "x" } }), "/hiring_timeline/start", "unknown_field"),
            (json!({ "candidate_sources": ["FRIENDS"] }), "/candidate_sources", "unknown_value"),
            (json!({ "urgency_level": "ASAP" }), "/urgency_level", "unknown_value"),
        ] {
            let (status, refused) = app.post(&path, &with(&a_request(), &fields)).await;
            assert_eq!(status, 422, "{refused}");
            let error = &refused["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{refused}");
        }
        assert!(app.events_of("RecruitmentRequested").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_spanish_to_those_who_ask_so() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let request = Request::post(format!("/v1/partners/{id}/reactivate")).header("accept-language", "es");
        let (_, _, refused) = app.send(request.body("".into()).unwrap()).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("el partner está REGISTERED; es posible: sign (ContractSigned)"),
            "{detail}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        for path in [
            "/v1/partners/none".to_owned(),
            "/v1/partners/%20".to_owned(),
            "/v1/partners/none/metrics".to_owned(),
            "/v1/partners/none/matches".to_owned(),
            "/v1/partners/none/recruitment-requests".to_owned(),
            format!("/v1/partners/{id}/recruitment-requests/none"),
        ] {
            let (status, refused) = app.get(&path).await;
            assert_eq!(status, 404, "{refused}");
            assert!(refused["code"].as_str().unwrap().ends_with("_not_found"), "{refused}");
        }
        let why = json!({ "reason": "x" });
        for path in [
            "/v1/partners/none/suspend".to_owned(),
            format!("/v1/partners/{id}/documents/none/reject"),
            format!("/v1/partners/{id}/recruitment-requests/none/cancel"),
        ] {
            let (status, refused) = app.post(&path, &why).await;
            assert_eq!(status, 404, "{refused}");
        }
        let (status, refused) = app.get(&format!("/v1/partners/{id}/hires?currency=USD")).await;
        assert_eq!((status, &refused["code"]), (422, &json!("invalid_query")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_makes_no_sense_is_rejected_and_leaves_nothing() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        for (field, value) in [
            ("contract_type", json!("GOLD")),
            ("signed_at", json!("yesterday")),
            ("contract_id", json!("")),
            ("partner_id", json!(7)),
        ] {
            let (kind, mut data) = signed("c-1", &id);
            data[field] = value;
            let refused = app.handled((kind, data)).await.unwrap_err().to_string();
            assert!(refused.starts_with("invalid_event: "), "{refused}");
        }
        // A type of a newer version is none of its business.
        app.told(("com.hexabuilders.onboarding.ContractFramed", json!({}))).await;
        assert_eq!(app.partner(&id).await["contracts"], json!([]));
    })
    .await;
}

/// Onboarding tells all on one topic too, from which the ends of contracts alone are taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_takes_the_type_that_it_is_for_and_no_other() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let (ended, _) = ended("c-1", &id);
        app.handled_by(ended, signed("c-1", &id)).await.unwrap();
        app.handled_by(ended, (signed("c-1", &id).0, json!({}))).await.unwrap();
        app.handled_by(ended, ("com.example.ContractEnded", json!({}))).await.unwrap();
        assert_eq!(app.partner(&id).await["contracts"], json!([]));
    })
    .await;
}
