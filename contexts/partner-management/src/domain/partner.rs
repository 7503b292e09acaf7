//! A partner: who it is, what was checked, and how far it goes with it.
//!
//! Its status follows from two things that do not disturb each other: how far its contracts have come, which others
//! tell in any order, and whether somebody suspended or terminated it here. Reactivating leads back to where the
//! contracts are by then.
//!
//! Not here: whom it looks for (`request`), and how it does (`metrics`).

use hexalpes_kernel::{Actor, Email, Timestamp};

use super::validation::{self, Check};
use super::{
    Contract, ContractId, ContractType, Document, DocumentDetails, DocumentError, DocumentId,
    DocumentStanding, Json, PartnerId, PartnerStatus, PartnerType, RegistrationSource, ValidationStatus,
};

/// What is said of a partner that registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub business_name: String,
    /// Of the main contact.
    pub email: Email,
    pub kind: PartnerType,
    pub preferred_contract: ContractType,
    pub source: RegistrationSource,
    /// A JSON object: all that the form had.
    pub data: Json,
}

/// What is to become of it; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerChanges {
    pub business_name: Option<String>,
    pub email: Option<Email>,
    pub preferred_contract: Option<ContractType>,
    pub data: Option<Json>,
}

/// Whether somebody stopped the work with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intervention {
    None,
    Suspended { reason: String },
    Terminated { reason: String },
}

/// What can be asked of a partner that moves its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Sign,
    Activate,
    Suspend,
    Reactivate,
    Terminate,
}

/// A step that is allowed, and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    pub step: Step,
    pub to: PartnerStatus,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    id: PartnerId,
    revision: u32,
    registration: Registration,
    intervention: Intervention,
    documents: Vec<Document>,
    contracts: Vec<Contract>,
    registered_at: Timestamp,
    changed_at: Timestamp,
}

/// The parts of a partner as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: PartnerId,
    pub revision: u32,
    pub registration: Registration,
    pub intervention: Intervention,
    pub documents: Vec<Document>,
    pub contracts: Vec<Contract>,
    pub registered_at: Timestamp,
    pub changed_at: Timestamp,
}

/// What a verb came to; what there is now, the partner tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The status before, where it is another now.
    pub from: Option<PartnerStatus>,
    /// Whether a check came out otherwise than before.
    pub checks: bool,
    /// Whether a contract was activated.
    pub activated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("a partner that is {status} cannot be changed so")]
    NotAllowed { status: PartnerStatus, allowed: Vec<Transition> },
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// Documents that a partner may have.
const DOCUMENTS_MAX: usize = 100;

impl Partner {
    /// Somebody registers. Contracts may have been told of before.
    pub fn register(
        id: PartnerId,
        registration: Registration,
        documents: Vec<Document>,
        contracts: Vec<Contract>,
        at: Timestamp,
    ) -> Self {
        let revision = 1 + contracts.iter().map(facts_of).sum::<u32>();
        Self {
            id,
            revision,
            registration,
            intervention: Intervention::None,
            documents,
            contracts,
            registered_at: at,
            changed_at: at,
        }
    }

    pub fn change(&mut self, changes: PartnerChanges, at: Timestamp) -> Result<Option<Changed>, ChangeError> {
        self.may_change()?;
        let PartnerChanges { business_name, email, preferred_contract, data } = changes;
        let old = self.registration.clone();
        let new = Registration {
            business_name: business_name.unwrap_or(old.business_name.clone()),
            email: email.unwrap_or(old.email.clone()),
            kind: old.kind,
            preferred_contract: preferred_contract.unwrap_or(old.preferred_contract),
            source: old.source,
            data: data.unwrap_or(old.data.clone()),
        };
        if new == old {
            return Ok(None);
        }
        Ok(Some(self.update(at, |partner| partner.registration = new)))
    }

    /// Suspending again is no news.
    pub fn suspend(&mut self, reason: &str, at: Timestamp) -> Result<Option<Changed>, ChangeError> {
        self.may_change()?;
        if matches!(self.intervention, Intervention::Suspended { .. }) {
            return Ok(None);
        }
        let reason = reason.to_owned();
        Ok(Some(self.update(at, |partner| partner.intervention = Intervention::Suspended { reason })))
    }

    /// Back to where its contracts are.
    pub fn reactivate(&mut self, at: Timestamp) -> Result<Option<Changed>, ChangeError> {
        if !matches!(self.intervention, Intervention::Suspended { .. }) {
            return Err(self.not_allowed());
        }
        Ok(Some(self.update(at, |partner| partner.intervention = Intervention::None)))
    }

    /// For good; terminating again is no news.
    pub fn terminate(&mut self, reason: &str, at: Timestamp) -> Option<Changed> {
        if matches!(self.intervention, Intervention::Terminated { .. }) {
            return None;
        }
        let reason = reason.to_owned();
        Some(self.update(at, |partner| partner.intervention = Intervention::Terminated { reason }))
    }

    pub fn add_document(
        &mut self,
        id: DocumentId,
        details: DocumentDetails,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Changed, ChangeError> {
        self.may_change()?;
        if let Some(there) = self.documents.iter().find(|document| document.is_same(&details)) {
            return Err(DocumentError::There(there.id.clone()).into());
        }
        if self.documents.len() >= DOCUMENTS_MAX {
            return Err(DocumentError::TooMany(DOCUMENTS_MAX).into());
        }
        let standing = DocumentStanding::Submitted;
        let document = Document { id, details, standing, added_at: at, added_by: by.clone() };
        Ok(self.update(at, |partner| partner.documents.push(document)))
    }

    /// Verifying again is no news.
    pub fn verify_document(
        &mut self,
        id: &DocumentId,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Option<Changed>, ChangeError> {
        self.decide(id, at, |document| document.verify(by, at))
    }

    /// Rejecting again is no news.
    pub fn reject_document(
        &mut self,
        id: &DocumentId,
        reason: &str,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Option<Changed>, ChangeError> {
        self.decide(id, at, |document| document.reject(reason, by, at))
    }

    /// Ends what is no longer valid.
    pub fn expire_documents(&mut self, at: Timestamp) -> Option<Changed> {
        let mut after = self.documents.clone();
        let ended = after.iter_mut().filter_map(|document| document.expire(at).then_some(())).count();
        (ended > 0).then(|| self.update(at, |partner| partner.documents = after))
    }

    /// Takes in what was told of a contract. What is known already is no news.
    pub fn learn(&mut self, told: &Contract, at: Timestamp) -> Option<Changed> {
        let before = self.contracts.iter().find(|contract| contract.id == told.id).map_or(0, facts_of);
        let mut contracts = self.contracts.clone();
        let is_news = if let Some(known) = contracts.iter_mut().find(|contract| contract.id == told.id) {
            known.merge(told)
        } else {
            contracts.push(told.clone());
            true
        };
        if !is_news {
            return None;
        }
        let changed = self.update(at, |partner| partner.contracts = contracts);
        // Counted by what is known and not by what was told, so that order does not matter.
        let after = self.contract(&told.id).map_or(0, facts_of);
        self.revision += after.saturating_sub(before).saturating_sub(1);
        Some(changed)
    }

    fn decide(
        &mut self,
        id: &DocumentId,
        at: Timestamp,
        verb: impl FnOnce(&mut Document) -> Result<bool, DocumentError>,
    ) -> Result<Option<Changed>, ChangeError> {
        self.may_change()?;
        let mut after = self.documents.clone();
        let found = after.iter_mut().find(|document| document.id == *id);
        let document = found.ok_or_else(|| DocumentError::NotFound(id.clone()))?;
        if !verb(document)? {
            return Ok(None);
        }
        Ok(Some(self.update(at, |partner| partner.documents = after)))
    }

    /// Does something, and tells what it came to. A change is never before the one before, whatever the clock says.
    fn update(&mut self, at: Timestamp, change: impl FnOnce(&mut Self)) -> Changed {
        let status = self.status();
        let passed = |partner: &Self| {
            partner.checks().into_iter().map(|check| check.passed == Some(true)).collect::<Vec<_>>()
        };
        let (was, activated) = (passed(self), self.activated());
        change(self);
        self.revision += 1;
        self.changed_at = at.max(self.changed_at);
        Changed {
            from: (self.status() != status).then_some(status),
            checks: passed(self) != was,
            activated: self.activated() > activated,
        }
    }

    fn may_change(&self) -> Result<(), ChangeError> {
        match self.intervention {
            Intervention::Terminated { .. } => Err(self.not_allowed()),
            Intervention::None | Intervention::Suspended { .. } => Ok(()),
        }
    }

    fn not_allowed(&self) -> ChangeError {
        ChangeError::NotAllowed { status: self.status(), allowed: self.allowed() }
    }

    pub fn status(&self) -> PartnerStatus {
        match self.intervention {
            Intervention::None => self.progress(),
            Intervention::Suspended { .. } => PartnerStatus::Suspended,
            Intervention::Terminated { .. } => PartnerStatus::Terminated,
        }
    }

    /// How far its contracts have come (C-14).
    pub fn progress(&self) -> PartnerStatus {
        let of = |contract: &Contract| match (contract.signed_at, contract.activation) {
            (_, Some(_)) => PartnerStatus::Validated,
            (Some(_), None) => PartnerStatus::Contracted,
            (None, None) => PartnerStatus::Registered,
        };
        self.contracts.iter().map(of).max().unwrap_or(PartnerStatus::Registered)
    }

    /// Which steps may follow, and where they lead.
    pub fn allowed(&self) -> Vec<Transition> {
        let to = |step, to| Transition { step, to };
        let (suspend, terminate) =
            (to(Step::Suspend, PartnerStatus::Suspended), to(Step::Terminate, PartnerStatus::Terminated));
        let sign = to(Step::Sign, PartnerStatus::Contracted);
        let activate = to(Step::Activate, PartnerStatus::Validated);
        match self.status() {
            PartnerStatus::Registered => vec![sign, activate, suspend, terminate],
            PartnerStatus::Contracted => vec![activate, suspend, terminate],
            PartnerStatus::Validated => vec![suspend, terminate],
            PartnerStatus::Suspended => vec![to(Step::Reactivate, self.progress()), terminate],
            PartnerStatus::Terminated => Vec::new(),
        }
    }

    pub fn checks(&self) -> Vec<Check> {
        validation::checks(self.registration.kind, &self.documents, &self.contracts)
    }

    pub fn validation(&self) -> ValidationStatus {
        validation::outcome(&self.checks())
    }

    /// Whether a contract of it is in force.
    pub fn has_active_contract(&self, at: Timestamp) -> bool {
        self.contracts.iter().any(|contract| contract.is_active(at))
    }

    /// How many of its contracts were activated.
    pub fn activated(&self) -> usize {
        self.contracts.iter().filter(|contract| contract.activation.is_some()).count()
    }

    /// Takes a partner out of its store.
    pub fn restore(stored: Stored) -> Self {
        let Stored {
            id,
            revision,
            registration,
            intervention,
            documents,
            contracts,
            registered_at,
            changed_at,
        } = stored;
        Self { id, revision, registration, intervention, documents, contracts, registered_at, changed_at }
    }

    pub fn id(&self) -> &PartnerId {
        &self.id
    }

    /// Counts up from 1 with each change.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    pub fn intervention(&self) -> &Intervention {
        &self.intervention
    }

    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    pub fn contracts(&self) -> &[Contract] {
        &self.contracts
    }

    pub fn contract(&self, id: &ContractId) -> Option<&Contract> {
        self.contracts.iter().find(|contract| contract.id == *id)
    }

    pub fn registered_at(&self) -> Timestamp {
        self.registered_at
    }

    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }
}

impl Intervention {
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Suspended { reason } | Self::Terminated { reason } => Some(reason),
        }
    }
}

/// How much is known of a contract.
fn facts_of(contract: &Contract) -> u32 {
    let facts = [contract.signed_at.is_some(), contract.activation.is_some(), contract.ended_at.is_some()];
    facts.into_iter().map(u32::from).sum()
}
