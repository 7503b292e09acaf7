//! Money that is given back.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{a_sale, on_each_database, with};

fn an_order() -> Value {
    let lines = json!([{ "linea_id": "1", "importe": 60000 }, { "linea_id": "2", "producto_id": "p", "importe": 40000 }]);
    with(&a_sale(), &json!({ "lineas": lines }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_is_refunded_by_amount_by_line_and_wholly() {
    on_each_database(async |app| {
        let id = app.recorded(&an_order()).await;
        let path = format!("/api/v1/conversiones/{id}/reembolsos");
        let (status, refund) = app.post(&path, &json!({ "monto": 10.5, "motivo": "talla" })).await;
        assert_eq!((status, &refund["total_reembolsado_minor"]), (201, &json!(1_050)), "{refund}");
        let (_, refund) = app.post(&path, &json!({ "lineas": [{ "linea_id": "2" }] })).await;
        assert_eq!(refund["lineas"][0]["importe_minor"], 4_000_000);
        let (_, rest) = app.post(&path, &json!({})).await;
        assert_eq!(rest["monto_minor"], 10_000_000 - 4_000_000 - 1_050);
        let (status, refused) = app.post(&path, &json!({})).await;
        assert_eq!((status, &refused["code"]), (409, &json!("nothing_left")));

        let (_, conversion) = app.get(&format!("/api/v1/conversiones/{id}")).await;
        assert_eq!(
            (&conversion["estado"], &conversion["reembolsado_minor"]),
            (&json!("REEMBOLSADA"), &json!(10_000_000))
        );
        let (_, refunds) = app.get(&path).await;
        assert_eq!(refunds.as_array().unwrap().len(), 3);
        let events = app.events().await;
        let totals: Vec<_> =
            events[1..].iter().map(|(_, told)| told["refunded_total_minor"].as_i64().unwrap()).collect();
        assert_eq!(totals, [1_050, 4_001_050, 10_000_000]);
        assert!(events[1..].iter().all(|(kind, _)| kind == "ConversionRefunded"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_a_shop_tells_twice_is_one() {
    on_each_database(async |app| {
        let id = app.recorded(&a_sale()).await;
        let path = format!("/api/v1/conversiones/{id}/reembolsos");
        let refund = json!({ "monto": 30, "referencia_externa": "r-1" });
        let answers = join_all((0..8).map(|_| app.post(&path, &refund))).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|(status, _)| [200, 201, 503].contains(status)), "{answers:?}");
        let (status, refused) = app.post(&path, &json!({ "monto": 31, "referencia_externa": "r-1" })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("duplicate_refund")));
        let (_, conversion) = app.get(&format!("/api/v1/conversiones/{id}")).await;
        assert_eq!(conversion["reembolsado_minor"], 3_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_that_come_together_never_give_back_more_than_was_paid() {
    on_each_database(async |app| {
        let id = app.recorded(&with(&a_sale(), &json!({ "valor_conversion": 100 }))).await;
        let path = format!("/api/v1/conversiones/{id}/reembolsos");
        let refund = json!({ "monto": 30 });
        let answers = join_all((0..10).map(|_| app.post(&path, &refund))).await;
        let given = answers.iter().filter(|(status, _)| *status == 201).count();
        let (_, conversion) = app.get(&format!("/api/v1/conversiones/{id}")).await;
        assert!(given <= 3, "{answers:?}");
        assert_eq!(conversion["reembolsado_minor"], 3_000 * given);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_given_back_is_refused_with_its_field() {
    on_each_database(async |app| {
        let id = app.recorded(&an_order()).await;
        let path = format!("/api/v1/conversiones/{id}/reembolsos");
        for (body, pointer, code) in [
            (json!({ "monto": 100_000.01 }), "/monto", "too_much"),
            (json!({ "monto": 0 }), "/monto", "not_positive"),
            (json!({ "monto": 1.001 }), "/monto", "invalid_amount"),
            (json!({ "monto": 1, "lineas": [{ "linea_id": "1" }] }), "/monto", "contradiction"),
            (json!({ "lineas": [{ "linea_id": "9" }] }), "/lineas", "line_not_found"),
            (json!({ "lineas": [] }), "/lineas", "wrong_length"),
            (json!({ "lineas": [{ "linea_id": "1", "importe": 60_001 }] }), "/lineas", "too_much"),
            (json!({ "lineas": [{ "linea_id": "1" }, { "linea_id": "1" }] }), "/lineas", "duplicate_line"),
            (json!({ "importe": 1 }), "/importe", "unknown_field"),
        ] {
            let (status, refused) = app.post(&path, &body).await;
            let error = &refused["errors"][0];
            assert_eq!(
                (status, &error["pointer"], &error["code"]),
                (422, &json!(pointer), &json!(code)),
                "{refused}"
            );
        }
        let (status, _) = app.post("/api/v1/conversiones/conv_none/reembolsos", &json!({})).await;
        assert_eq!(status, 404);
        assert_eq!(app.events().await.len(), 1);
    })
    .await;
}
