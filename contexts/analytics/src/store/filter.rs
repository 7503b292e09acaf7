//! What lists are narrowed by.

use hexalpes_kernel::Currency;
use sea_query::{Expr, ExprTrait as _, SelectStatement};

use super::TENANT;
use super::tables::Reports;
use crate::domain::{CampaignId, Granularity, PartnerId, Period};

/// Whose figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Whose {
    #[default]
    Everybodys,
    Campaign(CampaignId),
    Partner(PartnerId),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) whose: Whose,
    pub(crate) period: Option<Period>,
    pub(crate) granularity: Option<Granularity>,
    pub(crate) currency: Option<Currency>,
}

impl Filter {
    /// A period is a slot of its table; the other has none for it.
    pub(super) fn apply(&self, select: &mut SelectStatement) {
        let Self { whose, period, granularity, currency } = self;
        select.and_where(Expr::col(Reports::Tenant).eq(TENANT));
        match whose {
            Whose::Everybodys => {}
            Whose::Campaign(id) => {
                select.and_where(Expr::col(Reports::CampaignId).eq(id.as_str()));
            }
            Whose::Partner(id) => {
                select.and_where(Expr::col(Reports::PartnerId).eq(id.as_str()));
            }
        }
        select
            .and_where_option(period.map(|period| Expr::col(Reports::Slot).eq(period.name())))
            .and_where_option(granularity.map(|one| Expr::col(Reports::Granularity).eq(one.name())))
            .and_where_option(currency.map(|currency| Expr::col(Reports::Currency).eq(currency.code())));
    }
}
