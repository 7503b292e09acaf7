//! Who joins, what becomes of them, and how they are found.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{juan, on_each_database};

/// Accepts S4-API-1.
#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_affiliate_is_registered_found_and_told() {
    on_each_database(async |app| {
        let (status, made) = app.post("/api/v1/afiliados", &juan()).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with("af_"));
        assert_eq!((&made["nombre"], &made["estado"]), (&json!("Juan Pérez"), &json!("ACTIVO")));
        assert_eq!(made["comision_vigente"].to_string(), "20");
        assert_eq!(made["programa_id"], "default");
        assert_eq!(app.get(&format!("/api/v1/afiliados/{id}")).await, (StatusCode::OK, made.clone()));

        let events = app.events().await;
        let [(kind, told)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(kind, "AffiliateRegistered");
        assert_eq!((&told["affiliate_id"], &told["affiliate_type"]), (&json!(id), &json!("premium")));
        assert_eq!((&told["premium_rate"], &told["revision"]), (&json!(20), &json!(1)));
        assert!(!told.to_string().contains("juan@"), "e-mails stay here: {told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_belongs_to_one_affiliate_of_a_program_whatever_its_case() {
    on_each_database(async |app| {
        let first = app.registered(&juan()).await;
        let mut again = juan();
        again["email"] = json!("JUAN@Email.com");
        let (status, refused) = app.post("/api/v1/afiliados", &again).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("email_taken")));
        assert_eq!(refused["afiliado_id"], first.as_str());

        app.post("/api/v1/programas", &json!({ "programa_id": "zapatos", "nombre": "Zapatos" })).await;
        again["programa_id"] = json!("zapatos");
        app.registered(&again).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_that_register_at_once_with_one_email_are_one() {
    on_each_database(async |app| {
        let body = juan();
        let asked = (0..64).map(|_| app.post("/api/v1/afiliados", &body));
        let statuses: Vec<u16> = join_all(asked).await.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        // A server that had to let some try too often says so, and they may come again.
        assert!(statuses.iter().all(|status| [201, 409, 503].contains(status)), "{statuses:?}");
        assert_eq!(app.kinds().await, ["AffiliateRegistered"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_registers_once_and_is_answered_twice() {
    on_each_database(async |app| {
        let request = || {
            let request = Request::post("/api/v1/afiliados").header("idempotency-key", "k-1");
            request.header("content-type", "application/json").body(juan().to_string().into()).unwrap()
        };
        let first = app.send(request()).await;
        assert_eq!(first.0, StatusCode::CREATED);
        assert_eq!(app.send(request()).await, first);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_changed_from_now_on_and_what_held_before_stays_known() {
    on_each_database(async |app| {
        let id = app.registered(&juan()).await;
        let path = format!("/api/v1/afiliados/{id}");
        app.edge.advance(Duration::from_hours(1));
        let rates = json!({ "configuracion_comisiones": { "comision_base": 10, "comision_premium": 12.5 } });
        let (status, changed) = app.patch(&path, &rates).await;
        assert_eq!(status, StatusCode::OK, "{changed}");
        assert_eq!(changed["comision_vigente"].to_string(), "12.5");
        app.edge.advance(Duration::from_hours(1));
        let (_, renamed) = app.patch(&path, &json!({ "nombre": "Juan", "pais": "co" })).await;
        assert_eq!((&renamed["revision"], &renamed["pais"]), (&json!(3), &json!("CO")));
        app.patch(&path, &json!({ "nombre": "Juan" })).await;
        let (_, cleared) = app.patch(&path, &json!({ "pais": null })).await;
        assert_eq!((&cleared["revision"], &cleared["pais"]), (&json!(4), &Value::Null));

        let (_, history) = app.get(&format!("{path}/comisiones")).await;
        let held = |one: &Value| (one["vigente_desde"].clone(), one["comision_premium"].to_string());
        let history: Vec<_> = history.as_array().unwrap().iter().map(held).collect();
        assert_eq!(
            history,
            [
                (json!("2025-01-15T12:00:00Z"), "20".to_owned()),
                (json!("2025-01-15T13:00:00Z"), "12.5".to_owned())
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_affiliate_is_suspended_reactivated_and_terminated_for_good() {
    on_each_database(async |app| {
        let id = app.registered(&juan()).await;
        let path = |verb| format!("/api/v1/afiliados/{id}/{verb}");
        let reason = json!({ "motivo": "fraude" });
        let (_, suspended) = app.post(&path("suspender"), &reason).await;
        assert_eq!((&suspended["estado"], &suspended["motivo"]), (&json!("SUSPENDIDO"), &json!("fraude")));
        app.post(&path("suspender"), &reason).await;
        let (status, active) = app.post(&path("reactivar"), &Value::Null).await;
        assert_eq!((status, &active["estado"]), (StatusCode::OK, &json!("ACTIVO")));
        app.post(&path("terminar"), &reason).await;
        let (status, refused) = app.post(&path("reactivar"), &Value::Null).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("affiliate_terminated")));
        let told = ["AffiliateRegistered", "AffiliateSuspended", "AffiliateReactivated"];
        assert_eq!(app.kinds().await, [&told[..], &["AffiliateTerminated"]].concat());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_and_stay_in_order_while_others_join() {
    on_each_database(async |app| {
        let register = async |name: &str, kind: &str| {
            let body = json!({ "nombre": name, "email": format!("{name}@x.co"), "tipo_afiliado": kind });
            app.registered(&body).await
        };
        for index in 0..5 {
            register(&format!("a{index}"), if index % 2 == 0 { "premium" } else { "base" }).await;
        }
        let (_, narrowed) = app.get("/api/v1/afiliados?tipo_afiliado=base&estado=ACTIVO").await;
        assert_eq!(narrowed["items"].as_array().unwrap().len(), 2);

        let mut seen = BTreeSet::new();
        let mut path = "/api/v1/afiliados?limit=2&sort=created_at".to_owned();
        loop {
            let (status, page) = app.get(&path).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            for item in page["items"].as_array().unwrap() {
                assert!(seen.insert(item["email"].as_str().unwrap().to_owned()), "twice: {item}");
            }
            register(&format!("late{}", seen.len()), "base").await;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            if seen.len() > 20 {
                break;
            }
            path = format!("/api/v1/afiliados?limit=2&sort=created_at&cursor={cursor}");
        }
        for index in 0..5 {
            assert!(seen.contains(&format!("a{index}@x.co")), "{seen:?}");
        }
        let request = Request::get("/api/v1/afiliados?limit=1").header("accept", "text/csv");
        let (_, csv) = app.send(request.body("".into()).unwrap()).await;
        assert!(csv.as_str().unwrap().starts_with("id,programa_id,nombre,email,tipo_afiliado,"), "{csv}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_through_the_conversions_service_and_is_told() {
    on_each_database(async |app| {
        let id = app.registered(&juan()).await;
        let path = format!("/api/v1/afiliados/{id}/enlaces");
        let body = json!({ "destino": "https://example.com/zapatos", "campana_id": "camp-1" });
        let (status, link) = app.post(&path, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{link}");
        let slug = link["codigo_enlace"].as_str().unwrap();
        assert_eq!(link["url"], format!("http://127.0.0.1:8002/r/{slug}"));
        let (_, links) = app.get(&path).await;
        assert_eq!(links["items"], json!([link]));
        let (kind, told) = app.events().await.pop().unwrap();
        assert_eq!((kind.as_str(), &told["slug"]), ("LinkCreated", &json!(slug)));
        let (status, refused) = app.post(&path, &json!({ "destino": "javascript:alert(1)" })).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/destino"))
        );
    })
    .await;
}
