//! A currency of ISO 4217 and how many decimals it has.

use std::fmt;

/// A currency that amounts can be counted in: every code of ISO 4217 that has an exponent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    #[error("is no currency code of ISO 4217, such as USD, COP or EUR")]
    Unknown,
    #[error("is a code of ISO 4217 without a smallest unit, so nothing can be paid in it")]
    NotCountable,
}

impl Currency {
    pub const USD: Self = Self(iso_currency::Currency::USD);
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    pub const COP: Self = Self(iso_currency::Currency::COP);
    pub const JPY: Self = Self(iso_currency::Currency::JPY);

    /// Reads a code of three capital letters.
    pub fn parse(code: &str) -> Result<Self, CurrencyError> {
        let currency = iso_currency::Currency::from_code(code).ok_or(CurrencyError::Unknown)?;
        match currency.exponent() {
            Some(_) => Ok(Self(currency)),
            None => Err(CurrencyError::NotCountable),
        }
    }

    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimals of the smallest unit: 0, 2, 3 or 4.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_iso_4217() {
        let exponent = |code| Currency::parse(code).unwrap().exponent();
        assert_eq!(["JPY", "USD", "KWD", "CLF"].map(exponent), [0, 2, 3, 4]);
    }

    #[test]
    fn gold_and_nonsense_are_refused() {
        assert_eq!(Currency::parse("XAU"), Err(CurrencyError::NotCountable));
        assert_eq!(Currency::parse("usd"), Err(CurrencyError::Unknown));
        assert_eq!(Currency::parse(""), Err(CurrencyError::Unknown));
    }
}
