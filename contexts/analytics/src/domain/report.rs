//! A report as it was heard.

use hexalpes_kernel::Timestamp;

use super::{CampaignId, Figures, PartnerId, Period, ReportId};

/// How a campaign did in a period, in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub campaign: CampaignId,
    pub partner: PartnerId,
    pub period: Period,
    pub figures: Figures,
    pub generated_at: Timestamp,
    pub as_of: AsOf,
    /// JSON: all that the event said, to the letter.
    pub data: String,
}

/// Which event figures are of; of several together, the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsOf {
    pub event: String,
    pub report: ReportId,
    pub version: i64,
    pub occurred_at: Timestamp,
}
