//! A day in UTC: what spend, results and budgets are counted by.

use std::fmt;

use hexalpes_kernel::Timestamp;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Days since 1970-01-01 in UTC. On the wire `2025-01-15`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2025-01-15")]
pub struct DayError;

impl Day {
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_micros().div_euclid(DAY_MICROS))
    }

    /// Reads a date, or the date of a time.
    pub fn parse(text: &str) -> Result<Self, DayError> {
        let time = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        Timestamp::parse(&time).map(Self::of).map_err(|_| DayError)
    }

    /// As [`Day::number`] gave it.
    pub fn from_number(number: i64) -> Option<Self> {
        let micros = number.checked_mul(DAY_MICROS)?;
        Timestamp::from_micros(micros).map(|_| Self(number))
    }

    pub fn number(self) -> i64 {
        self.0
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0 * DAY_MICROS).expect("a day was made of a time")
    }

    /// So many days later, or earlier; the same day where time ends.
    pub fn plus(self, days: i64) -> Self {
        self.checked_plus(days).unwrap_or(self)
    }

    /// As [`Day::plus`]; `None` where time has ended by then.
    pub fn checked_plus(self, days: i64) -> Option<Self> {
        self.0.checked_add(days).and_then(Self::from_number)
    }

    /// How many days later another is.
    pub fn until(self, later: Self) -> i64 {
        later.0 - self.0
    }

    /// Monday is 1.
    pub fn weekday(self) -> u8 {
        self.start().weekday()
    }

    /// Year and month.
    pub fn month(self) -> (i16, u8) {
        let (year, month, _) = self.start().date();
        (year, month)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.start().date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written_as_dates() {
        let day = Day::parse("2024-02-29").unwrap();
        assert_eq!(day.to_string(), "2024-02-29");
        assert_eq!(Day::parse("2024-02-29T23:59:59Z"), Ok(day));
        assert_eq!(day.plus(1).to_string(), "2024-03-01");
        assert_eq!(Day::parse("2023-02-29"), Err(DayError));
        assert_eq!((day.checked_plus(1), day.checked_plus(i64::MAX)), (Some(day.plus(1)), None));
        assert_eq!((day.until(day.plus(7)), day.weekday()), (7, 4));
    }
}
