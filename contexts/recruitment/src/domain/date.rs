//! A day of the calendar, and days between.

use std::fmt;

use hexalpes_kernel::Timestamp;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day as in ISO 8601, such as 2025-02-01")]
pub struct DateError;

impl Date {
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !is_plain {
            return Err(DateError);
        }
        Timestamp::parse(&format!("{text}T00:00:00Z")).map(Self::of).map_err(|_| DateError)
    }

    /// The day of a moment, in UTC.
    pub fn of(at: Timestamp) -> Self {
        Self(i32::try_from(at.as_micros().div_euclid(DAY_MICROS)).unwrap_or(i32::MAX))
    }

    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Days from this one to the other; negative if it was before.
    pub fn days_to(self, other: Self) -> i32 {
        other.0.saturating_sub(self.0)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Timestamp::from_micros(i64::from(self.0).saturating_mul(DAY_MICROS)).ok_or(fmt::Error)?;
        let (year, month, day) = at.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whole days from one moment to another; 0 where the clock went back.
pub fn whole_days(from: Timestamp, until: Timestamp) -> i64 {
    until.as_micros().saturating_sub(from.as_micros()).max(0) / DAY_MICROS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_comes_back_as_it_was_written() {
        for text in ["2025-02-01", "1969-12-31", "2024-02-29"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["2025-02-30", "2025-2-1", "01/02/2025", "2025-02-01T00:00:00Z", "-025-02-01"] {
            assert_eq!(Date::parse(wrong), Err(DateError), "{wrong}");
        }
        let day = Date::parse("2025-02-27").unwrap();
        assert_eq!(day.days_to(day.plus(3)), 3);
        assert_eq!(day.plus(3).to_string(), "2025-03-02");
    }

    #[test]
    fn only_whole_days_count() {
        let at = |text| Timestamp::parse(text).unwrap();
        let noon = at("2025-01-15T12:00:00Z");
        assert_eq!(whole_days(noon, at("2025-01-17T11:59:59Z")), 1);
        assert_eq!(whole_days(noon, at("2025-01-17T12:00:00Z")), 2);
        assert_eq!(whole_days(noon, at("2025-01-01T00:00:00Z")), 0);
    }
}
