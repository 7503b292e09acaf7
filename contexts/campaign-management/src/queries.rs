//! How budgets stand: what was spent against each, and how fast.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Money, Timestamp};

use crate::domain::report::Period;
use crate::domain::{Budget, BudgetKind, Burned, Campaign, CampaignId, Day, Flight, Pace};
use crate::store;

pub(crate) fn flight(campaign: &Campaign) -> Flight {
    let plan = &campaign.parts().plan;
    Flight { start: plan.start, end: plan.end }
}

/// What counts against a budget now; of a daily one, today's spend.
pub(crate) async fn spent_against(
    tx: &Tx,
    campaign: &Campaign,
    kind: BudgetKind,
    today: Day,
) -> Result<Money, DbError> {
    let parts = campaign.parts();
    let minor = match kind {
        BudgetKind::Lifetime => return Ok(parts.spent),
        BudgetKind::Daily => store::spend_on(tx, &parts.id, today).await?,
        BudgetKind::Total => {
            let period = Period { start: parts.plan.start, end: parts.plan.end.plus(1) };
            store::spend_within(tx, &parts.id, period).await?
        }
    };
    Ok(Money::from_minor(minor, parts.currency))
}

pub(crate) async fn standing(
    tx: &Tx,
    campaign: &Campaign,
    budget: &Budget,
    burned: &Burned,
    now: Timestamp,
) -> Result<Pace, DbError> {
    let spent = spent_against(tx, campaign, budget.kind, Day::of(now)).await?;
    Ok(Pace::of(budget, spent, burned, flight(campaign), now))
}

/// All budgets of a campaign, and how they stand.
pub(crate) async fn standings(
    tx: &Tx,
    campaign: &Campaign,
    now: Timestamp,
) -> Result<Vec<(Budget, Pace)>, DbError> {
    let budgets = store::budgets_of(tx, campaign.id()).await?;
    let burned = store::burned(tx, campaign.id(), Day::of(now)).await?;
    let mut standings = Vec::with_capacity(budgets.len());
    for budget in budgets {
        let pace = standing(tx, campaign, &budget, &burned, now).await?;
        standings.push((budget, pace));
    }
    Ok(standings)
}

/// How budgets of any campaigns stand, in their order; what those of one campaign share is read once.
pub(crate) async fn standings_of(
    tx: &Tx,
    budgets: Vec<Budget>,
    now: Timestamp,
) -> Result<Vec<(Budget, Pace)>, DbError> {
    let ids: BTreeSet<&CampaignId> = budgets.iter().map(|budget| &budget.campaign).collect();
    let mut campaigns: BTreeMap<CampaignId, (Campaign, Burned)> = BTreeMap::new();
    for campaign in store::load_campaigns(tx, ids).await? {
        let burned = store::burned(tx, campaign.id(), Day::of(now)).await?;
        campaigns.insert(campaign.id().clone(), (campaign, burned));
    }
    let mut standings = Vec::with_capacity(budgets.len());
    for budget in budgets {
        let (campaign, burned) = campaigns.get(&budget.campaign).ok_or(DbError::NoRow)?;
        let pace = standing(tx, campaign, &budget, burned, now).await?;
        standings.push((budget, pace));
    }
    Ok(standings)
}
