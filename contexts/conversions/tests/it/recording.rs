//! Conversions that are recorded, alone, together, and twice.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use hexalpes_conversions::commands::Told;
use http::Request;
use serde_json::{Value, json};

use crate::support::{a_sale, an_affiliate, on_each_database, with};

/// Accepts S4-API-2, S4-SVC-2.
#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_conversion_is_recorded_found_and_told() {
    on_each_database(async |app| {
        let (status, made) = app.record(&a_sale()).await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with("conv_"));
        assert_eq!((&made["moneda"], &made["valor_conversion_minor"]), (&json!("USD"), &json!(10_000_000)));
        assert_eq!((&made["tipo_conversion"], &made["estado"]), (&json!("venta"), &json!("REGISTRADA")));
        assert_eq!(app.get(&format!("/api/v1/conversiones/{id}")).await, (200, made.clone()));

        let events = app.events().await;
        let [(kind, told)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(kind, "ConversionRecorded");
        assert_eq!((&told["conversion_id"], &told["affiliate_id"]), (&json!(id), &json!("af_1")));
        assert_eq!((&told["conversion_type"], &told["program_id"]), (&json!("sale"), &json!("default")));
        assert_eq!((&told["affiliate_revision"], &told["program_revision"]), (&json!(1), &json!(1)));
    })
    .await;
}

/// Accepts C-13.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_is_in_the_programs_currency_unless_it_says_another() {
    on_each_database(async |app| {
        let yen = json!({ "afiliado_id": "af_jp", "programa_id": "tokio", "valor_conversion": 500, "tipo_conversion": "venta" });
        let (_, made) = app.record(&yen).await;
        assert_eq!((&made["moneda"], &made["valor_conversion_minor"]), (&json!("JPY"), &json!(500)));
        let (_, made) = app.record(&with(&yen, &json!({ "moneda": "KWD", "valor_conversion": 1.005 }))).await;
        assert_eq!(made["valor_conversion_minor"], 1005);
        let (status, refused) = app.record(&with(&yen, &json!({ "valor_conversion": 1.5 }))).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/valor_conversion")));
    })
    .await;
}

/// Accepts C-29.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_shop_tells_twice_under_one_id_is_one_conversion() {
    on_each_database(async |app| {
        let order = with(&a_sale(), &json!({ "referencia_externa": "pedido-1" }));
        let asked = (0..16).map(|_| app.record(&order));
        let answers = join_all(asked).await;
        let ids: BTreeSet<&str> = answers.iter().filter_map(|(_, one)| one["id"].as_str()).collect();
        assert_eq!(ids.len(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
        assert_eq!(app.events().await.len(), 1);

        let (status, again) = app.record(&with(&order, &json!({ "valor_conversion": 100_000.00 }))).await;
        assert_eq!((status, &again["duplicate"]), (200, &json!(true)));
        let (status, refused) = app.record(&with(&order, &json!({ "valor_conversion": 1 }))).await;
        assert_eq!((status, &refused["code"]), (409, &json!("duplicate_conversion")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_records_once() {
    on_each_database(async |app| {
        let request = || {
            let request = Request::post("/api/v1/conversiones").header("idempotency-key", "k-1");
            request.header("content-type", "application/json").body(a_sale().to_string().into()).unwrap()
        };
        let (_, _, first) = app.send(request()).await;
        let (_, headers, second) = app.send(request()).await;
        assert_eq!((first, headers["idempotent-replay"].to_str().unwrap()), (second, "true"));
        assert_eq!(app.events().await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_affiliate_that_is_about_to_be_known_is_waited_for() {
    on_each_database(async |app| {
        let sale = with(&a_sale(), &json!({ "afiliado_id": "af_late" }));
        let (asked, ()) = tokio::join!(app.record(&sale), async {
            app.learn(Told::Affiliate(an_affiliate("af_late", "default"))).await;
        });
        assert_eq!(asked.0, 201, "{}", asked.1);
        let (status, refused) = app.record(&with(&a_sale(), &json!({ "afiliado_id": "af_none" }))).await;
        assert_eq!((status, &refused["errors"][0]["code"]), (422, &json!("affiliate_not_found")));
        assert_eq!(refused["errors"][0]["pointer"], "/afiliado_id");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_conversion_of_a_batch_has_its_own_answer() {
    on_each_database(async |app| {
        let order = with(&a_sale(), &json!({ "referencia_externa": "pedido-1" }));
        let batch = json!({ "conversiones": [
            order, a_sale(), order, with(&order, &json!({ "valor_conversion": 7 })),
            with(&a_sale(), &json!({ "valor_conversión": 1 })), with(&a_sale(), &json!({ "afiliado_id": "af_jp" })), 7,
        ] });
        let (status, answer) = app.post("/api/v1/conversiones/lote", &batch).await;
        assert_eq!(status, 200, "{answer}");
        let results = answer["resultados"].as_array().unwrap();
        let states: Vec<_> = results.iter().map(|result| result["estado"].as_u64().unwrap()).collect();
        assert_eq!(states, [201, 201, 200, 409, 422, 422, 422]);
        assert_eq!(results[4]["problema"]["errors"][0]["pointer"], "/conversiones/4/valor_conversión");
        assert_eq!(results[5]["problema"]["errors"][0]["code"], "other_program");
        assert_eq!([&answer["registradas"], &answer["duplicadas"], &answer["rechazadas"]], [2, 1, 4]);
        assert_eq!(app.events().await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_takes_a_thousand_and_not_one_more() {
    on_each_database(async |app| {
        let batch = |count: usize| json!({ "conversiones": vec![a_sale(); count] });
        let (_, answer) = app.post("/api/v1/conversiones/lote", &batch(1_000)).await;
        assert_eq!(answer["registradas"], 1_000);
        let (status, refused) = app.post("/api/v1/conversiones/lote", &batch(1_001)).await;
        assert_eq!((status, &refused["errors"][0]["code"]), (422, &json!("wrong_length")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_conversions_keep_their_time_and_lists_both_orders() {
    on_each_database(async |app| {
        let at = |time: &str| with(&a_sale(), &json!({ "ocurrido_en": time }));
        let mut ids = Vec::new();
        for time in ["2025-01-10T00:00:00Z", "2024-12-01T00:00:00Z", "2025-01-14T00:00:00-05:00"] {
            ids.push(app.recorded(&at(time)).await);
            app.edge.advance(Duration::from_secs(1));
        }
        let listed = async |query: &str| -> Vec<String> {
            let (status, page) = app.get(&format!("/api/v1/conversiones?{query}")).await;
            assert_eq!(status, 200, "{page}");
            let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
            page["items"].as_array().unwrap().iter().map(id).collect()
        };
        assert_eq!(listed("sort=recorded_at").await, ids);
        assert_eq!(listed("sort=occurred_at").await, [&ids[1], &ids[0], &ids[2]].map(Clone::clone));
        assert_eq!(listed("desde=2025-01-10T00:00:00Z&hasta=2025-01-14T05:00:00Z").await, [ids[0].clone()]);
        assert_eq!(listed("afiliado_id=af_2").await, Vec::<String>::new());
        let (status, refused) = app.record(&at("2025-01-15T12:06:00Z")).await;
        assert_eq!((status, &refused["errors"][0]["code"]), (422, &json!("in_the_future")));
    })
    .await;
}
