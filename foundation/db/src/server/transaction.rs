//! A transaction on a server, whichever it is: its statements, one at a time, and its rows.

use std::sync::Arc;

use sea_query::Values;
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Column as _, Database, Executor, IntoArguments, Pool, Row as _, Transaction};
use tokio::sync::Mutex;

use super::Mode;
use crate::DbError;
use crate::row::{Row, Value};

/// In what the servers differ.
pub(crate) trait Dialect: Database {
    /// The statements that begin a transaction.
    fn begin(mode: Mode) -> &'static str;
    fn rows_affected(done: &Self::QueryResult) -> u64;
    /// One value of a row.
    fn read(row: &Self::Row, index: usize) -> Result<Value, DbError>;
    fn db_error(error: &sqlx::Error) -> DbError;
}

/// The mutex is for commands that poll two statements at once; they take turns.
pub(crate) struct ServerTransaction<DB: Database>(Mutex<Transaction<'static, DB>>);

impl<DB> ServerTransaction<DB>
where
    DB: Dialect,
    SqlxValues: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    pub(super) async fn begin(pool: &Pool<DB>, mode: Mode) -> Result<Self, DbError> {
        let transaction = pool.begin_with(DB::begin(mode)).await.map_err(|error| DB::db_error(&error))?;
        Ok(Self(Mutex::new(transaction)))
    }

    pub(crate) async fn execute(&self, sql: String, values: Values) -> Result<u64, DbError> {
        Ok(DB::rows_affected(&self.run(sql, values).await?))
    }

    pub(super) async fn run(&self, sql: String, values: Values) -> Result<DB::QueryResult, DbError> {
        let mut transaction = self.0.lock().await;
        sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values))
            .execute(&mut **transaction)
            .await
            .map_err(|error| DB::db_error(&error))
    }

    pub(crate) async fn execute_text(&self, sql: String) -> Result<(), DbError> {
        let mut transaction = self.0.lock().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut **transaction)
            .await
            .map(|_| ())
            .map_err(|error| DB::db_error(&error))
    }

    pub(crate) async fn fetch(
        &self,
        sql: String,
        values: Values,
        rows_max: usize,
    ) -> Result<Vec<Row>, DbError> {
        let mut transaction = self.0.lock().await;
        let query = sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values));
        let rows = if rows_max == 1 {
            query.fetch_optional(&mut **transaction).await.map(|row| row.into_iter().collect())
        } else {
            query.fetch_all(&mut **transaction).await
        };
        read_rows::<DB>(&rows.map_err(|error| DB::db_error(&error))?)
    }

    pub(crate) async fn commit(self) -> Result<(), DbError> {
        self.0.into_inner().commit().await.map_err(|error| DB::db_error(&error).of_commit())
    }

    pub(crate) async fn roll_back(self) -> Result<(), DbError> {
        self.0.into_inner().rollback().await.map_err(|error| DB::db_error(&error))
    }
}

fn read_rows<DB: Dialect>(rows: &[DB::Row]) -> Result<Vec<Row>, DbError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.iter()
        .map(|row| {
            let values = (0..columns.len()).map(|index| DB::read(row, index)).collect::<Result<_, _>>()?;
            Ok(Row::new(columns.clone(), values))
        })
        .collect()
}
