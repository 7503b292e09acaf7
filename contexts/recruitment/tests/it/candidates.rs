//! People: found again, merged, forgotten.

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{ana, backend_job, hire_of, on_each_database};

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_keeps_all_that_was_said() {
    on_each_database(async |app| {
        let (status, made) = app.post("/v1/candidates", &ana()).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!((&made["name"], &made["phone"]), (&json!("Ana Gil Páez"), &json!("+573001234567")));
        assert_eq!(made["skills"][1], json!({ "skill": "PostgreSQL", "level": "ADVANCED", "years": null }));
        assert_eq!(made["salary_expectation"]["amount_minor"], 450_000);
        assert_eq!((&made["source"], &made["status"]), (&json!("EXTERNAL"), &json!("ACTIVE")));
        assert_eq!(made["possible_duplicates"], json!([]));
        let (_, read) = app.get(&format!("/v1/candidates/{}", made["id"].as_str().unwrap())).await;
        for name in ["name", "email", "skills", "locations", "available_from", "job_types", "revision"] {
            assert_eq!(read[name], made[name], "{name}");
        }
        assert!(app.events().await.is_empty(), "people are told to nobody");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_and_a_telephone_belong_to_one_candidate_and_a_like_name_is_told() {
    on_each_database(async |app| {
        let (_, first) = app.post("/v1/candidates", &ana()).await;
        let again = |email: &str, phone: &str, name: &str| {
            let mut body = ana();
            (body["email"], body["phone"], body["name"]) = (json!(email), json!(phone), json!(name));
            body
        };
        let (status, refused) =
            app.post("/v1/candidates", &again("ANA@Email.com", "+34 600 100 200", "Ana")).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("email_taken")));
        assert_eq!(refused["candidate_id"], first["id"]);
        let (status, refused) =
            app.post("/v1/candidates", &again("a@x.co", "0057 (300) 123-4567", "Ana")).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("phone_taken")));
        assert_eq!(refused["candidate_id"], first["id"]);

        let (status, like) =
            app.post("/v1/candidates", &again("b@x.co", "+34600100200", "PAEZ GIL, Ána")).await;
        assert_eq!(status, StatusCode::CREATED, "{like}");
        let duplicate =
            json!({ "candidate_id": first["id"], "name": "Ana Gil Páez", "similarity_bp": 10_000 });
        assert_eq!(like["possible_duplicates"], json!([duplicate]));
        let (_, unlike) = app.post("/v1/candidates", &again("c@x.co", "+34600100201", "Eva Gil")).await;
        assert_eq!(unlike["possible_duplicates"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_that_register_at_once_with_one_email_are_one() {
    on_each_database(async |app| {
        let body = ana();
        let asked = (0..32).map(|_| app.post("/v1/candidates", &body));
        let statuses: Vec<u16> = join_all(asked).await.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        // A server that had to let some try too often says so, and they may come again.
        assert!(statuses.iter().all(|status| [201, 409, 503].contains(status)), "{statuses:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_each_has_its_own_answer() {
    on_each_database(async |app| {
        let mut batch: Vec<Value> = (0..40)
            .map(|index| json!({ "name": format!("N{index}"), "email": format!("n{index}@x.co"), "skills": ["sql"] }))
            .collect();
        batch[7] = json!({ "name": "Twice", "email": "n3@x.co" });
        batch[9] = json!({ "name": "Nobody" });
        let (status, answer) = app.post("/v1/candidates/batch", &json!({ "candidates": batch })).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!((&answer["registered"], &answer["refused"]), (&json!(38), &json!(2)));
        let results = answer["results"].as_array().unwrap();
        assert_eq!((&results[7]["status"], &results[9]["status"]), (&json!(409), &json!(422)));
        assert_eq!(results[7]["problem"]["candidate_id"], results[3]["candidate"]["id"]);
        assert_eq!(results[9]["problem"]["errors"][0]["pointer"], "/candidates/9/email");
        let (_, page) = app.get("/v1/candidates?skill=SQL&limit=200").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 38);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_the_same_person_becomes_one_with_all_applications() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let stays = app.candidate("Ana Gil", json!({ "skills": [{ "skill": "rust", "years": 1 }] })).await;
        let goes = app.made("/v1/candidates", &ana()).await;
        let applied = app.made("/v1/applications", &json!({ "job_id": job, "candidate_id": goes })).await;
        let path = format!("/v1/candidates/{stays}/merge");
        let (status, merged) = app.post(&path, &json!({ "duplicate_id": goes })).await;
        assert_eq!(status, StatusCode::OK, "{merged}");
        assert_eq!((&merged["name"], &merged["email"]), (&json!("Ana Gil"), &json!("ana.gil@x.co")));
        assert_eq!((&merged["phone"], &merged["skills"][0]["years"]), (&json!("+573001234567"), &json!(4)));
        let (_, application) = app.get(&format!("/v1/applications/{applied}")).await;
        assert_eq!(application["candidate_id"], stays.as_str());
        let (_, gone) = app.get(&format!("/v1/candidates/{goes}")).await;
        assert_eq!((&gone["status"], &gone["merged_into"]), (&json!("MERGED"), &json!(stays)));
        assert_eq!((&gone["email"], &gone["name"]), (&Value::Null, &Value::Null));
        assert_eq!(gone["locations"], json!([]), "where somebody lives is no number");

        let (status, refused) =
            app.post("/v1/applications", &json!({ "job_id": job, "candidate_id": goes })).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("candidate_merged")));
        assert_eq!(refused["candidate_id"], stays.as_str());

        let both = app.candidate("Ana Gil P", json!({})).await;
        app.made("/v1/applications", &json!({ "job_id": job, "candidate_id": both })).await;
        let (status, refused) = app.post(&path, &json!({ "duplicate_id": both })).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("both_applied")));
        let (status, _) = app.post(&path, &json!({ "duplicate_id": stays })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_forgotten_leaves_numbers_alone() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let ana = app.made("/v1/candidates", &ana()).await;
        let application = json!({ "job_id": job, "candidate_id": ana, "reason": "Ana la recomienda" });
        let application = app.made("/v1/applications", &application).await;
        app.post(&format!("/v1/jobs/{job}/matching"), &Value::Null).await;
        let path = format!("/v1/candidates/{ana}");
        let (status, left) = app.ask(Method::DELETE, &path, &[], &Value::Null).await;
        assert_eq!((status, &left["status"]), (StatusCode::OK, &json!("ERASED")), "{left}");
        for gone in ["name", "email", "phone", "summary"] {
            assert_eq!(left[gone], Value::Null, "{gone}");
        }
        assert_eq!((&left["locations"], &left["experience_years"]), (&json!([]), &json!(6)));
        assert_eq!(left["skills"].as_array().unwrap().len(), 3);
        assert_eq!(app.ask(Method::DELETE, &path, &[], &Value::Null).await.1["revision"], left["revision"]);

        let (_, application) = app.get(&format!("/v1/applications/{application}")).await;
        assert_eq!(application["stage"], "WITHDRAWN");
        assert!(!application.to_string().contains("Ana"), "{application}");
        let (_, again) = app.post(&format!("/v1/jobs/{job}/matching"), &Value::Null).await;
        assert_eq!(again["matches"], json!([]));
        for row in ["candidate", "candidate_name_pair", "application_step", "job_match"] {
            let rows = app.texts(row).await;
            let says =
                |text: &String| ["Gil", "jil", "ana@", "Ana la"].iter().any(|word| text.contains(word));
            assert!(!rows.iter().any(says), "{row}: {rows:?}");
        }
        // The address is free for somebody else.
        app.made("/v1/candidates", &crate::support::ana()).await;
        let (status, refused) = app.post("/v1/hires", &hire_of(&job, &ana)).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("candidate_erased")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_is_forgotten_nobody_writes_again_in_an_interview_that_was_to_be() {
    on_each_database(async |app| {
        let job = app.made("/v1/jobs", &backend_job()).await;
        let candidate = app.made("/v1/candidates", &ana()).await;
        let application = json!({ "job_id": job, "candidate_id": candidate });
        let application = app.made("/v1/applications", &application).await;
        let path = format!("/v1/applications/{application}");
        app.post(&format!("{path}/stage"), &json!({ "stage": "SCREENING" })).await;
        let arranged = json!({ "scheduled_at": "2025-01-20T15:00:00Z", "mode": "PHONE" });
        let interview = app.made(&format!("{path}/interviews"), &arranged).await;
        let (status, _) =
            app.ask(Method::DELETE, &format!("/v1/candidates/{candidate}"), &[], &Value::Null).await;
        assert_eq!(status, StatusCode::OK);

        let feedback = json!({ "rating": 4, "verdict": "YES", "notes": "Ana Gil sabe" });
        let (status, refused) = app.post(&format!("/v1/interviews/{interview}/held"), &feedback).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("illegal_transition")));
        let reason = json!({ "reason": "Ana Gil no vino" });
        app.post(&format!("/v1/interviews/{interview}/cancel"), &reason).await;
        let rows = app.texts("interview").await;
        assert!(rows.iter().all(|row| !row.contains("Ana Gil")), "{rows:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_changed_by_who_saw_the_newest_and_listed_by_what_they_can_do() {
    on_each_database(async |app| {
        let id = app.made("/v1/candidates", &ana()).await;
        app.candidate("Eva Sol", json!({ "skills": ["go"], "source": "INTERNAL" })).await;
        let path = format!("/v1/candidates/{id}");
        let patch =
            async |seen: &str, body: Value| app.ask(Method::PATCH, &path, &[("if-match", seen)], &body).await;
        let change = json!({ "skills": ["Go"], "phone": null, "summary": "x" });
        let (status, changed) = patch("\"1\"", change).await;
        assert_eq!(status, StatusCode::OK, "{changed}");
        assert_eq!((&changed["phone"], &changed["revision"]), (&Value::Null, &json!(2)));
        let (status, _) = patch("\"1\"", json!({ "summary": "y" })).await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED);
        let (status, refused) = patch("\"2\"", json!({ "email": null })).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/email"))
        );
        let (status, refused) = patch("\"2\"", json!({ "email": "eva.sol@x.co" })).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("email_taken")));
        let count = async |query: &str| {
            let (status, page) = app.get(&format!("/v1/candidates?{query}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            page["items"].as_array().unwrap().len()
        };
        assert_eq!(count("skill=rust").await, 0);
        assert_eq!(count("skill=GO").await, 2);
        assert_eq!(count("skill=go&source=INTERNAL").await, 1);
        assert_eq!(count("experience_years_min=6").await, 1);
        assert_eq!(count("email=ANA@email.com&status=ACTIVE").await, 1);
    })
    .await;
}
