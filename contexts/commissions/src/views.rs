//! Commissions as JSON: what HTTP answers (fields of G-3, names of seed 3) and how an explanation is kept.

mod books;
mod comision;
mod payouts;
mod statement;

use axum::http::StatusCode;
use hexalpes_http::Answer;
use hexalpes_http::openapi::{Decimal, Percent};
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::commands::{Approval, Calculation};
use crate::domain::{Explanation, Formula, Step};
use crate::store::Kept;

pub(crate) use books::{EntryView, PartnerBalancesView, TrialBalanceView};
pub(crate) use comision::{ComisionView, HistoriaView};
pub(crate) use payouts::{PayoutView, PreviewView, TermsView};
pub(crate) use statement::StatementView;

/// Amounts are JSON numbers in major units, exact; `*Minor` beside them are whole minor units.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Commission)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommissionView {
    commission_id: String,
    conversion_id: String,
    affiliate_id: String,
    campaign_id: Option<String>,
    #[schema(value_type = Decimal)]
    gross_amount: Box<RawValue>,
    gross_amount_minor: i64,
    currency: &'static str,
    /// Percent; null where it is no plain percentage.
    #[schema(value_type = Option<Percent>)]
    rate: Option<Box<RawValue>>,
    #[schema(value_type = Decimal)]
    commission_amount: Box<RawValue>,
    commission_amount_minor: i64,
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    paid_at: Option<Timestamp>,
    /// Inputs, rule, steps and rounding.
    #[schema(value_type = Object)]
    explanation: Box<RawValue>,
    /// Only in the answer to a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
}

impl CommissionView {
    pub(crate) fn of(kept: Kept) -> Self {
        let Kept { commission, explanation } = kept;
        let conversion = commission.conversion();
        Self {
            commission_id: commission.id().to_string(),
            conversion_id: conversion.id.to_string(),
            affiliate_id: conversion.affiliate.to_string(),
            campaign_id: conversion.campaign.as_ref().map(ToString::to_string),
            gross_amount: conversion.gross.amount().to_json(),
            gross_amount_minor: conversion.gross.minor(),
            currency: conversion.gross.currency().code(),
            rate: commission.rate().map(|rate| rate.percent().to_json()),
            commission_amount: commission.amount().amount().to_json(),
            commission_amount_minor: commission.amount().minor(),
            status: commission.state().name(),
            created_at: commission.created_at(),
            approved_at: commission.state().approved_at(),
            paid_at: commission.state().paid_at(),
            explanation,
            duplicate: None,
        }
    }

    pub(crate) fn answer(&self, status: StatusCode) -> Answer {
        Answer::new(status, serde_json::to_string(self).expect("a view is names and numbers"))
    }
}

/// 201 for a new commission, 200 for the one that was there.
impl From<Calculation> for Answer {
    fn from(Calculation { kept, duplicate }: Calculation) -> Self {
        let view = CommissionView::of(kept);
        if duplicate {
            CommissionView { duplicate: Some(true), ..view }.answer(StatusCode::OK)
        } else {
            view.answer(StatusCode::CREATED)
        }
    }
}

/// 200, also again.
impl From<Approval> for Answer {
    fn from(Approval { kept }: Approval) -> Self {
        CommissionView::of(kept).answer(StatusCode::OK)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationView {
    inputs: Inputs,
    rule: RuleView,
    steps: Vec<StepView>,
    rounding: RoundingView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inputs {
    gross_amount: Box<RawValue>,
    currency: &'static str,
    /// Percent; null where it is no plain percentage.
    rate: Option<Box<RawValue>>,
    rate_source: &'static str,
}

#[derive(Serialize)]
struct RuleView {
    name: String,
    version: u32,
}

#[derive(Serialize)]
#[serde(tag = "step", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum StepView {
    ChoseRate { source: &'static str, rate: Box<RawValue> },
    ChoseAmount { source: &'static str, amount: Box<RawValue> },
    PassedOverRate { source: &'static str, rate: Box<RawValue> },
    PassedOverAmount { source: &'static str, amount: Box<RawValue> },
    Multiplied { exact: String },
    Rounded { to: Box<RawValue> },
}

#[derive(Serialize)]
struct RoundingView {
    mode: &'static str,
    /// Text, for it may have more decimals than a reader's floats.
    from: String,
    to: Box<RawValue>,
}

/// The explanation as it is kept and answered.
pub(crate) fn explanation(explanation: &Explanation) -> Box<RawValue> {
    let steps = explanation.steps.iter().map(|step| match step {
        Step::Chose { source, formula } => match formula {
            Formula::Percentage(rate) => {
                StepView::ChoseRate { source: source.name(), rate: rate.percent().to_json() }
            }
            Formula::Flat(amount) => {
                StepView::ChoseAmount { source: source.name(), amount: amount.amount().to_json() }
            }
        },
        Step::PassedOver { source, formula } => match formula {
            Formula::Percentage(rate) => {
                StepView::PassedOverRate { source: source.name(), rate: rate.percent().to_json() }
            }
            Formula::Flat(amount) => {
                StepView::PassedOverAmount { source: source.name(), amount: amount.amount().to_json() }
            }
        },
        Step::Multiplied { exact } => StepView::Multiplied { exact: exact.clone() },
        Step::Rounded { to } => StepView::Rounded { to: to.amount().to_json() },
    });
    let view = ExplanationView {
        inputs: Inputs {
            gross_amount: explanation.gross.amount().to_json(),
            currency: explanation.gross.currency().code(),
            rate: explanation.formula.rate().map(|rate| rate.percent().to_json()),
            rate_source: explanation.source.name(),
        },
        rule: RuleView { name: explanation.rule.clone(), version: explanation.rule_version },
        steps: steps.collect(),
        rounding: RoundingView {
            mode: "half-even",
            from: explanation.rounding.from.clone(),
            to: explanation.rounding.to.amount().to_json(),
        },
    };
    to_raw_value(&view).expect("names and numbers are always JSON")
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::{Currency, Money};

    use super::*;
    use crate::domain::{Program, Rates};

    /// Accepts C-12.
    #[test]
    fn an_explanation_tells_the_whole_derivation() {
        let gross = Money::from_minor(12_345, Currency::USD);
        let derived = Program::default().apply(gross, &Rates::default()).unwrap();
        insta::assert_snapshot!(explanation(&derived).get(), @r#"{"inputs":{"grossAmount":123.45,"currency":"USD","rate":10,"rateSource":"program"},"rule":{"name":"default","version":1},"steps":[{"step":"chose_rate","source":"program","rate":10},{"step":"multiplied","exact":"12.345"},{"step":"rounded","to":12.34}],"rounding":{"mode":"half-even","from":"12.345","to":12.34}}"#);
    }
}
