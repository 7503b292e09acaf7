//! Looks whether a partner may still run its campaigns: pauses those that it may not, and lets them go on when it may again.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::tell;
use crate::domain::{Campaign, CampaignId, Day, NotAllowed, PartnerId, Stage};
use crate::store;

/// Campaigns that are looked at with what changed; the sweep looks at those that are left.
const REVIEWED_MAX: u64 = 100;

/// What a partner may has changed, by what was told or by the day.
pub(super) async fn review_partner(
    tx: &Tx,
    partner: &PartnerId,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(), DbError> {
    let rights = store::rights_of(tx, partner).await?;
    store::rights_changed(tx, partner, rights.next_change(Day::of(cause.at))).await?;
    for campaign in store::to_review(tx, Some(partner), REVIEWED_MAX).await? {
        review(tx, &campaign, ids, cause).await?;
    }
    Ok(())
}

pub(super) async fn review(tx: &Tx, id: &CampaignId, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    let Some(mut campaign) = store::claim_campaign(tx, id).await? else { return Ok(()) };
    check_rights(tx, ids, &mut campaign, cause).await?;
    store::save_campaign(tx, &campaign).await
}

/// Holds up a campaign that runs and may not, and tells why it may not. The campaign is claimed; whoever calls this saves
/// it.
pub(super) async fn check_rights(
    tx: &Tx,
    ids: &dyn Ids,
    campaign: &mut Campaign,
    cause: &Cause,
) -> Result<Option<NotAllowed>, DbError> {
    if !matches!(campaign.parts().stage, Stage::Running { .. }) {
        return Ok(None);
    }
    let partner = campaign.parts().partner.clone();
    let rights = store::rights_of(tx, &partner).await?;
    let (contract, refused) = match rights.to_go_on(campaign.parts().kind, Day::of(cause.at)) {
        Ok(grant) => (Some(grant.contract.clone()), None),
        Err(error) => (None, Some(error)),
    };
    if let Some(contract) = contract.filter(|_| campaign.parts().barrier.is_some()) {
        campaign.allowed_by(contract);
    }
    let why = refused.as_ref().map(|error| (error.barred_by(), error.to_string()));
    let fact = campaign.bar(why, cause.at);
    tell(tx, ids, campaign, fact, cause).await?;
    store::mark_reviewed(tx, campaign.id(), &partner).await?;
    Ok(refused)
}
