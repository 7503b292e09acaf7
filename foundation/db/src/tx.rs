//! The transaction that a command is given. It runs statements; it neither begins nor ends.

use std::cell::{Cell, RefCell};
use std::fmt;

use sea_query::{InsertStatement, IntoIden, OnConflict, QueryStatementWriter, Value, Values};

use crate::row::Row;
use crate::server::ServerTransaction;
use crate::{Backend, DbError, sqlite};

/// An open transaction.
///
/// A statement that fails dooms its transaction: even if the command goes on and returns `Ok`, nothing
/// is committed and the caller gets the statement's error. PostgreSQL knows no other way, and the three
/// databases should not differ. To meet a duplicate without an error there is [`Tx::insert_new`].
pub struct Tx {
    session: Session,
    failure: RefCell<Option<DbError>>,
    texts: Cell<u64>,
}

pub(crate) enum Session {
    Sqlite(rusqlite::Connection),
    Postgres(ServerTransaction<sqlx::Postgres>),
    MySql(ServerTransaction<sqlx::MySql>),
}

impl Tx {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, failure: RefCell::default(), texts: Cell::default() }
    }

    /// For the few statements that must differ by database.
    pub fn backend(&self) -> Backend {
        match &self.session {
            Session::Sqlite(_) => Backend::Sqlite,
            Session::Postgres(_) => Backend::Postgres,
            Session::MySql(_) => Backend::MySql,
        }
    }

    /// Runs a statement and gives the number of rows that it inserted, deleted or matched for update.
    pub async fn execute(&self, statement: &impl QueryStatementWriter) -> Result<u64, DbError> {
        let (sql, values) = self.build(statement)?;
        let outcome = match &self.session {
            Session::Sqlite(connection) => sqlite::execute(connection, &sql, &values),
            Session::Postgres(transaction) => transaction.execute(sql, values).await,
            Session::MySql(transaction) => transaction.execute(sql, values).await,
        };
        outcome.inspect_err(|error| self.doom(error))
    }

    /// Inserts one row unless one with the same primary or unique key is there; tells whether it did.
    ///
    /// `key` is a column that the statement sets. Nothing else is forgiven: a value that is too long or a
    /// missing reference fails as in any insert.
    pub async fn insert_new(&self, insert: &InsertStatement, key: impl IntoIden) -> Result<bool, DbError> {
        if let Session::MySql(transaction) = &self.session {
            let outcome = transaction.insert_new(insert, key.into_iden()).await;
            return outcome.inspect_err(|error| self.doom(error));
        }
        let mut insert = insert.clone();
        insert.on_conflict(OnConflict::new().do_nothing().to_owned());
        Ok(self.execute(&insert).await? == 1)
    }

    pub async fn fetch_all(&self, statement: &impl QueryStatementWriter) -> Result<Vec<Row>, DbError> {
        self.fetch(statement, usize::MAX).await
    }

    /// The first row, if there is one.
    pub async fn fetch_optional(
        &self,
        statement: &impl QueryStatementWriter,
    ) -> Result<Option<Row>, DbError> {
        Ok(self.fetch(statement, 1).await?.pop())
    }

    /// The first row; [`DbError::NoRow`] if there is none.
    pub async fn fetch_one(&self, statement: &impl QueryStatementWriter) -> Result<Row, DbError> {
        self.fetch_optional(statement).await?.ok_or(DbError::NoRow)
    }

    async fn fetch(
        &self,
        statement: &impl QueryStatementWriter,
        rows_max: usize,
    ) -> Result<Vec<Row>, DbError> {
        let (sql, values) = self.build(statement)?;
        let outcome = match &self.session {
            Session::Sqlite(connection) => sqlite::fetch(connection, &sql, &values, rows_max),
            Session::Postgres(transaction) => transaction.fetch(sql, values, rows_max).await,
            Session::MySql(transaction) => transaction.fetch(sql, values, rows_max).await,
        };
        outcome.inspect_err(|error| self.doom(error))
    }

    /// Runs a statement that is text already and has no values: a migration's.
    pub(crate) async fn execute_text(&self, sql: &str) -> Result<(), DbError> {
        self.texts.set(self.texts.get() + 1);
        let outcome = match &self.session {
            Session::Sqlite(connection) => sqlite::execute(connection, sql, &Values(Vec::new())).map(|_| ()),
            Session::Postgres(transaction) => transaction.execute_text(sql.to_owned()).await,
            Session::MySql(transaction) => transaction.execute_text(sql.to_owned()).await,
        };
        outcome.inspect_err(|error| self.doom(error))
    }

    /// The three databases share signed integers alone.
    fn build(&self, statement: &impl QueryStatementWriter) -> Result<(String, Values), DbError> {
        let (sql, values) = self.backend().query(statement);
        let fits =
            |value: &Value| !matches!(value, Value::BigUnsigned(Some(n)) if i64::try_from(*n).is_err());
        if values.0.iter().all(fits) {
            return Ok((sql, values));
        }
        let error = DbError::Range("an integer above 9223372036854775807");
        self.doom(&error);
        Err(error)
    }

    fn doom(&self, error: &DbError) {
        self.failure.borrow_mut().get_or_insert_with(|| error.clone());
    }

    /// How many texts were executed on it, ever.
    pub(crate) fn texts(&self) -> u64 {
        self.texts.get()
    }

    /// Takes the first error of the command that ran, and is ready for the next.
    pub(crate) fn take_failure(&self) -> Option<DbError> {
        self.failure.take()
    }

    /// The connection beneath, for SQLite's writer and readers.
    pub(crate) fn sqlite(&self) -> &rusqlite::Connection {
        match &self.session {
            Session::Sqlite(connection) => connection,
            _ => unreachable!("SQLite's threads hold SQLite's transactions"),
        }
    }

    /// Ends a transaction on a server. SQLite's writer and readers end theirs.
    pub(crate) async fn commit(self) -> Result<(), DbError> {
        match self.session {
            Session::Sqlite(_) => Ok(()),
            Session::Postgres(transaction) => transaction.commit().await,
            Session::MySql(transaction) => transaction.commit().await,
        }
    }

    /// As [`Tx::commit`]. If it fails the connection is lost, and the server rolls back by itself.
    pub(crate) async fn roll_back(self) {
        let outcome = match self.session {
            Session::Sqlite(_) => Ok(()),
            Session::Postgres(transaction) => transaction.roll_back().await,
            Session::MySql(transaction) => transaction.roll_back().await,
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "a rollback failed");
        }
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend()).finish_non_exhaustive()
    }
}
