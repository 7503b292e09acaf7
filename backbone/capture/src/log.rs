//! Reading a log, and what a table had at one place of it.

use std::sync::Arc;

use crate::error::LogError;
use crate::position::Position;
use crate::row::{Inserted, TableName, Value};

/// What a log gives next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Rows of the transaction that it is in, in their order. A transaction of many rows comes in several steps, so
    /// that memory stays bounded; all of it is committed.
    Rows(Vec<Inserted>),
    /// Everything up to here has been given, and no transaction is half given. It also comes from time to time while
    /// nothing is inserted into the tables, for the log to be let go.
    Boundary(Position),
    /// One of the tables was dropped, where the log tells it (`PostgreSQL`'s does not: a table that is made anew is in no
    /// publication). What is inserted under its name from here on may be a copy of what it had.
    Dropped(TableName),
}

/// A database's log, from a position on, with the insertions into chosen tables alone.
pub trait Log: Send {
    /// Waits for what comes next. Dropped while it waits, it loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Step, LogError>> + Send;

    /// What lies before is not needed any more: the database may let it go. It is told so now and then.
    fn confirm(&mut self, through: &Position) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Bytes of log between what was given last and what the database has written; none where it does not say.
    fn behind(&mut self) -> impl Future<Output = Result<Option<u64>, LogError>> + Send;

    /// What the columns of its only table are where it is, for who goes on there later with [`Log::expect`]; none where nobody
    /// needs to know, or it cannot be told.
    fn columns(&self) -> Option<Arc<[String]>> {
        None
    }

    /// What they were where it was opened. A log that has no names may have rows of before the table was altered, which the
    /// database cannot describe any more.
    fn expect(&mut self, _columns: &[String]) {}
}

/// What is kept of a page of rows, about: they may be much larger than those before them.
pub const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// The rows that a table had at one place of the log.
pub trait Snapshot: Send {
    /// The rows are those of the transactions before it, and the log from there has all others.
    fn position(&self) -> &Position;

    /// Up to `limit` rows whose key is above `key`, by their key, and none behind those that have [`PAGE_BYTES`]; no rows when there
    /// are no more.
    fn after(
        &mut self,
        key: Option<&Value>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Inserted>, LogError>> + Send;

    /// Which of these keys are above `key` in the order in which the rows come: each has an answer. Databases order texts
    /// as their languages do, so that only they know.
    fn above(
        &mut self,
        keys: &[Value],
        key: &Value,
    ) -> impl Future<Output = Result<Vec<bool>, LogError>> + Send;
}
