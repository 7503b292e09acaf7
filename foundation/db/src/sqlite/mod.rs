//! The embedded database: statements run in place, on one thread for writes and on the caller's for reads.

mod error;
mod open;
pub(crate) mod plans;
mod reader;
mod value;
mod writer;

use std::sync::Arc;

use rusqlite::{Connection, params_from_iter};
use sea_query::Values;

use crate::DbError;
use crate::row::Row;

pub(crate) use open::open;
pub(crate) use reader::Readers;
pub(crate) use writer::Writer;

use error::db_error;
use value::{Bound, read};

/// Runs a statement; it stays prepared for the next time.
pub(crate) fn execute(connection: &Connection, sql: &str, values: &Values) -> Result<u64, DbError> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| db_error(&error))?;
    let rows =
        statement.execute(params_from_iter(values.0.iter().map(Bound))).map_err(|error| db_error(&error))?;
    Ok(rows as u64)
}

/// Runs a query up to its `rows_max`-th row.
pub(crate) fn fetch(
    connection: &Connection,
    sql: &str,
    values: &Values,
    rows_max: usize,
) -> Result<Vec<Row>, DbError> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| db_error(&error))?;
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut rows =
        statement.query(params_from_iter(values.0.iter().map(Bound))).map_err(|error| db_error(&error))?;
    let mut fetched = Vec::new();
    while fetched.len() < rows_max
        && let Some(row) = rows.next().map_err(|error| db_error(&error))?
    {
        let values = (0..columns.len()).map(|index| read(row, index)).collect::<Result<_, _>>()?;
        fetched.push(Row::new(columns.clone(), values));
    }
    Ok(fetched)
}

/// Runs a statement that begins or ends something.
fn control(connection: &Connection, sql: &str) -> Result<(), DbError> {
    execute(connection, sql, &Values(Vec::new())).map(|_| ())
}
