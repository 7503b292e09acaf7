//! Campaigns, budgets, spend and reports as JSON: in answers, and in what events carry.
//!
//! Amounts are JSON numbers in major units, exact; `*_minor` beside them are whole minor units.

mod budget;
mod campaign;
mod finding;
mod report;
mod rights;
mod spend;

pub(crate) use budget::{AlertView, BudgetView, BudgetsView, StandingView, VersionView};
pub(crate) use campaign::{CampaignView, ChangeView, TargetsView, allowed};
pub(crate) use finding::{ActionView, FindingView, SuggestionView};
pub(crate) use report::{Named, ReportItemView, ReportView};
pub(crate) use rights::RightsView;
pub(crate) use spend::{DayView, ResultBatchView, ResultItemView, SpendBatchView, SpendItemView, SpendView};

use hexalpes_kernel::{Amount, Money};
use serde_json::value::RawValue;

/// An amount of money as a JSON number.
pub(crate) fn json(money: Money) -> Box<RawValue> {
    money.amount().to_json()
}

/// Hundredths as a JSON number: basis points as percent.
pub(crate) fn percent(basis_points: i64) -> Box<RawValue> {
    Amount::new(basis_points.into(), 2).to_json()
}
