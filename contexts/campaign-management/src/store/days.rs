//! What happened on which day: sums that are kept with each change, so that no report has to add up entries.

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::Currency;
use sea_query::{Alias, Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::tables::Days;
use super::{TENANT, day};
use crate::domain::report::{Others, Period, Totals};
use crate::domain::{BURN_DAYS, Burned, Campaign, CampaignId, Day, PartnerId};

/// Adds to a day; `false` where that is more than can be counted. Whoever calls this has claimed the campaign.
pub(crate) async fn add_to_day(tx: &Tx, campaign: &Campaign, of: Day, more: Totals) -> Result<bool, DbError> {
    let here = |statement: Expr| Expr::col(Days::Tenant).eq(TENANT).and(statement);
    let this = here(Expr::col(Days::CampaignId).eq(campaign.id().as_str()))
        .and(Expr::col(Days::Day).eq(of.number()));
    let select = Query::select().column(Asterisk).from(Days::Table).and_where(this.clone()).to_owned();
    let before = tx.fetch_optional(&select).await?.map(|row| totals(&row)).transpose()?;
    let Some(sum) = before.unwrap_or_default().checked_plus(more) else { return Ok(false) };
    let sums = [
        (Days::Impressions, sum.impressions),
        (Days::Clicks, sum.clicks),
        (Days::Leads, sum.leads),
        (Days::Conversions, sum.conversions),
        (Days::RevenueMinor, sum.revenue_minor),
        (Days::SpendMinor, sum.spend_minor),
    ];
    if before.is_some() {
        let update = Query::update()
            .table(Days::Table)
            .values(sums.map(|(column, sum)| (column, sum.into())))
            .and_where(this)
            .to_owned();
        tx.execute(&update).await?;
        return Ok(true);
    }
    let parts = campaign.parts();
    let fixed = [Days::Tenant, Days::CampaignId, Days::Day, Days::PartnerId, Days::Currency];
    let values: [Expr; 5] = [
        TENANT.into(),
        parts.id.as_str().into(),
        of.number().into(),
        parts.partner.as_str().into(),
        parts.currency.code().into(),
    ];
    let insert = Query::insert()
        .into_table(Days::Table)
        .columns(fixed.into_iter().chain(sums.map(|(column, _)| column)))
        .values_panic(values.into_iter().chain(sums.map(|(_, sum)| sum.into())))
        .to_owned();
    tx.execute(&insert).await?;
    Ok(true)
}

/// What was spent on a day, in minor units.
pub(crate) async fn spend_on(tx: &Tx, campaign: &CampaignId, day: Day) -> Result<i64, DbError> {
    spend_within(tx, campaign, Period { start: day, end: day.plus(1) }).await
}

/// What was spent on some days, in minor units.
pub(crate) async fn spend_within(tx: &Tx, campaign: &CampaignId, period: Period) -> Result<i64, DbError> {
    let select = of_campaign(campaign, period)
        .expr_as(columns::sum(tx.backend(), Days::SpendMinor), Alias::new("spent"))
        .to_owned();
    tx.fetch_one(&select).await?.get("spent")
}

/// The last days with spend, today at most.
pub(crate) async fn burned(tx: &Tx, campaign: &CampaignId, today: Day) -> Result<Burned, DbError> {
    let select = Query::select()
        .columns([Days::Day, Days::SpendMinor])
        .from(Days::Table)
        .and_where(Expr::col(Days::Tenant).eq(TENANT))
        .and_where(Expr::col(Days::CampaignId).eq(campaign.as_str()))
        .and_where(Expr::col(Days::Day).lte(today.number()))
        .and_where(Expr::col(Days::SpendMinor).gt(0_i64))
        .order_by(Days::Day, Order::Desc)
        .limit(u64::try_from(BURN_DAYS).unwrap_or(u64::MAX))
        .to_owned();
    let read = |row: &Row| Ok((day(row, "day")?, row.get("spend_minor")?));
    let days: Result<Vec<_>, DbError> = tx.fetch_all(&select).await?.iter().map(read).collect();
    days.map(Burned)
}

/// The days of a period on which anything was told, in order.
pub(crate) async fn days_of(
    tx: &Tx,
    campaign: &CampaignId,
    period: Period,
) -> Result<Vec<(Day, Totals)>, DbError> {
    let select = of_campaign(campaign, period).column(Asterisk).order_by(Days::Day, Order::Asc).to_owned();
    let read = |row: &Row| Ok((day(row, "day")?, totals(row)?));
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

pub(crate) async fn totals_within(tx: &Tx, campaign: &CampaignId, period: Period) -> Result<Totals, DbError> {
    let mut select = of_campaign(campaign, period);
    summed(tx.backend(), &mut select);
    totals(&tx.fetch_one(&select).await?)
}

/// What all other campaigns in a currency did, or those of one partner.
pub(crate) async fn others(
    tx: &Tx,
    campaign: &CampaignId,
    of: Option<&PartnerId>,
    currency: Currency,
    period: Period,
) -> Result<Others, DbError> {
    let mut select = Query::select()
        .expr_as(Expr::col(Days::CampaignId).count_distinct(), Alias::new("campaigns"))
        .from(Days::Table)
        .and_where(Expr::col(Days::Tenant).eq(TENANT))
        .and_where(Expr::col(Days::Currency).eq(currency.code()))
        .and_where(Expr::col(Days::Day).gte(period.start.number()))
        .and_where(Expr::col(Days::Day).lt(period.end.number()))
        .and_where(Expr::col(Days::CampaignId).ne(campaign.as_str()))
        .and_where_option(of.map(|partner| Expr::col(Days::PartnerId).eq(partner.as_str())))
        .to_owned();
    summed(tx.backend(), &mut select);
    let row = tx.fetch_one(&select).await?;
    Ok(Others { campaigns: row.get("campaigns")?, totals: totals(&row)? })
}

fn of_campaign(campaign: &CampaignId, period: Period) -> SelectStatement {
    Query::select()
        .from(Days::Table)
        .and_where(Expr::col(Days::Tenant).eq(TENANT))
        .and_where(Expr::col(Days::CampaignId).eq(campaign.as_str()))
        .and_where(Expr::col(Days::Day).gte(period.start.number()))
        .and_where(Expr::col(Days::Day).lt(period.end.number()))
        .to_owned()
}

fn summed(backend: Backend, select: &mut SelectStatement) {
    for (column, name) in [
        (Days::Impressions, "impressions"),
        (Days::Clicks, "clicks"),
        (Days::Leads, "leads"),
        (Days::Conversions, "conversions"),
        (Days::RevenueMinor, "revenue_minor"),
        (Days::SpendMinor, "spend_minor"),
    ] {
        select.expr_as(columns::sum(backend, column), Alias::new(name));
    }
}

fn totals(row: &Row) -> Result<Totals, DbError> {
    Ok(Totals {
        impressions: row.get("impressions")?,
        clicks: row.get("clicks")?,
        leads: row.get("leads")?,
        conversions: row.get("conversions")?,
        revenue_minor: row.get("revenue_minor")?,
        spend_minor: row.get("spend_minor")?,
    })
}
