//! What is refused, where, and in which language; and that nothing is stored then.

use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{juan, on_each_database};

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named_and_nothing_is_stored() {
    on_each_database(async |app| {
        let with = |field: &str, value: Value| {
            let mut body = juan();
            body[field] = value;
            body
        };
        for (body, pointer, code) in [
            (with("email", json!("juan")), "/email", "invalid_email"),
            (with("email", json!(7)), "/email", "wrong_type"),
            (with("nombre", json!("  ")), "/nombre", "empty"),
            (with("nombre", json!("a".repeat(201))), "/nombre", "too_long"),
            (with("tipo_afiliado", Value::Null), "/tipo_afiliado", "missing_field"),
            (with("correo", json!("x")), "/correo", "unknown_field"),
            (with("pais", json!("COL")), "/pais", "invalid_country"),
            (with("codigo", json!("a b")), "/codigo", "invalid_code"),
            (with("programa_id", json!("nadie")), "/programa_id", "program_not_found"),
            (
                with("configuracion_comisiones", json!({ "comision_base": 101 })),
                "/configuracion_comisiones/comision_base",
                "invalid_rate",
            ),
            (
                with("configuracion_comisiones", json!({ "comision_premuim": 5 })),
                "/configuracion_comisiones/comision_premuim",
                "unknown_field",
            ),
            (
                with("datos_pago", json!({ "metodo": "iban", "titular": "J", "iban": "ES00" })),
                "/datos_pago/iban",
                "invalid_iban",
            ),
        ] {
            let (status, refused) = app.post("/api/v1/afiliados", &body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
            let error = &refused["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{refused}");
        }
        assert!(app.kinds().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_spanish_to_those_who_ask_so() {
    on_each_database(async |app| {
        let ask = async |body: &str| {
            let request = Request::post("/api/v1/afiliados").header("accept-language", "es");
            let request = request.header("content-type", "application/json").body(body.to_owned().into());
            app.send(request.unwrap()).await.1
        };
        let refused = ask(r#"{"nombre":"J","email":"x","tipo_afiliado":"premium"}"#).await;
        assert_eq!(refused["detail"], "/email: debe ser una dirección de correo, como juan@email.com");
        app.registered(&juan()).await;
        let refused = ask(&juan().to_string()).await;
        assert!(refused["detail"].as_str().unwrap().contains("tiene este correo"), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    on_each_database(async |app| {
        for path in ["/api/v1/afiliados/af_none", "/api/v1/afiliados/%20", "/api/v1/programas/none"] {
            let (status, refused) = app.get(path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{refused}");
            assert!(refused["code"].as_str().unwrap().ends_with("_not_found"), "{refused}");
        }
        let (status, _) = app.post("/api/v1/afiliados/af_none/suspender", &json!({ "motivo": "x" })).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    })
    .await;
}
