//! What can go wrong between a command and its database, in one line each, without the data.

/// What to do with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same command may succeed later.
    Transient,
    /// The same command fails again: the statement or its values are at fault.
    Rejected,
    /// The database is damaged: stop, and restore it.
    Corrupt,
}

/// Why a statement, or the transaction around it, failed.
///
/// The text names tables, columns, constraints and engine codes, never a value that was bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    #[error("the database is not available: {0}")]
    Unavailable(String),
    #[error("the database's disk is full; free some space")]
    Full,
    /// Deadlocks, serialization failures, lock timeouts; on servers after the retries were spent.
    #[error("another transaction was in the way: {0}")]
    Conflict(String),
    #[error("the commit may or may not have happened: {0}")]
    CommitUnknown(String),
    #[error("a constraint refused it: {0}")]
    Constraint(String),
    #[error("the database refused the statement: {0}")]
    Statement(String),
    #[error("a value is out of range: {0}")]
    Range(&'static str),
    #[error("column {column}: {why}")]
    Column { column: String, why: &'static str },
    #[error("the row that was asked for does not exist")]
    NoRow,
    #[error("the command waited for something other than its database, and was rolled back")]
    Waited,
    #[error("a command asked for a transaction of its own inside the one that it was given")]
    Nested,
    #[error("the command panicked, and was rolled back")]
    Panicked,
    #[error("the database is closed")]
    Closed,
    #[error("the database is damaged: {0}")]
    Damaged(String),
}

impl DbError {
    /// A column that holds something else than it must.
    pub fn column(column: &str, why: &'static str) -> Self {
        Self::Column { column: column.to_owned(), why }
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) | Self::Full | Self::Conflict(_) | Self::CommitUnknown(_) | Self::Closed => {
                ErrorKind::Transient
            }
            Self::Constraint(_)
            | Self::Statement(_)
            | Self::Range(_)
            | Self::Column { .. }
            | Self::NoRow
            | Self::Waited
            | Self::Nested
            | Self::Panicked => ErrorKind::Rejected,
            Self::Damaged(_) => ErrorKind::Corrupt,
        }
    }

    /// What the error means when it is a commit's: if the way to the disk or the server broke, nobody
    /// knows how far the commit came.
    pub(crate) fn of_commit(self) -> Self {
        match self {
            Self::Unavailable(why) => Self::CommitUnknown(why),
            known => known,
        }
    }
}

/// Why a database could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("{path}: the folder does not exist")]
    NoFolder { path: String },
    #[error(
        "{path}: not a SQLite database, or one whose beginning is damaged; restore it from a backup, or name another"
    )]
    NotADatabase { path: String },
    #[error("{path}: it is damaged: {what}; restore it from a backup")]
    Damaged { path: String, what: String },
    #[error("{path}: it cannot be written; make it writable, or name another")]
    ReadOnly { path: String },
    #[error("{path}: it cannot be opened: {why}")]
    File { path: String, why: String },
    #[error("{path}: write-ahead logging is not available there (journal mode {mode})")]
    NoWriteAheadLog { path: String, mode: String },
    #[error("{url}: {why}")]
    Server { url: String, why: DbError },
    #[error("{url}: it is not there and cannot be made ({why}); have somebody run: {statement}")]
    NotMade { url: String, statement: String, why: DbError },
    #[error("the database's thread could not be started: {0}")]
    Thread(String),
}
