//! Who is told what, once, in which words.

use hexalpes_contracts::{affiliates, campaigns, commissions, onboarding, partners, recruitment};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::desk::{ALERT, alert, eventually, on_each_database};

const COMMISSIONS: &str = "com.hexabuilders.commissions.";

/// One event of each type that an affiliate is told. A payout comes after what it paid.
fn of_affiliates(of: &str) -> Vec<(String, Value)> {
    let change = json!({
        "commission_id": "com-1", "conversion_id": "conv-1", "affiliate_id": of, "campaign_id": "camp-1", "amount": 10.5,
        "amount_minor": 1050, "remaining_amount": 10.5, "remaining_amount_minor": 1050, "currency": "USD",
        "status": "PAID", "reason": "r", "held_until": "2025-01-15T00:00:00Z", "payout_id": format!("pay-{of}"),
        "changed_at": "2025-01-15T00:00:00Z",
    });
    let approved = json!({
        "commission_id": "com-1", "conversion_id": "conv-1", "affiliate_id": of, "campaign_id": "camp-1",
        "commission_amount": 10.5, "commission_amount_minor": 1050, "currency": "USD", "status": "APPROVED",
        "approved_at": "2025-01-15T00:00:00Z",
    });
    let rerated = json!({
        "commission_id": "com-1", "conversion_id": "conv-1", "affiliate_id": of, "campaign_id": "camp-1",
        "rerating_id": "rer-1", "previous_amount": 12, "previous_amount_minor": 1200, "commission_amount": 10,
        "commission_amount_minor": 1000, "difference": -2, "difference_minor": -200, "remaining_amount": 10,
        "remaining_amount_minor": 1000, "currency": "USD", "rate": 8.5, "rate_source": "rule", "rule": "rul-1",
        "rule_version": 2, "status": "APPROVED", "reason": "r", "changed_at": "2025-01-15T00:00:00Z",
    });
    let line = json!({
        "payout_id": format!("pay-{of}"), "program_id": "default", "affiliate_id": of, "line_number": 2,
        "currency": "USD", "method": "file", "amount": 20, "amount_minor": 2000, "reason": "the account is closed",
        "failed_at": "2025-01-15T00:00:00Z",
    });
    let settled = json!({
        "payout_id": format!("pay-{of}"), "program_id": "default", "affiliate_id": of, "line_number": 1,
        "currency": "USD", "method": "webhook", "amount": 12.5, "amount_minor": 1250, "commission_count": 3,
        "settled_at": "2025-01-15T00:00:00Z",
    });
    let affiliate = json!({
        "affiliate_id": of, "revision": 2, "program_id": "default", "affiliate_type": "premium", "base_rate": 15,
        "premium_rate": 20, "rates_valid_from": "2025-01-15T00:00:00Z", "code": "JUAN10", "country": "CO",
        "status": "SUSPENDED", "reason": "r", "payout_sealed": "v1.AAAA", "changed_at": "2025-01-15T00:00:00Z",
    });
    let commissions = |name: &str| format!("{COMMISSIONS}{name}");
    let mut events = vec![
        (commissions("CommissionApproved"), approved),
        (commissions("CommissionRerated"), rerated),
        (commissions("PayoutLineFailed"), line),
        (commissions("PayoutLineSettled"), settled),
    ];
    for name in ["Held", "Released", "Rejected", "Reversed", "ClawedBack", "Paid"] {
        events.push((commissions(&format!("Commission{name}")), change.clone()));
    }
    for name in ["Suspended", "Reactivated", "Terminated"] {
        events.push((format!("{}Affiliate{name}", affiliates::NAMESPACE), affiliate.clone()));
    }
    events
}

fn payout(of: &str) -> Value {
    json!({
        "payout_id": format!("pay-{of}"), "program_id": "default", "currency": "USD", "method": "file", "status": "SETTLED",
        "total_amount": 1, "total_amount_minor": 100, "settled_amount": 1, "settled_amount_minor": 100,
        "failed_amount": 0, "failed_amount_minor": 0, "line_count": 1, "reason": "r",
        "changed_at": "2025-01-15T00:00:00Z",
    })
}

/// One event of each type that is told, for a partner or an affiliate.
fn samples(of: &str) -> Vec<(String, Value)> {
    [of_affiliates(of), of_partners(of)].concat()
}

/// One event of each type that a partner is told.
fn of_partners(of: &str) -> Vec<(String, Value)> {
    let contract =
        json!({ "contract_id": "con-1", "partner_id": of, "contract_type": "PREMIUM", "revision": 1 });
    let with = |base: &Value, more: Value| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let onboarding = |name: &str| format!("{}{name}", onboarding::NAMESPACE);
    let recruitment = |name: &str| format!("{}{name}", recruitment::NAMESPACE);
    vec![
        (
            onboarding("ContractEnded"),
            with(
                &contract,
                json!({
                    "outcome": "TERMINATED", "ended_at": "2025-01-15T00:00:00Z", "reason": "r", "renewed_by": "con-2",
                }),
            ),
        ),
        (
            onboarding("ContractSigned"),
            with(&contract, json!({ "signed_at": "2025-01-15", "signatories": [], "document_hash": "ab" })),
        ),
        (
            onboarding("ContractActivated"),
            with(
                &contract,
                json!({
                    "effective_date": "2025-01-15", "expiration_date": "2026-01-15", "campaign_permissions": [],
                    "budget_limits": {}, "renews": "con-0", "activated_at": "2025-01-15T00:00:00Z",
                }),
            ),
        ),
        (
            onboarding("ContractExpiring"),
            with(&contract, json!({ "expiration_date": "2026-01-15", "days": 30 })),
        ),
        (
            onboarding("EmploymentContractPending"),
            json!({
                "employment_contract_id": "e-1", "hiring_id": "h-1", "partner_id": of, "candidate_id": "can-1",
                "waiting_for": [], "sent_at": "2025-01-15T00:00:00Z", "days": 3, "revision": 3,
            }),
        ),
        (
            format!("{}PartnerValidationCompleted", partners::NAMESPACE),
            json!({
                "partner_id": of, "validation_status": "COMPLETE", "validated_at": "2025-01-15T00:00:00Z",
                "validated_by": "system", "checks": [], "partner_type": "EMPRESA", "partner_status": "VALIDATED",
                "revision": 2,
            }),
        ),
        (
            recruitment("CandidateMatched"),
            json!({
                "match_id": "m-1", "job_id": "job-1", "partner_id": of, "candidate_id": "can-1", "score": 87.5,
                "score_bp": 8750, "rank": 1, "components": [], "explanation": {}, "request_id": "req-1",
                "job_version": 1, "matched_at": "2025-01-15T00:00:00Z",
            }),
        ),
        (
            recruitment("CandidateHired"),
            json!({
                "hiring_id": "h-1", "partner_id": of, "candidate_id": "can-1", "job_id": "job-1",
                "employment_details": {}, "job_title": "Engineer", "department": "R&D", "start_date": "2025-02-01",
                "employment_type": "PERMANENT", "agreed_salary": 1000.5, "agreed_salary_minor": 100_050,
                "currency": "USD", "benefits_package": {}, "hiring_process_metrics": {}, "time_to_hire": 7,
                "recruitment_cost": 10, "recruitment_cost_minor": 1000, "recruitment_cost_currency": "USD",
                "time_to_fill": 7, "candidate_time_to_hire": 5, "request_id": "req-1",
                "hired_at": "2025-01-15T00:00:00Z",
            }),
        ),
        (
            format!("{}RecruitmentExpired", partners::NAMESPACE),
            json!({
                "request_id": "req-1", "partner_id": of, "expired_at": "2025-01-15T00:00:00Z", "revision": 2,
            }),
        ),
        (ALERT.to_owned(), alert(of, "WARNING")),
    ]
}

/// The event as its contract writes it.
fn as_contracted(kind: &str, data: &Value) -> Value {
    let bytes = data.to_string();
    let raw = if let Some(event) = commissions::Event::read(kind, bytes.as_bytes()) {
        event.unwrap().data()
    } else if let Some(event) = affiliates::Event::read(kind, bytes.as_bytes()) {
        event.unwrap().data()
    } else if let Some(event) = onboarding::Event::read(kind, bytes.as_bytes()) {
        event.unwrap().data()
    } else if let Some(event) = partners::Event::read(kind, bytes.as_bytes()) {
        event.unwrap().data()
    } else if let Some(event) = recruitment::Event::read(kind, bytes.as_bytes()) {
        event.unwrap().data()
    } else {
        campaigns::Event::read(kind, bytes.as_bytes()).expect("some context tells it").unwrap().data()
    };
    serde_json::from_str(raw.get()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_may_name_what_the_contracts_have_and_nothing_else() {
    on_each_database(async |desk| {
        let (_, templates) = desk.get("/v1/templates").await;
        let templates = templates.as_array().unwrap();
        // Operators are told of a payout as a whole.
        let whole =
            ["PayoutSettled", "PayoutFailed"].map(|name| (format!("{COMMISSIONS}{name}"), payout("p-1")));
        let samples = [samples("p-1"), whole.to_vec()].concat();
        assert_eq!(templates.len(), samples.len());
        for (kind, data) in samples {
            let template = templates.iter().find(|one| one["cloud_event_type"] == kind.as_str()).unwrap();
            let contracted = as_contracted(&kind, &data);
            let shown = contracted
                .as_object()
                .unwrap()
                .iter()
                // Where to pay an affiliate to is shown to nobody.
                .filter(|(name, value)| !value.is_object() && !value.is_array() && *name != "payout_sealed");
            let mut expected: Vec<&str> = shown.map(|(name, _)| name.as_str()).collect();
            expected.extend(["recipient_name", "occurred_at", "correlation_id"]);
            expected.sort_unstable();
            let places = template["placeholders"].as_array().unwrap();
            let mut places: Vec<&str> = places.iter().map(|place| place.as_str().unwrap()).collect();
            places.sort_unstable();
            assert_eq!(places, expected, "{kind}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_told_in_both_languages_and_with_nothing_left_open() {
    on_each_database(async |desk| {
        for (partner, language) in [("p-es", "es"), ("p-en", "en")] {
            desk.register(partner, "partner@example.com").await;
            let path = format!("/v1/recipients/{partner}");
            let (status, _) = desk.ask(Method::PATCH, &path, &json!({ "language": language })).await;
            assert_eq!(status, StatusCode::OK);
            let samples = samples(partner);
            for (number, (kind, data)) in samples.iter().enumerate() {
                desk.publish(kind, &format!("{partner}-{number}"), data).await;
            }
            for told in desk.items(&format!("/v1/inbox/{partner}?sort=created_at"), samples.len()).await {
                let text = format!("{} {}", told["title"], told["body"]);
                assert!(!text.contains("{{") && !text.contains('—'), "{text}");
                assert_eq!(told["language"], language);
                let event_id = told["event_id"].as_str().unwrap();
                assert_eq!(told["correlation_id"], format!("CORR-{event_id}"));
            }
        }
        let words = async |partner: &str| {
            let path = format!("/v1/inbox/{partner}?event_type=BudgetAlert");
            desk.items(&path, 1).await[0]["title"].as_str().unwrap().to_owned()
        };
        assert_eq!(words("p-es").await, "Presupuesto WARNING: campaña camp-1");
        assert_eq!(words("p-en").await, "Budget WARNING: campaign camp-1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_is_told_once_and_an_unknown_one_to_nobody() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        desk.webhook("p-1", "once").await;
        for id in ["a-1", "a-1", "a-2"] {
            desk.publish(ALERT, id, &alert("p-1", "WARNING")).await;
        }
        desk.publish("com.hexabuilders.campaigns.Unheard", "u-1", &alert("p-1", "WARNING")).await;
        desk.publish(ALERT, "bad", &json!({ "campaign_id": "camp-1" })).await;
        desk.publish(ALERT, "a-3", &alert("p-1", "WARNING")).await;
        desk.hooks.heard("once", 3).await;
        let (_, inbox) = desk.get("/v1/inbox/p-1").await;
        assert_eq!((inbox["items"].as_array().unwrap().len(), &inbox["unread"]), (3, &json!(3)));
        desk.mails.all(3).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_an_id_that_no_column_holds_stops_nobody() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        for (number, id) in ["p".repeat(256), "p\0q".to_owned()].into_iter().enumerate() {
            for name in ["CommissionPaid", "PayoutLineSettled", "PayoutSettled"] {
                let kind = format!("{COMMISSIONS}{name}");
                let data = json!({ "affiliate_id": id, "payout_id": id });
                desk.publish(&kind, &format!("{name}-{number}"), &data).await;
            }
        }
        desk.publish(ALERT, "a-1", &alert("p-1", "WARNING")).await;
        let told = desk.items("/v1/inbox/p-1", 1).await;
        assert_eq!(told[0]["event_id"], "a-1");
    })
    .await;
}

/// A payout of two lines: one was paid, the other was not.
#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_a_payout_is_told_to_whom_it_paid_or_did_not_and_the_whole_to_operators() {
    on_each_database(async |desk| {
        desk.ask(Method::POST, "/v1/recipients", &json!({ "recipient_id": "ana", "name": "Ana" })).await;
        let said = json!({ "preferences": [
            { "event_type": "PayoutSettled", "channel": "IN_APP", "enabled": true },
            { "event_type": "PayoutFailed", "channel": "IN_APP", "enabled": true },
            { "event_type": "PayoutLineFailed", "channel": "IN_APP", "enabled": true },
        ] });
        desk.ask(Method::PUT, "/v1/recipients/ana/preferences", &said).await;
        for (id, language) in [("aff-1", "en"), ("aff-2", "es")] {
            let registered = json!({ "affiliate_id": id });
            let kind = format!("{}AffiliateRegistered", affiliates::NAMESPACE);
            desk.publish(&kind, &format!("registered-{id}"), &registered).await;
            let path = format!("/v1/recipients/{id}");
            let known = async || (desk.get(&path).await.1["is_known"] == true).then_some(());
            eventually(known).await;
            let reached = json!({ "email": format!("{id}@example.com"), "language": language });
            let (status, changed) = desk.ask(Method::PATCH, &path, &reached).await;
            assert_eq!(status, StatusCode::OK, "{changed}");
        }
        let paid = json!({ "commission_id": "com-1", "affiliate_id": "aff-1", "payout_id": "pay-1" });
        desk.publish(&format!("{COMMISSIONS}CommissionPaid"), "paid", &paid).await;
        let line = json!({
            "payout_id": "pay-1", "program_id": "default", "affiliate_id": "aff-1", "amount": 30.5, "currency": "USD",
            "commission_count": 1, "settled_at": "2025-01-15T10:30:00Z",
        });
        desk.publish(&format!("{COMMISSIONS}PayoutLineSettled"), "settled-line", &line).await;
        let settled = json!({
            "payout_id": "pay-1", "program_id": "default", "settled_amount": 30.5, "total_amount": 50.5,
            "currency": "USD", "changed_at": "2025-01-15T10:30:00Z",
        });
        desk.publish(&format!("{COMMISSIONS}PayoutSettled"), "settled", &settled).await;
        let line = json!({
            "payout_id": "pay-1", "affiliate_id": "aff-2", "amount": 20, "currency": "USD", "reason": "cuenta cerrada",
        });
        desk.publish(&format!("{COMMISSIONS}PayoutLineFailed"), "line", &line).await;
        let failed = json!({ "payout_id": "pay-1", "reason": "cuenta cerrada", "failed_amount": 20, "currency": "USD" });
        desk.publish(&format!("{COMMISSIONS}PayoutFailed"), "failed", &failed).await;
        let whole = desk.items("/v1/inbox/ana?event_type=PayoutSettled", 1).await;
        assert_eq!(whole[0]["title"], "Pago pay-1 liquidado: 30.5 USD");
        desk.items("/v1/inbox/ana", 3).await;
        let told = desk.items("/v1/inbox/aff-2", 1).await;
        assert_eq!(told[0]["title"], "No se pudo pagarle: 20 USD");
        assert_eq!(
            told[0]["body"],
            "Su parte del pago pay-1, 20 USD, no se pudo pagar: cuenta cerrada. Sigue pendiente y entra en el próximo pago."
        );
        let mails = desk.mails.all(2).await;
        for of in ["aff-1", "aff-2"] {
            let to = format!("To: {of}@example.com");
            assert_eq!(mails.iter().filter(|mail| mail.contains(&to)).count(), 1, "{mails:?}");
        }
        let paid = desk.items("/v1/inbox/aff-1?sort=created_at", 2).await;
        assert_eq!(paid[0]["event_type"], "CommissionPaid");
        assert_eq!(
            (&paid[1]["title"], &paid[1]["body"]),
            (
                &json!("You were paid: 30.5 USD"),
                &json!("Your part of payout pay-1 of program default, 30.5 USD, was paid on 2025-01-15T10:30:00Z. Commissions: 1.")
            )
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_what_they_asked_for() {
    on_each_database(async |desk| {
        let (status, ana) =
            desk.ask(Method::POST, "/v1/recipients", &json!({ "recipient_id": "ana", "name": "Ana" })).await;
        assert_eq!((status, &ana["kind"]), (StatusCode::CREATED, &json!("OPERATOR")), "{ana}");
        let said =
            json!({ "preferences": [{ "event_type": "BudgetAlert", "channel": "IN_APP", "enabled": true }] });
        let (status, _) = desk.ask(Method::PUT, "/v1/recipients/ana/preferences", &said).await;
        assert_eq!(status, StatusCode::OK);
        desk.register("p-1", "p@example.com").await;
        let silent = json!({ "preferences": [
            { "event_type": "*", "channel": "EMAIL", "enabled": false },
            { "event_type": "BudgetAlert", "channel": "IN_APP", "enabled": false },
        ] });
        desk.ask(Method::PUT, "/v1/recipients/p-1/preferences", &silent).await;
        desk.publish(ALERT, "a-1", &alert("p-1", "CRITICAL")).await;
        let told = desk.items("/v1/inbox/ana", 1).await;
        assert_eq!((&told[0]["event_type"], &told[0]["event_id"]), (&json!("BudgetAlert"), &json!("a-1")));
        assert_eq!(desk.get("/v1/inbox/p-1").await.1["items"], json!([]));
        assert_eq!(desk.get("/v1/deliveries").await.1["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_who_asked_for_everything_are_told_all_but_what_they_turned_off() {
    on_each_database(async |desk| {
        let all = |channel: &str| json!({ "event_type": "*", "channel": channel, "enabled": true });
        let off = json!({ "event_type": "BudgetAlert", "channel": "IN_APP", "enabled": false });
        for (id, said) in [("ana", json!([all("IN_APP")])), ("ben", json!([all("IN_APP"), off]))] {
            desk.ask(Method::POST, "/v1/recipients", &json!({ "recipient_id": id, "name": id })).await;
            desk.webhook(id, id).await;
            let path = format!("/v1/recipients/{id}/preferences");
            let (status, _) = desk.ask(Method::PUT, &path, &json!({ "preferences": said })).await;
            assert_eq!(status, StatusCode::OK);
        }
        desk.publish(ALERT, "a-1", &alert("p-1", "WARNING")).await;
        let contract = json!({
            "contract_id": "con-1", "partner_id": "p-1", "contract_type": "PREMIUM", "revision": 1,
            "expiration_date": "2026-01-15", "days": 30,
        });
        desk.publish(&format!("{}ContractExpiring", onboarding::NAMESPACE), "c-1", &contract).await;
        desk.hooks.heard("ana", 2).await;
        desk.hooks.heard("ben", 1).await;
        desk.items("/v1/inbox/ana", 2).await;
        let told = desk.items("/v1/inbox/ben", 1).await;
        assert_eq!(told[0]["event_id"], "c-1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_ones_own_are_versioned_and_taken_away_again() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        let path = "/v1/templates/BudgetAlert/es";
        let own = json!({ "title": "¡{{ alert_type }}!", "body": "{{recipient_name}}:\n{{current_spend}}" });
        let (status, version) = desk.ask(Method::PUT, path, &own).await;
        assert_eq!((status, &version["version"]), (StatusCode::OK, &json!(1)), "{version}");
        desk.publish(ALERT, "a-1", &alert("p-1", "WARNING")).await;
        let told = desk.items("/v1/inbox/p-1", 1).await;
        assert_eq!(
            (&told[0]["title"], &told[0]["body"]),
            (&json!("¡WARNING!"), &json!("Ñandú & Cía:\n805.5"))
        );
        assert_eq!(told[0]["template_version"], 1);

        let wrong = json!({ "title": "x", "body": "{{budget_status}}" });
        let (status, refused) = desk.ask(Method::PUT, path, &wrong).await;
        let error = &refused["errors"][0];
        assert_eq!(
            (status, &error["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/body")),
            "{refused}"
        );

        let (_, version) = desk.ask(Method::DELETE, path, &json!({})).await;
        assert_eq!(version["version"], 2);
        desk.publish(ALERT, "a-2", &alert("p-1", "WARNING")).await;
        let told = desk.items("/v1/inbox/p-1", 2).await;
        let of =
            |id: &str| told.iter().find(|one| one["event_id"] == id).unwrap()["template_version"].clone();
        assert_eq!((of("a-1"), of("a-2")), (json!(1), json!(0)));
    })
    .await;
}
