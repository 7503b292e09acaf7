//! Why a consumer does not go on just now.

use hexalpes_client::{ConsumeError, OpenError};
use hexalpes_db::{DbError, ErrorKind};
use hexalpes_worker::{Failure, Outlook};

#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the inbox cannot be used: {0}")]
    Database(#[from] DbError),
    #[error("the topic cannot be subscribed to: {0}")]
    Open(#[from] OpenError),
    #[error("the topic cannot be consumed: {0}")]
    Consume(#[from] ConsumeError),
}

impl Failure for SessionError {
    fn outlook(&self) -> Outlook {
        let is_final = match self {
            Self::Database(error) => error.kind() == ErrorKind::Corrupt,
            Self::Open(error) => matches!(error, OpenError::Topic(_)),
            Self::Consume(_) => false,
        };
        if is_final { Outlook::Final } else { Outlook::Passing }
    }
}
