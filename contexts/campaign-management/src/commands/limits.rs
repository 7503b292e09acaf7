//! What a contract limits: how many campaigns, and what their budgets may come to.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Currency, Money};

use crate::domain::{Budget, BudgetKind, Campaign, CampaignId, ContractId, Grant, PartnerId};
use crate::store;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverLimit {
    #[error("contract {contract} allows {max} campaigns at a time, and there are as many")]
    Campaigns { contract: ContractId, max: u32 },
    #[error("contract {contract} allows a {} budget of {max} at most", kind.name())]
    Budget { contract: ContractId, kind: BudgetKind, max: Money },
    #[error("contract {contract} allows {max} for all campaigns, and {left} are left")]
    Total { contract: ContractId, max: Money, left: Money },
    #[error("contract {contract} limits budgets in {limited}")]
    OtherCurrency { contract: ContractId, limited: Currency },
}

/// Whether the partner may have one campaign more. `besides` is not counted. The partner is claimed.
pub(super) async fn check_count<E: From<OverLimit> + From<DbError>>(
    tx: &Tx,
    grant: &Grant,
    partner: &PartnerId,
    besides: &CampaignId,
) -> Result<(), E> {
    let Some(max) = grant.limits.campaigns_max else { return Ok(()) };
    if store::count_open(tx, partner, besides).await? < i64::from(max) {
        return Ok(());
    }
    Err(OverLimit::Campaigns { contract: grant.contract.clone(), max }.into())
}

/// Whether a campaign may have such budgets: all of them, as they will be. The partner is claimed.
pub(super) async fn check_budgets<E: From<OverLimit> + From<DbError>>(
    tx: &Tx,
    grant: &Grant,
    campaign: &Campaign,
    budgets: &[Budget],
) -> Result<(), E> {
    let contract = || grant.contract.clone();
    for budget in budgets {
        let max = match budget.kind {
            BudgetKind::Daily => grant.limits.daily_budget_max,
            BudgetKind::Total | BudgetKind::Lifetime => grant.limits.campaign_budget_max,
        };
        let Some(max) = max else { continue };
        if max.currency() != budget.limit.currency() {
            let limited = max.currency();
            return Err(OverLimit::OtherCurrency { contract: contract(), limited }.into());
        }
        if budget.limit.minor() > max.minor() {
            return Err(OverLimit::Budget { contract: contract(), kind: budget.kind, max }.into());
        }
    }
    let Some(max) = grant.limits.total_budget_max else { return Ok(()) };
    let Some(own) = whole(budgets) else { return Ok(()) };
    if own.currency() != max.currency() {
        let limited = max.currency();
        return Err(OverLimit::OtherCurrency { contract: contract(), limited }.into());
    }
    let mut sum = i128::from(own.minor());
    let others = store::budgets_of_open(tx, &campaign.parts().partner, campaign.id()).await?;
    let wholes = others.chunk_by(|one, next| one.campaign == next.campaign).filter_map(whole);
    let same = wholes.filter(|money| money.currency() == max.currency());
    sum += same.map(|money| i128::from(money.minor())).sum::<i128>();
    if sum <= i128::from(max.minor()) {
        return Ok(());
    }
    let others = sum - i128::from(own.minor());
    let left = i64::try_from((i128::from(max.minor()) - others).max(0)).unwrap_or(0);
    let left = Money::from_minor(left, max.currency());
    Err(OverLimit::Total { contract: contract(), max, left }.into())
}

/// What a campaign may spend in all: its total budget, else its lifetime budget.
fn whole(budgets: &[Budget]) -> Option<Money> {
    let of = |kind| budgets.iter().find(|budget| budget.kind == kind).map(|budget| budget.limit);
    of(BudgetKind::Total).or_else(|| of(BudgetKind::Lifetime))
}
