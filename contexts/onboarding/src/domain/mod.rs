//! What templates and contracts are. Nothing here knows of SQL, JSON, clocks or threads.

pub mod audit;
mod contract;
mod document;
mod employment;
mod ids;
mod kinds;
#[cfg(test)]
mod laws;
mod lifecycle;
mod negotiation;
mod signatory;
mod structure;
mod template;
mod terms;

pub use contract::{Contract, Draft, Ending, Origin, Partner, State, Stored, Validity};
pub use document::{Block, Document, blocks, date, parse_date, sha256, text_of};
pub use employment::{
    EmploymentContract, EmploymentFact, EmploymentState, EmploymentTerms, EmploymentType, PENDING_DAYS,
    employment_text,
};
pub use ids::{CandidateId, ContractId, EmploymentId, HiringId, JobId, PartnerId, TemplateId};
pub use kinds::{ContractType, Language, PartnerType, Party};
pub use lifecycle::{DraftChanges, Fact, REMINDER_DAYS, Refusal, Speaker};
pub use negotiation::{NegotiateError, Outcome, PROPOSALS_MAX, Proposal};
pub use signatory::{SIGNATORIES_MAX, SignError, Signatory, Signing, TOKEN_LIFETIME};
pub use structure::{CommissionStructure, Formula, Mode, Period, TIERS_MAX, Tier, Tiers, TiersError};
pub use template::{PLACEHOLDERS, Template, unknown_placeholders};
pub use terms::{
    BudgetLimits, DURATION_DAYS_MAX, Frequency, HOLD_DAYS_MAX, PaymentMethod, PaymentTerms, ServiceLevel,
    Terms, TermsChanges, TermsError,
};
