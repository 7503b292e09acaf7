//! Compaction: of each key, the newest message is enough for who reads a topic as compacted.
//!
//! A run reads the topic twice, once for which message is the newest of its key and once for those that stay. These go
//! to the log under a new number and are synced; then the metadata names that number in one transaction, and the view
//! of before is removed. A crash in between leaves the one or the other, and what nothing names goes at the next start.
//! Positions stay what they were. The subscription `__compaction` stands where the topic is compacted up to, so that
//! nothing goes by retention before it was.

mod newest;
mod view;

use std::{sync::Arc, time::Duration};

use hexalpes_log::{AppendError, Appended, Entry, FileError, ReadError, Receipts};
use hexalpes_wire::TopicName;
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    broker::{AdminError, Broker, Shared},
    cursor_store::{self, Properties},
    metadata::MetadataError,
    options::DISPATCH_BYTES,
    subscription::{Cursor, Position},
    topic::Topic,
};

pub(crate) use newest::last_in_batch;
use newest::{Left, Newest, TooManyKeys};
pub(crate) use view::View;

/// Stands where a topic is compacted up to. Pulsar's name.
pub(crate) const SUBSCRIPTION: &str = "__compaction";

/// So many entries are read at once.
const READ_ENTRIES: usize = 1000;
/// So much is given to the log before it is waited for: producers share it.
const WRITTEN_BYTES: usize = 1 << 20;

/// How the last compaction of a topic went, since the broker was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactionStatus {
    /// `NOT_RUN`, `RUNNING`, `SUCCESS` or `ERROR`.
    pub status: &'static str,
    /// What went wrong; empty if nothing did.
    pub last_error: String,
}

/// What is counted of a topic's compactions, since the broker was opened; times in milliseconds, those at which
/// something happened since 1970, 0 for never.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactionStats {
    /// Messages.
    pub last_compaction_removed_event_count: u64,
    pub last_compaction_succeed_timestamp: u64,
    pub last_compaction_failed_timestamp: u64,
    #[serde(rename = "lastCompactionDurationTimeInMills")]
    pub last_compaction_duration_ms: u64,
    /// Messages, since the start, as the next two; for metrics alone.
    #[serde(skip)]
    pub removed_events: u64,
    #[serde(skip)]
    pub succeeded: u64,
    #[serde(skip)]
    pub failed: u64,
}

/// What is known of a topic's compactions beside what they left.
#[derive(Debug, Default)]
pub(crate) struct Compactions {
    state: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    is_running: bool,
    /// Why the last one failed; none if there was none yet.
    ended: Option<Result<(), String>>,
    stats: CompactionStats,
}

/// Why a topic was not compacted.
#[derive(Debug, thiserror::Error)]
enum CompactError {
    #[error(transparent)]
    Keys(#[from] TooManyKeys),
    #[error("entries cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("the log could not be written: {0}")]
    Disk(String),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("topic was deleted meanwhile")]
    Deleted,
    #[error("the broker stops")]
    Stopping,
}

impl Compactions {
    /// Says that one runs now, unless one does already.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().is_running, true)
    }

    fn end(&self, ended: Result<u64, String>, now_ms: u64, took: Duration) {
        let mut last = self.state.lock();
        last.is_running = false;
        if let Ok(removed) = &ended {
            last.stats.last_compaction_removed_event_count = *removed;
            last.stats.last_compaction_succeed_timestamp = now_ms;
            last.stats.removed_events += *removed;
            last.stats.succeeded += 1;
        } else {
            last.stats.last_compaction_failed_timestamp = now_ms;
            last.stats.failed += 1;
        }
        last.stats.last_compaction_duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        last.ended = Some(ended.map(drop));
    }

    fn status(&self) -> CompactionStatus {
        let last = self.state.lock();
        let (status, last_error) = match &last.ended {
            _ if last.is_running => ("RUNNING", String::new()),
            None => ("NOT_RUN", String::new()),
            Some(Ok(())) => ("SUCCESS", String::new()),
            Some(Err(why)) => ("ERROR", why.clone()),
        };
        CompactionStatus { status, last_error }
    }

    pub(crate) fn stats(&self) -> CompactionStats {
        self.state.lock().stats.clone()
    }
}

impl Broker {
    /// Begins to compact a topic, or each partition of one that has some. To be called within a tokio runtime.
    pub fn compact(&self, name: &TopicName) -> Result<(), AdminError> {
        let partitions = self.shared.partitioned.read().get(name).copied();
        let topics = match partitions {
            Some(partitions) => self.shared.partitions_there(name, partitions),
            None => vec![self.shared.existing(name)?],
        };
        if let Some(topic) = topics.iter().find(|topic| !topic.is_stored()) {
            return Err(AdminError::NotPersistent(topic.name.clone()));
        }
        let mut all = Ok(());
        for topic in topics {
            if topic.compactions.begin() {
                self.shared.spawn_compaction(topic);
            } else {
                all = Err(AdminError::Compacting(topic.name.clone()));
            }
        }
        all
    }

    pub fn compaction(&self, name: &TopicName) -> Result<CompactionStatus, AdminError> {
        Ok(self.shared.existing(name)?.compactions.status())
    }
}

impl Shared {
    /// Compacts a topic in the background, one after the other; it was said to be running.
    fn spawn_compaction(self: &Arc<Self>, topic: Arc<Topic>) {
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            // What they keep in mind is bounded for one. The semaphore is never closed.
            let _turn = shared.compacting.acquire().await;
            let worked = tokio::task::spawn_blocking({
                let (shared, topic) = (Arc::clone(&shared), Arc::clone(&topic));
                move || shared.compact_now(&topic)
            });
            if worked.await.is_err() {
                let why = "it ended in a panic".to_owned();
                topic.compactions.end(Err(why), shared.options.clock.now_ms(), Duration::ZERO);
            }
        });
    }

    fn compact_now(&self, topic: &Arc<Topic>) {
        let began = Instant::now();
        let ended = self.compact(topic);
        match &ended {
            Ok(removed) => tracing::debug!(topic = %topic.name, removed, "compacted a topic"),
            Err(CompactError::Stopping) => {}
            Err(error) => tracing::error!(topic = %topic.name, %error, "could not compact a topic"),
        }
        let ended = ended.map_err(|error| error.to_string());
        topic.compactions.end(ended, self.options.clock.now_ms(), began.elapsed());
    }

    /// Begins to compact the topics that have grown by as much as their policies say.
    pub(crate) fn compact_grown(self: &Arc<Self>) {
        let topics: Vec<_> = self.topics.read().values().filter(|topic| topic.is_stored()).cloned().collect();
        for topic in topics {
            let Some(threshold) = topic.rules().compaction_bytes else { continue };
            if let Err(error) = self.stand_for_compaction(&topic) {
                tracing::error!(topic = %topic.name, %error, "could not begin to see to a topic's compaction");
                continue;
            }
            if topic.uncompacted_bytes() > threshold && topic.compactions.begin() {
                self.spawn_compaction(topic);
            }
        }
    }

    /// Has the subscription that keeps what is not compacted yet.
    fn stand_for_compaction(&self, topic: &Topic) -> Result<(), MetadataError> {
        let _changing = self.changing.lock();
        // What was deleted meanwhile gets no cursor, which nobody would ever take away.
        let is_there = self.topics.read().get(&topic.name).is_some_and(|there| there.id == topic.id);
        if !is_there || topic.look(SUBSCRIPTION, |_, _| ()).is_some() {
            return Ok(());
        }
        let beginning = cursor_store::write(&Cursor::at(Position::EARLIEST), &Properties::default());
        self.metadata.put_cursor(&(topic.id, SUBSCRIPTION.to_owned(), beginning))?;
        topic.begin_subscriptions(&[SUBSCRIPTION.to_owned()]);
        Ok(())
    }

    /// Compacts a topic up to what is its end now. Gives back how many messages went.
    fn compact(&self, topic: &Topic) -> Result<u64, CompactError> {
        self.stand_for_compaction(topic)?;
        let horizon = topic.end();
        let before = topic.view();
        if before.is_none_or(|view| view.horizon < horizon) && horizon > Position::EARLIEST {
            let (id, removed) = self.write_view(topic, horizon)?;
            self.switch_view(topic, View { id, horizon })?;
            topic.with(SUBSCRIPTION, |sub, _| sub.machine.expire(horizon));
            return Ok(removed);
        }
        // A crash may have come between the view and the cursor, which would keep what nobody needs.
        if let Some(view) = before {
            topic.with(SUBSCRIPTION, |sub, _| sub.machine.expire(view.horizon));
        }
        Ok(0)
    }

    /// Writes what is left of a topic, so that it is on the disk, under a number that nothing names yet.
    fn write_view(
        &self,
        topic: &Topic,
        horizon: Position,
    ) -> Result<(hexalpes_log::TopicId, u64), CompactError> {
        let mut newest = Newest::default();
        let (mut there, mut left) = (0, 0);
        self.each(topic, horizon, |entry| {
            there += newest.add(entry.position, &entry.payload)?;
            Ok(())
        })?;
        let id = self.metadata.number_topic()?;
        let written: Arc<Written> = Arc::default();
        let receipts: Arc<dyn Receipts> = written.clone();
        let (mut told, mut bytes) = (0, 0);
        let wrote = self.each(topic, horizon, |entry| {
            let (stays, messages) = newest.left(entry.position, &entry.payload);
            let payload = match &stays {
                Left::Nothing => return Ok(()),
                Left::Whole => &entry.payload,
                Left::Part(part) => part,
            };
            left += messages;
            let prefix = view::prefix(entry.position);
            while let Err(error) = self.log.append(id, entry.stamp, &[&prefix, payload], &receipts, 0) {
                let AppendError::Crowded { .. } = error else { return Err(error.into()) };
                // Producers are at it: what waits is committed first.
                self.log.commit_now();
                written.wait_for(told)?;
            }
            told += 1;
            bytes += payload.len();
            if bytes >= WRITTEN_BYTES {
                bytes = 0;
                self.log.commit_now();
                written.wait_for(told)?;
            }
            Ok(())
        });
        let wrote = wrote.and_then(|()| {
            self.log.commit_now();
            written.wait_for(told)
        });
        if let Err(error) = wrote {
            // A log that takes nothing any more does not take this either; the next start removes it.
            let _ = self.log.delete_topic(id);
            return Err(error);
        }
        Ok((id, there - left))
    }

    /// From now on, and after a start, this is what is left of the topic.
    fn switch_view(&self, topic: &Topic, view: View) -> Result<(), CompactError> {
        let _changing = self.changing.lock();
        let is_there = self.topics.read().get(&topic.name).is_some_and(|there| there.id == topic.id);
        let switched = if is_there {
            self.metadata.put_view(topic.id, view).map_err(CompactError::from)
        } else {
            Err(CompactError::Deleted)
        };
        let gone = match switched {
            Ok(()) => topic.set_view(Some(view)),
            Err(_) => Some(view),
        };
        if let Some(View { id, .. }) = gone {
            // What stays, the next start removes.
            let _ = self.log.delete_topic(id);
        }
        switched
    }

    /// Goes through a topic as it is read as compacted, up to the horizon.
    fn each(
        &self,
        topic: &Topic,
        horizon: Position,
        mut visit: impl FnMut(&Entry) -> Result<(), CompactError>,
    ) -> Result<(), CompactError> {
        let mut from = Position::EARLIEST;
        while from <= horizon {
            if self.stop.is_cancelled() {
                return Err(CompactError::Stopping);
            }
            let entries = topic.read_as_compacted(from, READ_ENTRIES)?;
            let Some(last) = entries.last() else { break };
            from = last.position.next();
            for entry in entries.iter().filter(|entry| entry.position <= horizon) {
                visit(entry)?;
            }
        }
        Ok(())
    }
}

impl Topic {
    /// The entries from a position on, without those that compaction took out.
    pub(crate) fn read_as_compacted(&self, from: Position, entries: usize) -> Result<Vec<Entry>, ReadError> {
        loop {
            let view = self.view();
            let Some(compacted) = view.filter(|view| from <= view.horizon) else {
                return self.log.read(self.id, from, entries, DISPATCH_BYTES);
            };
            match compacted.read(&self.log, from, entries) {
                Ok(read) if !read.is_empty() => return Ok(read),
                // Another took its place while we read.
                _ if self.view() != view => {}
                Ok(_) => return self.log.read(self.id, compacted.horizon.next(), entries, DISPATCH_BYTES),
                Err(error) => return Err(error),
            }
        }
    }
}

/// How many entries are on the disk of those that were given to the log.
#[derive(Default)]
struct Written {
    state: Mutex<(u64, Option<String>)>,
    changed: Condvar,
}

impl Written {
    fn wait_for(&self, entries: u64) -> Result<(), CompactError> {
        let mut state = self.state.lock();
        loop {
            if let Some(why) = &state.1 {
                return Err(CompactError::Disk(why.clone()));
            }
            if state.0 >= entries {
                return Ok(());
            }
            self.changed.wait(&mut state);
        }
    }
}

impl Receipts for Written {
    fn synced(&self, appended: &[Appended]) {
        self.state.lock().0 += appended.len() as u64;
        self.changed.notify_all();
    }

    fn failed(&self, _: &[Appended], cause: &FileError) {
        self.state.lock().1 = Some(cause.to_string());
        self.changed.notify_all();
    }
}
