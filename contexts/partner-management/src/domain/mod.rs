//! What partners, their requests and their figures are. Nothing here knows of SQL, JSON, clocks or threads.

mod contract;
mod day;
mod document;
mod ids;
#[cfg(test)]
mod laws;
mod metrics;
mod partner;
mod request;
mod validation;
mod words;

pub use contract::{Activation, Contract};
pub use day::{Day, DayError, Json};
pub use document::{Document, DocumentDetails, DocumentError, Hash, HashError, Standing as DocumentStanding};
pub use ids::{
    AlertId, CampaignId, CandidateId, ContractId, DocumentId, HiringId, JobId, MatchId, PartnerId, ReportId,
    RequestId,
};
pub use metrics::{Alert, BudgetAt, Figures, Hire, Match, Metrics, RequestCounts};
pub use partner::{
    ChangeError, Changed, Intervention, Partner, PartnerChanges, Registration, Step, Stored as StoredPartner,
    Transition,
};
pub use request::{Asked, MoneyRange, Progress, RangeError, RecruitmentRequest, RequestOver, Timeline};
pub use validation::{Check, Reason};
pub use words::{
    AlertType, CandidateSource, ContractType, DocumentKind, DocumentStatus, ExperienceLevel, JobType,
    Outcome, PartnerStatus, PartnerType, PayPeriod, RegistrationSource, RequestStatus, SnapshotTrigger,
    Urgency, ValidationStatus,
};
