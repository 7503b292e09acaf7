//! Changes a campaign. What changes nothing is no news: the same answer, and no event.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids, MoneyError};

use super::limits::{OverLimit, check_budgets, check_count};
use super::review::check_rights;
use super::watch::watch;
use super::{NewTargets, tell};
use crate::domain::{Campaign, CampaignId, ChangeError, Day, NotAllowed, PlanChanges, Status, Transition};
use crate::store;

/// What is to become of a plan. The targets come apart, for their currency is the campaign's.
#[derive(Clone, Debug)]
pub struct NewPlan {
    pub plan: PlanChanges,
    pub targets: Option<NewTargets>,
}

/// What is to be done with a campaign.
#[derive(Clone, Debug)]
pub enum Verb {
    Change(Box<NewPlan>),
    Activate,
    Pause { reason: String },
    Resume,
    Complete,
    Cancel { reason: String },
}

#[derive(Clone, Debug)]
pub struct ChangeCampaign {
    pub id: CampaignId,
    pub verb: Verb,
    /// The revision that was seen, if any was.
    pub seen: IfMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CampaignNotChanged {
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error("{error}")]
    Refused { error: ChangeError, status: Status },
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It cannot go on while that is so.
    #[error("{error}")]
    Barred { error: NotAllowed, status: Status, allowed: Vec<Transition> },
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    #[error("it has no budget")]
    NoBudget,
    #[error("the revenue: it {0}")]
    Revenue(MoneyError),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change_campaign(
    tx: &Tx,
    command: ChangeCampaign,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Campaign, CampaignNotChanged> {
    let ChangeCampaign { id, verb, seen } = command;
    let claimed = store::claim_campaign(tx, &id).await?;
    let mut campaign = claimed.ok_or(CampaignNotChanged::NotFound(id))?;
    seen.check(campaign.parts().revision)?;
    let status = campaign.status();
    let refused = |error| CampaignNotChanged::Refused { error, status };
    let now = cause.at;
    let fact = match verb {
        Verb::Change(new) => {
            let NewPlan { plan, targets } = *new;
            let targets = targets.map(|targets| targets.in_currency(campaign.parts().currency));
            let targets = targets.transpose().map_err(CampaignNotChanged::Revenue)?;
            let fact = campaign.change(PlanChanges { targets, ..plan }, now).map_err(refused)?;
            tell(tx, ids, &campaign, fact, cause).await?;
            // The total budget is counted by the campaign's days, which may be others now.
            watch(tx, ids, &mut campaign, &[], cause).await?
        }
        Verb::Activate => {
            if status == Status::Draft {
                allow(tx, &mut campaign, cause).await?;
            }
            campaign.activate(now).map_err(refused)?
        }
        Verb::Pause { reason } => campaign.pause(&reason, now).map_err(refused)?,
        Verb::Resume => {
            // A new day may have freed it, and nobody looked yet.
            let freed = watch(tx, ids, &mut campaign, &[], cause).await?;
            tell(tx, ids, &campaign, freed, cause).await?;
            if let Some(error) = check_rights(tx, ids, &mut campaign, cause).await? {
                return Err(CampaignNotChanged::Barred { error, status, allowed: campaign.allowed() });
            }
            campaign.resume(now).map_err(refused)?
        }
        Verb::Complete => campaign.complete(now).map_err(refused)?,
        Verb::Cancel { reason } => campaign.cancel(&reason, now).map_err(refused)?,
    };
    tell(tx, ids, &campaign, fact, cause).await?;
    store::save_campaign(tx, &campaign).await?;
    Ok(campaign)
}

/// Whether it may begin: by a contract that is in force on the day on which it does, within its limits.
async fn allow(tx: &Tx, campaign: &mut Campaign, cause: &Cause) -> Result<(), CampaignNotChanged> {
    let partner = campaign.parts().partner.clone();
    store::claim_partner(tx, &partner).await?;
    let rights = store::rights_of(tx, &partner).await?;
    let first = Day::of(cause.at).max(campaign.parts().plan.start);
    let grant = rights.for_type(campaign.parts().kind, first)?;
    let budgets = store::budgets_of(tx, campaign.id()).await?;
    if budgets.is_empty() {
        return Err(CampaignNotChanged::NoBudget);
    }
    check_count::<CampaignNotChanged>(tx, grant, &partner, campaign.id()).await?;
    check_budgets::<CampaignNotChanged>(tx, grant, campaign, &budgets).await?;
    campaign.allowed_by(grant.contract.clone());
    // What the sweep would look for was looked at now.
    store::mark_reviewed(tx, campaign.id(), &partner).await?;
    Ok(())
}
