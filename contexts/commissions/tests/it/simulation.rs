//! Rules on trial: what would have been paid, and no trace of it.

use http::StatusCode;
use serde_json::{Value, json};

use crate::rules::{calculated, get, in_force};
use crate::support::{TestApp, on_each_database};

const FROM: &str = "2025-01-01T00:00:00Z";

async fn drafted(app: &TestApp, rule: Value) -> String {
    let (status, drafted) = app.post("/v1/rules", rule.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{drafted}");
    drafted["ruleId"].as_str().unwrap().to_owned()
}

async fn simulated(app: &TestApp, rule: &str, body: Value) -> Value {
    let (status, simulated) = app.post(&format!("/v1/rules/{rule}/simulate"), body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{simulated}");
    simulated
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_tells_what_would_have_been_paid_and_leaves_no_trace() {
    on_each_database(async |app| {
        calculated(&app, "conv-1", json!(100), &json!({})).await;
        calculated(&app, "conv-2", json!(200), &json!({})).await;
        let asked = json!({ "afiliado_id": "aff-2", "porcentaje": 15 });
        calculated(&app, "conv-3", json!(100), &asked).await;
        calculated(&app, "conv-4", json!(50), &json!({ "moneda": "EUR" })).await;
        app.edge.advance(std::time::Duration::from_secs(1));
        let rule =
            drafted(&app, json!({ "name": "draft", "type": "percentage", "rate": 20, "currency": "USD" }))
                .await;
        let before = (app.events().await.len(), get(&app, "/api/v1/comisiones").await);

        let told = simulated(&app, &rule, json!({ "from": FROM })).await;
        assert_eq!(
            (&told["conversions"], &told["matched"], &told["version"]),
            (&json!(4), &json!(2), &json!(1))
        );
        let of = |line: &Value| {
            ["currency", "conversions", "calculated", "simulated", "difference"]
                .map(|field| line[field].clone())
        };
        let [euros, dollars] = &told["totals"].as_array().unwrap()[..] else { panic!("{told}") };
        assert_eq!(of(euros), [json!("EUR"), json!(1), json!(5), json!(5), json!(0)]);
        assert_eq!(of(dollars), [json!("USD"), json!(3), json!(45), json!(75), json!(30)]);
        let first = &told["affiliates"][0];
        assert_eq!((&first["affiliateId"], &first["differenceMinor"]), (&json!("aff-1"), &json!(3000)));
        assert_eq!((&told["affiliateCount"], told["affiliates"].as_array().unwrap().len()), (&json!(2), 3));

        assert_eq!((app.events().await.len(), get(&app, "/api/v1/comisiones").await), before);
        let later = simulated(
            &app,
            &rule,
            json!({ "from": "2025-02-01T00:00:00Z", "until": "2025-03-01T00:00:00Z" }),
        );
        assert_eq!(later.await["conversions"], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_tried_in_the_place_of_the_active_one_and_after_rules_with_more_conditions() {
    on_each_database(async |app| {
        let rule = in_force(&app, json!({ "name": "all", "type": "percentage", "rate": 20 })).await;
        let special = json!({ "name": "campaign", "type": "percentage", "rate": 30, "campaignId": "cmp-1" });
        in_force(&app, special).await;
        calculated(&app, "conv-1", json!(100), &json!({})).await;
        calculated(&app, "conv-2", json!(100), &json!({ "campana_id": "cmp-1" })).await;
        let tiers = json!({
            "basis": "count", "mode": "marginal", "period": "day",
            "bands": [{ "from": 0, "rate": 1 }, { "from": 2, "rate": 2 }],
        });
        let terms = json!({ "type": "tiered", "tiers": tiers });
        app.post(&format!("/v1/rules/{rule}/versions"), terms.to_string()).await;
        calculated(&app, "conv-3", json!(100), &json!({})).await;
        app.edge.advance(std::time::Duration::from_secs(1));

        let newest = simulated(&app, &rule, json!({ "from": FROM })).await;
        // 1 % and 2 % where 20 % were, and 30 % as it was.
        let total = &newest["totals"][0];
        assert_eq!((&newest["version"], &newest["matched"]), (&json!(2), &json!(2)));
        assert_eq!((&total["calculated"], &total["simulated"]), (&json!(70), &json!(33)));
        let active = simulated(&app, &rule, json!({ "from": FROM, "version": 1 })).await;
        assert_eq!(active["totals"][0]["difference"], json!(0));

        for (path, body, status) in [
            ("/v1/rules/nobody/simulate", json!({ "from": FROM }), 404),
            (&format!("/v1/rules/{rule}/simulate"), json!({ "from": FROM, "version": 3 }), 409),
            (&format!("/v1/rules/{rule}/simulate"), json!({}), 422),
            (&format!("/v1/rules/{rule}/simulate"), json!({ "from": FROM, "until": FROM }), 422),
        ] {
            assert_eq!(app.post(path, body.to_string()).await.0.as_u16(), status, "{path} {body}");
        }
    })
    .await;
}
