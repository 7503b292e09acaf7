//! An exact rate. On the wire a rate is a percentage: `12.5` is an eighth.

use std::fmt;

use crate::{Amount, Money, MoneyError};

/// A rate between 0 % and 100 %, kept as the decimal percentage it was given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate(Amount);

/// Decimals that a percentage may have: a millionth of a percent.
const DECIMALS_MAX: u32 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    #[error("must be between 0 and 100 percent")]
    OutOfRange,
    #[error("has more than {DECIMALS_MAX} decimals")]
    TooPrecise,
}

impl Rate {
    pub fn from_percent(percent: Amount) -> Result<Self, RateError> {
        if percent.scale() > DECIMALS_MAX {
            return Err(RateError::TooPrecise);
        }
        let hundred = 100 * 10_i128.pow(percent.scale());
        if !(0..=hundred).contains(&percent.mantissa()) {
            return Err(RateError::OutOfRange);
        }
        Ok(Self(percent))
    }

    pub fn percent(self) -> Amount {
        self.0
    }

    /// This part of an amount, rounded once, half to even.
    pub fn of(self, money: Money) -> Result<Money, MoneyError> {
        let exact = i128::from(money.minor()) * self.0.mantissa();
        let divisor = 100 * 10_i128.pow(self.0.scale());
        let minor = i64::try_from(half_even(exact, divisor)).map_err(|_| MoneyError::TooLarge)?;
        Ok(Money::from_minor(minor, money.currency()))
    }

    /// Whether [`Rate::of`] has anything to round for this amount.
    pub fn is_exact_for(self, money: Money) -> bool {
        let divisor = 100 * 10_i128.pow(self.0.scale());
        (i128::from(money.minor()) * self.0.mantissa()) % divisor == 0
    }
}

/// `dividend / divisor` to the nearest whole number; a tie goes to the even one. The divisor is positive.
pub fn half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let up = match (remainder * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    quotient + i128::from(up)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;
    use proptest::prelude::*;

    fn rate(percent: &str) -> Result<Rate, RateError> {
        Rate::from_percent(Amount::parse(percent).unwrap())
    }

    #[test]
    fn ties_go_to_the_even_cent() {
        let of = |minor| rate("50").unwrap().of(Money::from_minor(minor, Currency::USD)).unwrap().minor();
        assert_eq!([1, 3, 5, -1, -3].map(of), [0, 2, 2, 0, -2]);
    }

    #[test]
    fn rates_outside_a_whole_are_refused() {
        assert_eq!(rate("100.01"), Err(RateError::OutOfRange));
        assert_eq!(rate("-1"), Err(RateError::OutOfRange));
        assert_eq!(rate("0.0000001"), Err(RateError::TooPrecise));
    }

    proptest! {
        #[test]
        fn a_part_is_never_more_than_half_a_unit_off(minor in 0_i64..1_000_000_000_000, millionths in 0_i128..=100_000_000) {
            let rate = Rate::from_percent(Amount::new(millionths, 6)).unwrap();
            let part = rate.of(Money::from_minor(minor, Currency::USD)).unwrap().minor();
            let off = i128::from(part) * 100_000_000 - i128::from(minor) * millionths;
            prop_assert!(off.abs() * 2 <= 100_000_000);
            prop_assert!((0..=minor).contains(&part));
        }
    }
}
