//! A moment, to the microsecond, in UTC.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z. On the wire RFC 3339 with `Z`, decimals only where there are any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time as in RFC 3339, such as 2025-01-15T10:30:00Z")]
pub struct TimestampError;

impl Timestamp {
    /// Microseconds since the epoch; `None` outside the years that RFC 3339 can write.
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(|_| Self(micros))
    }

    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        Ok(Self(parsed.as_microsecond()))
    }

    pub fn as_micros(self) -> i64 {
        self.0
    }

    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Year, month and day in UTC.
    pub fn date(self) -> (i16, u8, u8) {
        let date = self.civil();
        (date.year(), date.month().unsigned_abs(), date.day().unsigned_abs())
    }

    /// The day of the week in UTC: 1 is Monday, 7 is Sunday.
    pub fn weekday(self) -> u8 {
        self.civil().weekday().to_monday_one_offset().unsigned_abs()
    }

    fn civil(self) -> jiff::civil::Date {
        let moment = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        jiff::tz::Offset::UTC.to_datetime(moment).date()
    }

    /// This long after; the end of time at the latest.
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
            .unwrap_or(Self(jiff::Timestamp::MAX.as_microsecond()))
    }

    /// This long before; the beginning of time at the earliest.
    pub fn before(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
            .unwrap_or(Self(jiff::Timestamp::MIN.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{moment}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_seeds_write_them() {
        let text = "2025-01-15T10:30:00Z";
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        assert_eq!(
            Timestamp::parse("2025-01-15T05:30:00.25-05:00").unwrap().to_string(),
            "2025-01-15T10:30:00.25Z"
        );
        assert_eq!(Timestamp::parse("yesterday"), Err(TimestampError));
    }

    #[test]
    fn the_ends_of_time_are_not_passed() {
        let end = Timestamp(jiff::Timestamp::MAX.as_microsecond());
        assert_eq!(end.after(Duration::from_secs(1)), end);
        assert_eq!(end.before(Duration::MAX), Timestamp(jiff::Timestamp::MIN.as_microsecond()));
    }
}
