//! A command on its way to its database: the closure, where its result goes, and how it is run.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::{DbError, Tx};

/// A command whose types are forgotten, as the writer's queue holds it.
pub(crate) trait Job: Send {
    /// Nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// Runs the command and keeps its result; tells whether its changes may be kept. Can be called again.
    fn run(&mut self, tx: &Tx) -> bool;
    /// Sends the result of the last run.
    fn answer(self: Box<Self>);
    /// Sends an error in place of the result.
    fn fail(self: Box<Self>, error: DbError);
}

struct Command<F, T, E> {
    work: F,
    /// The span of the caller, so that what the command logs carries the caller's fields.
    span: tracing::Span,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

/// Makes a job of a closure, and the receiver of its result.
pub(crate) fn job<F, T, E>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: AsyncFn(&Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Box::new(Command { work, span: tracing::Span::current(), result: None, answer }), receiver)
}

impl<F, T, E> Job for Command<F, T, E>
where
    F: AsyncFn(&Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, tx: &Tx) -> bool {
        let result = self.span.in_scope(|| run_in_place(&self.work, tx));
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>) {
        let Self { work, result, answer, .. } = *self;
        // What the command holds is free before its caller hears that it has ended.
        drop(work);
        // The caller may have gone; the command was done all the same.
        let _ = answer.send(result.expect("a job is answered after it was run"));
    }

    fn fail(self: Box<Self>, error: DbError) {
        let Self { work, answer, .. } = *self;
        drop(work);
        let _ = answer.send(Err(error.into()));
    }
}

thread_local! {
    /// A command runs on this thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as one that runs a command, until it is dropped.
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter() -> Self {
        INSIDE.set(true);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// Refuses a transaction within a transaction: it would wait for itself, or act on its own.
pub(crate) fn refuse_nesting() -> Result<(), DbError> {
    if INSIDE.get() { Err(DbError::Nested) } else { Ok(()) }
}

/// Runs a command on this thread. A statement on SQLite never waits, so one poll is the whole run.
pub(crate) fn run_in_place<F, T, E>(work: &F, tx: &Tx) -> Result<T, E>
where
    F: AsyncFn(&Tx) -> Result<T, E>,
    E: From<DbError>,
{
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let _inside = Inside::enter();
        let command = pin!(work(tx));
        command.poll(&mut Context::from_waker(Waker::noop()))
    }));
    let failure = tx.take_failure();
    match polled {
        Ok(Poll::Ready(Ok(value))) => failure.map_or(Ok(value), |error| Err(error.into())),
        Ok(Poll::Ready(Err(error))) => Err(error),
        Ok(Poll::Pending) => Err(DbError::Waited.into()),
        Err(_) => Err(DbError::Panicked.into()),
    }
}
