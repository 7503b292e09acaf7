//! Who brought a customer: by id, by code, by links.

use std::time::Duration;

use axum::body::Body;
use hexalpes_conversions::commands::Told;
use hexalpes_conversions::domain::{KnownAffiliate, KnownProgram, Model};
use http::Request;
use serde_json::{Value, json};

use crate::support::{a_link, a_program, a_sale, an_affiliate, on_each_database, with};

fn unnamed() -> Value {
    json!({ "valor_conversion": 50, "tipo_conversion": "venta" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_on_and_is_remembered_until_the_customer_buys() {
    on_each_database(async |app| {
        app.learn(Told::Link(a_link("uno", "af_1"))).await;
        app.learn(Told::Link(a_link("dos", "af_2"))).await;
        let follow = async |slug: &str, cookie: Option<&str>| {
            let mut request = Request::get(format!("/r/{slug}"));
            if let Some(cookie) = cookie {
                request = request.header("cookie", cookie);
            }
            let (status, headers, _) = app.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(status, 303);
            let text = |name: &str| headers[name].to_str().unwrap().to_owned();
            (text("location"), text("set-cookie").split(';').next().unwrap().to_owned())
        };
        let (to, cookie) = follow("uno", None).await;
        assert!(to.starts_with("https://example.com/zapatos?talla=42&hx_clic=clic_"), "{to}");
        app.edge.advance(Duration::from_hours(1));
        let (to, same) = follow("dos", Some(&cookie)).await;
        assert_eq!(same, cookie);
        app.edge.advance(Duration::from_hours(1));

        let visitor = cookie.split_once('=').unwrap().1;
        let (_, made) = app.record(&with(&unnamed(), &json!({ "visitante_id": visitor }))).await;
        assert_eq!(
            (&made["afiliado_id"], &made["atribucion"]["modo"]),
            (&json!("af_2"), &json!("ultimo_clic"))
        );
        assert_eq!(made["atribucion"]["clics_considerados"], 2);
        let click = to.rsplit_once('=').unwrap().1;
        assert!(made["atribucion"]["motivo"].as_str().unwrap().contains(click), "{made}");

        app.learn(Told::Program(KnownProgram { revision: 2, ..a_program("default", Model::FirstClick) }))
            .await;
        let (_, made) = app.record(&with(&unnamed(), &json!({ "clic_id": click }))).await;
        assert_eq!(
            (&made["afiliado_id"], &made["atribucion"]["modo"]),
            (&json!("af_1"), &json!("primer_clic"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_names_its_affiliate_in_either_case() {
    on_each_database(async |app| {
        let (_, made) = app.record(&with(&unnamed(), &json!({ "codigo": "af_2" }))).await;
        assert_eq!((&made["afiliado_id"], &made["atribucion"]["modo"]), (&json!("af_2"), &json!("codigo")));
        let (status, refused) = app.record(&with(&unnamed(), &json!({ "codigo": "nadie" }))).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/codigo")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_earns_by_old_clicks_or_while_suspended_or_in_another_program() {
    on_each_database(async |app| {
        app.learn(Told::Link(a_link("uno", "af_1"))).await;
        let (status, click) = app.post("/api/v1/clics", &json!({ "codigo_enlace": "uno" })).await;
        assert_eq!(status, 201, "{click}");
        app.edge.advance(Duration::from_hours(31 * 24));
        let code = async |body: &Value| app.record(body).await.1["errors"][0]["code"].clone();
        assert_eq!(code(&with(&unnamed(), &json!({ "clic_id": click["clic_id"] }))).await, "not_attributed");
        assert_eq!(code(&with(&unnamed(), &json!({ "clic_id": "clic_none" }))).await, "click_not_found");
        assert_eq!(code(&unnamed()).await, "not_attributed");
        assert_eq!(code(&with(&a_sale(), &json!({ "afiliado_id": "af_jp" }))).await, "other_program");
        let suspended = KnownAffiliate { revision: 2, is_active: false, ..an_affiliate("af_1", "default") };
        app.learn(Told::Affiliate(suspended)).await;
        assert_eq!(code(&a_sale()).await, "affiliate_not_active");
        let (status, _) = app.post("/api/v1/clics", &json!({ "codigo_enlace": "nada" })).await;
        assert_eq!(status, 404);
    })
    .await;
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_twice_or_in_the_wrong_order_leaves_the_newest() {
    on_each_database(async |app| {
        let suspended = KnownAffiliate { revision: 3, is_active: false, ..an_affiliate("af_1", "default") };
        for told in [suspended.clone(), an_affiliate("af_1", "default"), suspended] {
            app.learn(Told::Affiliate(told)).await;
        }
        let (status, _) = app.record(&a_sale()).await;
        assert_eq!(status, 422);
    })
    .await;
}
