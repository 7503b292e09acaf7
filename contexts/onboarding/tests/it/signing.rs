//! Signatures: in order, once, in time, and of what was sent.

use std::time::Duration;

use hexalpes_db::{DbError, Row, Tx};
use sea_query::{Asterisk, Query};
use serde_json::{Value, json};

use crate::support::{a_contract, on_each_database, with};

#[tokio::test(flavor = "multi_thread")]
async fn signatories_sign_in_order_and_each_token_signs_once() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let [first, second] = app.sent(&id).await.try_into().unwrap();
        let path = format!("/v1/contracts/{id}/signatures");
        let (status, refused) = app.post(&path, &json!({ "token": second })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("not_your_turn")));
        assert_eq!(refused["position"], 1);
        let (status, refused) = app.post(&path, &json!({ "token": "sig_nadie" })).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("unknown_token")));
        let hash = app.contract(&id).await["document_hash"].clone();
        let (status, refused) =
            app.post(&path, &json!({ "token": first, "document_hash": "0".repeat(64) })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("other_document")));
        let sign = json!({ "token": first, "signed_as": "Ana Gómez", "document_hash": hash });
        assert_eq!(app.done(&path, &sign).await["status"], "SENT");
        let (status, refused) = app.post(&path, &sign).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("token_used")));
        let signed = app.done(&path, &json!({ "token": second })).await;
        assert_eq!(
            (&signed["status"], &signed["allowed"]),
            (&json!("SIGNED"), &json!(["activate", "terminate"]))
        );
        let (_, signatures) = app.get(&path).await;
        assert_eq!(signatures["signatories"][0]["signed_as"], "Ana Gómez");
        assert_eq!(signatures["signatories"][1]["signed_as"], "HexaBuilders");
        assert_eq!(app.kinds().await, ["ContractSigned"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_refused_and_renewed() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let [first, _] = app.sent(&id).await.try_into().unwrap();
        app.edge.advance(Duration::from_hours(14 * 24));
        let path = format!("/v1/contracts/{id}/signatures");
        let (status, refused) = app.post(&path, &json!({ "token": first })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("token_expired")));
        assert!(refused["detail"].as_str().unwrap().contains("POST …/tokens"), "{refused}");
        let renewed = app.done(&format!("/v1/contracts/{id}/tokens"), &json!({ "position": 1 })).await;
        let [token] = renewed["signing_tokens"].as_array().unwrap().as_slice() else { panic!("{renewed}") };
        let (status, refused) = app.post(&path, &json!({ "token": first })).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("unknown_token")));
        app.done(&path, &json!({ "token": token["token"] })).await;
        let (status, refused) =
            app.post(&format!("/v1/contracts/{id}/tokens"), &json!({ "position": 1 })).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("no_such_signatory")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_token_nothing_but_its_digest_is_kept() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let tokens = app.sent(&id).await;
        for table in ["contract", "contract_signatory", "contract_audit", "http_idempotency", "outbox_event"]
        {
            let select = Query::select().column(Asterisk).from(table).to_owned();
            let read = async move |tx: &Tx| -> Result<Vec<Row>, DbError> { tx.fetch_all(&select).await };
            let kept = format!("{:?}", app.db.read(read).await.unwrap());
            for token in &tokens {
                let bare = token.trim_start_matches("sig_");
                let bytes = format!("{:?}", bare.as_bytes());
                assert!(!kept.contains(bare) && !kept.contains(bytes.trim_matches(['[', ']'])), "{table}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_can_be_named_until_the_contract_is_sent() {
    on_each_database(async |app| {
        let names = json!({ "signatories": [
            { "name": "Uno", "email": "uno@x.co", "role": "COMPANY" },
            { "name": "Dos", "email": "dos@x.co", "role": "PARTNER" },
            { "name": "Tres", "email": "tres@x.co", "role": "PARTNER" },
        ] });
        let id = app.drafted(&with(&a_contract(), &names)).await;
        let one = json!({ "signatories": [{ "name": "Única", "email": "u@x.co", "role": "PARTNER" }] });
        let (status, changed) = app.patch(&format!("/v1/contracts/{id}"), &one).await;
        assert_eq!((status.as_u16(), changed["signatories"].as_array().unwrap().len()), (200, 1));
        let signed = app.signed(&id).await;
        assert_eq!(signed["status"], "SIGNED");
        let (status, _) = app.patch(&format!("/v1/contracts/{id}"), &names).await;
        assert_eq!(status.as_u16(), 409);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_sign_at_once_each_signs_once() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let [first, _] = app.sent(&id).await.try_into().unwrap();
        let path = format!("/v1/contracts/{id}/signatures");
        let body = json!({ "token": first });
        let answers = futures::future::join_all((0..8).map(|_| app.post(&path, &body))).await;
        let signed = answers.iter().filter(|(status, _)| status.is_success()).count();
        assert_eq!(signed, 1, "{answers:?}");
        let (_, audit) = app.get(&format!("/v1/contracts/{id}/audit")).await;
        let signatures = |entry: &&Value| entry["action"] == "signed_by";
        assert_eq!(audit["entries"].as_array().unwrap().iter().filter(signatures).count(), 1);
        assert_eq!(audit["verified"], true);
    })
    .await;
}
