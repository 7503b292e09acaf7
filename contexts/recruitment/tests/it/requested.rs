//! What partners ask for becomes a job, once, and is matched at once.

use std::sync::Arc;

use hexalpes_consumer::{Event, HandleError, Handler};
use hexalpes_db::Tx;
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Edge};
use hexalpes_recruitment::Requests;
use serde_json::{Value, json};

use crate::support::{TestApp, ana, on_each_database};

/// An event of seed 2, as the partner-management context tells it.
pub(crate) fn requested(request: &str) -> Value {
    json!({
        "request_id": request,
        "partner_id": "partner-1",
        "job_requirements": {
            "title": "Backend developer",
            "description": "Moves money",
            "department": "Payments",
            "openings": 2,
            "responsibilities": ["Design"],
            "nice_to_have_skills": ["Kafka"],
            "seniority_notes": "whatever else the partner wrote",
        },
        "required_skills": ["Rust", { "skill": "PostgreSQL", "level": "ADVANCED", "years": 3 }],
        "experience_level": "SENIOR",
        "job_type": "FULL_TIME",
        "remote_work_allowed": true,
        "location_preferences": ["Bogotá, Colombia"],
        "salary_range": { "min": 3000, "min_minor": 300_000, "max": 5000.5, "max_minor": 500_050, "currency": "USD", "period": "MONTH" },
        "budget_range": { "max": 4000.25, "currency": "COP" },
        "hiring_timeline": { "start_by": "2025-03-01", "fill_by": "2025-02-15", "max_days": 45 },
        "urgency_level": "URGENT",
        "candidate_sources": ["EXTERNAL", "REFERRALS"],
        "screening_criteria": { "min_years": 3, "languages": ["es", "en"] },
        "requested_at": "2025-01-12T08:00:00Z",
    })
}

impl TestApp {
    pub(crate) async fn handle(&self, id: &str, data: &Value) -> Result<(), HandleError> {
        let edge: Arc<dyn Edge> = self.edge.clone();
        self.let_handle(Requests { edge }, id, "RecruitmentRequested", data).await
    }

    /// As a consumer lets handle an event of partner-management.
    pub(crate) async fn let_handle(
        &self,
        handler: impl Handler,
        id: &str,
        kind: &str,
        data: &Value,
    ) -> Result<(), HandleError> {
        let event = Event {
            id: id.to_owned(),
            kind: format!("com.hexabuilders.partners.{kind}"),
            source: None,
            subject: None,
            time: None,
            correlation: None,
            actor: None,
            data: data.to_string().into_bytes().into(),
            content_type: "application/json".to_owned(),
        };
        let cause = Cause {
            correlation: CorrelationId::parse("CORR-1").unwrap(),
            causation: CausationId::parse(id).unwrap(),
            actor: Actor::anonymous(),
            at: self.edge.now(),
        };
        self.db.write(async move |tx: &Tx| handler.handle(tx, &event, &cause).await).await
    }
}

/// Accepts S2-HND-4, S2-EV-3, S2-MTX-3, S2-ENU-5, S2-ENU-6, S2-ENU-7, S2-ENU-8.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_job_with_every_field_and_candidates_are_matched() {
    on_each_database(async |app| {
        let ana = app.made("/v1/candidates", &ana()).await;
        app.handle("e-1", &requested("request-1")).await.unwrap();
        app.catch_up().await;
        let (_, page) = app.get("/v1/jobs?request_id=request-1").await;
        let job = &page["items"][0];
        let asked = requested("request-1");
        for same in [
            "request_id",
            "partner_id",
            "experience_level",
            "job_type",
            "remote_work_allowed",
            "location_preferences",
            "urgency_level",
            "candidate_sources",
            "screening_criteria",
            "hiring_timeline",
            "requested_at",
        ] {
            assert_eq!(job[same], asked[same], "{same}");
        }
        for same in
            ["title", "description", "department", "openings", "responsibilities", "nice_to_have_skills"]
        {
            assert_eq!(job["job_requirements"][same], asked["job_requirements"][same], "{same}");
        }
        assert_eq!(job["job_requirements"]["details"], asked["job_requirements"]);
        assert_eq!(
            job["required_skills"][1],
            json!({ "skill": "PostgreSQL", "level": "ADVANCED", "years": 3 })
        );
        let salary = &job["salary_range"];
        assert_eq!((&salary["max_minor"], &salary["period"]), (&json!(500_050), &json!("MONTH")));
        assert_eq!(job["budget_range"]["max_minor"], 400_025);
        assert_eq!((&job["status"], &job["currency"]), (&json!("MATCHING"), &json!("COP")));

        let told = app.told("CandidateMatched").await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((&told["candidate_id"], &told["request_id"]), (&json!(ana), &json!("request-1")));
    })
    .await;
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_again_is_the_same_job() {
    on_each_database(async |app| {
        app.made("/v1/candidates", &ana()).await;
        app.handle("e-1", &requested("request-1")).await.unwrap();
        app.catch_up().await;
        app.handle("e-2", &requested("request-1")).await.unwrap();
        app.catch_up().await;
        let (_, page) = app.get("/v1/jobs").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        assert_eq!(app.told("CandidateMatched").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_avros_words_and_with_little_in_it_is_understood() {
    on_each_database(async |app| {
        let mut event = requested("request-1");
        for dict in
            ["job_requirements", "salary_range", "budget_range", "hiring_timeline", "screening_criteria"]
        {
            event[dict] = json!("{}");
        }
        for list in ["required_skills", "location_preferences", "candidate_sources"] {
            event[list] = json!("[]");
        }
        event["required_skills"] = json!("[\"Rust\"]");
        event["requested_at"] = json!("");
        app.handle("e-1", &event).await.unwrap();
        let (_, page) = app.get("/v1/jobs?request_id=request-1").await;
        let job = &page["items"][0];
        assert_eq!(
            (&job["required_skills"][0]["skill"], &job["salary_range"]),
            (&json!("Rust"), &Value::Null)
        );
        assert_eq!((&job["job_requirements"]["openings"], &job["currency"]), (&json!(1), &json!("USD")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_words_that_nobody_knows_is_refused_for_good() {
    on_each_database(async |app| {
        for (field, wrong, told) in [
            ("experience_level", json!("WIZARD"), "experience_level: WIZARD is none of JUNIOR"),
            ("required_skills", json!([""]), "required_skills: must have 1 to 64"),
            ("salary_range", json!({ "max": 1.005, "currency": "USD" }), "salary_range: has more decimals"),
            ("hiring_timeline", json!({ "start_by": "soon" }), "start_by: must be a day"),
            ("request_id", json!(""), "request_id: must not be empty"),
            ("job_requirements", json!({ "openings": 0 }), "job_requirements.openings: 0 is not 1 to 1000"),
            ("remote_work_allowed", json!("yes"), "invalid type"),
        ] {
            let mut event = requested("request-1");
            event[field] = wrong;
            match app.handle("e-1", &event).await {
                Err(HandleError::Rejected(why)) => {
                    assert_eq!(why.code, "invalid_event");
                    assert!(why.detail.contains(told), "{field}: {}", why.detail);
                }
                other => panic!("{field}: {other:?}"),
            }
        }
        let (_, page) = app.get("/v1/jobs").await;
        assert_eq!(page["items"], json!([]));
    })
    .await;
}
