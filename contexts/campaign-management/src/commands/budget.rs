//! Sets what a campaign may spend. Each change is a new version, with alerts of its own.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Amount, Cause, Ids, Money, MoneyError};

use super::limits::{OverLimit, check_budgets};
use super::watch::watch;
use super::{bounded, tell};
use crate::domain::{
    Budget, BudgetId, BudgetKind, BudgetTerms, Campaign, CampaignId, ChangeError, Day, NotAllowed, Pace,
    Thresholds,
};
use crate::{queries, store};

#[derive(Clone, Debug)]
pub struct SetBudget {
    pub campaign: CampaignId,
    pub kind: BudgetKind,
    /// A first version has one.
    pub limit: Option<Amount>,
    pub thresholds: Option<Thresholds>,
    pub reason: Option<String>,
    /// The version that was seen, if any was.
    pub seen: IfMatch,
}

/// The budget, set now or as it was, and how it stands.
#[derive(Clone, Debug)]
pub struct BudgetSet {
    pub budget: Budget,
    pub pace: Pace,
    /// The campaign had none of the kind.
    pub is_first: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetNotSet {
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    #[error("a new budget needs a limit")]
    NoLimit,
    #[error("it {0}")]
    Limit(MoneyError),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Refused(#[from] ChangeError),
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What was paused because of the old limit goes on if the new one is higher than what was spent.
pub async fn set_budget(
    tx: &Tx,
    command: SetBudget,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<BudgetSet, BudgetNotSet> {
    let SetBudget { campaign: id, kind, limit, thresholds, reason, seen } = command;
    let claimed = store::claim_campaign(tx, &id).await?;
    let mut campaign = claimed.ok_or(BudgetNotSet::NotFound(id))?;
    let currency = campaign.parts().currency;
    let limit = limit.map(|limit| Money::from_amount(limit, currency).and_then(bounded)).transpose();
    let limit = limit.map_err(BudgetNotSet::Limit)?;
    let mut budgets = store::budgets_of(tx, campaign.id()).await?;
    let place = budgets.iter().position(|budget| budget.kind == kind);
    let before = place.map(|place| budgets.remove(place));
    let set_by = cause.actor.as_str();
    let next = if let Some(before) = &before {
        seen.check(before.version)?;
        before.changed(&BudgetTerms { limit, thresholds }, reason, cause.at, set_by)
    } else {
        Some(Budget {
            id: BudgetId::of(ids.uuid()),
            campaign: campaign.id().clone(),
            kind,
            version: 1,
            limit: limit.ok_or(BudgetNotSet::NoLimit)?,
            thresholds: thresholds.unwrap_or_default(),
            reason,
            set_at: cause.at,
            set_by: set_by.to_owned(),
        })
    };
    let is_first = before.is_none();
    let Some(next) = next else {
        let budget = before.expect("what did not change was there");
        return standing(tx, &campaign, budget, false, cause).await;
    };
    let fact = campaign.budget_changed(cause.at)?;
    let is_more = before.is_none_or(|before| next.limit.minor() > before.limit.minor());
    if is_more {
        budgets.push(next.clone());
        allow(tx, &campaign, &budgets, cause).await?;
    }
    if is_first {
        store::insert_budget(tx, &next).await?;
    } else {
        store::save_budget(tx, &next).await?;
    }
    tell(tx, ids, &campaign, Some(fact), cause).await?;
    let fact = watch(tx, ids, &mut campaign, &[], cause).await?;
    tell(tx, ids, &campaign, fact, cause).await?;
    store::save_campaign(tx, &campaign).await?;
    standing(tx, &campaign, next, is_first, cause).await
}

/// Whether the contract allows so much. A draft without a contract is looked at when it begins.
async fn allow(tx: &Tx, campaign: &Campaign, budgets: &[Budget], cause: &Cause) -> Result<(), BudgetNotSet> {
    if campaign.parts().contract.is_none() {
        return Ok(());
    }
    let partner = &campaign.parts().partner;
    store::claim_partner(tx, partner).await?;
    let rights = store::rights_of(tx, partner).await?;
    let grant = rights.in_force(Day::of(cause.at))?;
    check_budgets(tx, grant, campaign, budgets).await
}

async fn standing(
    tx: &Tx,
    campaign: &Campaign,
    budget: Budget,
    is_first: bool,
    cause: &Cause,
) -> Result<BudgetSet, BudgetNotSet> {
    let burned = store::burned(tx, campaign.id(), Day::of(cause.at)).await?;
    let pace = queries::standing(tx, campaign, &budget, &burned, cause.at).await?;
    Ok(BudgetSet { budget, pace, is_first })
}
