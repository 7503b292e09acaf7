//! Makes a report of a period, and tells it with what follows from it.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use crate::domain::report::{Granularity, Input, Period, Renewal, Report};
use crate::domain::{Campaign, CampaignId, ReportId};
use crate::store::{self, ReportRow};
use crate::views::{Named, ReportView};
use crate::{events, queries};

#[derive(Clone, Debug)]
pub struct MakeReport {
    pub campaign: CampaignId,
    pub granularity: Granularity,
    pub period: Period,
    /// It is made by itself, and so once.
    pub is_scheduled: bool,
}

/// The report as JSON, in an answer's words.
#[derive(Clone, Debug)]
pub struct ReportMade(pub String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportNotMade {
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// `None` where it was made before and is made once.
pub async fn make_report(
    tx: &Tx,
    command: MakeReport,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Option<ReportMade>, ReportNotMade> {
    let MakeReport { campaign: id, granularity, period, is_scheduled } = command;
    let found = store::load_campaign(tx, &id).await?;
    let campaign = found.ok_or(ReportNotMade::NotFound(id))?;
    let made = compose(tx, &campaign, (granularity, period), is_scheduled, None, ids, cause).await?;
    Ok(publish(tx, made, ids, cause).await?)
}

/// A report that a campaign still lacks, or that is no longer right.
#[derive(Clone, Debug)]
pub struct MakeDueReport {
    pub campaign: CampaignId,
    pub granularity: Granularity,
    pub period: Period,
}

/// Makes the report of a period in its turn, if the campaign ran on a day of it, and has the next period follow; tells
/// whether it made one. Where another had the same turn, it does nothing.
pub async fn make_due_report(
    tx: &Tx,
    command: MakeDueReport,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<bool, DbError> {
    let MakeDueReport { campaign: id, granularity, period } = command;
    let Some(campaign) = store::load_campaign(tx, &id).await? else { return Ok(false) };
    let next = campaign.may_run_from(period.end).then_some(period.end);
    if !store::follow_in_schedule(tx, &id, granularity, period.start, next).await? {
        return Ok(false);
    }
    if !campaign.ran_within(period.start, period.end) {
        return Ok(false);
    }
    let made = compose(tx, &campaign, (granularity, period), true, None, ids, cause).await?;
    Ok(publish(tx, made, ids, cause).await?.is_some())
}

/// Makes the report of a period again, as a new version that says what it replaces and why, if what changed meanwhile
/// shows in it; tells whether it did. It belongs to what the first of those changes belonged to. Where somebody asked for
/// that period meanwhile, it has to be what was told then: others keep what was made last.
pub async fn renew_report(
    tx: &Tx,
    command: MakeDueReport,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<bool, DbError> {
    let MakeDueReport { campaign: id, granularity, period } = command;
    let Some(campaign) = store::load_campaign(tx, &id).await? else { return Ok(false) };
    let taken = store::take_renewal(tx, &id, granularity, period.start).await?;
    let Some((_, first)) = taken.first() else { return Ok(false) };
    let correlation = first.clone().unwrap_or_else(|| cause.correlation.clone());
    let cause = &Cause { correlation, ..cause.clone() };
    let reasons = taken.into_iter().map(|(why, _)| why).collect();
    // The campaign did not run in that period: nothing was said of it.
    let Some(former) = store::newest_report(tx, &id, granularity, period).await? else { return Ok(false) };
    let follows = Some((&former, reasons));
    let renewed = compose(tx, &campaign, (granularity, period), true, follows, ids, cause).await?;
    let mut is_told = renewed.1.says_the_same_as(&former.data);
    for called in [granularity, Granularity::Custom] {
        let asked_for = store::asked_for_since(tx, &former, called).await?;
        is_told &= asked_for.is_none_or(|report| renewed.1.says_the_same_as(&report.data));
    }
    if is_told {
        return Ok(false);
    }
    store::replace_report(tx, &former, &renewed.0.id).await?;
    Ok(publish(tx, renewed, ids, cause).await?.is_some())
}

/// A report as a row and as its readers see it; nobody has it yet.
async fn compose(
    tx: &Tx,
    campaign: &Campaign,
    (granularity, period): (Granularity, Period),
    is_scheduled: bool,
    former: Option<(&ReportRow, Vec<Renewal>)>,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(ReportRow, ReportView), DbError> {
    let report = Report::of(&input(tx, campaign, period, cause).await?);
    let id = ReportId::of(ids.uuid());
    let version = former.as_ref().map_or(1, |(former, _)| former.version + 1);
    let parts = campaign.parts();
    let named = Named {
        report_id: id.to_string(),
        campaign_id: parts.id.to_string(),
        partner_id: parts.partner.to_string(),
        granularity,
        version,
        replaces: former.as_ref().map(|(former, _)| former.id.to_string()),
        renewal_reasons: former.map(|(_, reasons)| reasons).unwrap_or_default(),
        generated_at: cause.at,
    };
    let view = ReportView::of(named, &report);
    let row = ReportRow {
        id,
        campaign: parts.id.clone(),
        partner: parts.partner.clone(),
        granularity,
        period,
        is_scheduled,
        version,
        replaced_by: None,
        data: serde_json::to_string(&view).expect("names and numbers are always JSON"),
        generated_at: cause.at,
    };
    Ok((row, view))
}

/// Keeps a report and tells it; `None` where it is made once and another had that turn.
async fn publish(
    tx: &Tx,
    (row, view): (ReportRow, ReportView),
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Option<ReportMade>, DbError> {
    if !store::insert_report(tx, &row).await? {
        return Ok(None);
    }
    events::of_report(tx, ids, &view, cause).await?;
    Ok(Some(ReportMade(row.data)))
}

async fn input(tx: &Tx, campaign: &Campaign, period: Period, cause: &Cause) -> Result<Input, DbError> {
    let parts = campaign.parts();
    let flight = queries::flight(campaign);
    let (id, currency) = (&parts.id, parts.currency);
    // Whatever came before the first day that is planned now counts too.
    let to_date = Period { start: flight.start.plus(-36_500), end: period.end };
    Ok(Input {
        currency,
        flight,
        targets: parts.plan.targets.clone(),
        period,
        days: store::days_of(tx, id, period).await?,
        previous: store::totals_within(tx, id, period.previous()).await?,
        to_date: store::totals_within(tx, id, to_date).await?,
        of_partner: store::others(tx, id, Some(&parts.partner), currency, period).await?,
        of_tenant: store::others(tx, id, None, currency, period).await?,
        budgets: queries::standings(tx, campaign, cause.at).await?,
    })
}
