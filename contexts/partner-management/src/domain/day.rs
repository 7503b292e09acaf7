//! A day of the calendar, and JSON that others gave.

use std::fmt;
use std::time::Duration;

use hexalpes_kernel::Timestamp;

/// A day as in ISO 8601, `2025-01-15`, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day as in ISO 8601, such as 2025-01-15")]
pub struct DayError;

const DAY: Duration = Duration::from_hours(24);

impl Day {
    pub fn parse(text: &str) -> Result<Self, DayError> {
        let shape = |(place, byte): (usize, u8)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        let has_shape = text.len() == 10 && text.bytes().enumerate().all(shape);
        if !has_shape || midnight(text).is_none() {
            return Err(DayError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The day of a moment.
    pub fn of(moment: Timestamp) -> Self {
        let (year, month, day) = moment.date();
        Self(format!("{year:04}-{month:02}-{day:02}"))
    }

    pub fn begins(&self) -> Timestamp {
        midnight(&self.0).expect("a day was parsed as one")
    }

    /// When the next one begins.
    pub fn ends(&self) -> Timestamp {
        self.begins().after(DAY)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn midnight(day: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{day}T00:00:00Z")).ok()
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON that somebody else gave, to the letter: nothing here looks into it, so that no number in it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Takes text that is known to be JSON.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        let day = Day::parse("2024-02-29").unwrap();
        assert_eq!(day.begins().to_string(), "2024-02-29T00:00:00Z");
        assert_eq!(Day::of(day.ends()).as_str(), "2024-03-01");
        for wrong in ["", "2023-02-29", "2024-2-9", "2024-13-01", "20240229", "2024-02-29T00", "2024/02/29"] {
            assert_eq!(Day::parse(wrong), Err(DayError), "{wrong}");
        }
    }

    #[test]
    fn days_are_in_the_order_of_time() {
        let day = |text| Day::parse(text).unwrap();
        assert!(day("2024-12-31") < day("2025-01-01"));
        assert_eq!(Day::of(day("2025-01-01").begins().before(Duration::from_secs(1))), day("2024-12-31"));
    }
}
