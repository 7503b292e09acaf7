//! Why a relay does not go on, and what comes after.

use hexalpes_avro::NoRecord;
use hexalpes_client::{ConsumeError, OpenError, Refusal, SendError, ServerError, error::RequestError};
use hexalpes_db::{DbError, ErrorKind};
use hexalpes_worker::{Failure, Outlook};

use crate::message::Unfit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error("the outbox cannot be read: {0}")]
    Database(#[from] DbError),
    #[error("topic {topic} cannot be opened: {why}")]
    Open { topic: String, why: OpenError },
    #[error("the events of topic {topic} have no schema that can be used: {why}")]
    Schema { topic: String, why: NoRecord },
    #[error("an event is not what its type's schema says, and stays here with all after it: {0}")]
    Unfit(#[from] Unfit),
    #[error("another relay has this outbox; this one takes over when it ends")]
    Standby,
    #[error("a row cannot be published: {0}")]
    Send(#[from] SendError),
    #[error("the end of topic {topic} cannot be read: {why}")]
    Tail { topic: String, why: ConsumeError },
    #[error("the end of topic {topic} did not come in time")]
    TailSilent { topic: String },
    #[error("another relay took this outbox over, or it was reset")]
    Fenced,
    #[error(
        "the broker has row {stored} of topic {topic}, the outbox ends at {newest}: the database was restored \
         from an older copy; restore the broker's data of the same time, or reset both"
    )]
    DatabaseRestored { topic: String, stored: i64, newest: i64 },
    #[error(
        "row {row} of topic {topic} is event {published}, in the outbox it is {kept}: the database was \
         restored from an older copy and written to; restore the broker's data of the same time, or reset both"
    )]
    OtherEvent { topic: String, row: i64, published: String, kept: String },
    #[error(
        "topic {topic} ends at row {stored}, but rows up to {published} were published to it: its data was \
         lost; restore it, or reset both"
    )]
    TopicLost { topic: String, stored: i64, published: i64 },
    #[error(
        "rows were published to {had} partitions of topic {topic}, and it has {has}: it was made anew; restore \
         it, or reset both"
    )]
    PartitionsLost { topic: String, had: u32, has: u32 },
}

impl RelayError {
    /// Opening a producer failed. If its name is taken, another relay is at work, or the broker has not yet
    /// seen that the last one ended.
    pub(crate) fn open(topic: &str, why: OpenError) -> Self {
        match why {
            OpenError::Request(RequestError::Refused(Refusal {
                error: ServerError::ProducerBusy, ..
            })) => Self::Standby,
            why => Self::Open { topic: topic.to_owned(), why },
        }
    }
}

impl Failure for RelayError {
    fn outlook(&self) -> Outlook {
        match self {
            Self::Standby | Self::Fenced => Outlook::Standby,
            Self::Database(error) if error.kind() == ErrorKind::Corrupt => Outlook::Final,
            Self::Database(_)
            | Self::Open { .. }
            | Self::Send(_)
            | Self::Tail { .. }
            | Self::TailSilent { .. } => Outlook::Passing,
            Self::Schema { .. }
            | Self::Unfit(_)
            | Self::DatabaseRestored { .. }
            | Self::OtherEvent { .. }
            | Self::TopicLost { .. }
            | Self::PartitionsLost { .. } => Outlook::Final,
        }
    }
}
