//! How fast a producer or a consumer comes back.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use hexalpes_wire::TopicName;

use crate::error::OpenError;
use crate::options::Backoff;

/// Waits longer each time that coming back achieves nothing; once it did, at first not at all.
///
/// Being connected is no achievement: a broker may take a producer and refuse its first message, again and
/// again, and must not be asked a thousand times a second.
pub(crate) struct Pace {
    backoff: Backoff,
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    achieved: u64,
}

impl Pace {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, delays: Box::new(backoff.delays()), achieved: 0 }
    }

    /// Attempts until it works, or will never: then the error is the last. `who` comes back, having achieved so
    /// much.
    pub(crate) async fn come_back<F>(
        &mut self,
        who: &'static str,
        topic: &TopicName,
        achieved: u64,
        mut attempt: impl FnMut() -> F,
    ) -> Result<(), OpenError>
    where
        F: Future<Output = Result<(), OpenError>>,
    {
        tokio::time::sleep(self.before_attempt(achieved)).await;
        while let Err(error) = attempt().await {
            if error.ends_what_was_open() {
                tracing::error!(%topic, reason = %error, "{who} ended");
                return Err(error);
            }
            let delay = self.after_failure();
            tracing::warn!(%topic, reason = %error, retry = ?delay, "{who} is not connected");
            tokio::time::sleep(delay).await;
        }
        Ok(())
    }

    /// Before a new attempt. `achieved` counts what connections were good for until now.
    fn before_attempt(&mut self, achieved: u64) -> Duration {
        if std::mem::replace(&mut self.achieved, achieved) == achieved {
            return self.after_failure();
        }
        self.delays = Box::new(self.backoff.delays());
        Duration::ZERO
    }

    fn after_failure(&mut self) -> Duration {
        self.delays.next().unwrap_or(self.backoff.delay_max)
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("achieved", &self.achieved).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_slows_down_until_something_is_achieved() {
        let backoff = Backoff { delay_min: Duration::from_millis(10), delay_max: Duration::from_secs(1) };
        let mut pace = Pace::new(backoff);
        let first = pace.before_attempt(0);
        let last = (0..20).map(|_| pace.before_attempt(0)).max();
        assert!(first >= backoff.delay_min && last >= Some(backoff.delay_max), "{first:?} {last:?}");
        assert_eq!(pace.before_attempt(1), Duration::ZERO);
        assert!(pace.before_attempt(1) < backoff.delay_min * 3);
    }
}
