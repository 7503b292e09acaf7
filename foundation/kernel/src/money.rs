//! An amount of one currency in its smallest units. Never a float.

use std::fmt;

use crate::{Amount, Currency, rate::half_even};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("has more decimals than {currency} has ({exponent})")]
    TooPrecise { currency: Currency, exponent: u32 },
    #[error("is larger than can be booked")]
    TooLarge,
    #[error("is in {right}, not in {left}")]
    OtherCurrency { left: Currency, right: Currency },
}

impl Money {
    pub fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// An exact amount in a currency; decimals that the currency does not have are an error, not a rounding.
    pub fn from_amount(amount: Amount, currency: Currency) -> Result<Self, MoneyError> {
        let exponent = currency.exponent();
        let missing =
            exponent.checked_sub(amount.scale()).ok_or(MoneyError::TooPrecise { currency, exponent })?;
        let minor = amount.mantissa().checked_mul(10_i128.pow(missing)).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor: i64::try_from(minor).map_err(|_| MoneyError::TooLarge)?, currency })
    }

    /// In smallest units: cents of USD, yen of JPY.
    pub fn minor(self) -> i64 {
        self.minor
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    pub fn amount(self) -> Amount {
        Amount::new(i128::from(self.minor), self.currency.exponent())
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// `dividend / divisor` smallest units, rounded once, half to even. The divisor is more than zero.
    ///
    /// # Panics
    /// If the divisor is not more than zero.
    pub fn rounded(dividend: i128, divisor: i128, currency: Currency) -> Result<Self, MoneyError> {
        assert!(divisor > 0, "a fraction is of something");
        let minor = i64::try_from(half_even(dividend, divisor)).map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// `part / whole` of the amount, rounded once, half to even. `whole` is more than zero.
    ///
    /// # Panics
    /// If `whole` is not more than zero.
    pub fn share(self, part: i64, whole: i64) -> Result<Self, MoneyError> {
        assert!(whole > 0, "a share is of something");
        let exact = i128::from(self.minor) * i128::from(part);
        Self::rounded(exact, i128::from(whole), self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::OtherCurrency { left: self.currency, right: other.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        Money::from_amount(Amount::parse(text).unwrap(), currency)
    }

    #[test]
    fn amounts_become_smallest_units_of_their_currency() {
        assert_eq!(money("120.5", Currency::USD).unwrap().minor(), 12_050);
        assert_eq!(money("7", Currency::JPY).unwrap().minor(), 7);
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_refused() {
        assert!(matches!(money("1.005", Currency::USD), Err(MoneyError::TooPrecise { exponent: 2, .. })));
        assert!(matches!(money("0.5", Currency::JPY), Err(MoneyError::TooPrecise { exponent: 0, .. })));
    }

    #[test]
    fn a_share_is_rounded_once_half_to_even() {
        let share =
            |minor, part, whole| Money::from_minor(minor, Currency::USD).share(part, whole).map(Money::minor);
        assert_eq!([share(1, 1, 2), share(3, 1, 2), share(7, 1, 3)], [Ok(0), Ok(2), Ok(2)]);
        assert_eq!(share(i64::MAX, i64::MAX, i64::MAX), Ok(i64::MAX));
        assert_eq!(share(i64::MAX, 2, 1), Err(MoneyError::TooLarge));
    }

    #[test]
    fn two_currencies_never_become_one_number() {
        let (dollars, euros) = (Money::zero(Currency::USD), Money::zero(Currency::EUR));
        assert!(matches!(dollars.checked_add(euros), Err(MoneyError::OtherCurrency { .. })));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(money("1e20", Currency::USD), Err(MoneyError::TooLarge));
        assert_eq!(
            Money::from_minor(i64::MAX, Currency::USD).checked_add(Money::from_minor(1, Currency::USD)),
            Err(MoneyError::TooLarge)
        );
    }
}
