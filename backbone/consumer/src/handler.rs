//! What a context gives to have its part of an event done.

use std::fmt;

use hexalpes_db::{DbError, ErrorKind, Tx};
use hexalpes_kernel::Cause;
use serde::Serialize;

use crate::Event;

/// Acts on the events of one topic.
pub trait Handler: Send + Sync + 'static {
    /// Does what the event asks for, in the transaction that also notes that it was done. Whatever the handler
    /// returns `Ok` for is never brought again, also what is none of its business.
    ///
    /// It waits for its statements and nothing else, and may be run more than once, each time as if it were
    /// the first.
    #[expect(async_fn_in_trait, reason = "a transaction stays on its thread, and so does what runs in it")]
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError>;
}

/// Why a handler did not do its part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// It never will: the event becomes a dead letter at once.
    #[error("{0}")]
    Rejected(Rejection),
    /// It names something that is not known here yet, such as `conversion conv-1`. Waited for, within
    /// [`Patience::unknown_max`](crate::Patience::unknown_max).
    #[error("{what} is not known here")]
    Unknown { what: String },
    /// It may next time, without anybody changing anything.
    #[error("{why}")]
    Transient { why: String },
    /// Nobody foresaw this.
    #[error("{why}")]
    Unexpected { why: String },
    #[error(transparent)]
    Database(#[from] DbError),
}

impl HandleError {
    /// What the event says is not what its type is to say: `invalid_event`.
    pub fn invalid_event(why: impl fmt::Display) -> Self {
        Self::Rejected(Rejection::new("invalid_event", why.to_string()))
    }
}

/// A field of an event's data, read by somebody: [`HandleError::invalid_event`] with its name where it does not fit.
pub fn field<T, E: fmt::Display>(name: &str, value: Result<T, E>) -> Result<T, HandleError> {
    value.map_err(|error| HandleError::invalid_event(format!("{name}: {error}")))
}

/// As [`field`], of one that is a word among some.
pub fn word<T>(name: &str, word: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, HandleError> {
    field(name, parse(word).ok_or_else(|| format!("{word} is none that is known")))
}

/// A refusal, as the dead letter tells it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Rejection {
    /// Stable, for programs: `duplicate_conversion`.
    pub code: String,
    pub detail: String,
    pub errors: Vec<FieldRejection>,
}

/// What is wrong with one field of the event's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldRejection {
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
    pub code: String,
    pub message: String,
}

impl Rejection {
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into(), errors: Vec::new() }
    }
}

/// What a failed run means for what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// Never again.
    Reject(Rejection),
    /// Again when what it names may be known.
    Await { what: String },
    /// Again, as long as its budget lasts.
    Retry { why: String, is_transient: bool },
    /// Not this event's fault, and no other would fare better: the worker waits for the database.
    Outage(DbError),
    /// Stop: going on could do harm.
    Stop(DbError),
}

impl From<HandleError> for Consequence {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Rejected(rejection) => Self::Reject(rejection),
            HandleError::Unknown { what } => Self::Await { what },
            HandleError::Transient { why } => Self::Retry { why, is_transient: true },
            HandleError::Unexpected { why } => Self::Retry { why, is_transient: false },
            HandleError::Database(error) => match (error.kind(), &error) {
                (ErrorKind::Corrupt, _) => Self::Stop(error),
                (ErrorKind::Rejected, _) => Self::Retry { why: error.to_string(), is_transient: false },
                (ErrorKind::Transient, DbError::Conflict(_)) => {
                    Self::Retry { why: error.to_string(), is_transient: true }
                }
                (ErrorKind::Transient, _) => Self::Outage(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_nobodys_fault() {
        let consequence = |error: DbError| Consequence::from(HandleError::from(error));
        for away in [DbError::Full, DbError::Closed, DbError::Unavailable(String::new())] {
            assert_eq!(consequence(away.clone()), Consequence::Outage(away));
        }
        let damaged = DbError::Damaged("page 7".to_owned());
        assert_eq!(consequence(damaged.clone()), Consequence::Stop(damaged));
        let retried = |error| match consequence(error) {
            Consequence::Retry { is_transient, .. } => is_transient,
            other => panic!("{other:?}"),
        };
        assert!(retried(DbError::Conflict("deadlock".to_owned())));
        assert!(!retried(DbError::Panicked));
    }
}
