//! Random histories of verbs, events and time: what is told twice or in another order makes no difference, and the trail
//! of each contract holds.

use std::sync::Arc;
use std::time::Duration;

use hexalpes_db::{DbError, Tx};
use hexalpes_http::IfMatch;
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Currency, Ids as _, Money};
use hexalpes_onboarding::commands::{
    ChangeContract, CreateEmploymentContract, RegisteredPartner, Verb, change_contract,
    create_employment_contract, register_partner,
};
use hexalpes_onboarding::domain::{
    CandidateId, ContractId, ContractType, EmploymentId, EmploymentTerms, EmploymentType, HiringId, JobId,
    Language, Partner, PartnerId, PartnerType,
};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prelude::*, strategy::ValueTree as _};
use serde_json::Value;

use crate::support::{TestApp, on_each_database};

const CASES: u32 = 60;

/// What is told by others: of one of three partners, and of one of three hirings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tale {
    Registered(u8),
    Hired(u8),
}

fn tales() -> impl Strategy<Value = Vec<Tale>> {
    let tale = prop_oneof![(0_u8..3).prop_map(Tale::Registered), (0_u8..3).prop_map(Tale::Hired)];
    prop::collection::vec(tale, 1..10)
}

fn cause(app: &TestApp) -> Cause {
    Cause {
        correlation: CorrelationId::new(app.edge.uuid()),
        causation: CausationId::of_command(app.edge.uuid()),
        actor: Actor::parse("ana").unwrap(),
        at: app.edge.now(),
    }
}

async fn tell(app: &TestApp, case: u32, tale: Tale) {
    let (cause, uuid, event) = (cause(app), app.edge.uuid(), app.edge.uuid());
    let told = async move |tx: &Tx| -> Result<(), DbError> {
        match tale {
            Tale::Registered(which) => {
                let partner = Partner {
                    id: PartnerId::parse(&format!("p{which}-{case}")).unwrap(),
                    partner_type: PartnerType::ALL[usize::from(which)].1,
                    business_name: format!("Socio {which}"),
                    email: "socio@x.co".to_owned(),
                };
                let command = RegisteredPartner {
                    id: ContractId::new(uuid),
                    partner,
                    contract_type: ContractType::ALL[usize::from(which)].1,
                    language: Language::default(),
                    registration_data: "{}".to_owned(),
                };
                register_partner(tx, command, &cause).await.unwrap();
            }
            Tale::Hired(which) => {
                let terms = EmploymentTerms {
                    id: EmploymentId::new(uuid),
                    hiring: HiringId::parse(&format!("h{which}-{case}")).unwrap(),
                    partner: PartnerId::parse(&format!("p{which}-{case}")).unwrap(),
                    candidate: CandidateId::parse("c").unwrap(),
                    job: JobId::parse("j").unwrap(),
                    job_title: format!("Puesto {which}"),
                    department: String::new(),
                    start_date: "2025-03-01".to_owned(),
                    employment_type: EmploymentType::Permanent,
                    salary: Money::from_minor(100, Currency::USD),
                    benefits: "{}".to_owned(),
                    agreed: "{}".to_owned(),
                };
                let command = CreateEmploymentContract { terms, language: None, event };
                create_employment_contract(tx, command, &cause).await?;
            }
        }
        Ok(())
    };
    app.db.write(told).await.unwrap();
}

/// What a case left, without what differs between cases by design.
async fn left(app: &TestApp, case: u32) -> Vec<String> {
    let mut left = Vec::new();
    for which in 0..3 {
        let (_, page) = app.get(&format!("/v1/contracts?partner_id=p{which}-{case}")).await;
        for item in page["items"].as_array().unwrap() {
            left.push(format!(
                "contract {which} {} {} {}",
                item["status"], item["contract_type"], item["terms"]
            ));
        }
        let (_, page) = app.get(&format!("/v1/employment-contracts?hiring_id=h{which}-{case}")).await;
        for item in page["items"].as_array().unwrap() {
            left.push(format!("employment {which} {} {}", item["job_title"], item["agreed_salary"]));
        }
    }
    left
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_tell_leads_to_the_same_state_in_any_order_and_twice() {
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for case in 0..CASES {
            let tales = tales().new_tree(&mut runner).unwrap().current();
            let mut turned = tales.clone();
            turned.reverse();
            turned.extend(tales.clone());
            for (number, tales) in [(2 * case, &tales), (2 * case + 1, &turned)] {
                for tale in tales {
                    tell(&app, number, *tale).await;
                }
            }
            assert_eq!(left(&app, 2 * case).await, left(&app, 2 * case + 1).await, "{tales:?}");
        }
    })
    .await;
}

/// What somebody tries with a contract; most of it is refused most of the time.
#[derive(Clone, Debug)]
enum Try {
    Send,
    Sign(usize),
    Activate,
    Terminate,
    Wait(u64),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        3 => Just(Try::Send),
        5 => (0_usize..2).prop_map(Try::Sign),
        3 => Just(Try::Activate),
        1 => Just(Try::Terminate),
        3 => (1_u64..400).prop_map(Try::Wait),
    ];
    prop::collection::vec(one, 1..14)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_tried_the_trail_holds_and_each_event_is_told_once() {
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for case in 0..CASES {
            let tries = tries().new_tree(&mut runner).unwrap().current();
            tell(&app, 10_000 + case, Tale::Registered(0)).await;
            let (_, page) = app.get(&format!("/v1/contracts?partner_id=p0-{}", 10_000 + case)).await;
            let id = page["items"][0]["contract_id"].as_str().unwrap().to_owned();
            let tokens = vec![format!("a-{case}"), format!("b-{case}")];
            for attempt in &tries {
                let verb = match attempt {
                    Try::Send => Verb::Send { tokens: tokens.clone() },
                    Try::Sign(which) => {
                        let token = tokens[*which].clone();
                        Verb::Sign { token, signed_as: None, document_hash: None }
                    }
                    Try::Activate => Verb::Activate { effective_date: None },
                    Try::Terminate => Verb::Terminate { reason: "porque sí".to_owned() },
                    Try::Wait(days) => {
                        app.edge.advance(Duration::from_hours(24 * days));
                        app.sweep().await;
                        continue;
                    }
                };
                let (cause, edge) = (cause(&app), Arc::clone(&app.edge));
                let seen = IfMatch::default();
                let command = ChangeContract { id: ContractId::parse(&id).unwrap(), seen, verb };
                let change = async move |tx: &Tx| -> Result<bool, DbError> {
                    Ok(change_contract(tx, command.clone(), &*edge, &cause).await.is_ok())
                };
                app.db.write(change).await.unwrap();
            }
            let (_, audit) = app.get(&format!("/v1/contracts/{id}/audit")).await;
            assert_eq!(audit["verified"], true, "{tries:?} {audit}");
            let events = app.events().await;
            let of = |kind: &str| {
                let mine =
                    |(name, data): &&(String, Value)| name == kind && data["contract_id"] == id.as_str();
                events.iter().filter(mine).count()
            };
            let status = app.contract(&id).await["status"].as_str().unwrap().to_owned();
            let counts = [of("ContractSigned"), of("ContractActivated"), of("ContractEnded")];
            let is_over = matches!(status.as_str(), "EXPIRED" | "TERMINATED");
            assert!(counts.iter().all(|count| *count <= 1), "{tries:?} {counts:?}");
            assert_eq!(counts[2] == 1, is_over, "{tries:?} {status}");
            assert!(status != "ACTIVE" || counts[..2] == [1, 1], "{tries:?} {counts:?}");
        }
    })
    .await;
}
