//! The transaction that a command is given. It runs statements; it neither begins nor ends.

use std::cell::RefCell;
use std::fmt;

use sea_query::{InsertStatement, IntoIden, OnConflict, QueryStatementWriter, Values};

use crate::row::Row;
use crate::{Backend, DbError, sqlite};

/// An open transaction.
///
/// A statement that fails dooms its transaction: even if the command goes on and returns `Ok`, nothing
/// is committed and the caller gets the statement's error. PostgreSQL knows no other way, and the three
/// databases should not differ. To meet a duplicate without an error there is [`Tx::insert_new`].
pub struct Tx {
    session: Session,
    failure: RefCell<Option<DbError>>,
}

pub(crate) enum Session {
    Sqlite(rusqlite::Connection),
}

impl Tx {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, failure: RefCell::default() }
    }

    /// For the few statements that must differ by database.
    pub fn backend(&self) -> Backend {
        match &self.session {
            Session::Sqlite(_) => Backend::Sqlite,
        }
    }

    /// Runs a statement and gives the number of rows that it inserted, deleted or matched for update.
    pub async fn execute(&self, statement: &impl QueryStatementWriter) -> Result<u64, DbError> {
        let (sql, values) = self.backend().query(statement);
        self.execute_built(&sql, values).await
    }

    /// Inserts unless a row with the same primary or unique key is there; tells whether it inserted.
    ///
    /// `key` is any column that the statement sets. No error is swallowed on the way: a value that is too
    /// long or a missing reference fails as in any insert.
    pub async fn insert_new(&self, insert: &InsertStatement, key: impl IntoIden) -> Result<bool, DbError> {
        let mut insert = insert.clone();
        insert.on_conflict(OnConflict::column(key).do_nothing().to_owned());
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

    /// Runs a statement that is text already and has no values: a migration's.
    #[expect(clippy::unused_async, reason = "only the servers' statements wait")]
    pub(crate) async fn execute_text(&self, sql: &str) -> Result<u64, DbError> {
        let outcome = match &self.session {
            Session::Sqlite(connection) => sqlite::execute(connection, sql, &Values(Vec::new())),
        };
        outcome.inspect_err(|error| self.doom(error))
    }

    #[expect(clippy::unused_async, reason = "only the servers' statements wait")]
    async fn execute_built(&self, sql: &str, values: Values) -> Result<u64, DbError> {
        let outcome = match &self.session {
            Session::Sqlite(connection) => sqlite::execute(connection, sql, &values),
        };
        outcome.inspect_err(|error| self.doom(error))
    }

    #[expect(clippy::unused_async, reason = "only the servers' statements wait")]
    async fn fetch(
        &self,
        statement: &impl QueryStatementWriter,
        rows_max: usize,
    ) -> Result<Vec<Row>, DbError> {
        let (sql, values) = self.backend().query(statement);
        let outcome = match &self.session {
            Session::Sqlite(connection) => sqlite::fetch(connection, &sql, &values, rows_max),
        };
        outcome.inspect_err(|error| self.doom(error))
    }

    fn doom(&self, error: &DbError) {
        self.failure.borrow_mut().get_or_insert_with(|| error.clone());
    }

    /// Takes the first error of the command that ran, and is ready for the next.
    pub(crate) fn take_failure(&self) -> Option<DbError> {
        self.failure.take()
    }

    pub(crate) fn sqlite(&self) -> &rusqlite::Connection {
        match &self.session {
            Session::Sqlite(connection) => connection,
        }
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend()).finish_non_exhaustive()
    }
}
