//! What leaders hand to the keeper: committed groups, and wishes.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::{cache::Group, error::FileError, position::TopicId};

#[derive(Debug)]
pub(crate) struct Intake {
    state: Mutex<State>,
    /// The keeper waits here for work.
    work: Condvar,
    /// Leaders wait here for room, and others for checkpoints.
    done: Condvar,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From so many bytes of groups on, they are written.
    pub(crate) write_from_bytes: usize,
    /// With so many, leaders wait.
    pub(crate) bytes_max: usize,
    /// From so many bytes on since the last checkpoint, there is another.
    pub(crate) checkpoint_from_bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    groups: Vec<Group>,
    bytes: usize,
    journalled_bytes: u64,
    trims: Vec<(TopicId, u64)>,
    next_file: bool,
    checkpoints_asked: u64,
    checkpoints_done: u64,
    stop: bool,
    failure: Option<Arc<FileError>>,
}

/// What the keeper has to do next, in this order.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) groups: Vec<Group>,
    pub(crate) trims: Vec<(TopicId, u64)>,
    /// The number of the checkpoint to make, if one is due.
    pub(crate) checkpoint: Option<u64>,
    pub(crate) next_file: bool,
    pub(crate) stop: bool,
}

impl Intake {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { state: Mutex::default(), work: Condvar::new(), done: Condvar::new(), limits }
    }

    /// Takes a durable group. Waits if too much has piled up.
    pub(crate) fn push(&self, group: Group, next_file: bool) {
        let mut state = self.state.lock();
        while state.bytes > self.limits.bytes_max && state.failure.is_none() {
            self.done.wait(&mut state);
        }
        state.bytes += group.bytes();
        state.journalled_bytes += group.journal_bytes();
        state.next_file |= next_file;
        if group.ends_a_topic() {
            state.checkpoints_asked += 1;
        }
        state.groups.push(group);
        if self.is_due(&state) {
            self.work.notify_one();
        }
    }

    pub(crate) fn trim(&self, topic: TopicId, before_ledger: u64) {
        let mut state = self.state.lock();
        state.trims.push((topic, before_ledger));
        state.checkpoints_asked += 1;
        self.work.notify_one();
    }

    /// Asks for a checkpoint of everything pushed so far, and waits for it.
    pub(crate) fn checkpoint(&self) -> Result<(), Arc<FileError>> {
        let mut state = self.state.lock();
        state.checkpoints_asked += 1;
        let asked = state.checkpoints_asked;
        self.work.notify_one();
        while state.checkpoints_done < asked && state.failure.is_none() && !state.stop {
            self.done.wait(&mut state);
        }
        match &state.failure {
            Some(failure) => Err(Arc::clone(failure)),
            None => Ok(()),
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.work.notify_one();
    }

    /// Waits until there is something worth doing.
    pub(crate) fn wait(&self) -> Work {
        let mut state = self.state.lock();
        while !self.is_due(&state) {
            self.work.wait(&mut state);
        }
        let due = state.checkpoints_asked > state.checkpoints_done
            || state.journalled_bytes >= self.limits.checkpoint_from_bytes;
        if due {
            state.journalled_bytes = 0;
            state.checkpoints_asked = state.checkpoints_asked.max(state.checkpoints_done + 1);
        }
        Work {
            groups: std::mem::take(&mut state.groups),
            trims: std::mem::take(&mut state.trims),
            checkpoint: due.then_some(state.checkpoints_asked),
            next_file: std::mem::take(&mut state.next_file),
            stop: state.stop,
        }
    }

    /// The keeper has written these many bytes of groups, and perhaps made a checkpoint.
    pub(crate) fn finished(&self, bytes: usize, checkpoint: Option<u64>) {
        let mut state = self.state.lock();
        state.bytes -= bytes;
        if let Some(number) = checkpoint {
            state.checkpoints_done = number;
        }
        self.done.notify_all();
    }

    /// The keeper could not go on: nobody needs to wait for it.
    pub(crate) fn fail(&self, failure: &Arc<FileError>) {
        self.state.lock().failure = Some(Arc::clone(failure));
        self.done.notify_all();
    }

    fn is_due(&self, state: &State) -> bool {
        state.bytes >= self.limits.write_from_bytes
            || state.journalled_bytes >= self.limits.checkpoint_from_bytes
            || state.checkpoints_asked > state.checkpoints_done
            || state.next_file
            || state.stop
    }
}
