//! The machine's clock, which other processes read too.

use std::time::SystemTime;

/// Since 1970.
pub(crate) fn nanoseconds() -> u128 {
    #[expect(clippy::disallowed_methods, reason = "other processes read the same clock")]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos())
}

/// Since 1970, as the product's tables have it.
pub(crate) fn microseconds() -> i64 {
    i64::try_from(nanoseconds() / 1_000).unwrap_or(i64::MAX)
}
