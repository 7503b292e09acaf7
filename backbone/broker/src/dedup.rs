//! Which sequence ids of which producer a topic has already.

use std::collections::{BTreeMap, HashMap};

use hexalpes_log::Position;
use serde::{Deserialize, Serialize};

use crate::broker::is_made_up;

/// Of the producers whose names the broker made up, twice as many are remembered at most; then those are forgotten
/// that were heard of longest ago. Nobody else gets such a name, and who has one comes back with it soon, or never.
const MADE_UP_KEPT: usize = 5000;

/// As more, the time between two looks does not count: then a clock was set, or the machine slept.
const SINCE_MS_MAX: u64 = 10 * 60 * 1000;

/// What is known of an entry that a producer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    New,
    /// It is stored.
    Duplicate,
    /// It was sent before and is not stored yet: whether it will be is not known.
    Unknown,
}

/// What was durable when an entry was the topic's newest, so that a start only reads what came after it.
///
/// Written down as JSON. One that is older than the topic is no harm: the entries say the rest, and to hear
/// of one twice changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Ledger and entry.
    up_to: (u64, u64),
    /// Highest sequence id by producer name.
    producers: BTreeMap<String, u64>,
    /// How long those have been away that are.
    #[serde(default)]
    absent_ms: BTreeMap<String, u64>,
}

impl Snapshot {
    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names and numbers can be written as JSON")
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(crate) fn up_to(&self) -> Position {
        Position::new(self.up_to.0, self.up_to.1)
    }
}

/// The highest sequence ids by producer name: those handed to the log, and those that are durable.
#[derive(Debug, Default)]
pub(crate) struct Dedup {
    producers: HashMap<String, Highest>,
    /// How many of them have names that the broker made up.
    made_up: usize,
    /// Counts what it is told.
    told: u64,
    /// When it was last looked who is away, in milliseconds since 1970.
    looked_ms: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Highest {
    pushed: Option<u64>,
    persisted: Option<u64>,
    /// Of `told`, when it was last heard of.
    at: u64,
    /// How long it has been away while the broker ran.
    absent_ms: u64,
}

impl Dedup {
    /// Judges by the first sequence id of an entry.
    pub(crate) fn judge(&self, producer: &str, sequence_id: u64) -> Verdict {
        let highest = self.producers.get(producer).copied().unwrap_or_default();
        if highest.pushed.is_none_or(|pushed| sequence_id > pushed) {
            Verdict::New
        } else if highest.persisted.is_some_and(|persisted| sequence_id <= persisted) {
            Verdict::Duplicate
        } else {
            Verdict::Unknown
        }
    }

    pub(crate) fn pushed(&mut self, producer: &str, highest: u64) {
        let entry = self.entry(producer);
        entry.pushed = entry.pushed.max(Some(highest));
    }

    pub(crate) fn persisted(&mut self, producer: &str, highest: u64) {
        let entry = self.entry(producer);
        entry.persisted = entry.persisted.max(Some(highest));
        entry.pushed = entry.pushed.max(entry.persisted);
    }

    /// An entry was not stored: what was pushed beyond the durable may be sent again.
    pub(crate) fn failed(&mut self, producer: &str) {
        let entry = self.entry(producer);
        entry.pushed = entry.persisted;
    }

    pub(crate) fn last(&self, producer: &str) -> Option<u64> {
        self.producers.get(producer)?.persisted
    }

    pub(crate) fn snapshot(&self, up_to: Position) -> Snapshot {
        let durable = |(name, highest): (&String, &Highest)| Some((name.clone(), highest.persisted?));
        let producers = self.producers.iter().filter_map(durable).collect();
        let absent = self.producers.iter().filter(|(_, highest)| highest.absent_ms > 0);
        let absent_ms = absent.map(|(name, highest)| (name.clone(), highest.absent_ms)).collect();
        Snapshot { up_to: (up_to.ledger, up_to.entry), producers, absent_ms }
    }

    /// Forgets producers that have been away so long, whoever named them: one that comes back later begins anew. Only the
    /// time between two looks counts, so not that in which the broker was down and nobody could come.
    pub(crate) fn forget_absent(&mut self, is_there: impl Fn(&str) -> bool, now_ms: u64, absent_ms_max: u64) {
        let since_ms =
            now_ms.saturating_sub(self.looked_ms.replace(now_ms).unwrap_or(now_ms)).min(SINCE_MS_MAX);
        let made_up = &mut self.made_up;
        self.producers.retain(|name, highest| {
            let is_busy = highest.pushed != highest.persisted || is_there(name);
            highest.absent_ms = if is_busy { 0 } else { highest.absent_ms.saturating_add(since_ms) };
            let stays = is_busy || highest.absent_ms < absent_ms_max;
            *made_up -= usize::from(!stays && is_made_up(name));
            stays
        });
    }

    pub(crate) fn restore(&mut self, snapshot: &Snapshot) {
        for (producer, highest) in &snapshot.producers {
            self.persisted(producer, *highest);
            self.entry(producer).absent_ms = snapshot.absent_ms.get(producer).copied().unwrap_or(0);
        }
    }

    fn entry(&mut self, producer: &str) -> &mut Highest {
        if !self.producers.contains_key(producer) {
            if is_made_up(producer) {
                self.made_up += 1;
                self.forget_some();
            }
            self.producers.insert(producer.to_owned(), Highest::default());
        }
        self.told += 1;
        let entry = self.producers.get_mut(producer).expect("it was put there");
        entry.at = self.told;
        entry.absent_ms = 0;
        entry
    }

    /// Forgets half of the names that the broker made up, once there are too many.
    fn forget_some(&mut self) {
        if self.made_up <= 2 * MADE_UP_KEPT {
            return;
        }
        let is_idle = |name: &str, highest: &Highest| is_made_up(name) && highest.pushed == highest.persisted;
        let idle = self.producers.iter().filter(|(name, highest)| is_idle(name, highest));
        let mut heard_of: Vec<u64> = idle.map(|(_, highest)| highest.at).collect();
        if heard_of.len() > MADE_UP_KEPT {
            let forgotten = heard_of.len() - MADE_UP_KEPT;
            let (_, kept_from, _) = heard_of.select_nth_unstable(forgotten);
            let kept_from = *kept_from;
            self.producers.retain(|name, highest| !is_idle(name, highest) || highest.at >= kept_from);
            self.made_up -= forgotten;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_but_not_durable_is_unknown() {
        let mut dedup = Dedup::default();
        dedup.pushed("p", 3);
        dedup.persisted("p", 2);
        assert_eq!(dedup.judge("p", 2), Verdict::Duplicate);
        assert_eq!(dedup.judge("p", 3), Verdict::Unknown);
        assert_eq!(dedup.judge("p", 4), Verdict::New);
        dedup.failed("p");
        assert_eq!(dedup.judge("p", 3), Verdict::New);
    }

    #[test]
    fn names_that_the_broker_made_up_are_not_kept_for_good() {
        let mut dedup = Dedup::default();
        dedup.persisted("chosen", 1);
        dedup.pushed("standalone-0-7000000", 1);
        for number in 0..60_000 {
            dedup.persisted(&format!("standalone-0-{number}"), 1);
        }
        assert!(dedup.producers.len() <= 2 * MADE_UP_KEPT + 1, "{}", dedup.producers.len());
        assert_eq!((dedup.last("chosen"), dedup.last("standalone-0-59999")), (Some(1), Some(1)));
        assert_eq!(dedup.last("standalone-0-0"), None);
        assert_eq!(dedup.judge("standalone-0-7000000", 1), Verdict::Unknown);
    }

    #[test]
    fn who_was_away_too_long_is_forgotten_also_over_a_restart() {
        let mut dedup = Dedup::default();
        for name in ["here", "away", "back", "standalone-0-7"] {
            dedup.persisted(name, 1);
        }
        let is_there = |name: &str| name == "here";
        dedup.forget_absent(is_there, 1_000, 100);
        dedup.forget_absent(is_there, 1_060, 100);
        let written = dedup.snapshot(Position::new(1, 0)).write();
        let mut dedup = Dedup::default();
        dedup.restore(&Snapshot::read(&written).unwrap());
        dedup.pushed("busy", 1);
        // Nobody could come while the broker was down.
        dedup.forget_absent(is_there, 9_000, 100);
        dedup.forget_absent(is_there, 9_039, 100);
        assert_eq!(dedup.producers.len(), 5);
        dedup.persisted("back", 2);
        dedup.forget_absent(is_there, 9_040, 100);
        let mut left: Vec<_> = dedup.producers.keys().map(String::as_str).collect();
        left.sort_unstable();
        assert_eq!((left, dedup.made_up), (vec!["back", "busy", "here"], 0));
        assert_eq!(dedup.judge("away", 1), Verdict::New);
    }

    #[test]
    fn a_snapshot_of_an_older_version_is_of_producers_that_are_there() {
        let old = br#"{"up_to":[1,2],"producers":{"p":7}}"#;
        let mut dedup = Dedup::default();
        dedup.restore(&Snapshot::read(old).unwrap());
        for (now_ms, last) in [(5_000, Some(7)), (5_099, Some(7)), (5_100, None)] {
            dedup.forget_absent(|_| false, now_ms, 100);
            assert_eq!(dedup.last("p"), last, "{now_ms}");
        }
    }

    #[test]
    fn a_snapshot_holds_what_is_durable_alone() {
        let mut dedup = Dedup::default();
        dedup.pushed("p", 9);
        dedup.persisted("p", 2);
        dedup.pushed("q", 1);
        let written = dedup.snapshot(Position::new(3, 4)).write();
        let snapshot = Snapshot::read(&written).unwrap();
        assert_eq!(snapshot.up_to(), Position::new(3, 4));
        let mut again = Dedup::default();
        again.restore(&snapshot);
        assert_eq!((again.last("p"), again.last("q")), (Some(2), None));
        assert_eq!(again.judge("p", 3), Verdict::New);
    }
}
