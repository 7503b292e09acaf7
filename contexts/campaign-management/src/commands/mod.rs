//! One use case a file. Each takes a transaction and neither begins nor ends it.

mod budget;
mod change;
mod converted;
mod create;
mod learn;
mod limits;
mod report;
mod results;
mod review;
mod spend;
mod tick;
mod watch;

pub use budget::{BudgetNotSet, BudgetSet, SetBudget, set_budget};
pub use change::{CampaignNotChanged, ChangeCampaign, NewPlan, Verb, change_campaign};
pub(crate) use converted::RESERVED;
pub use converted::{Conversion, Refund, converted, refunded};
pub use create::{CampaignNotCreated, CreateCampaign, NewBudget, NewTargets, create_campaign};
pub use learn::{enable_campaigns, end_contract, learn_validation};
pub use limits::OverLimit;
pub use report::{
    MakeDueReport, MakeReport, ReportMade, ReportNotMade, make_due_report, make_report, renew_report,
};
pub use results::{NewResult, ResultNotRecorded, ResultRecorded, record_results};
pub use spend::{NewSpend, SpendNotRecorded, SpendRecorded, record_spend};
pub use tick::{Due, bring_about, due};

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Money, MoneyError};

use crate::domain::report::{MINOR_MAX, Renewal, Totals};
use crate::domain::{Campaign, Day, Fact};
use crate::{events, store};

fn bounded(money: Money) -> Result<Money, MoneyError> {
    if money.minor().abs() > MINOR_MAX { Err(MoneyError::TooLarge) } else { Ok(money) }
}

/// Adds to a day; reports that were made and tell of it are renewed in the next round. `false` where it is more than can
/// be counted. Whoever calls this has claimed the campaign.
async fn add(
    tx: &Tx,
    campaign: &Campaign,
    day: Day,
    more: Totals,
    why: Renewal,
    cause: &Cause,
) -> Result<bool, DbError> {
    let is_added = store::add_to_day(tx, campaign, day, more).await?;
    if is_added && !more.is_nothing() {
        outdate(tx, campaign, day, why, cause).await?;
    }
    Ok(is_added)
}

/// Has the reports be made again that tell of a day.
async fn outdate(tx: &Tx, campaign: &Campaign, day: Day, why: Renewal, cause: &Cause) -> Result<(), DbError> {
    for (granularity, next) in store::schedules_of(tx, campaign.id()).await? {
        let telling = granularity.telling_of(day).into_iter();
        for period in telling.filter(|period| next.is_none_or(|next| period.start < next)) {
            let is_own = period.start <= day && day < period.end;
            let why = if is_own { why } else { Renewal::PeriodBefore };
            store::outdate(tx, campaign.id(), granularity, period.start, why, &cause.correlation).await?;
        }
    }
    Ok(())
}

/// Keeps what became of a campaign, if anything did, and tells it: at once, for the revision is of that fact.
async fn tell(
    tx: &Tx,
    ids: &dyn Ids,
    campaign: &Campaign,
    fact: Option<Fact>,
    cause: &Cause,
) -> Result<(), DbError> {
    let Some(fact) = fact else { return Ok(()) };
    store::insert_change(tx, campaign, &fact, cause).await?;
    let budgets = store::budgets_of(tx, campaign.id()).await?;
    events::of_campaign(tx, ids, &fact, campaign, &budgets, cause).await
}
