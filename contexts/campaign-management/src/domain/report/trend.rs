//! Where a figure goes: the slope of the straight line with the least squares through its days.

use hexalpes_kernel::Amount;

use super::super::exact;

/// A slope of less than so much of the mean, a day, is none: one percent.
const FLAT_BP: i128 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    Flat,
}

impl Direction {
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Flat => "FLAT",
        }
    }
}

/// Of one figure over the days of a period, each day counted, also those on which nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trend {
    pub direction: Direction,
    /// In the unit of the values, with four decimals, half to even.
    pub slope_per_day: Amount,
    pub points: usize,
}

/// With n days x = 0, 1, … and values y: (n Σxy − Σx Σy) / (n Σx² − (Σx)²). `None` for less than two days.
pub fn trend(values: &[i64]) -> Option<Trend> {
    let n = i128::try_from(values.len()).ok()?;
    if n < 2 {
        return None;
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) = (0_i128, 0_i128, 0_i128, 0_i128);
    for (x, y) in (0_i128..).zip(values.iter().map(|value| i128::from(*value))) {
        x_sum += x;
        y_sum += y;
        xy_sum += x * y;
        xx_sum += x * x;
    }
    let dividend = n * xy_sum - x_sum * y_sum;
    let divisor = n * xx_sum - x_sum * x_sum;
    let slope_per_day = exact::ratio(dividend, divisor, 4)?;
    // |slope| / mean ≥ 1 %, as products: |dividend| × n × 10,000 ≥ divisor × |Σy| × 100.
    let is_steep = dividend != 0 && dividend.abs() * n * 10_000 >= divisor * y_sum.abs() * FLAT_BP;
    let direction = match (is_steep, dividend > 0) {
        (false, _) => Direction::Flat,
        (true, true) => Direction::Up,
        (true, false) => Direction::Down,
    };
    Some(Trend { direction, slope_per_day, points: values.len() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_slope_is_that_of_the_least_squares() {
        let told = |values: &[i64]| {
            let Trend { direction, slope_per_day, .. } = trend(values).unwrap();
            (direction, slope_per_day.to_string())
        };
        assert_eq!(told(&[1, 2, 3, 4]), (Direction::Up, "1".to_owned()));
        assert_eq!(told(&[10, 8, 9, 5]), (Direction::Down, "-1.4".to_owned()));
        assert_eq!(told(&[5, 5, 5]), (Direction::Flat, "0".to_owned()));
        assert_eq!(told(&[1_000, 1_001, 1_000, 1_002]), (Direction::Flat, "0.5".to_owned()));
        assert_eq!(trend(&[7]), None);
    }

    proptest! {
        #[test]
        fn a_straight_line_has_its_own_slope(start in -1_000_i64..1_000, slope in -50_i64..50, days in 2_i64..60) {
            let values: Vec<i64> = (0..days).map(|day| start + slope * day).collect();
            prop_assert_eq!(trend(&values).unwrap().slope_per_day, Amount::new(slope.into(), 0));
        }
    }
}
