//! What is refused, where, and in which language; and that nothing is stored then.

use http::Request;
use serde_json::json;

use crate::support::{a_sale, on_each_database, with};

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named_and_nothing_is_stored() {
    on_each_database(async |app| {
        for (fields, pointer, code) in [
            (json!({ "valor_conversión": 1 }), "/valor_conversión", "unknown_field"),
            (json!({ "valor_conversion": "1" }), "/valor_conversion", "wrong_type"),
            (json!({ "valor_conversion": -1 }), "/valor_conversion", "not_positive"),
            (json!({ "tipo_conversion": "sale" }), "/tipo_conversion", "unknown_value"),
            (json!({ "moneda": "usd" }), "/moneda", "unknown_currency"),
            (json!({ "ocurrido_en": "ayer" }), "/ocurrido_en", "invalid_time"),
            (json!({ "pais": "Colombia" }), "/pais", "invalid_country"),
            (json!({ "afiliado_id": "a\u{0}" }), "/afiliado_id", "invalid_id"),
            (json!({ "programa_id": "nadie" }), "/programa_id", "program_not_found"),
            (json!({ "cliente_nuevo": "si" }), "/cliente_nuevo", "wrong_type"),
            (json!({ "lineas": [{ "linea_id": "1", "importe": 5 }] }), "/lineas", "wrong_sum"),
            (json!({ "lineas": [{ "linea_id": "1", "importe": "5" }] }), "/lineas/0/importe", "wrong_type"),
        ] {
            let (status, refused) = app.record(&with(&a_sale(), &fields)).await;
            let error = &refused["errors"][0];
            assert_eq!(
                (status, &error["pointer"], &error["code"]),
                (422, &json!(pointer), &json!(code)),
                "{refused}"
            );
        }
        assert!(app.events().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_spanish_to_those_who_ask_so() {
    on_each_database(async |app| {
        let body = with(&a_sale(), &json!({ "valor_conversión": 1 })).to_string();
        let request = Request::post("/api/v1/conversiones").header("accept-language", "es-CO");
        let request = request.header("content-type", "application/json").body(body.into()).unwrap();
        let (_, _, refused) = app.send(request).await;
        assert_eq!(refused["detail"], "/valor_conversión: es desconocido; ¿quiso decir valor_conversion?");
    })
    .await;
}
