//! Who fits a job, why, and who is told of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use axum::body::Body;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::IfMatch;
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Email, Ids as _};
use hexalpes_recruitment::commands::{self, Found, NotMatched, RegisterCandidate, StartMatching};
use hexalpes_recruitment::domain::{CandidateId, HeldSkill, JobId, JobType, Place, Profile, Skill, Source};
use hexalpes_recruitment::look;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, ana, backend_job, on_each_database};

/// Reached only by what fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn matched(app: &TestApp, job: &str) -> Value {
    let (status, matched) = app.post(&format!("/v1/jobs/{job}/matching"), &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{matched}");
    matched
}

fn ids(matched: &Value) -> Vec<&str> {
    let matches = matched["matches"].as_array().unwrap();
    matches.iter().map(|one| one["candidate_id"].as_str().unwrap()).collect()
}

/// Accepts S2-EV-9, G-2.
#[tokio::test(flavor = "multi_thread")]
async fn who_fits_is_told_once_with_every_field_and_reason() {
    on_each_database(async |app| {
        let mut body = backend_job();
        body["request_id"] = json!("request-1");
        let job = app.made("/v1/jobs", &body).await;
        let ana = app.made("/v1/candidates", &ana()).await;
        let other = json!({ "skills": ["rust"], "experience_years": 2, "locations": ["Lima"] });
        app.candidate("Eva Sol", other).await;
        let matched = matched(&app, &job).await;
        assert_eq!((&matched["status"], &matched["told"]), (&json!("MATCHING"), &json!(1)));
        assert_eq!(ids(&matched), [ana.as_str()], "below the least score nobody is told of");

        let told = app.told("CandidateMatched").await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        let one = &matched["matches"][0];
        for (field, value) in [
            ("match_id", one["id"].clone()),
            ("job_id", json!(job)),
            ("partner_id", json!("partner-1")),
            ("candidate_id", json!(ana)),
            ("score", json!(100)),
            ("score_bp", json!(10_000)),
            ("rank", json!(1)),
            ("request_id", json!("request-1")),
            ("job_version", json!(1)),
            ("matched_at", json!("2025-01-15T12:00:00Z")),
            ("components", one["components"].clone()),
            ("explanation", one["explanation"].clone()),
        ] {
            assert_eq!(told[field], value, "{field}");
        }
        let parts: Vec<(&str, u64, u64)> = told["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| {
                let number = |name: &str| part[name].as_u64().unwrap();
                (part["name"].as_str().unwrap(), number("weight_bp"), number("score_bp"))
            })
            .collect();
        let full = |name, weight| (name, weight, 10_000);
        assert_eq!(
            parts,
            [
                full("skills", 4_500),
                full("experience", 2_000),
                full("location", 1_200),
                full("salary", 1_000),
                full("job_type", 800),
                full("availability", 500)
            ]
        );
        let reason = &told["components"][0]["reason"];
        assert_eq!(
            reason["en"],
            "Has 2 of 2 required skills: Rust, PostgreSQL. Has 1 of 1 that would be nice: Kafka."
        );
        assert_eq!(
            reason["es"],
            "Tiene 2 de 2 habilidades requeridas: Rust, PostgreSQL. Tiene 1 de 1 deseables: Kafka."
        );
        let explanation = told["explanation"]["es"].as_str().unwrap();
        assert!(explanation.starts_with("100.00 de 100 puntos. Tiene 2 de 2"), "{explanation}");
        assert!(!told.to_string().contains("Gil"), "no name leaves: {told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn matching_again_tells_of_the_new_alone_and_another_version_of_all() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let half =
            json!({ "skills": ["Rust", "PostgreSQL"], "experience_years": 5, "locations": ["Bogotá"] });
        let first = app.candidate("Eva Sol", half.clone()).await;
        assert_eq!(ids(&matched(&app, &job).await), [first.as_str()]);
        assert_eq!(matched(&app, &job).await["told"], 0);
        let best = app.made("/v1/candidates", &ana()).await;
        let again = matched(&app, &job).await;
        assert_eq!((ids(&again), &again["told"]), (vec![best.as_str(), first.as_str()], &json!(1)));
        assert_eq!(app.told("CandidateMatched").await.len(), 2);

        let path = format!("/v1/jobs/{job}");
        app.ask(Method::PATCH, &path, &[], &json!({ "shortlist": { "size": 1 } })).await;
        let newer = matched(&app, &job).await;
        assert_eq!((ids(&newer), &newer["told"]), (vec![best.as_str()], &json!(1)));
        let told = app.told("CandidateMatched").await;
        assert_eq!((told.len(), &told[2]["job_version"]), (3, &json!(2)));
        let (_, listed) = app.get(&format!("{path}/matches")).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let (_, older) = app.get(&format!("{path}/matches?job_version=1")).await;
        assert_eq!(older["items"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_pushed_off_the_shortlist_is_known_and_never_told_of_twice() {
    on_each_database(async |app| {
        let mut body = backend_job();
        body["shortlist"] = json!({ "size": 1 });
        let job = app.made("/v1/jobs", &body).await;
        let half =
            json!({ "skills": ["Rust", "PostgreSQL"], "experience_years": 5, "locations": ["Bogotá"] });
        let first = app.candidate("Eva Sol", half).await;
        matched(&app, &job).await;
        let best = app.made("/v1/candidates", &ana()).await;
        assert_eq!(ids(&matched(&app, &job).await), [best.as_str()]);
        let (_, off) = app.get(&format!("/v1/matches?job_id={job}&shortlisted=false")).await;
        assert_eq!(
            (&off["items"][0]["candidate_id"], &off["items"][0]["rank"]),
            (&json!(first), &Value::Null)
        );
        let path = format!("/v1/candidates/{best}");
        app.ask(Method::DELETE, &path, &[], &Value::Null).await;
        let back = matched(&app, &job).await;
        assert_eq!((ids(&back), &back["told"]), (vec![first.as_str()], &json!(0)));
        assert_eq!(app.told("CandidateMatched").await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_does_is_seen_and_what_was_there_before_too() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let first = app.made("/v1/candidates", &ana()).await;
        let beside = app.beside();
        beside.index.warm(&beside.db).await.unwrap();
        assert_eq!(beside.index.len(), 1);
        assert_eq!(ids(&matched(&beside, &job).await), [first.as_str()]);
        let mut second = ana();
        (second["email"], second["phone"]) = (json!("b@x.co"), Value::Null);
        let second = app.made("/v1/candidates", &second).await;
        let both = matched(&beside, &job).await;
        assert_eq!(ids(&both), [first.as_str(), second.as_str()], "the same score is in the order of ids");
        let change = json!({ "job_types": ["CONTRACT"] });
        let path = format!("/v1/candidates/{first}");
        let (status, _) = app.ask(Method::PATCH, &path, &[], &change).await;
        assert_eq!(status, StatusCode::OK);
        let changed = matched(&beside, &job).await;
        assert_eq!((ids(&changed), &changed["told"]), (vec![second.as_str(), first.as_str()], &json!(0)));
        assert_eq!(changed["matches"][1]["score"].to_string(), "92");
    })
    .await;
}

/// Somebody whom every job here would have.
fn nobody() -> Profile {
    let held = |name: &str| HeldSkill { skill: Skill::parse(name).unwrap(), years: Some(9), level: None };
    Profile {
        name: "Nadie".to_owned(),
        email: Email::parse("nadie@x.co").ok(),
        phone: None,
        skills: vec![held("Rust"), held("PostgreSQL"), held("Kafka")],
        experience_years: Some(9),
        locations: vec![Place::parse("Bogotá, Colombia").unwrap()],
        remote: true,
        relocation: true,
        salary_expectation: None,
        job_types: vec![JobType::FullTime],
        available_from: None,
        source: Source::External,
        summary: None,
    }
}

impl TestApp {
    fn cause(&self) -> Cause {
        Cause {
            correlation: CorrelationId::new(self.edge.uuid()),
            causation: CausationId::of_command(self.edge.uuid()),
            actor: Actor::anonymous(),
            at: self.edge.now(),
        }
    }
}

/// Others write while all candidates are looked at, and a look waits for no writer.
#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_whose_registration_is_taken_back_is_matched_with_nothing() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let register = RegisterCandidate { id: CandidateId::new(app.edge.uuid()), profile: nobody() };
        let cause = app.cause();
        let (registered, is_registered) = mpsc::channel();
        let (taken_back, is_to_be_taken_back) = mpsc::channel::<()>();
        let is_to_be_taken_back = Mutex::new(is_to_be_taken_back);
        let undone = async move |tx: &Tx| -> Result<(), DbError> {
            commands::register_candidate(tx, register.clone(), &cause).await.unwrap();
            let _ = registered.send(());
            let _ = is_to_be_taken_back.lock().unwrap().recv_timeout(PATIENCE);
            Err(DbError::NoRow)
        };
        let db = app.db.clone();
        let writing = tokio::spawn(async move { db.write(undone).await });
        tokio::task::block_in_place(|| is_registered.recv_timeout(PATIENCE)).unwrap();
        let parsed = JobId::parse(&job).unwrap();
        let found = look(&app.db, &app.index, &parsed).await.unwrap();
        assert!(app.index.is_empty());
        taken_back.send(()).unwrap();
        assert_eq!(writing.await.unwrap(), Err(DbError::NoRow));

        let start = StartMatching { job: parsed, seen: IfMatch::default(), because_of: BTreeMap::new() };
        let (edge, cause) = (app.edge.clone(), app.cause());
        let write =
            async move |tx: &Tx| commands::start_matching(tx, start.clone(), &found, &*edge, &cause).await;
        assert_eq!(app.db.write(write).await.unwrap().told, 0);
        let matched = matched(&app, &job).await;
        assert_eq!((&matched["matches"], &matched["told"]), (&json!([]), &json!(0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_is_not_written_if_it_rests_on_what_has_changed() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let ana = app.made("/v1/candidates", &ana()).await;
        let parsed = JobId::parse(&job).unwrap();
        let write = async |found: Found| {
            let start =
                StartMatching { job: parsed.clone(), seen: IfMatch::default(), because_of: BTreeMap::new() };
            let (edge, cause) = (app.edge.clone(), app.cause());
            let write = async move |tx: &Tx| {
                commands::start_matching(tx, start.clone(), &found, &*edge, &cause).await
            };
            app.db.write(write).await.map(|matched| matched.told)
        };
        let changed = async |path: &str, change: Value| {
            let found = look(&app.db, &app.index, &parsed).await.unwrap();
            let (status, _) = app.ask(Method::PATCH, path, &[], &change).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(write(found).await, Err(NotMatched::Stale), "{path}");
        };
        changed(&format!("/v1/candidates/{ana}"), json!({ "experience_years": 7 })).await;
        changed(&format!("/v1/jobs/{job}"), json!({ "shortlist": { "size": 3 } })).await;
        assert_eq!(app.told("CandidateMatched").await, Vec::<Value>::new());
        let (_, open) = app.get(&format!("/v1/jobs/{job}")).await;
        assert_eq!(open["status"], "OPEN");

        // Two look at once: the second looks again, for it does not know what the first has told.
        let (one, other) = (
            look(&app.db, &app.index, &parsed).await.unwrap(),
            look(&app.db, &app.index, &parsed).await.unwrap(),
        );
        assert_eq!(write(one).await, Ok(1));
        assert_eq!(write(other).await, Err(NotMatched::Stale));
        assert_eq!(write(look(&app.db, &app.index, &parsed).await.unwrap()).await, Ok(0));
        let (status, _) = app.ask(Method::DELETE, &format!("/v1/candidates/{ana}"), &[], &Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(ids(&matched(&app, &job).await), Vec::<&str>::new());
        assert_eq!(app.told("CandidateMatched").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_from_where_the_partner_wants_are_looked_at() {
    on_each_database(async |app| {
        let mut body = backend_job();
        body["candidate_sources"] = json!(["INTERNAL"]);
        let job = app.made("/v1/jobs", &body).await;
        let mut other = ana();
        other["source"] = json!("INTERNAL");
        app.made("/v1/candidates", &ana()).await;
        (other["email"], other["phone"]) = (json!("i@x.co"), Value::Null);
        let internal = app.made("/v1/candidates", &other).await;
        assert_eq!(ids(&matched(&app, &job).await), [internal.as_str()]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_are_listed_by_score_and_as_csv() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        app.made("/v1/candidates", &ana()).await;
        let half =
            json!({ "skills": ["Rust", "PostgreSQL"], "experience_years": 5, "locations": ["Bogotá"] });
        app.candidate("Eva Sol", half).await;
        matched(&app, &job).await;
        let scores = async |query: &str| -> Vec<i64> {
            let (status, page) = app.get(&format!("/v1/matches?{query}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let items = page["items"].as_array().unwrap();
            items.iter().map(|item| item["score_bp"].as_i64().unwrap()).collect()
        };
        let best_first = scores("partner_id=partner-1").await;
        assert_eq!((best_first.len(), best_first[0]), (2, 10_000));
        assert!(best_first[1] < 10_000);
        assert_eq!(scores("score_min_bp=10000").await, [10_000]);
        assert_eq!(scores("sort=score_bp&limit=1").await, [best_first[1]]);
        let request = Request::get("/v1/matches").header("accept", "text/csv").body(Body::empty()).unwrap();
        let (_, _, csv) = app.answer(request).await;
        assert!(csv.as_str().unwrap().contains(",partner-1,"), "{csv}");
    })
    .await;
}
