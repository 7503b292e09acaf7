//! What the conversions context tells of a campaign: counted as its results, each conversion and each refund once.
//!
//! A conversion counts on its own day, a refund takes its money away on the day on which it was given back. Money in
//! another currency than the campaign's is not counted, for there is no rate for it; the conversion is.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Money, Timestamp};

use super::add;
use crate::domain::report::{Renewal, Totals};
use crate::domain::{Campaign, CampaignId, Day, ResultId};
use crate::store::{self, ResultRow};

/// What names begin with that are not for others to give.
pub(crate) const RESERVED: &str = "event:";

/// A customer did something that counts.
#[derive(Clone, Debug)]
pub struct Conversion {
    pub id: String,
    pub campaign: CampaignId,
    /// A click that counts is no conversion, but a click; a lead is a lead.
    pub kind: String,
    pub gross: Money,
    pub at: Timestamp,
}

/// A customer got money back.
#[derive(Clone, Debug)]
pub struct Refund {
    pub id: String,
    pub conversion: String,
    pub amount: Money,
    pub at: Timestamp,
}

/// A campaign that is none of this context's is none of its business.
pub async fn converted(tx: &Tx, conversion: Conversion, cause: &Cause) -> Result<(), DbError> {
    let Some(campaign) = store::claim_campaign(tx, &conversion.campaign).await? else { return Ok(()) };
    let id = named("conversion", &conversion.id);
    let mut totals = Totals { revenue_minor: counted(&campaign, conversion.gross), ..Totals::default() };
    match conversion.kind.as_str() {
        "click" => totals.clicks = 1,
        "lead" => totals.leads = 1,
        _ => totals.conversions = 1,
    }
    count(tx, &campaign, id, conversion.at, totals, cause).await?;
    for (refund, amount, at) in store::take_refunds(tx, &conversion.id).await? {
        give_back(tx, &campaign, &refund, amount, at, cause).await?;
    }
    Ok(())
}

/// One that comes before its conversion waits for it.
pub async fn refunded(tx: &Tx, refund: Refund, cause: &Cause) -> Result<(), DbError> {
    let Some(result) = store::result_anywhere(tx, &named("conversion", &refund.conversion)).await? else {
        return store::insert_refund(tx, &refund.id, &refund.conversion, refund.amount, refund.at).await;
    };
    let Some(campaign) = store::claim_campaign(tx, &result.campaign).await? else { return Ok(()) };
    give_back(tx, &campaign, &refund.id, refund.amount, refund.at, cause).await
}

async fn give_back(
    tx: &Tx,
    campaign: &Campaign,
    refund: &str,
    amount: Money,
    at: Timestamp,
    cause: &Cause,
) -> Result<(), DbError> {
    let id = named("refund", refund);
    let totals = Totals { revenue_minor: -counted(campaign, amount), ..Totals::default() };
    count(tx, campaign, id, at, totals, cause).await
}

/// What the results are called that follow from an event. Whoever tells of results cannot call theirs so.
fn named(what: &str, id: &str) -> ResultId {
    let name = format!("{RESERVED}{what}:{id}");
    let short = || format!("{RESERVED}{}", &hexalpes_http::digest(name.as_bytes())[..48]);
    let parsed = ResultId::parse(&name).or_else(|_| ResultId::parse(&short()));
    parsed.expect("a digest of 48 characters is an id")
}

fn counted(campaign: &Campaign, money: Money) -> i64 {
    if money.currency() == campaign.parts().currency { money.minor() } else { 0 }
}

async fn count(
    tx: &Tx,
    campaign: &Campaign,
    id: ResultId,
    at: Timestamp,
    totals: Totals,
    cause: &Cause,
) -> Result<(), DbError> {
    let day = Day::of(at);
    let row = ResultRow {
        campaign: campaign.id().clone(),
        id,
        day,
        totals,
        source: "CONVERSIONS",
        recorded_at: cause.at,
    };
    if store::insert_result(tx, &row).await?
        && !add(tx, campaign, day, totals, Renewal::Results, cause).await?
    {
        return Err(DbError::Range("the results of a day"));
    }
    Ok(())
}
