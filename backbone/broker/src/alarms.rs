//! Who is to be woken when: producers may want messages delivered at a time of theirs.

use std::{collections::BTreeSet, time::Duration};

use hexalpes_wire::TopicName;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Clock;

/// How long an alarm is slept for at once: a clock that is set is looked at again by then.
const NAP_MAX: Duration = Duration::from_secs(10);

/// Which topics have something to deliver when.
#[derive(Debug)]
pub(crate) struct Alarms {
    clock: Clock,
    set: Mutex<BTreeSet<(u64, TopicName)>>,
    /// There is one before all others.
    sooner: Notify,
}

impl Alarms {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, set: Mutex::default(), sooner: Notify::new() }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Wakes the topic then. One too many does no harm.
    pub(crate) fn set(&self, at_ms: u64, topic: &TopicName) {
        let mut set = self.set.lock();
        set.insert((at_ms, topic.clone()));
        let is_first = set.first().is_some_and(|(first, name)| (*first, name) == (at_ms, topic));
        drop(set);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// The topics whose time has come, as soon as there are any.
    pub(crate) async fn ring(&self) -> BTreeSet<TopicName> {
        loop {
            let due = self.due();
            if !due.is_empty() {
                return due;
            }
            let first = self.set.lock().first().map(|(at, _)| *at);
            let nap = async {
                match first {
                    Some(at) => {
                        let left = Duration::from_millis(at.saturating_sub(self.now_ms()));
                        tokio::time::sleep(left.min(NAP_MAX)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.sooner.notified() => {}
                () = nap => {}
            }
        }
    }

    fn due(&self) -> BTreeSet<TopicName> {
        let now = self.now_ms();
        let mut set = self.set.lock();
        let mut due = BTreeSet::new();
        while set.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(set.pop_first().map(|(_, topic)| topic));
        }
        due
    }
}

#[cfg(test)]
pub(crate) mod driven {
    //! A clock that a test drives.

    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    #[derive(Debug, Default)]
    pub(crate) struct DrivenClock(Arc<AtomicU64>);

    impl DrivenClock {
        pub(crate) fn set(&self, now_ms: u64) {
            self.0.store(now_ms, Ordering::Relaxed);
        }

        pub(crate) fn alarms(&self) -> Alarms {
            let now = Arc::clone(&self.0);
            Alarms::new(Clock::new(move || now.load(Ordering::Relaxed)))
        }
    }

    #[tokio::test]
    async fn an_alarm_rings_when_it_is_time_and_once() {
        let clock = DrivenClock::default();
        let alarms = clock.alarms();
        let topic = |name: &str| TopicName::parse(name).unwrap();
        alarms.set(20, &topic("b"));
        alarms.set(10, &topic("a"));
        alarms.set(5, &topic("a"));
        assert!(alarms.due().is_empty());
        clock.set(10);
        assert_eq!(alarms.ring().await, [topic("a")].into());
        assert!(alarms.due().is_empty());
        clock.set(30);
        assert_eq!(alarms.ring().await, [topic("b")].into());
    }
}
