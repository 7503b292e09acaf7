//! Seed 4's way, to the letter: an affiliate, a conversion, and the commission that appears by itself.

use hexalpes_client::{Client, ClientOptions, ConsumerOptions};
use hexalpes_e2e::{Api, PATIENCE, Product};
use serde_json::{Value, json};

struct Ecosystem {
    product: Product,
    affiliates: Api,
    conversions: Api,
    commissions: Api,
    seed: Api,
}

impl Ecosystem {
    fn start() -> Self {
        let product = Product::start();
        let [affiliates, conversions, commissions] =
            ["--affiliates-port", "--conversions-port", "--marketing-port"].map(|flag| product.api_at(flag));
        let seed = product.api().clone();
        Self { product, affiliates, conversions, commissions, seed }
    }

    async fn registered(&self, email: &str) -> String {
        let body = json!({
            "nombre": "Juan Pérez",
            "email": email,
            "tipo_afiliado": "premium",
            "configuracion_comisiones": { "comision_base": 15.0, "comision_premium": 20.0 },
        });
        let (status, affiliate) = self.affiliates.post("/api/v1/afiliados", &body).await;
        assert_eq!(status, 201, "{affiliate}");
        affiliate["id"].as_str().unwrap().to_owned()
    }

    async fn converted(&self, affiliate: &str) -> String {
        let body =
            json!({ "afiliado_id": affiliate, "valor_conversion": 100_000.0, "tipo_conversion": "venta" });
        let (status, conversion) = self.conversions.post("/api/v1/conversiones", &body).await;
        assert_eq!(status, 201, "{conversion}");
        conversion["id"].as_str().unwrap().to_owned()
    }
}

/// Accepts S4-API-1, S4-API-2, S4-API-3, S4-BEH-1, S4-BEH-3, S4-BEH-6, S4-BEH-7, C-11, C-12.
#[tokio::test]
async fn the_seeds_three_requests_lead_to_one_commission_that_is_approved() {
    let ecosystem = Ecosystem::start();
    let affiliate = ecosystem.registered("juan@email.com").await;
    let conversion = ecosystem.converted(&affiliate).await;
    let body = json!({
        "afiliado_id": affiliate,
        "conversion_id": conversion,
        "tipo_comision": "porcentual",
        "porcentaje": 15.0,
    });
    let (status, commission) = ecosystem.commissions.post("/api/v1/comisiones", &body).await;
    assert_eq!((status, &commission["duplicate"]), (200, &json!(true)), "{commission}");
    assert_eq!((&commission["porcentaje"], &commission["monto_minor"]), (&json!(20), &json!(2_000_000)));
    assert_eq!(commission["estado"], "APPROVED");
    let (status, same) = ecosystem.seed.get(&format!("/commissions/by-conversion/{conversion}")).await;
    assert_eq!((status, &same["commissionId"]), (200, &commission["id"]));
}

/// Accepts S4-API-4, S4-API-5, S4-API-6, S4-API-9, S4-SVC-1, S4-SVC-2, S4-SVC-3, S4-SVC-5, G-8, G-17.
#[tokio::test]
async fn every_port_tells_what_it_takes_and_how_it_is() {
    let ecosystem = Ecosystem::start();
    let apis = [&ecosystem.affiliates, &ecosystem.conversions, &ecosystem.commissions, &ecosystem.seed];
    for (api, service) in apis.into_iter().zip(["affiliates", "conversions", "commissions", "commissions"]) {
        let (status, document) = api.get("/openapi.json").await;
        assert!(status == 200 && document["openapi"].as_str().unwrap().starts_with("3.1"), "{document}");
        assert!(api.text("/docs").await.contains("swagger-ui"));
        let (status, health) = api.get("/health").await;
        assert_eq!((status, &health["status"], &health["service"]), (200, &json!("ok"), &json!(service)));
        assert!(health["version"].is_string() && health["checks"]["broker"]["status"] == "ok", "{health}");
        assert!(api.text("/metrics").await.contains("http_requests_total"));
        let (_, outbox) = api.get("/debug/outbox").await;
        assert!(outbox["items"].is_array());
    }
}

/// Accepts G-11, S4-TOP-1, S4-TOP-2, S4-TOP-4.
#[tokio::test]
async fn each_context_tells_its_events_on_its_own_topic() {
    let ecosystem = Ecosystem::start();
    let affiliate = ecosystem.registered("ana@email.com").await;
    let conversion = ecosystem.converted(&affiliate).await;
    let broker = &ecosystem.product.urls().service;
    for (topic, kind, subject) in [
        ("afiliados.eventos", "AffiliateRegistered", Some(&affiliate)),
        ("conversiones.eventos", "ConversionRecorded", Some(&conversion)),
        ("comisiones.eventos", "CommissionCalculated", None),
        ("comisiones.eventos", "CommissionApproved", None),
    ] {
        let event = first_of(broker, topic, kind).await;
        assert_eq!(event["type"].as_str().unwrap().rsplit('.').next(), Some(kind));
        if let Some(subject) = subject {
            assert_eq!(event["subject"], subject.as_str());
        }
    }
}

/// The first event of a type on a topic, as soon as it is there.
async fn first_of(broker: &str, topic: &str, kind: &str) -> Value {
    let reading = async {
        let client = Client::connect(ClientOptions::new(broker)).await.unwrap();
        let options = ConsumerOptions::new("first-of").from_earliest();
        let consumer = client.consumer(topic, options).await.unwrap();
        loop {
            let message = consumer.next().await.unwrap();
            let event: Value = serde_json::from_slice(&message.payload).unwrap();
            if event["type"].as_str().is_some_and(|found| found.ends_with(kind)) {
                consumer.unsubscribe().await.unwrap();
                return event;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{topic} has no {kind}"))
}
