//! Sums over conversions.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{a_sale, on_each_database, with};

/// Accepts S4-SVC-2.
#[tokio::test(flavor = "multi_thread")]
async fn conversions_are_summed_by_affiliate_campaign_and_day_in_each_currency() {
    on_each_database(async |app| {
        let sale = |fields: Value| with(&with(&a_sale(), &json!({ "valor_conversion": 10 })), &fields);
        let first = app.recorded(&sale(json!({ "campana_id": "c1" }))).await;
        app.recorded(&sale(json!({ "afiliado_id": "af_2", "valor_conversion": 5.25 }))).await;
        app.recorded(&sale(json!({ "moneda": "EUR", "ocurrido_en": "2025-01-14T23:59:59Z" }))).await;
        app.post(&format!("/api/v1/conversiones/{first}/reembolsos"), &json!({ "monto": 4 })).await;

        let summed = async |query: &str| -> Vec<String> {
            let (status, sums) = app.get(&format!("/api/v1/conversiones/metricas?{query}")).await;
            assert_eq!(status, 200, "{sums}");
            let told = |sum: &Value| {
                let text = |name: &str| sum[name].as_str().unwrap_or("-").to_owned();
                let number = |name: &str| sum[name].as_i64().unwrap();
                let counts = [number("conversiones"), number("valor_minor"), number("neto_minor")];
                format!("{} {} {counts:?}", text("grupo"), text("moneda"))
            };
            sums.as_array().unwrap().iter().map(told).collect()
        };
        assert_eq!(
            summed("agrupar=afiliado").await,
            ["af_1 EUR [1, 1000, 1000]", "af_1 USD [1, 1000, 600]", "af_2 USD [1, 525, 525]"]
        );
        assert_eq!(summed("agrupar=campana&afiliado_id=af_1").await.len(), 2);
        assert_eq!(
            summed("").await,
            ["2025-01-14 EUR [1, 1000, 1000]", "2025-01-15 USD [2, 1525, 1125]"]
        );
        assert_eq!(summed("desde=2025-01-15&hasta=2025-01-15").await, ["2025-01-15 USD [2, 1525, 1125]"]);

        let request = Request::get("/api/v1/conversiones/metricas?agrupar=dia").header("accept", "text/csv");
        let (_, _, csv) = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            csv,
            "grupo,moneda,conversiones,valor,reembolsado,neto\n2025-01-14,EUR,1,10,0,10\n2025-01-15,USD,2,15.25,4,11.25\n"
        );
    })
    .await;
}
