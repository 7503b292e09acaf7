//! What time brings about: campaigns that begin, that end, and that a new day frees.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Timestamp};

use super::tell;
use super::watch::watch;
use crate::domain::{CampaignId, Day};
use crate::store;

/// Campaigns that time may have changed, `limit` at most.
pub async fn due(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<CampaignId>, DbError> {
    store::due_for_a_look(tx, now, limit).await
}

/// Brings a campaign to where it is now.
pub async fn tick(tx: &Tx, id: &CampaignId, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    let Some(mut campaign) = store::claim_campaign(tx, id).await? else { return Ok(()) };
    let fact = campaign.tick(cause.at);
    tell(tx, ids, &campaign, fact, cause).await?;
    // The daily budget is a new one, and the total budget is counted by days too.
    let fact = watch(tx, ids, &mut campaign, &[], cause).await?;
    tell(tx, ids, &campaign, fact, cause).await?;
    store::mark_looked(tx, id, Day::of(cause.at)).await?;
    store::save_campaign(tx, &campaign).await
}
