//! What a commission is, how much it is, and why. Nothing here knows of SQL, JSON, clocks or threads.

mod commission;
mod explanation;
mod ids;
mod rule;

pub use commission::{
    ApproveError, Approved, Calculated, Commission, Conversion, Fact, Made, Origin, State, Stored,
};
pub use explanation::{Explanation, Rounding, Step};
pub use ids::{AffiliateId, CampaignId, CommissionId, ConversionId};
pub use rule::{Program, RateSource, Rates, RuleError};
