//! How much may pass in a time: a bucket that fills by and by, and holds what a period brings at most.
//!
//! What passes is counted after it passed, so that a batch is never held back for its size alone: what it was too much is
//! waited for before the next.

use serde::Deserialize;

/// A period of no length is one of a second.
const PERIOD_MS: u64 = 1000;

/// Messages and bytes in a period, each if there is a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    messages: Option<u64>,
    bytes: Option<u64>,
    period_ms: u64,
}

impl Rate {
    /// As Pulsar's policies have them: 0 and less is without limit. None if neither has one.
    pub(crate) fn of(messages: i64, bytes: i64, period_seconds: u64) -> Option<Self> {
        let limit = |number: i64| u64::try_from(number).ok().filter(|limit| *limit > 0);
        let (messages, bytes) = (limit(messages), limit(bytes));
        let period_ms = period_seconds.max(1).saturating_mul(PERIOD_MS);
        (messages.is_some() || bytes.is_some()).then_some(Self { messages, bytes, period_ms })
    }
}

/// Of publishing, under Pulsar's names; by the second.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetPublishRate {
    publish_throttling_rate_in_msg: i64,
    publish_throttling_rate_in_byte: i64,
}

/// Of delivering.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetDispatchRate {
    dispatch_throttling_rate_in_msg: i64,
    dispatch_throttling_rate_in_byte: i64,
    rate_period_in_second: u64,
}

/// Of one consumer's subscribing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetSubscribeRate {
    subscribe_throttling_rate_per_consumer: i64,
    rate_period_in_second: u64,
}

impl SetPublishRate {
    pub(crate) fn rate(&self) -> Option<Rate> {
        Rate::of(self.publish_throttling_rate_in_msg, self.publish_throttling_rate_in_byte, 1)
    }
}

impl SetDispatchRate {
    pub(crate) fn rate(&self) -> Option<Rate> {
        let (messages, bytes) = (self.dispatch_throttling_rate_in_msg, self.dispatch_throttling_rate_in_byte);
        Rate::of(messages, bytes, self.rate_period_in_second)
    }
}

impl SetSubscribeRate {
    pub(crate) fn rate(&self) -> Option<Rate> {
        Rate::of(self.subscribe_throttling_rate_per_consumer, 0, self.rate_period_in_second)
    }
}

/// How full it is, by a rate that may change: then it is full.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    rate: Option<Rate>,
    /// Times the period in milliseconds, so that each millisecond brings a whole number. Below zero, it is waited for.
    messages: i128,
    bytes: i128,
    filled_ms: u64,
}

impl Bucket {
    /// How long it is until something may pass; 0 if it may now.
    pub(crate) fn wait_ms(&mut self, rate: Rate, now_ms: u64) -> u64 {
        self.fill(rate, now_ms);
        let wait = |level: i128, needed: u64, limit: Option<u64>| {
            let lacks = i128::from(needed) - level;
            let limit = limit.filter(|_| lacks > 0);
            let ms = limit.map(|limit| lacks.unsigned_abs().div_ceil(u128::from(limit)));
            ms.map_or(0, |ms| u64::try_from(ms).unwrap_or(u64::MAX))
        };
        // A whole message, and any byte.
        wait(self.messages, rate.period_ms, rate.messages).max(wait(self.bytes, 1, rate.bytes))
    }

    /// How many messages may pass, one at least: to be asked when there is nothing to wait for.
    pub(crate) fn messages(&self) -> u64 {
        let Some(Rate { messages: Some(_), period_ms, .. }) = self.rate else { return u64::MAX };
        u64::try_from(self.messages / i128::from(period_ms)).unwrap_or(0).max(1)
    }

    /// So much has passed.
    pub(crate) fn take(&mut self, messages: u64, bytes: u64) {
        let Some(rate) = self.rate else { return };
        self.messages -= i128::from(messages) * i128::from(rate.period_ms);
        self.bytes -= i128::from(bytes) * i128::from(rate.period_ms);
    }

    /// Whether it holds all that it can: then it need not be kept.
    pub(crate) fn is_full(&mut self, rate: Rate, now_ms: u64) -> bool {
        self.fill(rate, now_ms);
        let is_full = |level: i128, limit: Option<u64>| {
            limit.is_none_or(|limit| level >= i128::from(limit) * i128::from(rate.period_ms))
        };
        is_full(self.messages, rate.messages) && is_full(self.bytes, rate.bytes)
    }

    fn fill(&mut self, rate: Rate, now_ms: u64) {
        let is_new = self.rate != Some(rate);
        let elapsed = i128::from(now_ms.saturating_sub(self.filled_ms));
        let level = |level: i128, limit: Option<u64>| {
            let Some(limit) = limit.map(i128::from) else { return 0 };
            let full = limit * i128::from(rate.period_ms);
            if is_new { full } else { (level + elapsed * limit).min(full) }
        };
        (self.messages, self.bytes) = (level(self.messages, rate.messages), level(self.bytes, rate.bytes));
        (self.rate, self.filled_ms) = (Some(rate), now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_too_much_is_waited_for() {
        let rate = Rate::of(10, 0, 1).unwrap();
        let mut bucket = Bucket::default();
        assert_eq!((bucket.wait_ms(rate, 5_000), bucket.messages()), (0, 10));
        bucket.take(25, 1 << 30);
        assert_eq!(bucket.wait_ms(rate, 5_000), 1_600);
        assert_eq!(bucket.wait_ms(rate, 6_000), 600);
        assert_eq!((bucket.wait_ms(rate, 6_700), bucket.messages()), (0, 2));
        assert_eq!((bucket.wait_ms(rate, 600_000), bucket.messages()), (0, 10));
    }

    #[test]
    fn the_stricter_of_both_limits_counts_and_a_new_rate_begins_anew() {
        let rate = Rate::of(1_000, 100, 2).unwrap();
        let mut bucket = Bucket::default();
        assert_eq!(bucket.wait_ms(rate, 0), 0);
        bucket.take(1, 200);
        assert_eq!(bucket.wait_ms(rate, 0), 2_001);
        assert_eq!(bucket.wait_ms(Rate::of(-1, 100, 1).unwrap(), 0), 0);
        assert_eq!(bucket.messages(), u64::MAX);
    }

    #[test]
    fn limits_of_zero_or_less_are_none() {
        assert_eq!(Rate::of(0, -1, 1), None);
        assert_eq!(Rate::of(0, 5, 0), Rate::of(-1, 5, 1));
    }

    #[test]
    fn a_bucket_that_nobody_used_for_long_is_full() {
        let rate = Rate::of(2, 0, 1).unwrap();
        let mut bucket = Bucket::default();
        assert!(bucket.is_full(rate, 0));
        bucket.take(1, 0);
        assert!(!bucket.is_full(rate, 499));
        assert!(bucket.is_full(rate, 500));
    }
}
