//! Contracts of employment: sent to those who sign them, signed by token and in order, reminded of, called off.

use std::time::Duration;

use axum::body::Body;
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{
    Actor, CausationId, Cause, Clock as _, CorrelationId, Currency, Ids as _, Money, Uuid,
};
use hexalpes_onboarding::commands::{CreateEmploymentContract, create_employment_contract};
use hexalpes_onboarding::domain::{
    CandidateId, EmploymentId, EmploymentTerms, EmploymentType, HiringId, JobId, PartnerId,
};
use http::{Request, header};
use serde_json::{Value, json};

use crate::support::{TestApp, on_each_database};

const DAY: Duration = Duration::from_hours(24);

/// The contract that a hire drew up.
async fn employed(app: &TestApp) -> String {
    let (uuid, event): (Uuid, Uuid) = (app.edge.uuid(), app.edge.uuid());
    let cause = Cause {
        correlation: CorrelationId::parse("CORR-1").unwrap(),
        causation: CausationId::parse("EVT-1").unwrap(),
        actor: Actor::anonymous(),
        at: app.edge.now(),
    };
    let draw_up = async move |tx: &Tx| -> Result<(), DbError> {
        let terms = EmploymentTerms {
            id: EmploymentId::new(uuid),
            hiring: HiringId::parse(&format!("h-{uuid}")).unwrap(),
            partner: PartnerId::parse("p-1").unwrap(),
            candidate: CandidateId::parse("c-1").unwrap(),
            job: JobId::parse("j-1").unwrap(),
            job_title: "Cocinera".to_owned(),
            department: "Cocina".to_owned(),
            start_date: "2025-03-01".to_owned(),
            employment_type: EmploymentType::Permanent,
            salary: Money::from_minor(4_800_050, Currency::EUR),
            benefits: "{}".to_owned(),
            agreed: "{}".to_owned(),
        };
        let command = CreateEmploymentContract { terms, language: None, event };
        create_employment_contract(tx, command, &cause).await.map(drop)
    };
    app.db.write(draw_up).await.unwrap();
    format!("/v1/employment-contracts/{uuid}")
}

fn both() -> Value {
    json!({ "signatories": [
        { "name": "TechSolutions Inc", "email": "rrhh@techsolutions.com", "role": "PARTNER" },
        { "name": "Ñusta Quispe", "email": "nusta@x.co", "role": "CANDIDATE" },
    ] })
}

async fn sent(app: &TestApp, path: &str) -> [String; 2] {
    let sent = app.done(&format!("{path}/send"), &both()).await;
    let token = |one: &Value| one["token"].as_str().unwrap().to_owned();
    let tokens: Vec<String> = sent["signing_tokens"].as_array().unwrap().iter().map(token).collect();
    tokens.try_into().unwrap()
}

async fn told(app: &TestApp, kind: &str) -> Vec<Value> {
    let events = app.events().await;
    events.into_iter().filter(|(one, _)| one == kind).map(|(_, data)| data).collect()
}

/// Accepts S2-HND-6.
#[tokio::test(flavor = "multi_thread")]
async fn partner_and_candidate_sign_by_token_and_it_is_told_with_every_field() {
    on_each_database(async |app| {
        let path = employed(&app).await;
        let id = path.rsplit('/').next().unwrap();
        let (_, draft) = app.get(&path).await;
        assert_eq!(
            (&draft["status"], &draft["allowed"], &draft["signatories"]),
            (&json!("DRAFT"), &json!(["send", "terminate"]), &json!([]))
        );
        let [partner, candidate] = sent(&app, &path).await;
        let (status, refused) = app.post(&format!("{path}/send"), &both()).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("not_allowed")), "{refused}");
        assert_eq!(refused["allowed"], json!(["sign", "renew_tokens", "terminate"]));

        let sign = format!("{path}/signatures");
        let (status, refused) = app.post(&sign, &json!({ "token": candidate })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("not_your_turn")));
        let first = app.done(&sign, &json!({ "token": partner })).await;
        assert_eq!(first["status"], "SENT");
        let (status, refused) = app.post(&sign, &json!({ "token": partner })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("token_used")));
        let (status, refused) = app.post(&sign, &json!({ "token": "sig_nadie" })).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("unknown_token")));
        let hash = draft["document_hash"].clone();
        let wrong = json!({ "token": candidate, "document_hash": "0".repeat(64) });
        assert_eq!(app.post(&sign, &wrong).await.1["code"], "other_document");
        let name = json!({ "token": candidate, "document_hash": hash, "signed_as": "Ñusta Q. Mamani" });
        let signed = app.done(&sign, &name).await;
        assert_eq!((&signed["status"], &signed["revision"]), (&json!("SIGNED"), &json!(4)));

        let (_, signatures) = app.get(&sign).await;
        let [one, other] = signatures["signatories"].as_array().unwrap().as_slice() else { panic!() };
        let expected = json!([{
            "employment_contract_id": id, "hiring_id": format!("h-{id}"), "partner_id": "p-1",
            "candidate_id": "c-1", "signed_at": signed["signed_at"], "document_hash": hash, "revision": 4,
            "signatories": [
                { "position": 1, "name": "TechSolutions Inc", "email": "rrhh@techsolutions.com",
                    "role": "PARTNER", "signed_at": one["signed_at"], "signed_as": "TechSolutions Inc" },
                { "position": 2, "name": "Ñusta Quispe", "email": "nusta@x.co", "role": "CANDIDATE",
                    "signed_at": other["signed_at"], "signed_as": "Ñusta Q. Mamani" },
            ],
        }]);
        assert_eq!(json!(told(&app, "EmploymentContractSigned").await), expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_document_shows_who_has_signed_and_its_trail_who_did_what() {
    on_each_database(async |app| {
        let path = employed(&app).await;
        let [partner, candidate] = sent(&app, &path).await;
        for token in [&partner, &candidate] {
            app.done(&format!("{path}/signatures"), &json!({ "token": token })).await;
        }
        let request = Request::get(format!("{path}/document?format=pdf")).header(header::ACCEPT, "*/*");
        let pdf = app.send(request.body(Body::empty()).unwrap()).await.bytes;
        let holds = |wanted: &str| pdf.windows(wanted.len()).any(|part| part == wanted.as_bytes());
        assert!(pdf.starts_with(b"%PDF-1.") && holds("Firmado: 1. TechSolutions Inc, 2025-01-15"));

        let (_, trail) = app.get(&format!("{path}/audit")).await;
        let actions: Vec<&Value> =
            trail["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["drafted", "sent", "signed_by", "signed_by", "signed"]);
        assert_eq!((&trail["verified"], &trail["entries"][1]["actor"]), (&json!(true), &json!("ana")));
        let hash = app.get(&path).await.1["document_hash"].clone();
        assert_eq!(trail["entries"][3]["details"]["document_hash"], hash);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_signatures_are_reminded_of_and_a_token_that_expired_is_replaced() {
    on_each_database(async |app| {
        let path = employed(&app).await;
        let [partner, candidate] = sent(&app, &path).await;
        app.done(&format!("{path}/signatures"), &json!({ "token": partner })).await;
        assert_eq!(app.sweep().await, 0);
        app.edge.advance(DAY * 3);
        assert_eq!((app.sweep().await, app.sweep().await), (1, 0), "one reminder, once");
        let [pending] = told(&app, "EmploymentContractPending").await.try_into().unwrap();
        assert_eq!(
            (&pending["days"], &pending["waiting_for"]),
            (
                &json!(3),
                &json!([{ "position": 2, "name": "Ñusta Quispe", "email": "nusta@x.co", "role": "CANDIDATE" }])
            )
        );
        assert_eq!((&pending["candidate_id"], &pending["revision"]), (&json!("c-1"), &json!(4)));
        app.edge.advance(DAY * 11);
        while app.sweep().await > 0 {}
        let days: Vec<Value> =
            told(&app, "EmploymentContractPending").await.iter().map(|one| one["days"].clone()).collect();
        assert_eq!(days, [3, 13], "what was slept through is not made up for");

        let sign = format!("{path}/signatures");
        let (status, refused) = app.post(&sign, &json!({ "token": candidate })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("token_expired")));
        let (status, refused) = app.post(&format!("{path}/tokens"), &json!({ "position": 1 })).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("no_such_signatory")));
        let renewed = app.done(&format!("{path}/tokens"), &json!({ "position": 2 })).await;
        let token = &renewed["signing_tokens"][0]["token"];
        assert_eq!(app.post(&sign, &json!({ "token": candidate })).await.0.as_u16(), 422);
        assert_eq!(app.done(&sign, &json!({ "token": token })).await["status"], "SIGNED");
        app.edge.advance(DAY * 90);
        assert_eq!(app.sweep().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_called_off_can_be_signed_no_more_and_that_is_told_once() {
    on_each_database(async |app| {
        let path = employed(&app).await;
        let [partner, _] = sent(&app, &path).await;
        let reason = json!({ "reason": "aceptó otra oferta" });
        let ended = app.done(&format!("{path}/terminate"), &reason).await;
        assert_eq!((&ended["status"], &ended["reason"]), (&json!("TERMINATED"), &json!("aceptó otra oferta")));
        app.done(&format!("{path}/terminate"), &reason).await;
        let (status, refused) = app.post(&format!("{path}/signatures"), &json!({ "token": partner })).await;
        assert_eq!((status.as_u16(), &refused["code"]), (409, &json!("not_allowed")));
        let id = path.rsplit('/').next().unwrap();
        let expected = json!([{
            "employment_contract_id": id, "hiring_id": format!("h-{id}"), "partner_id": "p-1",
            "candidate_id": "c-1", "reason": "aceptó otra oferta", "ended_at": ended["ended_at"], "revision": 3,
        }]);
        assert_eq!(json!(told(&app, "EmploymentContractEnded").await), expected);
        let (_, page) = app.get("/v1/employment-contracts?status=TERMINATED").await;
        assert_eq!(page["items"], json!([ended]));
        assert_eq!(app.get("/v1/employment-contracts?status=SENT").await.1["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_employed_signs_and_whoever_saw_an_older_revision_changes_nothing() {
    on_each_database(async |app| {
        let path = employed(&app).await;
        let send = format!("{path}/send");
        let mut alone = both();
        alone["signatories"].as_array_mut().unwrap().pop();
        for (body, pointer, code) in [
            (alone, "/signatories", "no_candidate"),
            (json!({}), "/signatories", "missing_field"),
            (
                json!({ "signatories": [{ "name": "A", "email": "a@b.co", "role": "COMPANY" }] }),
                "/signatories/0/role",
                "unknown_value",
            ),
        ] {
            let (status, refused) = app.post(&send, &body).await;
            let error = &refused["errors"][0];
            assert_eq!(
                (status.as_u16(), &error["pointer"], &error["code"]),
                (422, &json!(pointer), &json!(code)),
                "{refused}"
            );
        }
        let request = Request::post(&send).header(header::IF_MATCH, "\"7\"");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let reply = app.send(request.body(Body::from(both().to_string())).unwrap()).await;
        assert_eq!(reply.status.as_u16(), 412);
        let (status, refused) = app.post("/v1/employment-contracts/nadie/send", &both()).await;
        assert_eq!((status.as_u16(), &refused["code"]), (404, &json!("employment_contract_not_found")));
        assert_eq!(app.get(&path).await.1["status"], "DRAFT");
    })
    .await;
}
