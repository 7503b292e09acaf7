//! SQLite's result codes as our errors.

use rusqlite::{Error, ErrorCode, ffi};

use crate::DbError;

pub(super) fn db_error(error: &Error) -> DbError {
    match error {
        Error::SqliteFailure(failure, message) => from_code(*failure, message.as_deref()),
        // Its text is SQLite's complaint about our statement, where values are placeholders.
        Error::SqlInputError { msg, .. } => DbError::Statement(one_line(msg)),
        Error::ToSqlConversionFailure(_) => DbError::Range("an integer above 9223372036854775807"),
        Error::InvalidParameterCount(..) => {
            DbError::Statement("its placeholders and values differ".to_owned())
        }
        // The rest is about reading rows in ways that we do not use; its text holds no values.
        other => DbError::Statement(one_line(&other.to_string())),
    }
}

fn from_code(failure: ffi::Error, message: Option<&str>) -> DbError {
    let said = || {
        let code = failure.extended_code;
        match message {
            Some(message) => format!("{} (SQLite {code})", one_line(message)),
            None => format!("SQLite {code}"),
        }
    };
    match failure.code {
        ErrorCode::ConstraintViolation => DbError::Constraint(said()),
        ErrorCode::DiskFull => DbError::Full,
        // There is no room for the index of the write-ahead log, which SQLite sees to before it uses it.
        ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => DbError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Conflict(said()),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => DbError::Damaged(said()),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted
        | ErrorCode::OperationAborted
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::SchemaChanged => DbError::Unavailable(said()),
        _ => DbError::Statement(said()),
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
