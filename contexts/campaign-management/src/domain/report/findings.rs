//! Insights, suggestions and risks, by rules that anybody can check.
//!
//! | finding | rule |
//! | --- | --- |
//! | `FIGURE_UP`, `FIGURE_DOWN` | conversions, revenue, CTR, CVR or CPA changed by 20 % or more against the period before |
//! | `TARGET_MET` | a target is reached |
//! | `BEST_DAY` | the day with the most conversions has one and a half times the average of the days with anything, of two at least |
//! | `TREND_UP`, `TREND_DOWN` | conversions or revenue rise or fall over three days at least |
//! | `LOWER_COST_PER_CONVERSION` | a conversion costs 20 % more than with others; from 50 % on it is urgent |
//! | `IMPROVE_CREATIVES`, `IMPROVE_LANDING_PAGE` | CTR, or CVR, is 20 % below others |
//! | `REDUCE_DAILY_SPEND`, `BUDGET_OVERRUN` | a total or lifetime budget is projected to be overrun while days remain |
//! | `RAISE_BUDGET` | the same, and what is spent brings more than it costs |
//! | `SPEND_MORE` | a budget is spent too slowly, and what is spent brings more than it costs |
//! | `REVIEW_CAMPAIGN`, `NEGATIVE_ROI` | it brought in less than was spent |
//! | `NO_CONVERSIONS` | money was spent and nobody converted |
//! | `TARGET_BEHIND` | a target stands at less than 80 % of the share of time that has passed |
//! | `CONVERSIONS_FALLING` | as `TREND_DOWN` of conversions |

use hexalpes_kernel::{Amount, Money};

use super::super::{Budget, BudgetKind, Day, Level, Pace, Pacing};
use super::{Compared, Direction, Evidence, Figure, Finding, FindingKind, Input, Report, Totals, Weight};

const CHANGE_PERCENT: i128 = 20;
const URGENT_PERCENT: i128 = 50;
const TREND_POINTS_MIN: usize = 3;
/// Of the share of time that has passed.
const BEHIND_PERCENT: i128 = 80;

/// Whether a percentage is so much at least.
fn is_at_least(percent: Amount, least: i128) -> bool {
    percent.mantissa() >= least * 10_i128.pow(percent.scale())
}

fn negated(percent: Amount) -> Amount {
    Amount::new(-percent.mantissa(), percent.scale())
}

pub(super) fn insights(report: &Report, input: &Input) -> Vec<Finding> {
    let told = [Figure::Conversions, Figure::Revenue, Figure::Ctr, Figure::Cvr, Figure::Cpa];
    let mut found: Vec<Finding> =
        report.comparison.iter().filter(|one| told.contains(&one.figure)).filter_map(changed).collect();
    found.extend(report.achievements.iter().filter(|one| one.is_met()).filter_map(|one| {
        let finding = Finding::new(FindingKind::TargetMet, Weight::Low)
            .with("target", Evidence::Word(one.name))
            .with("aimed_at", Evidence::Exact(one.target.amount()))
            .with("reached", Evidence::Exact(one.actual?.amount()));
        Some(finding)
    }));
    found.extend(best_day(&input.days, report.summary));
    for (figure, trend) in &report.trends {
        let is_told = matches!(figure, Figure::Conversions | Figure::Revenue);
        if !is_told || trend.points < TREND_POINTS_MIN {
            continue;
        }
        let (kind, weight) = match trend.direction {
            Direction::Up => (FindingKind::TrendUp, Weight::Low),
            Direction::Down => (FindingKind::TrendDown, Weight::Medium),
            Direction::Flat => continue,
        };
        found.push(
            Finding::new(kind, weight)
                .with("figure", Evidence::Word(figure.name()))
                .with("slope_per_day", Evidence::Exact(trend.slope_per_day))
                .with("days", Evidence::Count(i64::try_from(trend.points).unwrap_or(i64::MAX))),
        );
    }
    found
}

fn changed(one: &Compared) -> Option<Finding> {
    let percent = one.change_percent?;
    let (kind, is_better) = if is_at_least(percent, CHANGE_PERCENT) {
        (FindingKind::FigureUp, !one.figure.is_cost())
    } else if is_at_least(negated(percent), CHANGE_PERCENT) {
        (FindingKind::FigureDown, one.figure.is_cost())
    } else {
        return None;
    };
    let weight = if is_better { Weight::Medium } else { Weight::High };
    let finding = Finding::new(kind, weight)
        .with("figure", Evidence::Word(one.figure.name()))
        .with("current", Evidence::Exact(one.current?))
        .with("previous", Evidence::Exact(one.before?))
        .with("change_percent", Evidence::Exact(percent));
    Some(finding)
}

/// The earliest of the best.
fn best_day(days: &[(Day, Totals)], sum: Totals) -> Option<Finding> {
    let active: Vec<&(Day, Totals)> = days.iter().filter(|(_, day)| !day.is_nothing()).collect();
    let count = i64::try_from(active.len()).ok().filter(|count| *count >= 2)?;
    let (day, totals) = active.iter().rev().max_by_key(|(_, day)| day.conversions)?;
    let stands_out =
        i128::from(totals.conversions) * i128::from(count) * 2 >= i128::from(sum.conversions) * 3;
    (totals.conversions > 0 && stands_out).then(|| {
        Finding::new(FindingKind::BestDay, Weight::Low)
            .with("day", Evidence::On(*day))
            .with("conversions", Evidence::Count(totals.conversions))
            .with("conversions_of_period", Evidence::Count(sum.conversions))
            .with("active_days", Evidence::Count(count))
    })
}

pub(super) fn suggestions(report: &Report, input: &Input) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in &report.benchmark {
        let (Some(percent), Some(current), Some(before)) = (one.change_percent, one.current, one.before)
        else {
            continue;
        };
        let (kind, off) = match one.figure {
            Figure::Cpa => (FindingKind::LowerCostPerConversion, percent),
            Figure::Ctr => (FindingKind::ImproveCreatives, negated(percent)),
            Figure::Cvr => (FindingKind::ImproveLandingPage, negated(percent)),
            _ => continue,
        };
        if !is_at_least(off, CHANGE_PERCENT) {
            continue;
        }
        let weight = if is_at_least(off, URGENT_PERCENT) { Weight::High } else { Weight::Medium };
        found.push(
            Finding::new(kind, weight)
                .with("figure", Evidence::Word(one.figure.name()))
                .with("current", Evidence::Exact(current))
                .with("benchmark", Evidence::Exact(before))
                .with("difference_percent", Evidence::Exact(percent))
                .with("benchmark_of", Evidence::Word(report.peers.name()))
                .with("benchmark_campaigns", Evidence::Count(report.peer_campaigns)),
        );
    }
    let pays = input.to_date.spend_minor > 0 && input.to_date.profit_minor() > 0;
    for (budget, pace) in &input.budgets {
        if is_overrun(budget, pace) {
            found.extend(slow_down(budget, pace));
            if pays {
                found.push(raise(budget, pace, Weight::Medium, input.to_date));
            }
        } else if pace.pacing == Pacing::Under && pays && pace.days_remaining > 0 {
            found.push(with_budget(Finding::new(FindingKind::SpendMore, Weight::Low), budget, pace));
        }
    }
    if report.summary.spend_minor > 0 && report.summary.profit_minor() < 0 {
        found.push(loss(FindingKind::ReviewCampaign, report));
    }
    found
}

pub(super) fn risks(report: &Report, input: &Input) -> Vec<Finding> {
    let mut found: Vec<Finding> = input
        .budgets
        .iter()
        .filter(|(budget, pace)| is_overrun(budget, pace))
        .map(|(budget, pace)| {
            let finding = with_budget(Finding::new(FindingKind::BudgetOverrun, Weight::High), budget, pace);
            match pace.runs_out {
                Some(day) => finding.with("runs_out", Evidence::On(day)),
                None => finding,
            }
        })
        .collect();
    if report.summary.spend_minor > 0 && report.summary.profit_minor() < 0 {
        found.push(loss(FindingKind::NegativeRoi, report));
    }
    if report.summary.spend_minor > 0 && report.summary.conversions == 0 {
        found.push(
            Finding::new(FindingKind::NoConversions, Weight::High)
                .with(
                    "spend",
                    Evidence::Money(Money::from_minor(report.summary.spend_minor, report.currency)),
                )
                .with("clicks", Evidence::Count(report.summary.clicks)),
        );
    }
    let whole = input.flight.start.until(input.flight.end) + 1;
    let passed = input.flight.start.until(input.period.end).clamp(0, whole);
    for one in &report.achievements {
        let Some(achieved_bp) = one.achieved_bp.filter(|_| !one.is_met()) else { continue };
        // Ratios do not add up with time: they stand for themselves.
        let is_sum = matches!(one.name, "impressions" | "clicks" | "leads" | "conversions" | "revenue");
        let due = if is_sum { passed } else { whole };
        // achieved / 10,000 < due / whole × 80 %
        let is_behind =
            i128::from(achieved_bp) * i128::from(whole) * 100 < i128::from(due) * BEHIND_PERCENT * 10_000;
        if is_behind {
            let time = super::exact::percent(passed.into(), whole.into());
            let mut finding = Finding::new(FindingKind::TargetBehind, Weight::Medium)
                .with("target", Evidence::Word(one.name))
                .with("aimed_at", Evidence::Exact(one.target.amount()))
                .with("achieved_percent", Evidence::Exact(Amount::new(achieved_bp.into(), 2)));
            if let Some(time) = time {
                finding = finding.with("time_passed_percent", Evidence::Exact(time));
            }
            found.push(finding);
        }
    }
    let falling = report.trends.iter().find(|(figure, trend)| {
        *figure == Figure::Conversions
            && trend.direction == Direction::Down
            && trend.points >= TREND_POINTS_MIN
    });
    if let Some((_, trend)) = falling {
        found.push(
            Finding::new(FindingKind::ConversionsFalling, Weight::Medium)
                .with("slope_per_day", Evidence::Exact(trend.slope_per_day))
                .with("days", Evidence::Count(i64::try_from(trend.points).unwrap_or(i64::MAX))),
        );
    }
    found
}

/// What helps a budget that came so near its limit.
pub fn recommended(level: Level, budget: &Budget, pace: &Pace) -> Vec<Finding> {
    let mut actions = Vec::new();
    if level != Level::Warning {
        actions.push(raise(budget, pace, Weight::High, Totals::default()));
    }
    if level != Level::Exhausted && is_overrun(budget, pace) {
        actions.extend(slow_down(budget, pace));
    }
    if level == Level::Warning && actions.is_empty() {
        actions.push(with_budget(Finding::new(FindingKind::WatchSpend, Weight::Low), budget, pace));
    }
    if level == Level::Exhausted {
        actions.push(with_budget(Finding::new(FindingKind::ReviewCampaign, Weight::Medium), budget, pace));
    }
    actions
}

fn is_overrun(budget: &Budget, pace: &Pace) -> bool {
    budget.kind != BudgetKind::Daily && pace.days_remaining > 0 && pace.overruns(budget.limit)
}

/// To what is projected, or by a tenth where that is not above the limit.
fn raise(budget: &Budget, pace: &Pace, weight: Weight, to_date: Totals) -> Finding {
    let tenth = budget.limit.share(11, 10).unwrap_or(budget.limit);
    let to = if pace.projected.minor() > tenth.minor() { pace.projected } else { tenth };
    let finding = with_budget(Finding::new(FindingKind::RaiseBudget, weight), budget, pace)
        .with("raise_to", Evidence::Money(to));
    match to_date.roi_percent() {
        Some(roi) => finding.with("roi_percent", Evidence::Exact(roi)),
        None => finding,
    }
}

fn slow_down(budget: &Budget, pace: &Pace) -> Option<Finding> {
    // Where nothing is left there is nothing to slow down to.
    let affordable = pace.affordable_per_day().filter(|money| money.minor() > 0)?;
    let finding = Finding::new(FindingKind::ReduceDailySpend, Weight::High);
    Some(with_budget(finding, budget, pace).with("affordable_per_day", Evidence::Money(affordable)))
}

fn with_budget(finding: Finding, budget: &Budget, pace: &Pace) -> Finding {
    finding
        .with("budget", Evidence::Word(budget.kind.name()))
        .with("limit", Evidence::Money(budget.limit))
        .with("spent", Evidence::Money(pace.spent))
        .with("projected", Evidence::Money(pace.projected))
        .with("burn_rate", Evidence::Money(pace.burn_rate))
        .with("days_remaining", Evidence::Count(pace.days_remaining))
}

fn loss(kind: FindingKind, report: &Report) -> Finding {
    let money = |minor| Evidence::Money(Money::from_minor(minor, report.currency));
    let finding = Finding::new(kind, Weight::High)
        .with("spend", money(report.summary.spend_minor))
        .with("revenue", money(report.summary.revenue_minor));
    match report.summary.roi_percent() {
        Some(roi) => finding.with("roi_percent", Evidence::Exact(roi)),
        None => finding,
    }
}
