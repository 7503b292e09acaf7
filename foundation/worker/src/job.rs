//! What a worker is given to do.

use std::{fmt::Display, future::Future};

use tokio_util::sync::CancellationToken;

/// Opens what it needs, then works with it, as often as that takes.
pub trait Job: Send + 'static {
    /// What is open while it works: connections, files.
    type Session: Send;
    type Error: Failure;

    /// Gets everything that the work needs. Dropped halfway when the worker is told to stop.
    fn open(&mut self) -> impl Future<Output = Result<Self::Session, Self::Error>> + Send;

    /// Works, and ends well only after `stop` was cancelled: it finishes what it is at, and closes. It has
    /// [`STOP_PATIENCE`](crate::STOP_PATIENCE) for that, and is dropped then.
    fn run(
        &mut self,
        session: Self::Session,
        stop: &CancellationToken,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why a job cannot go on just now.
pub trait Failure: Display + Send {
    fn outlook(&self) -> Outlook;
}

/// What comes after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Nothing is wrong: it is somebody else's turn. Tried again.
    Standby,
    /// Something is away or in the way. Tried again.
    Passing,
    /// Going on could lose or repeat something, or can never work: the worker ends, until somebody starts
    /// it again.
    Final,
}
