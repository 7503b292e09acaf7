//! What is checked of a partner, and what it comes to.
//!
//! | partner | checks |
//! | --- | --- |
//! | `INDIVIDUAL` | `identity`, `contract` |
//! | `STARTUP` | `tax_id`, `incorporation`, `contract` |
//! | `EMPRESA` | `tax_id`, `incorporation`, `legal_representation`, `contract` |
//!
//! All but the last are passed by a document of that kind which was verified and is still valid, the last by a contract
//! that was activated and has not ended.

use hexalpes_kernel::{Actor, Timestamp};

use super::{
    Contract, ContractId, Day, Document, DocumentKind, DocumentStanding, PartnerType, ValidationStatus,
};

/// One check, and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// `None`: it was not made yet.
    pub passed: Option<bool>,
    pub reason: Reason,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Who made it; `None`: nobody, it follows from what is known.
    pub by: Option<Actor>,
}

/// Why a check came out as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    NoDocument { kind: DocumentKind },
    Waits { reference: String },
    Verified { reference: String },
    Rejected { reference: String, why: String },
    Expired { reference: String, on: Option<Day> },
    NoContract,
    Activated { contract: ContractId },
    Ended { contract: ContractId },
}

const CONTRACT: &str = "contract";

/// Which documents are asked for, and by which checks.
fn asked(kind: PartnerType) -> &'static [(&'static str, DocumentKind)] {
    const IDENTITY: (&str, DocumentKind) = ("identity", DocumentKind::Identity);
    const TAX_ID: (&str, DocumentKind) = ("tax_id", DocumentKind::TaxId);
    const INCORPORATION: (&str, DocumentKind) = ("incorporation", DocumentKind::Incorporation);
    const REPRESENTATION: (&str, DocumentKind) = ("legal_representation", DocumentKind::LegalRepresentation);
    match kind {
        PartnerType::Individual => &[IDENTITY],
        PartnerType::Startup => &[TAX_ID, INCORPORATION],
        PartnerType::Company => &[TAX_ID, INCORPORATION, REPRESENTATION],
    }
}

/// All checks of a partner, in their order.
pub(super) fn checks(kind: PartnerType, documents: &[Document], contracts: &[Contract]) -> Vec<Check> {
    let of_documents = asked(kind).iter().map(|(name, wanted)| of_documents(name, *wanted, documents));
    of_documents.chain([of_contracts(contracts)]).collect()
}

/// What they come to.
pub(super) fn outcome(checks: &[Check]) -> ValidationStatus {
    match checks.iter().filter(|check| check.passed == Some(true)).count() {
        0 => ValidationStatus::Pending,
        passed if passed == checks.len() => ValidationStatus::Complete,
        _ => ValidationStatus::Partial,
    }
}

/// One that is verified decides; else the newest.
fn of_documents(name: &'static str, kind: DocumentKind, documents: &[Document]) -> Check {
    let is_verified = |document: &&Document| matches!(document.standing, DocumentStanding::Verified { .. });
    let of_kind = || documents.iter().filter(|document| document.details.kind == kind);
    let newest = || of_kind().max_by_key(|document| (document.added_at, document.id.clone()));
    let Some(document) = of_kind().find(is_verified).or_else(newest) else {
        return Check { name, passed: None, reason: Reason::NoDocument { kind }, at: None, by: None };
    };
    let reference = document.details.reference.clone();
    match &document.standing {
        DocumentStanding::Submitted => {
            Check { name, passed: None, reason: Reason::Waits { reference }, at: None, by: None }
        }
        DocumentStanding::Verified { at, by } => Check {
            name,
            passed: Some(true),
            reason: Reason::Verified { reference },
            at: Some(*at),
            by: Some(by.clone()),
        },
        DocumentStanding::Rejected { at, by, reason } => Check {
            name,
            passed: Some(false),
            reason: Reason::Rejected { reference, why: reason.clone() },
            at: Some(*at),
            by: Some(by.clone()),
        },
        DocumentStanding::Expired { at } => {
            let on = document.details.expires_on.clone();
            let reason = Reason::Expired { reference, on };
            Check { name, passed: Some(false), reason, at: Some(*at), by: None }
        }
    }
}

/// One that is in force decides, of several the one that was activated first; else the one that ended last.
fn of_contracts(contracts: &[Contract]) -> Check {
    let check = |passed, reason, at| Check { name: CONTRACT, passed, reason, at, by: None };
    let activated = || contracts.iter().filter_map(|contract| Some((contract.activation?.at, contract)));
    let in_force = activated().filter(|(_, contract)| contract.ended_at.is_none());
    if let Some((at, id)) = in_force.map(|(at, contract)| (at, &contract.id)).min() {
        return check(Some(true), Reason::Activated { contract: id.clone() }, Some(at));
    }
    let ended = activated().filter_map(|(_, contract)| Some((contract.ended_at?, &contract.id)));
    match ended.max() {
        Some((at, id)) => check(Some(false), Reason::Ended { contract: id.clone() }, Some(at)),
        None => check(None, Reason::NoContract, None),
    }
}
