//! The one thread that writes: it takes every waiting command, syncs once and answers them all.
//!
//! One that fails, panics or waits is undone alone. Mostly it has written nothing, and nothing is to be done. If it
//! has, the whole batch is rolled back and the others run again, each in a savepoint, as do those of the next
//! batches: a savepoint makes SQLite copy every page that is written, a third of what a command costs it. SQLite
//! may roll back the whole transaction on its own (full disk, I/O error): then nobody is answered, and the
//! commands of the batch run again, each in its own transaction. A failed commit fails the whole batch:
//! a command that was refused may have been refused for what another one wrote.

use std::path::Path;
use std::thread;

use tokio::sync::{mpsc, watch};

use super::{control, open::keep_log_on_drop};
use crate::command::Job;
use crate::tx::{Session, Tx};
use crate::{DbError, DbOptions, OpenError};

/// Commands that wait for the writer; who comes later waits for a place.
const QUEUE_COMMANDS_MAX: usize = 1_024;
/// Commands that share a sync. It bounds how long the first waits for the last.
const BATCH_COMMANDS_MAX: usize = 512;
/// Batches that use savepoints after a command that wrote and failed: where one does, others will.
const CAREFUL_BATCHES: u32 = 32;

/// The way to the writer's thread.
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    /// Closed when the thread has ended.
    ended: watch::Receiver<()>,
}

enum Message {
    Run(Box<dyn Job>),
    Close,
}

impl Writer {
    pub(crate) fn start(
        path: &Path,
        options: &DbOptions,
        commits: watch::Sender<u64>,
    ) -> Result<Self, OpenError> {
        let tx = Tx::new(Session::Sqlite(super::open(path, options)?));
        let (queue, inbox) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let (alive, ended) = watch::channel(());
        thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || {
                Thread { tx, inbox, commits, careful: 0 }.run();
                drop(alive);
            })
            .map_err(|error| OpenError::Thread(error.to_string()))?;
        Ok(Self { queue, ended })
    }

    /// Queues a command; waits while the queue is full.
    pub(crate) async fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        self.queue.send(Message::Run(job)).await.map_err(|_| DbError::Closed)
    }

    /// Takes no more commands, and returns when those that were accepted are answered.
    pub(crate) async fn close(&self) {
        // An error says that it is closed already; the end is waited for in any case.
        let _ = self.queue.send(Message::Close).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

struct Thread {
    tx: Tx,
    inbox: mpsc::Receiver<Message>,
    commits: watch::Sender<u64>,
    /// Batches that are still to use savepoints.
    careful: u32,
}

/// What became of a command within a batch.
#[derive(PartialEq)]
enum Fate {
    Kept,
    Undone,
    /// It failed, and what it wrote can only be undone with what the commands before it wrote.
    Spoiled,
    /// The transaction is gone, and the work of the commands before this one with it.
    BatchLost,
}

/// A command that ran in the open transaction.
struct Ran {
    job: Box<dyn Job>,
    is_kept: bool,
}

impl Thread {
    fn run(mut self) {
        while let Some(message) = self.inbox.blocking_recv() {
            if let Some(job) = self.accept(message) {
                self.run_batch(job);
            }
        }
    }

    fn accept(&mut self, message: Message) -> Option<Box<dyn Job>> {
        match message {
            Message::Run(job) => (!job.is_abandoned()).then_some(job),
            Message::Close => {
                if let Err(error) = keep_log_on_drop(self.tx.sqlite(), false) {
                    tracing::debug!(%error, "the next start copies the log");
                }
                self.inbox.close();
                None
            }
        }
    }

    fn next_waiting(&mut self) -> Option<Box<dyn Job>> {
        loop {
            let message = self.inbox.try_recv().ok()?;
            if let Some(job) = self.accept(message) {
                return Some(job);
            }
        }
    }

    fn run_batch(&mut self, first: Box<dyn Job>) {
        if let Err(error) = self.begin() {
            return first.fail(error);
        }
        let mut ran = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            let mut one = Ran { job, is_kept: false };
            let mut fate = self.run_next(&mut *one.job);
            one.is_kept = fate == Fate::Kept;
            ran.push(one);
            if fate == Fate::Spoiled {
                fate = self.run_again(&mut ran);
            }
            if fate == Fate::BatchLost {
                tracing::warn!(commands = ran.len(), "SQLite rolled a batch back; its commands run again");
                return ran.into_iter().for_each(|one| self.run_alone(one.job));
            }
            next = if ran.len() < BATCH_COMMANDS_MAX { self.next_waiting() } else { None };
        }
        match self.end(ran.iter().any(|one| one.is_kept)) {
            Ok(()) => ran.into_iter().for_each(|one| one.job.answer()),
            Err(error) => ran.into_iter().for_each(|one| one.job.fail(error.clone())),
        }
        self.careful = self.careful.saturating_sub(1);
    }

    fn run_next(&self, job: &mut dyn Job) -> Fate {
        if self.careful > 0 {
            return self.run_in_savepoint(job);
        }
        let connection = self.tx.sqlite();
        // SQLite counts rows; a migration's texts change more than rows.
        let changes = || (connection.total_changes(), self.tx.texts());
        let before = changes();
        let keep = job.run(&self.tx);
        if connection.is_autocommit() {
            Fate::BatchLost
        } else if keep {
            Fate::Kept
        } else if changes() == before {
            Fate::Undone
        } else {
            Fate::Spoiled
        }
    }

    /// Undoes what the last command of a batch wrote: those before it run once more, with care. It does too if one of
    /// them came out otherwise, for then its failure may be another.
    fn run_again(&mut self, ran: &mut [Ran]) -> Fate {
        self.careful = CAREFUL_BATCHES;
        self.roll_back();
        if self.begin().is_err() {
            // Each will hear why, alone.
            return Fate::BatchLost;
        }
        let last = ran.len() - 1;
        let mut is_other = false;
        for (at, one) in ran.iter_mut().enumerate() {
            if at == last && !is_other {
                break;
            }
            let fate = self.run_in_savepoint(&mut *one.job);
            if fate == Fate::BatchLost {
                return Fate::BatchLost;
            }
            let is_kept = fate == Fate::Kept;
            is_other |= is_kept != one.is_kept;
            one.is_kept = is_kept;
        }
        Fate::Undone
    }

    fn run_in_savepoint(&self, job: &mut dyn Job) -> Fate {
        let connection = self.tx.sqlite();
        if control(connection, "SAVEPOINT command").is_err() {
            self.roll_back();
            // It did not run, and will alone.
            return Fate::BatchLost;
        }
        let keep = job.run(&self.tx);
        if connection.is_autocommit() {
            return Fate::BatchLost;
        }
        let undone = if keep { Ok(()) } else { control(connection, "ROLLBACK TO command") };
        if undone.and_then(|()| control(connection, "RELEASE command")).is_err() {
            self.roll_back();
            return Fate::BatchLost;
        }
        if keep { Fate::Kept } else { Fate::Undone }
    }

    fn run_alone(&self, mut job: Box<dyn Job>) {
        if let Err(error) = self.begin() {
            return job.fail(error);
        }
        let keep = job.run(&self.tx);
        if self.tx.sqlite().is_autocommit() {
            if keep {
                return job.fail(DbError::Unavailable("SQLite rolled the command back".to_owned()));
            }
            return job.answer();
        }
        match self.end(keep) {
            Ok(()) => job.answer(),
            Err(error) => job.fail(error),
        }
    }

    fn begin(&self) -> Result<(), DbError> {
        control(self.tx.sqlite(), "BEGIN IMMEDIATE")
    }

    /// Commits if there is something to keep. After an error nothing is.
    fn end(&self, keep: bool) -> Result<(), DbError> {
        if !keep {
            self.roll_back();
            return Ok(());
        }
        if let Err(error) = control(self.tx.sqlite(), "COMMIT") {
            tracing::error!(%error, "a commit failed");
            self.roll_back();
            return Err(error.of_commit());
        }
        self.commits.send_modify(|commits| *commits += 1);
        Ok(())
    }

    fn roll_back(&self) {
        if !self.tx.sqlite().is_autocommit()
            && let Err(error) = control(self.tx.sqlite(), "ROLLBACK")
        {
            // The next BEGIN fails then, and says why to who asked.
            tracing::error!(%error, "a rollback failed");
        }
    }
}
