//! Commissions in the words of seed 4, what can be done with them, and the books that tell the same.

use std::time::Duration;

use hexalpes_commissions::domain::Program;
use hexalpes_commissions::{MIGRATIONS, queries};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use http::{Request, StatusCode};
use sea_query::Query;
use serde_json::{Value, json};

use crate::support::{TestApp, a_conversion, on_each_database};

async fn commission(app: &TestApp, conversion: &str) -> String {
    let (_, calculated) = app.calculate(&a_conversion(conversion)).await;
    calculated["commissionId"].as_str().unwrap().to_owned()
}

async fn get(app: &TestApp, path: &str) -> Value {
    let (status, found) = app.send(Request::get(path).body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {found}");
    found
}

async fn does(app: &TestApp, id: &str, verb: &str, body: &Value) -> (StatusCode, Value) {
    app.post(&format!("/api/v1/comisiones/{id}/{verb}"), body.to_string()).await
}

async fn balance(app: &TestApp) -> Value {
    get(app, "/v1/balances?affiliateId=aff-1").await["items"][0]["balances"][0].clone()
}

fn bare(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.rsplit('.').next().unwrap()).collect()
}

/// Accepts G-4, G-5, G-7.
#[tokio::test(flavor = "multi_thread")]
async fn a_commission_is_held_released_approved_and_reversed_and_each_is_booked_and_told() {
    on_each_database(async |app| {
        let id = commission(&app, "conv-1").await;
        assert_eq!(balance(&app).await["pendingMinor"], 1205);
        let (status, held) = does(&app, &id, "retener", &json!({ "motivo": "en revisión" })).await;
        assert_eq!(
            (status, &held["estado"], &held["retenida_hasta"]),
            (StatusCode::OK, &json!("HELD"), &Value::Null)
        );
        assert_eq!(balance(&app).await["heldMinor"], 1205);
        let (status, problem) = does(&app, &id, "aprobar", &json!({})).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("commission_held")));
        does(&app, &id, "liberar", &json!({})).await;
        let (_, approved) = does(&app, &id, "aprobar", &json!({})).await;
        assert_eq!((&approved["estado"], &approved["monto"]), (&json!("APPROVED"), &json!(12.05)));
        assert_eq!(balance(&app).await["payable"].to_string(), "12.05");
        let (status, problem) = does(&app, &id, "rechazar", &json!({ "motivo": "no" })).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("commission_approved")));
        let (_, reversed) = does(&app, &id, "revertir", &json!({ "motivo": "el pedido era falso" })).await;
        assert_eq!((&reversed["estado"], &reversed["monto_neto_minor"]), (&json!("REVERSED"), &json!(0)));
        // Again is no news.
        let (status, again) = does(&app, &id, "revertir", &json!({ "motivo": "otra vez" })).await;
        assert_eq!((status, &again["motivo"]), (StatusCode::OK, &json!("el pedido era falso")));

        let events = app.events().await;
        assert_eq!(
            bare(&events),
            [
                "CommissionCalculated",
                "CommissionHeld",
                "CommissionReleased",
                "CommissionApproved",
                "CommissionReversed"
            ]
        );
        let history = get(&app, &format!("/api/v1/comisiones/{id}/historial")).await;
        let verbs: Vec<&str> =
            history.as_array().unwrap().iter().map(|one| one["accion"].as_str().unwrap()).collect();
        assert_eq!(verbs, ["calculate", "hold", "release", "approve", "reverse"]);
        assert_eq!(
            (&history[1]["motivo"], &history[1]["actor"]),
            (&json!("en revisión"), &json!("anonymous"))
        );

        let journal = get(&app, &format!("/v1/journal?commissionId={id}&sort=seq")).await;
        let entries = journal["items"].as_array().unwrap();
        assert_eq!(entries.len(), 10);
        assert_eq!(entries.iter().map(|one| one["amountMinor"].as_i64().unwrap()).sum::<i64>(), 0);
        assert_eq!(
            (&entries[0]["account"], &entries[0]["kind"]),
            (&json!("program:expense"), &json!("calculate"))
        );
        let all = ["pendingMinor", "heldMinor", "payableMinor", "inFlightMinor", "receivableMinor"];
        let after = balance(&app).await;
        assert!(all.iter().all(|bucket| after[*bucket] == 0), "{after}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_commission_owes_nothing_and_says_why() {
    on_each_database(async |app| {
        let id = commission(&app, "conv-1").await;
        let (status, problem) = does(&app, &id, "rechazar", &json!({})).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/motivo"))
        );
        let (_, rejected) = does(&app, &id, "rechazar", &json!({ "motivo": "fraude" })).await;
        assert_eq!((&rejected["estado"], &rejected["motivo"]), (&json!("REJECTED"), &json!("fraude")));
        assert_eq!(balance(&app).await["pendingMinor"], 0);
        let (status, problem) = does(&app, "com_none", "rechazar", &json!({ "motivo": "fraude" })).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("commission_not_found")));
        let (status, problem) = does(&app, &id, "recuperar", &json!({ "motivo": "x", "monto": 1.005 })).await;
        assert_eq!(
            (status, &problem["errors"][0]["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("too_precise"))
        );
    })
    .await;
}

/// Accepts G-7.
#[tokio::test(flavor = "multi_thread")]
async fn commissions_are_listed_narrowed_and_sorted() {
    on_each_database(async |app| {
        for (number, gross) in [(1, 30), (2, 10), (3, 20)] {
            let mut conversion = a_conversion(&format!("conv-{number}"));
            conversion["grossAmount"] = json!(gross);
            conversion["affiliateId"] = json!(format!("aff-{}", number % 2));
            app.calculate(&conversion).await;
        }
        let conversions = |page: &Value| -> Vec<String> {
            let items = page["items"].as_array().unwrap();
            items.iter().map(|one| one["conversion_id"].as_str().unwrap().to_owned()).collect()
        };
        let first = get(&app, "/api/v1/comisiones?sort=amount&limit=2").await;
        assert_eq!(conversions(&first), ["conv-2", "conv-3"]);
        let next = first["next_cursor"].as_str().unwrap();
        let second = get(&app, &format!("/api/v1/comisiones?sort=amount&limit=2&cursor={next}")).await;
        assert_eq!((conversions(&second), &second["next_cursor"]), (vec!["conv-1".to_owned()], &Value::Null));
        let newest = get(&app, "/api/v1/comisiones?afiliado_id=aff-1").await;
        assert_eq!(conversions(&newest), ["conv-3", "conv-1"]);
        for (query, count) in [
            ("estado=CALCULATED&moneda=USD&programa_id=default", 3),
            ("estado=PAID", 0),
            ("conversion_id=conv-2", 1),
            ("desde=2025-01-15T12:00:00Z", 3),
            ("hasta=2025-01-15T12:00:00Z", 0),
        ] {
            assert_eq!(
                get(&app, &format!("/api/v1/comisiones?{query}")).await["items"].as_array().unwrap().len(),
                count
            );
        }
        let id = first["items"][0]["id"].as_str().unwrap();
        let one = get(&app, &format!("/api/v1/comisiones/{id}")).await;
        assert_eq!((&one["monto"], &one["estado"]), (&json!(1), &json!("CALCULATED")));
        let path = "/api/v1/comisiones?estado=GONE";
        let (status, problem) = app.send(Request::get(path).body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_query")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trial_balance_is_balanced_at_any_time() {
    on_each_database(async |app| {
        let id = commission(&app, "conv-1").await;
        does(&app, &id, "aprobar", &json!({})).await;
        let trial = get(&app, "/v1/trial-balance").await;
        let usd = &trial["currencies"][0];
        assert_eq!(
            (&usd["debitMinor"], &usd["creditMinor"], &usd["isBalanced"]),
            (&json!(1205), &json!(1205), &json!(true))
        );
        let accounts: Vec<&str> =
            usd["accounts"].as_array().unwrap().iter().map(|one| one["account"].as_str().unwrap()).collect();
        assert_eq!(accounts, ["program:expense", "partner:*:payable", "partner:*:pending"]);
        let before = get(&app, "/v1/trial-balance?asOf=2025-01-15T11:59:59Z").await;
        assert_eq!(before["currencies"], json!([]));
        let then = get(&app, "/v1/balances?affiliateId=aff-1&asOf=2025-01-15T11:59:59Z").await;
        assert_eq!(then["items"][0]["balances"][0]["payableMinor"], 0);
        let all = get(&app, "/v1/balances").await;
        assert_eq!((&all["items"][0]["affiliateId"], &all["next_cursor"]), (&json!("aff-1"), &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_by_itself() {
    on_each_database(async |app| {
        let held = app.under(Program { hold: Some(Duration::from_hours(1)), ..Program::default() });
        let id = commission(&held, "conv-1").await;
        assert_eq!(app.sweep().await.released, 0);
        app.edge.advance(Duration::from_hours(1));
        assert_eq!(app.sweep().await.released, 1);
        assert_eq!(get(&app, &format!("/api/v1/comisiones/{id}")).await["estado"], "CALCULATED");
        let until = json!({ "hasta": "2025-01-16T12:00:00Z" });
        does(&app, &id, "aprobar", &json!({})).await;
        does(&app, &id, "retener", &until).await;
        app.edge.advance(Duration::from_hours(24));
        assert_eq!(app.sweep().await.released, 1);
        // It was approved before it was held.
        assert_eq!(get(&app, &format!("/api/v1/comisiones/{id}")).await["estado"], "APPROVED");
        assert_eq!(balance(&app).await["payableMinor"], 1205);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commissions_that_are_older_than_the_journal_are_in_it() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(&MIGRATIONS[..1]).await.unwrap();
        let columns = [
            "id",
            "tenant",
            "conversion_id",
            "rule_slot",
            "affiliate_id",
            "gross_minor",
            "commission_minor",
            "currency",
            "rate_percent",
            "explanation",
            "status",
            "held_until",
            "created_at",
            "approved_at",
        ];
        let mut insert = Query::insert().into_table("commission").columns(columns).to_owned();
        for (id, status, held, approved) in [
            ("com_1", "CALCULATED", None, None),
            ("com_2", "HELD", Some(9_i64), None),
            ("com_3", "APPROVED", None, Some(7_i64)),
        ] {
            insert.values_panic([
                id.into(),
                "default".into(),
                id.into(),
                "default".into(),
                "af_1".into(),
                1000_i64.into(),
                100_i64.into(),
                "USD".into(),
                "10".into(),
                "{}".into(),
                status.into(),
                held.into(),
                5_i64.into(),
                approved.into(),
            ]);
        }
        let old = insert.clone();
        db.write(async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&old).await }).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let trial = db.read(async |tx: &Tx| queries::trial_balance(tx, None).await).await.unwrap();
        let told: Vec<(&str, i64)> =
            trial.iter().map(|line| (line.kind.as_str(), line.balance.minor())).collect();
        assert_eq!(told, [("expense", 300), ("held", -100), ("payable", -100), ("pending", -100)]);
        db.close().await;
    }
}

/// Accepts S4-API-4.
#[tokio::test(flavor = "multi_thread")]
async fn both_faces_tell_what_they_take() {
    on_each_database(async |app| {
        let [seed, api] = app.documents().await;
        let paths = |document: &Value| document["paths"].as_object().unwrap().len();
        // Those of the service itself are two.
        assert_eq!(paths(&seed), 5 + 2);
        assert!(paths(&api) > 20, "{}", paths(&api));
        let list = &api["paths"]["/api/v1/comisiones"]["get"];
        let page = &list["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let name = page.as_str().unwrap().strip_prefix("#/components/schemas/").unwrap();
        assert!(api["components"]["schemas"][name]["properties"]["next_cursor"].is_object(), "{name}");
        // Whatever is named is there.
        for document in [&seed, &api] {
            let text = document.to_string();
            for part in text.split("\"#/components/schemas/").skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(document["components"]["schemas"][name].is_object(), "{name}");
            }
        }
    })
    .await;
}
