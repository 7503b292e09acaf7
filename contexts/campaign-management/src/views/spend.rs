//! Spend and results, and what became of each of a batch.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Amount, Currency, Money, Timestamp};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::json;
use crate::domain::report::Totals;
use crate::domain::{Day, Entry, EntryKind};

/// A line of a campaign's spend.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Spend)]
pub(crate) struct SpendView {
    spend_id: String,
    campaign_id: String,
    /// `SPEND` or `CORRECTION`.
    kind: &'static str,
    /// The spend that it corrects.
    corrects: Option<String>,
    /// What was spent, or what it really came to.
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    /// What it adds to all that was spent, or takes from it.
    #[schema(value_type = Decimal)]
    difference: Box<RawValue>,
    difference_minor: i64,
    currency: &'static str,
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// The day in UTC to which it is counted.
    #[schema(format = Date)]
    day: String,
    /// It is of another day, or of before a pause or the end.
    late: bool,
    note: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// Only in the answer to one that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
}

impl SpendView {
    pub(crate) fn of(entry: &Entry, is_duplicate: bool) -> Self {
        let (kind, corrects) = match &entry.kind {
            EntryKind::Spend => ("SPEND", None),
            EntryKind::Correction { of } => ("CORRECTION", Some(of.to_string())),
        };
        Self {
            spend_id: entry.id.to_string(),
            campaign_id: entry.campaign.to_string(),
            kind,
            corrects,
            amount: json(entry.stated),
            amount_minor: entry.stated.minor(),
            difference: json(entry.difference),
            difference_minor: entry.difference.minor(),
            currency: entry.stated.currency().code(),
            occurred_at: entry.occurred_at,
            day: entry.day.to_string(),
            late: entry.is_late,
            note: entry.note.clone(),
            recorded_at: entry.recorded_at,
            duplicate: is_duplicate.then_some(true),
        }
    }
}

impl Record for SpendView {
    const COLUMNS: &'static [&'static str] = &[
        "spend_id",
        "kind",
        "corrects",
        "amount",
        "difference",
        "currency",
        "occurred_at",
        "day",
        "late",
        "recorded_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.spend_id.clone(),
            self.kind.to_owned(),
            self.corrects.clone().unwrap_or_default(),
            self.amount.get().to_owned(),
            self.difference.get().to_owned(),
            self.currency.to_owned(),
            self.occurred_at.to_string(),
            self.day.clone(),
            self.late.to_string(),
            self.recorded_at.to_string(),
        ]
    }
}

/// What became of one spend of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendOutcome)]
pub(crate) struct SpendItemView {
    pub(crate) index: usize,
    /// As if it had been sent alone: 201, 200, 409 or 422.
    pub(crate) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spend: Option<SpendView>,
    /// Why it was not recorded: a problem as in other answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) problem: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendOutcomes)]
pub(crate) struct SpendBatchView {
    pub(crate) recorded: usize,
    pub(crate) duplicates: usize,
    pub(crate) refused: usize,
    pub(crate) results: Vec<SpendItemView>,
}

/// What became of one result of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultOutcome)]
pub(crate) struct ResultItemView {
    pub(crate) index: usize,
    /// 201, 200 for what was there, 409 or 422.
    pub(crate) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) problem: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultOutcomes)]
pub(crate) struct ResultBatchView {
    pub(crate) recorded: usize,
    pub(crate) duplicates: usize,
    pub(crate) refused: usize,
    pub(crate) results: Vec<ResultItemView>,
}

/// What happened on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignDay)]
pub(crate) struct DayView {
    #[schema(format = Date)]
    day: String,
    impressions: i64,
    clicks: i64,
    leads: i64,
    conversions: i64,
    #[schema(value_type = Decimal)]
    revenue: Box<RawValue>,
    revenue_minor: i64,
    #[schema(value_type = Decimal)]
    spend: Box<RawValue>,
    spend_minor: i64,
    currency: &'static str,
    /// Clicks of impressions, four decimals; null where there are none.
    #[schema(value_type = Option<Decimal>)]
    ctr_percent: Option<Box<RawValue>>,
}

impl DayView {
    pub(crate) fn of(day: Day, totals: Totals, currency: Currency) -> Self {
        let (revenue, spend) = (totals.revenue_minor, totals.spend_minor);
        Self {
            day: day.to_string(),
            impressions: totals.impressions,
            clicks: totals.clicks,
            leads: totals.leads,
            conversions: totals.conversions,
            revenue: json(Money::from_minor(revenue, currency)),
            revenue_minor: revenue,
            spend: json(Money::from_minor(spend, currency)),
            spend_minor: spend,
            currency: currency.code(),
            ctr_percent: totals.ctr_percent().map(Amount::to_json),
        }
    }
}

impl Record for DayView {
    const COLUMNS: &'static [&'static str] =
        &["day", "impressions", "clicks", "leads", "conversions", "revenue", "spend", "currency"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.day.clone(),
            self.impressions.to_string(),
            self.clicks.to_string(),
            self.leads.to_string(),
            self.conversions.to_string(),
            self.revenue.get().to_owned(),
            self.spend.get().to_owned(),
            self.currency.to_owned(),
        ]
    }
}
