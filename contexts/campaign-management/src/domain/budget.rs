//! What a campaign may spend: a day, between its first and its last day, or ever. Each change is a new version.

use hexalpes_kernel::{Money, Timestamp};

use super::{BudgetId, CampaignId, exact};

/// What is counted against a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKind {
    /// The spend of a day in UTC, each for itself.
    Daily,
    /// The spend of the days from the campaign's first to its last.
    Total,
    /// All spend, whatever its day.
    Lifetime,
}

impl BudgetKind {
    pub const ALL: [Self; 3] = [Self::Daily, Self::Total, Self::Lifetime];

    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Total => "TOTAL",
            Self::Lifetime => "LIFETIME",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// How near spend came to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Warning,
    Critical,
    Exhausted,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Warning, Self::Critical, Self::Exhausted];

    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Exhausted => "EXHAUSTED",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Shares of the limit in basis points; each is above the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    warning: i64,
    critical: i64,
    exhausted: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdsError {
    #[error("must be above 0 and at most 1000 percent")]
    OutOfRange,
    #[error("must rise from warning to critical to exhausted")]
    NotRising,
}

const BASIS_POINTS_MAX: i64 = 100_000;

impl Default for Thresholds {
    /// 80, 95 and 100 percent (G-13).
    fn default() -> Self {
        Self { warning: 8_000, critical: 9_500, exhausted: 10_000 }
    }
}

impl Thresholds {
    pub fn of(warning: i64, critical: i64, exhausted: i64) -> Result<Self, ThresholdsError> {
        if [warning, critical, exhausted].iter().any(|bp| !(1..=BASIS_POINTS_MAX).contains(bp)) {
            return Err(ThresholdsError::OutOfRange);
        }
        if warning < critical && critical < exhausted {
            return Ok(Self { warning, critical, exhausted });
        }
        Err(ThresholdsError::NotRising)
    }

    pub fn at(self, level: Level) -> i64 {
        match level {
            Level::Warning => self.warning,
            Level::Critical => self.critical,
            Level::Exhausted => self.exhausted,
        }
    }
}

/// One version of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The same in all versions.
    pub id: BudgetId,
    pub campaign: CampaignId,
    pub kind: BudgetKind,
    /// Counts from 1.
    pub version: u32,
    /// More than zero.
    pub limit: Money,
    pub thresholds: Thresholds,
    pub reason: Option<String>,
    pub set_at: Timestamp,
    pub set_by: String,
}

/// What is to become of a budget; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetTerms {
    pub limit: Option<Money>,
    pub thresholds: Option<Thresholds>,
}

impl Budget {
    /// How much of the limit that is, in basis points, rounded down.
    pub fn share(&self, spent: Money) -> i64 {
        exact::basis_points(spent.minor(), self.limit.minor()).unwrap_or(0)
    }

    /// Whether spend came so near.
    pub fn has_reached(&self, level: Level, spent: Money) -> bool {
        // Compared as products: a share that is rounded could be reached too early or too late.
        let (spent, limit) = (i128::from(spent.minor()), i128::from(self.limit.minor()));
        spent * 10_000 >= limit * i128::from(self.thresholds.at(level))
    }

    pub fn reached(&self, spent: Money) -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(move |level| self.has_reached(*level, spent))
    }

    pub fn is_exhausted(&self, spent: Money) -> bool {
        self.has_reached(Level::Exhausted, spent)
    }

    /// What is left; below zero where more was spent.
    pub fn remaining(&self, spent: Money) -> Money {
        self.limit.checked_sub(spent).unwrap_or(Money::zero(self.limit.currency()))
    }

    /// The next version, unless nothing changes.
    pub fn changed(
        &self,
        terms: &BudgetTerms,
        reason: Option<String>,
        set_at: Timestamp,
        set_by: &str,
    ) -> Option<Self> {
        let limit = terms.limit.unwrap_or(self.limit);
        let thresholds = terms.thresholds.unwrap_or(self.thresholds);
        if limit == self.limit && thresholds == self.thresholds {
            return None;
        }
        let set_by = set_by.to_owned();
        Some(Self { version: self.version + 1, limit, thresholds, reason, set_at, set_by, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Currency;
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn a_budget(limit: i64) -> Budget {
        Budget {
            id: BudgetId::parse("b").unwrap(),
            campaign: CampaignId::parse("c").unwrap(),
            kind: BudgetKind::Total,
            version: 1,
            limit: Money::from_minor(limit, Currency::USD),
            thresholds: Thresholds::default(),
            reason: None,
            set_at: Timestamp::from_micros(0).unwrap(),
            set_by: "ana".to_owned(),
        }
    }

    /// Accepts G-13.
    #[test]
    fn levels_are_reached_at_eighty_ninety_five_and_a_hundred_percent() {
        let budget = a_budget(10_000);
        let reached = |spent| budget.reached(Money::from_minor(spent, Currency::USD)).count();
        assert_eq!([7_999, 8_000, 9_499, 9_500, 9_999, 10_000, 20_000].map(reached), [0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(budget.share(Money::from_minor(9_999, Currency::USD)), 9_999);
        assert_eq!(budget.remaining(Money::from_minor(10_100, Currency::USD)).minor(), -100);
    }

    #[test]
    fn thresholds_rise() {
        assert_eq!(Thresholds::of(8_000, 8_000, 9_000), Err(ThresholdsError::NotRising));
        assert_eq!(Thresholds::of(0, 8_000, 9_000), Err(ThresholdsError::OutOfRange));
        assert!(Thresholds::of(5_000, 8_000, 9_000).is_ok());
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_version() {
        let budget = a_budget(100);
        let at = budget.set_at;
        assert_eq!(budget.changed(&BudgetTerms::default(), None, at, "x"), None);
        let limit = Some(Money::from_minor(200, Currency::USD));
        let changed = budget.changed(&BudgetTerms { limit, thresholds: None }, None, at, "x").unwrap();
        assert_eq!((changed.version, changed.limit.minor()), (2, 200));
    }

    proptest! {
        #[test]
        fn more_spend_never_reaches_less(limit in 1_i64..1_000_000, spent in 0_i64..2_000_000, more in 0_i64..1_000) {
            let budget = a_budget(limit);
            let reached = |spent| budget.reached(Money::from_minor(spent, Currency::USD)).count();
            prop_assert!(reached(spent) <= reached(spent + more));
        }
    }
}
