//! Why a relay does not go on, and what comes after.

use hexalpes_avro::NoRecord;
use hexalpes_capture::{LogError, Mend};
use hexalpes_client::{ConsumeError, OpenError, SendError, ServerError, error::RequestError};
use hexalpes_db::{DbError, ErrorKind};
use hexalpes_worker::{Failure, Outlook};

use crate::{message::Unfit, shape::ShapeError};

/// What an operator decides when nobody knows what of a log was published.
const WAYS_OUT: &str = "`hexalpes relay resnapshot` publishes what is not marked as published, and of a table that others write all \
                        rows again; `hexalpes relay skip` goes on with what comes from now on";

#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error("the outbox cannot be read: {0}")]
    Database(#[from] DbError),
    #[error("topic {topic} cannot be opened: {why}")]
    Open { topic: String, why: OpenError },
    #[error("the events of topic {topic} have no schema that can be used: {why}")]
    Schema { topic: String, why: NoRecord },
    #[error("an event is not what its type's schema says: {0}")]
    Unfit(#[from] Unfit),
    #[error("a row of the log is no row of an outbox, and all after it waits: {0}")]
    Shape(#[from] ShapeError),
    #[error("another relay has this outbox; this one takes over when it ends")]
    Standby,
    #[error("a row cannot be published: {0}")]
    Send(#[from] SendError),
    /// None of them is to blame by itself: each was found fit before.
    #[error("rows of one read cannot be published: {0}")]
    SendTogether(SendError),
    #[error("the end of topic {topic} cannot be read: {why}")]
    Tail { topic: String, why: ConsumeError },
    #[error("the end of topic {topic} did not come in time")]
    TailSilent { topic: String },
    #[error("it is paused by {0}")]
    Paused(String),
    #[error("the database's log cannot be read: {0}")]
    Log(LogError),
    #[error("{what} is another reader's, and this relay waits for its turn; {mend}")]
    Taken { what: String, mend: Mend },
    #[error("{what}; {mend}, and go on with `hexalpes relay restart`")]
    Clash { what: String, mend: Mend },
    /// Rows would be lost.
    #[error("the database's log cannot be read on: {what}; {mend}; {}", WAYS_OUT)]
    Gap { what: String, mend: Mend },
    #[error(
        "the database's log is another one than before ({has}, it was {had}): after a failover or from a backup nobody \
         knows what of it was published; {}",
        WAYS_OUT
    )]
    OtherLog { had: String, has: String },
    #[error(
        "the outbox's table was made anew, or its log did not have its rows for a while (it was not in the publication): what \
         was inserted then is not published; {}",
        WAYS_OUT
    )]
    Left,
    #[error(
        "the log has event {id} as a row that was inserted with the mark of one that is published, as the rows of a restored copy \
         are: nobody knows what of the log was published; {}",
        WAYS_OUT
    )]
    Restored { id: String },
    #[error(
        "event {id} was published, and is not in the outbox any more: the database was restored from an older copy; {}",
        WAYS_OUT
    )]
    Undone { id: String },
    #[error(
        "rows that were there before are being taken in the order of column {had:?}, and not of {has:?}: name {had:?} again with \
         hexalpes.snapshot.key, or begin anew with `hexalpes relay resnapshot`, which publishes all rows again"
    )]
    OtherKey { had: String, has: String },
    #[error(
        "{rows} rows that were being published are not in the outbox any more, and not on all topics: {keys}; put them back, or \
         go on with `hexalpes relay resnapshot`"
    )]
    RowsGone { rows: usize, keys: String },
    #[error(
        "the broker has row {stored} of topic {topic}, and no row after {sent} was ever sent: the database was restored \
         from an older copy; restore the broker's data of the same time, or reset both; where its log is read, {}",
        WAYS_OUT
    )]
    NeverSent { topic: String, stored: i64, sent: i64 },
    #[error("another relay took this outbox over, or it was reset")]
    Fenced,
    #[error(
        "the broker has row {stored} of topic {topic}, the outbox ends at {newest}: the database was restored \
         from an older copy; restore the broker's data of the same time, or reset both; where its log is read, {}",
        WAYS_OUT
    )]
    DatabaseRestored { topic: String, stored: i64, newest: i64 },
    #[error(
        "row {row} of topic {topic} is event {published}, in the outbox it is {kept}: the database was \
         restored from an older copy and written to; restore the broker's data of the same time, or reset both; where its log \
         is read, {}",
        WAYS_OUT
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
    /// Whether the row is to blame, and not what it goes to: no other row of another aggregate need wait for it.
    pub(super) fn is_of_the_row(&self) -> bool {
        match self {
            Self::Unfit(_)
            | Self::Schema { .. }
            | Self::Send(SendError::TooLarge { .. } | SendError::HeadersTooLarge { .. }) => true,
            Self::Open { why: OpenError::Request(RequestError::Refused(refusal)), .. } => {
                matches!(refusal.error, ServerError::IncompatibleSchema)
            }
            Self::Database(error) => error.kind() == ErrorKind::Corrupt,
            _ => false,
        }
    }

    /// Whether the database does not answer.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Log(why) => matches!(why, LogError::Unreachable(_)),
            Self::Database(why) => matches!(why, DbError::Unavailable(_)),
            _ => false,
        }
    }

    pub(crate) fn open(topic: &str, why: OpenError) -> Self {
        Self::Open { topic: topic.to_owned(), why }
    }

    /// Of a topic whose names say who has the outbox. If the name is taken there, another relay is at work, or the broker has
    /// not yet seen that the last one ended. Anything else that keeps a producer out is nobody's turn.
    pub(super) fn or_standby(self) -> Self {
        match self {
            Self::Open { why: OpenError::Request(RequestError::Refused(refusal)), .. }
                if refusal.is_name_taken() =>
            {
                Self::Standby
            }
            other => other,
        }
    }
}

impl From<LogError> for RelayError {
    fn from(why: LogError) -> Self {
        match why {
            LogError::Gap { what, mend } => Self::Gap { what, mend },
            LogError::Taken { what, mend } => Self::Taken { what, mend },
            LogError::Clash { what, mend } => Self::Clash { what, mend },
            why => Self::Log(why),
        }
    }
}

impl Failure for RelayError {
    fn outlook(&self) -> Outlook {
        match self {
            Self::Standby
            | Self::Fenced
            | Self::Paused(_)
            | Self::Log(LogError::Taken { .. })
            | Self::Taken { .. } => Outlook::Standby,
            Self::Database(error) if error.kind() == ErrorKind::Corrupt => Outlook::Final,
            Self::Database(_)
            | Self::Log(LogError::Unreachable(_) | LogError::Refused { .. })
            | Self::Open { .. }
            | Self::Send(_)
            | Self::SendTogether(_)
            | Self::Tail { .. }
            | Self::TailSilent { .. } => Outlook::Passing,
            Self::Schema { .. }
            | Self::Shape(_)
            | Self::Unfit(_)
            | Self::Log(LogError::Clash { .. } | LogError::Gap { .. } | LogError::Unreadable(_))
            | Self::Clash { .. }
            | Self::Gap { .. }
            | Self::OtherLog { .. }
            | Self::Left
            | Self::Restored { .. }
            | Self::Undone { .. }
            | Self::OtherKey { .. }
            | Self::RowsGone { .. }
            | Self::NeverSent { .. }
            | Self::DatabaseRestored { .. }
            | Self::OtherEvent { .. }
            | Self::TopicLost { .. }
            | Self::PartitionsLost { .. } => Outlook::Final,
        }
    }
}
