//! What a campaign is to reach, and how far it came.

use hexalpes_kernel::{Amount, Money};

use super::report::Totals;

/// What is absent was not aimed at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    pub impressions: Option<i64>,
    pub clicks: Option<i64>,
    pub leads: Option<i64>,
    pub conversions: Option<i64>,
    pub revenue: Option<Money>,
    /// Percent: (revenue − spend) / spend.
    pub roi_percent: Option<Amount>,
    /// Percent: clicks / impressions.
    pub ctr_percent: Option<Amount>,
}

/// One target and where it stands. Numbers are counts, minor units of money, or millionths of a percent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Achievement {
    pub name: &'static str,
    pub target: Measure,
    /// `None`: there is nothing to divide by yet.
    pub actual: Option<Measure>,
    /// Of the target, in basis points, rounded down; below zero where the campaign loses money.
    pub achieved_bp: Option<i64>,
}

/// A number of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Count(i64),
    Money(Money),
    Percent(Amount),
}

impl Measure {
    /// As a decimal in major units.
    pub fn amount(self) -> Amount {
        match self {
            Self::Count(count) => Amount::new(i128::from(count), 0),
            Self::Money(money) => money.amount(),
            Self::Percent(percent) => percent,
        }
    }
}

impl Achievement {
    pub fn is_met(&self) -> bool {
        self.achieved_bp.is_some_and(|bp| bp >= 10_000)
    }
}

impl Targets {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How far all that happened came.
    pub fn achieved_by(&self, totals: &Totals) -> Vec<Achievement> {
        let count = |name, target: Option<i64>, actual: i64| {
            target.map(|target| achievement(name, Measure::Count(target), Some(Measure::Count(actual))))
        };
        let percent = |name, target: Option<Amount>, actual: Option<Amount>| {
            target.map(|target| achievement(name, Measure::Percent(target), actual.map(Measure::Percent)))
        };
        let revenue = self.revenue.map(|target| {
            let actual = Money::from_minor(totals.revenue_minor, target.currency());
            achievement("revenue", Measure::Money(target), Some(Measure::Money(actual)))
        });
        [
            count("impressions", self.impressions, totals.impressions),
            count("clicks", self.clicks, totals.clicks),
            count("leads", self.leads, totals.leads),
            count("conversions", self.conversions, totals.conversions),
            revenue,
            percent("roi", self.roi_percent, totals.roi_percent()),
            percent("ctr", self.ctr_percent, totals.ctr_percent()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn achievement(name: &'static str, target: Measure, actual: Option<Measure>) -> Achievement {
    let achieved_bp = actual.and_then(|actual| {
        let (actual, target) = (actual.amount(), target.amount());
        let scale = actual.scale().max(target.scale());
        let whole =
            |amount: Amount| amount.mantissa().checked_mul(10_i128.checked_pow(scale - amount.scale())?);
        let (part, whole) = (whole(actual)?, whole(target)?);
        let exact = part.checked_mul(10_000)?;
        (whole > 0).then(|| i64::try_from(exact.div_euclid(whole)).ok()).flatten()
    });
    Achievement { name, target, actual, achieved_bp }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_when_it_is_reached_and_not_before() {
        let targets =
            Targets { clicks: Some(1_000), roi_percent: Amount::parse("50").ok(), ..Targets::default() };
        let totals = Totals { clicks: 999, revenue_minor: 1_500, spend_minor: 1_000, ..Totals::default() };
        let achieved = targets.achieved_by(&totals);
        let told: Vec<_> = achieved.iter().map(|one| (one.name, one.achieved_bp, one.is_met())).collect();
        assert_eq!(told, [("clicks", Some(9_990), false), ("roi", Some(10_000), true)]);
        assert_eq!(targets.achieved_by(&Totals::default())[1].achieved_bp, None);
    }
}
