//! Pay for a time, ranges of it, and what a search costs.

use hexalpes_kernel::{Currency, Money, MoneyError};

use super::Period;

/// So much for each year, month or hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pay {
    pub money: Money,
    pub period: Period,
}

impl Pay {
    /// Smallest units in a year.
    pub fn yearly_minor(self) -> i64 {
        let minor = i128::from(self.money.minor()) * self.period.in_a_year();
        i64::try_from(minor).unwrap_or(i64::MAX)
    }
}

/// From and to, in one currency; either may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoneyRange {
    min: Option<Money>,
    max: Option<Money>,
    currency: Currency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("min is more than max")]
    Reversed,
    #[error("an amount of it is negative")]
    Negative,
}

impl MoneyRange {
    /// Amounts are minor units of the currency.
    pub fn new(min: Option<i64>, max: Option<i64>, currency: Currency) -> Result<Self, RangeError> {
        if min.is_some_and(i64::is_negative) || max.is_some_and(i64::is_negative) {
            return Err(RangeError::Negative);
        }
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(RangeError::Reversed);
        }
        let money = |minor| Money::from_minor(minor, currency);
        Ok(Self { min: min.map(money), max: max.map(money), currency })
    }

    pub fn min(&self) -> Option<Money> {
        self.min
    }

    pub fn max(&self) -> Option<Money> {
        self.max
    }

    pub fn currency(&self) -> Currency {
        self.currency
    }
}

/// What is offered for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayRange {
    pub range: MoneyRange,
    pub period: Period,
}

/// What one hire cost: its share of what was spent and is not yet part of another hire's cost, among the openings that
/// are still open. So the costs of all hires sum to what was spent until the last.
pub fn cost_of_hire(spent: Money, attributed: Money, openings_left: u32) -> Result<Money, MoneyError> {
    spent.checked_sub(attributed)?.share(1, i64::from(openings_left.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pay_is_compared_by_the_year() {
        let pay = |minor, period| Pay { money: Money::from_minor(minor, Currency::USD), period };
        assert_eq!(pay(100, Period::Month).yearly_minor(), 1_200);
        assert_eq!(pay(100, Period::Hour).yearly_minor(), 208_000);
        assert_eq!(pay(i64::MAX, Period::Hour).yearly_minor(), i64::MAX);
    }

    #[test]
    fn a_range_goes_up() {
        let range = |min, max| MoneyRange::new(min, max, Currency::USD);
        assert!(range(None, Some(5)).is_ok() && range(Some(5), Some(5)).is_ok());
        assert_eq!(range(Some(6), Some(5)), Err(RangeError::Reversed));
        assert_eq!(range(Some(-1), None), Err(RangeError::Negative));
    }

    proptest! {
        #[test]
        fn the_costs_of_all_hires_sum_to_what_was_spent(
            openings in 1_u32..20,
            spent in proptest::collection::vec(0_i64..1_000_000, 20),
        ) {
            let usd = |minor| Money::from_minor(minor, Currency::USD);
            let (mut total, mut attributed) = (0, 0);
            for hire in 0..openings {
                total += spent[hire as usize];
                let cost = cost_of_hire(usd(total), usd(attributed), openings - hire).unwrap();
                prop_assert!(cost.minor() >= 0);
                attributed += cost.minor();
            }
            prop_assert_eq!(attributed, total);
        }
    }
}
