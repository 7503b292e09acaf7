//! A contract with a partner: what was agreed, who signs, and how far it is.
//!
//! ```text
//! DRAFT ─ propose ─▶ NEGOTIATION ─ send (all is accepted) ─▶ SENT ─ the last signature ─▶ SIGNED
//!   └──────────── send ─────────────────────────────────────▶ │                             │ activate, by hand or
//!                                                             │                             ▼ by the effective date
//!   terminate, from each of these and from ACTIVE ─▶ TERMINATED                           ACTIVE ─ time ─▶ EXPIRED
//!                                                                                           └ its renewal is activated ▶ RENEWED
//! ```
//!
//! Each verb gives the facts, or what stands in its way. Not here: verbs (`lifecycle`), and the document's text (`document`).

use hexalpes_kernel::Timestamp;

use super::audit::Head;
use super::{
    ContractId, ContractType, Document, Language, PartnerId, PartnerType, Proposal, Signatory, TemplateId,
    Terms,
};

/// With whom it is made, as it was when it was drafted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    pub id: PartnerId,
    pub partner_type: PartnerType,
    pub business_name: String,
    pub email: String,
}

/// How a contract came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The partner registered.
    Registration,
    /// Somebody asked for it.
    Request,
    Renewal {
        of: ContractId,
    },
}

impl Origin {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Registration => "REGISTRATION",
            Self::Request => "REQUEST",
            Self::Renewal { .. } => "RENEWAL",
        }
    }

    pub fn renews(&self) -> Option<&ContractId> {
        match self {
            Self::Renewal { of } => Some(of),
            Self::Registration | Self::Request => None,
        }
    }
}

/// Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Draft,
    Negotiation,
    Sent,
    Signed { at: Timestamp },
    Active,
    Expired { at: Timestamp },
    Renewed { by: ContractId, at: Timestamp },
    Terminated { reason: String, at: Timestamp },
}

impl State {
    /// The name on every wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Negotiation => "NEGOTIATION",
            Self::Sent => "SENT",
            Self::Signed { .. } => "SIGNED",
            Self::Active => "ACTIVE",
            Self::Expired { .. } => "EXPIRED",
            Self::Renewed { .. } => "RENEWED",
            Self::Terminated { .. } => "TERMINATED",
        }
    }

    pub const NAMES: [&'static str; 8] =
        ["DRAFT", "NEGOTIATION", "SENT", "SIGNED", "ACTIVE", "EXPIRED", "RENEWED", "TERMINATED"];

    /// What can be done from here.
    pub fn allowed(&self) -> &'static [&'static str] {
        match self {
            Self::Draft | Self::Negotiation => &["change", "negotiate", "send", "terminate"],
            Self::Sent => &["sign", "renew_tokens", "terminate"],
            Self::Signed { .. } => &["activate", "terminate"],
            Self::Active => &["renew", "terminate"],
            Self::Expired { .. } => &["renew"],
            Self::Renewed { .. } | Self::Terminated { .. } => &[],
        }
    }

    /// Whether a partner is still being taken on: there is one such contract of a partner at most.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Draft | Self::Negotiation | Self::Sent | Self::Signed { .. })
    }

    /// Nothing of it is there before the end.
    pub fn ending(&self) -> Ending<'_> {
        let (at, renewed_by, reason) = match self {
            Self::Draft | Self::Negotiation | Self::Sent | Self::Signed { .. } | Self::Active => {
                return Ending::default();
            }
            Self::Expired { at } => (at, None, None),
            Self::Renewed { by, at } => (at, Some(by), None),
            Self::Terminated { reason, at } => (at, None, Some(reason.as_str())),
        };
        Ending { at: Some(*at), renewed_by, reason }
    }
}

/// How a contract ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending<'a> {
    pub at: Option<Timestamp>,
    /// The contract that took its place.
    pub renewed_by: Option<&'a ContractId>,
    /// Why it was terminated.
    pub reason: Option<&'a str>,
}

/// From when to when it holds, once it was activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What is said of a contract that is drafted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub partner: Partner,
    pub contract_type: ContractType,
    pub template: TemplateId,
    /// The template's.
    pub language: Language,
    pub terms: Terms,
    /// What was told at the registration: a JSON object, kept as it came.
    pub initial_data: String,
    pub origin: Origin,
    /// In the order in which they sign.
    pub signatories: Vec<Signatory>,
    /// When it is to hold from; `None`: from its activation.
    pub effective_date: Option<Timestamp>,
}

/// A contract. What may change, changes by its verbs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    pub(super) parts: Stored,
}

/// The parts of a contract as they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: ContractId,
    pub revision: u32,
    pub draft: Draft,
    pub state: State,
    pub proposals: Vec<Proposal>,
    pub document: Option<Document>,
    pub signed_at: Option<Timestamp>,
    pub validity: Option<Validity>,
    /// So many days before the expiration somebody was reminded last.
    pub reminded_days: Option<u32>,
    pub trail: Head,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

impl Contract {
    pub fn draft(id: ContractId, draft: Draft, at: Timestamp) -> Self {
        Self {
            parts: Stored {
                id,
                revision: 1,
                draft,
                state: State::Draft,
                proposals: Vec::new(),
                document: None,
                signed_at: None,
                validity: None,
                reminded_days: None,
                trail: Head::empty(),
                created_at: at,
                changed_at: at,
            },
        }
    }

    /// Takes a contract out of its store.
    pub fn restore(parts: Stored) -> Self {
        Self { parts }
    }

    pub fn parts(&self) -> &Stored {
        &self.parts
    }

    pub fn id(&self) -> &ContractId {
        &self.parts.id
    }

    /// Counts up from 1 with each change.
    pub fn revision(&self) -> u32 {
        self.parts.revision
    }

    pub fn partner(&self) -> &Partner {
        &self.parts.draft.partner
    }

    pub fn contract_type(&self) -> ContractType {
        self.parts.draft.contract_type
    }

    /// What both sides have accepted, or begun with.
    pub fn terms(&self) -> &Terms {
        &self.parts.draft.terms
    }

    pub fn signatories(&self) -> &[Signatory] {
        &self.parts.draft.signatories
    }

    /// From when on it holds, or is to hold.
    pub fn effective_date(&self) -> Option<Timestamp> {
        self.parts.validity.map(|validity| validity.from).or(self.parts.draft.effective_date)
    }

    pub fn state(&self) -> &State {
        &self.parts.state
    }

    pub fn document(&self) -> Option<&Document> {
        self.parts.document.as_ref()
    }

    pub fn validity(&self) -> Option<Validity> {
        self.parts.validity
    }

    /// The proposal that the other side has not answered.
    pub fn open_proposal(&self) -> Option<&Proposal> {
        self.parts.proposals.last().filter(|last| last.outcome == super::Outcome::Open)
    }

    /// Goes on with the trail.
    pub fn write(
        &mut self,
        actor: &str,
        action: &str,
        details: String,
        at: Timestamp,
    ) -> super::audit::Entry {
        let (entry, head) = self.parts.trail.next(&self.parts.id, at, actor, action, details);
        self.parts.trail = head;
        entry
    }
}
