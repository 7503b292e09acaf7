//! Re-ratings as JSON: what a period would owe by other rules, or owes since they were applied.

use std::collections::BTreeMap;

use hexalpes_http::Record;
use hexalpes_http::openapi::{Decimal, Percent};
use hexalpes_kernel::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::store::reratings::{Line, LineSums, RatedAnew, Rerating};

/// Affiliates that are told of.
const AFFILIATES_MAX: usize = 1_000;

/// A re-rating without its sums.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReratingSummary)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReratingSummaryView {
    rerating_id: String,
    program_id: String,
    /// When customers did it: from.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Before.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    affiliate_id: Option<String>,
    campaign_id: Option<String>,
    /// The rule that was named; null: the rules as they stood.
    rule_id: Option<String>,
    rule_version: Option<u32>,
    reason: String,
    /// `DRAFT`: nothing is booked; `APPLIED`.
    status: &'static str,
    /// The rules that counted, in their order.
    rules: Vec<RuleNameView>,
    /// How many were looked at.
    conversions: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    applied_at: Option<Timestamp>,
    applied_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleName)]
#[serde(rename_all = "camelCase")]
struct RuleNameView {
    rule_id: String,
    version: u32,
}

impl From<Rerating> for ReratingSummaryView {
    fn from(rerating: Rerating) -> Self {
        let status = rerating.status();
        let rules: Vec<(String, u32)> = serde_json::from_str(&rerating.rules).unwrap_or_default();
        let (rule_id, rule_version) = rerating.rule.map(|(id, version)| (id.to_string(), version)).unzip();
        let (applied_at, applied_by) = rerating.applied.map(|applied| (applied.at, applied.by)).unzip();
        Self {
            rerating_id: rerating.id.to_string(),
            program_id: rerating.program.to_string(),
            from: rerating.from,
            until: rerating.until,
            affiliate_id: rerating.affiliate.map(|id| id.to_string()),
            campaign_id: rerating.campaign.map(|id| id.to_string()),
            rule_id,
            rule_version,
            reason: rerating.reason,
            status,
            rules: rules.into_iter().map(|(rule_id, version)| RuleNameView { rule_id, version }).collect(),
            conversions: rerating.conversions,
            created_at: rerating.created_at,
            created_by: rerating.created_by,
            applied_at,
            applied_by,
        }
    }
}

impl Record for ReratingSummaryView {
    const COLUMNS: &'static [&'static str] = &[
        "reratingId",
        "programId",
        "from",
        "until",
        "affiliateId",
        "campaignId",
        "ruleId",
        "ruleVersion",
        "reason",
        "status",
        "conversions",
        "createdAt",
        "createdBy",
        "appliedAt",
        "appliedBy",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.rerating_id.clone(),
            self.program_id.clone(),
            self.from.to_string(),
            self.until.to_string(),
            self.affiliate_id.clone().unwrap_or_default(),
            self.campaign_id.clone().unwrap_or_default(),
            self.rule_id.clone().unwrap_or_default(),
            self.rule_version.map(|version| version.to_string()).unwrap_or_default(),
            self.reason.clone(),
            self.status.to_owned(),
            self.conversions.to_string(),
            self.created_at.to_string(),
            self.created_by.clone(),
            self.applied_at.map(|at| at.to_string()).unwrap_or_default(),
            self.applied_by.clone().unwrap_or_default(),
        ]
    }
}

/// A re-rating and what it comes to. Its lines are a list of their own.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rerating)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReratingView {
    #[serde(flatten)]
    rerating: ReratingSummaryView,
    /// So many conversions owe another amount.
    changed: u64,
    /// So many would, but the customer got all back, or somebody decided about their commission.
    standing: u64,
    /// What changes, in each currency.
    totals: Vec<ReratedSumsView>,
    /// How many affiliates there are.
    affiliate_count: usize,
    /// Those with the largest differences, 1,000 at most.
    affiliates: Vec<ReratedAffiliateView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReratedSums)]
#[serde(rename_all = "camelCase")]
struct ReratedSumsView {
    currency: &'static str,
    conversions: u64,
    /// What they owed.
    #[schema(value_type = Decimal)]
    before: Box<RawValue>,
    before_minor: i64,
    /// What they owe by the rules that counted.
    #[schema(value_type = Decimal)]
    after: Box<RawValue>,
    after_minor: i64,
    #[schema(value_type = Decimal)]
    difference: Box<RawValue>,
    difference_minor: i64,
    /// What of the difference is booked: less what customers got back.
    #[schema(value_type = Decimal)]
    booked: Box<RawValue>,
    booked_minor: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReratedAffiliate)]
#[serde(rename_all = "camelCase")]
struct ReratedAffiliateView {
    affiliate_id: String,
    #[serde(flatten)]
    sums: ReratedSumsView,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    conversions: u64,
    before: i64,
    after: i64,
    booked: i64,
}

impl Sums {
    fn add(&mut self, line: &LineSums) {
        self.conversions += 1;
        self.before = self.before.saturating_add(line.before.minor());
        self.after = self.after.saturating_add(line.after.minor());
        self.booked = self.booked.saturating_add(line.booked.minor());
    }

    fn difference(self) -> i64 {
        self.after.saturating_sub(self.before)
    }

    fn view(self, currency: Currency) -> ReratedSumsView {
        let number = |minor| Money::from_minor(minor, currency).amount().to_json();
        ReratedSumsView {
            currency: currency.code(),
            conversions: self.conversions,
            before: number(self.before),
            before_minor: self.before,
            after: number(self.after),
            after_minor: self.after,
            difference: number(self.difference()),
            difference_minor: self.difference(),
            booked: number(self.booked),
            booked_minor: self.booked,
        }
    }
}

impl ReratingView {
    pub(crate) fn of(rerating: Rerating, lines: &[LineSums]) -> Self {
        let (mut totals, mut affiliates) = (BTreeMap::new(), BTreeMap::new());
        let (mut changed, mut standing) = (0, 0);
        for line in lines {
            if line.outcome.stays() {
                standing += 1;
                continue;
            }
            changed += u64::from(line.before != line.after);
            let currency = line.before.currency();
            let none = (currency, Sums::default());
            totals.entry(currency.code()).or_insert(none).1.add(line);
            affiliates.entry((line.affiliate.as_str(), currency.code())).or_insert(none).1.add(line);
        }
        let names = affiliates.keys().map(|(affiliate, _)| *affiliate);
        let affiliate_count = names.collect::<std::collections::BTreeSet<_>>().len();
        let mut ranked: Vec<_> = affiliates.into_iter().collect();
        ranked.sort_by_key(|(_, (_, sums))| std::cmp::Reverse(sums.difference().unsigned_abs()));
        ranked.truncate(AFFILIATES_MAX);
        let affiliate = |((affiliate, _), (currency, sums)): ((&str, &str), (Currency, Sums))| {
            ReratedAffiliateView { affiliate_id: affiliate.to_owned(), sums: sums.view(currency) }
        };
        Self {
            rerating: rerating.into(),
            changed,
            standing,
            totals: totals
                .into_values()
                .map(|(currency, sums): (Currency, Sums)| sums.view(currency))
                .collect(),
            affiliate_count,
            affiliates: ranked.into_iter().map(affiliate).collect(),
        }
    }
}

/// A conversion that owes another amount, or counts for another rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReratingLine)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReratingLineView {
    pub(crate) number: i64,
    conversion_id: String,
    /// The one that the conversion had first.
    commission_id: String,
    /// The one that was added, once it is.
    added_commission_id: Option<String>,
    affiliate_id: String,
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// `ADJUSTED`: its commission changes; `ADDED`: it has left, the rest is a commission of its own; `OWED_BACK`: it has
    /// left, and the partner owes the difference; `COUNTED`: for the tiers of another rule, at the same amount;
    /// `REFUNDED` and `DECIDED` change nothing: the customer got all back, or somebody decided.
    outcome: &'static str,
    currency: &'static str,
    #[schema(value_type = Decimal)]
    gross: Box<RawValue>,
    gross_minor: i64,
    #[schema(value_type = Decimal)]
    before: Box<RawValue>,
    before_minor: i64,
    /// By the rules that counted.
    #[schema(value_type = Decimal)]
    after: Box<RawValue>,
    after_minor: i64,
    #[schema(value_type = Decimal)]
    difference: Box<RawValue>,
    difference_minor: i64,
    /// What of the difference is booked: less what the customer got back.
    #[schema(value_type = Decimal)]
    booked: Box<RawValue>,
    booked_minor: i64,
    /// Percent; null where it is no plain percentage.
    #[schema(value_type = Option<Percent>)]
    rate: Option<Box<RawValue>>,
    /// Inputs, rule, steps and rounding of the new amount; the commission keeps those of the first.
    #[schema(value_type = Object)]
    explanation: Box<RawValue>,
}

impl From<Line> for ReratingLineView {
    fn from(line: Line) -> Self {
        let (before, after) = (line.before.minor(), line.rating.amount.minor());
        let currency = line.gross.currency();
        let number = |minor| Money::from_minor(minor, currency).amount().to_json();
        Self {
            number: line.number,
            conversion_id: line.conversion.to_string(),
            commission_id: line.commission.to_string(),
            added_commission_id: line.added.map(|id| id.to_string()),
            affiliate_id: line.affiliate.to_string(),
            occurred_at: line.occurred_at,
            outcome: line.outcome.name(),
            currency: currency.code(),
            gross: number(line.gross.minor()),
            gross_minor: line.gross.minor(),
            before: number(before),
            before_minor: before,
            after: number(after),
            after_minor: after,
            difference: number(after - before),
            difference_minor: after - before,
            booked: number(line.booked.minor()),
            booked_minor: line.booked.minor(),
            rate: line.rating.rate.map(|rate| rate.percent().to_json()),
            explanation: line.explanation,
        }
    }
}

impl Record for ReratingLineView {
    const COLUMNS: &'static [&'static str] = &[
        "number",
        "conversionId",
        "commissionId",
        "addedCommissionId",
        "affiliateId",
        "occurredAt",
        "outcome",
        "currency",
        "gross",
        "before",
        "after",
        "difference",
        "booked",
        "rate",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.conversion_id.clone(),
            self.commission_id.clone(),
            self.added_commission_id.clone().unwrap_or_default(),
            self.affiliate_id.clone(),
            self.occurred_at.to_string(),
            self.outcome.to_owned(),
            self.currency.to_owned(),
            self.gross.get().to_owned(),
            self.before.get().to_owned(),
            self.after.get().to_owned(),
            self.difference.get().to_owned(),
            self.booked.get().to_owned(),
            self.rate.as_ref().map(|rate| rate.get().to_owned()).unwrap_or_default(),
        ]
    }
}

/// That a conversion was rated anew: beside the explanation of its commission, the one of what it owes since.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RatedAnew)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RatedAnewView {
    rerating_id: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    applied_at: Option<Timestamp>,
    reason: String,
    #[schema(value_type = Decimal)]
    previous_amount: Box<RawValue>,
    previous_amount_minor: i64,
    /// What the conversion owes in all.
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    /// The commission that has what was more, where the first had left.
    added_commission_id: Option<String>,
    #[schema(value_type = Object)]
    explanation: Box<RawValue>,
}

/// The same in the words of seed 4.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Recalculo)]
pub(crate) struct RecalculoView {
    recalculo_id: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    fecha: Option<Timestamp>,
    motivo: String,
    #[schema(value_type = Decimal)]
    monto_anterior: Box<RawValue>,
    monto_anterior_minor: i64,
    #[schema(value_type = Decimal)]
    monto: Box<RawValue>,
    monto_minor: i64,
    comision_adicional_id: Option<String>,
    #[schema(value_type = Object)]
    explicacion: Box<RawValue>,
}

/// Only those that changed something.
pub(crate) fn rated_anew(all: Vec<RatedAnew>) -> Vec<RatedAnewView> {
    let changes = all.into_iter().filter(|one| !one.line.outcome.stays());
    let view = |RatedAnew { rerating, line }: RatedAnew| RatedAnewView {
        rerating_id: rerating.id.to_string(),
        applied_at: rerating.applied.map(|applied| applied.at),
        reason: rerating.reason,
        previous_amount: line.before.amount().to_json(),
        previous_amount_minor: line.before.minor(),
        amount: line.rating.amount.amount().to_json(),
        amount_minor: line.rating.amount.minor(),
        added_commission_id: line.added.map(|id| id.to_string()),
        explanation: line.explanation,
    };
    changes.map(view).collect()
}

impl From<RatedAnewView> for RecalculoView {
    fn from(view: RatedAnewView) -> Self {
        Self {
            recalculo_id: view.rerating_id,
            fecha: view.applied_at,
            motivo: view.reason,
            monto_anterior: view.previous_amount,
            monto_anterior_minor: view.previous_amount_minor,
            monto: view.amount,
            monto_minor: view.amount_minor,
            comision_adicional_id: view.added_commission_id,
            explicacion: view.explanation,
        }
    }
}
