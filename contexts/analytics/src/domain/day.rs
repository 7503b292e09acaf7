//! A day in UTC: what periods begin and end with.

use std::fmt;

use hexalpes_kernel::Timestamp;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Days since 1970-01-01 in UTC. On the wire `2025-01-15`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2025-01-15")]
pub struct DayError;

impl Day {
    pub fn parse(text: &str) -> Result<Self, DayError> {
        if text.len() != 10 {
            return Err(DayError);
        }
        let start = Timestamp::parse(&format!("{text}T00:00:00Z")).map_err(|_| DayError)?;
        Ok(Self(start.as_micros().div_euclid(DAY_MICROS)))
    }

    /// As [`Day::number`] gave it.
    pub fn from_number(number: i64) -> Option<Self> {
        let micros = number.checked_mul(DAY_MICROS)?;
        Timestamp::from_micros(micros).map(|_| Self(number))
    }

    pub fn number(self) -> i64 {
        self.0
    }

    fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0 * DAY_MICROS).expect("a day was made of a time")
    }

    /// So many days later, or earlier; `None` where time has ended by then.
    pub fn plus(self, days: i64) -> Option<Self> {
        self.0.checked_add(days).and_then(Self::from_number)
    }

    /// How many days later another is.
    pub fn until(self, later: Self) -> i64 {
        later.0 - self.0
    }

    /// Monday is 1.
    pub fn weekday(self) -> i64 {
        self.start().weekday().into()
    }

    /// Year, month and day of the month.
    pub fn date(self) -> (i16, u8, u8) {
        self.start().date()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}
