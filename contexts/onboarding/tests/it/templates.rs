//! Templates: there from the start, and superseded but never edited.

use serde_json::json;

use crate::support::{a_contract, on_each_database, with};

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_has_a_template_from_the_start_and_a_new_version_supersedes_it() {
    on_each_database(async |app| {
        let (_, page) = app.get("/v1/templates?limit=200").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 18);
        let (_, first) = app.get("/v1/templates/tpl_standard_empresa_v1").await;
        assert_eq!((&first["version"], &first["terms"]["duration_days"]), (&json!(1), &json!(365)));

        let old = app.drafted(&a_contract()).await;
        let next = json!({
            "contract_type": "STANDARD", "partner_type": "EMPRESA", "title": "Nuevo",
            "body": "Para {{business_name}}", "terms": with(&first["terms"], &json!({ "duration_days": 30 })),
        });
        let second = app.done("/v1/templates", &next).await;
        assert_eq!(
            (&second["template_id"], &second["version"]),
            (&json!("tpl_standard_empresa_v2"), &json!(2))
        );
        assert_eq!(second["created_by"], "ana");
        assert_eq!(app.get("/v1/templates/tpl_standard_empresa_v1").await.1, first);
        assert_eq!(app.contract(&old).await["template_id"], "tpl_standard_empresa_v1");

        let new = app.drafted(&with(&a_contract(), &json!({ "partner_id": "p-2" }))).await;
        let new = app.contract(&new).await;
        assert_eq!(
            (&new["template_id"], &new["terms"]["duration_days"]),
            (&json!("tpl_standard_empresa_v2"), &json!(30))
        );
        let (_, page) =
            app.get("/v1/templates?contract_type=STANDARD&partner_type=EMPRESA&language=es").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_has_versions_of_its_own_in_each_language() {
    on_each_database(async |app| {
        let (_, english) = app.get("/v1/templates/tpl_standard_empresa_en_v1").await;
        assert_eq!(
            (&english["language"], &english["title"]),
            (&json!("en"), &json!("Collaboration agreement STANDARD (EMPRESA)"))
        );
        let (_, spanish) = app.get("/v1/templates/tpl_standard_empresa_v1").await;
        assert_eq!((&spanish["language"], &spanish["terms"]), (&json!("es"), &english["terms"]));
        let next = json!({
            "contract_type": "STANDARD", "partner_type": "EMPRESA", "language": "en", "title": "Next",
            "body": "For {{business_name}}", "terms": english["terms"],
        });
        let second = app.done("/v1/templates", &next).await;
        assert_eq!(second["template_id"], "tpl_standard_empresa_en_v2");
        assert_eq!(app.get("/v1/templates/tpl_standard_empresa_en_v1").await.1, english);
        // The other language goes on with what it has.
        let id = app.drafted(&a_contract()).await;
        assert_eq!(app.contract(&id).await["template_id"], "tpl_standard_empresa_v1");
        let fields = json!({ "partner_id": "p-2", "template_id": "tpl_standard_empresa_en_v1" });
        let id = app.drafted(&with(&a_contract(), &fields)).await;
        assert_eq!(app.contract(&id).await["language"], "en");
        let fields =
            json!({ "partner_id": "p-3", "template_id": "tpl_standard_empresa_en_v1", "language": "es" });
        let (status, refused) = app.post("/v1/contracts", &with(&a_contract(), &fields)).await;
        let error = &refused["errors"][0];
        assert_eq!(
            (status.as_u16(), &error["pointer"], &error["code"]),
            (422, &json!("/language"), &json!("other_language"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_with_a_placeholder_that_nobody_fills_is_refused() {
    on_each_database(async |app| {
        let (_, first) = app.get("/v1/templates/tpl_premium_startup_v1").await;
        let body = json!({
            "contract_type": "PREMIUM", "partner_type": "STARTUP", "title": "x", "body": "{{nombre}}",
            "terms": first["terms"],
        });
        let (status, refused) = app.post("/v1/templates", &body).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["pointer"]), (422, &json!("/body")));
        assert_eq!(refused["errors"][0]["code"], "unknown_placeholder");
        let flat = json!({ "commission_structure": { "kind": "flat", "amount": 5, "currency": "EUR" } });
        let fields = json!({ "body": "x", "terms": with(&first["terms"], &flat) });
        let (status, refused) = app.post("/v1/templates", &with(&body, &fields)).await;
        let error = &refused["errors"][0];
        assert_eq!((status.as_u16(), &error["pointer"]), (422, &json!("/terms/payment_terms/currency")));
        let (status, refused) = app
            .post("/v1/contracts", &with(&a_contract(), &json!({ "template_id": "tpl_premium_startup_v1" })))
            .await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("other_template")));
    })
    .await;
}
