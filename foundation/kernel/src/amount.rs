//! A decimal exactly as somebody wrote it: what a JSON number says before it becomes money or a rate.

use std::fmt;

use serde_json::value::RawValue;

/// An exact decimal, `mantissa / 10^scale`, without trailing zeros: `120.50` equals `120.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    mantissa: i128,
    scale: u32,
}

/// Most digits that an amount may have, before the point and in all, zeros after the point included; more is no
/// amount of money.
const DIGITS_MAX: i64 = 28;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("must be a number, written without quotes")]
    NotANumber,
    #[error("has more than {DIGITS_MAX} digits before the point")]
    TooLarge,
    #[error("has too many digits after the point: an amount has at most {DIGITS_MAX} digits")]
    TooPrecise,
}

impl Amount {
    /// `mantissa / 10^scale`.
    pub fn new(mantissa: i128, scale: u32) -> Self {
        let (mut mantissa, mut scale) = (mantissa, scale);
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Reads the text of a JSON number (RFC 8259, section 6), exponents included, never by way of a float.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(AmountError::NotANumber),
            Some(parts) => parts,
            None => (number, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let digits = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || leading_zero || !digits().all(|digit| digit.is_ascii_digit()) {
            return Err(AmountError::NotANumber);
        }
        let significant: Vec<u8> = digits().skip_while(|digit| *digit == b'0').collect();
        if significant.is_empty() {
            return Ok(Self::new(0, 0));
        }
        let digits = i64::try_from(significant.len()).map_err(|_| AmountError::TooLarge)?;
        let scale = i64::try_from(fraction.len()).map_err(|_| AmountError::TooPrecise)? - exponent;
        if digits - scale > DIGITS_MAX {
            return Err(AmountError::TooLarge);
        }
        if digits.max(scale) > DIGITS_MAX {
            return Err(AmountError::TooPrecise);
        }
        let mantissa = significant.iter().fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        let mantissa = if negative { -mantissa } else { mantissa };
        let zeros = u32::try_from(scale.unsigned_abs()).expect("the scale is bounded on both sides");
        Ok(if scale < 0 { Self::new(mantissa * 10_i128.pow(zeros), 0) } else { Self::new(mantissa, zeros) })
    }

    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Decimals after the point; at most 28.
    pub fn scale(self) -> u32 {
        self.scale
    }

    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The amount as a JSON number with exactly its decimals.
    pub fn to_json(self) -> Box<RawValue> {
        RawValue::from_string(self.to_string()).expect("a plain decimal is a JSON number")
    }
}

fn parse_exponent(text: &str) -> Result<i64, AmountError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    match text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
        Ok(exponent) if exponent.unsigned_abs() <= 1_000 => Ok(exponent),
        _ if text.starts_with('-') => Err(AmountError::TooPrecise),
        _ => Err(AmountError::TooLarge),
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trailing_zeros_do_not_count() {
        assert_eq!(Amount::parse("120.50"), Amount::parse("120.5"));
        assert_eq!(Amount::parse("1e3"), Amount::parse("1000"));
        assert_eq!(Amount::parse("12.5e-1").unwrap().to_string(), "1.25");
        assert_eq!(Amount::parse("-0.05").unwrap().to_string(), "-0.05");
    }

    #[test]
    fn what_is_no_json_number_is_refused() {
        for text in ["", "-", "01", "1.", ".5", "1e", "+1", "NaN", "\"1\"", "1 ", "0x1", "null"] {
            assert_eq!(Amount::parse(text), Err(AmountError::NotANumber), "{text}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_without_being_computed() {
        for text in
            ["1e28", "1e999999999999999999999", "12345678901234567890123456789", "1234567890123456789e10"]
        {
            assert_eq!(Amount::parse(text), Err(AmountError::TooLarge), "{text}");
        }
    }

    #[test]
    fn what_is_too_precise_is_refused_as_that() {
        for text in ["1e-40", "1e-999999999999999999999", "0.12345678901234567890123456789", "1e-29"] {
            assert_eq!(Amount::parse(text), Err(AmountError::TooPrecise), "{text}");
        }
    }

    #[test]
    fn the_most_digits_that_may_be_are_read() {
        for text in [
            "1234567890123456789012345678",
            "0.0000000000000000000000000001",
            "12345678901234.12345678901234",
        ] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Amount::parse("1e27").unwrap().to_string(), format!("1{}", "0".repeat(27)));
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_was(mantissa in -1_000_000_000_000_i128..1_000_000_000_000, scale in 0_u32..9) {
            let amount = Amount::new(mantissa, scale);
            prop_assert_eq!(Amount::parse(&amount.to_string()).unwrap(), amount);
        }
    }
}
