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
        let mut is_told = false;
        while let Err(error) = attempt().await {
            if error.ends_what_was_open() {
                tracing::error!(%topic, reason = %error, "{who} ended");
                return Err(error);
            }
            let delay = self.after_failure();
            let retry_ms = delay.as_millis();
            // Said once, not with every try.
            if is_told {
                tracing::debug!(%topic, reason = %error, retry_ms, "{who} is still not connected");
            } else {
                tracing::warn!(%topic, reason = %error, retry_ms, "{who} is not connected");
                is_told = true;
            }
            tokio::time::sleep(delay).await;
        }
        tracing::info!(%topic, "{who} is back");
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
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::error::RequestError;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_away_is_told_once_and_again_when_it_is_back() {
        let log = Log::default();
        let to = log.clone();
        let lines = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || to.clone());
        let listening = tracing::subscriber::set_default(lines.finish());
        let mut pace = Pace::new(Backoff::default());
        let mut tries = 0;
        let attempt = || {
            tries += 1;
            std::future::ready(if tries < 6 { Err(RequestError::Lost.into()) } else { Ok(()) })
        };
        pace.come_back("producer", &TopicName::parse("sales").unwrap(), 0, attempt).await.unwrap();
        drop(listening);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let [lost, back] = text.lines().collect::<Vec<_>>()[..] else { panic!("not two lines: {text}") };
        assert!(lost.contains("WARN") && lost.contains("producer is not connected"), "{lost}");
        assert!(lost.contains("persistent://public/default/sales") && lost.contains("retry_ms="), "{lost}");
        assert!(back.contains("INFO") && back.contains("producer is back"), "{back}");
    }

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
