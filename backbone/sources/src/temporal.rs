//! Dates and times as databases write them, in numbers.

const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;

/// A date, a time, or both without a zone: `2025-01-15 14:20:00.123456`, `2025-01-15`, `-12:30:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// Days since 1970.
    Date(i64),
    /// Microseconds of a day, or of a span that is longer, or negative; and digits behind the point, as they were written.
    Time { micros: i64, digits: usize },
    /// Microseconds since 1970 as if it were in UTC, and digits likewise.
    DateTime { micros: i64, digits: usize },
    /// What no calendar has, and databases let in: `0000-00-00`.
    Zero,
}

impl Local {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once([' ', 'T']) {
            Some((date, time)) => (Some(date), Some(time)),
            None if text.contains(':') => (None, Some(text)),
            None => (Some(text), None),
        };
        if date.is_some_and(|date| date.starts_with("0000-00-00")) {
            return Some(Self::Zero);
        }
        let days = match date {
            Some(date) => Some(days(date)?),
            None => None,
        };
        let time = match time {
            Some(time) => Some(micros(time)?),
            None => None,
        };
        match (days, time) {
            (Some(days), Some((micros, digits))) => {
                let micros = days.checked_mul(SECONDS_A_DAY * MICROS_A_SECOND)?.checked_add(micros)?;
                Some(Self::DateTime { micros, digits })
            }
            (Some(days), None) => Some(Self::Date(days)),
            (None, Some((micros, digits))) => Some(Self::Time { micros, digits }),
            (None, None) => None,
        }
    }
}

fn number(text: &str) -> Option<i64> {
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| text.parse().ok())?
}

/// Days from 1970-01-01, in the Gregorian calendar whichever the year.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the day that is sometimes there is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Microseconds, and how many digits were behind the point.
fn micros(time: &str) -> Option<(i64, usize)> {
    let (sign, time) = time.strip_prefix('-').map_or((1, time), |time| (-1, time));
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = clock.split(':');
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0), number)?;
    if parts.next().is_some() || fraction.len() > 6 {
        return None;
    }
    let fraction_micros = number(&format!("{fraction:0<6}"))?;
    let seconds = hours.checked_mul(3_600)?.checked_add(minutes * 60 + seconds)?;
    Some((sign * (seconds.checked_mul(MICROS_A_SECOND)? + fraction_micros), fraction.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_counted_as_databases_write_them() {
        let date_time = |micros, digits| Some(Local::DateTime { micros, digits });
        let time = |micros, digits| Some(Local::Time { micros, digits });
        for (text, expected) in [
            ("1970-01-01", Some(Local::Date(0))),
            ("1969-12-31", Some(Local::Date(-1))),
            ("2025-01-15", Some(Local::Date(20_103))),
            ("2024-02-29", Some(Local::Date(19_782))),
            ("14:20:00", time(51_600_000_000, 0)),
            ("-838:59:59.000001", time(-3_020_399_000_001, 6)),
            ("2025-01-15 14:20:00", date_time(1_736_950_800_000_000, 0)),
            ("2025-01-15 14:20:00.123", date_time(1_736_950_800_123_000, 3)),
            ("2025-01-15T14:20:00.123456", date_time(1_736_950_800_123_456, 6)),
            ("0000-00-00 00:00:00", Some(Local::Zero)),
            ("2025-13-01", None),
            ("noon", None),
            ("infinity", None),
        ] {
            assert_eq!(Local::parse(text), expected, "{text}");
        }
    }
}
