//! What goes by: how many messages and bytes in all, and a second of late.

use std::time::Duration;

/// Rates are of the time between the last two ticks.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    counted: Counts,
    at_last_tick: Counts,
    messages_per_second: f64,
    bytes_per_second: f64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.messages += more.messages;
        self.bytes += more.bytes;
    }
}

impl Meter {
    pub(crate) fn count(&mut self, messages: u64, bytes: usize) {
        self.counted.add(Counts { messages, bytes: bytes as u64 });
    }

    /// So much time has passed since the last tick.
    #[allow(clippy::cast_precision_loss, reason = "a rate is not exact")]
    pub(crate) fn tick(&mut self, elapsed: Duration) {
        let rate = |now: u64, before: u64| (now - before) as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
        self.messages_per_second = rate(self.counted.messages, self.at_last_tick.messages);
        self.bytes_per_second = rate(self.counted.bytes, self.at_last_tick.bytes);
        self.at_last_tick = self.counted;
    }

    /// Bytes of a message of late; 0 if there was none.
    pub(crate) fn average_bytes(&self) -> f64 {
        if self.messages_per_second > 0.0 { self.bytes_per_second / self.messages_per_second } else { 0.0 }
    }

    pub(crate) const fn counted(&self) -> Counts {
        self.counted
    }

    pub(crate) const fn messages_per_second(&self) -> f64 {
        self.messages_per_second
    }

    pub(crate) const fn bytes_per_second(&self) -> f64 {
        self.bytes_per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_since_the_last_tick() {
        let mut meter = Meter::default();
        meter.count(20, 1000);
        meter.tick(Duration::from_secs(10));
        assert_eq!((meter.messages_per_second(), meter.bytes_per_second()), (2.0, 100.0));
        assert_eq!(meter.average_bytes().to_string(), "50");
        meter.count(1, 8);
        meter.tick(Duration::from_secs(4));
        assert_eq!((meter.messages_per_second(), meter.bytes_per_second()), (0.25, 2.0));
        assert_eq!(meter.counted(), Counts { messages: 21, bytes: 1008 });
    }
}
