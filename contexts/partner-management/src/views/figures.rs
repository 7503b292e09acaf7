//! How a partner does: what was counted, and what it was counted of.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Amount, Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{number, percent, raw};
use crate::domain::{
    Alert, Figures, Hire, Match, Metrics, PartnerId, PartnerStatus, RequestCounts, RequestId,
};
use crate::store::KnownAlert;

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PartnerMetrics)]
pub(crate) struct MetricsView {
    partner_id: String,
    partner_status: &'static str,
    contracts_activated: u64,
    successful_hires: u64,
    /// What the hires cost, by currency.
    recruitment_costs: Vec<CostView>,
    /// Days from request to hire, over the hires that have them.
    time_to_hire_days_sum: u64,
    time_to_hire_count: u64,
    /// Their quotient, rounded half up to hundredths of a day; null before the first hire.
    #[schema(value_type = Option<Decimal>)]
    average_time_to_hire: Option<Box<RawValue>>,
    recruitment_requests: CountsView,
    candidates_matched: u64,
    campaigns: Vec<CampaignView>,
    open_budget_alerts: Vec<OpenAlertView>,
}

// Also in `PartnerMetricsSnapshot`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Cost)]
pub(crate) struct CostView {
    currency: &'static str,
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
}

impl From<&Money> for CostView {
    fn from(money: &Money) -> Self {
        Self { currency: money.currency().code(), amount: number(*money), amount_minor: money.minor() }
    }
}

// Also in `PartnerMetricsSnapshot`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecruitmentRequestCounts)]
pub(crate) struct CountsView {
    open: u64,
    matched: u64,
    filled: u64,
    cancelled: u64,
    expired: u64,
}

impl From<RequestCounts> for CountsView {
    fn from(counts: RequestCounts) -> Self {
        let RequestCounts { open, matched, filled, cancelled, expired } = counts;
        Self { open, matched, filled, cancelled, expired }
    }
}

// Also in `PartnerMetricsSnapshot`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OpenBudgetAlert)]
pub(crate) struct OpenAlertView {
    alert_id: String,
    campaign_id: String,
    alert_type: &'static str,
    /// Percent of the limit.
    #[schema(value_type = Decimal)]
    threshold_reached: Box<RawValue>,
    #[schema(value_type = String, format = DateTime)]
    alerted_at: Timestamp,
}

impl From<&Alert> for OpenAlertView {
    fn from(alert: &Alert) -> Self {
        Self {
            alert_id: alert.id.to_string(),
            campaign_id: alert.campaign.to_string(),
            alert_type: alert.kind.name(),
            threshold_reached: percent(alert.reached_bp),
            alerted_at: alert.at,
        }
    }
}

impl MetricsView {
    pub(crate) fn of(id: &PartnerId, status: PartnerStatus, metrics: &Metrics) -> Self {
        let average = metrics.average_hundredths();
        Self {
            partner_id: id.to_string(),
            partner_status: status.name(),
            contracts_activated: metrics.contracts_activated,
            successful_hires: metrics.hires,
            recruitment_costs: metrics.costs.iter().map(CostView::from).collect(),
            time_to_hire_days_sum: metrics.days_sum,
            time_to_hire_count: metrics.days_count,
            average_time_to_hire: average.map(|number| Amount::new(i128::from(number), 2).to_json()),
            recruitment_requests: metrics.requests.into(),
            candidates_matched: metrics.matched,
            campaigns: metrics.campaigns.iter().map(CampaignView::from).collect(),
            open_budget_alerts: metrics.open_alerts.iter().map(OpenAlertView::from).collect(),
        }
    }
}

/// How a campaign did in the newest period that was told of.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignFigures)]
pub(crate) struct CampaignView {
    campaign_id: String,
    report_id: String,
    #[schema(format = Date)]
    period_start: String,
    /// The first day after it.
    #[schema(format = Date)]
    period_end: String,
    #[schema(value_type = Object)]
    performance_summary: Box<RawValue>,
    #[schema(value_type = Object)]
    kpi_achievements: Box<RawValue>,
    #[schema(value_type = Object)]
    roi_metrics: Box<RawValue>,
    #[schema(value_type = String, format = DateTime)]
    reported_at: Timestamp,
}

impl From<&Figures> for CampaignView {
    fn from(figures: &Figures) -> Self {
        Self {
            campaign_id: figures.campaign.to_string(),
            report_id: figures.report.to_string(),
            period_start: figures.start.to_string(),
            period_end: figures.end.to_string(),
            performance_summary: raw(&figures.summary),
            kpi_achievements: raw(&figures.kpis),
            roi_metrics: raw(&figures.roi),
            reported_at: figures.at,
        }
    }
}

/// A candidate who fits.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CandidateMatch)]
pub(crate) struct MatchView {
    match_id: String,
    /// Null: the recruiters opened the job themselves.
    request_id: Option<String>,
    job_id: String,
    candidate_id: String,
    /// 0 to 100.
    #[schema(value_type = Decimal)]
    score: Box<RawValue>,
    /// The same in basis points.
    score_bp: i64,
    rank: i64,
    #[schema(value_type = Object)]
    explanation: Box<RawValue>,
    #[schema(value_type = String, format = DateTime)]
    matched_at: Timestamp,
}

impl From<&Match> for MatchView {
    fn from(found: &Match) -> Self {
        Self {
            match_id: found.id.to_string(),
            request_id: found.request.as_ref().map(RequestId::to_string),
            job_id: found.job.to_string(),
            candidate_id: found.candidate.to_string(),
            score: percent(found.score_bp),
            score_bp: found.score_bp,
            rank: found.rank,
            explanation: raw(&found.explanation),
            matched_at: found.at,
        }
    }
}

impl Record for MatchView {
    const COLUMNS: &'static [&'static str] =
        &["match_id", "request_id", "job_id", "candidate_id", "score", "rank", "matched_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.match_id.clone(),
            self.request_id.clone().unwrap_or_default(),
            self.job_id.clone(),
            self.candidate_id.clone(),
            self.score.get().to_owned(),
            self.rank.to_string(),
            self.matched_at.to_string(),
        ]
    }
}

/// Somebody who was hired.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Hire)]
pub(crate) struct HireView {
    hiring_id: String,
    /// Null: the recruiters opened the job themselves.
    request_id: Option<String>,
    job_id: String,
    candidate_id: String,
    job_title: String,
    employment_type: String,
    start_date: String,
    /// Days from request to hire.
    time_to_hire: Option<u32>,
    #[schema(value_type = Decimal)]
    recruitment_cost: Box<RawValue>,
    recruitment_cost_minor: i64,
    currency: &'static str,
    #[schema(value_type = String, format = DateTime)]
    hired_at: Timestamp,
}

impl From<&Hire> for HireView {
    fn from(hire: &Hire) -> Self {
        Self {
            hiring_id: hire.id.to_string(),
            request_id: hire.request.as_ref().map(RequestId::to_string),
            job_id: hire.job.to_string(),
            candidate_id: hire.candidate.to_string(),
            job_title: hire.job_title.clone(),
            employment_type: hire.employment_type.clone(),
            start_date: hire.start_date.clone(),
            time_to_hire: hire.days,
            recruitment_cost: number(hire.cost),
            recruitment_cost_minor: hire.cost.minor(),
            currency: hire.cost.currency().code(),
            hired_at: hire.at,
        }
    }
}

impl Record for HireView {
    const COLUMNS: &'static [&'static str] = &[
        "hiring_id",
        "request_id",
        "job_id",
        "candidate_id",
        "job_title",
        "employment_type",
        "start_date",
        "time_to_hire",
        "recruitment_cost",
        "currency",
        "hired_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.hiring_id.clone(),
            self.request_id.clone().unwrap_or_default(),
            self.job_id.clone(),
            self.candidate_id.clone(),
            self.job_title.clone(),
            self.employment_type.clone(),
            self.start_date.clone(),
            self.time_to_hire.map(|days| days.to_string()).unwrap_or_default(),
            self.recruitment_cost.get().to_owned(),
            self.currency.to_owned(),
            self.hired_at.to_string(),
        ]
    }
}

/// Spend that came to a share of a budget.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BudgetAlert)]
pub(crate) struct AlertView {
    alert_id: String,
    campaign_id: String,
    /// `WARNING`, `CRITICAL` or `EXHAUSTED`.
    alert_type: &'static str,
    /// `DAILY`, `TOTAL` or `LIFETIME`.
    budget_kind: String,
    budget_version: i64,
    /// Percent of the limit.
    #[schema(value_type = Decimal)]
    threshold_reached: Box<RawValue>,
    #[schema(value_type = Decimal)]
    current_spend: Box<RawValue>,
    current_spend_minor: i64,
    #[schema(value_type = Decimal)]
    budget_limit: Box<RawValue>,
    budget_limit_minor: i64,
    currency: &'static str,
    /// Nobody acknowledged it, and no later version of the budget overtook it.
    is_open: bool,
    #[schema(value_type = String, format = DateTime)]
    alerted_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<String>,
}

impl From<&KnownAlert> for AlertView {
    fn from(known: &KnownAlert) -> Self {
        let alert = &known.alert;
        Self {
            alert_id: alert.id.to_string(),
            campaign_id: alert.campaign.to_string(),
            alert_type: alert.kind.name(),
            budget_kind: alert.budget.kind.clone(),
            budget_version: alert.budget.version,
            threshold_reached: percent(alert.reached_bp),
            current_spend: number(alert.spend),
            current_spend_minor: alert.spend.minor(),
            budget_limit: number(alert.limit),
            budget_limit_minor: alert.limit.minor(),
            currency: alert.spend.currency().code(),
            is_open: known.is_open(),
            alerted_at: alert.at,
            acknowledged_at: known.acknowledged.as_ref().map(|seen| seen.at),
            acknowledged_by: known.acknowledged.as_ref().map(|seen| seen.by.to_string()),
        }
    }
}

impl Record for AlertView {
    const COLUMNS: &'static [&'static str] = &[
        "alert_id",
        "campaign_id",
        "alert_type",
        "budget_kind",
        "budget_version",
        "threshold_reached",
        "current_spend",
        "budget_limit",
        "currency",
        "is_open",
        "alerted_at",
        "acknowledged_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.alert_id.clone(),
            self.campaign_id.clone(),
            self.alert_type.to_owned(),
            self.budget_kind.clone(),
            self.budget_version.to_string(),
            self.threshold_reached.get().to_owned(),
            self.current_spend.get().to_owned(),
            self.budget_limit.get().to_owned(),
            self.currency.to_owned(),
            self.is_open.to_string(),
            self.alerted_at.to_string(),
            self.acknowledged_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    }
}
