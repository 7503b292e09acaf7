//! Budgets, how they stand, and the alerts that they gave.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{json, percent};
use crate::domain::{Budget, Level, Pace};
use crate::store::AlertRow;

/// Shares of the limit in percent at which alerts are given.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Thresholds)]
pub(crate) struct ThresholdsView {
    #[schema(value_type = Decimal)]
    warning: Box<RawValue>,
    #[schema(value_type = Decimal)]
    critical: Box<RawValue>,
    #[schema(value_type = Decimal)]
    exhausted: Box<RawValue>,
}

/// A version of a budget.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BudgetVersion)]
pub(crate) struct VersionView {
    budget_id: String,
    campaign_id: String,
    /// `DAILY`: the spend of each day in UTC; `TOTAL`: of the campaign's days; `LIFETIME`: all spend, whatever its day.
    kind: &'static str,
    /// Counts from 1.
    version: u32,
    #[schema(value_type = Decimal)]
    limit: Box<RawValue>,
    limit_minor: i64,
    currency: &'static str,
    thresholds: ThresholdsView,
    reason: Option<String>,
    set_by: String,
    #[schema(value_type = String, format = DateTime)]
    set_at: Timestamp,
}

impl From<&Budget> for VersionView {
    fn from(budget: &Budget) -> Self {
        let at = |level| percent(budget.thresholds.at(level));
        Self {
            budget_id: budget.id.to_string(),
            campaign_id: budget.campaign.to_string(),
            kind: budget.kind.name(),
            version: budget.version,
            limit: json(budget.limit),
            limit_minor: budget.limit.minor(),
            currency: budget.limit.currency().code(),
            thresholds: ThresholdsView {
                warning: at(Level::Warning),
                critical: at(Level::Critical),
                exhausted: at(Level::Exhausted),
            },
            reason: budget.reason.clone(),
            set_by: budget.set_by.clone(),
            set_at: budget.set_at,
        }
    }
}

/// How a budget stands: spend against limit and time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BudgetStanding)]
pub(crate) struct StandingView {
    #[schema(value_type = Decimal)]
    spent: Box<RawValue>,
    spent_minor: i64,
    /// Below zero where more was spent.
    #[schema(value_type = Decimal)]
    remaining: Box<RawValue>,
    remaining_minor: i64,
    /// Of the limit, rounded down to hundredths.
    #[schema(value_type = Decimal)]
    spent_percent: Box<RawValue>,
    /// The highest level that is reached: `WARNING`, `CRITICAL` or `EXHAUSTED`.
    level: Option<&'static str>,
    /// The limit's share of the time that has passed.
    #[schema(value_type = Decimal)]
    expected: Box<RawValue>,
    expected_minor: i64,
    /// `NOT_BEGUN`, `UNDER` (less than 90 % of what is expected), `ON_TRACK`, `OVER` (more than 110 %).
    pacing: &'static str,
    #[schema(value_type = Option<Decimal>)]
    pace_percent: Option<Box<RawValue>>,
    /// A day: the average of the last seven days with spend.
    #[schema(value_type = Decimal)]
    burn_rate: Box<RawValue>,
    burn_rate_minor: i64,
    /// What it comes to at the end if it goes on so; of a daily budget, at the end of the day.
    #[schema(value_type = Decimal)]
    projected: Box<RawValue>,
    projected_minor: i64,
    /// Today included; 1 of a daily budget.
    days_remaining: i64,
    /// When nothing is left at this burn rate.
    runs_out_on: Option<String>,
    /// What may be spent on each day that is left.
    #[schema(value_type = Option<Decimal>)]
    affordable_per_day: Option<Box<RawValue>>,
}

impl StandingView {
    pub(crate) fn of(budget: &Budget, pace: &Pace) -> Self {
        Self {
            spent: json(pace.spent),
            spent_minor: pace.spent.minor(),
            remaining: json(pace.remaining),
            remaining_minor: pace.remaining.minor(),
            spent_percent: percent(pace.share_bp),
            level: budget.reached(pace.spent).last().map(Level::name),
            expected: json(pace.expected),
            expected_minor: pace.expected.minor(),
            pacing: pace.pacing.name(),
            pace_percent: pace.pace_bp.map(percent),
            burn_rate: json(pace.burn_rate),
            burn_rate_minor: pace.burn_rate.minor(),
            projected: json(pace.projected),
            projected_minor: pace.projected.minor(),
            days_remaining: pace.days_remaining,
            runs_out_on: pace.runs_out.map(|day| day.to_string()),
            affordable_per_day: pace.affordable_per_day().map(json),
        }
    }
}

/// The newest version of a budget, and how it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
pub(crate) struct BudgetView {
    /// The version: the `ETag`.
    revision: u32,
    #[serde(flatten)]
    budget: VersionView,
    standing: StandingView,
}

impl BudgetView {
    pub(crate) fn of(budget: &Budget, pace: &Pace) -> Self {
        Self { revision: budget.version, budget: budget.into(), standing: StandingView::of(budget, pace) }
    }
}

impl Record for BudgetView {
    const COLUMNS: &'static [&'static str] = &[
        "budget_id",
        "campaign_id",
        "kind",
        "version",
        "limit",
        "currency",
        "spent",
        "remaining",
        "spent_percent",
        "level",
        "pacing",
        "burn_rate",
        "projected",
        "days_remaining",
        "set_at",
    ];

    fn cells(&self) -> Vec<String> {
        let Self { budget, standing, .. } = self;
        vec![
            budget.budget_id.clone(),
            budget.campaign_id.clone(),
            budget.kind.to_owned(),
            budget.version.to_string(),
            budget.limit.get().to_owned(),
            budget.currency.to_owned(),
            standing.spent.get().to_owned(),
            standing.remaining.get().to_owned(),
            standing.spent_percent.get().to_owned(),
            standing.level.unwrap_or_default().to_owned(),
            standing.pacing.to_owned(),
            standing.burn_rate.get().to_owned(),
            standing.projected.get().to_owned(),
            standing.days_remaining.to_string(),
            budget.set_at.to_string(),
        ]
    }
}

/// All budgets of a campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignBudgets)]
pub(crate) struct BudgetsView {
    pub(crate) campaign_id: String,
    pub(crate) currency: &'static str,
    pub(crate) status: &'static str,
    pub(crate) budgets: Vec<BudgetView>,
}

/// An alert as it was told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BudgetAlert)]
pub(crate) struct AlertView {
    budget_id: String,
    kind: &'static str,
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What the event `BudgetAlert` said.
    #[schema(value_type = Object)]
    alert: Box<RawValue>,
}

impl From<AlertRow> for AlertView {
    fn from(row: AlertRow) -> Self {
        Self {
            budget_id: row.budget.to_string(),
            kind: row.kind.name(),
            version: row.version,
            at: row.at,
            alert: RawValue::from_string(row.data).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

/// What a line of CSV tells of an alert.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    alert_id: String,
    campaign_id: String,
    partner_id: String,
    alert_type: String,
    currency: String,
    current_spend: Option<Box<RawValue>>,
    budget_limit: Option<Box<RawValue>>,
}

impl Record for AlertView {
    const COLUMNS: &'static [&'static str] = &[
        "alert_id",
        "campaign_id",
        "partner_id",
        "budget_id",
        "kind",
        "version",
        "alert_type",
        "current_spend",
        "budget_limit",
        "currency",
        "at",
    ];

    fn cells(&self) -> Vec<String> {
        let told: Told = serde_json::from_str(self.alert.get()).unwrap_or_default();
        let number = |raw: Option<Box<RawValue>>| raw.map(|raw| raw.get().to_owned()).unwrap_or_default();
        vec![
            told.alert_id,
            told.campaign_id,
            told.partner_id,
            self.budget_id.clone(),
            self.kind.to_owned(),
            self.version.to_string(),
            told.alert_type,
            number(told.current_spend),
            number(told.budget_limit),
            told.currency,
            self.at.to_string(),
        ]
    }
}
