//! What time brings about: campaigns that begin, that end, and that a new day frees; and partners who may more or less
//! from today on.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Timestamp};

use super::review::{check_rights, review, review_partner};
use super::tell;
use super::watch::watch;
use crate::domain::{CampaignId, Day, PartnerId};
use crate::store;

/// What is to be looked at.
#[derive(Clone, Debug)]
pub enum Due {
    /// A partner who may another thing from today on.
    Partner(PartnerId),
    /// A campaign whose partner may another thing.
    Rights(CampaignId),
    /// A campaign that time may have changed.
    Campaign(CampaignId),
}

/// What is due, `limit` of each at most.
pub async fn due(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<Due>, DbError> {
    let partners = store::partners_to_review(tx, Day::of(now), limit).await?;
    let rights = store::to_review(tx, None, limit).await?;
    let campaigns = store::due_for_a_look(tx, now, limit).await?;
    let partners = partners.into_iter().map(Due::Partner);
    let rights = rights.into_iter().map(Due::Rights);
    Ok(partners.chain(rights).chain(campaigns.into_iter().map(Due::Campaign)).collect())
}

/// Brings one to where it is now.
pub async fn bring_about(tx: &Tx, due: &Due, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    match due {
        Due::Partner(partner) => review_partner(tx, partner, ids, cause).await,
        Due::Rights(campaign) => review(tx, campaign, ids, cause).await,
        Due::Campaign(campaign) => tick(tx, campaign, ids, cause).await,
    }
}

async fn tick(tx: &Tx, id: &CampaignId, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    let Some(mut campaign) = store::claim_campaign(tx, id).await? else { return Ok(()) };
    let fact = campaign.tick(cause.at);
    tell(tx, ids, &campaign, fact, cause).await?;
    // The daily budget is a new one, and the total budget is counted by days too.
    let fact = watch(tx, ids, &mut campaign, &[], cause).await?;
    tell(tx, ids, &campaign, fact, cause).await?;
    // What begins was allowed when it was scheduled.
    check_rights(tx, ids, &mut campaign, cause).await?;
    store::mark_looked(tx, id, Day::of(cause.at)).await?;
    store::save_campaign(tx, &campaign).await
}
