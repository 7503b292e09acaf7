//! Calculate, approve, ask; and all of it twice.

use std::time::Duration;

use hexalpes_commissions::domain::Program;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{a_conversion, on_each_database};

/// Accepts S3-API-1, S3-API-2, S3-API-3.
#[tokio::test(flavor = "multi_thread")]
async fn a_commission_is_calculated_approved_and_found() {
    on_each_database(async |app| {
        let (status, calculated) = app.calculate(&a_conversion("conv-1")).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(calculated["status"], "CALCULATED");
        assert_eq!(calculated["commissionAmount"].to_string(), "12.05");
        assert_eq!(calculated.get("duplicate"), None);
        let id = calculated["commissionId"].as_str().unwrap();

        let (status, approved) = app.approve(id).await;
        assert_eq!((status, &approved["status"]), (StatusCode::OK, &json!("APPROVED")));

        let (status, found) = app.by_conversion("conv-1").await;
        assert_eq!((status, &found), (StatusCode::OK, &approved));
        assert_eq!(found["approvedAt"], "2025-01-15T12:00:00Z");
        assert_eq!(found["explanation"]["inputs"]["rateSource"], "program");

        let events = app.events().await;
        let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
        let prefix = "com.hexabuilders.commissions.";
        assert_eq!(kinds, [format!("{prefix}CommissionCalculated"), format!("{prefix}CommissionApproved")]);
        for (_, data) in &events {
            assert_eq!(data["commission_id"], id);
            assert_eq!(data["commission_amount_minor"], 1205);
        }
    })
    .await;
}

/// Accepts G-3.
#[tokio::test(flavor = "multi_thread")]
async fn a_commission_is_answered_with_all_its_fields() {
    on_each_database(async |app| {
        app.calculate(&a_conversion("conv-1")).await;
        let (_, found) = app.by_conversion("conv-1").await;
        let expected = "commissionId conversionId affiliateId campaignId grossAmount currency rate \
                        commissionAmount status createdAt approvedAt paidAt explanation";
        for field in expected.split_whitespace() {
            assert!(found.get(field).is_some(), "{field}");
        }
        assert_eq!((&found["grossAmount"], &found["grossAmountMinor"]), (&json!(120.5), &json!(12050)));
        assert_eq!((&found["rate"], &found["paidAt"]), (&json!(10), &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_keep_their_letters() {
    on_each_database(async |app| {
        let mut conversion = a_conversion("Ñandú & Cía 📡");
        conversion["affiliateId"] = json!("Juan Pérez");
        let (status, _) = app.calculate(&conversion).await;
        assert_eq!(status, StatusCode::CREATED);
        let (status, found) = app.by_conversion("%C3%91and%C3%BA%20%26%20C%C3%ADa%20%F0%9F%93%A1").await;
        assert_eq!((status, &found["affiliateId"]), (StatusCode::OK, &json!("Juan Pérez")));
        assert_eq!(app.events().await[0].1["conversion_id"], "Ñandú & Cía 📡");
    })
    .await;
}

/// Accepts C-9.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_conversion_again_is_answered_with_the_commission_that_is_there() {
    on_each_database(async |app| {
        let (_, first) = app.calculate(&a_conversion("conv-1")).await;
        let same = r#"{"grossAmount":120.50,"rate":15,"conversionId":"conv-1","affiliateId":"aff-1","campaignId":"cmp-1"}"#;
        let (status, mut again) = app.post("/commissions/calculate", same).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(again.as_object_mut().unwrap().remove("duplicate"), Some(json!(true)));
        assert_eq!(again, first);
        assert_eq!((app.commissions().await, app.events().await.len()), (1, 1));
    })
    .await;
}

/// Accepts S3-API-4, C-9.
#[tokio::test(flavor = "multi_thread")]
async fn another_body_for_the_same_conversion_is_refused_and_told_the_commission() {
    on_each_database(async |app| {
        let (_, first) = app.calculate(&a_conversion("conv-1")).await;
        let others = [
            ("affiliateId", json!("aff-2")),
            ("campaignId", json!("cmp-2")),
            ("grossAmount", json!(120.51)),
            ("currency", json!("EUR")),
        ];
        for (field, value) in others {
            let mut other = a_conversion("conv-1");
            other[field] = value;
            let (status, problem) = app.calculate(&other).await;
            assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("duplicate_conversion")));
            assert_eq!(problem["vendorCode"], 1062);
            assert_eq!(problem["commissionId"], first["commissionId"]);
        }
        assert_eq!((app.commissions().await, app.events().await.len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_commission_and_one_event() {
    on_each_database(async |app| {
        let all = (0..64).map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.calculate(&a_conversion("conv-1")).await })
        });
        let answers: Vec<(StatusCode, Value)> =
            futures::future::join_all(all).await.into_iter().map(Result::unwrap).collect();
        let count = |wanted| answers.iter().filter(|(status, _)| *status == wanted).count();
        assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, 63), "{answers:?}");
        let id = &answers[0].1["commissionId"];
        assert!(answers.iter().all(|(_, body)| &body["commissionId"] == id));
        assert_eq!((app.commissions().await, app.events().await.len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_again_answers_the_same_and_emits_nothing() {
    on_each_database(async |app| {
        let (_, calculated) = app.calculate(&a_conversion("conv-1")).await;
        let id = calculated["commissionId"].as_str().unwrap();
        let first = app.approve(id).await;
        assert_eq!(app.approve(id).await, first);
        assert_eq!(app.events().await.len(), 2);
    })
    .await;
}

/// Accepts C-12.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_in_the_request_ranks_before_the_programs() {
    on_each_database(async |app| {
        let mut conversion = a_conversion("conv-1");
        conversion["rate"] = json!(15);
        let (_, calculated) = app.calculate(&conversion).await;
        // 120.50 × 15 % is a tie, and 18.08 is the even one.
        assert_eq!(calculated["commissionAmount"].to_string(), "18.08");
        assert_eq!(calculated["explanation"]["rounding"]["from"], "18.075");
        assert_eq!(calculated["explanation"]["inputs"]["rateSource"], "request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    on_each_database(async |app| {
        let too_long = app.by_conversion(&"x".repeat(65)).await;
        for (status, problem) in
            [app.approve("com_nobody").await, app.by_conversion("conv-9").await, too_long]
        {
            assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("commission_not_found")));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_the_same_idempotency_key_is_done_once() {
    on_each_database(async |app| {
        let send = async |body: Value| {
            let request = Request::post("/commissions/calculate")
                .header("content-type", "application/json")
                .header("idempotency-key", "key-1");
            app.send(request.body(body.to_string().into()).unwrap()).await
        };
        let first = send(a_conversion("conv-1")).await;
        assert_eq!(first.0, StatusCode::CREATED);
        assert_eq!(send(a_conversion("conv-1")).await, first);
        let (status, problem) = send(a_conversion("conv-2")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["code"], "idempotency_key_reused");
        assert_eq!(app.commissions().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_approved_is_a_conflict_that_says_why() {
    on_each_database(async |app| {
        let held = app.under(Program { hold: Some(Duration::from_hours(1)), ..Program::default() });
        let (_, calculated) = held.calculate(&a_conversion("conv-1")).await;
        assert_eq!(calculated["status"], "HELD");
        let id = calculated["commissionId"].as_str().unwrap();
        let (status, problem) = held.approve(id).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("commission_held")));
        assert_eq!(problem["heldUntil"], "2025-01-15T13:00:00Z");

        let reject = format!("/api/v1/comisiones/{id}/rechazar");
        app.post(&reject, json!({ "motivo": "fraud" }).to_string()).await;
        let (status, problem) = app.approve(id).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("commission_rejected")));
        assert_eq!(app.events().await.len(), 2);
    })
    .await;
}
