//! Partners, their requests and their figures as JSON and CSV, with the words of the seeds.

mod figures;
mod partner;
mod recruitment;

pub(crate) use figures::{AlertView, HireView, MatchView, MetricsView};
pub(crate) use partner::{
    DocumentView, MoveView, PartnerSummaryView, PartnerView, TransitionView, ValidationView,
};
pub(crate) use recruitment::RequestView;

use hexalpes_kernel::Money;
use serde_json::value::RawValue;

use crate::domain::Json;

fn raw(json: &Json) -> Box<RawValue> {
    RawValue::from_string(json.as_str().to_owned()).unwrap_or_default()
}

fn number(money: Money) -> Box<RawValue> {
    money.amount().to_json()
}
