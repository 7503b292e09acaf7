//! What happened, in the words that other contexts know, on its way into the outbox.

use hexalpes_contracts::campaigns::{
    BudgetAlert, Campaign as Told, CampaignInsight, CampaignPerformanceReport, Event, OptimizationSuggestion,
};
use hexalpes_contracts::{Dict, List};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Money, Timestamp};
use hexalpes_outbox::NewEvent;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::report::Finding;
use crate::domain::{AlertId, Budget, BudgetKind, Campaign, Day, Fact, Level, Pace, Stored};
use crate::views::{
    ActionView, FindingView, ReportView, StandingView, SuggestionView, TargetsView, json, percent,
};

/// A budget in a campaign's event.
#[derive(Serialize)]
struct BudgetTold {
    amount: Box<RawValue>,
    amount_minor: i64,
    version: u32,
}

#[derive(Default, Serialize)]
struct BudgetsTold {
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<BudgetTold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<BudgetTold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime: Option<BudgetTold>,
}

/// Tells what became of a campaign.
pub(crate) async fn of_campaign(
    tx: &Tx,
    ids: &dyn Ids,
    fact: &Fact,
    campaign: &Campaign,
    budgets: &[Budget],
    cause: &Cause,
) -> Result<(), DbError> {
    let Stored { id, partner, kind, currency, plan, revision, changed_at, .. } = campaign.parts();
    let mut told = BudgetsTold::default();
    for budget in budgets {
        let one = BudgetTold {
            amount: json(budget.limit),
            amount_minor: budget.limit.minor(),
            version: budget.version,
        };
        match budget.kind {
            BudgetKind::Daily => told.daily = Some(one),
            BudgetKind::Total => told.total = Some(one),
            BudgetKind::Lifetime => told.lifetime = Some(one),
        }
    }
    let told = Told {
        campaign_id: id.to_string(),
        partner_id: partner.to_string(),
        revision: i64::from(*revision),
        name: plan.name.clone(),
        campaign_type: kind.name().to_owned(),
        channel: plan.channel.clone(),
        status: campaign.status().name().to_owned(),
        start_date: Some(plan.start.to_string()),
        end_date: Some(plan.end.to_string()),
        currency: currency.code().to_owned(),
        budget: Dict::of(&told),
        targets: Dict::of(&TargetsView::from(&plan.targets)),
        reason: campaign.reason().map(str::to_owned),
        changed_at: changed_at.to_string(),
    };
    let event = match fact {
        Fact::Created => Event::CampaignCreated(told),
        Fact::Changed
        | Fact::Activated
        | Fact::Scheduled
        | Fact::Paused { .. }
        | Fact::Resumed { .. }
        | Fact::BudgetChanged
        | Fact::Completed
        | Fact::Cancelled => Event::CampaignUpdated(told),
    };
    append(tx, ids, &event, cause).await
}

/// Spend that came so near a budget.
pub(crate) struct Alarm<'a> {
    pub(crate) id: AlertId,
    pub(crate) campaign: &'a Campaign,
    pub(crate) budget: &'a Budget,
    pub(crate) pace: &'a Pace,
    pub(crate) level: Level,
    /// Of a daily budget.
    pub(crate) day: Option<Day>,
    /// When this alert's cause paused the campaign.
    pub(crate) paused_at: Option<Timestamp>,
    pub(crate) recommended: Vec<Finding>,
    pub(crate) at: Timestamp,
}

#[derive(Serialize)]
struct StatusTold<'a> {
    budget_id: &'a str,
    kind: &'static str,
    version: u32,
    limit: Box<RawValue>,
    limit_minor: i64,
    currency: &'static str,
    campaign_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// The share of the limit that was passed.
    threshold_percent: Box<RawValue>,
    #[serde(flatten)]
    standing: StandingView,
}

#[derive(Serialize)]
struct ActionTaken {
    action: &'static str,
    at: Timestamp,
}

impl Alarm<'_> {
    pub(crate) fn event(&self) -> BudgetAlert {
        let Self { campaign, budget, pace, level, .. } = self;
        let money = |money: Money| (json(money), money.minor());
        let status = StatusTold {
            budget_id: budget.id.as_str(),
            kind: budget.kind.name(),
            version: budget.version,
            limit: json(budget.limit),
            limit_minor: budget.limit.minor(),
            currency: budget.limit.currency().code(),
            campaign_status: campaign.status().name(),
            day: self.day.map(|day| day.to_string()),
            threshold_percent: percent(budget.thresholds.at(*level)),
            standing: StandingView::of(budget, pace),
        };
        let actions: Vec<ActionView> = self.recommended.iter().map(Into::into).collect();
        let taken: Vec<ActionTaken> =
            self.paused_at.iter().map(|at| ActionTaken { action: "PAUSED", at: *at }).collect();
        let (current_spend, current_spend_minor) = money(pace.spent);
        let (budget_limit, budget_limit_minor) = money(budget.limit);
        let (projected_spend, projected_spend_minor) = money(pace.projected);
        let (burn_rate, burn_rate_minor) = money(pace.burn_rate);
        BudgetAlert {
            alert_id: self.id.to_string(),
            campaign_id: campaign.id().to_string(),
            partner_id: campaign.parts().partner.to_string(),
            budget_status: Dict::of(&status),
            alert_type: level.name().to_owned(),
            threshold_reached: percent(pace.share_bp),
            threshold_reached_bp: pace.share_bp,
            current_spend,
            current_spend_minor,
            budget_limit,
            budget_limit_minor,
            projected_spend,
            projected_spend_minor,
            days_remaining: pace.days_remaining,
            burn_rate,
            burn_rate_minor,
            currency: budget.limit.currency().code().to_owned(),
            recommended_actions: List::of(&actions),
            automatic_actions_taken: List::of(&taken),
            alerted_at: self.at.to_string(),
        }
    }
}

pub(crate) async fn of_alert(
    tx: &Tx,
    ids: &dyn Ids,
    alert: BudgetAlert,
    cause: &Cause,
) -> Result<(), DbError> {
    append(tx, ids, &Event::BudgetAlert(alert), cause).await
}

/// Tells a report, and each insight and each suggestion in it by itself too.
pub(crate) async fn of_report(
    tx: &Tx,
    ids: &dyn Ids,
    report: &ReportView,
    cause: &Cause,
) -> Result<(), DbError> {
    let event = Event::CampaignPerformanceReport(CampaignPerformanceReport {
        report_id: report.report_id.clone(),
        campaign_id: report.campaign_id.clone(),
        partner_id: report.partner_id.clone(),
        reporting_period: Dict::of(&report.reporting_period),
        performance_summary: Dict::of(&report.performance_summary),
        kpi_achievements: Dict::of(&report.kpi_achievements),
        roi_metrics: Dict::of(&report.roi_metrics),
        engagement_metrics: Dict::of(&report.engagement_metrics),
        period_comparison: Dict::of(&report.period_comparison),
        benchmark_comparison: Dict::of(&report.benchmark_comparison),
        trend_analysis: Dict::of(&report.trend_analysis),
        performance_insights: List::of(&report.performance_insights),
        optimization_suggestions: List::of(&report.optimization_suggestions),
        risk_indicators: List::of(&report.risk_indicators),
        generated_at: report.generated_at.to_string(),
        version: report.version,
        replaces: report.replaces.clone(),
        renewal_reasons: List::of(&report.renewal_reasons),
    });
    append(tx, ids, &event, cause).await?;
    for FindingView { kind, severity, message, evidence } in &report.performance_insights {
        let event = Event::CampaignInsight(CampaignInsight {
            insight_id: ids.uuid().to_string(),
            campaign_id: report.campaign_id.clone(),
            partner_id: report.partner_id.clone(),
            report_id: report.report_id.clone(),
            insight_type: (*kind).to_owned(),
            severity: (*severity).to_owned(),
            message: Dict::of(message),
            evidence: Dict::of(evidence),
            generated_at: report.generated_at.to_string(),
        });
        append(tx, ids, &event, cause).await?;
    }
    for SuggestionView { kind, priority, message, evidence } in &report.optimization_suggestions {
        let event = Event::OptimizationSuggestion(OptimizationSuggestion {
            suggestion_id: ids.uuid().to_string(),
            campaign_id: report.campaign_id.clone(),
            partner_id: report.partner_id.clone(),
            report_id: report.report_id.clone(),
            suggestion_type: (*kind).to_owned(),
            priority: (*priority).to_owned(),
            message: Dict::of(message),
            evidence: Dict::of(evidence),
            suggested_at: report.generated_at.to_string(),
        });
        append(tx, ids, &event, cause).await?;
    }
    Ok(())
}

async fn append(tx: &Tx, ids: &dyn Ids, event: &Event, cause: &Cause) -> Result<(), DbError> {
    let new = NewEvent {
        id: ids.uuid(),
        aggregate_type: "campaigns",
        aggregate_id: event.aggregate_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}
