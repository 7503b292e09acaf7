//! What the campaign-management context tells others: campaigns, how they do, what they spend and what would help.
//!
//! Times are RFC 3339 in UTC, dates ISO 8601. Amounts in a dict stand beside `*_minor`, in the dict's `currency`;
//! ratios are exact decimals, null where there is nothing to divide by.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Dict, List, events::events};

/// Every event of this context, in order, as structured `CloudEvents`.
pub const TOPIC: &str = "persistent://hexabuilders/campaign-management/campaign-events";
/// Campaigns, as they are and as they change, for those who sell.
pub const MARKETING_TOPIC: &str = "persistent://public/default/marketing.eventos";
pub const REPORT_TOPIC: &str = "persistent://hexabuilders/campaign-management/performance-report";
pub const ALERT_TOPIC: &str = "persistent://hexabuilders/campaign-management/budget-alerts";
pub const INSIGHT_TOPIC: &str = "persistent://hexabuilders/campaign-management/campaign-insights";
pub const SUGGESTION_TOPIC: &str = "persistent://hexabuilders/campaign-management/optimization-suggestions";

/// A campaign, in one revision: whoever keeps the highest has the newest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    pub campaign_id: String,
    pub partner_id: String,
    pub revision: i64,
    pub name: String,
    pub campaign_type: String,
    pub channel: String,
    /// `DRAFT`, `SCHEDULED`, `ACTIVE`, `PAUSED`, `COMPLETED` or `CANCELLED`.
    pub status: String,
    pub start_date: Option<String>,
    pub end_date: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// `daily`, `total`, `lifetime` as far as they are set, each `amount`, `amount_minor` and `version`.
    pub budget: Dict,
    /// What it is to reach: `impressions`, `clicks`, `conversions`, `revenue`, `roi`, ….
    pub targets: Dict,
    /// Why it is paused or cancelled.
    pub reason: Option<String>,
    pub changed_at: String,
}

/// How a campaign did in a period. Once per `report_id`; of two reports, the later period counts, and of one period what
/// was made later (`generated_at`; of two that were made at once, the higher `version`): what comes in late makes a report
/// another version, and one that somebody asks for tells what is known when it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignPerformanceReport {
    pub report_id: String,
    pub campaign_id: String,
    pub partner_id: String,
    /// `start`, `end` (dates, the end not included), `granularity` (`DAILY`, `WEEKLY`, `MONTHLY`, `CUSTOM`), `days`.
    pub reporting_period: Dict,
    /// `currency`, `impressions`, `clicks`, `leads`, `conversions`, `spend`, `spend_minor`, `revenue`, `revenue_minor`,
    /// `active_days`.
    pub performance_summary: Dict,
    /// From the beginning until the period's end, by target: `target`, `actual`, `achieved_bp` (basis points), `is_met`;
    /// of money also `*_minor` and `currency`.
    pub kpi_achievements: Dict,
    /// `currency`, `spend`, `revenue`, `profit`, each with `*_minor`; `roi_percent`, `roas`.
    pub roi_metrics: Dict,
    /// `ctr_percent`, `cvr_percent`; `cpc`, `cpa`, `cpl`, `cpm`, `revenue_per_conversion` in `currency`.
    pub engagement_metrics: Dict,
    /// With the equal period before: `previous_start`, `previous_end`, `previous` (its summary), and in `figures`, by
    /// figure, `current`, `previous`, `change`, `change_percent`.
    pub period_comparison: Dict,
    /// With other campaigns: `of` (`partner`, `tenant` or `none`), `campaigns`, and in `figures`, by figure, `current`,
    /// `benchmark`, `difference_percent`.
    pub benchmark_comparison: Dict,
    /// By figure: `direction` (`UP`, `DOWN`, `FLAT`), `slope_per_day`, `points`.
    pub trend_analysis: Dict,
    /// Each: `kind`, `severity`, `message` (`es`, `en`), `evidence`.
    pub performance_insights: List,
    /// Each: `kind`, `priority`, `message` (`es`, `en`), `evidence`.
    pub optimization_suggestions: List,
    /// Each: `kind`, `severity`, `message` (`es`, `en`), `evidence`.
    pub risk_indicators: List,
    #[serde(default)]
    pub generated_at: String,
    /// Counts from 1 for each period of those that are made by themselves; 1 of what somebody asked for.
    #[serde(default = "first")]
    pub version: i64,
    /// The `report_id` of the version before.
    #[serde(default)]
    pub replaces: Option<String>,
    /// What changed since then: `SPEND_CHANGED`, `RESULTS_CHANGED`, `PERIOD_BEFORE_CHANGED`.
    #[serde(default)]
    pub renewal_reasons: List,
}

fn first() -> i64 {
    1
}

/// Spend came to a share of a budget. Once per version of the budget, its kind and `alert_type`; of a daily budget, each
/// day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BudgetAlert {
    pub alert_id: String,
    pub campaign_id: String,
    pub partner_id: String,
    /// `budget_id`, `kind` (`DAILY`, `TOTAL`, `LIFETIME`), `version`, `threshold_percent`, `level`, `spent`, `remaining`,
    /// `limit`, `expected`, `burn_rate`, `projected`, each with `*_minor`, `currency`, `spent_percent`, `pacing`
    /// (`NOT_BEGUN`, `UNDER`, `ON_TRACK`, `OVER`), `pace_percent`, `days_remaining`, `runs_out_on`,
    /// `affordable_per_day`, `campaign_status`, `day` for a daily budget.
    pub budget_status: Dict,
    /// `WARNING`, `CRITICAL` or `EXHAUSTED`.
    pub alert_type: String,
    /// A JSON number: percent of the limit that was spent.
    pub threshold_reached: Box<RawValue>,
    /// The same in basis points: what counts.
    pub threshold_reached_bp: i64,
    /// A JSON number in major units, exact.
    pub current_spend: Box<RawValue>,
    pub current_spend_minor: i64,
    /// A JSON number in major units, exact.
    pub budget_limit: Box<RawValue>,
    pub budget_limit_minor: i64,
    /// What it will come to at the end, if it goes on so. A JSON number in major units, exact.
    pub projected_spend: Box<RawValue>,
    pub projected_spend_minor: i64,
    /// Until the campaign ends, today included; for a daily budget 1.
    pub days_remaining: i64,
    /// Per day. A JSON number in major units, exact.
    pub burn_rate: Box<RawValue>,
    pub burn_rate_minor: i64,
    /// ISO 4217, of all amounts here.
    pub currency: String,
    /// Each: `action`, `priority`, `message` (`es`, `en`), `evidence`.
    pub recommended_actions: List,
    /// Each: `action` (`PAUSED`), `at`.
    pub automatic_actions_taken: List,
    #[serde(default)]
    pub alerted_at: String,
}

/// Something in the figures of a campaign that is worth to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignInsight {
    pub insight_id: String,
    pub campaign_id: String,
    pub partner_id: String,
    pub report_id: String,
    pub insight_type: String,
    /// `INFO`, `NOTICE` or `WARNING`.
    pub severity: String,
    /// `es`, `en`: a sentence each.
    pub message: Dict,
    /// The numbers behind it.
    pub evidence: Dict,
    pub generated_at: String,
}

/// What would make a campaign do better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizationSuggestion {
    pub suggestion_id: String,
    pub campaign_id: String,
    pub partner_id: String,
    pub report_id: String,
    pub suggestion_type: String,
    /// `LOW`, `MEDIUM` or `HIGH`.
    pub priority: String,
    /// `es`, `en`: a sentence each.
    pub message: Dict,
    /// The numbers behind it.
    pub evidence: Dict,
    pub suggested_at: String,
}

events! { "com.hexabuilders.campaigns.":
    CampaignCreated(Campaign) by campaign_id to MARKETING_TOPIC;
    CampaignUpdated(Campaign) by campaign_id to MARKETING_TOPIC;
    CampaignPerformanceReport(CampaignPerformanceReport) by campaign_id to REPORT_TOPIC;
    BudgetAlert(BudgetAlert) by campaign_id to ALERT_TOPIC;
    CampaignInsight(CampaignInsight) by campaign_id to INSIGHT_TOPIC;
    OptimizationSuggestion(OptimizationSuggestion) by campaign_id to SUGGESTION_TOPIC;
}
