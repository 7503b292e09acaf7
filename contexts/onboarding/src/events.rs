//! What happened, in the words that other contexts know, on its way into the outbox.

use hexalpes_contracts::onboarding::{
    ContractActivated, ContractEnded, ContractExpiring, ContractSigned, EmploymentContractCreated,
    EmploymentContractEnded, EmploymentContractPending, EmploymentContractSigned, Event,
};
use hexalpes_contracts::{Dict, List};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Timestamp, Uuid};
use hexalpes_outbox::NewEvent;

use crate::domain::{Contract, EmploymentContract, EmploymentFact, Fact, date};
use crate::views::{SignatureView, TermsView, WaitingView};

/// Exhaustive on purpose: a new fact cannot be forgotten.
pub(crate) async fn of_contract(
    tx: &Tx,
    ids: &dyn Ids,
    fact: &Fact,
    contract: &Contract,
    cause: &Cause,
) -> Result<(), DbError> {
    let event = match fact {
        Fact::Signed => Event::ContractSigned(signed(contract)),
        Fact::Activated(_) => Event::ContractActivated(activated(contract)),
        Fact::Expired => Event::ContractEnded(ended(contract, None, None)),
        Fact::Renewed { by, had_ended: false } => {
            Event::ContractEnded(ended(contract, None, Some(by.to_string())))
        }
        Fact::Terminated { reason } => Event::ContractEnded(ended(contract, Some(reason.clone()), None)),
        Fact::Reminded { days } => Event::ContractExpiring(ContractExpiring {
            contract_id: contract.id().to_string(),
            partner_id: contract.partner().id.to_string(),
            contract_type: contract.contract_type().name().to_owned(),
            expiration_date: contract.validity().map(|validity| date(validity.until)).unwrap_or_default(),
            days: i64::from(*days),
            revision: contract.revision().into(),
        }),
        // What is agreed is nobody else's business until it is signed; and one end is told once.
        Fact::Renewed { had_ended: true, .. }
        | Fact::Drafted
        | Fact::Changed
        | Fact::Proposed { .. }
        | Fact::Accepted { .. }
        | Fact::Rejected { .. }
        | Fact::Sent { .. }
        | Fact::TokenRenewed { .. }
        | Fact::SignedBy { .. }
        | Fact::Scheduled { .. } => return Ok(()),
    };
    append(tx, ids.uuid(), &event, cause).await
}

fn signed(contract: &Contract) -> ContractSigned {
    let signatories: Vec<SignatureView> =
        contract.signatories().iter().filter_map(SignatureView::of).collect();
    ContractSigned {
        contract_id: contract.id().to_string(),
        partner_id: contract.partner().id.to_string(),
        contract_type: contract.contract_type().name().to_owned(),
        signed_at: contract.parts().signed_at.map(|at| at.to_string()).unwrap_or_default(),
        signatories: List::of(&signatories),
        document_hash: contract.document().map(|document| document.hash.clone()).unwrap_or_default(),
        revision: contract.revision().into(),
    }
}

fn activated(contract: &Contract) -> ContractActivated {
    let terms = TermsView::from(contract.terms());
    let validity = contract.validity();
    ContractActivated {
        contract_id: contract.id().to_string(),
        partner_id: contract.partner().id.to_string(),
        contract_type: contract.contract_type().name().to_owned(),
        effective_date: validity.map(|validity| date(validity.from)).unwrap_or_default(),
        expiration_date: validity.map(|validity| date(validity.until)).unwrap_or_default(),
        campaign_permissions: List::of(&terms.campaign_permissions),
        budget_limits: Dict::of(&terms.budget_limits),
        feature_flags: Dict::of(&terms.feature_flags),
        sla_terms: Dict::of(&terms.sla_terms),
        commission_structure: Dict::of(&terms.commission_structure),
        payment_terms: Dict::of(&terms.payment_terms),
        revision: contract.revision().into(),
        renews: contract.parts().draft.origin.renews().map(ToString::to_string),
        activated_at: contract.parts().changed_at.to_string(),
    }
}

fn ended(contract: &Contract, reason: Option<String>, renewed_by: Option<String>) -> ContractEnded {
    ContractEnded {
        contract_id: contract.id().to_string(),
        partner_id: contract.partner().id.to_string(),
        contract_type: contract.contract_type().name().to_owned(),
        outcome: contract.state().name().to_owned(),
        ended_at: contract.parts().changed_at.to_string(),
        reason,
        renewed_by,
        revision: contract.revision().into(),
    }
}

/// Exhaustive on purpose: a new fact cannot be forgotten.
pub(crate) async fn of_employment(
    tx: &Tx,
    id: Uuid,
    fact: &EmploymentFact,
    contract: &EmploymentContract,
    cause: &Cause,
) -> Result<(), DbError> {
    let terms = &contract.terms;
    let employment_contract_id = terms.id.to_string();
    let (hiring_id, partner_id) = (terms.hiring.to_string(), terms.partner.to_string());
    let (candidate_id, revision) = (terms.candidate.to_string(), i64::from(contract.revision));
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let event = match fact {
        EmploymentFact::Drafted => Event::EmploymentContractCreated(drafted(contract)),
        EmploymentFact::Signed => {
            let signatories: Vec<SignatureView> =
                contract.signatories.iter().filter_map(SignatureView::of).collect();
            Event::EmploymentContractSigned(EmploymentContractSigned {
                employment_contract_id,
                hiring_id,
                partner_id,
                candidate_id,
                signed_at: text(contract.signed_at),
                signatories: List::of(&signatories),
                document_hash: contract.document.hash.clone(),
                revision,
            })
        }
        EmploymentFact::Reminded { days } => {
            let waiting: Vec<WaitingView> = contract.signatories.iter().filter_map(WaitingView::of).collect();
            Event::EmploymentContractPending(EmploymentContractPending {
                employment_contract_id,
                hiring_id,
                partner_id,
                candidate_id,
                waiting_for: List::of(&waiting),
                sent_at: text(contract.sent_at),
                days: i64::from(*days),
                revision,
            })
        }
        EmploymentFact::Terminated { reason } => Event::EmploymentContractEnded(EmploymentContractEnded {
            employment_contract_id,
            hiring_id,
            partner_id,
            candidate_id,
            reason: reason.clone(),
            ended_at: contract.changed_at.to_string(),
            revision,
        }),
        EmploymentFact::Sent | EmploymentFact::TokenRenewed { .. } | EmploymentFact::SignedBy { .. } => {
            return Ok(());
        }
    };
    append(tx, id, &event, cause).await
}

fn drafted(contract: &EmploymentContract) -> EmploymentContractCreated {
    let EmploymentContract { terms, document, state, created_at, .. } = contract;
    EmploymentContractCreated {
        employment_contract_id: terms.id.to_string(),
        hiring_id: terms.hiring.to_string(),
        partner_id: terms.partner.to_string(),
        candidate_id: terms.candidate.to_string(),
        job_id: terms.job.to_string(),
        job_title: terms.job_title.clone(),
        department: terms.department.clone(),
        employment_type: terms.employment_type.name().to_owned(),
        start_date: terms.start_date.clone(),
        agreed_salary: terms.salary.amount().to_json(),
        agreed_salary_minor: terms.salary.minor(),
        currency: terms.salary.currency().to_string(),
        benefits_package: Dict::parse(&terms.benefits).unwrap_or_default(),
        employment_terms: Dict::parse(&terms.agreed).unwrap_or_default(),
        document_hash: document.hash.clone(),
        status: state.name().to_owned(),
        created_at: created_at.to_string(),
    }
}

async fn append(tx: &Tx, id: Uuid, event: &Event, cause: &Cause) -> Result<(), DbError> {
    let new = NewEvent {
        id,
        aggregate_type: "onboarding",
        aggregate_id: event.aggregate_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}
