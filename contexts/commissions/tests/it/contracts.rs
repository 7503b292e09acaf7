//! What a contract with a partner says of its commissions, from when on, until when, and what ranks before it.

use std::time::Duration;

use axum::body::Body;
use hexalpes_commissions::CONVERSIONS_TOPIC;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::messages::{Stage, command, on_each_stage, recorded};
use crate::support::a_conversion;

const TOPIC: &str = hexalpes_contracts::onboarding::TOPIC;
const RECORDED: &str = "com.hexabuilders.conversions.ConversionRecorded";

/// As the onboarding context tells it.
fn activated(contract: &str, from: &str, until: &str, structure: &Value) -> Value {
    json!({
        "contract_id": contract, "partner_id": "aff-1", "contract_type": "PREMIUM", "effective_date": from,
        "expiration_date": until, "campaign_permissions": ["ALL"], "budget_limits": {}, "feature_flags": {},
        "sla_terms": {}, "commission_structure": structure,
        "payment_terms": { "currency": "USD", "hold_days": 0, "net_days": 0, "method": "file", "frequency": "MANUAL" },
        "revision": 5, "renews": null, "activated_at": format!("{from}T08:00:00Z"),
    })
}

fn ended(contract: &str, at: &str) -> Value {
    json!({
        "contract_id": contract, "partner_id": "aff-1", "contract_type": "PREMIUM", "outcome": "TERMINATED",
        "ended_at": at, "reason": "impago", "renewed_by": null, "revision": 6,
    })
}

fn percentage(rate: i64) -> Value {
    json!({ "kind": "percentage", "rate": rate })
}

async fn tell(stage: &Stage, id: &str, kind: &str, data: &Value) {
    stage.send(TOPIC, command(id, &format!("com.hexabuilders.onboarding.{kind}"), data)).await;
}

/// Records a conversion of a day, and gives its commission.
async fn rated(stage: &Stage, conversion: &str, occurred_at: &str, fields: &Value) -> Value {
    let mut event = recorded(conversion);
    event["occurred_at"] = json!(occurred_at);
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    stage.send(CONVERSIONS_TOPIC, command(conversion, RECORDED, &event)).await;
    let done = |status: &hexalpes_consumer::Status| status.handled + status.dead_letters > 0;
    stage.until("conversions", done).await;
    let read = async || {
        let (status, found) = stage.app.by_conversion(conversion).await;
        (status == StatusCode::OK).then_some(found)
    };
    loop {
        if let Some(found) = read().await {
            return found;
        }
        hexalpes_engines::a_moment().await;
    }
}

fn shown(commission: &Value) -> (Value, Value, Value) {
    let explanation = &commission["explanation"];
    (
        explanation["inputs"]["rateSource"].clone(),
        explanation["rule"]["id"].clone(),
        commission["commissionAmountMinor"].clone(),
    )
}

/// Accepts C-12.
#[tokio::test(flavor = "multi_thread")]
async fn a_contract_rates_its_partners_conversions_from_its_first_day_until_before_its_last() {
    on_each_stage(async |stage| {
        tell(
            stage,
            "k-1",
            "ContractActivated",
            &activated("con-1", "2025-01-10", "2025-01-20", &percentage(20)),
        )
        .await;
        stage.until("contracts", |status| status.handled == 1).await;
        let of = async |conversion: &str, at: &str| shown(&rated(stage, conversion, at, &json!({})).await);
        let contract = (json!("contract"), json!("con-1"), json!(2410));
        let program = (json!("program"), Value::Null, json!(1205));
        assert_eq!(of("conv-1", "2025-01-09T23:59:59Z").await, program);
        assert_eq!(of("conv-2", "2025-01-10T00:00:00Z").await, contract);
        assert_eq!(of("conv-3", "2025-01-19T23:59:59Z").await, contract);
        assert_eq!(of("conv-4", "2025-01-20T00:00:00Z").await, program);
        let other = rated(stage, "conv-5", "2025-01-12T00:00:00Z", &json!({ "affiliate_id": "aff-2" })).await;
        assert_eq!(shown(&other), program);
        let (_, found) = stage.app.by_conversion("conv-2").await;
        assert_eq!(
            found["explanation"]["sentence"]["en"],
            "24.1 USD: 20 % of 120.5 USD, as the PREMIUM contract con-1 agrees."
        );
        assert_eq!(found["explanation"]["steps"][1]["step"], "passed_over_rate");
    })
    .await;
}

/// Accepts C-12.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_a_rule_rank_before_a_contract_and_a_contract_before_what_was_agreed_with_the_affiliate()
 {
    on_each_stage(async |stage| {
        let affiliate = json!({
            "affiliate_id": "aff-1", "revision": 1, "program_id": "default", "affiliate_type": "premium",
            "base_rate": 15, "premium_rate": 30, "rates_valid_from": "2025-01-01T00:00:00Z", "code": "JUAN",
            "country": "CO", "status": "ACTIVE", "reason": null, "payout_sealed": null,
            "changed_at": "2025-01-01T00:00:00Z",
        });
        let kind = "com.hexabuilders.affiliates.AffiliateRegistered";
        stage.send(hexalpes_contracts::affiliates::TOPIC, command("a-1", kind, &affiliate)).await;
        tell(
            stage,
            "k-1",
            "ContractActivated",
            &activated("con-1", "2025-01-01", "2026-01-01", &percentage(20)),
        )
        .await;
        stage.until("affiliates", |status| status.handled == 1).await;
        stage.until("contracts", |status| status.handled == 1).await;
        let found = rated(stage, "conv-1", "2025-01-15T10:30:00Z", &json!({})).await;
        assert_eq!(shown(&found), (json!("contract"), json!("con-1"), json!(2410)));

        let mut asked = a_conversion("conv-2");
        asked["rate"] = json!(5);
        let (_, found) = stage.app.calculate(&asked).await;
        assert_eq!(
            (&found["explanation"]["inputs"]["rateSource"], &found["commissionAmountMinor"]),
            (&json!("request"), &json!(602))
        );

        let rule =
            json!({ "name": "campaña", "type": "percentage", "rate": 40, "campaignId": "cmp-1" }).to_string();
        let (status, rule) = stage.app.post("/v1/rules", rule).await;
        assert!(status.is_success(), "{rule}");
        let id = rule["ruleId"].as_str().unwrap();
        let (status, _) = stage.app.post(&format!("/v1/rules/{id}/activate"), "{}").await;
        assert!(status.is_success());
        let found = rated(stage, "conv-3", "2025-01-15T10:30:00Z", &json!({})).await;
        assert_eq!(shown(&found), (json!("rule"), json!(id), json!(4820)));
        let step = &found["explanation"]["steps"][1];
        assert_eq!((&step["source"], &step["rule"]["id"]), (&json!("contract"), &json!("con-1")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_supersedes_and_an_end_ends_in_whatever_order_they_are_heard_of() {
    on_each_stage(async |stage| {
        // The end of the second comes before it, and each comes twice.
        tell(stage, "k-3", "ContractEnded", &ended("con-2", "2025-01-14T12:00:00Z")).await;
        tell(
            stage,
            "k-2",
            "ContractActivated",
            &activated("con-2", "2025-01-12", "2026-01-12", &percentage(30)),
        )
        .await;
        tell(
            stage,
            "k-1",
            "ContractActivated",
            &activated("con-1", "2025-01-01", "2025-01-13", &percentage(20)),
        )
        .await;
        tell(
            stage,
            "k-1",
            "ContractActivated",
            &activated("con-1", "2025-01-01", "2025-01-13", &percentage(20)),
        )
        .await;
        stage.until("contracts", |status| status.handled + status.duplicates == 4).await;
        let of = async |conversion: &str, at: &str| {
            let (source, contract, _) = shown(&rated(stage, conversion, at, &json!({})).await);
            (source, contract)
        };
        assert_eq!(of("conv-1", "2025-01-11T23:59:59Z").await, (json!("contract"), json!("con-1")));
        assert_eq!(of("conv-2", "2025-01-12T00:00:00Z").await, (json!("contract"), json!("con-2")));
        assert_eq!(of("conv-3", "2025-01-14T11:59:59Z").await, (json!("contract"), json!("con-2")));
        assert_eq!(of("conv-4", "2025-01-14T12:00:00Z").await, (json!("program"), Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_of_a_contract_count_what_the_partner_sold_in_the_period() {
    on_each_stage(async |stage| {
        tell(stage, "k-1", "ContractActivated", &activated("con-1", "2025-01-01", "2026-01-01", &tiers()))
            .await;
        stage.until("contracts", |status| status.handled == 1).await;
        let first = rated(stage, "conv-1", "2025-01-02T00:00:00Z", &json!({})).await;
        assert_eq!(first["commissionAmountMinor"], 1205);
        // 79.50 at 10 %, 41 at 50 %.
        let second = rated(stage, "conv-2", "2025-01-03T00:00:00Z", &json!({})).await;
        assert_eq!(second["commissionAmountMinor"], 795 + 2050);
        let third = rated(stage, "conv-3", "2025-01-04T00:00:00Z", &json!({})).await;
        assert_eq!(third["commissionAmountMinor"], 5000, "60.25 is more than the cap");
        let euros = rated(stage, "conv-4", "2025-01-04T00:00:00Z", &json!({ "currency": "EUR" })).await;
        assert_eq!(shown(&euros).0, "program", "its amounts are dollars");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_heard_of_late_is_made_up_for_by_a_rerating() {
    on_each_stage(async |stage| {
        for (conversion, at) in [("conv-1", "02"), ("conv-2", "03"), ("conv-3", "04")] {
            let found = rated(stage, conversion, &format!("2025-01-{at}T00:00:00Z"), &json!({})).await;
            assert_eq!(shown(&found), (json!("program"), Value::Null, json!(1205)));
        }
        tell(stage, "k-1", "ContractActivated", &activated("con-1", "2025-01-01", "2026-01-01", &tiers()))
            .await;
        stage.until("contracts", |status| status.handled == 1).await;

        let body = json!({ "from": "2025-01-01T00:00:00Z", "reason": "a contract came late" }).to_string();
        let (status, draft) = stage.app.post("/v1/reratings", body).await;
        assert_eq!((status.as_u16(), &draft["conversions"]), (201, &json!(3)), "{draft}");
        assert_eq!(draft["totals"][0]["afterMinor"], 1205 + 2845 + 5000, "{draft}");
        let path = format!("/v1/reratings/{}/apply", draft["reratingId"].as_str().unwrap());
        let (status, applied) = stage.app.post(&path, "").await;
        assert!(status.is_success(), "{applied}");
        let (_, second) = stage.app.by_conversion("conv-2").await;
        assert_eq!(second["commissionAmountMinor"], 2845);
        // What was sold before counts from now on.
        let next = rated(stage, "conv-4", "2025-01-05T00:00:00Z", &json!({})).await;
        assert_eq!(shown(&next), (json!("contract"), json!("con-1"), json!(5000)));
        let body = json!({ "from": "2025-01-01T00:00:00Z", "reason": "again" }).to_string();
        let (_, again) = stage.app.post("/v1/reratings", body).await;
        assert_eq!(again["changed"], 0, "{again}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerating_whose_contracts_have_changed_since_it_was_drafted_is_refused() {
    on_each_stage(async |stage| {
        rated(stage, "conv-1", "2025-01-12T00:00:00Z", &json!({})).await;
        let handled = async |count: u64| {
            stage.until("contracts", |status| status.handled == count).await;
        };
        let contract = activated("con-1", "2025-01-01", "2026-01-01", &percentage(20));
        tell(stage, "k-1", "ContractActivated", &contract).await;
        handled(1).await;
        let drafted = async |until: &str| {
            let body =
                json!({ "from": "2025-01-01T00:00:00Z", "until": until, "reason": "a contract came late" });
            let (status, draft) = stage.app.post("/v1/reratings", body.to_string()).await;
            assert_eq!((status.as_u16(), &draft["totals"][0]["afterMinor"]), (201, &json!(2410)), "{draft}");
            format!("/v1/reratings/{}/apply", draft["reratingId"].as_str().unwrap())
        };
        let (early, late) = (drafted("2025-01-13T00:00:00Z").await, drafted("2025-01-15T00:00:00Z").await);
        tell(stage, "k-2", "ContractEnded", &ended("con-1", "2025-01-14T00:00:00Z")).await;
        handled(2).await;
        let (status, refused) = stage.app.post(&late, "").await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("rerating_stale")), "{refused}");
        assert!(
            refused["detail"].as_str().unwrap().starts_with("contracts with partners count"),
            "{refused}"
        );
        // What ends after a period is nothing to it.
        let (status, applied) = stage.app.post(&early, "").await;
        assert_eq!(status, StatusCode::OK, "{applied}");
    })
    .await;
}

fn tiers() -> Value {
    json!({
        "kind": "tiered", "currency": "USD", "mode": "marginal", "period": "month",
        "tiers": [{ "from": 0, "from_minor": 0, "rate": 10 }, { "from": 200, "from_minor": 20000, "rate": 50 }],
        "cap": 50, "cap_minor": 5000,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flat_amount_and_a_hold_are_the_contracts() {
    on_each_stage(async |stage| {
        let flat = json!({ "kind": "flat", "amount": 7.5, "amount_minor": 750, "currency": "USD" });
        let mut contract = activated("con-1", "2025-01-01", "2026-01-01", &flat);
        contract["payment_terms"]["hold_days"] = json!(36_500);
        tell(stage, "k-1", "ContractActivated", &contract).await;
        stage.until("contracts", |status| status.handled == 1).await;
        let found = rated(stage, "conv-1", "2025-01-15T10:30:00Z", &json!({})).await;
        assert_eq!((&found["commissionAmountMinor"], &found["status"]), (&json!(750), &json!("HELD")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structure_that_makes_no_sense_becomes_a_dead_letter_that_says_why() {
    on_each_stage(async |stage| {
        let wrong = json!({ "kind": "flat", "amount": 7.5 });
        tell(stage, "k-1", "ContractActivated", &activated("con-1", "2025-01-01", "2026-01-01", &wrong))
            .await;
        let status = stage.until("contracts", |status| status.dead_letters == 1).await;
        assert!(status.last_dead_letter.unwrap().contains("its currency is missing"));
        let none = activated("con-2", "2025-01-01", "2026-01-01", &json!({}));
        tell(stage, "k-2", "ContractActivated", &none).await;
        stage.until("contracts", |status| status.handled == 1).await;
        let found = rated(stage, "conv-1", "2025-01-15T10:30:00Z", &json!({})).await;
        assert_eq!(shown(&found).0, "program", "it says nothing of commissions");
    })
    .await;
}

/// Terms of payment of `aff-1`, with some fields others.
fn paid(contract: &str, from: &str, until: &str, fields: &Value) -> Value {
    let mut told = activated(contract, from, until, &percentage(10));
    told["payment_terms"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    told
}

/// An approved commission of 12.05 of `aff-1`.
async fn approved(stage: &Stage, conversion: &str, affiliate: &str) -> String {
    let mut body = a_conversion(conversion);
    body["affiliateId"] = json!(affiliate);
    let (_, calculated) = stage.app.calculate(&body).await;
    let id = calculated["commissionId"].as_str().unwrap().to_owned();
    assert_eq!(stage.app.approve(&id).await.0, StatusCode::OK);
    id
}

async fn preview(stage: &Stage, body: &Value) -> Value {
    let (status, found) = stage.app.post("/v1/payouts/preview", body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    found
}

fn paid_in(found: &Value) -> Vec<&str> {
    found["lines"].as_array().unwrap().iter().map(|line| line["affiliateId"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_paid_when_its_contract_says_that_it_is_due_and_by_the_way_that_it_agrees() {
    on_each_stage(async |stage| {
        // The clock of the stage stands at 2025-01-15.
        let terms = json!({ "net_days": 10, "method": "webhook", "frequency": "MANUAL" });
        tell(stage, "k-1", "ContractActivated", &paid("con-1", "2025-01-01", "2026-01-01", &terms)).await;
        stage.until("contracts", |status| status.handled == 1).await;
        approved(stage, "conv-1", "aff-1").await;
        approved(stage, "conv-2", "aff-2").await;

        let found = preview(stage, &json!({ "currency": "USD" })).await;
        assert_eq!((paid_in(&found), &found["method"]), (vec!["aff-2"], &json!("file")), "{found}");
        let waits = json!([{ "affiliateId": "aff-1", "why": "OTHER_METHOD", "agreed": "webhook", "dueAt": null,
            "commissionCount": 1, "amount": 12.05, "amountMinor": 1205 }]);
        assert_eq!(found["waiting"], waits);
        let by_webhook = json!({ "currency": "USD", "method": "webhook" });
        let found = preview(stage, &by_webhook).await;
        assert_eq!(found["waiting"][0]["why"], "NOT_DUE", "{found}");
        let due = found["waiting"][0]["dueAt"].as_str().unwrap().to_owned();
        assert!(due.starts_with("2025-01-25"), "{due}");

        stage.app.edge.advance(Duration::from_hours(10 * 24));
        let found = preview(stage, &by_webhook).await;
        assert_eq!(paid_in(&found), ["aff-1", "aff-2"], "{found}");
        assert_eq!(found["waiting"], json!([]));
        // The terms of the program name nowhere to send it to, and nothing is paid another way.
        let (status, refused) = stage.app.post("/v1/payouts", by_webhook.to_string()).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("no_endpoint")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_paid_in_the_currency_of_its_contract_alone_unless_somebody_names_the_commission() {
    on_each_stage(async |stage| {
        let terms = json!({ "currency": "EUR" });
        tell(stage, "k-1", "ContractActivated", &paid("con-1", "2025-01-01", "2026-01-01", &terms)).await;
        stage.until("contracts", |status| status.handled == 1).await;
        let id = approved(stage, "conv-1", "aff-1").await;
        let found = preview(stage, &json!({ "currency": "USD" })).await;
        assert_eq!(paid_in(&found), Vec::<&str>::new());
        assert_eq!(
            (&found["waiting"][0]["why"], &found["waiting"][0]["agreed"]),
            (&json!("OTHER_CURRENCY"), &json!("EUR"))
        );
        // Whoever looks at the books sees it too, and what can be done.
        let way_out = found["waiting"][0]["wayOut"].clone();
        assert_eq!(
            way_out["en"],
            "the contract of aff-1 pays in EUR alone, and nothing is converted here: pay each commission in USD by its id \
             (GET /api/v1/comisiones?afiliado_id=aff-1&moneda=USD&estado=APPROVED; POST /api/v1/comisiones/{id}/pagar), or agree \
             a contract that pays in USD"
        );
        assert!(way_out["es"].as_str().unwrap().starts_with("el contrato de aff-1 solo paga en EUR"), "{way_out}");
        let in_dollars = async || {
            let request = Request::get("/v1/balances?affiliateId=aff-1").body(Body::empty()).unwrap();
            stage.app.send(request).await.1["items"][0]["balances"][0].clone()
        };
        let expected = json!({ "why": "OTHER_CURRENCY", "agreed": "EUR", "wayOut": way_out });
        assert_eq!(in_dollars().await["payableWaits"], expected);
        let list = "/api/v1/comisiones?afiliado_id=aff-1&moneda=USD&estado=APPROVED";
        let (_, list) = stage.app.send(Request::get(list).body(Body::empty()).unwrap()).await;
        assert_eq!(list["items"][0]["id"], id, "{list}");
        let (status, refused) = stage.app.post("/v1/payouts", json!({ "currency": "USD" }).to_string()).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("nothing_to_pay")));
        let (status, paid) =
            stage.app.post(&format!("/api/v1/comisiones/{id}/pagar"), json!({}).to_string()).await;
        assert_eq!(status, StatusCode::OK, "{paid}");
        assert_eq!(in_dollars().await.get("payableWaits"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_are_made_on_the_days_that_contracts_agree_and_a_renewal_agrees_others() {
    on_each_stage(async |stage| {
        let weekly = json!({ "frequency": "WEEKLY", "net_days": 2 });
        tell(stage, "k-1", "ContractActivated", &paid("con-1", "2025-01-01", "2026-01-01", &weekly)).await;
        stage.until("contracts", |status| status.handled == 1).await;
        let first = approved(stage, "conv-1", "aff-1").await;
        approved(stage, "conv-2", "aff-2").await;
        let sweep = async |days: u64| {
            stage.app.edge.advance(Duration::from_hours(24 * days));
            stage.app.sweep().await.payouts
        };
        // 2025-01-15 is a Wednesday: last Monday was before anything was due.
        assert_eq!([sweep(0).await, sweep(2).await, sweep(2).await], [0, 0, 0]);
        assert_eq!([sweep(1).await, sweep(0).await, sweep(1).await], [1, 0, 0]);
        let (_, list) = stage.app.send(Request::get("/v1/payouts").body(Body::empty()).unwrap()).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        let path = format!("/v1/payouts/{}", list["items"][0]["payoutId"].as_str().unwrap());
        let (_, payout) = stage.app.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((&payout["method"], &payout["lines"].as_array().unwrap().len()), (&json!("file"), &1));
        assert_eq!(payout["lines"][0]["commissions"][0]["commissionId"], first);

        let monthly = json!({ "frequency": "MONTHLY", "net_days": 0 });
        tell(stage, "k-2", "ContractActivated", &paid("con-2", "2025-01-20", "2026-01-01", &monthly)).await;
        tell(stage, "k-3", "ContractEnded", &ended("con-1", "2025-01-20T00:00:00Z")).await;
        stage.until("contracts", |status| status.handled == 3).await;
        approved(stage, "conv-3", "aff-1").await;
        // Of 2025-01-21: Monday the 27th pays nothing, the first of February does.
        assert_eq!([sweep(6).await, sweep(4).await, sweep(1).await], [0, 0, 1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_hold_up_nobody_who_comes_behind_them() {
    on_each_stage(async |stage| {
        let terms = json!({ "net_days": 30 });
        tell(stage, "k-1", "ContractActivated", &paid("con-1", "2025-01-01", "2026-01-01", &terms)).await;
        stage.until("contracts", |status| status.handled == 1).await;
        approved(stage, "conv-1", "aff-1").await;
        approved(stage, "conv-2", "aff-1").await;
        approved(stage, "conv-3", "aff-2").await;
        let found = preview(stage, &json!({ "currency": "USD" })).await;
        assert_eq!(paid_in(&found), ["aff-2"], "{found}");
        assert_eq!(found["waiting"][0]["commissionCount"], 2);
        assert_eq!(found["waiting"][0]["amountMinor"], 2410);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_of_payment_that_nobody_knows_are_a_dead_letter() {
    on_each_stage(async |stage| {
        let terms = json!({ "frequency": "NEVER" });
        tell(stage, "k-1", "ContractActivated", &paid("con-1", "2025-01-01", "2026-01-01", &terms)).await;
        stage.until("contracts", |status| status.dead_letters == 1).await;
    })
    .await;
}
