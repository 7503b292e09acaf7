//! What this context does with messages: it takes partners on who registered, and draws up contracts for those who were
//! hired.

use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler, field, word};
use hexalpes_contracts::{kind_on, partners, recruitment};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Edge, Money};

use crate::commands::{self, CreateEmploymentContract, NotCreated, RegisteredPartner};
use crate::domain::{
    CandidateId, ContractId, ContractType, EmploymentId, EmploymentTerms, EmploymentType, HiringId, JobId,
    Language, Partner, PartnerId, PartnerType,
};

/// This context's name on the wire.
const SERVICE: &str = "onboarding";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 2], OpenError> {
    let registrations = ConsumerOptions {
        only_kind: kind_on(partners::REGISTRATION_TOPIC),
        ..ConsumerOptions::new(SERVICE, "registrations", TopicName::parse(partners::REGISTRATION_TOPIC)?)
    };
    let hires = ConsumerOptions {
        only_kind: kind_on(recruitment::HIRED_TOPIC),
        ..ConsumerOptions::new(SERVICE, "hires", TopicName::parse(recruitment::HIRED_TOPIC)?)
    };
    let edge = Arc::clone(edge);
    let (on_registrations, on_hires) =
        (Registrations { edge: Arc::clone(&edge) }, Hires { edge: Arc::clone(&edge) });
    Ok([
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(&edge), on_registrations, registrations)?,
        EventConsumer::start(db.clone(), client.clone(), edge, on_hires, hires)?,
    ])
}

/// `on_partner_registration_completed`.
#[derive(Debug)]
struct Registrations {
    edge: Arc<dyn Edge>,
}

impl Handler for Registrations {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        let Some(read) = partners::Event::read(&event.full_kind(partners::NAMESPACE), &event.data) else {
            return Ok(());
        };
        let partners::Event::PartnerRegistrationCompleted(registered) =
            read.map_err(HandleError::invalid_event)?
        else {
            return Ok(());
        };
        let partner = Partner {
            id: field("partner_id", PartnerId::parse(&registered.partner_id))?,
            partner_type: word("partner_type", &registered.partner_type, PartnerType::parse)?,
            business_name: registered.business_name,
            email: registered.email,
        };
        let kind = &registered.preferred_contract_type;
        let command = RegisteredPartner {
            id: ContractId::new(self.edge.uuid()),
            partner,
            contract_type: word("preferred_contract_type", kind, ContractType::parse)?,
            language: language(registered.registration_data.get()).unwrap_or_default(),
            registration_data: registered.registration_data.get().to_owned(),
        };
        match commands::register_partner(tx, command, cause).await {
            // Or somebody took it on by hand a moment ago.
            Ok(_) | Err(NotCreated::OpenContract { .. }) => Ok(()),
            Err(NotCreated::Database(error)) => Err(error.into()),
            Err(other) => Err(HandleError::Unexpected { why: other.to_string() }),
        }
    }
}

/// What somebody reads, as the data of an event tells it; `None` where it tells nothing of the kind, or a language that
/// there is no contract in.
fn language(data: &str) -> Option<Language> {
    #[derive(serde::Deserialize)]
    struct Form {
        language: Option<serde_json::Value>,
    }
    let form: Option<Form> = serde_json::from_str(data).ok();
    let told = form.and_then(|form| form.language);
    told.as_ref().and_then(|tag| tag.as_str()).and_then(Language::of_tag)
}

/// `on_candidate_hired`.
#[derive(Debug)]
struct Hires {
    edge: Arc<dyn Edge>,
}

impl Handler for Hires {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        let Some(read) = recruitment::Event::read(&event.full_kind(recruitment::NAMESPACE), &event.data)
        else {
            return Ok(());
        };
        let recruitment::Event::CandidateHired(hired) = read.map_err(HandleError::invalid_event)? else {
            return Ok(());
        };
        let currency = field("currency", Currency::parse(&hired.currency))?;
        let salary = field("agreed_salary", Amount::parse(hired.agreed_salary.get()))?;
        let terms = EmploymentTerms {
            id: EmploymentId::new(self.edge.uuid()),
            hiring: field("hiring_id", HiringId::parse(&hired.hiring_id))?,
            partner: field("partner_id", PartnerId::parse(&hired.partner_id))?,
            candidate: field("candidate_id", CandidateId::parse(&hired.candidate_id))?,
            job: field("job_id", JobId::parse(&hired.job_id))?,
            job_title: hired.job_title,
            department: hired.department,
            start_date: hired.start_date,
            employment_type: word("employment_type", &hired.employment_type, EmploymentType::parse)?,
            salary: field("agreed_salary", Money::from_amount(salary, currency))?,
            benefits: hired.benefits_package.get().to_owned(),
            agreed: hired.employment_details.get().to_owned(),
        };
        let language = language(hired.employment_details.get());
        let command = CreateEmploymentContract { terms, language, event: self.edge.uuid() };
        commands::create_employment_contract(tx, command, cause).await?;
        Ok(())
    }
}
