//! Which campaigns a partner may have: what contracts and validations say, in whatever order they come.

use std::collections::BTreeMap;

use http::Request;
use proptest::test_runner::{Config, TestRunner};
use proptest::{prelude::*, strategy::ValueTree as _};
use serde_json::{Value, json};

use crate::support::{Contracts, TestApp, a_campaign, activated, on_each_database, with};

async fn refused(app: &TestApp, fields: &Value) -> (u16, String, Value) {
    let (status, answer) = app.post("/v1/campaigns", &with(&a_campaign(), fields)).await;
    (status, answer["code"].as_str().unwrap_or_default().to_owned(), answer)
}

/// Accepts S2-HND-2, S2-MTX-5.
#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_activated_lets_a_partner_run_campaigns_within_it() {
    on_each_database(async |app| {
        let of = json!({ "partner_id": "p-2" });
        let (status, code, _) = refused(&app, &of).await;
        assert_eq!((status, code.as_str()), (403, "no_contract"));
        let contract = activated(&json!({
            "contract_id": "k-2", "partner_id": "p-2", "campaign_permissions": ["SOCIAL", "EMAIL"],
            "budget_limits": { "currency": "EUR", "max_campaigns": 2, "max_campaign_budget": 1_000.50,
                "max_daily_budget": 100, "max_daily_budget_minor": 10_000, "max_total_budget": 1_500 },
        }));
        // Twice, as it may come.
        app.told(&Contracts, &contract).await.unwrap();
        app.told(&Contracts, &contract).await.unwrap();
        let (_, rights) = app.get("/v1/partners/p-2/campaign-permissions").await;
        assert_eq!(rights["may_activate_campaigns"], true, "{rights}");
        let grant = &rights["contracts"][0];
        assert_eq!(grant["allowed_types"], json!(["SOCIAL", "EMAIL"]));
        assert_eq!(grant["budget_limits"]["max_campaign_budget_minor"], 100_050);

        let (status, code, answer) = refused(&app, &with(&of, &json!({ "campaign_type": "SEARCH" }))).await;
        assert_eq!((status, code.as_str()), (403, "campaign_type_not_permitted"));
        assert_eq!(answer["allowed_types"], json!(["SOCIAL", "EMAIL"]));
        let budget = |kind: &str, limit: i64| json!({ "partner_id": "p-2", "budgets": [{ "kind": kind, "limit": limit }] });
        for (kind, limit) in [("DAILY", 101), ("TOTAL", 1_001), ("LIFETIME", 1_001)] {
            let (status, code, answer) = refused(&app, &budget(kind, limit)).await;
            assert_eq!((status, code.as_str()), (409, "budget_over_contract"), "{answer}");
        }
        let dollars = with(&budget("TOTAL", 5), &json!({ "currency": "USD" }));
        assert_eq!(refused(&app, &dollars).await.1, "other_currency");

        let first = app.drafted(&budget("TOTAL", 1_000)).await;
        let (_, campaign) = app.get(&format!("/v1/campaigns/{first}")).await;
        assert_eq!((&campaign["currency"], &campaign["contract_id"]), (&json!("EUR"), &json!("k-2")));
        let (_, code, answer) = refused(&app, &budget("TOTAL", 501)).await;
        assert_eq!((code.as_str(), &answer["left_minor"]), ("budgets_over_contract", &json!(50_000)));
        app.drafted(&budget("TOTAL", 500)).await;
        assert_eq!(refused(&app, &of).await.1, "too_many_campaigns");
        app.verb(&first, "cancel", &json!({ "reason": "otra" })).await;
        app.drafted(&of).await;
    })
    .await;
}

/// Accepts C-8, S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn revisions_count_and_not_the_order_in_which_they_come() {
    on_each_database(async |app| {
        let tell = async |revision: i64, permissions: &str| {
            // As the seeds' first version has it: lists and objects as text that holds JSON.
            let fields = json!({ "contract_id": "k-3", "partner_id": "p-3", "revision": revision,
                "campaign_permissions": format!("[\"{permissions}\"]"), "budget_limits": "{}" });
            app.told(&Contracts, &activated(&fields)).await.unwrap();
        };
        tell(2, "EMAIL").await;
        tell(1, "SOCIAL").await;
        assert_eq!(refused(&app, &json!({ "partner_id": "p-3" })).await.1, "campaign_type_not_permitted");
        tell(3, "SOCIAL").await;
        app.drafted(&json!({ "partner_id": "p-3" })).await;

        let ended = json!({ "contract_id": "k-4", "partner_id": "p-4", "expiration_date": "2025-01-15" });
        app.told(&Contracts, &activated(&ended)).await.unwrap();
        assert_eq!(refused(&app, &json!({ "partner_id": "p-4" })).await.1, "contract_expired");
        let early = json!({ "contract_id": "k-5", "partner_id": "p-5", "effective_date": "2025-01-16" });
        app.told(&Contracts, &activated(&early)).await.unwrap();
        assert_eq!(refused(&app, &json!({ "partner_id": "p-5" })).await.1, "contract_not_yet_effective");
        let without =
            json!({ "contract_id": "k-6", "partner_id": "p-6", "campaign_permissions": ["view_reports"] });
        app.told(&Contracts, &activated(&without)).await.unwrap();
        assert_eq!(refused(&app, &json!({ "partner_id": "p-6" })).await.1, "campaigns_not_permitted");
        let broken = activated(&json!({ "effective_date": "mañana" }));
        assert!(app.told(&Contracts, &broken).await.unwrap_err().to_string().contains("effective_date"));
    })
    .await;
}

/// Accepts S2-MTX-2.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_validated_drafts_before_there_is_a_contract_and_runs_with_one() {
    on_each_database(async |app| {
        let of = json!({ "partner_id": "p-7" });
        app.validated(&with(&of, &json!({ "validation_status": "PARTIAL" }))).await;
        assert_eq!(refused(&app, &of).await.0, 403);
        app.validated(&with(&of, &json!({ "revision": 2 }))).await;
        // What was told before comes late, and changes nothing.
        app.validated(&with(&of, &json!({ "validation_status": "PARTIAL" }))).await;
        let (_, rights) = app.get("/v1/partners/p-7/campaign-permissions").await;
        let told = ["may_create_campaigns", "may_activate_campaigns", "validation_status", "code"];
        let told = told.map(|name| rights[name].clone());
        assert_eq!(told, [json!(true), json!(false), json!("COMPLETE"), json!("no_contract")], "{rights}");

        let id = app.drafted(&with(&of, &json!({ "budgets": [{ "kind": "TOTAL", "limit": 10 }] }))).await;
        let (status, answer) = app.verb(&id, "activate", &Value::Null).await;
        assert_eq!((status, &answer["code"]), (403, &json!("no_contract")));
        let contract = activated(&json!({ "contract_id": "k-7", "partner_id": "p-7" }));
        app.told(&Contracts, &contract).await.unwrap();
        let (status, campaign) = app.verb(&id, "activate", &Value::Null).await;
        assert_eq!((status, &campaign["contract_id"]), (200, &json!("k-7")), "{campaign}");
        app.validated(&with(&of, &json!({ "revision": 3, "partner_status": "SUSPENDED" }))).await;
        assert_eq!(refused(&app, &of).await.1, "partner_suspended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_the_way_out_in_the_language_that_is_asked_for() {
    on_each_database(async |app| {
        let body = with(&a_campaign(), &json!({ "partner_id": "nadie" })).to_string();
        let request = Request::post("/v1/campaigns").header("accept-language", "es");
        let request = request.header("content-type", "application/json").body(body.into()).unwrap();
        let (status, _, answer) = app.send(request).await;
        let detail =
            "el socio nadie no tiene ningún contrato que permita campañas: firme y active uno primero";
        assert_eq!((status, &answer["detail"]), (403, &json!(detail)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_two_that_draft_at_once_no_more_come_than_the_contract_allows() {
    on_each_database(async |app| {
        let contract =
            json!({ "contract_id": "k-8", "partner_id": "p-8", "budget_limits": { "max_campaigns": 3 } });
        app.told(&Contracts, &activated(&contract)).await.unwrap();
        let body = with(&a_campaign(), &json!({ "partner_id": "p-8" }));
        let asked = (0..32).map(|_| app.post("/v1/campaigns", &body));
        let statuses: Vec<u16> =
            futures::future::join_all(asked).await.iter().map(|(status, _)| *status).collect();
        assert!(statuses.iter().all(|status| [201, 409, 503].contains(status)), "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
        assert_eq!(app.events_of("CampaignCreated").await.len(), 3);
    })
    .await;
}

/// One of the first revisions of a contract, that it ended, or one of a partner's validation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tale {
    Contract { which: u8, revision: i64 },
    End { which: u8 },
    Validation { revision: i64 },
}

impl Tale {
    /// The revision says everything else: two that tell the same revision tell the same.
    async fn tell(&self, app: &TestApp, partner: &str) {
        match self {
            Self::Contract { which, revision } => {
                let words = ["SOCIAL", "EMAIL", "ALL", "view_reports"];
                let day = format!("2025-01-{:02}", 10 + (revision * 3 + i64::from(*which)) % 10);
                let fields = json!({ "contract_id": format!("{partner}-{which}"), "partner_id": partner,
                    "revision": revision, "effective_date": day,
                    "campaign_permissions": [words[usize::from(*which + u8::try_from(*revision).unwrap()) % 4]],
                    "budget_limits": { "currency": "EUR", "max_campaigns": revision } });
                app.told(&Contracts, &activated(&fields)).await.unwrap();
            }
            Self::End { which } => {
                let outcome = ["EXPIRED", "RENEWED", "TERMINATED"][usize::from(*which)];
                let fields = json!({ "contract_id": format!("{partner}-{which}"), "partner_id": partner,
                    "outcome": outcome, "renewed_by": format!("{partner}-2") });
                app.ended(&fields).await;
            }
            Self::Validation { revision } => {
                let status = ["PENDING", "PARTIAL", "COMPLETE"][usize::try_from(revision % 3).unwrap()];
                let standing = if revision % 4 == 3 { "SUSPENDED" } else { "VALIDATED" };
                let fields = json!({ "partner_id": partner, "revision": revision,
                    "validation_status": status, "partner_status": standing });
                app.validated(&fields).await;
            }
        }
    }
}

async fn known(app: &TestApp, partner: &str, tales: &[Tale]) -> String {
    for tale in tales {
        tale.tell(app, partner).await;
    }
    let (_, rights) = app.get(&format!("/v1/partners/{partner}/campaign-permissions")).await;
    rights.to_string().replace(partner, "p")
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_may_does_not_depend_on_order_or_repetition() {
    let tale = prop_oneof![
        (0_u8..3, 1_i64..5).prop_map(|(which, revision)| Tale::Contract { which, revision }),
        (0_u8..3).prop_map(|which| Tale::End { which }),
        (1_i64..6).prop_map(|revision| Tale::Validation { revision }),
    ];
    let tales = prop::collection::vec(tale, 1..10);
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for case in 0..40 {
            let tales = tales.new_tree(&mut runner).unwrap().current();
            // The newest of each, told once, is all there is to know.
            let mut newest: BTreeMap<(bool, Option<u8>), Tale> = BTreeMap::new();
            for tale in &tales {
                let key = match tale {
                    Tale::Contract { which, .. } => (false, Some(*which)),
                    Tale::End { which } => (true, Some(*which)),
                    Tale::Validation { .. } => (false, None),
                };
                let one = newest.entry(key).or_insert_with(|| tale.clone());
                *one = one.clone().max(tale.clone());
            }
            let newest: Vec<Tale> = newest.into_values().collect();
            let mut turned = tales.clone();
            turned.reverse();
            turned.extend(tales.clone());
            let expected = known(&app, &format!("q{case}a"), &newest).await;
            assert_eq!(known(&app, &format!("q{case}b"), &tales).await, expected, "{tales:?}");
            assert_eq!(known(&app, &format!("q{case}c"), &turned).await, expected, "{turned:?}");
        }
    })
    .await;
}
