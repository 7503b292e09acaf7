//! What time itself brings about.

use std::time::Duration;

use hexalpes_partner_management::Swept;
use serde_json::{Value, json};

use crate::recruitment::completed;
use crate::support::{a_document, a_partner, a_request, on_each_database, with};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_requests_end_with_their_time() {
    on_each_database(async |app| {
        let person = with(&a_partner(), &json!({ "partner_type": "INDIVIDUAL" }));
        let id = app.validated(&person).await;
        let paper = with(&a_document("IDENTITY", 'a'), &json!({ "expires_on": "2025-01-20" }));
        let (_, added) = app.post(&format!("/v1/partners/{id}/documents"), &paper).await;
        let document = added["documents"][0]["document_id"].as_str().unwrap();
        let verify = format!("/v1/partners/{id}/documents/{document}/verify");
        assert_eq!(app.post(&verify, &Value::Null).await.1["validation_status"], "COMPLETE");
        let soon = with(&a_request(), &json!({ "hiring_timeline": { "max_days": 7 } }));
        let requests = format!("/v1/partners/{id}/recruitment-requests");
        app.post(&requests, &soon).await;
        assert_eq!(app.swept().await, Swept::default());

        app.edge.advance(6 * DAY);
        let swept = app.swept().await;
        assert_eq!((swept.documents, swept.requests), (1, 0));
        let partner = app.partner(&id).await;
        assert_eq!(
            (&partner["validation_status"], &partner["status"]),
            (&json!("PARTIAL"), &json!("VALIDATED"))
        );
        assert_eq!(partner["documents"][0]["status"], "EXPIRED");
        let told = app.events_of("PartnerValidationCompleted").await.pop().unwrap();
        assert_eq!(
            (&told["validation_status"], &told["validated_by"]),
            (&json!("PARTIAL"), &json!("system"))
        );

        app.edge.advance(2 * DAY);
        assert_eq!(app.swept().await.requests, 1);
        let (_, list) = app.get(&format!("{requests}?status=EXPIRED")).await;
        let [request] = list["items"].as_array().unwrap().as_slice() else { panic!("{list}") };
        assert_eq!(app.swept().await, Swept::default());
        // Whoever looks for people is told, and ends it too; that does not make it another end.
        let [told] = app.events_of("RecruitmentExpired").await.try_into().unwrap();
        let expected = json!({
            "request_id": request["request_id"], "partner_id": id, "expired_at": request["expires_at"], "revision": 2,
        });
        assert_eq!(told, expected);
        let request = request["request_id"].as_str().unwrap();
        app.told(completed(&id, request, "CLOSED")).await;
        assert_eq!(app.get(&format!("{requests}/{request}")).await.1["status"], "EXPIRED");
        assert_eq!(app.metrics(&id).await["recruitment_requests"]["expired"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_each_partner_are_told_once_a_day() {
    on_each_database(async |app| {
        for index in 0..3 {
            app.registered(&with(&a_partner(), &json!({ "email": format!("p{index}@x.co") }))).await;
        }
        let ended = app.registered(&with(&a_partner(), &json!({ "email": "over@x.co" }))).await;
        app.post(&format!("/v1/partners/{ended}/terminate"), &json!({ "reason": "over" })).await;
        assert_eq!(app.swept().await.snapshots, 0);
        for day in 1..3 {
            app.edge.advance(DAY);
            assert_eq!(app.swept().await.snapshots, 3);
            assert_eq!(app.swept().await.snapshots, 0);
            let told = app.events_of("PartnerMetricsSnapshot").await;
            let daily: Vec<&Value> = told.iter().filter(|event| event["trigger"] == "DAILY").collect();
            assert_eq!(daily.len(), 3 * day);
            assert!(daily[3 * day - 3..].iter().all(|event| event["revision"] == json!(day)));
        }
    })
    .await;
}
