//! Random histories of a log on a disk that loses its power, and a model that a child could write: every
//! acknowledged append is there, once, in order, at the position it was given, whatever else happened.
//!
//! Three drive it: the model test, the torture test, and `examples/torture.rs`, which goes on as long as it is let.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use hexalpes_files::{Files, ForgetfulFiles};
use hexalpes_log::{Appended, Entry, FileError, Log, Options, Position, Receipts, TopicId};

#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Queues an entry, and leads the commit of all that wait or leaves them waiting.
    Append {
        topic: u64,
        bytes: usize,
        commit: bool,
    },
    Checkpoint,
    Trim {
        topic: u64,
        keep: usize,
    },
    Delete {
        topic: u64,
    },
    Read {
        topic: u64,
        skip: usize,
    },
    /// Ends the log, properly or just so, and opens it again.
    Reopen {
        properly: bool,
    },
    /// The power goes out after so many more changes of the disk.
    CutPower {
        after: u32,
        seed: u64,
    },
}

/// What an act leads to.
enum Then {
    GoOn,
    Restart,
}

type Entries = Vec<(Position, String)>;

/// What a topic should have.
#[derive(Debug, Default)]
struct Expected {
    /// All that was appended.
    entries: Entries,
    /// How many of these were acknowledged.
    acknowledged: usize,
    /// Segments before this one may be gone.
    trimmed: u64,
    /// All of it may be gone.
    perhaps_deleted: bool,
}

#[derive(Debug, Default)]
struct Acknowledged(Mutex<Vec<Appended>>);

impl Receipts for Acknowledged {
    fn synced(&self, appended: &[Appended]) {
        self.0.lock().unwrap().extend_from_slice(appended);
    }

    fn failed(&self, _: &[Appended], _: &FileError) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    Kept,
    Ignored,
}

#[derive(Debug)]
pub(crate) struct World {
    disk: ForgetfulFiles,
    log: Option<Log>,
    acknowledged: Arc<Acknowledged>,
    topics: BTreeMap<u64, Expected>,
    /// When the power was to be cut and what will be left, if it was.
    power: Option<u64>,
    count: usize,
}

const DIR: &str = "/data/log";

/// So small that everything that happens with large logs happens within a few entries.
fn options() -> Options {
    Options {
        journal_file_bytes: 16 << 10,
        checkpoint_bytes: 24 << 10,
        segment_bytes: 8 << 10,
        segment_entries: 20,
        cache_bytes: 4 << 10,
        unwritten_bytes: 2 << 10,
        ..Options::default()
    }
}

fn open(disk: &ForgetfulFiles) -> Result<Log, String> {
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    Log::open(&files, Path::new(DIR), options()).map(|(log, _)| log).map_err(|error| error.to_string())
}

impl World {
    /// A new log, on a disk that syncs, or as a control on one that only says so.
    pub(crate) fn new(syncs: Syncs) -> Self {
        let disk = ForgetfulFiles::new();
        let log = Some(open(&disk).unwrap());
        if syncs == Syncs::Ignored {
            disk.ignore_syncs();
        }
        Self { disk, log, acknowledged: Arc::default(), topics: BTreeMap::new(), power: None, count: 0 }
    }

    /// Does one thing. Says what is wrong, if something is.
    pub(crate) fn act(&mut self, act: &Act) -> Result<(), String> {
        let log = self.log.clone().ok_or("the log is not open")?;
        let done = match *act {
            Act::Append { topic, bytes, commit } => self.append(&log, topic, bytes, commit),
            Act::Checkpoint => log.checkpoint().map(|()| Then::GoOn).map_err(|error| error.to_string()),
            Act::Trim { topic, keep } => {
                self.trim(&log, topic, keep);
                Ok(Then::GoOn)
            }
            Act::Delete { topic } => self.delete(&log, topic),
            Act::Read { topic, skip } => self.read(&log, topic, skip),
            Act::Reopen { properly: true } => {
                log.close().map(|()| Then::Restart).map_err(|error| error.to_string())
            }
            Act::Reopen { properly: false } => Ok(Then::Restart),
            Act::CutPower { after, seed } => {
                if self.power.is_none() {
                    self.disk.cut_power_after(after);
                    self.power = Some(seed);
                }
                Ok(Then::GoOn)
            }
        };
        drop(log);
        self.hear();
        match (done, self.power) {
            (Ok(Then::GoOn), _) => Ok(()),
            (Ok(Then::Restart), None) => self.restart(),
            // Without power, whatever fails may fail: what counts is what is there afterwards.
            (Ok(Then::Restart) | Err(_), Some(seed)) => self.crash(seed),
            (Err(what), None) => Err(what),
        }
    }

    /// Ends the history with a crash, and looks at what is left.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.crash(self.power.unwrap_or_default())
    }

    fn append(&mut self, log: &Log, topic: u64, bytes: usize, commit: bool) -> Result<Then, String> {
        self.count += 1;
        let payload = format!("{}:{}", self.count, "x".repeat(bytes));
        let receipts = Arc::clone(&self.acknowledged) as Arc<dyn Receipts>;
        let position = log
            .append(TopicId(topic), 0, &[payload.as_bytes()], &receipts, 0)
            .map_err(|error| error.to_string())?;
        self.topics.entry(topic).or_default().entries.push((position, payload));
        if commit {
            log.commit_now();
        }
        Ok(Then::GoOn)
    }

    fn trim(&mut self, log: &Log, topic: u64, keep: usize) {
        if let Some(expected) = self.topics.get_mut(&topic)
            && let Some(before) = expected.acknowledged.checked_sub(keep.max(1))
        {
            let position = expected.entries[before].0;
            log.trim_before(TopicId(topic), position);
            expected.trimmed = expected.trimmed.max(position.ledger);
        }
    }

    /// Deletes a topic, and makes sure of it: an append after it that is acknowledged says that it is durable.
    fn delete(&mut self, log: &Log, topic: u64) -> Result<Then, String> {
        const WITNESS: u64 = 99;
        let Some(expected) = self.topics.get_mut(&topic) else { return Ok(Then::GoOn) };
        expected.perhaps_deleted = true;
        log.delete_topic(TopicId(topic)).map_err(|error| error.to_string())?;
        self.append(log, WITNESS, 10, true)?;
        let closed = log.close();
        self.hear();
        let witness = &self.topics[&WITNESS];
        if witness.acknowledged == witness.entries.len() {
            self.topics.insert(topic, Expected::default());
        }
        closed.map(|()| Then::Restart).map_err(|error| error.to_string())
    }

    fn read(&self, log: &Log, topic: u64, skip: usize) -> Result<Then, String> {
        let Some(expected) = self.topics.get(&topic) else { return Ok(Then::GoOn) };
        let Some((position, _)) = expected.entries[..expected.acknowledged].get(skip) else {
            return Ok(Then::GoOn);
        };
        if position.ledger < expected.trimmed {
            return Ok(Then::GoOn);
        }
        let read = log.read(TopicId(topic), *position, 10, 2000).map_err(|error| error.to_string())?;
        let same =
            read.iter().zip(&expected.entries[skip..]).all(|(read, expected)| plain(read) == *expected);
        assert!(!read.is_empty() && same, "topic {topic} from {position}: {read:?}");
        Ok(Then::GoOn)
    }

    /// Learns what was acknowledged, and that it was in order.
    fn hear(&mut self) {
        for appended in std::mem::take(&mut *self.acknowledged.0.lock().unwrap()) {
            let Some(expected) = self.topics.get_mut(&appended.topic.0) else { continue };
            // What is not there belongs to a topic of this number that was deleted since.
            let waiting = &expected.entries[expected.acknowledged..];
            let place = waiting.iter().position(|(position, _)| *position == appended.position);
            assert!(place.is_none_or(|place| place == 0), "a receipt came too early: {appended:?}");
            expected.acknowledged += usize::from(place.is_some());
        }
    }

    fn crash(&mut self, seed: u64) -> Result<(), String> {
        self.log = None;
        self.hear();
        self.disk.forget_torn(seed);
        self.power = None;
        if seed.is_multiple_of(3) {
            // Once more, while the log recovers.
            self.disk.cut_power_after(u32::try_from(seed / 3 % 50).expect("small"));
            drop(open(&self.disk));
            self.disk.forget_torn(seed.wrapping_add(1));
        }
        self.restart()
    }

    /// Opens the log and compares all there is with all there should be.
    fn restart(&mut self) -> Result<(), String> {
        self.log = None;
        self.hear();
        let log = open(&self.disk)?;
        for (topic, expected) in &mut self.topics {
            let found = everything(&log, *topic)?;
            expected.compare(&found).map_err(|what| format!("topic {topic}: {what}"))?;
            expected.acknowledged = found.len();
            expected.entries = found;
            expected.perhaps_deleted = false;
        }
        self.log = Some(log);
        Ok(())
    }
}

impl Expected {
    fn compare(&self, found: &Entries) -> Result<(), String> {
        if self.perhaps_deleted && found.is_empty() {
            return Ok(());
        }
        let acknowledged = &self.entries[..self.acknowledged];
        let must = acknowledged.iter().filter(|(position, _)| position.ledger >= self.trimmed);
        if let Some((position, _)) = must.into_iter().find(|entry| !found.contains(entry)) {
            return Err(format!("the acknowledged entry {position} is gone"));
        }
        let Some(first) = found.first() else { return Ok(()) };
        let Some(from) = self.entries.iter().position(|entry| entry == first) else {
            return Err(format!("{} is not what was appended", first.0));
        };
        if self.entries[from..].starts_with(found) {
            Ok(())
        } else {
            Err("entries are out of order".to_owned())
        }
    }
}

fn plain(entry: &Entry) -> (Position, String) {
    (entry.position, String::from_utf8_lossy(&entry.payload).into_owned())
}

fn everything(log: &Log, topic: u64) -> Result<Entries, String> {
    let (mut from, mut all) = (Position::EARLIEST, Vec::new());
    loop {
        let piece = log.read(TopicId(topic), from, 7, 3000).map_err(|error| error.to_string())?;
        let Some(last) = piece.last() else { return Ok(all) };
        from = last.position.next();
        all.extend(piece.iter().map(plain));
    }
}

/// A history out of a number: the same number, the same acts.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn size(&mut self, bound: u64) -> usize {
        usize::try_from(self.below(bound)).expect("bounds are small")
    }

    pub(crate) fn act(&mut self) -> Act {
        let topic = self.below(3) + 1;
        match self.below(100) {
            0..3 => Act::Checkpoint,
            3..6 => Act::Trim { topic, keep: self.size(40) },
            6 => Act::Delete { topic },
            7..12 => Act::Read { topic, skip: self.size(100) },
            12 => Act::Reopen { properly: self.below(2) == 0 },
            13..16 => Act::CutPower {
                after: u32::try_from(self.below(60)).expect("small"),
                seed: self.below(u64::MAX),
            },
            16..18 => Act::Append { topic, bytes: self.size(7000), commit: true },
            _ => Act::Append { topic, bytes: self.size(300), commit: self.below(2) == 0 },
        }
    }
}

/// A whole history of so many acts.
pub(crate) fn live(mut world: World, seed: u64, acts: usize) -> Result<(), String> {
    let mut chance = Chance::new(seed);
    for _ in 0..acts {
        world.act(&chance.act())?;
    }
    world.end()
}
