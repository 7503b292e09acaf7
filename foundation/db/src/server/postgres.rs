//! PostgreSQL: its sessions, its statements, its rows, its errors.

use std::str::FromStr as _;
use std::sync::Arc;

use sea_query::Values;
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgPoolOptions, PgRow};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, PgPool, Postgres, Row as _, Transaction, TypeInfo as _,
};
use tokio::sync::Mutex;
use url::Url;

use super::{CONNECT_WAIT, Mode, driver_error};
use crate::row::{Row, Value};
use crate::{DbError, DbOptions};

/// A lock is waited for as long as on the other databases, and a transaction whose command hangs is ended.
const SESSION: &str = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s'";

pub(super) async fn connect(url: &Url, options: &DbOptions) -> Result<PgPool, DbError> {
    let connect = PgConnectOptions::from_str(url.as_str())
        .map_err(|error| db_error(&error))?
        .application_name("hexalpes");
    let mut connection = PgConnection::connect_with(&connect).await.map_err(|error| db_error(&error))?;
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| db_error(&error))?;
    if encoding != "UTF8" {
        return Err(DbError::Unavailable(format!("its encoding is {encoding}, not UTF8")));
    }
    // It served its purpose; whether it ends politely is of no matter.
    let _ = connection.close().await;
    Ok(PgPoolOptions::new()
        .max_connections(options.connections_max)
        .acquire_timeout(CONNECT_WAIT)
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(|_| ()) })
        })
        .connect_lazy_with(connect))
}

/// The mutex is for commands that poll two statements at once; they take turns.
pub(crate) struct PgTransaction(Mutex<Transaction<'static, Postgres>>);

impl PgTransaction {
    pub(super) async fn begin(pool: &PgPool, mode: Mode) -> Result<Self, DbError> {
        let begin = match mode {
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Write => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Mode::Migrate => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        let transaction = pool.begin_with(begin).await.map_err(|error| db_error(&error))?;
        Ok(Self(Mutex::new(transaction)))
    }

    pub(crate) async fn execute(&self, sql: String, values: Values) -> Result<u64, DbError> {
        let mut transaction = self.0.lock().await;
        let done = sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values))
            .execute(&mut **transaction)
            .await
            .map_err(|error| db_error(&error))?;
        Ok(done.rows_affected())
    }

    pub(crate) async fn execute_text(&self, sql: String) -> Result<(), DbError> {
        let mut transaction = self.0.lock().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut **transaction)
            .await
            .map(|_| ())
            .map_err(|error| db_error(&error))
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
        read_rows(&rows.map_err(|error| db_error(&error))?)
    }

    pub(crate) async fn commit(self) -> Result<(), DbError> {
        self.0.into_inner().commit().await.map_err(|error| db_error(&error).of_commit())
    }

    pub(crate) async fn roll_back(self) -> Result<(), DbError> {
        self.0.into_inner().rollback().await.map_err(|error| db_error(&error))
    }
}

fn read_rows(rows: &[PgRow]) -> Result<Vec<Row>, DbError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.iter()
        .map(|row| {
            let values = (0..columns.len()).map(|index| read(row, index)).collect::<Result<_, _>>()?;
            Ok(Row::new(columns.clone(), values))
        })
        .collect()
}

fn read(row: &PgRow, index: usize) -> Result<Value, DbError> {
    let column = row.column(index);
    let value = match column.type_info().name() {
        "INT8" => row.try_get::<Option<i64>, _>(index).map(|value| value.map(Value::Integer)),
        "INT4" => row.try_get::<Option<i32>, _>(index).map(|value| value.map(|n| Value::Integer(n.into()))),
        "INT2" => row.try_get::<Option<i16>, _>(index).map(|value| value.map(|n| Value::Integer(n.into()))),
        "BOOL" => row.try_get::<Option<bool>, _>(index).map(|value| value.map(|b| Value::Integer(b.into()))),
        "FLOAT8" => row.try_get::<Option<f64>, _>(index).map(|value| value.map(Value::Real)),
        "FLOAT4" => row.try_get::<Option<f32>, _>(index).map(|value| value.map(|n| Value::Real(n.into()))),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" => {
            row.try_get::<Option<String>, _>(index).map(|value| value.map(Value::Text))
        }
        "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(index).map(|value| value.map(Value::Blob)),
        _ => {
            return Err(DbError::Column {
                column: column.name().to_owned(),
                why: "its type is none that all databases share; cast it",
            });
        }
    };
    Ok(value.map_err(|error| db_error(&error))?.unwrap_or(Value::Null))
}

fn db_error(error: &sqlx::Error) -> DbError {
    match error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()) {
        Some(error) => from_code(error),
        None => driver_error(error),
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
fn from_code(error: &PgDatabaseError) -> DbError {
    let code = error.code();
    // Messages of the data exceptions (class 22) repeat the value; the others name objects alone.
    let said = match &code[..2] {
        "22" => format!("SQLSTATE {code}"),
        _ => format!("{} (SQLSTATE {code})", error.message().lines().next().unwrap_or_default()),
    };
    match (&code[..2], code) {
        ("23", _) => match error.constraint() {
            Some(constraint) => DbError::Constraint(format!("{constraint} (SQLSTATE {code})")),
            None => DbError::Constraint(said),
        },
        ("40", _) | (_, "55P03") => DbError::Conflict(said),
        (_, "53100") => DbError::Full,
        ("08" | "28" | "3D" | "53" | "55" | "57" | "58", _) | (_, "25P03") => DbError::Unavailable(said),
        (_, "XX001" | "XX002") => DbError::Damaged(said),
        _ => DbError::Statement(said),
    }
}
