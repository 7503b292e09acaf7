//! A topic that takes no more messages, and one whose messages were truncated away.

use std::{sync::atomic::Ordering, time::Duration};

use hexalpes_log::Position;
use hexalpes_wire::proto::Command;

use super::{ProducerError, Sub, Topic};

/// How long it may take until what was sent before is on the disk.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

impl Topic {
    /// Takes no more messages, waits until it is decided of everything that was sent before, and lets consumers
    /// hear when they have had all of it. False if it takes too long: they do not hear.
    pub(crate) fn terminate(&self) -> bool {
        let mut state = self.state.lock();
        state.terminated = true;
        for waiting in std::mem::take(&mut state.waiting) {
            waiting.refuse(&ProducerError::Terminated);
        }
        drop(state);
        self.log.wake();
        let mut state = self.state.lock();
        while !state.pending.is_empty() {
            if self.settled.wait_for(&mut state, SETTLED_WITHIN).timed_out() {
                return false;
            }
        }
        self.has_ended.store(true, Ordering::Relaxed);
        self.dispatch_all(&mut state, self.alarms.now_ms());
        true
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.state.lock().terminated
    }

    /// Tells consumers that nothing is left and nothing more comes, each once.
    pub(super) fn tell_of_the_end(&self, sub: &mut Sub) {
        if !self.has_ended.load(Ordering::Relaxed) || self.backlog(sub) > 0 {
            return;
        }
        for seat in sub.seats.values_mut().filter(|seat| !seat.has_reached_end) {
            seat.has_reached_end = true;
            seat.outbox.push(&Command::reached_end(seat.consumer_id));
        }
    }

    /// What is there up to here is nothing any more for who begins with the oldest entry.
    pub(crate) fn raise_floor(&self, to: Position) {
        let mut state = self.state.lock();
        state.floor = state.floor.max(Some(to));
    }

    /// Before the oldest entry.
    pub(crate) fn floor(&self) -> Position {
        self.state.lock().floor.unwrap_or(Position::EARLIEST)
    }
}
