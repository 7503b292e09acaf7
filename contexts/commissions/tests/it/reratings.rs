//! Periods that are rated anew, because a rule was wrong: as a draft, and then in the books.

use std::time::Duration;

use hexalpes_commissions::commands::{self, RefundConversion};
use hexalpes_commissions::domain::ConversionId;
use hexalpes_commissions::{queries, reconciliation};
use hexalpes_db::Tx;
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Currency, Ids as _, Money};
use http::StatusCode;
use serde_json::{Value, json};

use crate::rules::{calculated, get, in_force};
use crate::support::{TestApp, on_each_database};

const FROM: &str = "2025-01-01T00:00:00Z";
const RERATINGS: &str = "/v1/reratings";

async fn does(app: &TestApp, path: &str, body: Value) -> Value {
    let (status, done) = app.post(path, body.to_string()).await;
    assert!(status.is_success(), "{path}: {status} {done}");
    done
}

/// A commission of a tenth of `gross`, approved.
async fn approved(app: &TestApp, conversion: &str, gross: i64) -> String {
    let made = calculated(app, conversion, json!(gross), &json!({})).await;
    let id = made["id"].as_str().unwrap().to_owned();
    does(app, &format!("/api/v1/comisiones/{id}/aprobar"), json!({})).await;
    id
}

/// Pays all that is payable; tells the payout.
async fn paid(app: &TestApp) -> Value {
    let payout = does(app, "/v1/payouts", json!({ "currency": "USD" })).await;
    let path = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
    does(app, &format!("{path}/send"), json!({})).await;
    does(app, &format!("{path}/settle"), json!({})).await
}

/// Puts a rate into force for all, as what should have counted.
async fn corrected(app: &TestApp, rate: Value) -> String {
    app.edge.advance(Duration::from_secs(1));
    in_force(app, json!({ "name": "corrected", "type": "percentage", "rate": rate })).await
}

async fn drafted(app: &TestApp, more: Value) -> Value {
    let mut body = json!({ "from": FROM, "reason": "the rate was a typo" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, draft) = app.post(RERATINGS, body.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{draft}");
    draft
}

fn path_of(rerating: &Value) -> String {
    format!("{RERATINGS}/{}", rerating["reratingId"].as_str().unwrap())
}

async fn applied(app: &TestApp, draft: &Value) -> (StatusCode, Value) {
    app.post(&format!("{}/apply", path_of(draft)), "").await
}

async fn lines(app: &TestApp, draft: &Value) -> Vec<Value> {
    let (_, page) = get(app, &format!("{}/lines?sort=number", path_of(draft))).await;
    page["items"].as_array().unwrap().clone()
}

/// Of a line: the conversion, what becomes of it, before, after, and what is booked.
fn told(line: &Value) -> Value {
    json!([
        line["conversionId"],
        line["outcome"],
        line["beforeMinor"],
        line["afterMinor"],
        line["bookedMinor"]
    ])
}

async fn balances(app: &TestApp) -> Value {
    let (_, found) = get(app, "/v1/balances?affiliateId=aff-1").await;
    let of = &found["items"][0]["balances"][0];
    json!([of["pendingMinor"], of["heldMinor"], of["payableMinor"], of["receivableMinor"]])
}

async fn refunded(app: &TestApp, conversion: &str, total: i64) {
    let (edge, id) = (app.edge.clone(), ConversionId::parse(conversion).unwrap());
    let refund = async move |tx: &Tx| {
        let cause = Cause {
            correlation: CorrelationId::new(edge.uuid()),
            causation: CausationId::of_command(edge.uuid()),
            actor: Actor::anonymous(),
            at: edge.now(),
        };
        let total = Money::from_minor(total, Currency::USD);
        let command = RefundConversion { conversion: id.clone(), total, reason: None };
        commands::refund(tx, command, &*edge, &cause).await
    };
    app.db().write(refund).await.unwrap();
}

/// Every commission is in the journal with what is left of it, and debits are credits.
async fn assert_the_books_agree(app: &TestApp) {
    for one in reconciliation::booked(app.db(), "", 100).await.unwrap() {
        let left = one.amount_minor - one.taken_back_minor;
        let booked = one.accrued_minor + one.rerated_minor.unwrap_or(0) - one.booked_back_minor;
        assert_eq!(left, booked, "{one:?}");
        if one.rerated_minor.is_none() {
            assert_eq!(one.accrued_minor, one.amount_minor, "{one:?}");
        }
    }
    let trial = app.db().read(async |tx: &Tx| queries::trial_balance(tx, None).await).await.unwrap();
    assert_eq!(trial.iter().map(|line| line.balance.minor()).sum::<i64>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_books_nothing_and_what_is_applied_books_the_differences_once() {
    on_each_database(async |app| {
        let pending = calculated(&app, "conv-1", json!(100), &json!({})).await;
        approved(&app, "conv-2", 200).await;
        calculated(&app, "conv-3", json!(100), &json!({ "porcentaje": 50 })).await;
        calculated(&app, "conv-4", json!(70), &json!({ "afiliado_id": "aff-2" })).await;
        corrected(&app, json!(15)).await;
        app.edge.advance(Duration::from_secs(1));
        let before = (app.events().await.len(), balances(&app).await, get(&app, "/api/v1/comisiones").await);

        let draft = drafted(&app, json!({})).await;
        // What a request asked for stays.
        assert_eq!(
            (&draft["status"], &draft["conversions"], &draft["changed"]),
            (&json!("DRAFT"), &json!(4), &json!(3))
        );
        let total = &draft["totals"][0];
        assert_eq!(
            [&total["before"], &total["after"], &total["difference"], &total["bookedMinor"]],
            [&json!(37), &json!(55.5), &json!(18.5), &json!(1850)]
        );
        assert_eq!(draft["affiliates"][0]["affiliateId"], "aff-1");
        assert_eq!(draft["affiliates"][0]["differenceMinor"], 1500);
        let of = lines(&app, &draft).await;
        assert_eq!(
            of.iter().map(told).collect::<Vec<_>>(),
            [
                json!(["conv-1", "ADJUSTED", 1000, 1500, 500]),
                json!(["conv-2", "ADJUSTED", 2000, 3000, 1000]),
                json!(["conv-4", "ADJUSTED", 700, 1050, 350]),
            ]
        );
        assert_eq!(of[0]["explanation"]["rule"]["name"], "corrected");
        let after = (app.events().await.len(), balances(&app).await, get(&app, "/api/v1/comisiones").await);
        assert_eq!(before, after);

        let (status, done) = applied(&app, &draft).await;
        assert_eq!(
            (status, &done["status"], &done["totals"]),
            (StatusCode::OK, &json!("APPLIED"), &draft["totals"])
        );
        assert_eq!(balances(&app).await, json!([1500 + 5000, 0, 3000, 0]));
        let events = app.events().await;
        assert_eq!(applied(&app, &draft).await, (StatusCode::OK, done));
        assert_eq!(app.events().await, events);

        let (kind, event) = &events[events.len() - 2];
        assert_eq!(kind, "com.hexabuilders.commissions.CommissionRerated");
        assert_eq!(event["rerating_id"], draft["reratingId"]);
        assert_eq!(
            [&event["previous_amount_minor"], &event["commission_amount_minor"], &event["difference_minor"]],
            [&json!(2000), &json!(3000), &json!(1000)]
        );
        assert_eq!((&event["status"], &event["reason"]), (&json!("APPROVED"), &json!("the rate was a typo")));
        assert_the_books_agree(&app).await;

        // Both derivations are told, and again there is nothing to do.
        let id = pending["id"].as_str().unwrap();
        let (_, why) = get(&app, &format!("/commissions/{id}/explanation")).await;
        assert_eq!(
            (&why["commissionAmount"], &why["explanation"]["rule"]["name"]),
            (&json!(15), &json!("default"))
        );
        let anew = &why["reratings"][0];
        assert_eq!((&anew["previousAmount"], &anew["amount"]), (&json!(10), &json!(15)));
        assert_eq!(anew["explanation"]["rule"]["name"], "corrected");
        let (_, spanish) = get(&app, &format!("/api/v1/comisiones/{id}/explicacion")).await;
        assert_eq!(spanish["recalculos"][0]["monto_anterior"], json!(10));
        let again = drafted(&app, json!({})).await;
        assert_eq!((&again["changed"], lines(&app, &again).await.len()), (&json!(0), 0));
        let (_, page) = get(&app, &format!("{RERATINGS}?status=APPLIED")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_left_gets_another_commission_or_is_owed_back_with_the_next_payout() {
    on_each_database(async |app| {
        approved(&app, "conv-1", 100).await;
        assert_eq!(paid(&app).await["total"], json!(10));
        let rule = corrected(&app, json!(15)).await;
        app.edge.advance(Duration::from_secs(1));
        let more = drafted(&app, json!({})).await;
        assert_eq!(told(&lines(&app, &more).await[0]), json!(["conv-1", "ADDED", 1000, 1500, 500]));
        applied(&app, &more).await;
        // It corrects one that was approved.
        assert_eq!(balances(&app).await, json!([0, 0, 500, 0]));
        let (_, theirs) = get(&app, "/api/v1/comisiones?conversion_id=conv-1&sort=created_at").await;
        let theirs = theirs["items"].as_array().unwrap();
        assert_eq!(theirs.iter().map(|one| &one["monto"]).collect::<Vec<_>>(), [&json!(10), &json!(5)]);
        assert_eq!(lines(&app, &more).await[0]["addedCommissionId"], theirs[1]["id"]);
        let (_, added) = app.events().await.into_iter().rev().nth(1).unwrap();
        assert_eq!(
            (&added["rule_slot"], &added["commission_amount_minor"]),
            (&json!("rerating-1"), &json!(500))
        );

        // What was added is lowered before what was paid.
        let terms = json!({ "type": "percentage", "rate": 8 });
        does(&app, &format!("/v1/rules/{rule}/versions"), terms).await;
        does(&app, &format!("/v1/rules/{rule}/activate"), json!({})).await;
        let less = drafted(&app, json!({})).await;
        assert_eq!(told(&lines(&app, &less).await[0]), json!(["conv-1", "OWED_BACK", 1500, 800, -700]));
        applied(&app, &less).await;
        assert_eq!(balances(&app).await, json!([0, 0, 0, 200]));
        assert_the_books_agree(&app).await;

        // Owed back with the next payout: 8 % of 100, less 2.
        approved(&app, "conv-2", 100).await;
        assert_eq!(paid(&app).await["total"], json!(6));
        assert_eq!(balances(&app).await, json!([0, 0, 0, 0]));
        assert_the_books_agree(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_after_it_takes_back_at_the_newest_rate_of_every_commission() {
    on_each_database(async |app| {
        approved(&app, "conv-1", 100).await;
        paid(&app).await;
        let open = calculated(&app, "conv-2", json!(100), &json!({})).await;
        corrected(&app, json!(20)).await;
        app.edge.advance(Duration::from_secs(1));
        applied(&app, &drafted(&app, json!({})).await).await;
        assert_eq!(balances(&app).await, json!([2000, 0, 1000, 0]));
        refunded(&app, "conv-1", 2_500).await;
        refunded(&app, "conv-2", 2_500).await;
        // A quarter of 20 %: half of it of what was paid, half of what was added.
        assert_eq!(balances(&app).await, json!([1500, 0, 750, 250]));
        refunded(&app, "conv-1", 10_000).await;
        assert_eq!(balances(&app).await, json!([1500, 0, 0, 1000]));
        let (_, left) = get(&app, &format!("/api/v1/comisiones/{}", open["id"].as_str().unwrap())).await;
        assert_eq!((&left["monto"], &left["estado"]), (&json!(20), &json!("CALCULATED")));
        assert_the_books_agree(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refunded_or_decided_stays_and_what_is_held_changes_where_it_stands() {
    on_each_database(async |app| {
        let of = async |conversion: &str, verb: &str, body: Value| {
            let made = calculated(&app, conversion, json!(100), &json!({})).await;
            let path = format!("/api/v1/comisiones/{}/{verb}", made["id"].as_str().unwrap());
            does(&app, &path, body).await;
        };
        of("conv-1", "rechazar", json!({ "motivo": "fraude" })).await;
        of("conv-2", "revertir", json!({ "motivo": "error" })).await;
        of("conv-3", "retener", json!({})).await;
        calculated(&app, "conv-4", json!(100), &json!({})).await;
        refunded(&app, "conv-4", 10_000).await;
        calculated(&app, "conv-5", json!(100), &json!({})).await;
        refunded(&app, "conv-5", 5_000).await;
        corrected(&app, json!(20)).await;
        app.edge.advance(Duration::from_secs(1));
        let draft = drafted(&app, json!({})).await;
        let of: Vec<Value> = lines(&app, &draft).await.iter().map(told).collect();
        assert_eq!(
            of,
            [
                json!(["conv-1", "DECIDED", 1000, 2000, 0]),
                json!(["conv-2", "DECIDED", 1000, 2000, 0]),
                json!(["conv-3", "ADJUSTED", 1000, 2000, 1000]),
                json!(["conv-4", "REFUNDED", 1000, 2000, 0]),
                json!(["conv-5", "ADJUSTED", 1000, 2000, 500]),
            ]
        );
        assert_eq!((&draft["changed"], &draft["standing"]), (&json!(2), &json!(3)));
        assert_eq!(applied(&app, &draft).await.0, StatusCode::OK);
        assert_eq!(balances(&app).await, json!([1000, 2000, 0, 0]));
        assert_the_books_agree(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_stale_is_refused_and_names_the_way_out() {
    on_each_database(async |app| {
        approved(&app, "conv-1", 100).await;
        let rule = corrected(&app, json!(20)).await;
        app.edge.advance(Duration::from_secs(1));
        let stale = async |draft: &Value| {
            let before = (app.events().await.len(), balances(&app).await);
            let (status, problem) = applied(&app, draft).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::CONFLICT, &json!("rerating_stale")),
                "{problem}"
            );
            assert!(problem["detail"].as_str().unwrap().ends_with("draft the re-rating again"), "{problem}");
            assert_eq!((app.events().await.len(), balances(&app).await), before);
            assert_eq!(get(&app, &path_of(draft)).await.1["status"], "DRAFT");
        };
        // Something was refunded meanwhile.
        let draft = drafted(&app, json!({})).await;
        refunded(&app, "conv-1", 5_000).await;
        stale(&draft).await;
        // It has left meanwhile.
        let draft = drafted(&app, json!({})).await;
        paid(&app).await;
        stale(&draft).await;
        // Another draft was applied meanwhile.
        let (one, other) = (drafted(&app, json!({})).await, drafted(&app, json!({})).await);
        assert_eq!(applied(&app, &one).await.0, StatusCode::OK);
        stale(&other).await;
        // Other rules count.
        let draft = drafted(&app, json!({})).await;
        does(&app, &format!("/v1/rules/{rule}/retire"), json!({})).await;
        stale(&draft).await;
        assert_the_books_agree(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_count_what_was_rated_anew_by_them() {
    on_each_database(async |app| {
        calculated(&app, "conv-1", json!(80), &json!({})).await;
        calculated(&app, "conv-2", json!(80), &json!({})).await;
        app.edge.advance(Duration::from_secs(1));
        let tiers = json!({
            "basis": "amount", "mode": "marginal", "period": "month",
            "bands": [{ "from": 0, "rate": 10 }, { "from": 100, "rate": 20 }],
        });
        in_force(&app, json!({ "name": "tiers", "type": "tiered", "currency": "USD", "tiers": tiers })).await;
        app.edge.advance(Duration::from_secs(1));
        let early = drafted(&app, json!({})).await;
        let late = calculated(&app, "conv-3", json!(10), &json!({})).await;
        assert_eq!(late["monto"], json!(1));
        app.edge.advance(Duration::from_secs(1));
        let draft = drafted(&app, json!({})).await;
        // The first at the same amount, the second across the tiers, and the third in the second of them.
        let expected = [
            json!(["conv-1", "COUNTED", 800, 800, 0]),
            json!(["conv-2", "ADJUSTED", 800, 1400, 600]),
            json!(["conv-3", "ADJUSTED", 100, 200, 100]),
        ];
        assert_eq!(lines(&app, &draft).await.iter().map(told).collect::<Vec<_>>(), expected);
        assert_eq!(applied(&app, &early).await.0, StatusCode::OK);
        // It counts since: all of the next one is in the second tier.
        assert_eq!(calculated(&app, "conv-4", json!(10), &json!({})).await["monto"], json!(2));
        let (status, problem) = applied(&app, &draft).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("rerating_stale")));
        assert_the_books_agree(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_of_one_affiliate_is_not_stale_by_what_others_sell() {
    on_each_database(async |app| {
        calculated(&app, "conv-1", json!(120), &json!({})).await;
        app.edge.advance(Duration::from_secs(1));
        let tiers = json!({
            "basis": "amount", "mode": "marginal", "period": "month",
            "bands": [{ "from": 0, "rate": 10 }, { "from": 100, "rate": 20 }],
        });
        in_force(&app, json!({ "name": "tiers", "type": "tiered", "currency": "USD", "tiers": tiers })).await;
        let until = "2025-01-16T00:00:00Z";
        let of_one = drafted(&app, json!({ "affiliateId": "aff-1", "until": until })).await;
        let of_all = drafted(&app, json!({ "until": until })).await;
        calculated(&app, "conv-2", json!(50), &json!({ "afiliado_id": "aff-2" })).await;
        let (status, problem) = applied(&app, &of_all).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("rerating_stale")));
        let (status, done) = applied(&app, &of_one).await;
        assert_eq!((status, &done["totals"][0]["afterMinor"]), (StatusCode::OK, &json!(1400)), "{done}");
        assert_the_books_agree(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_is_narrowed_and_a_draft_of_a_rule_may_be_the_one_that_counts() {
    on_each_database(async |app| {
        calculated(&app, "conv-1", json!(100), &json!({ "campana_id": "cmp-1" })).await;
        calculated(&app, "conv-2", json!(100), &json!({ "afiliado_id": "aff-2" })).await;
        let draft = json!({ "name": "draft", "type": "percentage", "rate": 30 });
        let rule = does(&app, "/v1/rules", draft).await["ruleId"].clone();
        app.edge.advance(Duration::from_secs(1));
        assert_eq!(drafted(&app, json!({})).await["changed"], 0);
        let named = drafted(&app, json!({ "ruleId": rule })).await;
        assert_eq!((&named["changed"], &named["ruleVersion"]), (&json!(2), &json!(1)));
        for more in [json!({ "campaignId": "cmp-1" }), json!({ "affiliateId": "aff-1", "ruleVersion": 1 })] {
            let mut more = more;
            more["ruleId"] = rule.clone();
            let narrowed = drafted(&app, more).await;
            assert_eq!((&narrowed["conversions"], &narrowed["changed"]), (&json!(1), &json!(1)));
        }
        let later = drafted(&app, json!({ "from": "2025-01-15T12:00:01Z", "ruleId": rule })).await;
        assert_eq!(later["conversions"], 0);

        for (more, status, code) in [
            (json!({ "ruleId": "nobody" }), 404, "rule_not_found"),
            (json!({ "ruleId": rule, "ruleVersion": 7 }), 409, "version_not_found"),
            (json!({ "ruleVersion": 1 }), 422, "invalid_request"),
            (json!({ "programId": "nowhere" }), 422, "invalid_request"),
            (json!({ "until": FROM }), 422, "invalid_request"),
            (json!({ "reason": "" }), 422, "invalid_request"),
        ] {
            let mut body = json!({ "from": FROM, "reason": "why" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let (told, problem) = app.post(RERATINGS, body.to_string()).await;
            assert_eq!((told.as_u16(), &problem["code"]), (status, &json!(code)), "{body}: {problem}");
        }
        for path in ["/v1/reratings/nobody", "/v1/reratings/nobody/lines"] {
            let (status, problem) = get(&app, path).await;
            assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("rerating_not_found")));
        }
        assert_eq!(app.post("/v1/reratings/nobody/apply", "").await.0, StatusCode::NOT_FOUND);
    })
    .await;
}
