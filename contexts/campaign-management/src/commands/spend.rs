//! Takes in what was spent, and what corrects it: each once for each of its ids.

use std::time::Duration;

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Ids, Money, MoneyError, Timestamp};

use super::watch::watch;
use super::{add, bounded, tell};
use crate::domain::report::{Renewal, Totals};
use crate::domain::{Campaign, CampaignId, Day, Entry, EntryKind, SpendId, SpendRefused};
use crate::store;

/// What a clock elsewhere may be ahead.
const AHEAD_MAX: Duration = Duration::from_mins(5);

/// Spend, or what an earlier spend really came to.
#[derive(Clone, Debug)]
pub struct NewSpend {
    pub id: SpendId,
    pub amount: Amount,
    /// The campaign's where it is not said; no other is taken.
    pub currency: Option<Currency>,
    /// Now where it is not said; of a correction, when what it corrects was spent.
    pub occurred_at: Option<Timestamp>,
    pub corrects: Option<SpendId>,
    pub note: Option<String>,
}

/// The entry, recorded now or found.
#[derive(Clone, Debug)]
pub struct SpendRecorded {
    pub entry: Entry,
    pub is_duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpendNotRecorded {
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    #[error(transparent)]
    Refused(#[from] SpendRefused),
    #[error("the campaign spends {campaign}")]
    OtherCurrency { campaign: Currency },
    #[error("it {0}")]
    Money(MoneyError),
    #[error("must be more than zero")]
    NotPositive,
    #[error("must not be in the future: it is {now}")]
    Ahead { now: Timestamp },
    #[error("the campaign has no spend {0}")]
    NoSpend(SpendId),
    #[error("{0} is a correction itself: correct what it corrects")]
    NoCorrection(SpendId),
    #[error("the campaign has a spend {0} that says something else")]
    Duplicate(SpendId),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Records one after the other; one that is refused does not hold up the others. Budgets are looked at once, after the
/// last: all of them were spent before now. Gives what became of each, in their order.
pub async fn record_spend(
    tx: &Tx,
    campaign: &CampaignId,
    spend: Vec<NewSpend>,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Vec<Result<SpendRecorded, SpendNotRecorded>>, SpendNotRecorded> {
    let claimed = store::claim_campaign(tx, campaign).await?;
    let mut campaign = claimed.ok_or_else(|| SpendNotRecorded::NotFound(campaign.clone()))?;
    let mut outcomes = Vec::with_capacity(spend.len());
    let mut days: Vec<(Day, i64)> = Vec::new();
    for new in spend {
        let outcome = record(tx, &mut campaign, new, cause).await;
        if let Ok(SpendRecorded { entry, is_duplicate: false }) = &outcome {
            match days.iter_mut().find(|(day, _)| *day == entry.day) {
                Some((_, sum)) => *sum += entry.difference.minor(),
                None => days.push((entry.day, entry.difference.minor())),
            }
        }
        match outcome {
            // The whole is tried again, or fails as a whole.
            Err(SpendNotRecorded::Database(error)) => return Err(error.into()),
            outcome => outcomes.push(outcome),
        }
    }
    if days.is_empty() {
        return Ok(outcomes);
    }
    for (day, minor) in &days {
        let more = Totals { spend_minor: *minor, ..Totals::default() };
        if !add(tx, &campaign, *day, more, Renewal::Spend, cause).await? {
            return Err(DbError::Range("the spend of a day").into());
        }
    }
    let days: Vec<Day> = days.into_iter().map(|(day, _)| day).collect();
    let fact = watch(tx, ids, &mut campaign, &days, cause).await?;
    tell(tx, ids, &campaign, fact, cause).await?;
    store::save_campaign(tx, &campaign).await?;
    Ok(outcomes)
}

async fn record(
    tx: &Tx,
    campaign: &mut Campaign,
    new: NewSpend,
    cause: &Cause,
) -> Result<SpendRecorded, SpendNotRecorded> {
    let currency = campaign.parts().currency;
    if new.currency.is_some_and(|said| said != currency) {
        return Err(SpendNotRecorded::OtherCurrency { campaign: currency });
    }
    let stated = Money::from_amount(new.amount, currency).and_then(bounded);
    let stated = stated.map_err(SpendNotRecorded::Money)?;
    let kind = match new.corrects.clone() {
        Some(of) => EntryKind::Correction { of },
        None => EntryKind::Spend,
    };
    let is_fine = stated.minor() > 0 || (stated.minor() == 0 && kind != EntryKind::Spend);
    if !is_fine {
        return Err(SpendNotRecorded::NotPositive);
    }
    if let Some(entry) = store::load_entry(tx, campaign.id(), &new.id).await? {
        if entry.is_told_again(&kind, stated, new.occurred_at) {
            return Ok(SpendRecorded { entry, is_duplicate: true });
        }
        return Err(SpendNotRecorded::Duplicate(new.id));
    }
    let entry = match kind {
        EntryKind::Spend => spent(campaign, new, stated, cause.at)?,
        EntryKind::Correction { of } => corrected(tx, campaign, new, &of, stated, cause.at).await?,
    };
    campaign.spend(entry.difference).map_err(SpendNotRecorded::Money)?;
    if !store::insert_entry(tx, &entry).await? {
        return Err(DbError::Conflict("it was recorded a moment ago".to_owned()).into());
    }
    Ok(SpendRecorded { entry, is_duplicate: false })
}

fn spent(
    campaign: &Campaign,
    new: NewSpend,
    stated: Money,
    now: Timestamp,
) -> Result<Entry, SpendNotRecorded> {
    let occurred_at = new.occurred_at.unwrap_or(now);
    if occurred_at > now.after(AHEAD_MAX) {
        return Err(SpendNotRecorded::Ahead { now });
    }
    // A clock that is a little ahead must not count to tomorrow.
    let at = occurred_at.min(now);
    let is_late = campaign.takes_spend(at, now)?;
    Ok(Entry {
        campaign: campaign.id().clone(),
        id: new.id,
        kind: EntryKind::Spend,
        stated,
        difference: stated,
        occurred_at,
        day: Day::of(at),
        is_late,
        note: new.note,
        recorded_at: now,
    })
}

/// The difference is to what the spend came to by all corrections until now.
async fn corrected(
    tx: &Tx,
    campaign: &Campaign,
    new: NewSpend,
    of: &SpendId,
    stated: Money,
    now: Timestamp,
) -> Result<Entry, SpendNotRecorded> {
    let found = store::load_entry(tx, campaign.id(), of).await?;
    let spend = found.ok_or_else(|| SpendNotRecorded::NoSpend(of.clone()))?;
    if spend.kind != EntryKind::Spend {
        return Err(SpendNotRecorded::NoCorrection(of.clone()));
    }
    let corrections = store::corrections_of(tx, &spend).await?;
    let until_now = spend.stated.checked_add(corrections).map_err(SpendNotRecorded::Money)?;
    let difference = stated.checked_sub(until_now).map_err(SpendNotRecorded::Money)?;
    Ok(Entry {
        campaign: campaign.id().clone(),
        id: new.id,
        kind: EntryKind::Correction { of: of.clone() },
        stated,
        difference,
        occurred_at: spend.occurred_at,
        day: spend.day,
        is_late: spend.day < Day::of(now),
        note: new.note,
        recorded_at: now,
    })
}
