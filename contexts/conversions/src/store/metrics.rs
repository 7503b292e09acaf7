//! Sums over conversions, by affiliate, campaign or day.

use hexalpes_db::{DbError, Tx, columns};
use hexalpes_kernel::Money;
use sea_query::{Alias, Expr, ExprTrait as _, Order, Query};

use super::tables::Conversions;
use super::{TENANT, currency, money};
use crate::domain::{AffiliateId, CampaignId, ProgramId};

/// What is summed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    Affiliate,
    Campaign,
    Day,
}

/// What is summed at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct MetricsFilter {
    pub(crate) program: Option<ProgramId>,
    pub(crate) affiliate: Option<AffiliateId>,
    pub(crate) campaign: Option<CampaignId>,
    /// Days since 1970 in UTC, both included.
    pub(crate) from_day: Option<i64>,
    pub(crate) to_day: Option<i64>,
}

/// Of one group in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    /// An id, or days since 1970; `None`: of no campaign.
    pub(crate) group: Option<String>,
    pub(crate) conversions: i64,
    pub(crate) gross: Money,
    pub(crate) refunded: Money,
}

/// Up to so many groups, in their order.
pub(crate) async fn totals(
    tx: &Tx,
    grouping: Grouping,
    filter: MetricsFilter,
    groups_max: u64,
) -> Result<Vec<Total>, DbError> {
    let column = match grouping {
        Grouping::Affiliate => Conversions::AffiliateId,
        Grouping::Campaign => Conversions::CampaignId,
        Grouping::Day => Conversions::Day,
    };
    let MetricsFilter { program, affiliate, campaign, from_day, to_day } = filter;
    let backend = tx.backend();
    let select = Query::select()
        .expr_as(Expr::col(column), Alias::new("grouped"))
        .column(Conversions::Currency)
        .expr_as(Expr::col(Conversions::Id).count(), Alias::new("conversions"))
        .expr_as(columns::sum(backend, Conversions::GrossMinor), Alias::new("gross"))
        .expr_as(columns::sum(backend, Conversions::RefundedMinor), Alias::new("refunded"))
        .from(Conversions::Table)
        .and_where(Expr::col(Conversions::Tenant).eq(TENANT))
        .and_where_option(program.map(|id| Expr::col(Conversions::ProgramId).eq(id.as_str())))
        .and_where_option(affiliate.map(|id| Expr::col(Conversions::AffiliateId).eq(id.as_str())))
        .and_where_option(campaign.map(|id| Expr::col(Conversions::CampaignId).eq(id.as_str())))
        .and_where_option(from_day.map(|day| Expr::col(Conversions::Day).gte(day)))
        .and_where_option(to_day.map(|day| Expr::col(Conversions::Day).lte(day)))
        .group_by_col(column)
        .group_by_col(Conversions::Currency)
        .order_by(column, Order::Asc)
        .order_by(Conversions::Currency, Order::Asc)
        .limit(groups_max)
        .to_owned();
    let mut totals = Vec::new();
    for row in tx.fetch_all(&select).await? {
        let currency = currency(&row)?;
        let group = match grouping {
            Grouping::Day => Some(row.get::<i64>("grouped")?.to_string()),
            Grouping::Affiliate | Grouping::Campaign => row.get("grouped")?,
        };
        totals.push(Total {
            group,
            conversions: row.get("conversions")?,
            gross: money(&row, "gross", currency)?,
            refunded: money(&row, "refunded", currency)?,
        });
    }
    Ok(totals)
}
