//! What is refused, where, and in which language; and that nothing is stored then.

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::support::{a_contract, on_each_database, with};

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named_and_nothing_is_stored() {
    on_each_database(async |app| {
        for (fields, pointer, code) in [
            (json!({ "partnr_id": "x" }), "/partnr_id", "unknown_field"),
            (json!({ "partner_id": "a\u{0}" }), "/partner_id", "invalid_id"),
            (json!({ "email": "nadie" }), "/email", "invalid_email"),
            (json!({ "partner_type": "PYME" }), "/partner_type", "unknown_value"),
            (json!({ "contract_type": "GOLD" }), "/contract_type", "unknown_value"),
            (json!({ "template_id": "tpl_x" }), "/template_id", "template_not_found"),
            (json!({ "effective_date": "2025-02-30" }), "/effective_date", "invalid_date"),
            (json!({ "initial_data": [] }), "/initial_data", "wrong_type"),
            (json!({ "terms": { "duration_days": 0 } }), "/terms/duration_days", "out_of_range"),
            (
                json!({ "terms": { "campaign_permissions": ["social"] } }),
                "/terms/campaign_permissions",
                "invalid_word",
            ),
            (json!({ "terms": { "feature_flags": { "a": 1 } } }), "/terms/feature_flags", "wrong_type"),
            (
                json!({ "terms": { "commission_structure": { "kind": "percentage", "rate": "10" } } }),
                "/terms/commission_structure/rate",
                "wrong_type",
            ),
            (
                json!({ "terms": { "budget_limits": { "currency": "USD", "max_daily_budget": 1.005 } } }),
                "/terms/budget_limits/max_daily_budget",
                "too_precise",
            ),
            // Nothing would exchange what is earned into what is paid.
            (
                json!({ "terms": { "commission_structure": { "kind": "flat", "amount": 5, "currency": "EUR" } } }),
                "/terms/payment_terms/currency",
                "other_currency",
            ),
            (
                json!({ "signatories": [{ "name": "A", "email": "a@b.co", "role": "BOSS" }] }),
                "/signatories/0/role",
                "unknown_value",
            ),
        ] {
            let (status, refused) = app.post("/v1/contracts", &with(&a_contract(), &fields)).await;
            let error = &refused["errors"][0];
            assert_eq!(
                (status.as_u16(), &error["pointer"], &error["code"]),
                (422, &json!(pointer), &json!(code)),
                "{refused}"
            );
        }
        assert_eq!(app.get("/v1/contracts").await.1["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_spanish_to_those_who_ask_so() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let request = Request::post(format!("/v1/contracts/{id}/activate"))
            .header("accept-language", "es-CO")
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap();
        let refused = app.send(request).await.json();
        assert_eq!(
            refused["detail"],
            "un contrato en estado DRAFT admite change, negotiate, send, terminate, no activate"
        );
    })
    .await;
}
