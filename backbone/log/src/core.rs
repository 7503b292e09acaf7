//! What the log's threads and its callers share, and how a commit goes.
//!
//! Whoever *leads* takes everything that waits, writes it as one group, syncs once and gives out the
//! receipts. One leads at a time; that alone keeps groups and receipts in order. A caller may lead on its
//! own thread, for one group: a single publish in flight then never waits for another thread to wake up,
//! which takes about as long as half a sync. What has come to wait meanwhile goes to the journal thread,
//! which leads as long as there is something: so the caller gets back to its connection, and under load
//! groups are as large as what arrives during one sync.

use std::{
    collections::{HashMap, VecDeque},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use hexalpes_files::DirLock;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::{
    cache::Group,
    error::FileError,
    intake::Intake,
    journal::writer::{Slots, Writer},
    options::Options,
    position::{Position, TopicId},
    queue::{AppendError, Batch, Queue, runs},
    receipts::Receipts,
    segment::reader::OpenSegments,
    topic::Topic,
};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    waiting: Mutex<Waiting>,
    /// The journal thread waits here for something to lead.
    journal: Condvar,
    /// Locked by who leads, and by nobody else.
    writer: Mutex<Writer>,
    pub(crate) topics: RwLock<HashMap<TopicId, Arc<Topic>>>,
    pub(crate) segments: OpenSegments,
    pub(crate) slots: Arc<Slots>,
    pub(crate) intake: Intake,
    _lock: DirLock,
}

#[derive(Debug)]
struct Waiting {
    queue: Queue,
    led: bool,
    /// Somebody wants the journal thread to lead.
    wanted: bool,
    /// Nothing more is written, because something could not be.
    stopped: Option<Arc<FileError>>,
    /// Nothing more is taken, and the journal thread ends when nothing waits.
    closed: bool,
}

impl Core {
    #[allow(clippy::too_many_arguments, reason = "the one place where all parts come together")]
    pub(crate) fn new(
        options: Options,
        lock: DirLock,
        queue: Queue,
        writer: Writer,
        slots: Arc<Slots>,
        topics: HashMap<TopicId, Arc<Topic>>,
        segments: OpenSegments,
        intake: Intake,
    ) -> Self {
        Self {
            options,
            waiting: Mutex::new(Waiting { queue, led: false, wanted: false, stopped: None, closed: false }),
            journal: Condvar::new(),
            writer: Mutex::new(writer),
            topics: RwLock::new(topics),
            segments,
            slots,
            intake,
            _lock: lock,
        }
    }

    pub(crate) fn append(
        &self,
        id: TopicId,
        stamp: u64,
        parts: &[&[u8]],
        receipts: &Arc<dyn Receipts>,
        token: u64,
    ) -> Result<Position, AppendError> {
        let mut waiting = self.waiting.lock();
        waiting.check()?;
        waiting.queue.append(id, stamp, parts, receipts, token, || {
            let topic = Arc::new(Topic::new(id, VecDeque::new()));
            self.topics.write().insert(id, Arc::clone(&topic));
            topic
        })
    }

    pub(crate) fn delete(&self, id: TopicId) -> Result<(), AppendError> {
        let mut waiting = self.waiting.lock();
        waiting.check()?;
        waiting.queue.delete(id);
        self.topics.write().remove(&id);
        drop(waiting);
        self.wake();
        Ok(())
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting.lock().queue.waiting_bytes()
    }

    pub(crate) fn next_ledger(&self) -> u64 {
        self.waiting.lock().queue.next_ledger()
    }

    /// Leads one group on this thread, unless somebody leads already.
    pub(crate) fn commit_now(&self) {
        let mut waiting = self.waiting.lock();
        if !waiting.led
            && let Some(batch) = waiting.queue.take()
        {
            let lead = Lead::take(self, &mut waiting);
            drop(waiting);
            self.commit(batch);
            drop(lead);
        }
    }

    /// Sees to it that somebody will lead.
    pub(crate) fn wake(&self) {
        let mut waiting = self.waiting.lock();
        if !waiting.led && !waiting.queue.is_empty() {
            waiting.wanted = true;
            self.journal.notify_one();
        }
    }

    /// The journal thread: leads whatever nobody else leads, until the log is closed and nothing waits.
    pub(crate) fn run_journal(&self) {
        loop {
            let mut waiting = self.waiting.lock();
            while waiting.led || !waiting.wanted {
                self.journal.wait(&mut waiting);
            }
            let Some(batch) = waiting.queue.take() else {
                waiting.wanted = false;
                if waiting.closed {
                    return;
                }
                continue;
            };
            let lead = Lead::take(self, &mut waiting);
            drop(waiting);
            self.commit(batch);
            drop(lead);
        }
    }

    fn commit(&self, mut batch: Batch) {
        let mut writer = self.writer.lock();
        let stopped = self.waiting.lock().stopped.clone();
        let written = match stopped {
            Some(cause) => Err(cause),
            None => writer.write(&mut batch).map_err(Arc::new),
        };
        let next_file = writer.wants_next_file();
        drop(writer);
        let receivers = std::mem::take(&mut batch.receivers);
        let appended = std::mem::take(&mut batch.appended);
        let group = written.map(|end| Group::new(batch, end));
        match &group {
            Ok(group) => group.publish(),
            Err(cause) => self.stop(cause),
        }
        // A receiver that panics must not keep the news from the others, or the group from the segments.
        let mut panicked = None;
        for (receiver, run) in runs(&receivers, appended.len()) {
            let tell = || match &group {
                Ok(_) => receiver.synced(&appended[run]),
                Err(cause) => receiver.failed(&appended[run], cause),
            };
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(tell)) {
                panicked = Some(payload);
            }
        }
        // After the receipts, for it waits if the keeper is far behind.
        if let Ok(group) = group {
            self.intake.push(group, next_file);
        }
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
    }

    /// Takes no more entries, for good. Those that wait are told when their turn comes.
    pub(crate) fn stop(&self, cause: &Arc<FileError>) {
        let mut waiting = self.waiting.lock();
        if waiting.stopped.is_none() {
            tracing::error!(%cause, "the log takes no more entries");
            waiting.stopped = Some(Arc::clone(cause));
        }
        waiting.wanted = true;
        self.journal.notify_one();
    }

    /// Takes no more entries; what waits is still committed. Returns why it had stopped before, if it had.
    pub(crate) fn close(&self) -> Result<(), Arc<FileError>> {
        let mut waiting = self.waiting.lock();
        waiting.closed = true;
        waiting.wanted = true;
        self.journal.notify_one();
        waiting.stopped.clone().map_or(Ok(()), Err)
    }
}

/// The lead, given back when dropped, also by a receiver's panic: nobody else could ever commit.
struct Lead<'a>(&'a Core);

impl<'a> Lead<'a> {
    fn take(core: &'a Core, waiting: &mut Waiting) -> Self {
        waiting.led = true;
        Self(core)
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.led = false;
        if !waiting.queue.is_empty() || waiting.closed {
            waiting.wanted = true;
        }
        if waiting.wanted {
            self.0.journal.notify_one();
        }
    }
}

impl Waiting {
    fn check(&self) -> Result<(), AppendError> {
        match &self.stopped {
            Some(cause) => Err(AppendError::Stopped(Arc::clone(cause))),
            None if self.closed => Err(AppendError::Closed),
            None => Ok(()),
        }
    }
}
