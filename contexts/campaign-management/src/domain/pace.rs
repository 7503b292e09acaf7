//! How fast a budget is spent: against the time that has passed, a day, and until the end.
//!
//! | figure | rule |
//! | --- | --- |
//! | `expected` | limit × time that has passed / whole time, to the microsecond, half to even |
//! | `pace` | spent / expected in basis points, rounded down; on track from 90 % to 110 % |
//! | `burn_rate` | what was spent on the last seven days with spend, today included, divided by their number, half to even |
//! | `days_remaining` | days until the campaign's last, today included; 1 for a daily budget; 0 when it is over |
//! | `projected` | total and lifetime: spent + burn rate × days after today, rounded once; daily: what was spent today × 24 h / time of today, of which less than an hour counts as one |
//! | `runs_out` | the day on which what is left is spent at the burn rate, today where nothing is left, none after the year 9999 |

use std::time::Duration;

use hexalpes_kernel::{Money, Timestamp, half_even};

use super::{Budget, BudgetKind, Day, exact};

/// So many days with spend make the burn rate.
pub const BURN_DAYS: usize = 7;
const ON_TRACK_BP: std::ops::RangeInclusive<i64> = 9_000..=11_000;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
const HOUR: Duration = Duration::from_hours(1);

/// Spend against time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// Nothing was to be spent yet.
    NotBegun,
    Under,
    OnTrack,
    Over,
}

impl Pacing {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotBegun => "NOT_BEGUN",
            Self::Under => "UNDER",
            Self::OnTrack => "ON_TRACK",
            Self::Over => "OVER",
        }
    }
}

/// The days of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    pub start: Day,
    pub end: Day,
}

/// The last days with spend, the newest first, today at most; [`BURN_DAYS`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Burned(pub Vec<(Day, i64)>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    pub spent: Money,
    pub remaining: Money,
    pub share_bp: i64,
    pub expected: Money,
    pub pace_bp: Option<i64>,
    pub pacing: Pacing,
    pub burn_rate: Money,
    pub projected: Money,
    pub days_remaining: i64,
    pub runs_out: Option<Day>,
}

impl Flight {
    /// Days until the last, today included.
    pub fn days_remaining(self, today: Day) -> i64 {
        (today.max(self.start).until(self.end) + 1).max(0)
    }

    /// Time that has passed, and all of it.
    fn passed(self, now: Timestamp) -> (i64, i64) {
        let whole = (self.start.until(self.end) + 1) * DAY_MICROS;
        let passed = now.as_micros() - self.start.start().as_micros();
        (passed.clamp(0, whole), whole)
    }
}

impl Pace {
    /// `spent` is what counts against the budget: today's spend for a daily one.
    pub fn of(budget: &Budget, spent: Money, burned: &Burned, flight: Flight, now: Timestamp) -> Self {
        let (today, currency) = (Day::of(now), budget.limit.currency());
        let money = |exact: i128| Money::from_minor(i64::try_from(exact).unwrap_or(i64::MAX), currency);
        let window = match budget.kind {
            BudgetKind::Daily => Flight { start: today, end: today },
            BudgetKind::Total | BudgetKind::Lifetime => flight,
        };
        let (passed, whole) = window.passed(now);
        let expected = half_even(i128::from(budget.limit.minor()) * i128::from(passed), i128::from(whole));
        let expected = money(expected);
        let pace_bp = exact::basis_points(spent.minor(), expected.minor());
        let pacing = match pace_bp {
            None => Pacing::NotBegun,
            Some(bp) if bp < *ON_TRACK_BP.start() => Pacing::Under,
            Some(bp) if bp > *ON_TRACK_BP.end() => Pacing::Over,
            Some(_) => Pacing::OnTrack,
        };
        let days = i128::try_from(burned.0.len()).unwrap_or(0);
        let sum: i128 = burned.0.iter().map(|(_, minor)| i128::from(*minor)).sum();
        let burn_rate = if days == 0 { 0 } else { half_even(sum, days) };
        let remaining = budget.remaining(spent);
        let (days_remaining, projected) = match budget.kind {
            BudgetKind::Daily => {
                let hour = i64::try_from(HOUR.as_micros()).unwrap_or(i64::MAX);
                let time = i128::from(passed.max(hour));
                (1, half_even(i128::from(spent.minor()) * i128::from(DAY_MICROS), time))
            }
            BudgetKind::Total | BudgetKind::Lifetime => {
                let left = flight.days_remaining(today);
                // Before the first day all of them are to come; else today's spend is in what was spent.
                let to_come = if today < flight.start { left } else { (left - 1).max(0) };
                let more = if days == 0 { 0 } else { half_even(sum * i128::from(to_come), days) };
                (left, i128::from(spent.minor()) + more)
            }
        };
        let is_burned = budget.kind != BudgetKind::Daily && burn_rate > 0;
        let days_left = is_burned.then(|| i128::from(remaining.minor().max(0)) / burn_rate);
        let runs_out = days_left.and_then(|days| today.checked_plus(i64::try_from(days).ok()?));
        Self {
            spent,
            remaining,
            share_bp: budget.share(spent),
            expected,
            pace_bp,
            pacing,
            burn_rate: money(burn_rate),
            projected: money(projected),
            days_remaining,
            runs_out,
        }
    }

    /// Whether it comes to more than the limit if it goes on so.
    pub fn overruns(&self, limit: Money) -> bool {
        self.projected.minor() > limit.minor()
    }

    /// What may be spent on each of the days that are left, today included; rounded down.
    pub fn affordable_per_day(&self) -> Option<Money> {
        (self.days_remaining > 0).then(|| {
            let minor = self.remaining.minor().max(0) / self.days_remaining;
            Money::from_minor(minor, self.remaining.currency())
        })
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Currency;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{BudgetId, CampaignId, Thresholds};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    fn a_budget(kind: BudgetKind, limit: i64) -> Budget {
        Budget {
            id: BudgetId::parse("b").unwrap(),
            campaign: CampaignId::parse("c").unwrap(),
            kind,
            version: 1,
            limit: usd(limit),
            thresholds: Thresholds::default(),
            reason: None,
            set_at: Timestamp::from_micros(0).unwrap(),
            set_by: "ana".to_owned(),
        }
    }

    /// Ten days, of which two and a half have passed.
    #[test]
    fn spend_is_compared_with_the_time_that_has_passed() {
        let flight = Flight { start: day("2025-01-13"), end: day("2025-01-22") };
        let now = Timestamp::parse("2025-01-15T12:00:00Z").unwrap();
        let burned = Burned(vec![(day("2025-01-15"), 1_000), (day("2025-01-13"), 2_001)]);
        let pace = Pace::of(&a_budget(BudgetKind::Total, 10_000), usd(3_001), &burned, flight, now);
        assert_eq!((pace.expected, pace.pace_bp, pace.pacing), (usd(2_500), Some(12_004), Pacing::Over));
        // Two days with spend: 1,500.5 a day, to the even cent; seven days come after today.
        assert_eq!((pace.burn_rate, pace.days_remaining), (usd(1_500), 8));
        assert_eq!(pace.projected, usd(3_001 + 10_504));
        assert!(pace.overruns(usd(10_000)));
        assert_eq!(pace.runs_out, Some(day("2025-01-19")));
        assert_eq!(pace.affordable_per_day(), Some(usd(874)));
    }

    #[test]
    fn what_lasts_longer_than_time_never_runs_out() {
        let flight = Flight { start: day("2025-01-13"), end: day("2025-01-22") };
        let now = Timestamp::parse("2025-01-15T12:00:00Z").unwrap();
        let burned = Burned(vec![(day("2025-01-15"), 1)]);
        let of = |limit| Pace::of(&a_budget(BudgetKind::Total, limit), usd(1), &burned, flight, now).runs_out;
        assert_eq!(of(3_000_000), None);
        assert_eq!(of(i64::MAX), None);
        assert_eq!(of(2), Some(day("2025-01-16")));
    }

    #[test]
    fn a_daily_budget_has_today_alone() {
        let flight = Flight { start: day("2025-01-13"), end: day("2025-01-22") };
        let now = Timestamp::parse("2025-01-15T06:00:00Z").unwrap();
        let burned = Burned(vec![(day("2025-01-15"), 300)]);
        let pace = Pace::of(&a_budget(BudgetKind::Daily, 1_000), usd(300), &burned, flight, now);
        assert_eq!((pace.expected, pace.projected, pace.days_remaining), (usd(250), usd(1_200), 1));
        let midnight = Timestamp::parse("2025-01-15T00:00:01Z").unwrap();
        let pace = Pace::of(&a_budget(BudgetKind::Daily, 1_000), usd(10), &burned, flight, midnight);
        assert_eq!(pace.projected, usd(240));
    }

    #[test]
    fn before_the_first_day_nothing_is_expected_and_after_the_last_no_day_is_left() {
        let flight = Flight { start: day("2025-01-13"), end: day("2025-01-22") };
        let budget = a_budget(BudgetKind::Total, 10_000);
        let early = Timestamp::parse("2025-01-10T12:00:00Z").unwrap();
        let pace = Pace::of(&budget, usd(0), &Burned::default(), flight, early);
        assert_eq!((pace.pacing, pace.days_remaining, pace.runs_out), (Pacing::NotBegun, 10, None));
        let late = Timestamp::parse("2025-01-23T00:00:00Z").unwrap();
        let pace = Pace::of(&budget, usd(9_500), &Burned::default(), flight, late);
        assert_eq!((pace.expected, pace.days_remaining, pace.projected), (usd(10_000), 0, usd(9_500)));
        assert_eq!(pace.affordable_per_day(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn a_pace_never_contradicts_itself(
            (limit, spent) in (1_i64..1_000_000, 0_i64..2_000_000),
            (length, hours) in (0_i64..400, 0_u64..12_000),
            burned in prop::collection::vec(1_i64..100_000, 0..7),
            kind in 0_usize..3,
        ) {
            let start = day("2025-01-01");
            let flight = Flight { start, end: start.plus(length) };
            let now = start.start().after(Duration::from_hours(hours));
            let days = burned.iter().enumerate().map(|(ago, minor)| (start.plus(-i64::try_from(ago).unwrap_or(0)), *minor));
            let burned = Burned(days.collect());
            let budget = a_budget(BudgetKind::ALL[kind], limit);
            let pace = Pace::of(&budget, usd(spent), &burned, flight, now);
            prop_assert!((0..=limit).contains(&pace.expected.minor()));
            prop_assert_eq!(pace.remaining.minor(), limit - spent);
            prop_assert!(pace.projected.minor() >= spent);
            prop_assert!(pace.days_remaining >= 0 && pace.days_remaining <= length + 1);
            if let Some(affordable) = pace.affordable_per_day() {
                prop_assert!(affordable.minor() * pace.days_remaining <= pace.remaining.minor().max(0));
            }
            prop_assert!(pace.runs_out.is_none_or(|last| last >= Day::of(now)));
        }
    }
}
