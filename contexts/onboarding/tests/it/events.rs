//! Each event out: a history is built, and every field is looked at.

use std::time::Duration;

use hexalpes_contracts::onboarding::{
    BudgetLimits, CommissionStructure, ContractActivated, ContractEnded, ContractExpiring, ContractSigned,
    PaymentTerms,
};
use serde_json::{Value, json};

use crate::support::{TestApp, a_contract, on_each_database, with};

const PARTNER: &str = "550e8400-e29b-41d4-a716-446655440000";

/// A contract with terms of every kind, signed by all and in force.
async fn with_everything(app: &TestApp) -> String {
    let terms = json!({
        "campaign_permissions": ["SOCIAL", "SEARCH"],
        "budget_limits": {
            "currency": "EUR", "max_campaigns": 7, "max_campaign_budget": 1000.50, "max_daily_budget": 99.99,
            "max_total_budget": 25000,
        },
        "feature_flags": { "recruitment": true, "api_access": false },
        "sla_terms": { "support": "24x7", "response_hours": 4, "resolution_hours": 24, "availability_bp": 9995 },
        "commission_structure": {
            "kind": "tiered", "currency": "EUR", "mode": "retroactive", "period": "quarter",
            "tiers": [{ "from": 0, "rate": 5 }, { "from": 10000.50, "rate": 7.25 }], "cap": 500, "floor": 0.50,
        },
        "payment_terms": {
            "currency": "EUR", "hold_days": 10, "net_days": 20, "method": "webhook", "frequency": "WEEKLY",
        },
        "duration_days": 90,
    });
    let body = with(&a_contract(), &json!({ "terms": terms, "contract_type": "PREMIUM" }));
    let id = app.drafted(&body).await;
    app.edge.advance(Duration::from_hours(1));
    app.signed(&id).await;
    app.edge.advance(Duration::from_hours(1));
    app.done(&format!("/v1/contracts/{id}/activate"), &json!({})).await;
    id
}

async fn told(app: &TestApp, kind: &str) -> Value {
    let events = app.events().await;
    let of_kind: Vec<&Value> = events.iter().filter(|(name, _)| name == kind).map(|(_, data)| data).collect();
    let [one] = of_kind.as_slice() else { panic!("{kind} is there {} times", of_kind.len()) };
    (*one).clone()
}

/// Accepts S2-EV-8, G-2, S2-TOP-5.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_contract_is_told_with_every_field() {
    on_each_database(async |app| {
        let id = with_everything(&app).await;
        let hash = app.contract(&id).await["document_hash"].clone();
        let signatory = |position: u32, name: &str, email: &str, role: &str| {
            json!({
                "position": position, "name": name, "email": email, "role": role, "signed_as": name,
                "signed_at": "2025-01-15T13:00:00Z",
            })
        };
        let expected = json!({
            "contract_id": id,
            "partner_id": PARTNER,
            "contract_type": "PREMIUM",
            "signed_at": "2025-01-15T13:00:00Z",
            "signatories": [
                signatory(1, "TechSolutions Inc", "contact@techsolutions.com", "PARTNER"),
                signatory(2, "HexaBuilders", "contratos@hexabuilders.com", "COMPANY"),
            ],
            "document_hash": hash,
            "revision": 4,
        });
        let signed = told(&app, "ContractSigned").await;
        assert_eq!(signed, expected);
        let _: ContractSigned = serde_json::from_value(signed).unwrap();
    })
    .await;
}

/// Accepts S2-EV-2, S2-ENU-3, S2-TOP-6.
#[tokio::test(flavor = "multi_thread")]
async fn an_activated_contract_is_told_with_every_field() {
    on_each_database(async |app| {
        let id = with_everything(&app).await;
        let told = told(&app, "ContractActivated").await;
        let expected = json!({
            "contract_id": id,
            "partner_id": PARTNER,
            "contract_type": "PREMIUM",
            "effective_date": "2025-01-15",
            "expiration_date": "2025-04-15",
            "campaign_permissions": ["SEARCH", "SOCIAL"],
            "budget_limits": {
                "currency": "EUR", "max_campaigns": 7,
                "max_campaign_budget": 1000.5, "max_campaign_budget_minor": 100_050,
                "max_daily_budget": 99.99, "max_daily_budget_minor": 9_999,
                "max_total_budget": 25000, "max_total_budget_minor": 2_500_000,
            },
            "feature_flags": { "api_access": false, "recruitment": true },
            "sla_terms": {
                "support": "24x7", "response_hours": 4, "resolution_hours": 24, "availability_bp": 9995,
            },
            "commission_structure": {
                "kind": "tiered", "currency": "EUR", "mode": "retroactive", "period": "quarter",
                "tiers": [
                    { "from": 0, "from_minor": 0, "rate": 5 },
                    { "from": 10000.5, "from_minor": 1_000_050, "rate": 7.25 },
                ],
                "cap": 500, "cap_minor": 50_000, "floor": 0.5, "floor_minor": 50,
            },
            "payment_terms": {
                "currency": "EUR", "hold_days": 10, "net_days": 20, "method": "webhook", "frequency": "WEEKLY",
            },
            "revision": 5,
            "renews": null,
            "activated_at": "2025-01-15T14:00:00Z",
        });
        assert_eq!(told, expected);
        let read: ContractActivated = serde_json::from_value(told).unwrap();
        let limits: BudgetLimits = read.budget_limits.read().unwrap();
        assert_eq!((limits.max_campaigns, limits.max_daily_budget_minor), (Some(7), Some(9_999)));
        let structure: CommissionStructure = read.commission_structure.read().unwrap();
        assert_eq!((structure.tiers[1].from_minor, structure.floor_minor), (1_000_050, Some(50)));
        let payment: PaymentTerms = read.payment_terms.read().unwrap();
        assert_eq!((payment.hold_days, payment.net_days), (Some(10), Some(20)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flat_and_a_plain_percentage_are_told_as_what_they_are() {
    on_each_database(async |app| {
        for (partner, structure, expected) in [
            (
                "p-flat",
                json!({ "kind": "flat", "amount": 12.50, "currency": "USD" }),
                json!({ "kind": "flat", "amount": 12.5, "amount_minor": 1250, "currency": "USD" }),
            ),
            (
                "p-percent",
                json!({ "kind": "percentage", "rate": 17.5 }),
                json!({ "kind": "percentage", "rate": 17.5 }),
            ),
        ] {
            let terms = json!({ "partner_id": partner, "terms": { "commission_structure": structure } });
            app.active(&with(&a_contract(), &terms)).await;
            let events = app.events().await;
            let (kind, data) = events.last().unwrap();
            assert_eq!(kind, "ContractActivated");
            assert_eq!(data["commission_structure"], expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_contract_is_told_with_every_field() {
    on_each_database(async |app| {
        let id = with_everything(&app).await;
        app.edge.advance(Duration::from_hours(24));
        app.done(&format!("/v1/contracts/{id}/terminate"), &json!({ "reason": "impago" })).await;
        let ended = told(&app, "ContractEnded").await;
        let expected = json!({
            "contract_id": id, "partner_id": PARTNER, "contract_type": "PREMIUM", "outcome": "TERMINATED",
            "ended_at": "2025-01-16T14:00:00Z", "reason": "impago", "renewed_by": null, "revision": 6,
        });
        assert_eq!(ended, expected);
        let _: ContractEnded = serde_json::from_value(ended).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_and_a_reminder_are_told_with_every_field() {
    on_each_database(async |app| {
        let old = with_everything(&app).await;
        app.edge.advance(Duration::from_hours(24 * 60));
        app.sweep().await;
        let reminded = told(&app, "ContractExpiring").await;
        let expected = json!({
            "contract_id": old, "partner_id": PARTNER, "contract_type": "PREMIUM",
            "expiration_date": "2025-04-15", "days": 30, "revision": 6,
        });
        assert_eq!(reminded, expected);
        let _: ContractExpiring = serde_json::from_value(reminded).unwrap();

        let new =
            app.done(&format!("/v1/contracts/{old}/renew"), &json!({ "effective_date": "2025-03-01" })).await;
        let new = new["contract_id"].as_str().unwrap().to_owned();
        app.signed(&new).await;
        let ended = told(&app, "ContractEnded").await;
        assert_eq!((&ended["contract_id"], &ended["outcome"]), (&json!(old), &json!("RENEWED")));
        assert_eq!((&ended["renewed_by"], &ended["reason"]), (&json!(new), &Value::Null));
        let events = app.events().await;
        let activated = events.iter().rev().find(|(kind, _)| kind == "ContractActivated").unwrap();
        assert_eq!(
            (&activated.1["renews"], &activated.1["effective_date"]),
            (&json!(old), &json!("2025-03-01"))
        );
    })
    .await;
}
