//! Contracts in the whole product: on the port of the commission API.

use hexalpes_e2e::Product;
use serde_json::json;

/// Accepts C-1.
#[tokio::test]
async fn one_port_has_the_commissions_of_seed_3_and_the_contracts_and_its_health_tells_of_both() {
    let product = Product::start();
    let api = product.api();
    let (_, document) = api.get("/openapi.json").await;
    for path in ["/commissions/calculate", "/v1/contracts/{id}/signatures"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let (status, health) = api.get("/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")), "{health}");
    for check in ["relay", "onboarding-relay", "conversions", "registrations", "hires"] {
        assert_eq!(health["checks"][check]["status"], "ok", "{check}: {health}");
    }
    let (status, templates) = api.get("/v1/templates").await;
    assert_eq!((status, templates["items"].as_array().unwrap().len()), (200, 9));
    assert_eq!(api.get("/onboarding/debug/relay").await.0, 200);
}
