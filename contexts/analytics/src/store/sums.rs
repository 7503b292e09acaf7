//! What several reports come to: in one period and currency, or in all periods of a kind. Nothing that is added up is
//! kept, so that no sum can part from its reports.

use std::collections::BTreeSet;

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::{Currency, Timestamp};
use sea_query::{Alias, Asterisk, Expr, ExprTrait as _, Order as Direction, Query, SelectStatement};

use super::filter::Filter;
use super::order::Order;
use super::tables::{PERIODS, Reports};
use super::{as_of, day, figures, period};
use crate::domain::{AsOf, Day, Figures, Granularity, PartnerId, Period};

/// What is added up, in each period and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Partner,
    Period,
}

/// Of one period and currency, and of one partner if so.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) period: Period,
    pub(crate) figures: Figures,
    /// How many campaigns, and of how many partners.
    pub(crate) campaigns: i64,
    pub(crate) partners: i64,
    pub(crate) newest: Timestamp,
}

/// Of all periods of one granularity, in one currency.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    pub(crate) granularity: Granularity,
    pub(crate) figures: Figures,
    pub(crate) periods: i64,
    pub(crate) start: Day,
    /// The first day that is not in it.
    pub(crate) end: Day,
    pub(crate) newest: Timestamp,
}

/// A page of sums. In the order of periods, or, of one period, in the order of a figure.
pub(crate) async fn sums(tx: &Tx, by: By, filter: &Filter, order: &Order) -> Result<Vec<Sum>, DbError> {
    // In the order of their index.
    let groups = [Reports::EndDay, Reports::StartDay, Reports::Period, Reports::Currency];
    let mut select = Query::select().columns(groups).from(PERIODS).to_owned();
    select.add_group_by(groups.map(Expr::col));
    if by == By::Partner {
        select.column(Reports::PartnerId).group_by_col(Reports::PartnerId);
    }
    select
        .expr_as(Expr::col(Reports::Period).count(), Alias::new("campaigns"))
        .expr_as(Expr::col(Reports::PartnerId).count_distinct(), Alias::new("partners"));
    summed(tx.backend(), &mut select);
    filter.apply(&mut select);
    let is_of_groups = |column: &Reports| groups.contains(column) || *column == Reports::PartnerId;
    if order.columns.iter().all(is_of_groups) {
        order.apply(&mut select);
    } else {
        let mut outer = Query::select().column(Asterisk).from_subquery(select, Alias::new("sums")).to_owned();
        order.apply(&mut outer);
        select = outer;
    }
    let read = |row: &Row| {
        let partner = |row: &Row| row.parsed("partner_id", |id| PartnerId::parse(id).ok());
        Ok(Sum {
            partner: if by == By::Partner { Some(partner(row)?) } else { None },
            period: period(row)?,
            figures: figures(row)?,
            campaigns: row.get("campaigns")?,
            partners: row.get("partners")?,
            newest: row.get("newest_at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// What all days, all weeks and all months come to, in each currency. Other periods may overlap and are left out.
pub(crate) async fn totals(tx: &Tx, filter: &Filter) -> Result<Vec<Total>, DbError> {
    let mut select = Query::select()
        .columns([Reports::Granularity, Reports::Currency])
        .expr_as(Expr::col(Reports::Period).count_distinct(), Alias::new("periods"))
        .expr_as(Expr::col(Reports::StartDay).min(), Alias::new("first_day"))
        .expr_as(Expr::col(Reports::EndDay).max(), Alias::new("last_day"))
        .from(PERIODS)
        .and_where(Expr::col(Reports::Granularity).ne(Granularity::Custom.name()))
        .group_by_col(Reports::Granularity)
        .group_by_col(Reports::Currency)
        .order_by(Reports::Granularity, Direction::Asc)
        .order_by(Reports::Currency, Direction::Asc)
        .to_owned();
    summed(tx.backend(), &mut select);
    filter.apply(&mut select);
    let read = |row: &Row| {
        Ok(Total {
            granularity: row.parsed("granularity", Granularity::parse)?,
            figures: figures(row)?,
            periods: row.get("periods")?,
            start: day(row, "first_day")?,
            end: day(row, "last_day")?,
            newest: row.get("newest_at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

fn summed(backend: Backend, select: &mut SelectStatement) {
    for column in [
        Reports::Impressions,
        Reports::Clicks,
        Reports::Leads,
        Reports::Conversions,
        Reports::SpendMinor,
        Reports::RevenueMinor,
        Reports::ProfitMinor,
    ] {
        select.expr_as(columns::sum(backend, column), column);
    }
    select.expr_as(Expr::col(Reports::OccurredAt).max(), Alias::new("newest_at"));
}

/// An event that figures are of, with what tells in which sums it is.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) partner: PartnerId,
    pub(crate) period: Period,
    pub(crate) currency: Currency,
    pub(crate) as_of: AsOf,
}

/// The events of some times; of some periods, or of all.
pub(crate) async fn events_at(
    tx: &Tx,
    filter: &Filter,
    periods: Option<BTreeSet<String>>,
    times: BTreeSet<Timestamp>,
) -> Result<Vec<Heard>, DbError> {
    let mut select = Query::select()
        .columns([
            Reports::PartnerId,
            Reports::Period,
            Reports::Currency,
            Reports::EventId,
            Reports::ReportId,
            Reports::Version,
            Reports::OccurredAt,
        ])
        .from(PERIODS)
        .and_where(Expr::col(Reports::OccurredAt).is_in(times.into_iter().map(Timestamp::as_micros)))
        .and_where_option(periods.map(|periods| Expr::col(Reports::Slot).is_in(periods)))
        .to_owned();
    filter.apply(&mut select);
    let read = |row: &Row| {
        Ok(Heard {
            partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            period: period(row)?,
            currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
            as_of: as_of(row)?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// The newest of the events that are in a sum; of two at one time, the one whose id is later.
pub(crate) fn event_of(
    events: &[Heard],
    newest: Timestamp,
    is_in: impl Fn(&Heard) -> bool,
) -> Result<AsOf, DbError> {
    let of_sum = events.iter().filter(|heard| heard.as_of.occurred_at == newest && is_in(heard));
    let last = of_sum.max_by(|one, other| one.as_of.event.cmp(&other.as_of.event));
    last.map(|heard| heard.as_of.clone()).ok_or(DbError::NoRow)
}
