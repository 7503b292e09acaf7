//! Commissions as JSON: what HTTP answers (fields of G-3, names of seed 3) and how an explanation is kept.

mod books;
mod comision;
mod explanation;
mod payouts;
mod reratings;
mod rules;
mod simulation;
mod statement;

use axum::http::StatusCode;
use hexalpes_http::Answer;
use hexalpes_http::openapi::{Decimal, Percent};
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::commands::{Approval, Calculation};
use crate::store::Kept;

pub(crate) use books::{EntryView, PartnerBalancesView, TrialBalanceView};
pub(crate) use comision::{ComisionView, HistoriaView};
pub(crate) use explanation::{ExplainedView, ExplicadaView, explanation};
pub(crate) use payouts::{PayoutSummaryView, PayoutView, PreviewView, TermsView};
pub(crate) use reratings::{ReratingLineView, ReratingSummaryView, ReratingView, rated_anew};
pub(crate) use rules::{RuleView, rule_terms};
pub(crate) use simulation::SimulationView;
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
