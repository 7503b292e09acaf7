//! What came of trying a rule.

use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::commands::Simulated;
use crate::domain::{RuleId, Sums};

/// Affiliates that are told of.
const AFFILIATES_MAX: usize = 1_000;

/// What would have been paid. Nothing was written.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Simulation)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SimulationView {
    rule_id: String,
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    conversions: u64,
    /// For so many the rule counted.
    matched: u64,
    totals: Vec<SumsView>,
    /// How many affiliates there are.
    affiliate_count: usize,
    /// Those with the largest differences, 1,000 at most.
    affiliates: Vec<AffiliateSumsView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SimulatedSums)]
#[serde(rename_all = "camelCase")]
struct SumsView {
    currency: &'static str,
    conversions: u64,
    /// As it was calculated.
    #[schema(value_type = Decimal)]
    calculated: Box<RawValue>,
    calculated_minor: i64,
    #[schema(value_type = Decimal)]
    simulated: Box<RawValue>,
    simulated_minor: i64,
    #[schema(value_type = Decimal)]
    difference: Box<RawValue>,
    difference_minor: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SimulatedAffiliate)]
#[serde(rename_all = "camelCase")]
struct AffiliateSumsView {
    affiliate_id: String,
    #[serde(flatten)]
    sums: SumsView,
}

impl From<&Sums> for SumsView {
    fn from(sums: &Sums) -> Self {
        let number = |minor| Money::from_minor(minor, sums.currency).amount().to_json();
        Self {
            currency: sums.currency.code(),
            conversions: sums.conversions,
            calculated: number(sums.paid),
            calculated_minor: sums.paid,
            simulated: number(sums.simulated),
            simulated_minor: sums.simulated,
            difference: number(sums.difference()),
            difference_minor: sums.difference(),
        }
    }
}

impl SimulationView {
    pub(crate) fn of(rule: &RuleId, from: Timestamp, until: Timestamp, simulated: Simulated) -> Self {
        let Simulated { version, outcome } = simulated;
        let mut lines: Vec<(&String, &Sums)> = outcome
            .affiliates
            .iter()
            .flat_map(|(affiliate, ledgers)| ledgers.0.iter().map(move |sums| (affiliate, sums)))
            .collect();
        lines.sort_by_key(|(affiliate, sums)| {
            (std::cmp::Reverse(sums.difference().unsigned_abs()), *affiliate, sums.currency.code())
        });
        lines.truncate(AFFILIATES_MAX);
        let affiliate = |(affiliate, sums): (&String, &Sums)| AffiliateSumsView {
            affiliate_id: affiliate.clone(),
            sums: sums.into(),
        };
        let mut totals = outcome.total.0;
        totals.sort_by_key(|sums| sums.currency.code());
        Self {
            rule_id: rule.to_string(),
            version,
            from,
            until,
            conversions: outcome.conversions,
            matched: outcome.matched,
            totals: totals.iter().map(SumsView::from).collect(),
            affiliate_count: outcome.affiliates.len(),
            affiliates: lines.into_iter().map(affiliate).collect(),
        }
    }
}
