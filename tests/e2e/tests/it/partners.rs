//! Partners in the whole product. What other contexts bring about is in the matrix.

use hexalpes_e2e::Product;
use serde_json::{Value, json};

const HEARS: [&str; 9] = [
    "relay",
    "contract-signed",
    "contract-activated",
    "contract-ended",
    "candidate-matched",
    "candidate-hired",
    "recruitment-completed",
    "performance-report",
    "budget-alert",
];

/// Accepts G-9.
#[tokio::test]
async fn partners_have_a_port_a_health_and_a_line_in_the_audit_trail() {
    let product = Product::start();
    let partners = product.api_at("--partners-port");
    let (status, health) = partners.get("/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")), "{health}");
    for check in HEARS {
        assert_eq!(health["checks"][check]["status"], "ok", "{check}: {health}");
    }
    let body = json!({ "business_name": "Ñandú & Cía", "email": "hola@nandu.co", "partner_type": "STARTUP" });
    let (status, made) = partners.post("/v1/partners", &body).await;
    assert_eq!((status, &made["status"]), (201, &json!("REGISTERED")), "{made}");
    let lines = product.event_lines(1);
    let told = lines.iter().find(|event| event.bare_kind() == "PartnerRegistrationCompleted").unwrap();
    assert_eq!(told.subject.as_deref(), made["partner_id"].as_str());
    let data: Value = serde_json::from_str(told.data.get()).unwrap();
    assert_eq!(data["business_name"], "Ñandú & Cía");
    let path = format!("/v1/partners/{}/recruitment-requests", made["partner_id"].as_str().unwrap());
    let ask = json!({
        "job_requirements": { "title": "Cook" }, "required_skills": ["Pans"], "experience_level": "JUNIOR",
        "job_type": "PART_TIME",
    });
    let (status, refused) = partners.post(&path, &ask).await;
    assert_eq!((status, &refused["code"]), (409, &json!("partner_not_validated")), "{refused}");
}
