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

/// Why something was not allowed by a contract's limits.
#[derive(Debug)]
pub(super) enum LimitCheck {
    Over(OverLimit),
    Database(DbError),
}

impl From<DbError> for LimitCheck {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// Whether the partner may have one campaign more. `besides` is not counted. The partner is claimed.
pub(super) async fn check_count(
    tx: &Tx,
    grant: &Grant,
    partner: &PartnerId,
    besides: &CampaignId,
) -> Result<(), LimitCheck> {
    let Some(max) = grant.limits.campaigns_max else { return Ok(()) };
    if store::count_open(tx, partner, besides).await? < i64::from(max) {
        return Ok(());
    }
    Err(LimitCheck::Over(OverLimit::Campaigns { contract: grant.contract.clone(), max }))
}

/// Whether a campaign may have such budgets: all of them, as they will be. The partner is claimed.
pub(super) async fn check_budgets(
    tx: &Tx,
    grant: &Grant,
    campaign: &Campaign,
    budgets: &[Budget],
) -> Result<(), LimitCheck> {
    let contract = || grant.contract.clone();
    for budget in budgets {
        let max = match budget.kind {
            BudgetKind::Daily => grant.limits.daily_budget_max,
            BudgetKind::Total | BudgetKind::Lifetime => grant.limits.campaign_budget_max,
        };
        let Some(max) = max else { continue };
        if max.currency() != budget.limit.currency() {
            let limited = max.currency();
            return Err(LimitCheck::Over(OverLimit::OtherCurrency { contract: contract(), limited }));
        }
        if budget.limit.minor() > max.minor() {
            return Err(LimitCheck::Over(OverLimit::Budget { contract: contract(), kind: budget.kind, max }));
        }
    }
    let Some(max) = grant.limits.total_budget_max else { return Ok(()) };
    let Some(own) = whole(budgets) else { return Ok(()) };
    if own.currency() != max.currency() {
        let limited = max.currency();
        return Err(LimitCheck::Over(OverLimit::OtherCurrency { contract: contract(), limited }));
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
    Err(LimitCheck::Over(OverLimit::Total { contract: contract(), max, left }))
}

/// What a campaign may spend in all: its total budget, else its lifetime budget.
fn whole(budgets: &[Budget]) -> Option<Money> {
    let of = |kind| budgets.iter().find(|budget| budget.kind == kind).map(|budget| budget.limit);
    of(BudgetKind::Total).or_else(|| of(BudgetKind::Lifetime))
}
