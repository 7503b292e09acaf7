//! What campaigns, budgets, spend and reports are, and who may have them. Nothing here knows of SQL, JSON, clocks or
//! threads.

mod budget;
mod campaign;
mod day;
pub mod exact;
mod ids;
mod pace;
mod permission;
pub mod report;
mod spend;
mod targets;

pub use budget::{Budget, BudgetKind, BudgetTerms, Level, Thresholds, ThresholdsError};
pub use campaign::{
    BarredBy, Barrier, Campaign, CampaignType, ChangeError, Fact, Hold, PausedBy, Plan, PlanChanges,
    SpendRefused, Stage, Status, Stored, Transition,
};
pub use day::{Day, DayError};
pub use ids::{AlertId, BudgetId, CampaignId, ContractId, PartnerId, ReportId, ResultId, SpendId};
pub use pace::{BURN_DAYS, Burned, Flight, Pace, Pacing};
pub use permission::{Allowed, End, Grant, Limits, NotAllowed, Outcome, Rights, Validated, Validation};
pub use spend::{Entry, EntryKind};
pub use targets::{Achievement, Measure, Targets};
