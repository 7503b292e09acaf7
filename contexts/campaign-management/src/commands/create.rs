//! Drafts a campaign for a partner whose contract allows it.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Ids, Money, MoneyError, Uuid};

use super::limits::{OverLimit, check_budgets, check_count};
use super::{bounded, tell};
use crate::domain::{
    Budget, BudgetId, BudgetKind, Campaign, CampaignId, CampaignType, Day, Fact, NotAllowed, PartnerId, Plan,
    Stage, Stored, Targets, Thresholds,
};
use crate::store;

/// Targets, before it is known in which currency.
#[derive(Clone, Debug, Default)]
pub struct NewTargets {
    /// All but the revenue.
    pub targets: Targets,
    pub revenue: Option<Amount>,
}

impl NewTargets {
    pub(super) fn in_currency(self, currency: Currency) -> Result<Targets, MoneyError> {
        let revenue =
            self.revenue.map(|amount| bounded(Money::from_amount(amount, currency)?)).transpose()?;
        Ok(Targets { revenue, ..self.targets })
    }
}

#[derive(Clone, Debug)]
pub struct NewBudget {
    pub kind: BudgetKind,
    pub limit: Amount,
    pub thresholds: Thresholds,
}

#[derive(Clone, Debug)]
pub struct CreateCampaign {
    pub id: Uuid,
    pub partner: PartnerId,
    pub kind: CampaignType,
    pub name: String,
    pub channel: String,
    /// That of the contract's limits where it is not said, or USD.
    pub currency: Option<Currency>,
    pub start: Day,
    pub end: Day,
    pub targets: NewTargets,
    /// One of a kind at most.
    pub budgets: Vec<NewBudget>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CampaignNotCreated {
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    #[error("its last day is before its first")]
    EndsBeforeStart,
    #[error("the revenue: it {0}")]
    Revenue(MoneyError),
    #[error("budget {index}: it {error}")]
    Budget { index: usize, error: MoneyError },
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The partner is claimed first: of two that would together exceed a limit, the second sees the first.
pub async fn create_campaign(
    tx: &Tx,
    command: CreateCampaign,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Campaign, CampaignNotCreated> {
    let CreateCampaign { id, partner, kind, name, channel, currency, start, end, targets, budgets } = command;
    store::claim_partner(tx, &partner).await?;
    let rights = store::rights_of(tx, &partner).await?;
    let grant = rights.to_draft(kind, Day::of(cause.at))?;
    if end < start {
        return Err(CampaignNotCreated::EndsBeforeStart);
    }
    let of_contract = grant.and_then(|grant| {
        let limits = &grant.limits;
        limits.campaign_budget_max.or(limits.total_budget_max).or(limits.daily_budget_max)
    });
    let currency = currency.or(of_contract.map(Money::currency)).unwrap_or(Currency::USD);
    let targets = targets.in_currency(currency).map_err(CampaignNotCreated::Revenue)?;
    let campaign = Campaign::restore(Stored {
        id: CampaignId::of(id),
        partner: partner.clone(),
        contract: grant.map(|grant| grant.contract.clone()),
        kind,
        currency,
        plan: Plan { name, channel, start, end, targets },
        stage: Stage::Draft,
        hold: None,
        barrier: None,
        exhausted: None,
        spent: Money::zero(currency),
        revision: 1,
        created_at: cause.at,
        changed_at: cause.at,
    });
    let budgets: Vec<Budget> = budgets
        .into_iter()
        .enumerate()
        .map(|(index, new)| {
            let limit = Money::from_amount(new.limit, currency).and_then(bounded);
            let limit = limit.map_err(|error| CampaignNotCreated::Budget { index, error })?;
            Ok(Budget {
                id: BudgetId::of(ids.uuid()),
                campaign: campaign.id().clone(),
                kind: new.kind,
                version: 1,
                limit,
                thresholds: new.thresholds,
                reason: None,
                set_at: cause.at,
                set_by: cause.actor.as_str().to_owned(),
            })
        })
        .collect::<Result<_, CampaignNotCreated>>()?;
    if let Some(grant) = grant {
        check_count::<CampaignNotCreated>(tx, grant, &partner, campaign.id()).await?;
        check_budgets::<CampaignNotCreated>(tx, grant, &campaign, &budgets).await?;
    }
    store::insert_campaign(tx, &campaign).await?;
    for budget in &budgets {
        store::insert_budget(tx, budget).await?;
    }
    tell(tx, ids, &campaign, Some(Fact::Created), cause).await?;
    Ok(campaign)
}
