//! Partners, their requests and their figures as JSON and CSV, with the words of the seeds.

mod figures;
mod partner;
mod recruitment;

pub(crate) use figures::{AlertView, CostView, CountsView, HireView, MatchView, MetricsView, OpenAlertView};
pub(crate) use partner::{
    DocumentView, MoveView, PartnerSummaryView, PartnerView, TransitionView, ValidationView,
};
pub(crate) use recruitment::RequestView;

use hexalpes_kernel::{Amount, Money};
use serde_json::value::RawValue;

use crate::domain::Json;

fn raw(json: &Json) -> Box<RawValue> {
    RawValue::from_string(json.as_str().to_owned()).unwrap_or_default()
}

/// Basis points as a JSON number, percent.
fn percent(basis_points: i64) -> Box<RawValue> {
    Amount::new(i128::from(basis_points), 2).to_json()
}

fn number(money: Money) -> Box<RawValue> {
    money.amount().to_json()
}
