//! What a commission is, how much it is, and why. Nothing here knows of SQL, JSON, clocks or threads.

mod commission;
mod explanation;
mod fact;
mod ids;
mod journal;
mod known;
#[cfg(test)]
pub(crate) mod laws;
mod lifecycle;
mod payout;
mod posting;
mod refund;
mod rule;
mod terms;

pub use commission::{Commission, Conversion, Made, Origin, Payment, Reservation, State, Stored, Told};
pub use explanation::{Explanation, Rounding, Step};
pub use fact::{Approved, Calculated, Change, Fact, Share};
pub use ids::{AffiliateId, CampaignId, CommissionId, ConversionId, PayoutId, ProgramId};
pub use journal::{Account, Bucket, Entry, Posting, Unbalanced};
pub use known::{KnownAffiliate, KnownProgram};
pub use lifecycle::Refusal;
pub use payout::{
    Candidate, Item, Line, LineState, Method, Payout, PayoutError, PayoutStatus, Plan, PlannedLine, plan,
};
pub use refund::{RefundError, Refunded};
pub use rule::{Formula, Program, RateSource, Rates, RuleError};
pub use terms::{Schedule, Terms};
