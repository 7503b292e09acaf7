//! Contracts, their proposals and signatures, templates, contracts of employment.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::TermsView;
use crate::domain::{
    Contract, EmploymentContract, EmploymentState, Outcome, Proposal, Signatory, Signing, Template, date,
};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ContractTemplate)]
pub(crate) struct TemplateView {
    template_id: String,
    contract_type: &'static str,
    partner_type: &'static str,
    /// `es` or `en`.
    language: &'static str,
    version: u32,
    title: String,
    body: String,
    terms: TermsView,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Template> for TemplateView {
    fn from(template: &Template) -> Self {
        Self {
            template_id: template.id.to_string(),
            contract_type: template.contract_type.name(),
            partner_type: template.partner_type.name(),
            language: template.language.name(),
            version: template.version,
            title: template.title.clone(),
            body: template.body.clone(),
            terms: TermsView::from(&template.terms),
            created_by: template.created_by.clone(),
            created_at: template.created_at,
        }
    }
}

impl Record for TemplateView {
    const COLUMNS: &'static [&'static str] = &[
        "template_id",
        "contract_type",
        "partner_type",
        "language",
        "version",
        "title",
        "created_by",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.template_id.clone(),
            self.contract_type.to_owned(),
            self.partner_type.to_owned(),
            self.language.to_owned(),
            self.version.to_string(),
            self.title.clone(),
            self.created_by.clone(),
            self.created_at.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Contract)]
pub(crate) struct ContractView {
    contract_id: String,
    revision: u32,
    partner_id: String,
    partner_type: &'static str,
    business_name: String,
    email: String,
    contract_type: &'static str,
    /// `DRAFT`, `NEGOTIATION`, `SENT`, `SIGNED`, `ACTIVE`, `EXPIRED`, `RENEWED` or `TERMINATED`.
    status: &'static str,
    /// What can be done now.
    allowed: &'static [&'static str],
    template_id: String,
    /// What it is written in: `es` or `en`.
    language: &'static str,
    /// `REGISTRATION`, `REQUEST` or `RENEWAL`.
    origin: &'static str,
    /// The contract that this one renews.
    renews: Option<String>,
    /// The contract that renewed this one.
    renewed_by: Option<String>,
    /// What both sides have accepted.
    terms: TermsView,
    /// The number of the proposal that waits for an answer.
    open_proposal: Option<u32>,
    signatories: Vec<SignatoryView>,
    /// SHA-256 of the HTML that was sent; null before that.
    document_hash: Option<String>,
    /// The first day; null: that of its activation.
    #[schema(value_type = Option<String>, format = Date)]
    effective_date: Option<String>,
    /// The first day on which it no longer holds.
    #[schema(value_type = Option<String>, format = Date)]
    expiration_date: Option<String>,
    /// Why it was terminated.
    reason: Option<String>,
    /// Whatever was told of the partner.
    #[schema(value_type = Object)]
    initial_data: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    signed_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Contract> for ContractView {
    fn from(contract: &Contract) -> Self {
        let parts = contract.parts();
        let (partner, draft) = (contract.partner(), &parts.draft);
        let ending = parts.state.ending();
        Self {
            contract_id: parts.id.to_string(),
            revision: parts.revision,
            partner_id: partner.id.to_string(),
            partner_type: partner.partner_type.name(),
            business_name: partner.business_name.clone(),
            email: partner.email.clone(),
            contract_type: draft.contract_type.name(),
            status: parts.state.name(),
            allowed: parts.state.allowed(),
            template_id: draft.template.to_string(),
            language: draft.language.name(),
            origin: draft.origin.name(),
            renews: draft.origin.renews().map(ToString::to_string),
            renewed_by: ending.renewed_by.map(ToString::to_string),
            terms: TermsView::from(contract.terms()),
            open_proposal: contract.open_proposal().map(|open| open.number),
            signatories: contract.signatories().iter().map(Into::into).collect(),
            document_hash: contract.document().map(|document| document.hash.clone()),
            effective_date: contract.effective_date().map(date),
            expiration_date: contract
                .validity()
                .map(|validity| validity.until)
                .or_else(|| draft.effective_date.map(|from| draft.terms.expires(from)))
                .map(date),
            reason: ending.reason.map(ToOwned::to_owned),
            initial_data: RawValue::from_string(draft.initial_data.clone()).ok(),
            sent_at: contract.document().map(|document| document.sent_at),
            signed_at: parts.signed_at,
            ended_at: ending.at,
            created_at: parts.created_at,
            changed_at: parts.changed_at,
        }
    }
}

impl Record for ContractView {
    const COLUMNS: &'static [&'static str] = &[
        "contract_id",
        "partner_id",
        "business_name",
        "contract_type",
        "status",
        "effective_date",
        "expiration_date",
        "signed_at",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.contract_id.clone(),
            self.partner_id.clone(),
            self.business_name.clone(),
            self.contract_type.to_owned(),
            self.status.to_owned(),
            self.effective_date.clone().unwrap_or_default(),
            self.expiration_date.clone().unwrap_or_default(),
            self.signed_at.map(|at| at.to_string()).unwrap_or_default(),
            self.created_at.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Signatory)]
pub(crate) struct SignatoryView {
    position: u32,
    name: String,
    email: String,
    /// `COMPANY` or `PARTNER`; of a contract of employment `PARTNER` or `CANDIDATE`.
    role: &'static str,
    /// `NOT_ASKED`, `PENDING` or `SIGNED`.
    status: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    signed_at: Option<Timestamp>,
    signed_as: Option<String>,
    /// Until when the token is good for signing.
    #[schema(value_type = Option<String>, format = DateTime)]
    token_expires_at: Option<Timestamp>,
}

impl From<&Signatory> for SignatoryView {
    fn from(one: &Signatory) -> Self {
        let (signed_at, signed_as, token_expires_at) = match &one.signing {
            Signing::NotAsked => (None, None, None),
            Signing::Asked { until, .. } => (None, None, Some(*until)),
            Signing::Signed { at, signed_as, .. } => (Some(*at), Some(signed_as.clone()), None),
        };
        Self {
            position: one.position,
            name: one.name.clone(),
            email: one.email.clone(),
            role: one.party.name(),
            status: one.status(),
            signed_at,
            signed_as,
            token_expires_at,
        }
    }
}

/// A signatory as [`hexalpes_contracts::onboarding::ContractSigned`] tells of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SignatureView {
    position: u32,
    name: String,
    email: String,
    role: &'static str,
    signed_at: Timestamp,
    signed_as: String,
}

impl SignatureView {
    pub(crate) fn of(one: &Signatory) -> Option<Self> {
        let Signing::Signed { at, signed_as, .. } = &one.signing else { return None };
        Some(Self {
            position: one.position,
            name: one.name.clone(),
            email: one.email.clone(),
            role: one.party.name(),
            signed_at: *at,
            signed_as: signed_as.clone(),
        })
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Signatures)]
pub(crate) struct SignaturesView {
    contract_id: String,
    status: &'static str,
    document_hash: Option<String>,
    signatories: Vec<SignatoryView>,
}

impl From<&EmploymentContract> for SignaturesView {
    fn from(contract: &EmploymentContract) -> Self {
        Self {
            contract_id: contract.terms.id.to_string(),
            status: contract.state.name(),
            document_hash: Some(contract.document.hash.clone()),
            signatories: contract.signatories.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Contract> for SignaturesView {
    fn from(contract: &Contract) -> Self {
        Self {
            contract_id: contract.id().to_string(),
            status: contract.state().name(),
            document_hash: contract.document().map(|document| document.hash.clone()),
            signatories: contract.signatories().iter().map(Into::into).collect(),
        }
    }
}

/// A token, which is shown once: it is kept as its digest alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SigningToken)]
pub(crate) struct TokenView {
    pub(crate) position: u32,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) token: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) expires_at: Timestamp,
}

/// The tokens that were given now, with whose they are.
pub(crate) fn tokens(given: Vec<(u32, String)>, signatories: &[Signatory]) -> Vec<TokenView> {
    let view = |(position, token): (u32, String)| {
        let one = signatories.iter().find(|one| one.position == position)?;
        let Signing::Asked { until, .. } = &one.signing else { return None };
        let (name, email, expires_at) = (one.name.clone(), one.email.clone(), *until);
        Some(TokenView { position, name, email, token, expires_at })
    };
    given.into_iter().filter_map(view).collect()
}

/// A contract, and the tokens to sign it with.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SentContract)]
pub(crate) struct SentView {
    #[serde(flatten)]
    pub(crate) contract: ContractView,
    /// For each signatory its own: shown now, and never again.
    pub(crate) signing_tokens: Vec<TokenView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub(crate) struct ProposalView {
    number: u32,
    /// `COMPANY` or `PARTNER`.
    proposed_by: &'static str,
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    proposed_at: Timestamp,
    note: Option<String>,
    /// `OPEN`, `ACCEPTED`, `REJECTED` or `SUPERSEDED`.
    outcome: &'static str,
    decided_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// The sides that have accepted it.
    accepted_by: Vec<&'static str>,
    /// All terms, as they would be.
    terms: TermsView,
}

impl From<&Proposal> for ProposalView {
    fn from(proposal: &Proposal) -> Self {
        let decided = proposal.outcome.decided();
        let both = ["COMPANY", "PARTNER"];
        Self {
            number: proposal.number,
            proposed_by: proposal.by.name(),
            actor: proposal.actor.clone(),
            proposed_at: proposal.at,
            note: proposal.note.clone(),
            outcome: proposal.outcome.name(),
            decided_by: decided.and_then(|(actor, _)| actor).map(str::to_owned),
            decided_at: decided.map(|(_, at)| at),
            accepted_by: match proposal.outcome {
                Outcome::Accepted { .. } => both.to_vec(),
                Outcome::Open | Outcome::Rejected { .. } | Outcome::Superseded { .. } => {
                    vec![proposal.by.name()]
                }
            },
            terms: TermsView::from(&proposal.terms),
        }
    }
}

/// Somebody who has still to sign, as [`hexalpes_contracts::onboarding::EmploymentContractPending`] tells of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WaitingView {
    position: u32,
    name: String,
    email: String,
    role: &'static str,
}

impl WaitingView {
    pub(crate) fn of(one: &Signatory) -> Option<Self> {
        let Signatory { position, party, name, email, .. } = one;
        let waiting =
            || Self { position: *position, name: name.clone(), email: email.clone(), role: party.name() };
        (!one.is_signed()).then(waiting)
    }
}

/// A contract of employment, and the tokens to sign it with.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SentEmploymentContract)]
pub(crate) struct SentEmploymentView {
    #[serde(flatten)]
    pub(crate) contract: EmploymentView,
    /// For each signatory its own: shown now, and never again.
    pub(crate) signing_tokens: Vec<TokenView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EmploymentContract)]
pub(crate) struct EmploymentView {
    employment_contract_id: String,
    hiring_id: String,
    partner_id: String,
    candidate_id: String,
    job_id: String,
    job_title: String,
    department: String,
    start_date: String,
    /// `PERMANENT`, `CONTRACT` or `INTERNSHIP`.
    employment_type: &'static str,
    #[schema(value_type = Decimal)]
    agreed_salary: Box<RawValue>,
    agreed_salary_minor: i64,
    currency: &'static str,
    #[schema(value_type = Object)]
    benefits_package: Option<Box<RawValue>>,
    #[schema(value_type = Object)]
    employment_terms: Option<Box<RawValue>>,
    /// What it is written in: `es` or `en`.
    language: &'static str,
    /// SHA-256 of the HTML.
    document_hash: String,
    revision: u32,
    /// `DRAFT`, `SENT`, `SIGNED` or `TERMINATED`.
    status: &'static str,
    /// What can be done now.
    allowed: &'static [&'static str],
    /// In the order in which they sign; nobody before it is sent.
    signatories: Vec<SignatoryView>,
    /// Why it was terminated.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    signed_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&EmploymentContract> for EmploymentView {
    fn from(contract: &EmploymentContract) -> Self {
        let EmploymentContract { terms, document, state, .. } = contract;
        let (reason, ended_at) = match state {
            EmploymentState::Terminated { reason, at } => (Some(reason.clone()), Some(*at)),
            EmploymentState::Draft | EmploymentState::Sent | EmploymentState::Signed => (None, None),
        };
        Self {
            employment_contract_id: terms.id.to_string(),
            hiring_id: terms.hiring.to_string(),
            partner_id: terms.partner.to_string(),
            candidate_id: terms.candidate.to_string(),
            job_id: terms.job.to_string(),
            job_title: terms.job_title.clone(),
            department: terms.department.clone(),
            start_date: terms.start_date.clone(),
            employment_type: terms.employment_type.name(),
            agreed_salary: terms.salary.amount().to_json(),
            agreed_salary_minor: terms.salary.minor(),
            currency: terms.salary.currency().code(),
            benefits_package: RawValue::from_string(terms.benefits.clone()).ok(),
            employment_terms: RawValue::from_string(terms.agreed.clone()).ok(),
            language: contract.language.name(),
            document_hash: document.hash.clone(),
            revision: contract.revision,
            status: state.name(),
            allowed: state.allowed(),
            signatories: contract.signatories.iter().map(Into::into).collect(),
            reason,
            sent_at: contract.sent_at,
            signed_at: contract.signed_at,
            ended_at,
            created_at: contract.created_at,
            changed_at: contract.changed_at,
        }
    }
}

impl Record for EmploymentView {
    const COLUMNS: &'static [&'static str] = &[
        "employment_contract_id",
        "hiring_id",
        "partner_id",
        "candidate_id",
        "job_title",
        "start_date",
        "employment_type",
        "agreed_salary",
        "currency",
        "status",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.employment_contract_id.clone(),
            self.hiring_id.clone(),
            self.partner_id.clone(),
            self.candidate_id.clone(),
            self.job_title.clone(),
            self.start_date.clone(),
            self.employment_type.to_owned(),
            self.agreed_salary.get().to_owned(),
            self.currency.to_owned(),
            self.status.to_owned(),
            self.created_at.to_string(),
        ]
    }
}
