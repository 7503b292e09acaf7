//! Decimals out of whole numbers, rounded once: ratios, percentages and what one thing costs.

use hexalpes_kernel::{Amount, half_even};

/// `dividend / divisor` with so many decimals, half to even; `None` where there is nothing to divide by.
pub fn ratio(dividend: i128, divisor: i128, decimals: u32) -> Option<Amount> {
    if divisor == 0 {
        return None;
    }
    let (dividend, divisor) = if divisor < 0 { (-dividend, -divisor) } else { (dividend, divisor) };
    let scaled = dividend.checked_mul(10_i128.checked_pow(decimals)?)?;
    Some(Amount::new(half_even(scaled, divisor), decimals))
}

/// `part` of `whole` in percent, with four decimals.
pub fn percent(part: i128, whole: i128) -> Option<Amount> {
    ratio(part.checked_mul(100)?, whole, 4)
}

/// `part` of `whole` in basis points, rounded down: nothing is reached before it is. At most `i64::MAX`.
pub fn basis_points(part: i64, whole: i64) -> Option<i64> {
    if whole <= 0 {
        return None;
    }
    let exact = i128::from(part) * 10_000;
    Some(i64::try_from(exact.div_euclid(i128::from(whole))).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_rounded_once_half_to_even() {
        let told = |dividend, divisor| ratio(dividend, divisor, 4).map(|amount| amount.to_string());
        assert_eq!(told(1, 3), Some("0.3333".to_owned()));
        assert_eq!(told(2, 3), Some("0.6667".to_owned()));
        assert_eq!(told(1, 20_000), Some("0".to_owned()));
        assert_eq!(told(3, 20_000), Some("0.0002".to_owned()));
        assert_eq!(told(-1, 3), Some("-0.3333".to_owned()));
        assert_eq!(told(1, 0), None);
    }

    #[test]
    fn basis_points_are_not_reached_before_they_are() {
        assert_eq!(basis_points(7_999, 10_000), Some(7_999));
        assert_eq!(basis_points(99_999, 100_000), Some(9_999));
        assert_eq!(basis_points(i64::MAX, 1), Some(i64::MAX));
        assert_eq!(basis_points(1, 0), None);
    }
}
