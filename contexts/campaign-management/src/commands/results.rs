//! Takes in what a campaign led to: each once for each of its ids.

use std::collections::BTreeSet;

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Money, MoneyError};

use super::{bounded, outdate};
use crate::domain::report::{Renewal, Totals};
use crate::domain::{Campaign, CampaignId, Day, ResultId};
use crate::store::{self, ResultRow};

/// What happened on a day, more than what was told until now.
#[derive(Clone, Debug)]
pub struct NewResult {
    pub id: ResultId,
    pub day: Day,
    pub impressions: i64,
    pub clicks: i64,
    pub leads: i64,
    pub conversions: i64,
    pub revenue: Option<Amount>,
    /// The campaign's where it is not said; no other is taken.
    pub currency: Option<Currency>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultRecorded {
    pub id: ResultId,
    pub is_duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResultNotRecorded {
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    #[error("must not be in the future: it is {today}")]
    Ahead { today: Day },
    #[error("the campaign counts {campaign}")]
    OtherCurrency { campaign: Currency },
    #[error("it {0}")]
    Money(MoneyError),
    #[error("the campaign has results {0} that say something else")]
    Duplicate(ResultId),
    #[error("it is more than can be counted on a day")]
    TooMuch,
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Records one after the other; one that is refused does not hold up the others.
pub async fn record_results(
    tx: &Tx,
    campaign: &CampaignId,
    results: Vec<NewResult>,
    cause: &Cause,
) -> Result<Vec<Result<ResultRecorded, ResultNotRecorded>>, ResultNotRecorded> {
    let claimed = store::claim_campaign(tx, campaign).await?;
    let campaign = claimed.ok_or_else(|| ResultNotRecorded::NotFound(campaign.clone()))?;
    let mut outcomes = Vec::with_capacity(results.len());
    let mut days = BTreeSet::new();
    for new in results {
        match record(tx, &campaign, new, &mut days, cause).await {
            // The whole is tried again, or fails as a whole.
            Err(ResultNotRecorded::Database(error)) => return Err(error.into()),
            outcome => outcomes.push(outcome),
        }
    }
    for day in days {
        outdate(tx, &campaign, day, Renewal::Results, cause).await?;
    }
    Ok(outcomes)
}

/// Days of which there is something new are added to `days`.
async fn record(
    tx: &Tx,
    campaign: &Campaign,
    new: NewResult,
    days: &mut BTreeSet<Day>,
    cause: &Cause,
) -> Result<ResultRecorded, ResultNotRecorded> {
    let (currency, today) = (campaign.parts().currency, Day::of(cause.at));
    if new.day > today {
        return Err(ResultNotRecorded::Ahead { today });
    }
    if new.currency.is_some_and(|said| said != currency) {
        return Err(ResultNotRecorded::OtherCurrency { campaign: currency });
    }
    let revenue = match new.revenue {
        Some(amount) => {
            Money::from_amount(amount, currency).and_then(bounded).map_err(ResultNotRecorded::Money)?.minor()
        }
        None => 0,
    };
    let totals = Totals {
        impressions: new.impressions,
        clicks: new.clicks,
        leads: new.leads,
        conversions: new.conversions,
        revenue_minor: revenue,
        spend_minor: 0,
    };
    if let Some(known) = store::load_result(tx, campaign.id(), &new.id).await? {
        if known.day == new.day && known.totals == totals {
            return Ok(ResultRecorded { id: new.id, is_duplicate: true });
        }
        return Err(ResultNotRecorded::Duplicate(new.id));
    }
    // Before the row is there: what is refused leaves nothing behind, also in a batch.
    if !store::add_to_day(tx, campaign, new.day, totals).await? {
        return Err(ResultNotRecorded::TooMuch);
    }
    let row = ResultRow {
        campaign: campaign.id().clone(),
        id: new.id.clone(),
        day: new.day,
        totals,
        source: "API",
        recorded_at: cause.at,
    };
    if !store::insert_result(tx, &row).await? {
        return Err(DbError::Conflict("they were recorded a moment ago".to_owned()).into());
    }
    if !totals.is_nothing() {
        days.insert(new.day);
    }
    Ok(ResultRecorded { id: new.id, is_duplicate: false })
}
