//! MySQL and MariaDB: their sessions, values and errors, and how they insert what is not there.

use std::str::FromStr as _;

use sea_query::{DynIden, Expr, Func, InsertStatement, OnConflict};
use sqlx::mysql::{
    MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPoolOptions, MySqlQueryResult, MySqlRow,
};
use sqlx::{Column as _, Connection as _, MySql, MySqlPool, Row as _, TypeInfo as _};
use url::Url;

use super::{ACQUIRE_WAIT, Dialect, Mode, ServerTransaction, Unmade, driver_error, is_alive};
use crate::row::Value;
use crate::{Backend, DbError, DbOptions};

/// A value that does not fit is an error and never cut; a lock is waited for as long as elsewhere.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
    ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', SESSION innodb_lock_wait_timeout = 5";

/// What `LAST_INSERT_ID` says for a row that was there; no column counts up to it.
const WAS_THERE: u64 = u64::MAX;

pub(super) async fn connect(url: &Url, options: &DbOptions) -> Result<MySqlPool, DbError> {
    let connect = MySqlConnectOptions::from_str(url.as_str())
        .map_err(|error| db_error(&error))?
        .charset("utf8mb4")
        .timezone(Some("+00:00".to_owned()));
    let connection = MySqlConnection::connect_with(&connect).await.map_err(|error| db_error(&error))?;
    // It served its purpose; whether it ends politely is of no matter.
    let _ = connection.close().await;
    Ok(MySqlPoolOptions::new()
        .max_connections(options.connections_max)
        .acquire_timeout(ACQUIRE_WAIT)
        .test_before_acquire(false)
        .before_acquire(|connection, been| Box::pin(is_alive(connection, been)))
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(|_| ()) })
        })
        .connect_lazy_with(connect))
}

/// Makes a database unless it is there.
pub(super) async fn make(url: &Url, database: &str) -> Result<(), Unmade> {
    let whole = MySqlConnectOptions::from_str(url.as_str()).map_err(|error| db_error(&error))?;
    match MySqlConnection::connect_with(&whole).await {
        Ok(connection) => {
            let _ = connection.close().await;
            return Ok(());
        }
        // There is no such database, or none of it may be seen.
        Err(error) if matches!(number(&error), Some(1044 | 1049)) => {}
        Err(error) => return Err(db_error(&error).into()),
    }
    let mut server = url.clone();
    server.set_path("");
    let server = MySqlConnectOptions::from_str(server.as_str()).map_err(|error| db_error(&error))?;
    let mut connection = MySqlConnection::connect_with(&server).await.map_err(|error| db_error(&error))?;
    let name = database.replace('`', "``");
    let create = format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4");
    let made = sqlx::raw_sql(sqlx::AssertSqlSafe(create.clone())).execute(&mut connection).await;
    let _ = connection.close().await;
    made.map(drop).map_err(|error| {
        let user = url.username();
        let statement = format!("{create}; GRANT ALL ON `{name}`.* TO '{user}'@'%';");
        Unmade::Denied { statement, why: db_error(&error) }
    })
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(error.number())
}

impl Dialect for MySql {
    fn begin(mode: Mode) -> &'static str {
        match mode {
            Mode::Read => {
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
                 START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
            }
            Mode::Write => "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; START TRANSACTION",
            Mode::Upkeep | Mode::Migrate => {
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION"
            }
        }
    }

    fn rows_affected(done: &MySqlQueryResult) -> u64 {
        done.rows_affected()
    }

    fn read(row: &MySqlRow, index: usize) -> Result<Value, DbError> {
        let column = row.column(index);
        let wrong = |why| DbError::Column { column: column.name().to_owned(), why };
        let value = match column.type_info().name() {
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
                row.try_get_unchecked::<Option<i64>, _>(index).map(|value| value.map(Value::Integer))
            }
            "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
            | "BIGINT UNSIGNED" => match row.try_get_unchecked::<Option<u64>, _>(index) {
                Ok(Some(number)) => i64::try_from(number)
                    .map(|number| Ok(Some(Value::Integer(number))))
                    .map_err(|_| wrong("the integer is out of range"))?,
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
            "FLOAT" => row.try_get::<Option<f32>, _>(index).map(|value| value.map(|n| Value::Real(n.into()))),
            "DOUBLE" => row.try_get::<Option<f64>, _>(index).map(|value| value.map(Value::Real)),
            "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" => {
                row.try_get_unchecked::<Option<String>, _>(index).map(|value| value.map(Value::Text))
            }
            "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => {
                row.try_get_unchecked::<Option<Vec<u8>>, _>(index).map(|value| value.map(Value::Blob))
            }
            "NULL" => Ok(None),
            _ => return Err(wrong("its type is none that all databases share; cast it")),
        };
        Ok(value.map_err(|error| db_error(&error))?.unwrap_or(Value::Null))
    }

    fn db_error(error: &sqlx::Error) -> DbError {
        db_error(error)
    }
}

impl ServerTransaction<MySql> {
    /// Inserts unless the row is there.
    ///
    /// The count of rows does not tell: the driver asks the server to count matched rows, so 1 is both
    /// "inserted" and "found". `INSERT IGNORE` would hide other errors. So a row that is found is assigned
    /// the key that it has, and leaves a mark in `LAST_INSERT_ID` on the way.
    pub(crate) async fn insert_new(&self, insert: &InsertStatement, key: DynIden) -> Result<bool, DbError> {
        let mark = Func::cust("LAST_INSERT_ID").arg(Expr::cust(WAS_THERE.to_string()));
        let unchanged = Func::cust("IF").args([mark.into(), Expr::col(key.clone()), Expr::col(key.clone())]);
        let mut insert = insert.clone();
        insert.on_conflict(OnConflict::new().value(key, unchanged).to_owned());
        let (sql, values) = Backend::MySql.query(&insert);
        Ok(self.run(sql, values).await?.last_insert_id() != WAS_THERE)
    }
}

fn db_error(error: &sqlx::Error) -> DbError {
    match error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>()) {
        Some(error) => from_number(error.number(), error.message()),
        None => driver_error(error),
    }
}

/// By number: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
fn from_number(number: u16, message: &str) -> DbError {
    let said = match number {
        // These messages name databases, tables, columns and users; the others may repeat a value.
        1044 | 1045 | 1048 | 1049 | 1050 | 1054 | 1060 | 1061 | 1064 | 1067 | 1071 | 1091 | 1146 | 1264
        | 1364 | 1406 => {
            format!("{} (MySQL {number})", message.lines().next().unwrap_or_default())
        }
        1062 => format!("a unique key (MySQL {number})"),
        1216 | 1217 | 1451 | 1452 => format!("a foreign key (MySQL {number})"),
        _ => format!("MySQL {number}"),
    };
    match number {
        // Lock wait timeout, deadlock, and the record that changed since it was read.
        1205 | 1213 | 1020 => DbError::Conflict(said),
        1048 | 1062 | 1216 | 1217 | 1364 | 1451 | 1452 | 3819 | 4025 => DbError::Constraint(said),
        1021 | 1114 => DbError::Full,
        // Refused at the door, shut down, killed, read-only, the network.
        1040
        | 1044
        | 1045
        | 1049
        | 1053
        | 1152
        | 1158..=1161
        | 1184
        | 1203
        | 1226
        | 1290
        | 1317
        | 1836
        | 1927
        | 2006
        | 2013 => DbError::Unavailable(said),
        1034 | 1194 | 1195 | 1712 => DbError::Damaged(said),
        _ => DbError::Statement(said),
    }
}
