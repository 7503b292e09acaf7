//! The log as the broker sees it.

use std::{path::Path, sync::Arc, thread};

use hexalpes_files::Files;
use parking_lot::Mutex;

use crate::{
    core::Core,
    error::FileError,
    keeper::Keeper,
    open::{self, Checked, OpenError, Recovered},
    options::Options,
    position::{Entry, Position, TopicId},
    queue::AppendError,
    receipts::Receipts,
    segment::{SegmentError, SegmentHead},
    topic::{Budget, Found, SegmentInfo, Topic},
};

/// Keeps the entries of all topics. Clones are the same log; when the last is dropped, what waits is
/// committed, and the threads end. [`Log::close`] does more: after it, opening is quick.
#[derive(Debug, Clone)]
pub struct Log {
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    core: Arc<Core>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    journal: thread::JoinHandle<()>,
    keeper: thread::JoinHandle<()>,
}

/// The log is not what it should be any more: a file could not be written, now or earlier.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the log takes no entries until it is opened again: {0}")]
pub struct Stopped(pub Arc<FileError>);

/// Why entries could not be read.
pub type ReadError = SegmentError;

impl Log {
    /// Opens the log in a folder, or makes one there.
    pub fn open(
        files: &Arc<dyn Files>,
        dir: &Path,
        options: Options,
    ) -> Result<(Self, Recovered), OpenError> {
        Self::check(files, dir, options)?.open()
    }

    /// Claims the folder and looks through what is there, without changing any of it.
    pub fn check(files: &Arc<dyn Files>, dir: &Path, options: Options) -> Result<Checked, OpenError> {
        open::check(files, dir, options)
    }

    fn start(checked: Checked) -> Result<(Self, Recovered), OpenError> {
        let dir = checked.dir().to_owned();
        let opened = open::open(checked)?;
        let core = Arc::new(opened.core);
        let keeper = Keeper::new(Arc::clone(&core), opened.store);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let failed = FileError::when("start a thread for", &dir);
            thread::Builder::new().name(name.to_owned()).spawn(run).map_err(failed)
        };
        let journal = spawn("log-journal", {
            let core = Arc::clone(&core);
            Box::new(move || core.run_journal())
        })?;
        let keeper = spawn("log-keeper", Box::new(move || keeper.run()))?;
        let threads = Mutex::new(Some(Threads { journal, keeper }));
        Ok((Self { running: Arc::new(Running { core, threads }) }, opened.recovered))
    }

    fn core(&self) -> &Core {
        &self.running.core
    }

    /// Queues an entry, all `parts` in a row, and says where it will be. It is not durable, and cannot be
    /// read, until `receipts` was told, with `token`. The topic begins with its first entry.
    ///
    /// Nothing is committed until somebody calls [`Log::commit_now`] or [`Log::wake`]: append all that came in
    /// at once, then call one of them.
    pub fn append(
        &self,
        topic: TopicId,
        stamp: u64,
        parts: &[&[u8]],
        receipts: &Arc<dyn Receipts>,
        token: u64,
    ) -> Result<Position, AppendError> {
        self.core().append(topic, stamp, parts, receipts, token)
    }

    /// Commits what waits on this thread, blocking it for a write and a sync, and calls the receivers here.
    /// Returns at once if somebody is at it already: they will see to what waits.
    ///
    /// For when little is in flight. A connection that has more to read and to parse meanwhile does better
    /// with [`Log::wake`].
    pub fn commit_now(&self) {
        self.core().commit_now();
    }

    /// Has what waits committed on the log's own thread.
    pub fn wake(&self) {
        self.core().wake();
    }

    /// How much waits to be committed. A connection that sees this grow stops reading for a while: beyond
    /// [`Options::waiting_bytes_max`], appends are refused.
    pub fn waiting_bytes(&self) -> usize {
        self.core().waiting_bytes()
    }

    /// The entries from a position on, as many as the limits allow; at least one, if there is one. If there
    /// is none at that position, it begins with the next there is. Empty at the end of the topic.
    pub fn read(
        &self,
        topic: TopicId,
        from: Position,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let Some(topic) = self.topic(topic) else { return Ok(Vec::new()) };
        let (mut from, mut entries, mut budget) = (from, Vec::new(), Budget::new(max_entries, max_bytes));
        while budget.has_room() {
            let Found::InSegment { ledger, base, from: first, until } =
                topic.find(from, &mut budget, &mut entries)
            else {
                break;
            };
            let head = SegmentHead { topic: topic.id, ledger, base };
            let read = self.core().segments.get(head).and_then(|segment| {
                segment.read(first, until, |entry| {
                    let takes = budget.takes(entry.payload.len());
                    if takes {
                        entries.push(entry);
                    }
                    takes
                })
            });
            match read {
                Ok(_) => from = entries.last().map_or(from, |last| last.position.next()),
                // It was trimmed while we looked: look again, from what is the first now.
                Err(_) if topic.first().is_some_and(|now| now.ledger > ledger) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// As [`Log::read`], but only from memory: nothing if a file would have to be read for the first of them.
    pub fn read_recent(
        &self,
        topic: TopicId,
        from: Position,
        max_entries: usize,
        max_bytes: usize,
    ) -> Option<Vec<Entry>> {
        let Some(topic) = self.topic(topic) else { return Some(Vec::new()) };
        let mut entries = Vec::new();
        let found = topic.find(from, &mut Budget::new(max_entries, max_bytes), &mut entries);
        (found == Found::InMemory).then_some(entries)
    }

    /// The first entry from a position on whose stamp is `stamp` or greater.
    pub fn first_at(
        &self,
        topic: TopicId,
        from: Position,
        stamp: u64,
    ) -> Result<Option<Position>, ReadError> {
        let Some(topic) = self.topic(topic) else { return Ok(None) };
        let is_found = |entry: &Entry| entry.position >= from && entry.stamp >= stamp;
        let (in_memory_from, in_memory) = topic.find_in_memory(is_found);
        let from = topic.index_of(from);
        for SegmentInfo { ledger, base, entries, stamp_max, .. } in topic.segments() {
            let (first, until) = (base.max(from), (base + entries).min(in_memory_from));
            if stamp_max < stamp || until <= first {
                continue;
            }
            let segment = self.core().segments.get(SegmentHead { topic: topic.id, ledger, base })?;
            let stopped = segment.read(first, until, |entry| entry.stamp < stamp)?;
            if stopped < until {
                return Ok(Some(Position::new(ledger, stopped - base)));
            }
        }
        Ok(in_memory)
    }

    /// The oldest entry that is kept.
    pub fn first_position(&self, topic: TopicId) -> Option<Position> {
        self.topic(topic)?.first()
    }

    /// The newest durable entry.
    pub fn last_position(&self, topic: TopicId) -> Option<Position> {
        self.topic(topic)?.last()
    }

    /// How many entries there are from a position on, up to another, that one not counted.
    pub fn entries_between(&self, topic: TopicId, from: Position, until: Position) -> u64 {
        self.topic(topic).map_or(0, |topic| topic.entries_between(from, until))
    }

    /// Where the entry is that has so many before it from a position on, if there are so many.
    pub fn nth_from(&self, topic: TopicId, from: Position, entries: u64) -> Option<Position> {
        self.topic(topic)?.nth_from(from, entries)
    }

    /// About how many bytes the entries from a position on take on the disk: within one segment, all count as
    /// equally large.
    pub fn bytes_from(&self, topic: TopicId, from: Position) -> u64 {
        self.topic(topic).map_or(0, |topic| topic.bytes_from(from))
    }

    /// The topics that have, or had, entries.
    pub fn topics(&self) -> Vec<TopicId> {
        let mut ids: Vec<_> = self.core().topics.read().keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// A topic's segments, oldest first.
    pub fn segments(&self, topic: TopicId) -> Vec<SegmentInfo> {
        self.topic(topic).map(|topic| topic.segments()).unwrap_or_default()
    }

    /// Lets go of a topic's segments that lie wholly before this position's; never of the newest. Takes
    /// effect at once; a crash can bring them back.
    pub fn trim_before(&self, topic: TopicId, position: Position) {
        if let Some(found) = self.topic(topic)
            && let Some(first) = found.trim(position.ledger)
        {
            self.core().intake.trim(topic, first);
        }
    }

    /// Deletes a topic. Takes effect at once; a crash right after can bring it back, so whoever knows which
    /// topics there should be compares [`Log::topics`] when it starts.
    pub fn delete_topic(&self, topic: TopicId) -> Result<(), AppendError> {
        self.core().delete(topic)
    }

    /// Brings everything whose commit has ended from the journal into the segments, and waits for that.
    pub fn checkpoint(&self) -> Result<(), Stopped> {
        self.core().intake.checkpoint().map_err(Stopped)
    }

    /// Commits what waits, makes a last checkpoint and ends. Later appends are refused.
    pub fn close(&self) -> Result<(), Stopped> {
        let stopped = self.core().close();
        let Some(threads) = self.running.threads.lock().take() else { return stopped.map_err(Stopped) };
        let ended = threads.end(self.core(), Last::Checkpoint);
        stopped.and(ended).map_err(Stopped)
    }

    fn topic(&self, id: TopicId) -> Option<Arc<Topic>> {
        self.core().topics.read().get(&id).map(Arc::clone)
    }
}

impl Checked {
    /// Opens the log, or makes it.
    pub fn open(self) -> Result<(Log, Recovered), OpenError> {
        Log::start(self)
    }
}

/// What the keeper still does before it ends.
#[derive(Clone, Copy)]
enum Last {
    Checkpoint,
    Nothing,
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(threads) = self.threads.lock().take() else { return };
        // Why the log stopped, if it did, was told to everyone whom it concerned.
        let _ = self.core.close();
        let _ = threads.end(&self.core, Last::Nothing);
    }
}

impl Threads {
    /// Ends both threads, the journal's first, which may still have something for the keeper. If the last
    /// handle of the log was a receiver's, this is one of the two: it cannot wait for itself.
    fn end(self, core: &Core, last: Last) -> Result<(), Arc<FileError>> {
        let here = thread::current().id();
        if self.journal.thread().id() == here || self.keeper.thread().id() == here {
            core.intake.stop();
            return Ok(());
        }
        let mut panicked = self.journal.join().is_err();
        let done = match last {
            Last::Checkpoint => core.intake.checkpoint(),
            Last::Nothing => Ok(()),
        };
        core.intake.stop();
        panicked |= self.keeper.join().is_err();
        if panicked {
            tracing::error!("a thread of the log panicked");
        }
        done
    }
}
