//! What may run now: one event of each key at a time, in their order; a key that waits holds back no other.
//!
//! Pure: time is an argument, and running is somebody else's.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::Hash,
};

/// The keys that have something to do, each with its events in order.
#[derive(Debug)]
pub(crate) struct Lanes<T, Time> {
    by_key: HashMap<String, Lane<T, Time>>,
    ready: VecDeque<String>,
    due: BTreeSet<(Time, String)>,
    held: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Lane<T, Time> {
    events: VecDeque<(T, usize)>,
    state: State<Time>,
}

#[derive(Debug, PartialEq, Eq)]
enum State<Time> {
    Ready,
    Running,
    Waiting(Time),
}

impl<T: Clone, Time: Copy + Ord + Hash> Lanes<T, Time> {
    pub(crate) fn new() -> Self {
        Self { by_key: HashMap::new(), ready: VecDeque::new(), due: BTreeSet::new(), held: 0, bytes: 0 }
    }

    /// Puts an event of so many bytes behind the others of its key.
    pub(crate) fn push(&mut self, key: &str, event: T, bytes: usize) {
        self.held += 1;
        self.bytes += bytes;
        if let Some(lane) = self.by_key.get_mut(key) {
            return lane.events.push_back((event, bytes));
        }
        let lane = Lane { events: VecDeque::from([(event, bytes)]), state: State::Ready };
        self.by_key.insert(key.to_owned(), lane);
        self.ready.push_back(key.to_owned());
    }

    /// An event that may run now; its key has no other until this one is done or waits.
    pub(crate) fn start(&mut self) -> Option<(String, T)> {
        let key = self.ready.pop_front()?;
        let lane = self.by_key.get_mut(&key).expect("a key that is ready has a lane");
        lane.state = State::Running;
        let (event, _) = lane.events.front().expect("a lane has an event").clone();
        Some((key, event))
    }

    /// The event of the key that ran is done.
    pub(crate) fn done(&mut self, key: &str) {
        let Some(lane) = self.by_key.get_mut(key) else { return };
        debug_assert!(lane.state == State::Running, "only what runs is done");
        if let Some((_, bytes)) = lane.events.pop_front() {
            self.held -= 1;
            self.bytes -= bytes;
        }
        if lane.events.is_empty() {
            self.by_key.remove(key);
        } else {
            lane.state = State::Ready;
            self.ready.push_back(key.to_owned());
        }
    }

    /// The event of the key that ran is to run again, not before `due`.
    pub(crate) fn wait(&mut self, key: &str, due: Time) {
        if let Some(lane) = self.by_key.get_mut(key) {
            lane.state = State::Waiting(due);
            self.due.insert((due, key.to_owned()));
        }
    }

    /// When the first of those that wait is due.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Those whose time has come may run.
    pub(crate) fn wake(&mut self, now: Time) {
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, key)) = self.due.pop_first() else { return };
            if let Some(lane) = self.by_key.get_mut(&key) {
                lane.state = State::Ready;
                self.ready.push_back(key);
            }
        }
    }

    /// Events that are not done, those that run included.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keys that wait for their time.
    pub(crate) fn waiting(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(events: &[(&str, u32)]) -> Lanes<u32, u64> {
        let mut lanes = Lanes::new();
        for (key, event) in events {
            lanes.push(key, *event, 10);
        }
        lanes
    }

    fn started(lanes: &mut Lanes<u32, u64>) -> Vec<u32> {
        std::iter::from_fn(|| lanes.start()).map(|(_, event)| event).collect()
    }

    #[test]
    fn each_key_runs_one_event_at_a_time_in_order() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("b", 3)]);
        assert_eq!(started(&mut lanes), [1, 3]);
        lanes.done("a");
        assert_eq!(started(&mut lanes), [2]);
    }

    #[test]
    fn a_key_that_waits_holds_back_its_own_events_alone() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("b", 3), ("b", 4)]);
        assert_eq!(started(&mut lanes), [1, 3]);
        lanes.wait("a", 5);
        lanes.done("b");
        assert_eq!(started(&mut lanes), [4]);
        lanes.push("a", 5, 10);
        lanes.wake(4);
        assert_eq!((started(&mut lanes), lanes.next_due()), (vec![], Some(5)));
        lanes.wake(5);
        assert_eq!(started(&mut lanes), [1]);
        lanes.done("a");
        assert_eq!(started(&mut lanes), [2]);
    }

    #[test]
    fn what_is_done_takes_no_room() {
        let mut lanes = lanes(&[("a", 1), ("a", 2)]);
        assert_eq!((lanes.held(), lanes.bytes()), (2, 20));
        for _ in 0..2 {
            assert!(lanes.start().is_some());
            lanes.done("a");
        }
        assert_eq!((lanes.held(), lanes.bytes(), lanes.by_key.len()), (0, 0, 0));
    }
}
