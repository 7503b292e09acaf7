//! A log on a disk whose power can be cut, and everything that it ever acknowledged.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use hexalpes_files::{Files, ForgetfulFiles};
use hexalpes_log::{Appended, FileError, Log, OpenError, Options, Position, Receipts, Recovered, TopicId};

pub(crate) const DIR: &str = "/data/log";

/// So small that everything that happens with large logs happens within a few entries.
pub(crate) fn small() -> Options {
    Options {
        journal_file_bytes: 16 << 10,
        checkpoint_bytes: 32 << 10,
        segment_bytes: 4 << 10,
        segment_entries: 20,
        cache_bytes: 4 << 10,
        unwritten_bytes: 2 << 10,
        ..Options::default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    news: Mutex<News>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) synced: Vec<Appended>,
    pub(crate) failed: Vec<Appended>,
}

impl Receipts for Told {
    fn synced(&self, appended: &[Appended]) {
        self.news.lock().unwrap().synced.extend_from_slice(appended);
        self.changed.notify_all();
    }

    fn failed(&self, appended: &[Appended], _: &FileError) {
        self.news.lock().unwrap().failed.extend_from_slice(appended);
        self.changed.notify_all();
    }
}

impl Told {
    /// Waits until so many appends were told of.
    pub(crate) fn wait_for(&self, count: usize) {
        let news = self.news.lock().unwrap();
        let deadline = Duration::from_secs(30);
        let (_news, timeout) = self
            .changed
            .wait_timeout_while(news, deadline, |news| news.synced.len() + news.failed.len() < count)
            .unwrap();
        assert!(!timeout.timed_out(), "nobody was told of {count} appends");
    }

    pub(crate) fn synced(&self) -> Vec<Appended> {
        self.news.lock().unwrap().synced.clone()
    }

    pub(crate) fn failed(&self) -> Vec<Appended> {
        self.news.lock().unwrap().failed.clone()
    }
}

pub(crate) struct Bench {
    pub(crate) disk: ForgetfulFiles,
    pub(crate) options: Options,
    pub(crate) log: Log,
    pub(crate) recovered: Recovered,
    pub(crate) told: Arc<Told>,
}

pub(crate) fn try_open(disk: &ForgetfulFiles, options: &Options) -> Result<(Log, Recovered), OpenError> {
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    Log::open(&files, Path::new(DIR), options.clone())
}

impl Bench {
    pub(crate) fn new(options: Options) -> Self {
        Self::on(ForgetfulFiles::new(), options)
    }

    pub(crate) fn on(disk: ForgetfulFiles, options: Options) -> Self {
        let (log, recovered) = try_open(&disk, &options).unwrap();
        Self { disk, options, log, recovered, told: Arc::default() }
    }

    pub(crate) fn receipts(&self) -> Arc<dyn Receipts> {
        Arc::clone(&self.told) as Arc<dyn Receipts>
    }

    /// Appends and commits; the payload says which it is.
    pub(crate) fn put(&self, topic: u64, payload: &str) -> Position {
        let position = self.queue(topic, payload);
        self.log.commit_now();
        position
    }

    pub(crate) fn queue(&self, topic: u64, payload: &str) -> Position {
        self.log.append(TopicId(topic), 0, &[payload.as_bytes()], &self.receipts(), 0).unwrap()
    }

    /// Cuts the power and starts again.
    pub(crate) fn crash(self) -> Self {
        self.disk.forget();
        self.reopen()
    }

    pub(crate) fn reopen(self) -> Self {
        let Self { disk, options, log, .. } = self;
        drop(log);
        Self::on(disk, options)
    }

    pub(crate) fn payloads(&self, topic: u64) -> Vec<String> {
        payloads(&self.log, topic)
    }
}

/// Everything in a topic, read piece by piece, with the positions checked on the way.
pub(crate) fn entries(log: &Log, topic: u64) -> Vec<(Position, String)> {
    let (mut from, mut all) = (Position::EARLIEST, Vec::new());
    loop {
        let piece = log.read(TopicId(topic), from, 7, 1000).unwrap();
        let Some(last) = piece.last() else { break };
        from = last.position.next();
        all.extend(piece.into_iter().map(|e| (e.position, String::from_utf8(e.payload.to_vec()).unwrap())));
    }
    assert!(all.is_sorted_by(|one, next| one.0 < next.0), "{all:?}");
    all
}

pub(crate) fn payloads(log: &Log, topic: u64) -> Vec<String> {
    entries(log, topic).into_iter().map(|(_, payload)| payload).collect()
}
