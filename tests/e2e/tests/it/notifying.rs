//! What happens in one context is told by another, in the app, on port 5005.

use hexalpes_e2e::{Product, calculation};
use serde_json::json;

/// Accepts S2-PRP-5.
#[tokio::test]
async fn an_affiliate_is_told_that_its_commission_was_approved_and_a_partner_is_known_by_its_registration() {
    let product = Product::start();
    let (_, calculated) = product.post("/commissions/calculate", &calculation("conv-told")).await;
    let approve = json!({ "commissionId": calculated["commissionId"] });
    let (status, _) = product.post("/commissions/approve", &approve).await;
    assert_eq!(status, 200);
    let api = product.api_at("--notifications-port");
    let inbox = api.until("/v1/inbox/aff-1", |inbox| inbox["unread"] == 1).await;
    let told = &inbox["items"][0];
    assert_eq!(told["event_type"], "CommissionApproved", "{inbox}");
    // It knows what caused it: the event that has its line in the audit trail.
    let lines = product.event_lines(2);
    let line = lines.iter().find(|line| told["event_id"] == line.id.as_str()).unwrap();
    assert_eq!(told["correlation_id"], json!(line.correlationid));

    let partner =
        json!({ "business_name": "Ñandú & Cía", "email": "n@example.com", "partner_type": "EMPRESA" });
    let (status, registered) = product.api_at("--partners-port").post("/v1/partners", &partner).await;
    assert_eq!(status, 201, "{registered}");
    let path = format!("/v1/recipients/{}", registered["partner_id"].as_str().unwrap());
    let known = api.until(&path, |known| known["is_known"] == true).await;
    assert_eq!((&known["kind"], &known["name"]), (&json!("PARTNER"), &json!("Ñandú & Cía")));
}
