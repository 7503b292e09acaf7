//! Contracts in the whole product: on the port of the commission API, and what they mean for commissions.

use hexalpes_e2e::{Api, Product};
use hexalpes_engines::free_port;
use serde_json::{Value, json};

/// A partner who is an affiliate, too.
async fn affiliate(product: &Product) -> String {
    let body = json!({ "nombre": "Ana", "email": "ana@email.com", "tipo_afiliado": "premium" });
    let (status, affiliate) = product.api_at("--affiliates-port").post("/api/v1/afiliados", &body).await;
    assert_eq!(status, 201, "{affiliate}");
    affiliate["id"].as_str().unwrap().to_owned()
}

/// Drafts, sends, signs and activates.
async fn active(api: &Api, partner: &str, terms: &Value) -> String {
    let draft = json!({
        "partner_id": partner, "business_name": "Ana S.A.", "email": "ana@email.com", "partner_type": "EMPRESA",
        "contract_type": "PREMIUM", "terms": terms,
    });
    let contract = api.made("/v1/contracts", &draft).await;
    let id = contract["contract_id"].as_str().unwrap().to_owned();
    let sent = api.made(&format!("/v1/contracts/{id}/send"), &json!({})).await;
    for one in sent["signing_tokens"].as_array().unwrap() {
        let body = json!({ "token": one["token"] });
        api.made(&format!("/v1/contracts/{id}/signatures"), &body).await;
    }
    api.made(&format!("/v1/contracts/{id}/activate"), &json!({})).await;
    id
}

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
    assert_eq!((status, templates["items"].as_array().unwrap().len()), (200, 18));
    assert_eq!(api.get("/onboarding/debug/relay").await.0, 200);
}

/// Accepts C-1.
#[tokio::test]
async fn a_port_of_its_own_for_the_contracts_is_a_setting_away() {
    let port = free_port();
    let product = Product::start_set(vec![("ONBOARDING_PORT", port.to_string())]);
    let contracts = Api::on_port(port);
    let (status, health) = contracts.get("/health").await;
    assert_eq!((status, &health["service"]), (200, &json!("onboarding")), "{health}");
    assert!(health["checks"]["relay"].is_object() && health["checks"]["commands"].is_null(), "{health}");
    assert_eq!(contracts.get("/v1/templates").await.0, 200);
    assert_eq!(contracts.get("/health/events").await.0, 200);
    assert_eq!(product.api().get("/v1/templates").await.0, 404);
    assert_eq!(product.api().get("/openapi.json").await.1["paths"]["/v1/templates"], Value::Null);
}

#[tokio::test]
async fn a_contract_that_is_activated_rates_the_conversions_of_its_partner() {
    let product = Product::start();
    let partner = affiliate(&product).await;
    let terms = json!({
        "commission_structure": { "kind": "percentage", "rate": 33 },
        "payment_terms": {
            "currency": "USD", "hold_days": 0, "net_days": 0, "method": "file", "frequency": "MONTHLY",
        },
    });
    let contract = active(product.api(), &partner, &terms).await;
    // It is told by an event: until that has come, a conversion is rated without it.
    let (conversions, mut number) = (product.api_at("--conversions-port"), 0);
    let mut found = Value::Null;
    let begun = std::time::Instant::now();
    while found["explanation"]["inputs"]["rateSource"] != "contract" {
        assert!(begun.elapsed() < hexalpes_e2e::PATIENCE, "{found}");
        number += 1;
        let sale = json!({
            "afiliado_id": partner, "valor_conversion": 100, "tipo_conversion": "venta",
            "referencia_externa": format!("pedido-{number}"),
        });
        let (status, sale) = conversions.post("/api/v1/conversiones", &sale).await;
        assert_eq!(status, 201, "{sale}");
        let path = format!("/commissions/by-conversion/{}", sale["id"].as_str().unwrap());
        found = loop {
            let (status, commission) = product.get(&path).await;
            if status == 200 {
                break commission;
            }
            assert!(begun.elapsed() < hexalpes_e2e::PATIENCE, "{commission}");
        };
    }
    assert_eq!(found["explanation"]["rule"]["id"], contract);
    assert_eq!((&found["commissionAmountMinor"], &found["status"]), (&json!(3_300), &json!("APPROVED")));
}
