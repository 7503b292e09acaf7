//! What partners show of themselves, and what it comes to.

use serde_json::{Value, json};

use crate::support::{a_document, a_partner, activated, on_each_database, with};

/// The checks that were passed, by their names.
fn passed(partner: &Value) -> Vec<(String, Value)> {
    let checks = partner["validation"]["checks"].as_array().unwrap();
    checks.iter().map(|check| (check["name"].as_str().unwrap().to_owned(), check["passed"].clone())).collect()
}

/// Accepts S2-ENU-2.
#[tokio::test(flavor = "multi_thread")]
async fn each_type_of_partner_is_asked_for_its_own_papers() {
    on_each_database(async |app| {
        for (kind, asked) in [
            ("INDIVIDUAL", vec!["identity", "contract"]),
            ("STARTUP", vec!["tax_id", "incorporation", "contract"]),
            ("EMPRESA", vec!["tax_id", "incorporation", "legal_representation", "contract"]),
        ] {
            let body = with(&a_partner(), &json!({ "partner_type": kind, "email": format!("{kind}@x.co") }));
            let id = app.registered(&body).await;
            let (_, validation) = app.get(&format!("/v1/partners/{id}/validation")).await;
            assert_eq!(validation["status"], "PENDING");
            let names: Vec<&Value> =
                validation["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
            assert_eq!(names, asked);
            assert!(validation["checks"].as_array().unwrap().iter().all(|check| check["passed"].is_null()));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_startup_is_complete_with_its_papers_and_its_contract() {
    on_each_database(async |app| {
        let body = with(
            &a_partner(),
            &json!({ "partner_type": "STARTUP", "documents": [a_document("TAX_ID", 'a')] }),
        );
        let id = app.registered(&body).await;
        let path = format!("/v1/partners/{id}/documents");
        let (status, added) = app.post(&path, &a_document("INCORPORATION", 'b')).await;
        assert_eq!((status, &added["revision"]), (201, &json!(2)), "{added}");
        let (status, refused) = app.post(&path, &a_document("INCORPORATION", 'b')).await;
        assert_eq!((status, &refused["code"]), (409, &json!("duplicate_document")));
        assert_eq!(refused["document_id"], added["documents"][1]["document_id"]);

        for document in added["documents"].as_array().unwrap() {
            let id = document["document_id"].as_str().unwrap();
            let (status, _) = app.post(&format!("{path}/{id}/verify"), &Value::Null).await;
            assert_eq!(status, 200);
            app.post(&format!("{path}/{id}/verify"), &Value::Null).await;
        }
        let partner = app.partner(&id).await;
        assert_eq!((&partner["validation_status"], &partner["revision"]), (&json!("PARTIAL"), &json!(4)));
        assert_eq!(partner["validation"]["checks"][0]["checked_by"], "ana");

        app.told(activated("c-1", &id)).await;
        let partner = app.partner(&id).await;
        assert_eq!(
            (&partner["validation_status"], &partner["status"]),
            (&json!("COMPLETE"), &json!("VALIDATED"))
        );

        let tax = added["documents"][0]["document_id"].as_str().unwrap();
        let why = json!({ "reason": "the number belongs to another company" });
        let (status, rejected) = app.post(&format!("{path}/{tax}/reject"), &why).await;
        assert_eq!((status, &rejected["validation_status"]), (200, &json!("PARTIAL")), "{rejected}");
        assert_eq!(passed(&rejected)[0], ("tax_id".to_owned(), json!(false)));
        let reason = rejected["validation"]["checks"][0]["reason"].as_str().unwrap();
        assert!(reason.ends_with("was rejected: the number belongs to another company"), "{reason}");
        let (status, refused) = app.post(&format!("{path}/{tax}/verify"), &Value::Null).await;
        assert_eq!((status, &refused["code"]), (409, &json!("document_decided")));

        let told = app.events_of("PartnerValidationCompleted").await;
        let statuses: Vec<&Value> = told.iter().map(|event| &event["validation_status"]).collect();
        assert_eq!(statuses, ["PARTIAL", "PARTIAL", "COMPLETE", "PARTIAL"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reasons_of_checks_are_told_in_spanish_to_those_who_ask_so() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let path = format!("/v1/partners/{id}/validation");
        let (_, validation) = app.ask("GET", &path, &[("accept-language", "es")], &Value::Null).await;
        assert_eq!(validation["checks"][0]["reason"], "no se añadió ningún documento del tipo TAX_ID");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_has_expired_cannot_be_verified() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let path = format!("/v1/partners/{id}/documents");
        let old = with(&a_document("TAX_ID", 'a'), &json!({ "expires_on": "2025-01-14" }));
        let (_, added) = app.post(&path, &old).await;
        let document = added["documents"][0]["document_id"].as_str().unwrap();
        let (status, refused) = app.post(&format!("{path}/{document}/verify"), &Value::Null).await;
        assert_eq!((status, &refused["code"]), (409, &json!("document_expired")), "{refused}");
    })
    .await;
}
