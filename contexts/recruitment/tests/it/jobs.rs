//! What is looked for, how it changes, how it ends, and what it costs.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, ana, backend_job, hire_of, on_each_database};

/// Accepts G-9.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_all_that_was_said_of_it() {
    on_each_database(async |app| {
        let (status, made) = app.post("/v1/jobs", &backend_job()).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let asked = backend_job();
        for name in [
            "partner_id",
            "experience_level",
            "job_type",
            "remote_work_allowed",
            "location_preferences",
            "urgency_level",
            "candidate_sources",
            "screening_criteria",
            "hiring_timeline",
            "job_requirements",
        ] {
            assert_eq!(made[name], asked[name], "{name}");
        }
        assert_eq!(made["required_skills"][0], json!({ "skill": "Rust", "level": null, "years": 3 }));
        assert_eq!(made["required_skills"][1]["skill"], "PostgreSQL");
        let salary = &made["salary_range"];
        assert_eq!((&salary["max_minor"], &salary["period"]), (&json!(6_000_050), &json!("YEAR")));
        assert_eq!(salary["max"].to_string(), "60000.5");
        assert_eq!(made["budget_range"]["max_minor"], 500_000);
        assert_eq!((&made["status"], &made["version"]), (&json!("OPEN"), &json!(1)));
        assert_eq!(made["allowed_transitions"], json!(["MATCHING", "FILLED", "CLOSED", "CANCELLED"]));
        let path = format!("/v1/jobs/{}", made["id"].as_str().unwrap());
        assert_eq!(app.get(&path).await, (StatusCode::OK, made));
        assert!(app.events().await.is_empty(), "that a job was opened is told to nobody");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_of_a_partner_is_one_job() {
    on_each_database(async |app| {
        let mut body = backend_job();
        body["request_id"] = json!("request-1");
        let (_, first) = app.post("/v1/jobs", &body).await;
        let (status, again) = app.post("/v1/jobs", &body).await;
        assert_eq!((status, &again["id"]), (StatusCode::OK, &first["id"]));
        body["partner_id"] = json!("partner-2");
        let (status, refused) = app.post("/v1/jobs", &body).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("request_taken")));
        assert_eq!(refused["job_id"], first["id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_another_version_and_who_did_not_see_the_newest_is_refused() {
    on_each_database(async |app| {
        let id = app.made("/v1/jobs", &backend_job()).await;
        let path = format!("/v1/jobs/{id}");
        let patch =
            async |seen: &str, body: Value| app.ask(Method::PATCH, &path, &[("if-match", seen)], &body).await;
        let request = Request::get(&path).body(Body::empty()).unwrap();
        let (_, headers, before) = app.answer(request).await;
        assert_eq!(headers["etag"], "\"1\"");
        let (status, changed) = patch("\"1\"", json!({ "urgency_level": "URGENT" })).await;
        assert_eq!(status, StatusCode::OK, "{changed}");
        assert_eq!((&changed["urgency_level"], &changed["version"]), (&json!("URGENT"), &json!(2)));
        assert_eq!(changed["required_skills"], before["required_skills"]);
        let (status, refused) = patch("\"1\"", json!({ "urgency_level": "LOW" })).await;
        assert_eq!((status, &refused["revision"]), (StatusCode::PRECONDITION_FAILED, &json!(2)));
        let (_, same) = patch("\"2\"", json!({ "urgency_level": "URGENT" })).await;
        assert_eq!(same["revision"], 2);
        let (_, fewer) = patch("*", json!({ "required_skills": [], "shortlist": { "size": 3 } })).await;
        assert_eq!((&fewer["required_skills"], &fewer["shortlist"]["size"]), (&json!([]), &json!(3)));
        assert_eq!(fewer["shortlist"]["minimum_score_bp"], 5_000);
    })
    .await;
}

/// Accepts S2-TOP-10, G-10.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_ends_says_what_came_of_it() {
    on_each_database(async |app| {
        let mut body = backend_job();
        body["request_id"] = json!("request-1");
        body["job_requirements"]["openings"] = json!(2);
        let job = app.made("/v1/jobs", &body).await;
        let (one, other) =
            (app.candidate("Ana Gil", ana_alone()).await, app.candidate("Eva Sol", json!({})).await);
        app.post(&format!("/v1/jobs/{job}/costs"), &json!({ "kind": "AGENCY", "amount": 900.5 })).await;
        app.made("/v1/applications", &json!({ "job_id": job, "candidate_id": other })).await;
        let hiring = app.made("/v1/hires", &hire_of(&job, &one)).await;
        app.days(3);
        let close = format!("/v1/jobs/{job}/close");
        let (status, closed) = app.post(&close, &json!({ "reason": "presupuesto" })).await;
        assert_eq!((status, &closed["status"]), (StatusCode::OK, &json!("CLOSED")));
        app.post(&close, &json!({ "reason": "otra vez" })).await;
        let told = app.told("RecruitmentCompleted").await;
        let wanted = json!({
            "job_id": job,
            "partner_id": "partner-1",
            "request_id": "request-1",
            "outcome": "CLOSED",
            "openings": 2,
            "hiring_ids": [hiring],
            "hires": 1,
            "candidates_considered": 2,
            "total_cost": 900.5,
            "total_cost_minor": 90_050,
            "currency": "USD",
            "opened_at": "2025-01-15T12:00:00Z",
            "completed_at": "2025-01-18T12:00:00Z",
            "reason": "presupuesto",
        });
        assert_eq!(told, [wanted]);

        let (status, refused) = app.post(&format!("/v1/jobs/{job}/cancel"), &json!({})).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("illegal_transition")));
        assert_eq!((&refused["status"], &refused["allowed_transitions"]), (&json!(409), &json!([])));
        for (path, body) in [
            ("/v1/hires".to_owned(), hire_of(&job, &other)),
            ("/v1/applications".to_owned(), json!({ "job_id": job, "candidate_id": one })),
            (format!("/v1/jobs/{job}/costs"), json!({ "kind": "TRAVEL", "amount": 1 })),
            (format!("/v1/jobs/{job}/matching"), Value::Null),
        ] {
            let (status, refused) = app.post(&path, &body).await;
            assert_eq!(status, StatusCode::CONFLICT, "{path}: {refused}");
        }
    })
    .await;
}

fn ana_alone() -> Value {
    let mut ana = ana();
    ana["phone"] = Value::Null;
    ana
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_is_recorded_once_by_its_reference_and_in_the_jobs_currency() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let path = format!("/v1/jobs/{job}/costs");
        let cost = json!({ "kind": "ADVERTISING", "amount": 120.5, "reference": "inv-1", "note": "feria" });
        let (status, first) = app.post(&path, &cost).await;
        assert_eq!(status, StatusCode::CREATED, "{first}");
        assert_eq!((first["amount"].to_string(), &first["amount_minor"]), ("120.5".into(), &json!(12_050)));
        let (status, again) = app.post(&path, &cost).await;
        assert_eq!((status, &again["id"], &again["duplicate"]), (StatusCode::OK, &first["id"], &json!(true)));
        let other = json!({ "kind": "ADVERTISING", "amount": 121, "reference": "inv-1" });
        let (status, refused) = app.post(&path, &other).await;
        assert_eq!((status, &refused["cost_id"]), (StatusCode::CONFLICT, &first["id"]));
        let euros = json!({ "kind": "TRAVEL", "amount": 1, "currency": "EUR" });
        let (status, refused) = app.post(&path, &euros).await;
        assert_eq!(
            (status, &refused["errors"][0]["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("other_currency"))
        );
        let (_, listed) = app.get(&path).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_page_by_page_narrowed_and_as_csv() {
    on_each_database(async |app: TestApp| {
        for (partner, level) in [("p-1", "JUNIOR"), ("p-2", "SENIOR"), ("p-1", "SENIOR")] {
            let mut body = backend_job();
            (body["partner_id"], body["experience_level"]) = (json!(partner), json!(level));
            app.made("/v1/jobs", &body).await;
            app.days(1);
        }
        let count = async |query: &str| {
            let (status, page) = app.get(&format!("/v1/jobs?{query}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            page["items"].as_array().unwrap().len()
        };
        assert_eq!(count("partner_id=p-1").await, 2);
        assert_eq!(count("partner_id=p-1&experience_level=SENIOR&status=OPEN&job_type=FULL_TIME").await, 1);
        assert_eq!(count("urgency_level=LOW").await, 0);
        let (_, first) = app.get("/v1/jobs?limit=2").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        assert_eq!(count(&format!("limit=2&cursor={cursor}")).await, 1);
        let request = Request::get("/v1/jobs").header("accept", "text/csv").body(Body::empty()).unwrap();
        let (_, _, csv) = app.answer(request).await;
        assert!(csv.as_str().unwrap().starts_with("id,partner_id,request_id,status,title,"), "{csv}");
        let (status, refused) = app.get("/v1/jobs?parnter_id=p-1").await;
        assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_query")));
    })
    .await;
}
