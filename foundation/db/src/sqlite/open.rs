//! Opens the file, once for writing and more often for reading, or says in one line why it cannot.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use crate::{DbOptions, OpenError};

/// How long a statement waits for a lock that another process holds.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// A command uses a handful of statements, a context some dozens of commands.
const PREPARED_STATEMENTS_MAX: usize = 256;
/// The write-ahead log goes back to this size after it grew under load.
const WAL_BYTES_KEPT: i64 = 64 << 20;
/// The log is copied into the file once it has this many pages (4 KiB each): seldom enough not to be
/// felt, often enough that reads stay fast.
const WAL_PAGES_MAX: i64 = 4_000;

/// A file of at most this size is looked through when it is opened, to notice damage before anyone relies on
/// it. In a larger one it is noticed when it is met.
const CHECKED_BYTES_MAX: i64 = 32 << 20;

/// Opens the file for its one writer, and creates it if it is missing (not its folder).
pub(crate) fn open(path: &Path, options: &DbOptions) -> Result<Connection, OpenError> {
    let shown = || path.display().to_string();
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(OpenError::NoFolder { path: shown() }),
    };
    if !folder.is_dir() {
        return Err(OpenError::NoFolder { path: shown() });
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
        .map_err(|error| open_error(path, &error))?;
    if connection.is_readonly("main").map_err(|error| open_error(path, &error))? {
        return Err(OpenError::ReadOnly { path: shown() });
    }
    // Who only looked leaves the log to the next one, too: `Db::close` takes this back.
    keep_log_on_drop(&connection, true).map_err(|error| open_error(path, &error))?;
    check(&connection, path)?;
    let mode = prepare_for_writing(&connection, options).map_err(|error| open_error(path, &error))?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: shown(), mode });
    }
    // SQLite syncs the folder for its log, not for the file itself.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| OpenError::File { path: shown(), why: error.to_string() })?;
    Ok(connection)
}

/// Whether the write-ahead log stays as it is when the connection is dropped, or is copied into the file.
pub(super) fn keep_log_on_drop(connection: &Connection, keep: bool) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}

/// Opens the file once more, for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Error> {
    // A connection is used by one thread at a time, so SQLite need not lock it.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS_MAX);
    // Otherwise a quoted name that is no column is taken for text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Otherwise a statement that compares with a parameter is compiled again whenever that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Refuses a file whose pages do not fit together. SQLite has no checksums: a changed value goes unnoticed.
fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let ask = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let bytes = ask("PRAGMA page_count").and_then(|pages| Ok(pages * ask("PRAGMA page_size")?));
    if bytes.map_err(|error| open_error(path, &error))? > CHECKED_BYTES_MAX {
        return Ok(());
    }
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| open_error(path, &error))?;
    if found == "ok" {
        return Ok(());
    }
    // The first line names the database, `main`.
    let what = found.lines().last().unwrap_or_default().to_owned();
    Err(OpenError::Damaged { path: path.display().to_string(), what })
}

/// Sets what the file and its writer need, takes the write lock once to see that it can be had, and
/// gives the journal mode that the file ended up with.
fn prepare_for_writing(connection: &Connection, options: &DbOptions) -> Result<String, Error> {
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
    if let Some(bytes_max) = options.sqlite_bytes_max {
        let page_bytes: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        connection.pragma_update(
            None,
            "max_page_count",
            i64::try_from(bytes_max).unwrap_or(i64::MAX) / page_bytes,
        )?;
    }
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
    Ok(mode)
}

fn open_error(path: &Path, error: &Error) -> OpenError {
    let path = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path, what: "its pages do not fit together".to_owned() }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::ReadOnly { path },
        _ => OpenError::File { path, why: super::db_error(error).to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 is `FULL`: in WAL mode each commit syncs the log before it returns. kill −9 could not show it.
    #[test]
    fn the_writer_syncs_each_commit() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("a.db"), &DbOptions::default()).unwrap();
        let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!((synchronous, mode.as_str()), (2, "wal"));
    }
}
