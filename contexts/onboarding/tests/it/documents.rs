//! What a contract says, frozen when it is sent; and the trail of what was done with it.

use axum::body::Body;
use hexalpes_db::{DbError, Tx};
use http::Request;
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};

use crate::support::{Reply, TestApp, a_contract, on_each_database, with};

async fn document(app: &TestApp, id: &str, query: &str, accept: &str) -> Reply {
    let request = Request::get(format!("/v1/contracts/{id}/document{query}")).header("accept", accept);
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_html_pdf_or_text_and_its_digest_is_that_of_the_html() {
    on_each_database(async |app| {
        let dated = json!({ "effective_date": "2025-02-01", "business_name": "Ñandú & <Cía>" });
        let id = app.drafted(&with(&a_contract(), &dated)).await;
        let draft = document(&app, &id, "", "*/*").await;
        assert!(String::from_utf8_lossy(&draft.bytes).contains("BORRADOR"));
        app.sent(&id).await;
        let html = document(&app, &id, "", "text/html").await;
        assert_eq!(&html.headers["content-type"], "text/html; charset=utf-8");
        let text = String::from_utf8(html.bytes.clone()).unwrap();
        assert!(text.contains("Ñandú &amp; &lt;Cía&gt; (EMPRESA"), "{text}");
        assert!(text.contains("desde 2025-02-01 hasta 2026-02-01 (365 días)"), "{text}");
        assert!(text.contains("10 % del importe de cada conversión") && !text.contains("{{"), "{text}");
        let hash = app.contract(&id).await["document_hash"].clone();
        assert_eq!(hexalpes_http::digest(&html.bytes), hash.as_str().unwrap());

        let pdf = document(&app, &id, "?format=pdf", "text/html").await;
        assert_eq!(&pdf.headers["content-type"], "application/pdf");
        assert!(pdf.bytes.starts_with(b"%PDF-1."));
        let pdf = document(&app, &id, "", "Application/PDF;q=0.9, text/html").await;
        assert_eq!(&pdf.headers["content-type"], "application/pdf");
        let holds = |wanted: &str| pdf.bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes());
        assert!(holds(hash.as_str().unwrap()));
        let plain = document(&app, &id, "", "text/plain").await;
        assert!(String::from_utf8_lossy(&plain.bytes).starts_with(&format!("Contrato n.º {id}")));
        let refused = document(&app, &id, "?format=doc", "*/*").await;
        assert_eq!(refused.status.as_u16(), 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_in_its_language_as_a_page_as_a_pdf_and_when_it_is_renewed() {
    on_each_database(async |app| {
        let fields =
            json!({ "language": "en", "contract_type": "ENTERPRISE", "effective_date": "2025-01-10" });
        let id = app.drafted(&with(&a_contract(), &fields)).await;
        let draft = String::from_utf8(document(&app, &id, "", "text/html").await.bytes).unwrap();
        assert!(
            draft.contains("<html lang=\"en\">") && draft.contains("DRAFT: Collaboration agreement"),
            "{draft}"
        );
        app.sent(&id).await;
        let page = String::from_utf8(document(&app, &id, "", "text/html").await.bytes).unwrap();
        for sentence in [
            "<html lang=\"en\">",
            "The agreement is in force from 2025-01-10 until 2027-01-10 (730 days).",
            "100 campaigns at a time",
            "Support 24x7; response within 4 h, resolution within 24 h; monthly availability of 99.9 %",
            "by tiers of what is sold per month (each tier for what lies in it): from 0 USD: 15 %",
            "in USD, every week, by bank transfer, after 7 days on hold, due after 7 days",
            "for the partner",
        ] {
            assert!(page.contains(sentence), "{sentence} is not in {page}");
        }
        assert!(!page.contains("{{") && !page.contains("días"), "{page}");
        let pdf = document(&app, &id, "?format=pdf", "*/*").await.bytes;
        let holds = |wanted: &str| pdf.windows(wanted.len()).any(|part| part == wanted.as_bytes());
        assert!(holds("/Lang (en)") && holds("1. PARTIES"));

        let other = app.active(&with(&a_contract(), &json!({ "partner_id": "p-2", "language": "en" }))).await;
        let renewal =
            app.done(&format!("/v1/contracts/{other}/renew"), &json!({ "contract_type": "PREMIUM" })).await;
        assert_eq!(
            (&renewal["language"], &renewal["template_id"]),
            (&json!("en"), &json!("tpl_premium_empresa_en_v1"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_stays_as_it_was_when_its_template_gets_another_version() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        app.sent(&id).await;
        let before = document(&app, &id, "", "text/html").await.bytes;
        let (_, first) = app.get("/v1/templates/tpl_standard_empresa_v1").await;
        let next = json!({
            "contract_type": "STANDARD", "partner_type": "EMPRESA", "title": "Otro", "body": "Otro",
            "terms": first["terms"],
        });
        app.done("/v1/templates", &next).await;
        assert_eq!(document(&app, &id, "", "text/html").await.bytes, before);
    })
    .await;
}

async fn audit(app: &TestApp, id: &str) -> Value {
    app.get(&format!("/v1/contracts/{id}/audit")).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_tells_who_did_what_and_a_row_that_was_changed_is_found() {
    on_each_database(async |app| {
        let id = app.active(&a_contract()).await;
        let trail = audit(&app, &id).await;
        let actions: Vec<&str> = trail["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["action"].as_str().unwrap())
            .collect();
        assert_eq!(actions, ["drafted", "sent", "signed_by", "signed_by", "signed", "activated"]);
        assert_eq!((&trail["verified"], &trail["fault"]), (&json!(true), &Value::Null));
        assert_eq!(trail["entries"][1]["details"]["document_hash"], app.contract(&id).await["document_hash"]);
        assert_eq!(trail["entries"][5]["hash"], trail["head_hash"]);

        let change = |column: &'static str, number: i64, value: Expr| {
            let of = Expr::col("contract_id").eq(id.as_str()).and(Expr::col("number").eq(number));
            Query::update().table("contract_audit").value(column, value).and_where(of).to_owned()
        };
        let update = change("details", 4, Expr::val("{\"position\":1}"));
        app.db.write(async move |tx: &Tx| tx.execute(&update).await).await.unwrap();
        let trail = audit(&app, &id).await;
        assert_eq!(trail["verified"], false);
        assert_eq!(trail["fault"], "entry 4 is not what it was when it was written");

        let of = Expr::col("contract_id").eq(id.as_str()).and(Expr::col("number").gte(4_i64));
        let delete = Query::delete().from_table("contract_audit").and_where(of).to_owned();
        let delete = async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&delete).await };
        assert_eq!(app.db.write(delete).await.unwrap(), 3);
        assert_eq!(audit(&app, &id).await["fault"], "the trail has 3 entries, and the contract knows of 6");
    })
    .await;
}
