//! A contract from its draft to its end.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{a_contract, on_each_database, with};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_drafted_with_the_terms_of_its_template_and_those_who_sign() {
    on_each_database(async |app| {
        let contract = app.done("/v1/contracts", &a_contract()).await;
        assert_eq!((&contract["status"], &contract["revision"]), (&json!("DRAFT"), &json!(1)));
        assert_eq!(contract["allowed"], json!(["change", "negotiate", "send", "terminate"]));
        let terms = &contract["terms"];
        assert_eq!(terms["campaign_permissions"], json!(["AFFILIATE", "EMAIL", "SOCIAL"]));
        assert_eq!(terms["commission_structure"], json!({ "kind": "percentage", "rate": 10 }));
        assert_eq!(terms["budget_limits"]["max_total_budget_minor"], 5_000_000);
        assert_eq!(terms["payment_terms"]["hold_days"], 30);
        let names: Vec<&Value> =
            contract["signatories"].as_array().unwrap().iter().map(|one| &one["email"]).collect();
        assert_eq!(names, ["contact@techsolutions.com", "contratos@hexabuilders.com"]);
        let id = contract["contract_id"].as_str().unwrap();
        assert_eq!(app.contract(id).await, contract);
        assert!(app.events().await.is_empty(), "a draft is nobody else's business");
    })
    .await;
}

/// Accepts C-30.
#[tokio::test(flavor = "multi_thread")]
async fn a_partner_has_one_open_contract_and_may_have_another_once_it_is_active() {
    on_each_database(async |app| {
        let first = app.drafted(&a_contract()).await;
        let (status, refused) = app.post("/v1/contracts", &a_contract()).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("open_contract")));
        assert_eq!(refused["contract_id"], first);
        app.signed(&first).await;
        app.done(&format!("/v1/contracts/{first}/activate"), &json!({})).await;
        let premium = with(&a_contract(), &json!({ "contract_type": "PREMIUM" }));
        app.drafted(&premium).await;
        let (_, page) = app.get("/v1/contracts?partner_id=550e8400-e29b-41d4-a716-446655440000").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        let (_, page) = app.get("/v1/contracts?status=ACTIVE&contract_type=STANDARD").await;
        assert_eq!(page["items"][0]["contract_id"], first);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_each_contract_with_its_own_signatories_and_proposal() {
    on_each_database(async |app| {
        let mut drafted = Vec::new();
        for number in 0..3_i64 {
            let other = json!({
                "partner_id": format!("550e8400-e29b-41d4-a716-44665544000{number}"),
                "email": format!("p{number}@x.co"),
            });
            let id = app.drafted(&with(&a_contract(), &other)).await;
            // Of one nothing is proposed, of another twice.
            for round in 0..number {
                let terms = json!({ "duration_days": 100 + 10 * number + round });
                let proposal = json!({ "action": "propose", "party": "PARTNER", "terms": terms });
                app.done(&format!("/v1/contracts/{id}/negotiation"), &proposal).await;
            }
            drafted.push(app.contract(&id).await);
            app.edge.advance(DAY);
        }
        let (_, page) = app.get("/v1/contracts?sort=created_at").await;
        assert_eq!(page["items"], json!(drafted));
        let open: Vec<&Value> = drafted.iter().map(|contract| &contract["open_proposal"]).collect();
        assert_eq!(open, [&Value::Null, &json!(1), &json!(2)]);
        let (_, none) = app.get("/v1/contracts?status=EXPIRED").await;
        assert_eq!(none["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_are_proposed_by_one_side_and_accepted_by_the_other() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let path = format!("/v1/contracts/{id}/negotiation");
        let structure = json!({
            "kind": "tiered", "currency": "USD", "mode": "marginal", "period": "month",
            "tiers": [{ "from": 0, "rate": 12.5 }, { "from": 1000.50, "rate": 15 }],
        });
        let propose = json!({
            "action": "propose", "party": "PARTNER", "note": "más por volumen",
            "terms": { "commission_structure": structure },
        });
        let in_pounds = json!({ "currency": "GBP", "hold_days": 1, "net_days": 1, "method": "file", "frequency": "WEEKLY" });
        let mut unkept = propose.clone();
        unkept["terms"]["payment_terms"] = in_pounds;
        let (status, refused) = app.post(&path, &unkept).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("other_currency")));
        let after = app.done(&path, &propose).await;
        assert_eq!((&after["status"], &after["open_proposal"]), (&json!("NEGOTIATION"), &json!(1)));
        assert_eq!(after["terms"]["commission_structure"]["kind"], "percentage", "it is not agreed yet");

        let (status, refused) = app.post(&format!("/v1/contracts/{id}/send"), &json!({})).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("open_proposal")));
        let (status, refused) = app.post(&path, &json!({ "action": "accept", "party": "PARTNER" })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("own_proposal")));

        let counter = json!({
            "action": "propose", "party": "COMPANY", "terms": { "duration_days": 90 },
        });
        app.done(&path, &counter).await;
        let agreed = app.done(&path, &json!({ "action": "accept", "party": "PARTNER" })).await;
        assert_eq!(agreed["terms"]["duration_days"], 90);
        assert_eq!(agreed["terms"]["commission_structure"]["tiers"][1]["from_minor"], 100_050);
        let (_, proposals) = app.get(&path).await;
        let outcomes: Vec<&Value> = proposals.as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
        assert_eq!(outcomes, ["SUPERSEDED", "ACCEPTED"]);
        assert_eq!(proposals[1]["accepted_by"], json!(["COMPANY", "PARTNER"]));
        assert_eq!(
            (&proposals[0]["actor"], &proposals[0]["note"]),
            (&json!("ana"), &json!("más por volumen"))
        );
        let (status, refused) = app.post(&path, &json!({ "action": "reject", "party": "PARTNER" })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("nothing_proposed")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_seen_the_newest_revision_changes_nothing() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let change = |tag: &str, name: &str| {
            Request::patch(format!("/v1/contracts/{id}"))
                .header("content-type", "application/json")
                .header("if-match", tag)
                .body(Body::from(json!({ "business_name": name }).to_string()))
                .unwrap()
        };
        let changed = app.send(change("\"1\"", "Otra")).await;
        assert_eq!((changed.status.as_u16(), &changed.headers["etag"]), (200, &"\"2\"".parse().unwrap()));
        let refused = app.send(change("\"1\"", "Tercera")).await;
        assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(app.contract(&id).await["business_name"], "Otra");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_says_what_is() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        let (status, refused) = app.post(&format!("/v1/contracts/{id}/activate"), &json!({})).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("not_allowed")));
        assert_eq!(refused["status"], 409);
        assert_eq!(refused["contract_status"], "DRAFT");
        assert_eq!(refused["allowed"], json!(["change", "negotiate", "send", "terminate"]));
        app.done(&format!("/v1/contracts/{id}/terminate"), &json!({ "reason": "no sigue" })).await;
        let again =
            app.done(&format!("/v1/contracts/{id}/terminate"), &json!({ "reason": "otra vez" })).await;
        assert_eq!((&again["reason"], &again["revision"]), (&json!("no sigue"), &json!(2)));
        let (status, refused) =
            app.patch(&format!("/v1/contracts/{id}"), &json!({ "email": "a@b.co" })).await;
        assert_eq!((status.as_u16(), &refused["allowed"]), (409, &json!([])));
        let (status, _) = app.get("/v1/contracts/nadie").await;
        assert_eq!(status.as_u16(), 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_takes_the_place_of_its_predecessor_when_it_is_activated() {
    on_each_database(async |app| {
        let old = app.active(&a_contract()).await;
        let terms = json!({ "terms": { "commission_structure": { "kind": "percentage", "rate": 12 } } });
        let new = app.done(&format!("/v1/contracts/{old}/renew"), &terms).await;
        let id = new["contract_id"].as_str().unwrap().to_owned();
        assert_eq!((&new["renews"], &new["origin"]), (&json!(old), &json!("RENEWAL")));
        assert_eq!(new["effective_date"], app.contract(&old).await["expiration_date"]);
        assert_eq!(new["terms"]["commission_structure"]["rate"], 12);
        let (status, refused) = app.post(&format!("/v1/contracts/{old}/renew"), &json!({})).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("open_contract")));
        app.signed(&id).await;
        assert_eq!(app.contract(&old).await["status"], "ACTIVE");
        app.edge.advance(DAY * 365);
        while app.sweep().await > 0 {}
        let (old, new) = (app.contract(&old).await, app.contract(&id).await);
        assert_eq!((&old["status"], &old["renewed_by"]), (&json!("RENEWED"), &json!(id)));
        assert_eq!((&new["status"], &new["effective_date"]), (&json!("ACTIVE"), &json!("2026-01-15")));
        let ends = app.kinds().await.iter().filter(|kind| *kind == "ContractEnded").count();
        assert_eq!(ends, 1, "whether it expired first or was renewed first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_one_key_drafts_once() {
    on_each_database(async |app| {
        let request = || {
            Request::post("/v1/contracts")
                .header("content-type", "application/json")
                .header("idempotency-key", "k-1")
                .body(Body::from(a_contract().to_string()))
                .unwrap()
        };
        let (first, second) = (app.send(request()).await, app.send(request()).await);
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
        assert_eq!(first.json(), second.json());
        assert_eq!(&second.headers["idempotent-replay"], "true");
    })
    .await;
}
