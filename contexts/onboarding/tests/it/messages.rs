//! Registrations and hires that come by topic, over a broker of ours.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_broker::{Broker, BrokerOptions, TenantInfo};
use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_consumer::{EventConsumer, Status};
use hexalpes_contracts::onboarding::EmploymentContractCreated;
use hexalpes_contracts::{partners, recruitment};
use hexalpes_kernel::{Edge, SystemEdge};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::{TestApp, a_contract, on_each_database, with};

/// Reached only by what fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The context with its consumers, and a broker that brings it messages.
struct Stage {
    app: TestApp,
    client: Client,
    consumers: [EventConsumer; 2],
    broker: Broker,
    stop: CancellationToken,
    _folder: TempDir,
}

async fn on_each_stage(test: impl AsyncFn(&Stage)) {
    on_each_database(async |app| {
        let stage = Stage::set(app).await;
        test(&stage).await;
        stage.clear().await;
    })
    .await;
}

impl Stage {
    async fn set(app: TestApp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let broker = Broker::open(BrokerOptions::new(folder.path().to_owned(), &url)).unwrap();
        broker.create_tenant("hexabuilders", TenantInfo::default()).unwrap();
        for namespace in ["partner-management", "recruitment", "onboarding", "system"] {
            broker.create_namespace(&format!("hexabuilders/{namespace}")).unwrap();
        }
        let stop = CancellationToken::new();
        let (serving, stopped) = (broker.clone(), stop.clone());
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        let client = Client::new(ClientOptions::new(&url)).unwrap();
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
        let consumers = hexalpes_onboarding::consumers(&app.db, &client, &edge).unwrap();
        Self { app, client, consumers, broker, stop, _folder: folder }
    }

    async fn clear(self) {
        for consumer in self.consumers {
            consumer.stop().await;
        }
        self.stop.cancel();
        self.broker.close().await.unwrap();
    }

    async fn send(&self, topic: &str, message: Outgoing) {
        let producer = self.client.producer(topic, ProducerOptions::default()).await.unwrap();
        producer.send(message).await.unwrap();
        producer.close().await;
    }

    /// Waits until a consumer is as wanted.
    async fn until(&self, consumer: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let consumer = self.consumers.iter().find(|known| known.handler() == consumer).unwrap();
        let reached = async {
            while !wanted(&consumer.status()) {
                hexalpes_engines::a_moment().await;
            }
        };
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{:?}", consumer.status()));
        consumer.status()
    }
}

fn event(id: &str, kind: &str, data: &Value) -> Outgoing {
    let event = json!({
        "specversion": "1.0", "type": kind, "source": "//tests", "id": id, "data": data, "correlationid": "CORR-7",
    });
    Outgoing::new(event.to_string())
}

const REGISTERED: &str = "com.hexabuilders.partners.PartnerRegistrationCompleted";
const HIRED: &str = "com.hexabuilders.recruitment.CandidateHired";
const PARTNER: &str = "550e8400-e29b-41d4-a716-446655440000";

fn registered() -> Value {
    json!({
        "partner_id": PARTNER,
        "business_name": "TechSolutions Inc",
        "email": "contact@techsolutions.com",
        "partner_type": "EMPRESA",
        "registration_data": { "tax_id": "B-1", "country": "CO", "amount": 10.50 },
        "validation_status": "PENDING",
        "preferred_contract_type": "PREMIUM",
        "registration_source": "WEB",
        "registration_timestamp": "2025-01-15T10:30:00Z",
    })
}

fn hired() -> Value {
    json!({
        "hiring_id": "hire-1", "partner_id": PARTNER, "candidate_id": "cand-1", "job_id": "job-1",
        "employment_details": { "job_type": "FULL_TIME", "remote": true },
        "job_title": "Ingeniera de datos", "department": "Datos", "start_date": "2025-03-01",
        "employment_type": "PERMANENT", "agreed_salary": 48000.50, "agreed_salary_minor": 4_800_050,
        "currency": "EUR", "benefits_package": { "seguro": "médico" },
        "hiring_process_metrics": { "interviews": 3 }, "time_to_hire": 21,
        "recruitment_cost": 1200, "recruitment_cost_minor": 120_000,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gets_its_contract_in_the_language_that_its_registration_tells() {
    on_each_stage(async |stage| {
        for (number, language, expected) in [
            (1, json!("en-GB"), "en"),
            (2, json!("es"), "es"),
            (3, json!("fr"), "es"),
            (4, json!(7), "es"),
            (5, Value::Null, "es"),
        ] {
            let partner = format!("p-{number}");
            let data = json!({ "language": language });
            let fields = json!({ "partner_id": partner, "registration_data": data });
            let message = event(&format!("e-{number}"), REGISTERED, &with(&registered(), &fields));
            stage.send(partners::REGISTRATION_TOPIC, message).await;
            stage.until("registrations", |status| status.handled == number).await;
            let (_, page) = stage.app.get(&format!("/v1/contracts?partner_id={partner}")).await;
            assert_eq!(page["items"][0]["language"], expected, "{page}");
        }
    })
    .await;
}

/// Accepts S2-HND-1, S2-PRP-2, C-30.
#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_registers_gets_a_draft_once() {
    on_each_stage(async |stage| {
        let topic = partners::REGISTRATION_TOPIC;
        stage.send(topic, event("e-1", REGISTERED, &registered())).await;
        stage.send(topic, event("e-1", REGISTERED, &registered())).await;
        // The same partner in another event, as bare JSON.
        stage.send(topic, Outgoing::new(registered().to_string())).await;
        stage.until("registrations", |status| status.handled + status.duplicates >= 3).await;
        let (_, page) = stage.app.get("/v1/contracts").await;
        let [contract] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
        assert_eq!(
            [&contract["partner_id"], &contract["status"], &contract["contract_type"], &contract["origin"]],
            [PARTNER, "DRAFT", "PREMIUM", "REGISTRATION"]
        );
        assert_eq!(contract["template_id"], "tpl_premium_empresa_v1");
        assert_eq!(contract["initial_data"], registered()["registration_data"]);
        assert_eq!(contract["terms"]["commission_structure"]["rate"], 15);
        let id = contract["contract_id"].as_str().unwrap();
        let (_, audit) = stage.app.get(&format!("/v1/contracts/{id}/audit")).await;
        assert_eq!(audit["verified"], true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_taken_on_by_hand_gets_no_second_draft() {
    on_each_stage(async |stage| {
        let by_hand = stage.app.drafted(&with(&a_contract(), &json!({ "partner_id": PARTNER }))).await;
        stage.send(partners::REGISTRATION_TOPIC, event("e-1", REGISTERED, &registered())).await;
        stage.until("registrations", |status| status.handled == 1).await;
        let (_, page) = stage.app.get("/v1/contracts").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        assert_eq!(page["items"][0]["contract_id"], by_hand);
    })
    .await;
}

/// Accepts S2-HND-6, S2-TOP-7, S2-ENU-9, G-10.
#[tokio::test(flavor = "multi_thread")]
async fn a_hire_gets_a_contract_of_employment_once_and_it_is_told_with_every_field() {
    on_each_stage(async |stage| {
        let topic = recruitment::HIRED_TOPIC;
        stage.send(topic, event("h-1", HIRED, &hired())).await;
        stage.send(topic, event("h-1", HIRED, &hired())).await;
        stage.send(topic, event("h-2", HIRED, &hired())).await;
        stage.until("hires", |status| status.handled + status.duplicates >= 3).await;
        let (_, page) = stage.app.get(&format!("/v1/employment-contracts?partner_id={PARTNER}")).await;
        let [contract] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
        let id = contract["employment_contract_id"].as_str().unwrap();
        assert_eq!(stage.app.get(&format!("/v1/employment-contracts/{id}")).await.1, *contract);

        let events = stage.app.events().await;
        let [(kind, told)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(kind, "EmploymentContractCreated");
        let expected = json!({
            "employment_contract_id": id, "hiring_id": "hire-1", "partner_id": PARTNER,
            "candidate_id": "cand-1", "job_id": "job-1", "job_title": "Ingeniera de datos",
            "department": "Datos", "employment_type": "PERMANENT", "start_date": "2025-03-01",
            "agreed_salary": 48000.5, "agreed_salary_minor": 4_800_050, "currency": "EUR",
            "benefits_package": { "seguro": "médico" },
            "employment_terms": { "job_type": "FULL_TIME", "remote": true },
            "document_hash": contract["document_hash"], "status": "DRAFT", "created_at": contract["created_at"],
        });
        assert_eq!(*told, expected);
        let _: EmploymentContractCreated = serde_json::from_value(told.clone()).unwrap();
        let path = format!("/v1/employment-contracts/{id}/document?format=text");
        let (_, text) = stage.app.get(&path).await;
        let text = text.as_str().unwrap();
        for said in ["Ingeniera de datos", "48000.5 EUR", "seguro: médico", "job_type: FULL_TIME"] {
            assert!(text.contains(said), "{text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_of_employment_is_in_the_language_of_the_hire_or_else_of_the_partners_contract() {
    on_each_stage(async |stage| {
        let english = json!({ "partner_id": "p-en", "registration_data": { "language": "en-GB" } });
        let message = event("e-1", REGISTERED, &with(&registered(), &english));
        stage.send(partners::REGISTRATION_TOPIC, message).await;
        stage.until("registrations", |status| status.handled == 1).await;
        for (number, (partner, details, expected)) in [
            ("p-en", json!({}), ["en", "Employment contract No.", "permanently", "As they were agreed:"]),
            (
                "p-en",
                json!({ "language": "es" }),
                ["es", "Contrato laboral n.º", "indefinido", "Como se acordaron:"],
            ),
            (
                "p-xx",
                json!({ "language": "EN" }),
                ["en", "Ingeniera de datos in Datos (job job-1)", "48000.5 EUR", "seguro: médico"],
            ),
            ("p-xx", json!({ "language": "fr" }), ["es", "El socio p-xx", "vacante job-1", "seguro: médico"]),
        ]
        .into_iter()
        .enumerate()
        {
            let hiring = format!("hire-{number}");
            let fields = json!({ "hiring_id": hiring, "partner_id": partner, "employment_details": details });
            let message = event(&format!("h-{number}"), HIRED, &with(&hired(), &fields));
            stage.send(recruitment::HIRED_TOPIC, message).await;
            stage.until("hires", |status| status.handled == number as u64 + 1).await;
            let (_, page) = stage.app.get(&format!("/v1/employment-contracts?hiring_id={hiring}")).await;
            let contract = &page["items"][0];
            let path = format!(
                "/v1/employment-contracts/{}/document",
                contract["employment_contract_id"].as_str().unwrap()
            );
            let (_, text) = stage.app.get(&format!("{path}?format=text")).await;
            let [language, parts @ ..] = expected;
            assert_eq!(contract["language"], language, "{contract}");
            for part in parts {
                assert!(text.as_str().unwrap().contains(part), "{part}: {text}");
            }
            let (_, page) = stage.app.get(&format!("{path}?format=html")).await;
            assert!(page.as_str().unwrap().contains(&format!("<html lang=\"{language}\">")), "{page}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_becomes_a_dead_letter_that_says_why() {
    on_each_stage(async |stage| {
        let wrong = with(&registered(), &json!({ "partner_type": "PYME" }));
        stage.send(partners::REGISTRATION_TOPIC, event("e-9", REGISTERED, &wrong)).await;
        let status = stage.until("registrations", |status| status.dead_letters == 1).await;
        let told = status.last_dead_letter.unwrap();
        assert!(told.contains("partner_type: PYME"), "{told}");
    })
    .await;
}
