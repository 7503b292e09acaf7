//! What a partner calls off, or has no more time for, ends here: the job, and what candidates have under way for it; who was hired stays so.

use std::sync::Arc;

use hexalpes_consumer::HandleError;
use hexalpes_kernel::Edge;
use hexalpes_recruitment::Cancellations;
use http::StatusCode;
use serde_json::{Value, json};

use crate::requested::requested;
use crate::support::{TestApp, hire_of, on_each_database};

impl TestApp {
    async fn call_off(&self, id: &str, request: &str, partner: &str) -> Result<(), HandleError> {
        let edge: Arc<dyn Edge> = self.edge.clone();
        let told = json!({
            "request_id": request, "partner_id": partner, "reason": "the project was stopped",
            "cancelled_at": "2025-01-16T12:00:00Z", "revision": 2,
        });
        self.let_handle(Cancellations { edge }, id, "RecruitmentCancelled", &told).await
    }

    async fn expire(&self, id: &str, request: &str) {
        let edge: Arc<dyn Edge> = self.edge.clone();
        let told = json!({
            "request_id": request, "partner_id": "partner-1", "expired_at": "2025-02-16T00:00:00Z", "revision": 3,
        });
        self.let_handle(Cancellations { edge }, id, "RecruitmentExpired", &told).await.unwrap();
    }

    async fn job_of(&self, request: &str) -> Value {
        let (_, page) = self.get(&format!("/v1/jobs?request_id={request}")).await;
        page["items"][0].clone()
    }
}

fn someone(name: &str) -> Value {
    json!({ "skills": ["Rust"], "summary": name })
}

async fn applied(app: &TestApp, job: &str, candidate: &str) -> String {
    app.made("/v1/applications", &json!({ "job_id": job, "candidate_id": candidate })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_called_off_ends_its_job_and_what_is_under_way_and_hires_stay() {
    on_each_database(async |app| {
        app.handle("e-1", &requested("request-1")).await.unwrap();
        app.catch_up().await;
        let job = app.job_of("request-1").await["id"].as_str().unwrap().to_owned();
        let [hired, talked_to, gone] = [
            app.candidate("Ana Gil", someone("a")).await,
            app.candidate("Eva Sol", someone("b")).await,
            app.candidate("Leo Mar", someone("c")).await,
        ];
        let (status, hire) = app.post("/v1/hires", &hire_of(&job, &hired)).await;
        assert_eq!(status, StatusCode::CREATED, "{hire}");
        let (open, over) = (applied(&app, &job, &talked_to).await, applied(&app, &job, &gone).await);
        let withdrawn = json!({ "stage": "WITHDRAWN", "reason": "found another" });
        app.post(&format!("/v1/applications/{over}/stage"), &withdrawn).await;
        app.post(&format!("/v1/applications/{open}/stage"), &json!({ "stage": "SCREENING" })).await;
        let interview =
            json!({ "scheduled_at": "2025-01-20T15:00:00Z", "duration_minutes": 45, "mode": "VIDEO" });
        let interview = app.made(&format!("/v1/applications/{open}/interviews"), &interview).await;
        let mut terms = hire_of(&job, &talked_to);
        for of_hires in ["job_id", "candidate_id"] {
            terms.as_object_mut().unwrap().remove(of_hires);
        }
        terms["expires_at"] = json!("2025-02-01T00:00:00Z");
        let offer = app.made(&format!("/v1/applications/{open}/offers"), &terms).await;

        app.days(1);
        for event in ["e-2", "e-3"] {
            app.call_off(event, "request-1", "partner-1").await.unwrap();
        }
        let ended = app.job_of("request-1").await;
        assert_eq!((&ended["status"], &ended["hired"]), (&json!("CANCELLED"), &json!(1)), "{ended}");
        assert_eq!(ended["end_reason"], "the project was stopped", "{ended}");
        let stage = async |application: &str| {
            let (_, found) = app.get(&format!("/v1/applications/{application}")).await;
            let last = found["history"].as_array().unwrap().last().unwrap().clone();
            (
                found["stage"].clone(),
                last["entered_at"].clone(),
                last["reason"].clone(),
                found["revision"].clone(),
            )
        };
        let rejected =
            ["REJECTED", "2025-01-16T12:00:00Z", "the project was stopped"].map(|text| json!(text));
        let [to, at, reason] = rejected;
        assert_eq!(stage(&open).await, (to, at, reason, json!(5)));
        assert_eq!(stage(&over).await.0, "WITHDRAWN");
        let (_, page) = app.get(&format!("/v1/applications?job_id={job}&stage=HIRED")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
        let (_, interviews) = app.get(&format!("/v1/applications/{open}/interviews")).await;
        let told = &interviews["items"][0];
        assert_eq!((&told["id"], &told["status"]), (&json!(interview), &json!("CANCELLED")), "{told}");
        let (_, offers) = app.get(&format!("/v1/applications/{open}/offers")).await;
        let told = &offers["items"][0];
        assert_eq!(
            (&told["status"], &told["expires_at"]),
            (&json!("EXPIRED"), &json!("2025-01-16T12:00:00Z")),
            "{told}"
        );
        let (status, refused) = app.post(&format!("/v1/offers/{offer}/accept"), &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{refused}");
        let (_, kept) = app.get(&format!("/v1/hires?job_id={job}")).await;
        assert_eq!(kept["items"], json!([hire]));

        let told = app.told("RecruitmentCompleted").await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        for (field, value) in [
            ("request_id", json!("request-1")),
            ("outcome", json!("CANCELLED")),
            ("openings", json!(2)),
            ("hires", json!(1)),
            ("hiring_ids", json!([hire["id"]])),
            ("candidates_considered", json!(3)),
            ("reason", json!("the project was stopped")),
            ("completed_at", json!("2025-01-16T12:00:00Z")),
        ] {
            assert_eq!(told[field], value, "{field}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_called_off_before_it_is_heard_of_opens_a_job_that_is_over() {
    on_each_database(async |app| {
        for event in ["e-1", "e-2"] {
            app.call_off(event, "request-1", "partner-1").await.unwrap();
        }
        // Another partner's word is none about this one's request.
        app.call_off("e-3", "request-2", "partner-2").await.unwrap();
        for (event, request) in [("e-4", "request-1"), ("e-5", "request-2")] {
            app.handle(event, &requested(request)).await.unwrap();
        }
        app.catch_up().await;
        let over = app.job_of("request-1").await;
        assert_eq!(
            (&over["status"], &over["end_reason"]),
            (&json!("CANCELLED"), &json!("the project was stopped"))
        );
        assert_eq!(app.job_of("request-2").await["status"], "MATCHING");
        let told = app.told("RecruitmentCompleted").await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((&told["request_id"], &told["outcome"]), (&json!("request-1"), &json!("CANCELLED")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_time_is_over_closes_its_job_and_what_is_under_way_whichever_comes_first() {
    on_each_database(async |app| {
        app.handle("e-1", &requested("request-1")).await.unwrap();
        app.catch_up().await;
        let job = app.job_of("request-1").await["id"].as_str().unwrap().to_owned();
        let candidate = app.candidate("Eva Sol", someone("b")).await;
        let application = applied(&app, &job, &candidate).await;
        for event in ["e-2", "e-3"] {
            app.expire(event, "request-1").await;
        }
        // One that is heard of too late, and one that its partner had called off.
        app.expire("e-4", "request-2").await;
        app.handle("e-5", &requested("request-2")).await.unwrap();
        app.handle("e-6", &requested("request-3")).await.unwrap();
        app.call_off("e-7", "request-3", "partner-1").await.unwrap();
        app.expire("e-8", "request-3").await;

        let why = "the request expired at 2025-02-16T00:00:00Z";
        for request in ["request-1", "request-2"] {
            let job = app.job_of(request).await;
            assert_eq!((&job["status"], &job["end_reason"]), (&json!("CLOSED"), &json!(why)), "{job}");
        }
        assert_eq!(app.job_of("request-3").await["status"], "CANCELLED");
        let (_, found) = app.get(&format!("/v1/applications/{application}")).await;
        let last = found["history"].as_array().unwrap().last().unwrap();
        assert_eq!((&found["stage"], &last["reason"]), (&json!("REJECTED"), &json!(why)), "{found}");
        let (status, refused) = app.post("/v1/hires", &hire_of(&job, &candidate)).await;
        assert_eq!(status, StatusCode::CONFLICT, "{refused}");
        let told = app.told("RecruitmentCompleted").await;
        let told: Vec<(&Value, &Value, &Value)> =
            told.iter().map(|one| (&one["request_id"], &one["outcome"], &one["reason"])).collect();
        let (closed, called_off) = (json!("CLOSED"), json!("the project was stopped"));
        assert_eq!(
            told,
            [
                (&json!("request-1"), &closed, &json!(why)),
                (&json!("request-2"), &closed, &json!(why)),
                (&json!("request-3"), &json!("CANCELLED"), &called_off),
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_calls_off_the_request_of_another_and_what_is_over_stays_as_it_is() {
    on_each_database(async |app| {
        app.handle("e-1", &requested("request-1")).await.unwrap();
        match app.call_off("e-2", "request-1", "partner-2").await {
            Err(HandleError::Rejected(why)) => assert_eq!(why.code, "request_taken"),
            other => panic!("{other:?}"),
        }
        assert_eq!(app.job_of("request-1").await["status"], "MATCHING");
        let job = app.job_of("request-1").await["id"].as_str().unwrap().to_owned();
        app.post(&format!("/v1/jobs/{job}/close"), &json!({ "reason": "presupuesto" })).await;
        app.call_off("e-3", "request-1", "partner-1").await.unwrap();
        let closed = app.job_of("request-1").await;
        assert_eq!((&closed["status"], &closed["end_reason"]), (&json!("CLOSED"), &json!("presupuesto")));
        assert_eq!(app.told("RecruitmentCompleted").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_job_is_filled_the_applications_of_the_others_have_their_end() {
    on_each_database(async |app| {
        app.handle("e-1", &requested("request-1")).await.unwrap();
        let job = app.job_of("request-1").await["id"].as_str().unwrap().to_owned();
        let mut of = Vec::new();
        for name in ["Ana Gil", "Eva Sol", "Leo Mar"] {
            of.push(app.candidate(name, someone(name)).await);
        }
        let waiting = applied(&app, &job, &of[2]).await;
        for candidate in &of[..2] {
            let (status, hire) = app.post("/v1/hires", &hire_of(&job, candidate)).await;
            assert_eq!(status, StatusCode::CREATED, "{hire}");
        }
        assert_eq!(app.job_of("request-1").await["status"], "FILLED");
        let (_, found) = app.get(&format!("/v1/applications/{waiting}")).await;
        assert_eq!((&found["stage"], &found["revision"]), (&json!("REJECTED"), &json!(2)), "{found}");
        let (_, page) = app.get(&format!("/v1/applications?job_id={job}&stage=HIRED")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2, "{page}");
    })
    .await;
}
