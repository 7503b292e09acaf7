//! What happens to candidates and jobs leads to matches without anybody asking for them.

use hexalpes_db::{DbError, Row, Tx};
use http::{Method, StatusCode};
use sea_query::Query;
use serde_json::{Value, json};

use crate::support::{TestApp, ana, backend_job, on_each_database};

/// A job that is matched already, with nobody.
async fn in_search(app: &TestApp, with: &[(&str, Value)]) -> String {
    let mut body = backend_job();
    for (name, value) in with {
        body[name] = value.clone();
    }
    let job = app.made("/v1/jobs", &body).await;
    let (status, matched) = app.post(&format!("/v1/jobs/{job}/matching"), &Value::Null).await;
    assert_eq!((status, &matched["told"]), (StatusCode::OK, &json!(0)), "{matched}");
    app.catch_up().await;
    job
}

/// Fits [`backend_job`], and worse than [`ana`].
fn half() -> Value {
    json!({ "skills": ["Rust", "PostgreSQL"], "experience_years": 5, "locations": ["Bogotá"] })
}

/// Who is on the shortlist, the best first.
async fn shortlisted(app: &TestApp, job: &str) -> Vec<String> {
    let (_, page) = app.get(&format!("/v1/jobs/{job}/matches?shortlisted=true")).await;
    let items = page["items"].as_array().unwrap().iter();
    let mut ranked: Vec<(u64, String)> = items
        .map(|item| (item["rank"].as_u64().unwrap(), item["candidate_id"].as_str().unwrap().to_owned()))
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The headers of the only event of a type.
async fn headers_of(app: &TestApp, kind: &str) -> Value {
    let select = Query::select().columns(["type", "headers"]).from("outbox_event").to_owned();
    let rows = app.db.read(async move |tx: &Tx| -> Result<_, DbError> { tx.fetch_all(&select).await });
    let rows = rows.await.unwrap();
    let text = |row: &Row, column| row.get::<String>(column).unwrap();
    let all: Vec<&Row> = rows.iter().filter(|row| text(row, "type").ends_with(kind)).collect();
    let [only] = all.as_slice() else { panic!("{all:?}") };
    serde_json::from_str(&text(only, "headers")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_candidate_is_told_of_once_to_those_whose_jobs_it_fits() {
    on_each_database(async |app| {
        let request = [("request_id", json!("request-1"))];
        let job = in_search(&app, &request).await;
        let strict = json!({ "minimum_score_bp": 9_000 });
        let other = [("required_skills", json!(["COBOL"])), ("shortlist", strict)];
        let other = in_search(&app, &other).await;
        let headers = [("x-correlation-id", "CORR-ana"), ("x-actor", "eva")];
        let (_, made) = app.ask(Method::POST, "/v1/candidates", &headers, &ana()).await;
        app.catch_up().await;
        let ana = made["id"].as_str().unwrap();
        assert_eq!(shortlisted(&app, &job).await, [ana]);
        assert_eq!(shortlisted(&app, &other).await, Vec::<String>::new());
        let told = app.told("CandidateMatched").await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        for (field, value) in [
            ("job_id", json!(job)),
            ("partner_id", json!("partner-1")),
            ("candidate_id", json!(ana)),
            ("score", json!(100)),
            ("score_bp", json!(10_000)),
            ("rank", json!(1)),
            ("request_id", json!("request-1")),
            ("job_version", json!(1)),
            ("matched_at", json!("2025-01-15T12:00:00Z")),
        ] {
            assert_eq!(told[field], value, "{field}");
        }
        assert_eq!(told["components"].as_array().unwrap().len(), 6);
        let headers = headers_of(&app, "CandidateMatched").await;
        let by = (&headers["correlationid"], &headers["actor"]);
        assert_eq!(by, (&json!("CORR-ana"), &json!("eva")), "{headers}");
        assert_eq!((app.round().await, app.texts("matching_due").await.len()), (0, 0));

        // Said of them again, and matched again, they are told of no more.
        let path = format!("/v1/candidates/{ana}");
        app.ask(Method::PATCH, &path, &[], &json!({ "summary": "Writes" })).await;
        app.catch_up().await;
        let (_, again) = app.post(&format!("/v1/jobs/{job}/matching"), &Value::Null).await;
        assert_eq!((&again["told"], app.told("CandidateMatched").await.len()), (&json!(0), 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_or_goes_comes_onto_shortlists_and_leaves_them() {
    on_each_database(async |app| {
        let job = in_search(&app, &[("shortlist", json!({ "size": 2 }))]).await;
        let mut of = Vec::new();
        for name in ["Eva Sol", "Ana Luz", "Leo Mar"] {
            of.push(app.candidate(name, half()).await);
        }
        app.catch_up().await;
        let [first, second, third] = of.try_into().unwrap();
        assert_eq!(
            shortlisted(&app, &job).await,
            [first.clone(), second.clone()],
            "the same score is in the order of ids"
        );

        // The third learns something.
        let change = json!({ "job_types": ["FULL_TIME"] });
        app.ask(Method::PATCH, &format!("/v1/candidates/{third}"), &[], &change).await;
        app.catch_up().await;
        assert_eq!(shortlisted(&app, &job).await, [third.clone(), first.clone()]);
        // And wants something else: the second is back, and not told of again.
        let change = json!({ "job_types": ["PART_TIME"] });
        app.ask(Method::PATCH, &format!("/v1/candidates/{third}"), &[], &change).await;
        app.catch_up().await;
        assert_eq!(shortlisted(&app, &job).await, [first.clone(), second.clone()]);
        assert_eq!(app.told("CandidateMatched").await.len(), 3);
        app.ask(Method::DELETE, &format!("/v1/candidates/{first}"), &[], &Value::Null).await;
        app.catch_up().await;
        assert_eq!(shortlisted(&app, &job).await, [second.clone(), third.clone()]);
        let merge = json!({ "duplicate_id": second });
        let (status, merged) = app.post(&format!("/v1/candidates/{third}/merge"), &merge).await;
        assert_eq!(status, StatusCode::OK, "{merged}");
        app.catch_up().await;
        assert_eq!(shortlisted(&app, &job).await, [third]);
        assert_eq!(app.told("CandidateMatched").await.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_nobody_is_looked_for_by_and_full_shortlists_of_better_ones_are_left_alone() {
    on_each_database(async |app| {
        let open = app.made("/v1/jobs", &backend_job()).await;
        let closed = in_search(&app, &[]).await;
        app.post(&format!("/v1/jobs/{closed}/close"), &json!({})).await;
        let full = in_search(&app, &[("shortlist", json!({ "size": 1 }))]).await;
        let best = app.made("/v1/candidates", &ana()).await;
        app.catch_up().await;
        app.candidate("Eva Sol", half()).await;
        // The candidate, whom no job takes.
        assert_eq!((app.round().await, app.round().await), (1, 0));
        for (job, expected) in [(open, vec![]), (closed, vec![]), (full, vec![best])] {
            assert_eq!(shortlisted(&app, &job).await, expected);
        }
        assert_eq!(app.told("CandidateMatched").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_a_job_that_is_matched_is_matched_by_itself() {
    on_each_database(async |app| {
        let job = in_search(
            &app,
            &[("required_skills", json!(["COBOL"])), ("shortlist", json!({ "minimum_score_bp": 9_000 }))],
        )
        .await;
        let ana = app.made("/v1/candidates", &ana()).await;
        app.catch_up().await;
        assert_eq!(shortlisted(&app, &job).await, Vec::<String>::new());
        let change = json!({ "required_skills": ["Rust"] });
        app.ask(Method::PATCH, &format!("/v1/jobs/{job}"), &[], &change).await;
        app.catch_up().await;
        assert_eq!(shortlisted(&app, &job).await, [ana]);
        assert_eq!(app.told("CandidateMatched").await[0]["job_version"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn much_that_is_due_is_done_in_rounds_of_which_two_processes_share_none_twice() {
    on_each_database(async |app| {
        let mut jobs = Vec::new();
        for _ in 0..20 {
            jobs.push(in_search(&app, &[]).await);
        }
        let ana = app.made("/v1/candidates", &ana()).await;
        // The candidate; then sixteen jobs, and those that are left.
        assert_eq!((app.round().await, app.round().await), (1, 16));
        let beside = app.beside();
        assert_eq!((beside.round().await, app.round().await), (4, 0));
        for job in &jobs {
            assert_eq!(shortlisted(&app, job).await, std::slice::from_ref(&ana));
        }
        assert_eq!(app.told("CandidateMatched").await.len(), 20);

        // Of many who fit at once, those alone make a job due who can come onto its shortlist.
        let few = in_search(
            &app,
            &[("shortlist", json!({ "size": 2 })), ("candidate_sources", json!(["INTERNAL"]))],
        )
        .await;
        for job in jobs {
            app.post(&format!("/v1/jobs/{job}/close"), &json!({})).await;
        }
        let many: Vec<Value> = (0..5)
            .map(|number| {
                let mut one = half();
                (one["name"], one["email"]) =
                    (json!(format!("N {number}")), json!(format!("n{number}@x.co")));
                one["source"] = json!("INTERNAL");
                one
            })
            .collect();
        let (_, batch) = app.post("/v1/candidates/batch", &json!({ "candidates": many })).await;
        assert_eq!(batch["registered"], 5, "{batch}");
        assert_eq!((app.round().await, app.round().await, app.round().await), (5, 2, 0));
        assert_eq!(shortlisted(&app, &few).await.len(), 2);
        assert_eq!(app.told("CandidateMatched").await.len(), 22);
    })
    .await;
}
