//! A partner: in a list, and on its page.

use hexalpes_http::Record;
use hexalpes_kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::raw;
use crate::domain::{
    Check, Contract, Day, Document, DocumentStanding, Partner, PartnerStatus, Registration, Step, Transition,
};
use crate::store::{Listed, Moved};
use crate::words;

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PartnerSummary)]
pub(crate) struct PartnerSummaryView {
    id: String,
    /// The same, by the name that other bodies have for it.
    partner_id: String,
    /// Counts up with each change; the `ETag`.
    revision: u32,
    business_name: String,
    email: String,
    /// `INDIVIDUAL`, `EMPRESA` or `STARTUP`.
    partner_type: &'static str,
    /// `REGISTERED`, `CONTRACTED`, `VALIDATED`, `SUSPENDED` or `TERMINATED`.
    status: &'static str,
    /// Why it is suspended or terminated.
    reason: Option<String>,
    /// `PENDING`, `PARTIAL` or `COMPLETE`.
    validation_status: &'static str,
    preferred_contract_type: &'static str,
    registration_source: &'static str,
    #[schema(value_type = String, format = DateTime)]
    registered_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Listed> for PartnerSummaryView {
    fn from(listed: &Listed) -> Self {
        let Registration { business_name, email, kind, preferred_contract, source, .. } =
            &listed.registration;
        Self {
            id: listed.id.to_string(),
            partner_id: listed.id.to_string(),
            revision: listed.revision,
            business_name: business_name.clone(),
            email: email.to_string(),
            partner_type: kind.name(),
            status: listed.status.name(),
            reason: listed.intervention.reason().map(str::to_owned),
            validation_status: listed.validation.name(),
            preferred_contract_type: preferred_contract.name(),
            registration_source: source.name(),
            registered_at: listed.registered_at,
            changed_at: listed.changed_at,
        }
    }
}

impl Record for PartnerSummaryView {
    const COLUMNS: &'static [&'static str] = &[
        "partner_id",
        "business_name",
        "email",
        "partner_type",
        "status",
        "reason",
        "validation_status",
        "preferred_contract_type",
        "registration_source",
        "registered_at",
        "changed_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.partner_id.clone(),
            self.business_name.clone(),
            self.email.clone(),
            self.partner_type.to_owned(),
            self.status.to_owned(),
            self.reason.clone().unwrap_or_default(),
            self.validation_status.to_owned(),
            self.preferred_contract_type.to_owned(),
            self.registration_source.to_owned(),
            self.registered_at.to_string(),
            self.changed_at.to_string(),
        ]
    }
}

/// All of a partner.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Partner)]
pub(crate) struct PartnerView {
    #[serde(flatten)]
    summary: PartnerSummaryView,
    #[schema(value_type = Object)]
    registration_data: Box<RawValue>,
    /// What may become of it, and by what.
    allowed_transitions: Vec<TransitionView>,
    validation: ValidationView,
    contracts: Vec<ContractView>,
    documents: Vec<DocumentView>,
}

impl From<&Partner> for PartnerView {
    fn from(partner: &Partner) -> Self {
        Self {
            summary: PartnerSummaryView::from(&Listed::from(partner)),
            registration_data: raw(&partner.registration().data),
            allowed_transitions: partner.allowed().into_iter().map(TransitionView::from).collect(),
            validation: ValidationView::from(partner),
            contracts: partner.contracts().iter().map(ContractView::from).collect(),
            documents: partner.documents().iter().map(DocumentView::from).collect(),
        }
    }
}

/// A step that is allowed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Transition)]
pub(crate) struct TransitionView {
    /// `suspend`, `reactivate`, `terminate`, `sign` or `activate`.
    transition: &'static str,
    /// The status that it leads to.
    to: &'static str,
    /// Who asks for it: a request, or an event of another context.
    by: &'static str,
}

impl TransitionView {
    /// As a problem tells it.
    pub(crate) fn told(&self) -> String {
        format!("{} ({})", self.transition, self.by)
    }
}

impl From<Transition> for TransitionView {
    fn from(allowed: Transition) -> Self {
        let (transition, by) = match allowed.step {
            Step::Sign => ("sign", "ContractSigned"),
            Step::Activate => ("activate", "ContractActivated"),
            Step::Suspend => ("suspend", "POST /v1/partners/{id}/suspend"),
            Step::Reactivate => ("reactivate", "POST /v1/partners/{id}/reactivate"),
            Step::Terminate => ("terminate", "POST /v1/partners/{id}/terminate"),
        };
        Self { transition, to: allowed.to.name(), by }
    }
}

/// What the checks of a partner come to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Validation)]
pub(crate) struct ValidationView {
    /// `PENDING`, `PARTIAL` or `COMPLETE`.
    status: &'static str,
    checks: Vec<CheckView>,
}

impl From<&Partner> for ValidationView {
    fn from(partner: &Partner) -> Self {
        Self {
            status: partner.validation().name(),
            checks: partner.checks().iter().map(CheckView::from).collect(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub(crate) struct CheckView {
    /// `identity`, `tax_id`, `incorporation`, `legal_representation` or `contract`, as the type of partner asks.
    name: &'static str,
    /// Null: it was not made yet.
    passed: Option<bool>,
    /// A sentence, in the language that was asked for.
    reason: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// Null: nobody, it follows from what is known.
    checked_by: Option<String>,
}

impl From<&Check> for CheckView {
    fn from(check: &Check) -> Self {
        Self {
            name: check.name,
            passed: check.passed,
            reason: words::reason(&check.reason).to_string(),
            checked_at: check.at,
            checked_by: check.by.as_ref().map(ToString::to_string),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PartnerContract)]
pub(crate) struct ContractView {
    contract_id: String,
    contract_type: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    signed_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    activated_at: Option<Timestamp>,
    /// From when on it is no longer in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    active_until: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl From<&Contract> for ContractView {
    fn from(contract: &Contract) -> Self {
        Self {
            contract_id: contract.id.to_string(),
            contract_type: contract.kind.name(),
            signed_at: contract.signed_at,
            activated_at: contract.activation.map(|active| active.at),
            active_until: contract.activation.and_then(|active| active.until),
            ended_at: contract.ended_at,
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    document_id: String,
    kind: &'static str,
    reference: String,
    /// SHA-256 of the file, in hexadecimal.
    hash: String,
    #[schema(format = Date)]
    issued_on: Option<String>,
    #[schema(format = Date)]
    expires_on: Option<String>,
    /// `SUBMITTED`, `VERIFIED`, `REJECTED` or `EXPIRED`.
    status: &'static str,
    /// Why it was rejected.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    decided_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    added_at: Timestamp,
    added_by: String,
}

impl From<&Document> for DocumentView {
    fn from(document: &Document) -> Self {
        let text = |day: &Option<Day>| day.as_ref().map(ToString::to_string);
        let by = |actor: &Actor| Some(actor.to_string());
        let (decided_at, decided_by, reason) = match &document.standing {
            DocumentStanding::Submitted => (None, None, None),
            DocumentStanding::Verified { at, by: who } => (Some(*at), by(who), None),
            DocumentStanding::Rejected { at, by: who, reason } => (Some(*at), by(who), Some(reason.clone())),
            DocumentStanding::Expired { at } => (Some(*at), None, None),
        };
        Self {
            document_id: document.id.to_string(),
            kind: document.details.kind.name(),
            reference: document.details.reference.clone(),
            hash: document.details.hash.as_str().to_owned(),
            issued_on: text(&document.details.issued_on),
            expires_on: text(&document.details.expires_on),
            status: document.status().name(),
            reason,
            decided_at,
            decided_by,
            added_at: document.added_at,
            added_by: document.added_by.to_string(),
        }
    }
}

/// A move of the status: who, when, why and because of what.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatusMove)]
pub(crate) struct MoveView {
    revision: u32,
    /// Null: it registered.
    from: Option<&'static str>,
    to: &'static str,
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    actor: String,
    correlation_id: String,
    /// The command or the event that moved it.
    causation_id: String,
}

impl From<Moved> for MoveView {
    fn from(moved: Moved) -> Self {
        Self {
            revision: moved.revision,
            from: moved.from.map(PartnerStatus::name),
            to: moved.to.name(),
            reason: moved.reason,
            at: moved.at,
            actor: moved.actor,
            correlation_id: moved.correlation,
            causation_id: moved.causation,
        }
    }
}
