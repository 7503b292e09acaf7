//! What a consumer is told, and its limits.

use std::time::Duration;

use hexalpes_client::TopicName;

/// Runs that an event may have, over all restarts; then it is a dead letter.
pub const RUNS_MAX: u32 = 4;
/// Events that are run at once, each of another key.
pub const IN_FLIGHT_MAX: usize = 64;
/// Events that wait in memory behind others of their key, or for their turn. Beyond, none is received.
pub const HELD_EVENTS_MAX: usize = 10_000;
/// As [`HELD_EVENTS_MAX`], of their payloads.
pub const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Who consumes what, and how.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The context's name on the wire: `commissions`.
    pub service: &'static str,
    /// What the handler is called; the subscription is `{service}-{handler}`.
    pub handler: &'static str,
    pub topic: TopicName,
    /// The type of a topic that carries one type of events, for messages that do not say theirs.
    pub only_kind: Option<&'static str>,
    pub order: KeyOrder,
    pub patience: Patience,
    /// For how long the id of an event that was handled is kept: an event that comes again later acts again.
    /// `None`: for ever.
    pub keep_inbox: Option<Duration>,
}

/// What happens to the later events of a key when one became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// They follow it to the dead letters, in order, until the key is released: each tells what became of one
    /// thing, and makes no sense without those before.
    Strict,
    /// They are handled: each stands for itself, as commands do, of which a refusal is an answer.
    Independent,
}

/// How long an event that failed waits for its next run.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After the first transient failure; doubled with each further one.
    pub transient_min: Duration,
    pub transient_max: Duration,
    /// After any other failure.
    pub other: Duration,
    /// Between two looks whether what the event names is known by now.
    pub unknown: Duration,
    /// For how long it is looked in all.
    pub unknown_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            transient_min: Duration::from_secs(4),
            transient_max: Duration::from_secs(10),
            other: Duration::from_secs(1),
            unknown: Duration::from_millis(250),
            unknown_max: Duration::from_mins(1),
        }
    }
}

impl Patience {
    /// Before the next run after so many.
    pub(crate) fn after(self, runs: u32, is_transient: bool) -> Duration {
        if !is_transient {
            return self.other;
        }
        let doublings = runs.saturating_sub(1).min(16);
        self.transient_min.saturating_mul(1 << doublings).min(self.transient_max)
    }
}

impl ConsumerOptions {
    /// Strict order, the seeds' patience, and ids that are kept for 30 days.
    pub fn new(service: &'static str, handler: &'static str, topic: TopicName) -> Self {
        Self {
            service,
            handler,
            topic,
            only_kind: None,
            order: KeyOrder::Strict,
            patience: Patience::default(),
            keep_inbox: Some(Duration::from_hours(30 * 24)),
        }
    }

    /// The subscription, and what the inbox calls this consumer.
    pub fn subscription(&self) -> String {
        format!("{}-{}", self.service, self.handler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts C-5, S2-ERR-1.
    #[test]
    fn a_transient_failure_waits_from_four_to_ten_seconds_and_any_other_one() {
        let patience = Patience::default();
        let seconds = |runs, is_transient| patience.after(runs, is_transient).as_secs();
        assert_eq!([1, 2, 3].map(|runs| seconds(runs, true)), [4, 8, 10]);
        assert_eq!([1, 2, 3].map(|runs| seconds(runs, false)), [1, 1, 1]);
    }
}
