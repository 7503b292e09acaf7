//! From an application to a hire: stages, interviews, offers, and what others are told.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, ana, backend_job, hire_of, on_each_database};

async fn applied(app: &TestApp, job: &str, candidate: &str) -> String {
    app.made("/v1/applications", &json!({ "job_id": job, "candidate_id": candidate })).await
}

async fn at_stage(app: &TestApp, application: &str, stage: &str) -> (StatusCode, Value) {
    app.post(&format!("/v1/applications/{application}/stage"), &json!({ "stage": stage })).await
}

fn offer(expires_at: &str) -> Value {
    json!({
        "employment_type": "PERMANENT",
        "start_date": "2025-03-01",
        "agreed_salary": 54000.25,
        "currency": "USD",
        "benefits_package": { "vacation_days": 20, "bonus": 1.10 },
        "probation_days": 60,
        "expires_at": expires_at,
    })
}

/// The whole way; gives job, candidate, application and the hire's answer.
async fn hired(app: &TestApp) -> (String, String, String, Value) {
    let mut body = backend_job();
    (body["request_id"], body["requested_at"]) = (json!("request-1"), json!("2025-01-10T12:00:00Z"));
    let job = app.made("/v1/jobs", &body).await;
    let candidate = app.made("/v1/candidates", &ana()).await;
    let application = applied(app, &job, &candidate).await;
    for (kind, amount) in [("ADVERTISING", json!(120.5)), ("AGENCY", json!(800))] {
        let cost = json!({ "kind": kind, "amount": amount });
        app.made(&format!("/v1/jobs/{job}/costs"), &cost).await;
    }
    app.days(2);
    at_stage(app, &application, "SCREENING").await;
    let interview = json!({
        "scheduled_at": "2025-01-20T15:00:00Z",
        "duration_minutes": 45,
        "interviewers": ["Luz Mar"],
    });
    let path = format!("/v1/applications/{application}/interviews");
    let interview = app.made(&path, &interview).await;
    app.days(4);
    let feedback = json!({ "rating": 5, "verdict": "STRONG_YES", "notes": "sabe" });
    let (status, held) = app.post(&format!("/v1/interviews/{interview}/held"), &feedback).await;
    assert_eq!((status, &held["feedback"]["rating"]), (StatusCode::OK, &json!(5)));
    let offers = format!("/v1/applications/{application}/offers");
    let offer = app.made(&offers, &offer("2025-01-31T00:00:00Z")).await;
    app.days(1);
    let (status, hire) = app.post(&format!("/v1/offers/{offer}/accept"), &Value::Null).await;
    assert_eq!(status, StatusCode::CREATED, "{hire}");
    assert_eq!(hire["offer_id"], offer.as_str());
    (job, candidate, application, hire)
}

/// Accepts S2-TOP-9, S2-EV-4, S2-ENU-9, C-16.
#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_offer_is_a_hire_and_every_field_of_it_is_told() {
    on_each_database(async |app| {
        let (job, candidate, application, hire) = hired(&app).await;
        let told = app.told("CandidateHired").await;
        let wanted = json!({
            "hiring_id": hire["id"],
            "partner_id": "partner-1",
            "candidate_id": candidate,
            "job_id": job,
            "employment_details": {
                "job_type": "FULL_TIME",
                "location": "Bogotá, Colombia",
                "remote": true,
                "salary_period": "YEAR",
                "probation_days": 60,
                "end_date": null,
                "offer_id": hire["offer_id"],
                "application_id": application,
            },
            "job_title": "Backend developer",
            "department": "Payments",
            "start_date": "2025-03-01",
            "employment_type": "PERMANENT",
            "agreed_salary": 54000.25,
            "agreed_salary_minor": 5_400_025,
            "currency": "USD",
            "benefits_package": { "vacation_days": 20, "bonus": 1.10 },
            "hiring_process_metrics": {
                "applications": 1,
                "interviews": 1,
                "offers": 1,
                "stages": [
                    { "stage": "APPLIED", "entered_at": "2025-01-15T12:00:00Z" },
                    { "stage": "SCREENING", "entered_at": "2025-01-17T12:00:00Z" },
                    { "stage": "INTERVIEW", "entered_at": "2025-01-17T12:00:00Z" },
                    { "stage": "OFFER", "entered_at": "2025-01-21T12:00:00Z" },
                    { "stage": "HIRED", "entered_at": "2025-01-22T12:00:00Z" },
                ],
            },
            "time_to_hire": 12,
            "recruitment_cost": 920.5,
            "recruitment_cost_minor": 92_050,
            "recruitment_cost_currency": "USD",
            "time_to_fill": 12,
            "candidate_time_to_hire": 7,
            "request_id": "request-1",
            "hired_at": "2025-01-22T12:00:00Z",
        });
        assert_eq!(told, [wanted]);
        for same in ["time_to_hire", "recruitment_cost_minor", "agreed_salary_minor", "start_date"] {
            assert_eq!(hire[same], told[0][same], "{same}");
        }
        let completed = app.told("RecruitmentCompleted").await;
        let [completed] = completed.as_slice() else { panic!("{completed:?}") };
        assert_eq!((&completed["outcome"], &completed["reason"]), (&json!("FILLED"), &Value::Null));
        assert_eq!(
            (&completed["hiring_ids"], &completed["total_cost_minor"]),
            (&json!([hire["id"]]), &json!(92_050))
        );
        let (_, job) = app.get(&format!("/v1/jobs/{job}")).await;
        assert_eq!((&job["status"], &job["openings_left"]), (&json!("FILLED"), &json!(0)));
        let (_, application) = app.get(&format!("/v1/applications/{application}")).await;
        assert_eq!(
            (&application["stage"], &application["allowed_transitions"]),
            (&json!("HIRED"), &json!([]))
        );
        let path = format!("/v1/hires/{}", hire["id"].as_str().unwrap());
        assert_eq!(app.get(&path).await, (StatusCode::OK, hire));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_twice_hires_once() {
    on_each_database(async |app| {
        let (job, candidate, _, hire) = hired(&app).await;
        let path = format!("/v1/offers/{}/accept", hire["offer_id"].as_str().unwrap());
        let (status, refused) = app.post(&path, &Value::Null).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("already_hired")));
        assert_eq!(refused["hiring_id"], hire["id"]);
        let (status, refused) = app.post("/v1/hires", &hire_of(&job, &candidate)).await;
        assert_eq!((status, &refused["hiring_id"]), (StatusCode::CONFLICT, &hire["id"]));
        assert_eq!(app.told("CandidateHired").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hire_at_once_needs_no_application_and_two_share_what_was_spent() {
    on_each_database(async |app| {
        let mut body = backend_job();
        body["job_requirements"]["openings"] = json!(2);
        let job = app.made("/v1/jobs", &body).await;
        let (one, other) =
            (app.candidate("Ana Gil", json!({})).await, app.candidate("Eva Sol", json!({})).await);
        let costs = format!("/v1/jobs/{job}/costs");
        app.made(&costs, &json!({ "kind": "AGENCY", "amount": 101 })).await;
        app.made("/v1/hires", &hire_of(&job, &one)).await;
        app.made(&costs, &json!({ "kind": "TRAVEL", "amount": 10 })).await;
        app.days(30);
        app.made("/v1/hires", &hire_of(&job, &other)).await;
        let told = app.told("CandidateHired").await;
        let cost = |hire: &Value| hire["recruitment_cost_minor"].as_i64().unwrap();
        assert_eq!(told.iter().map(cost).collect::<Vec<_>>(), [5_050, 6_050]);
        let days = |hire: &Value, name: &str| hire[name].as_i64().unwrap();
        assert_eq!((days(&told[0], "time_to_hire"), days(&told[1], "time_to_hire")), (0, 30));
        assert_eq!(days(&told[1], "candidate_time_to_hire"), 0);
        assert_eq!(app.told("RecruitmentCompleted").await.len(), 1);
        let (_, page) = app.get(&format!("/v1/hires?job_id={job}&from=2025-02-01T00:00:00Z")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_with_which_all_could_not_be_summed_is_refused_and_the_job_goes_on() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let costs = format!("/v1/jobs/{job}/costs");
        let cost = json!({ "kind": "AGENCY", "amount": 92_233_720_368_547_758_u64 });
        app.made(&costs, &cost).await;
        let (status, refused) = app.post(&costs, &json!({ "kind": "TRAVEL", "amount": 1 })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!("/amount"), &json!("invalid_amount"))
        );
        let candidate = app.made("/v1/candidates", &ana()).await;
        app.made("/v1/hires", &hire_of(&job, &candidate)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_leads_nowhere_is_refused_with_those_that_do() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let candidate = app.made("/v1/candidates", &ana()).await;
        let application = applied(&app, &job, &candidate).await;
        let (status, refused) = at_stage(&app, &application, "INTERVIEW").await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("illegal_transition")));
        assert_eq!(refused["allowed_transitions"], json!(["SCREENING", "HIRED", "REJECTED", "WITHDRAWN"]));
        let offers = format!("/v1/applications/{application}/offers");
        let (status, refused) = app.post(&offers, &offer("2025-02-01T00:00:00Z")).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("illegal_transition")));
        let (status, refused) = at_stage(&app, &application, "HIRED").await;
        assert_eq!(
            (status, &refused["errors"][0]["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("unknown_value"))
        );
        let (status, refused) =
            app.post("/v1/applications", &json!({ "job_id": job, "candidate_id": candidate })).await;
        assert_eq!((status, &refused["application_id"]), (StatusCode::CONFLICT, &json!(application)));

        let path = format!("/v1/applications/{application}/stage");
        let seen = [("if-match", "\"7\"")];
        let (status, _) = app.ask(Method::POST, &path, &seen, &json!({ "stage": "REJECTED" })).await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED);
        let rejected = json!({ "stage": "REJECTED", "reason": "sin inglés" });
        let (_, rejected) = app.post(&path, &rejected).await;
        assert_eq!(rejected["history"][1]["reason"], "sin inglés");
        let (status, refused) = app.post("/v1/hires", &hire_of(&job, &candidate)).await;
        assert_eq!((status, &refused["allowed_transitions"]), (StatusCode::CONFLICT, &json!([])));
        let (_, page) = app.get(&format!("/v1/applications?stage=REJECTED&job_id={job}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_answered_in_time_or_not_at_all_and_one_is_open_at_a_time() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let candidate = app.made("/v1/candidates", &ana()).await;
        let application = applied(&app, &job, &candidate).await;
        for stage in ["SCREENING", "INTERVIEW"] {
            at_stage(&app, &application, stage).await;
        }
        let offers = format!("/v1/applications/{application}/offers");
        let first = app.made(&offers, &offer("2025-01-16T12:00:00Z")).await;
        let (status, refused) = app.post(&offers, &offer("2025-02-01T00:00:00Z")).await;
        assert_eq!((status, &refused["offer_id"]), (StatusCode::CONFLICT, &json!(first)));
        app.edge.advance(Duration::from_hours(24));
        let (status, refused) = app.post(&format!("/v1/offers/{first}/accept"), &Value::Null).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("illegal_transition")));
        assert!(refused["detail"].as_str().unwrap().contains("EXPIRED"), "{refused}");

        let second = app.made(&offers, &offer("2025-02-01T00:00:00Z")).await;
        let decline = format!("/v1/offers/{second}/decline");
        let (_, declined) = app.post(&decline, &json!({ "reason": "otra oferta" })).await;
        assert_eq!((&declined["status"], &declined["reason"]), (&json!("DECLINED"), &json!("otra oferta")));
        let (_, at) = app.get(&format!("/v1/applications/{application}")).await;
        assert_eq!(at["stage"], "INTERVIEW");
        let third = app.made(&offers, &offer("2025-02-01T00:00:00Z")).await;
        at_stage(&app, &application, "WITHDRAWN").await;
        let (status, _) = app.post(&format!("/v1/offers/{third}/accept"), &Value::Null).await;
        assert_eq!(status, StatusCode::CONFLICT);
        let (_, listed) = app.get(&format!("{offers}?sort=created_at")).await;
        let states: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
        assert_eq!(states.len(), 3);
        assert_eq!(states[0], "EXPIRED");
        assert!(states.contains(&"DECLINED"), "{states:?}");
        assert!(app.told("CandidateHired").await.is_empty());
        let (status, refused) = app.post(&offers, &offer("2025-01-01T00:00:00Z")).await;
        assert_eq!(
            (status, &refused["errors"][0]["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("in_the_past"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interview_is_held_or_cancelled_once() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let candidate = app.made("/v1/candidates", &ana()).await;
        let application = applied(&app, &job, &candidate).await;
        at_stage(&app, &application, "SCREENING").await;
        let path = format!("/v1/applications/{application}/interviews");
        let arranged = json!({ "scheduled_at": "2025-01-20T15:00:00Z", "mode": "PHONE" });
        let first = app.made(&path, &arranged).await;
        let second = app.made(&path, &arranged).await;
        let feedback = json!({ "rating": 2, "verdict": "NO" });
        let held = format!("/v1/interviews/{first}/held");
        app.post(&held, &feedback).await;
        let (status, again) = app.post(&held, &feedback).await;
        assert_eq!((status, &again["status"]), (StatusCode::OK, &json!("HELD")));
        let (status, refused) = app.post(&format!("/v1/interviews/{first}/cancel"), &json!({})).await;
        assert_eq!((status, &refused["allowed_transitions"]), (StatusCode::CONFLICT, &json!([])));
        let (_, cancelled) =
            app.post(&format!("/v1/interviews/{second}/cancel"), &json!({ "reason": "enferma" })).await;
        assert_eq!((&cancelled["status"], &cancelled["reason"]), (&json!("CANCELLED"), &json!("enferma")));
        let (_, listed) = app.get(&path).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    })
    .await;
}
