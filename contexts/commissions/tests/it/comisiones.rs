//! `POST /api/v1/comisiones`, in the words of seed 4: it makes a commission, or answers with the one that came by itself.

use hexalpes_commissions::CONVERSIONS_TOPIC;
use http::StatusCode;
use serde_json::{Value, json};

use crate::messages::{command, on_each_stage, recorded};
use crate::support::on_each_database;

const COMISIONES: &str = "/api/v1/comisiones";

/// Seed 4's example.
fn a_request() -> Value {
    json!({
        "afiliado_id": "aff-1",
        "conversion_id": "conv-1",
        "tipo_comision": "porcentual",
        "porcentaje": 15.0,
    })
}

fn with(changes: &Value) -> String {
    let mut body = a_request();
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body.to_string()
}

/// Accepts S4-API-3, C-12.
#[tokio::test(flavor = "multi_thread")]
async fn with_an_amount_the_commission_is_made_at_the_rate_that_is_asked_for() {
    on_each_database(async |app| {
        let body = with(&json!({ "valor_conversion": 100_000.0, "moneda": "COP" }));
        let (status, made) = app.post(COMISIONES, body.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!((&made["monto"], &made["moneda"]), (&json!(15_000), &json!("COP")));
        assert_eq!((&made["porcentaje"], &made["tipo_comision"]), (&json!(15), &json!("porcentual")));
        assert_eq!((&made["estado"], made.get("duplicate")), (&json!("CALCULATED"), None));
        let (status, again) = app.post(COMISIONES, body).await;
        assert_eq!((status, &again["duplicate"], &again["id"]), (StatusCode::OK, &json!(true), &made["id"]));
        assert_eq!((app.commissions().await, app.events().await.len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flat_commission_is_what_was_asked_for_whatever_the_customer_paid() {
    on_each_database(async |app| {
        let body = json!({
            "afiliado_id": "aff-1", "conversion_id": "conv-1", "tipo_comision": "fija", "monto_fijo": 7.5,
            "valor_conversion": 20, "campana_id": "cmp-1",
        });
        let (status, made) = app.post(COMISIONES, body.to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(
            (&made["monto"], &made["tipo_comision"], &made["porcentaje"]),
            (&json!(7.5), &json!("fija"), &Value::Null)
        );
        let step = json!({ "step": "chose_amount", "source": "request", "amount": 7.5 });
        assert_eq!(made["explicacion"]["steps"][0], step);
        let (_, found) = app.by_conversion("conv-1").await;
        assert_eq!((&found["rate"], &found["commissionAmountMinor"]), (&Value::Null, &json!(750)));
    })
    .await;
}

/// Accepts C-9, C-11.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_amount_it_waits_for_the_commission_that_comes_by_itself() {
    on_each_stage(async |stage| {
        let asking = stage.app.post(COMISIONES, with(&json!({})));
        let telling = async {
            let event =
                command("c-1", "com.hexabuilders.conversions.ConversionRecorded", &recorded("conv-1"));
            stage.send(CONVERSIONS_TOPIC, event).await;
        };
        let ((status, found), ()) = futures::future::join(asking, telling).await;
        assert_eq!((status, &found["duplicate"]), (StatusCode::OK, &json!(true)), "{found}");
        // The percentage counts only in the request that makes the commission.
        assert_eq!((&found["porcentaje"], &found["estado"]), (&json!(10), &json!("APPROVED")));
        for (field, value) in [
            ("afiliado_id", json!("aff-2")),
            ("campana_id", json!("cmp-2")),
            ("valor_conversion", json!(99)),
            ("moneda", json!("EUR")),
        ] {
            let (status, problem) = stage.app.post(COMISIONES, with(&json!({ field: value }))).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::CONFLICT, &json!("duplicate_conversion")),
                "{field}"
            );
            assert_eq!((&problem["vendorCode"], &problem["commissionId"]), (&json!(1062), &found["id"]));
        }
    })
    .await;
}

/// Accepts C-11.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_nobody_heard_of_is_not_found() {
    on_each_database(async |app| {
        let (status, problem) = app.post(COMISIONES, with(&json!({}))).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("conversion_not_found")));
        let nowhere = with(&json!({ "valor_conversion": 10, "programa_id": "nowhere" }));
        let (status, problem) = app.post(COMISIONES, nowhere).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/programa_id", "{problem}");
        assert_eq!((app.commissions().await, app.events().await.len()), (0, 0));
    })
    .await;
}

/// Accepts C-13.
#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_by_name() {
    on_each_database(async |app| {
        let table = [
            (json!({ "porcentaje": 100.5 }), "/porcentaje", "invalid_rate"),
            (json!({ "tipo_comision": "otra" }), "/tipo_comision", "unknown_value"),
            (json!({ "monto_fijo": 5 }), "/monto_fijo", "contradiction"),
            (json!({ "tipo_comision": "fija" }), "/porcentaje", "contradiction"),
            (json!({ "tipo_comision": "fija", "porcentaje": null }), "/monto_fijo", "missing_field"),
            (json!({ "valor_conversion": 1.005 }), "/valor_conversion", "too_precise"),
            (json!({ "valor_conversion": 1.5, "moneda": "JPY" }), "/valor_conversion", "too_precise"),
            (json!({ "valor_conversión": 5 }), "/valor_conversión", "unknown_field"),
            (
                json!({ "tipo_comision": "fija", "porcentaje": null, "monto_fijo": 0.001, "valor_conversion": 5 }),
                "/monto_fijo",
                "too_precise",
            ),
        ];
        for (changes, pointer, code) in table {
            let (status, problem) = app.post(COMISIONES, with(&changes)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{changes}: {problem}");
            let error = &problem["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{changes}");
        }
        assert_eq!(app.commissions().await, 0);
    })
    .await;
}

/// Accepts C-9.
#[tokio::test(flavor = "multi_thread")]
async fn many_identical_requests_at_once_make_one_commission_and_one_event() {
    on_each_database(async |app| {
        let body = with(&json!({ "valor_conversion": 120.5 }));
        let all = (0..64).map(|_| {
            let (app, body) = (app.clone(), body.clone());
            tokio::spawn(async move { app.post(COMISIONES, body).await })
        });
        let answers: Vec<(StatusCode, Value)> =
            futures::future::join_all(all).await.into_iter().map(Result::unwrap).collect();
        let count = |wanted| answers.iter().filter(|(status, _)| *status == wanted).count();
        assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, 63), "{answers:?}");
        let without = |body: &Value| {
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove("duplicate");
            body
        };
        assert!(answers.iter().all(|(_, body)| without(body) == without(&answers[0].1)));
        assert_eq!((app.commissions().await, app.events().await.len()), (1, 1));
    })
    .await;
}
