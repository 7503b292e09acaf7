//! How great what came by was: between which bounds, over the last minute, and since the start.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;

/// Pulsar counts anew so often.
const PERIOD: Duration = Duration::from_mins(1);

/// How many values were at most as great as each bound, and greater than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distribution<const N: usize> {
    pub within: [u64; N],
    /// Greater than all bounds.
    pub beyond: u64,
    pub sum: u64,
}

impl<const N: usize> Distribution<N> {
    pub fn count(&self) -> u64 {
        self.within.iter().sum::<u64>() + self.beyond
    }

    fn add(&mut self, value: u64, bounds: &[u64; N]) {
        match bounds.iter().position(|bound| value <= *bound) {
            Some(index) => self.within[index] += 1,
            None => self.beyond += 1,
        }
        self.sum += value;
    }
}

impl<const N: usize> Default for Distribution<N> {
    fn default() -> Self {
        Self { within: [0; N], beyond: 0, sum: 0 }
    }
}

/// The distribution of a minute: the one that is over, and the one that is not.
#[derive(Debug, Default)]
pub(crate) struct Minutely<const N: usize> {
    now: Distribution<N>,
    last: Distribution<N>,
    elapsed: Duration,
    last_took: Duration,
}

impl<const N: usize> Minutely<N> {
    pub(crate) fn add(&mut self, value: u64, bounds: &[u64; N]) {
        self.now.add(value, bounds);
    }

    /// So much time has passed since the last tick.
    pub(crate) fn tick(&mut self, elapsed: Duration) {
        self.elapsed += elapsed;
        if self.elapsed >= PERIOD {
            self.last = std::mem::take(&mut self.now);
            self.last_took = std::mem::take(&mut self.elapsed);
        }
    }

    /// Of the last minute that is over.
    pub(crate) const fn last(&self) -> Distribution<N> {
        self.last
    }

    /// How many came a second in the last minute that is over.
    #[allow(clippy::cast_precision_loss, reason = "a rate is not exact")]
    pub(crate) fn per_second(&self) -> f64 {
        match self.last.count() {
            0 => 0.0,
            count => count as f64 / self.last_took.as_secs_f64(),
        }
    }
}

/// Values below this have a bucket each, and each doubling beyond it has half as many buckets.
const FINE: u64 = 16;
/// Greater ones count as the greatest: 4 s in microseconds, and then some.
const VALUE_MAX: u64 = (1 << 32) - 1;
const BUCKETS: usize = index(VALUE_MAX) + 1;

/// Microseconds, of all topics together: counted without a lock, and told by quantiles that are right within an
/// eighth.
#[derive(Debug)]
pub(crate) struct Durations {
    counted: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    minute: Mutex<Minute>,
}

#[derive(Debug)]
struct Minute {
    /// All that was counted when it began.
    before: [u64; BUCKETS],
    last: [u64; BUCKETS],
    elapsed: Duration,
}

/// What there is to tell of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary<const N: usize> {
    /// Since the start.
    pub count: u64,
    /// Microseconds, since the start.
    pub sum: u64,
    /// Of the last minute that is over, in microseconds; none if there was nothing.
    pub quantiles: [Option<u64>; N],
}

impl Default for Durations {
    fn default() -> Self {
        let minute = Minute { before: [0; BUCKETS], last: [0; BUCKETS], elapsed: Duration::ZERO };
        let counted = std::array::from_fn(|_| AtomicU64::new(0));
        Self { counted, sum: AtomicU64::new(0), minute: Mutex::new(minute) }
    }
}

impl Durations {
    pub(crate) fn add(&self, micros: u64) {
        self.counted[index(micros.min(VALUE_MAX))].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// So much time has passed since the last tick.
    pub(crate) fn tick(&self, elapsed: Duration) {
        let mut minute = self.minute.lock();
        minute.elapsed += elapsed;
        if minute.elapsed >= PERIOD {
            let now = self.now();
            minute.elapsed = Duration::ZERO;
            minute.last = std::array::from_fn(|index| now[index] - minute.before[index]);
            minute.before = now;
        }
    }

    pub(crate) fn summary<const N: usize>(&self, quantiles: [f64; N]) -> Summary<N> {
        let count = self.now().iter().sum();
        let minute = self.minute.lock();
        let of_last = quantiles.map(|quantile| quantile_of(&minute.last, quantile));
        Summary { count, sum: self.sum.load(Ordering::Relaxed), quantiles: of_last }
    }

    fn now(&self) -> [u64; BUCKETS] {
        std::array::from_fn(|index| self.counted[index].load(Ordering::Relaxed))
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a quantile is between 0 and 1, and not exact"
)]
fn quantile_of(counted: &[u64; BUCKETS], quantile: f64) -> Option<u64> {
    let count: u64 = counted.iter().sum();
    let rank = ((count as f64 * quantile).ceil() as u64).max(1);
    let mut so_far = 0;
    let found = counted.iter().position(|counted| {
        so_far += counted;
        so_far >= rank
    });
    found.map(greatest_in)
}

/// The bucket of a value: itself as long as it is small, then its doubling and the three bits behind the first.
#[allow(clippy::cast_possible_truncation, reason = "there are a few hundred buckets")]
const fn index(value: u64) -> usize {
    if value < FINE {
        return value as usize;
    }
    let doubling = value.ilog2() as u64;
    let part = (value >> (doubling - 3)) & 7;
    (FINE + (doubling - 4) * 8 + part) as usize
}

const fn greatest_in(index: usize) -> u64 {
    let index = index as u64;
    if index < FINE {
        return index;
    }
    let (doubling, part) = ((index - FINE) / 8 + 4, (index - FINE) % 8);
    ((9 + part) << (doubling - 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_told_when_it_is_over() {
        let mut sizes = Minutely::<2>::default();
        for value in [1, 10, 11, 100, 101] {
            sizes.add(value, &[10, 100]);
        }
        sizes.tick(Duration::from_secs(50));
        assert_eq!(sizes.last(), Distribution::default());
        sizes.tick(Duration::from_secs(50));
        assert_eq!(sizes.last(), Distribution { within: [2, 2], beyond: 1, sum: 223 });
        assert_eq!((sizes.last().count(), sizes.per_second().to_string()), (5, "0.05".to_owned()));
        sizes.tick(PERIOD);
        assert_eq!((sizes.last().count(), sizes.per_second().to_string()), (0, "0".to_owned()));
    }

    #[test]
    fn each_value_is_in_a_bucket_that_is_no_wider_than_an_eighth_of_it() {
        let mut before = None;
        for value in (0..5000).chain([1 << 20, (1 << 20) + 1, VALUE_MAX - 1, VALUE_MAX]) {
            let greatest = greatest_in(index(value));
            assert!(value <= greatest && greatest - value <= value / 8, "{value} in up to {greatest}");
            assert!(before <= Some(index(value)), "{value}");
            before = Some(index(value));
        }
    }

    #[test]
    fn quantiles_are_of_the_last_minute_and_counts_since_the_start() {
        let durations = Durations::default();
        (1..=100).for_each(|micros| durations.add(micros));
        let none = Summary { count: 100, sum: 5050, quantiles: [None] };
        assert_eq!(durations.summary([0.5]), none);
        durations.tick(PERIOD);
        let told = durations.summary([0.0, 0.5, 0.99, 1.0]);
        assert_eq!(told.quantiles, [Some(1), Some(51), Some(103), Some(103)]);
        durations.tick(PERIOD);
        assert_eq!(durations.summary([0.5]), none);
    }
}
