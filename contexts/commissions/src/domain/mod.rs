//! What a commission is, how much it is, and why. Nothing here knows of SQL, JSON, clocks or threads.

mod commission;
mod contract;
mod explanation;
mod fact;
mod formula;
mod ids;
mod journal;
mod known;
#[cfg(test)]
pub(crate) mod laws;
mod lifecycle;
mod payment;
mod payout;
mod posting;
mod refund;
mod rerate;
mod rule;
mod rulebook;
mod terms;
mod trial;

pub use commission::{Commission, Conversion, Made, Origin, Payment, Reservation, Slot, State, Stored, Told};
pub use contract::{PartnerContract, contract_at};
pub use explanation::{Explanation, Named, Offer, Rounding, Step};
pub use fact::{Approved, Calculated, Change, Fact, Rerated, Share};
pub use formula::{
    BANDS_MAX, Band, Basis, Earns, Exact, Formula, Mode, Period, Piece, Tally, Tiers, TiersError,
};
pub use ids::{AffiliateId, CampaignId, CommissionId, ConversionId, PayoutId, ProgramId, ReratingId, RuleId};
pub use journal::{Account, Bucket, Entry, Posting, Unbalanced};
pub use known::{KnownAffiliate, KnownProgram};
pub use lifecycle::Refusal;
pub use payment::{Frequency, Occasion, PaymentTerms, Wait, terms_at};
pub use payout::{
    Candidate, Item, Line, LineState, Method, Payout, PayoutError, PayoutStatus, Plan, PlannedLine, Waiting,
    plan,
};
pub use refund::{RefundError, Refunded};
pub use rerate::{Rating, Slots, Standing, Why};
pub use rule::{Program, RateSource, Rates, RuleError, Ruled, derive};
pub use rulebook::{
    Conditions, Facts, InForce, Owed, Rule, RuleChangeError, RuleStatus, RuleTerms, RuleVersion, holding,
    rank,
};
pub use terms::{Schedule, Terms};
pub use trial::{Counted, Ledgers, Outcome, Recorded, Sums, Trial, Tried};
