//! Recruitment in the whole product: who was matched and hired is in the audit trail, under one correlation id.

use hexalpes_e2e::{Journey, Product};
use hexalpes_kernel::CloudEvent;
use serde_json::{Value, json};

/// A candidate who comes later is told of without anybody asking, under the correlation id of who registered it; what a
/// partner calls off is over.
#[tokio::test]
async fn a_requested_job_is_matched_by_itself_and_cancelled_with_its_request() {
    let product = Product::start();
    let [partners, recruitment, campaigns] =
        ["--partners-port", "--recruitment-port", "--campaigns-port"].map(|flag| product.port_of(flag));
    let journey = Journey::on_ports([partners, product.port(), recruitment, campaigns], "CORR-called-off");
    let (partner, _) = journey.validated("Called Off").await;
    let request = journey.request(&partner).await;
    let job = journey.job(&request).await;
    let candidate = journey.candidate("Later Candidate").await;
    let path = format!("/v1/partners/{partner}/matches");
    let found = journey.partners.until(&path, |found| found["items"][0]["candidate_id"].is_string()).await;
    assert_eq!(
        (&found["items"][0]["candidate_id"], &found["items"][0]["job_id"]),
        (&json!(candidate), &json!(job))
    );
    let applied = json!({ "job_id": job, "candidate_id": candidate });
    let application = journey.recruitment.made("/v1/applications", &applied).await;
    let cancel = format!("/v1/partners/{partner}/recruitment-requests/{request}/cancel");
    journey.partners.made(&cancel, &json!({ "reason": "the project was stopped" })).await;
    let path = format!("/v1/jobs/{job}");
    let found = journey.recruitment.until(&path, |found| found["status"] == "CANCELLED").await;
    assert_eq!(found["end_reason"], "the project was stopped", "{found}");
    let path = format!("/v1/applications/{}", application["id"].as_str().expect("it was made"));
    let (_, found) = journey.recruitment.get(&path).await;
    assert_eq!(found["stage"], "REJECTED", "{found}");
}

/// Accepts S0-SVC-9, S2-MTX-7.
#[tokio::test]
async fn a_job_is_matched_and_filled_and_all_of_it_is_told() {
    let product = Product::start();
    let api = product.api_at("--recruitment-port");
    let (status, health) = api.get("/health").await;
    assert_eq!(
        (status, &health["checks"]["recruitment-requested"]["status"]),
        (200, &json!("ok")),
        "{health}"
    );
    let ana =
        json!({ "name": "Ana Gil", "email": "ana@email.com", "skills": ["Rust"], "experience_years": 6 });
    let (_, ana) = api.post("/v1/candidates", &ana).await;
    let job = json!({
        "partner_id": "partner-1",
        "job_requirements": { "title": "Backend developer" },
        "required_skills": ["rust"],
        "experience_level": "SENIOR",
        "job_type": "FULL_TIME",
    });
    let (_, job) = api.post("/v1/jobs", &job).await;
    let id = job["id"].as_str().expect("it was opened");
    let (status, matched) = api.post(&format!("/v1/jobs/{id}/matching"), &Value::Null).await;
    assert_eq!((status, &matched["told"]), (200, &json!(1)), "{matched}");
    let hire = json!({
        "job_id": id,
        "candidate_id": ana["id"],
        "employment_type": "PERMANENT",
        "start_date": "2030-01-01",
        "agreed_salary": 100.5,
        "currency": "USD",
    });
    let (status, hire) = api.post("/v1/hires", &hire).await;
    assert_eq!(status, 201, "{hire}");
    // The fourth is of the onboarding, which heard of the hire.
    let lines = product.event_lines(4);
    let (ours, others): (Vec<&CloudEvent>, Vec<&CloudEvent>) =
        lines.iter().partition(|line| line.source.starts_with("//recruitment/"));
    let kinds: Vec<&str> = ours.iter().map(|line| line.bare_kind()).collect();
    assert_eq!(kinds, ["CandidateMatched", "CandidateHired", "RecruitmentCompleted"]);
    assert_eq!(ours[1].correlationid, ours[2].correlationid);
    assert_eq!(ours[1].subject.as_deref(), hire["id"].as_str());
    let [contract] = others.as_slice() else { panic!("{others:?}") };
    assert_eq!(contract.bare_kind(), "EmploymentContractCreated");
    assert_eq!(contract.correlationid, ours[1].correlationid);
}
