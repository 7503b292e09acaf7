//! Medians and percentiles.

use std::time::Duration;

/// The middle one; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Durations, to be asked for what so many percent of them stay under.
#[derive(Debug, Default, Clone)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    pub(crate) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// In milliseconds; 0 of none.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<T: IntoIterator<Item = Duration>>(latencies: T) -> Self {
        Self(latencies.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values_at_or_above_its_share() {
        let mut latencies = Latencies::default();
        (1..=100).rev().for_each(|ms| latencies.add(Duration::from_millis(ms)));
        let close = |percent, ms: f64| (latencies.percentile_ms(percent) - ms).abs() < 1e-9;
        assert!(close(50, 50.0) && close(99, 99.0) && close(100, 100.0));
    }

    #[test]
    fn a_median_does_not_mind_one_bad_round() {
        assert!((median(vec![1000.0, 3.0, 2.0]) - 3.0).abs() < 1e-9);
    }
}
