//! Reports: each part is what the event carries as a dict or a list.

use std::collections::BTreeMap;

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Amount, Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::finding::{FindingView, SuggestionView};
use super::json;
use crate::domain::report::{Compared, Granularity, Renewal, Report, Totals};
use crate::domain::{Achievement, Measure};
use crate::store::ReportRow;

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReportingPeriod)]
pub(crate) struct PeriodView {
    /// The first day in UTC.
    start: String,
    /// The first day that is not in it.
    end: String,
    /// `DAILY`, `WEEKLY`, `MONTHLY` or `CUSTOM`.
    granularity: &'static str,
    days: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PerformanceSummary)]
pub(crate) struct SummaryView {
    currency: &'static str,
    impressions: i64,
    clicks: i64,
    leads: i64,
    conversions: i64,
    #[schema(value_type = Decimal)]
    spend: Box<RawValue>,
    spend_minor: i64,
    #[schema(value_type = Decimal)]
    revenue: Box<RawValue>,
    revenue_minor: i64,
    /// Days on which anything happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_days: Option<usize>,
}

impl SummaryView {
    fn of(totals: Totals, currency: Currency, active_days: Option<usize>) -> Self {
        Self {
            currency: currency.code(),
            impressions: totals.impressions,
            clicks: totals.clicks,
            leads: totals.leads,
            conversions: totals.conversions,
            spend: json(Money::from_minor(totals.spend_minor, currency)),
            spend_minor: totals.spend_minor,
            revenue: json(Money::from_minor(totals.revenue_minor, currency)),
            revenue_minor: totals.revenue_minor,
            active_days,
        }
    }
}

/// From the campaign's beginning until the period's end.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = KpiAchievement)]
pub(crate) struct AchievementView {
    #[schema(value_type = Decimal)]
    target: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_minor: Option<i64>,
    #[schema(value_type = Option<Decimal>)]
    actual: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    /// Basis points of the target, rounded down.
    achieved_bp: Option<i64>,
    is_met: bool,
}

impl From<&Achievement> for AchievementView {
    fn from(one: &Achievement) -> Self {
        let money = |measure: Measure| match measure {
            Measure::Money(money) => Some(money),
            Measure::Count(_) | Measure::Percent(_) => None,
        };
        let target = money(one.target);
        Self {
            target: one.target.amount().to_json(),
            target_minor: target.map(Money::minor),
            actual: one.actual.map(|actual| actual.amount().to_json()),
            actual_minor: one.actual.and_then(money).map(Money::minor),
            currency: target.map(|money| money.currency().code()),
            achieved_bp: one.achieved_bp,
            is_met: one.is_met(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RoiMetrics)]
pub(crate) struct RoiView {
    currency: &'static str,
    #[schema(value_type = Decimal)]
    spend: Box<RawValue>,
    spend_minor: i64,
    #[schema(value_type = Decimal)]
    revenue: Box<RawValue>,
    revenue_minor: i64,
    /// Revenue less spend.
    #[schema(value_type = Decimal)]
    profit: Box<RawValue>,
    profit_minor: i64,
    /// Profit of spend, four decimals, half to even; null where nothing was spent.
    #[schema(value_type = Option<Decimal>)]
    roi_percent: Option<Box<RawValue>>,
    /// Revenue / spend, as `roi_percent`.
    #[schema(value_type = Option<Decimal>)]
    roas: Option<Box<RawValue>>,
}

/// Four decimals, half to even; null where there is nothing to divide by.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EngagementMetrics)]
pub(crate) struct EngagementView {
    currency: &'static str,
    /// Clicks of impressions.
    #[schema(value_type = Option<Decimal>)]
    ctr_percent: Option<Box<RawValue>>,
    /// Conversions of clicks.
    #[schema(value_type = Option<Decimal>)]
    cvr_percent: Option<Box<RawValue>>,
    /// What a click cost.
    #[schema(value_type = Option<Decimal>)]
    cpc: Option<Box<RawValue>>,
    /// What a conversion cost.
    #[schema(value_type = Option<Decimal>)]
    cpa: Option<Box<RawValue>>,
    /// What a lead cost.
    #[schema(value_type = Option<Decimal>)]
    cpl: Option<Box<RawValue>>,
    /// What a thousand impressions cost.
    #[schema(value_type = Option<Decimal>)]
    cpm: Option<Box<RawValue>>,
    /// What a conversion brought.
    #[schema(value_type = Option<Decimal>)]
    revenue_per_conversion: Option<Box<RawValue>>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FigureChange)]
pub(crate) struct ChangeOfFigure {
    #[schema(value_type = Option<Decimal>)]
    current: Option<Box<RawValue>>,
    #[schema(value_type = Option<Decimal>)]
    previous: Option<Box<RawValue>>,
    #[schema(value_type = Option<Decimal>)]
    change: Option<Box<RawValue>>,
    /// Two decimals, half to even; null where it was nothing before.
    #[schema(value_type = Option<Decimal>)]
    change_percent: Option<Box<RawValue>>,
}

impl From<&Compared> for ChangeOfFigure {
    fn from(one: &Compared) -> Self {
        let json = |amount: Option<Amount>| amount.map(Amount::to_json);
        Self {
            current: json(one.current),
            previous: json(one.before),
            change: json(one.change),
            change_percent: json(one.change_percent),
        }
    }
}

/// With as many days just before.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PeriodComparison)]
pub(crate) struct ComparisonView {
    previous_start: String,
    previous_end: String,
    previous: SummaryView,
    figures: BTreeMap<&'static str, ChangeOfFigure>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FigureBenchmark)]
pub(crate) struct BenchmarkOfFigure {
    #[schema(value_type = Option<Decimal>)]
    current: Option<Box<RawValue>>,
    /// Of all others together.
    #[schema(value_type = Option<Decimal>)]
    benchmark: Option<Box<RawValue>>,
    #[schema(value_type = Option<Decimal>)]
    difference_percent: Option<Box<RawValue>>,
}

/// With other campaigns in the same currency, on the same days.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BenchmarkComparison)]
pub(crate) struct BenchmarkView {
    /// `partner`: the partner's other campaigns; `tenant`: those of all; `none`: there are none.
    of: &'static str,
    /// How many.
    campaigns: i64,
    figures: BTreeMap<&'static str, BenchmarkOfFigure>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FigureTrend)]
pub(crate) struct TrendView {
    /// `UP`, `DOWN` or `FLAT` (less than 1 % of the mean a day).
    direction: &'static str,
    /// Of the line with the least squares, half to even.
    #[schema(value_type = Decimal)]
    slope_per_day: Box<RawValue>,
    points: usize,
}

/// How a campaign did in a period.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PerformanceReport)]
pub(crate) struct ReportView {
    pub(crate) report_id: String,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) reporting_period: PeriodView,
    pub(crate) performance_summary: SummaryView,
    pub(crate) kpi_achievements: BTreeMap<&'static str, AchievementView>,
    pub(crate) roi_metrics: RoiView,
    pub(crate) engagement_metrics: EngagementView,
    pub(crate) period_comparison: ComparisonView,
    pub(crate) benchmark_comparison: BenchmarkView,
    pub(crate) trend_analysis: BTreeMap<&'static str, TrendView>,
    pub(crate) performance_insights: Vec<FindingView>,
    pub(crate) optimization_suggestions: Vec<SuggestionView>,
    pub(crate) risk_indicators: Vec<FindingView>,
    /// Counts from 1 for each period of those that are made by themselves.
    pub(crate) version: i64,
    /// The version before.
    pub(crate) replaces: Option<String>,
    /// What changed since then: `SPEND_CHANGED`, `RESULTS_CHANGED`, `PERIOD_BEFORE_CHANGED`.
    pub(crate) renewal_reasons: Vec<&'static str>,
    /// The next version, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replaced_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) generated_at: Timestamp,
}

/// Whose report it is.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) report_id: String,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) granularity: Granularity,
    pub(crate) version: i64,
    pub(crate) replaces: Option<String>,
    pub(crate) renewal_reasons: Vec<Renewal>,
    pub(crate) generated_at: Timestamp,
}

impl ReportView {
    pub(crate) fn of(named: Named, report: &Report) -> Self {
        let (summary, currency) = (report.summary, report.currency);
        let previous = report.period.previous();
        let benchmark = |one: &Compared| BenchmarkOfFigure {
            current: one.current.map(Amount::to_json),
            benchmark: one.before.map(Amount::to_json),
            difference_percent: one.change_percent.map(Amount::to_json),
        };
        Self {
            report_id: named.report_id,
            campaign_id: named.campaign_id,
            partner_id: named.partner_id,
            reporting_period: PeriodView {
                start: report.period.start.to_string(),
                end: report.period.end.to_string(),
                granularity: named.granularity.name(),
                days: report.period.days(),
            },
            performance_summary: SummaryView::of(summary, currency, Some(report.active_days)),
            kpi_achievements: report.achievements.iter().map(|one| (one.name, one.into())).collect(),
            roi_metrics: roi(summary, currency),
            engagement_metrics: engagement(summary, currency),
            period_comparison: ComparisonView {
                previous_start: previous.start.to_string(),
                previous_end: previous.end.to_string(),
                previous: SummaryView::of(report.previous, currency, None),
                figures: report.comparison.iter().map(|one| (one.figure.name(), one.into())).collect(),
            },
            benchmark_comparison: BenchmarkView {
                of: report.peers.name(),
                campaigns: report.peer_campaigns,
                figures: report.benchmark.iter().map(|one| (one.figure.name(), benchmark(one))).collect(),
            },
            trend_analysis: report
                .trends
                .iter()
                .map(|(figure, trend)| {
                    let view = TrendView {
                        direction: trend.direction.name(),
                        slope_per_day: trend.slope_per_day.to_json(),
                        points: trend.points,
                    };
                    (figure.name(), view)
                })
                .collect(),
            performance_insights: report.insights.iter().map(Into::into).collect(),
            optimization_suggestions: report.suggestions.iter().map(Into::into).collect(),
            risk_indicators: report.risks.iter().map(Into::into).collect(),
            version: named.version,
            replaces: named.replaces,
            renewal_reasons: named.renewal_reasons.into_iter().map(Renewal::name).collect(),
            replaced_by: None,
            generated_at: named.generated_at,
        }
    }

    /// Whether a report that was made before has the same figures and compares them with the same.
    pub(crate) fn says_the_same_as(&self, data: &str) -> bool {
        #[derive(PartialEq, Deserialize)]
        struct Figures {
            performance_summary: serde_json::Value,
            period_comparison: serde_json::Value,
        }
        let read = |data: &str| serde_json::from_str::<Figures>(data).ok();
        let ours = serde_json::to_string(self).ok().and_then(|data| read(&data));
        ours.is_some() && ours == read(data)
    }
}

fn roi(totals: Totals, currency: Currency) -> RoiView {
    let money = |minor| json(Money::from_minor(minor, currency));
    RoiView {
        currency: currency.code(),
        spend: money(totals.spend_minor),
        spend_minor: totals.spend_minor,
        revenue: money(totals.revenue_minor),
        revenue_minor: totals.revenue_minor,
        profit: money(totals.profit_minor()),
        profit_minor: totals.profit_minor(),
        roi_percent: totals.roi_percent().map(Amount::to_json),
        roas: totals.roas().map(Amount::to_json),
    }
}

fn engagement(totals: Totals, currency: Currency) -> EngagementView {
    EngagementView {
        currency: currency.code(),
        ctr_percent: totals.ctr_percent().map(Amount::to_json),
        cvr_percent: totals.cvr_percent().map(Amount::to_json),
        cpc: totals.cpc(currency).map(Amount::to_json),
        cpa: totals.cpa(currency).map(Amount::to_json),
        cpl: totals.cpl(currency).map(Amount::to_json),
        cpm: totals.cpm(currency).map(Amount::to_json),
        revenue_per_conversion: totals.revenue_per_conversion(currency).map(Amount::to_json),
    }
}

/// A report of a list: as [`ReportView`].
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct ReportItemView(Box<RawValue>);

impl From<ReportRow> for ReportItemView {
    fn from(row: ReportRow) -> Self {
        Self(RawValue::from_string(row.told()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

/// What a line of CSV tells of a report.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    report_id: String,
    campaign_id: String,
    partner_id: String,
    reporting_period: ToldPeriod,
    performance_summary: BTreeMap<String, Box<RawValue>>,
    generated_at: String,
    version: Option<i64>,
    replaced_by: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldPeriod {
    start: String,
    end: String,
    granularity: String,
}

impl Record for ReportItemView {
    const COLUMNS: &'static [&'static str] = &[
        "report_id",
        "campaign_id",
        "partner_id",
        "granularity",
        "start",
        "end",
        "impressions",
        "clicks",
        "leads",
        "conversions",
        "spend",
        "revenue",
        "generated_at",
        "version",
        "replaced_by",
    ];

    fn cells(&self) -> Vec<String> {
        let told: Told = serde_json::from_str(self.0.get()).unwrap_or_default();
        let figure = |name: &str| {
            told.performance_summary.get(name).map(|raw| raw.get().to_owned()).unwrap_or_default()
        };
        vec![
            told.report_id,
            told.campaign_id,
            told.partner_id,
            told.reporting_period.granularity,
            told.reporting_period.start,
            told.reporting_period.end,
            figure("impressions"),
            figure("clicks"),
            figure("leads"),
            figure("conversions"),
            figure("spend"),
            figure("revenue"),
            told.generated_at,
            told.version.unwrap_or(1).to_string(),
            told.replaced_by.unwrap_or_default(),
        ]
    }
}
