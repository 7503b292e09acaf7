//! Rules: drafted, activated, superseded and retired; what conversions owe by them, and why.

use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, on_each_database};

const RULES: &str = "/v1/rules";
const COMISIONES: &str = "/api/v1/comisiones";

pub(crate) async fn get(app: &TestApp, path: &str) -> (StatusCode, Value) {
    app.send(Request::get(path).body(axum::body::Body::empty()).unwrap()).await
}

/// Drafts a rule and puts it into force; tells its id.
pub(crate) async fn in_force(app: &TestApp, rule: Value) -> String {
    let (status, drafted) = app.post(RULES, rule.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{drafted}");
    let id = drafted["ruleId"].as_str().unwrap().to_owned();
    let (status, active) = app.post(&format!("{RULES}/{id}/activate"), "{}").await;
    assert_eq!((status, &active["status"]), (StatusCode::OK, &json!("ACTIVE")), "{active}");
    id
}

/// Asks for a commission; tells it.
pub(crate) async fn calculated(app: &TestApp, conversion: &str, gross: Value, more: &Value) -> Value {
    let mut body = json!({
        "afiliado_id": "aff-1", "conversion_id": conversion, "tipo_comision": "porcentual",
        "valor_conversion": gross, "moneda": "USD",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, made) = app.post(COMISIONES, body.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_counts_from_its_activation_until_it_is_superseded_or_retired() {
    on_each_database(async |app| {
        let draft = json!({ "name": "Summer", "type": "percentage", "rate": 12.5 });
        let (status, drafted) = app.post(RULES, draft.to_string()).await;
        assert_eq!((status, &drafted["status"]), (StatusCode::CREATED, &json!("DRAFT")), "{drafted}");
        let id = drafted["ruleId"].as_str().unwrap();
        let one = format!("{RULES}/{id}");
        assert_eq!(calculated(&app, "conv-0", json!(100.0), &json!({})).await["monto"], json!(10));

        app.post(&format!("{one}/activate"), "{}").await;
        let made = calculated(&app, "conv-1", json!(100.0), &json!({})).await;
        assert_eq!((&made["monto"], &made["porcentaje"]), (&json!(12.5), &json!(12.5)));
        let why = &made["explicacion"];
        assert_eq!(why["inputs"]["rateSource"], "rule");
        assert_eq!(why["rule"], json!({ "id": id, "name": "Summer", "version": 1 }));
        assert_eq!(why["steps"][1], json!({ "step": "passed_over_rate", "source": "program", "rate": 10 }));

        let terms = json!({ "type": "percentage", "rate": 20, "cap": 15, "floor": 1, "currency": "USD" });
        let (status, revised) = app.post(&format!("{one}/versions"), terms.to_string()).await;
        assert_eq!((status, revised["versions"].as_array().unwrap().len()), (StatusCode::CREATED, 2));
        // A draft changes nothing.
        assert_eq!(calculated(&app, "conv-2", json!(100.0), &json!({})).await["monto"], json!(12.5));
        let (_, active) = app.post(&format!("{one}/activate"), json!({ "version": 2 }).to_string()).await;
        let statuses = active["versions"].as_array().unwrap().iter().map(|version| &version["status"]);
        assert_eq!(statuses.collect::<Vec<_>>(), [&json!("RETIRED"), &json!("ACTIVE")]);
        let again = app.post(&format!("{one}/activate"), json!({ "version": 2 }).to_string()).await;
        assert_eq!(again, (StatusCode::OK, active));
        let (status, problem) =
            app.post(&format!("{one}/activate"), json!({ "version": 1 }).to_string()).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("version_retired")));

        // Capped, and never below the floor.
        let capped = calculated(&app, "conv-3", json!(100.0), &json!({})).await;
        assert_eq!(
            (&capped["monto"], capped["explicacion"]["steps"].as_array().unwrap().last().unwrap()),
            (&json!(15), &json!({ "step": "capped", "to": 15 }))
        );
        assert_eq!(calculated(&app, "conv-4", json!(0.5), &json!({})).await["monto"], json!(1));

        app.post(&format!("{one}/retire"), "").await;
        assert_eq!(calculated(&app, "conv-5", json!(100.0), &json!({})).await["monto"], json!(10));
        let (_, found) = get(&app, &one).await;
        assert_eq!((&found["status"], &found["name"]), (&json!("RETIRED"), &json!("Summer")));
        assert_eq!(found["versions"][1]["terms"]["cap"], json!(15));
        let (_, page) = get(&app, RULES).await;
        assert_eq!(page["items"], json!([found]));
    })
    .await;
}

/// Accepts C-12.
#[tokio::test(flavor = "multi_thread")]
async fn the_rule_with_more_conditions_counts_and_the_request_before_it() {
    on_each_database(async |app| {
        in_force(&app, json!({ "name": "all", "type": "percentage", "rate": 11 })).await;
        let named = json!({ "name": "campaign", "type": "flat", "amount": 7, "currency": "USD", "campaignId": "cmp-1" });
        in_force(&app, named).await;
        app.edge.advance(std::time::Duration::from_secs(1));
        in_force(&app, json!({ "name": "newer", "type": "percentage", "rate": 12 })).await;
        let of = async |conversion: &str, more: Value| {
            let made = calculated(&app, conversion, json!(100.0), &more).await;
            (made["monto"].clone(), made["explicacion"]["rule"]["name"].clone())
        };
        assert_eq!(of("conv-1", json!({})).await, (json!(12), json!("newer")));
        assert_eq!(of("conv-2", json!({ "campana_id": "cmp-1" })).await, (json!(7), json!("campaign")));
        assert_eq!(of("conv-3", json!({ "moneda": "EUR", "campana_id": "cmp-1" })).await.1, json!("newer"));
        let asked = json!({ "campana_id": "cmp-1", "porcentaje": 15 });
        assert_eq!(of("conv-4", asked).await, (json!(15), json!("default")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_count_what_an_affiliate_sold_in_the_period_by_this_rule() {
    on_each_database(async |app| {
        let tiers = json!({
            "basis": "amount", "mode": "marginal", "period": "month",
            "bands": [{ "from": 0, "rate": 5 }, { "from": 100, "rate": 10 }],
        });
        in_force(&app, json!({ "name": "tiers", "type": "tiered", "currency": "USD", "tiers": tiers })).await;
        let first = calculated(&app, "conv-1", json!(80.0), &json!({})).await;
        // What is asked for again, or at a rate of its own, does not count.
        let body = json!({
            "afiliado_id": "aff-1", "conversion_id": "conv-1", "tipo_comision": "porcentual", "valor_conversion": 80.0,
        });
        assert_eq!(app.post(COMISIONES, body.to_string()).await.0, StatusCode::OK);
        calculated(&app, "conv-2", json!(500.0), &json!({ "porcentaje": 1 })).await;
        let other = calculated(&app, "conv-3", json!(80.0), &json!({ "afiliado_id": "aff-2" })).await;
        let second = calculated(&app, "conv-4", json!(80.0), &json!({})).await;
        assert_eq!([&first["monto"], &other["monto"], &second["monto"]], [&json!(4), &json!(4), &json!(7)]);
        assert_eq!(second["porcentaje"], Value::Null);
        let (status, explained) =
            get(&app, &format!("{COMISIONES}/{}/explicacion", second["id"].as_str().unwrap())).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            explained["frase"]["es"],
            "7 USD: por tramos 5 % de 20 USD y 10 % de 60 USD, según la regla tiers, versión 1."
        );
        let counted =
            json!({ "step": "counted", "mode": "marginal", "period": "2025-01", "sales": 1, "amount": 80 });
        assert!(explained["explicacion"]["steps"].as_array().unwrap().contains(&counted), "{explained}");
        // In the next month it begins anew.
        app.edge.advance(std::time::Duration::from_hours(24 * 31));
        assert_eq!(calculated(&app, "conv-5", json!(80.0), &json!({})).await["monto"], json!(4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_ask_why_and_gets_the_derivation_and_a_sentence() {
    on_each_database(async |app| {
        let made = calculated(&app, "conv-1", json!(120.45), &json!({})).await;
        let id = made["id"].as_str().unwrap();
        let (status, by_id) = get(&app, &format!("/commissions/{id}/explanation")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            by_id["sentence"]["en"],
            "12.04 USD: 10 % of 120.45 USD, by the program default, version 1; 12.045 is rounded half to even."
        );
        let by_conversion = get(&app, "/commissions/by-conversion/conv-1/explanation").await;
        assert_eq!(by_conversion, (StatusCode::OK, by_id));
        for path in [
            "/commissions/nobody/explanation",
            "/commissions/by-conversion/none/explanation",
            "/api/v1/comisiones/nobody/explicacion",
        ] {
            let (status, problem) = get(&app, path).await;
            assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("commission_not_found")));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_make_no_sense_are_refused_by_name() {
    on_each_database(async |app| {
        let tiers = |bands: Value| json!({ "basis": "amount", "mode": "marginal", "period": "all", "bands": bands });
        let table = [
            (json!({ "type": "percentage" }), "/rate", "missing_field"),
            (json!({ "type": "percentage", "rate": 101 }), "/rate", "invalid_rate"),
            (json!({ "type": "percentage", "rate": 1, "amount": 1 }), "/amount", "contradiction"),
            (json!({ "type": "flat", "amount": 1 }), "/currency", "missing_field"),
            (json!({ "type": "flat", "amount": 1.5, "currency": "JPY" }), "/amount", "too_precise"),
            (json!({ "type": "percentage", "rate": 1, "cap": 1 }), "/currency", "missing_field"),
            (json!({ "type": "percentage", "rate": 1, "cap": 1, "floor": 2, "currency": "USD" }), "/floor", "contradiction"),
            (json!({ "type": "percentage", "rate": 1, "country": "Colombia" }), "/country", "invalid_country"),
            (json!({ "type": "percentage", "rate": 1, "validFrom": "2025-02-01T00:00:00Z", "validUntil": "2025-01-01T00:00:00Z" }), "/validUntil", "contradiction"),
            (json!({ "type": "tiered", "currency": "USD", "tiers": tiers(json!([{ "from": 1, "rate": 1 }])) }), "/tiers", "invalid_tiers"),
            (json!({ "type": "tiered", "tiers": tiers(json!([{ "from": 0, "rate": 1 }])) }), "/currency", "missing_field"),
            (json!({ "type": "tiered", "currency": "USD", "tiers": tiers(json!([{ "from": 0 }])) }), "/tiers", "invalid_tiers"),
            (json!({ "type": "percentage", "rate": 1, "programId": "nowhere" }), "/programId", "unknown_program"),
        ];
        for (mut body, pointer, code) in table {
            body["name"] = json!("a rule");
            let (status, problem) = app.post(RULES, body.to_string()).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
            let error = &problem["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}: {problem}");
        }
        let (_, page) = get(&app, RULES).await;
        assert_eq!(page["items"], json!([]));
        assert_eq!(app.post("/v1/rules/nobody/retire", "").await.0, StatusCode::NOT_FOUND);
    })
    .await;
}
