//! What is refused, where, and in which language; and that nothing is stored then.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{ana, backend_job, hire_of, on_each_database};

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named_and_nothing_is_stored() {
    on_each_database(async |app| {
        let job = |field: &str, value: Value| ("/v1/jobs", with(backend_job(), field, value));
        let candidate = |field: &str, value: Value| ("/v1/candidates", with(ana(), field, value));
        let hire = |field: &str, value: Value| ("/v1/hires", with(hire_of("j", "c"), field, value));
        for ((path, body), pointer, code) in [
            (job("partner_id", Value::Null), "/partner_id", "missing_field"),
            (job("experience_level", json!("senior")), "/experience_level", "unknown_value"),
            (job("job_requirements", json!({ "openings": 2 })), "/job_requirements", "missing_field"),
            (
                job("job_requirements", json!({ "title": "x", "openings": 0 })),
                "/job_requirements/openings",
                "out_of_range",
            ),
            (job("required_skills", json!(["Rust", 7])), "/required_skills", "wrong_type"),
            (job("required_skills", json!([{ "skil": "x" }])), "/required_skills", "missing_field"),
            (
                job("salary_range", json!({ "min": 2, "max": 1, "currency": "USD" })),
                "/salary_range/min",
                "reversed_range",
            ),
            (
                job("salary_range", json!({ "max": 1.005, "currency": "USD" })),
                "/salary_range/max",
                "too_precise",
            ),
            (
                job("hiring_timeline", json!({ "start_by": "1/2/25" })),
                "/hiring_timeline/start_by",
                "invalid_date",
            ),
            (job("screening_criteria", json!([])), "/screening_criteria", "wrong_type"),
            (job("salary", json!(1)), "/salary", "unknown_field"),
            (candidate("email", json!("ana")), "/email", "invalid_email"),
            (candidate("phone", json!("300 123 4567")), "/phone", "invalid_phone"),
            (candidate("name", json!(" ")), "/name", "empty"),
            (candidate("experience_years", json!(61)), "/experience_years", "out_of_range"),
            (
                candidate("salary_expectation", json!({ "amount": 0, "currency": "USD" })),
                "/salary_expectation/amount",
                "not_positive",
            ),
            (candidate("birth_date", json!("1990-01-01")), "/birth_date", "unknown_field"),
            (hire("job_id", json!("none")), "/job_id", "job_not_found"),
            (hire("agreed_salary", json!(-1)), "/agreed_salary", "not_positive"),
            (hire("end_date", json!("2025-01-01")), "/end_date", "before_start"),
        ] {
            let (status, refused) = app.post(path, &body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{pointer}: {refused}");
            let error = &refused["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{refused}");
        }
        for list in ["/v1/jobs", "/v1/candidates", "/v1/hires"] {
            assert_eq!(app.get(list).await.1["items"], json!([]), "{list}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_spanish_to_those_who_ask_so() {
    on_each_database(async |app| {
        let spanish = [("accept-language", "es")];
        let body = with(ana(), "phone", json!("300"));
        let (_, refused) = app.ask(Method::POST, "/v1/candidates", &spanish, &body).await;
        assert_eq!(refused["detail"], "/phone: debe ser un número con el de su país, como +57 300 123 4567");
        app.made("/v1/candidates", &ana()).await;
        let (_, refused) = app.ask(Method::POST, "/v1/candidates", &spanish, &ana()).await;
        assert!(refused["detail"].as_str().unwrap().contains("tiene este correo"), "{refused}");
        assert_eq!(refused["title"], "Conflicto");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    on_each_database(async |app| {
        for path in [
            "/v1/jobs/none",
            "/v1/jobs/%20",
            "/v1/jobs/none/costs",
            "/v1/jobs/none/matches",
            "/v1/candidates/none",
            "/v1/applications/none",
            "/v1/applications/none/interviews",
            "/v1/applications/none/offers",
            "/v1/hires/none",
        ] {
            let (status, refused) = app.get(path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {refused}");
            assert!(refused["code"].as_str().unwrap().ends_with("_not_found"), "{refused}");
        }
        for path in [
            "/v1/jobs/none/close",
            "/v1/jobs/none/matching",
            "/v1/interviews/none/cancel",
            "/v1/offers/none/accept",
            "/v1/offers/none/decline",
        ] {
            let (status, refused) = app.post(path, &json!({})).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {refused}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_is_done_once_and_answered_twice() {
    on_each_database(async |app| {
        let key = [("idempotency-key", "k-1")];
        let first = app.ask(Method::POST, "/v1/candidates", &key, &ana()).await;
        assert_eq!(first.0, StatusCode::CREATED);
        assert_eq!(app.ask(Method::POST, "/v1/candidates", &key, &ana()).await, first);
        let (status, refused) =
            app.ask(Method::POST, "/v1/candidates", &key, &json!({ "name": "x", "email": "x@y.co" })).await;
        assert_eq!(
            (status, &refused["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency_key_reused"))
        );
    })
    .await;
}
