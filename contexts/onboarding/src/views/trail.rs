//! The audit trail as JSON, and the details of its entries, which never change once they are written.

use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::terms_json;
use crate::domain::audit::{Broken, Entry, Head, verify};
use crate::domain::{Contract, ContractId, EmploymentContract, EmploymentFact, Fact, date};

/// What there is to say of a fact; what is not there is left out.
#[derive(Default, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renews: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatories: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_as: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renewed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<Box<RawValue>>,
}

/// The details of a fact, as they are kept: what the contract was after it.
pub(crate) fn details(contract: &Contract, fact: &Fact) -> String {
    let none = Details::default();
    let draft = &contract.parts().draft;
    let hash = || contract.document().map(|document| document.hash.clone());
    let as_it_is = || Details {
        business_name: Some(draft.partner.business_name.clone()),
        email: Some(draft.partner.email.clone()),
        signatories: Some(
            draft.signatories.iter().map(|one| format!("{} <{}>", one.name, one.email)).collect(),
        ),
        effective_date: draft.effective_date.map(date),
        ..Details::default()
    };
    let last = contract.parts().proposals.last();
    let details = match fact {
        Fact::Drafted => Details {
            contract_type: Some(draft.contract_type.name()),
            template_id: Some(draft.template.to_string()),
            origin: Some(draft.origin.name()),
            renews: draft.origin.renews().map(ContractId::to_string),
            terms: Some(terms_json(&draft.terms)),
            ..as_it_is()
        },
        Fact::Changed => as_it_is(),
        Fact::Proposed { number, by } => Details {
            number: Some(*number),
            party: Some(by.name()),
            note: last.and_then(|last| last.note.clone()),
            terms: last.map(|last| terms_json(&last.terms)),
            ..none
        },
        Fact::Accepted { number, by } | Fact::Rejected { number, by } => {
            Details { number: Some(*number), party: Some(by.name()), ..none }
        }
        Fact::Sent { document_hash } => Details { document_hash: Some(document_hash.clone()), ..as_it_is() },
        Fact::TokenRenewed { position } => Details { position: Some(*position), ..none },
        Fact::SignedBy { position, signed_as } => Details {
            position: Some(*position),
            signed_as: Some(signed_as.clone()),
            document_hash: hash(),
            ..none
        },
        Fact::Signed => Details { document_hash: hash(), ..none },
        Fact::Scheduled { effective_date } => Details { effective_date: Some(date(*effective_date)), ..none },
        Fact::Activated(validity) => Details {
            effective_date: Some(date(validity.from)),
            expiration_date: Some(date(validity.until)),
            ..none
        },
        Fact::Expired => none,
        Fact::Renewed { by, .. } => Details { renewed_by: Some(by.to_string()), ..none },
        Fact::Terminated { reason } => Details { reason: Some(reason.clone()), ..none },
        Fact::Reminded { days } => Details { days: Some(*days), ..none },
    };
    serde_json::to_string(&details).expect("names and numbers are always JSON")
}

/// As [`details`], of a contract of employment.
pub(crate) fn employment_details(contract: &EmploymentContract, fact: &EmploymentFact) -> String {
    let none = Details::default();
    let hash = Some(contract.document.hash.clone());
    let who = || contract.signatories.iter().map(|one| format!("{} <{}>", one.name, one.email)).collect();
    let details = match fact {
        EmploymentFact::Drafted | EmploymentFact::Signed => Details { document_hash: hash, ..none },
        EmploymentFact::Sent => Details { signatories: Some(who()), document_hash: hash, ..none },
        EmploymentFact::TokenRenewed { position } => Details { position: Some(*position), ..none },
        EmploymentFact::SignedBy { position, signed_as } => Details {
            position: Some(*position),
            signed_as: Some(signed_as.clone()),
            document_hash: hash,
            ..none
        },
        EmploymentFact::Reminded { days } => Details { days: Some(*days), ..none },
        EmploymentFact::Terminated { reason } => Details { reason: Some(reason.clone()), ..none },
    };
    serde_json::to_string(&details).expect("names and numbers are always JSON")
}

/// Who did what, and whether the chain holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditTrail)]
pub(crate) struct AuditView {
    contract_id: String,
    /// Whether each entry is what it was when it was written, and none is missing.
    verified: bool,
    /// What is wrong, where it is not.
    fault: Option<String>,
    /// Of the last entry, as the contract knows it.
    head_hash: String,
    /// The oldest first.
    entries: Vec<EntryView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    actor: String,
    action: String,
    #[schema(value_type = Object)]
    details: Option<Box<RawValue>>,
    previous_hash: String,
    /// SHA-256 over contract, number, time in microseconds, actor, action, details and previous hash, each as
    /// `length:text;`.
    hash: String,
}

impl AuditView {
    pub(crate) fn of(id: &ContractId, entries: Vec<Entry>, head: &Head) -> Self {
        let fault = verify(&entries, head).map_err(|broken: Broken| broken.to_string()).err();
        let entry = |entry: Entry| EntryView {
            number: entry.number,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            details: RawValue::from_string(entry.details).ok(),
            previous_hash: entry.previous,
            hash: entry.hash,
        };
        Self {
            contract_id: id.to_string(),
            verified: fault.is_none(),
            fault,
            head_hash: head.hash.clone(),
            entries: entries.into_iter().map(entry).collect(),
        }
    }
}
