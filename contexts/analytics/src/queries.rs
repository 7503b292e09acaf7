//! Figures with the event that they are of.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Timestamp;

use crate::domain::{AsOf, Campaign, CampaignId};
use crate::store::{self, By, Filter, Line, Order, Sum, Total};

/// What campaigns are called.
pub(crate) type Known = BTreeMap<CampaignId, Campaign>;

/// What is known of the campaigns that are in some lines.
pub(crate) async fn campaigns_of(tx: &Tx, lines: &[Line]) -> Result<Known, DbError> {
    store::known(tx, lines.iter().map(|line| &line.campaign).collect()).await
}

/// A sum, and the newest event that is in it.
pub(crate) type Summed = (Sum, AsOf);

/// A page of sums, each with the newest event that is in it.
pub(crate) async fn sums(tx: &Tx, by: By, filter: &Filter, order: &Order) -> Result<Vec<Summed>, DbError> {
    let sums = store::sums(tx, by, filter, order).await?;
    let periods: BTreeSet<String> = sums.iter().map(|sum| sum.period.name()).collect();
    let times: BTreeSet<Timestamp> = sums.iter().map(|sum| sum.newest).collect();
    if sums.is_empty() {
        return Ok(Vec::new());
    }
    let events = store::events_at(tx, filter, Some(periods), times).await?;
    let with_event = |sum: Sum| {
        let event = store::event_of(&events, sum.newest, |heard| {
            heard.period == sum.period
                && heard.currency == sum.figures.currency
                && sum.partner.as_ref().is_none_or(|partner| heard.partner == *partner)
        })?;
        Ok((sum, event))
    };
    sums.into_iter().map(with_event).collect()
}

/// What all days, weeks and months come to, likewise.
pub(crate) async fn totals(tx: &Tx, filter: &Filter) -> Result<Vec<(Total, AsOf)>, DbError> {
    let totals = store::totals(tx, filter).await?;
    let times: BTreeSet<Timestamp> = totals.iter().map(|total| total.newest).collect();
    if totals.is_empty() {
        return Ok(Vec::new());
    }
    let events = store::events_at(tx, filter, None, times).await?;
    let with_event = |total: Total| {
        let event = store::event_of(&events, total.newest, |heard| {
            heard.period.granularity() == total.granularity && heard.currency == total.figures.currency
        })?;
        Ok((total, event))
    };
    totals.into_iter().map(with_event).collect()
}
