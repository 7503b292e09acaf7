//! Campaigns in the whole product. What other contexts bring about is in the matrix.

use hexalpes_e2e::Product;
use serde_json::json;

#[tokio::test]
async fn campaigns_have_a_port_a_health_and_a_way_out_for_who_has_no_contract() {
    let product = Product::start();
    let campaigns = product.api_at("--campaigns-port");
    let (status, health) = campaigns.get("/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")), "{health}");
    for check in ["relay", "contract-activated", "contract-ended", "partner-validation", "conversions"] {
        assert_eq!(health["checks"][check]["status"], "ok", "{check}: {health}");
    }
    let draft = json!({ "partner_id": "p-1", "name": "Verano", "campaign_type": "SOCIAL", "channel": "instagram",
        "start_date": "2025-01-01", "end_date": "2199-12-31" });
    let (status, refused) = campaigns.post("/v1/campaigns", &draft).await;
    assert_eq!((status, &refused["code"]), (403, &json!("no_contract")), "{refused}");
    let (_, rights) = campaigns.get("/v1/partners/p-1/campaign-permissions").await;
    assert_eq!(rights["may_activate_campaigns"], false, "{rights}");
}
