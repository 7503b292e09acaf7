//! Where an affiliate is paid to: masked when shown, sealed when kept and told.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{juan, on_each_database};

const IBAN: &str = "ES9121000418450200051332";

#[tokio::test(flavor = "multi_thread")]
async fn payout_details_are_shown_masked_and_told_sealed() {
    on_each_database(async |app| {
        let mut body = juan();
        body["datos_pago"] =
            json!({ "metodo": "iban", "titular": "Juan Pérez", "iban": IBAN, "bic": "caixesbb" });
        let id = app.registered(&body).await;
        let (status, shown) = app.get(&format!("/api/v1/afiliados/{id}/datos-pago")).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        let masked =
            json!({ "metodo": "iban", "titular": "Juan Pérez", "iban": "••••1332", "bic": "CAIXESBB" });
        assert_eq!(shown, masked);

        let (_, told) = app.events().await.pop().unwrap();
        assert!(!told.to_string().contains("0418"), "{told}");
        let opened = app.vault.unseal(&id, told["payout_sealed"].as_str().unwrap()).unwrap();
        let plain = json!({ "method": "iban", "holder": "Juan Pérez", "iban": IBAN, "bic": "CAIXESBB" });
        assert_eq!(serde_json::from_str::<Value>(&opened).unwrap(), plain);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payout_details_can_be_said_later_and_what_is_missing_is_named() {
    on_each_database(async |app| {
        let id = app.registered(&juan()).await;
        let path = format!("/api/v1/afiliados/{id}/datos-pago");
        let (status, refused) = app.get(&path).await;
        assert_eq!((status, &refused["code"]), (StatusCode::NOT_FOUND, &json!("payout_details_not_found")));
        let account =
            json!({ "metodo": "cuenta", "titular": "Juan", "banco": "Banco", "cuenta": "123456789" });
        let (status, refused) = app.ask(Method::PUT, &path, &account).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!("/pais"), &json!("missing_field"))
        );
        let wallet = json!({ "metodo": "monedero", "direccion": "juan@email.com" });
        let (status, affiliate) = app.ask(Method::PUT, &path, &wallet).await;
        assert_eq!((status, &affiliate["tiene_datos_pago"]), (StatusCode::OK, &json!(true)));
        assert_eq!(app.get(&path).await.1, json!({ "metodo": "monedero", "direccion": "••••.com" }));
    })
    .await;
}
