//! Programs and their terms.

use http::StatusCode;
use serde_json::json;

use crate::support::{juan, on_each_database};

#[tokio::test(flavor = "multi_thread")]
async fn the_default_program_is_there_once_however_often_the_service_starts() {
    on_each_database(async |app| {
        let (status, program) = app.get("/api/v1/programas/default").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&program["moneda"], &program["estado"]), (&json!("USD"), &json!("ACTIVO")));
        assert_eq!(program["comision_por_defecto"].to_string(), "10");
        app.prepare_again().await;
        assert!(app.kinds().await.is_empty(), "all know it untold");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_created_changed_and_closed() {
    on_each_database(async |app| {
        let body = json!({
            "programa_id": "zapatos", "nombre": "Zapatos", "moneda": "COP", "comision_por_defecto": 7.5,
            "retencion_segundos": 3600, "aprobacion_automatica": false, "atribucion": "primer_clic",
            "ventana_atribucion_segundos": 86400,
        });
        let (status, made) = app.post("/api/v1/programas", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        let (status, refused) = app.post("/api/v1/programas", &body).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("program_exists")));

        let path = "/api/v1/programas/zapatos";
        let (_, changed) = app.patch(path, &json!({ "comision_por_defecto": 8 })).await;
        assert_eq!(
            (&changed["revision"], changed["comision_por_defecto"].to_string()),
            (&json!(2), "8".into())
        );
        let (_, same) = app.patch(path, &json!({ "comision_por_defecto": 8.0 })).await;
        assert_eq!(same["revision"], 2);
        let (_, closed) = app.patch(path, &json!({ "estado": "CERRADO" })).await;
        assert_eq!(closed["estado"], "CERRADO");
        let mut late = juan();
        late["programa_id"] = json!("zapatos");
        let (status, refused) = app.post("/api/v1/afiliados", &late).await;
        assert_eq!(
            (status, &refused["errors"][0]["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("program_closed"))
        );

        let (kind, told) = app.events().await.pop().unwrap();
        assert_eq!(
            (kind.as_str(), &told["status"], &told["revision"]),
            ("ProgramUpdated", &json!("CLOSED"), &json!(3))
        );
        assert_eq!((&told["hold_seconds"], &told["attribution"]), (&json!(3600), &json!("first_click")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_program_cannot_be_closed_and_a_currency_cannot_be_changed() {
    on_each_database(async |app| {
        let (status, refused) = app.patch("/api/v1/programas/default", &json!({ "estado": "CERRADO" })).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("default_program")));
        let (status, refused) = app.patch("/api/v1/programas/default", &json!({ "moneda": "EUR" })).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/moneda"))
        );
        let (_, page) = app.get("/api/v1/programas").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    })
    .await;
}
