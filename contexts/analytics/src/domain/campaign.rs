//! What is known of a campaign besides its figures: what people call it.

use super::{CampaignId, Day, PartnerId};

/// A campaign as its own context tells of it, in one revision. Its words are not ours and are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    pub id: CampaignId,
    pub partner: PartnerId,
    pub revision: i64,
    pub name: String,
    pub kind: String,
    pub channel: String,
    pub status: String,
    pub start: Option<Day>,
    /// The last day.
    pub end: Option<Day>,
}
