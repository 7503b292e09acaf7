//! PostgreSQL: its sessions, its values, its errors.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgPoolOptions, PgQueryResult, PgRow};
use sqlx::{Column as _, Connection as _, PgPool, Postgres, Row as _, TypeInfo as _};
use url::Url;

use super::{ACQUIRE_WAIT, Dialect, Mode, Unmade, driver_error, is_alive};
use crate::row::Value;
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
        .acquire_timeout(ACQUIRE_WAIT)
        .test_before_acquire(false)
        .before_acquire(|connection, been| Box::pin(is_alive(connection, been)))
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(|_| ()) })
        })
        .connect_lazy_with(connect))
}

/// Makes a schema unless it is there.
pub(super) async fn make(url: &Url, schema: &str) -> Result<(), Unmade> {
    let connect = PgConnectOptions::from_str(url.as_str()).map_err(|error| db_error(&error))?;
    let mut connection = PgConnection::connect_with(&connect).await.map_err(|error| db_error(&error))?;
    let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_namespace WHERE nspname = $1")
        .bind(schema)
        .fetch_optional(&mut connection)
        .await
        .map_err(|error| db_error(&error))?;
    if found.is_none() {
        let name = schema.replace('"', "\"\"");
        let create = format!("CREATE SCHEMA IF NOT EXISTS \"{name}\"");
        let made = sqlx::raw_sql(sqlx::AssertSqlSafe(create.clone())).execute(&mut connection).await;
        if let Err(error) = made {
            let statement = format!("{create} AUTHORIZATION \"{}\";", url.username());
            return Err(Unmade::Denied { statement, why: db_error(&error) });
        }
    }
    let _ = connection.close().await;
    Ok(())
}

impl Dialect for Postgres {
    fn begin(mode: Mode) -> &'static str {
        match mode {
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Write => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Mode::Upkeep | Mode::Migrate => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    fn rows_affected(done: &PgQueryResult) -> u64 {
        done.rows_affected()
    }

    fn read(row: &PgRow, index: usize) -> Result<Value, DbError> {
        let column = row.column(index);
        let value = match column.type_info().name() {
            "INT8" => row.try_get::<Option<i64>, _>(index).map(|value| value.map(Value::Integer)),
            "INT4" => {
                row.try_get::<Option<i32>, _>(index).map(|value| value.map(|n| Value::Integer(n.into())))
            }
            "INT2" => {
                row.try_get::<Option<i16>, _>(index).map(|value| value.map(|n| Value::Integer(n.into())))
            }
            "BOOL" => {
                row.try_get::<Option<bool>, _>(index).map(|value| value.map(|b| Value::Integer(b.into())))
            }
            "FLOAT8" => row.try_get::<Option<f64>, _>(index).map(|value| value.map(Value::Real)),
            "FLOAT4" => {
                row.try_get::<Option<f32>, _>(index).map(|value| value.map(|n| Value::Real(n.into())))
            }
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
        db_error(error)
    }
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
