//! Where time and randomness enter: the edge of a program asks, everything inside is told.

use std::{fmt, sync::Mutex, time::Duration};

use crate::{Timestamp, Uuid};

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

pub trait Ids: Send + Sync {
    /// A new `UUIDv7`: unique, and in order of time.
    fn uuid(&self) -> Uuid;
}

/// Both, as most edges need them.
pub trait Edge: Clock + Ids + fmt::Debug {}

impl<T: Clock + Ids + fmt::Debug> Edge for T {}

/// The system's clock and random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEdge;

impl Clock for SystemEdge {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
            .expect("the clock shows a year of four digits")
    }
}

impl Ids for SystemEdge {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that hands ids out")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// A clock that stands until it is moved, and ids that count: what tests hand out.
#[derive(Debug)]
pub struct FixedEdge {
    state: Mutex<(Timestamp, u128)>,
}

impl FixedEdge {
    pub fn at(now: Timestamp) -> Self {
        Self { state: Mutex::new((now, 0)) }
    }

    pub fn advance(&self, duration: Duration) {
        let mut state = self.lock();
        state.0 = state.0.after(duration);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, u128)> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl Clock for FixedEdge {
    fn now(&self) -> Timestamp {
        self.lock().0
    }
}

impl Ids for FixedEdge {
    fn uuid(&self) -> Uuid {
        let mut state = self.lock();
        state.1 += 1;
        Uuid::from_u128(state.1)
    }
}
