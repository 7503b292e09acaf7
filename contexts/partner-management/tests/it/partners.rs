//! Who registers, what becomes of them, and how they are found.

use std::collections::BTreeSet;

use futures::future::join_all;
use http::Request;
use serde_json::{Value, json};

use crate::support::{a_partner, activated, on_each_database, signed, with};

/// Accepts G-9, S2-ENU-1, S2-ENU-3, S2-ENU-4.
#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_partner_is_registered_found_and_told() {
    on_each_database(async |app| {
        let (status, made) = app.post("/v1/partners", &a_partner()).await;
        assert_eq!(status, 201, "{made}");
        let id = made["partner_id"].as_str().unwrap();
        assert_eq!((&made["status"], &made["validation_status"]), (&json!("REGISTERED"), &json!("PENDING")));
        assert_eq!((&made["revision"], &made["registration_data"]["country"]), (&json!(1), &json!("CO")));
        let to: Vec<&Value> =
            made["allowed_transitions"].as_array().unwrap().iter().map(|one| &one["transition"]).collect();
        assert_eq!(to, ["sign", "activate", "suspend", "terminate"]);
        assert_eq!(app.partner(id).await, made);
        let kinds: Vec<String> = app.events().await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["PartnerRegistrationCompleted"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_belongs_to_one_partner_whatever_its_case() {
    on_each_database(async |app| {
        let first = app.registered(&a_partner()).await;
        let again = with(&a_partner(), &json!({ "email": "CONTACT@TechSolutions.com" }));
        let (status, refused) = app.post("/v1/partners", &again).await;
        assert_eq!((status, &refused["code"]), (409, &json!("email_taken")));
        assert_eq!(refused["partner_id"], first.as_str());

        let other = app.registered(&with(&a_partner(), &json!({ "email": "b@x.co" }))).await;
        let path = format!("/v1/partners/{other}");
        let taken = json!({ "email": "Contact@techsolutions.com" });
        let (status, refused) = app.ask("PATCH", &path, &[], &taken).await;
        assert_eq!((status, &refused["code"]), (409, &json!("email_taken")), "{refused}");
        let (status, own) = app.ask("PATCH", &path, &[], &json!({ "email": "B@x.co" })).await;
        assert_eq!((status, &own["email"]), (200, &json!("B@x.co")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_that_register_at_once_with_one_email_are_one() {
    on_each_database(async |app| {
        let body = a_partner();
        let answers = join_all((0..64).map(|_| app.post("/v1/partners", &body))).await;
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        // A server that had to let some try too often says so, and they may come again.
        assert!(statuses.iter().all(|status| [201, 409, 503].contains(status)), "{statuses:?}");
        assert_eq!(app.events().await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_registers_once_and_is_answered_twice() {
    on_each_database(async |app| {
        let request = || {
            let request = Request::post("/v1/partners").header("idempotency-key", "k-1");
            request.header("content-type", "application/json").body(a_partner().to_string().into()).unwrap()
        };
        let (status, headers, first) = app.send(request()).await;
        assert_eq!((status.as_u16(), headers["etag"].to_str().unwrap()), (201, "\"1\""));
        let (_, headers, second) = app.send(request()).await;
        assert_eq!(headers["idempotent-replay"].to_str().unwrap(), "true");
        assert_eq!((first, headers["etag"].to_str().unwrap()), (second, "\"1\""));
        assert_eq!(app.events().await.len(), 1);
    })
    .await;
}

/// Accepts C-14, S2-ENU-11, G-14.
#[tokio::test(flavor = "multi_thread")]
async fn contracts_lead_to_validated_and_a_stop_leads_back_there() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let path = |verb: &str| format!("/v1/partners/{id}/{verb}");
        app.told(signed("c-1", &id)).await;
        assert_eq!(app.partner(&id).await["status"], "CONTRACTED");
        let why = json!({ "reason": "fraud is being looked into" });
        let (_, stopped) = app.post(&path("suspend"), &why).await;
        assert_eq!((&stopped["status"], &stopped["reason"]), (&json!("SUSPENDED"), &why["reason"]));
        app.post(&path("suspend"), &why).await;

        // What contracts tell meanwhile counts, and shows when it goes on.
        app.told(activated("c-1", &id)).await;
        let stopped = app.partner(&id).await;
        assert_eq!(
            (&stopped["status"], &stopped["validation_status"]),
            (&json!("SUSPENDED"), &json!("PARTIAL"))
        );
        let (status, active) = app.post(&path("reactivate"), &Value::Null).await;
        assert_eq!((status, &active["status"]), (200, &json!("VALIDATED")));
        assert_eq!(active["contracts"][0]["active_until"], "2026-01-17T00:00:00Z");

        let (status, refused) = app.post(&path("reactivate"), &Value::Null).await;
        assert_eq!((status, &refused["code"]), (409, &json!("illegal_transition")));
        let allowed = json!([
            { "transition": "suspend", "to": "SUSPENDED", "by": "POST /v1/partners/{id}/suspend" },
            { "transition": "terminate", "to": "TERMINATED", "by": "POST /v1/partners/{id}/terminate" },
        ]);
        assert_eq!(refused["allowed_transitions"], allowed);

        let (_, ended) = app.post(&path("terminate"), &why).await;
        assert_eq!((&ended["status"], &ended["allowed_transitions"]), (&json!("TERMINATED"), &json!([])));
        for (verb, body) in [("reactivate", &Value::Null), ("suspend", &why)] {
            let (status, refused) = app.post(&path(verb), body).await;
            assert_eq!((status, &refused["allowed_transitions"]), (409, &json!([])), "{refused}");
        }
        let (_, moves) = app.get(&path("history")).await;
        let to: Vec<&Value> = moves.as_array().unwrap().iter().map(|one| &one["to"]).collect();
        assert_eq!(to, ["REGISTERED", "CONTRACTED", "SUSPENDED", "VALIDATED", "TERMINATED"]);
        let signing = &moves[1];
        assert_eq!((&signing["actor"], &signing["causation_id"]), (&json!("onboarding"), &json!("e-1")));
        assert_eq!(signing["correlation_id"], "CORR-123-456-789");
        assert_eq!((&moves[2]["actor"], &moves[2]["reason"]), (&json!("ana"), &why["reason"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_can_be_changed_by_who_says_what_it_saw() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let path = format!("/v1/partners/{id}");
        let name = json!({ "business_name": "TechSolutions S.A.S." });
        let (status, changed) = app.ask("PATCH", &path, &[("if-match", "\"1\"")], &name).await;
        assert_eq!((status, &changed["revision"]), (200, &json!(2)), "{changed}");
        let other = json!({ "business_name": "Another" });
        let (status, refused) = app.ask("PATCH", &path, &[("if-match", "\"1\"")], &other).await;
        assert_eq!((status, &refused["code"], &refused["revision"]), (412, &json!("not_newest"), &json!(2)));
        // The same again changes nothing.
        let (_, same) = app.ask("PATCH", &path, &[("if-match", "\"2\"")], &name).await;
        assert_eq!(same["revision"], 2);
        let stop = json!({ "reason": "x" });
        let (status, _) = app.ask("POST", &format!("{path}/suspend"), &[("if-match", "\"1\"")], &stop).await;
        assert_eq!(status, 412);
        let (_, data) = app.ask("PATCH", &path, &[], &json!({ "registration_data": { "phone": "1" } })).await;
        assert_eq!((&data["registration_data"], &data["revision"]), (&json!({ "phone": "1" }), &json!(3)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_and_stay_in_order_while_others_register() {
    on_each_database(async |app| {
        let register = async |name: &str, kind: &str| {
            let other = json!({ "email": format!("{name}@x.co"), "partner_type": kind });
            app.registered(&with(&a_partner(), &other)).await
        };
        for index in 0..5 {
            register(&format!("a{index}"), if index % 2 == 0 { "EMPRESA" } else { "STARTUP" }).await;
        }
        let (_, narrowed) = app.get("/v1/partners?partner_type=STARTUP&status=REGISTERED").await;
        assert_eq!(narrowed["items"].as_array().unwrap().len(), 2);
        let (_, narrowed) = app.get("/v1/partners?email=A3@x.co").await;
        assert_eq!(narrowed["items"][0]["email"], "a3@x.co");

        let mut seen = BTreeSet::new();
        let mut path = "/v1/partners?limit=2&sort=registered_at".to_owned();
        loop {
            let (status, page) = app.get(&path).await;
            assert_eq!(status, 200, "{page}");
            for item in page["items"].as_array().unwrap() {
                assert!(seen.insert(item["email"].as_str().unwrap().to_owned()), "twice: {item}");
            }
            register(&format!("late{}", seen.len()), "INDIVIDUAL").await;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            if seen.len() > 20 {
                break;
            }
            path = format!("/v1/partners?limit=2&sort=registered_at&cursor={cursor}");
        }
        for index in 0..5 {
            assert!(seen.contains(&format!("a{index}@x.co")), "{seen:?}");
        }
        let (_, csv) = app.ask("GET", "/v1/partners?limit=1", &[("accept", "text/csv")], &Value::Null).await;
        assert!(
            csv.as_str().unwrap().starts_with("partner_id,business_name,email,partner_type,status,"),
            "{csv}"
        );
    })
    .await;
}
