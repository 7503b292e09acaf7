//! The rows that a table had at one place of the log.
//!
//! `MariaDB` says for a transaction that sees one moment where that moment lies in the log. `MySQL` does not: there the
//! table is locked against writers while such a transaction begins and the place is read. A transaction that has
//! written holds its table until it is in the log and seen by all, so that with the lock none is between.

use std::fmt::Write as _;
use std::sync::Arc;

use hexalpes_capture::{
    Detail, Inserted, LogError, Mend, Origin, PAGE_BYTES, Position, Snapshot, Table, TableName, Value,
};
use hexalpes_kernel::Timestamp;
use mysql_async::prelude::Queryable;
use mysql_async::{Params, Row, Value as Raw};

use crate::columns::{Described, describe, quoted, quoted_table};
use crate::connection::{answered, failure, is_denied, run};
use crate::key::Key;
use crate::options::BinlogOptions;
use crate::server::{Flavour, Server, cell};
use crate::stream::Binlog;
use crate::value::{self, date, date_time, span};

/// How long writers may hold the table before it is tried another time: others wait behind the lock meanwhile.
const LOCKED_WITHIN_SECONDS: u32 = 5;
/// Keys that one statement compares.
const COMPARED_MAX: usize = 200;

/// A table as one transaction sees it, read in pieces.
#[derive(Debug)]
pub struct BinlogSnapshot {
    server: Server,
    table: Arc<Table>,
    columns: Vec<Described>,
    key: Key,
    position: Position,
    origin: Arc<Origin>,
}

impl Binlog {
    /// The column by which the server numbers the rows of a table as they come (`AUTO_INCREMENT`); none where it does not, or
    /// another one is needed to tell them apart.
    pub async fn numbered(options: &BinlogOptions, table: &TableName) -> Result<Option<String>, LogError> {
        Key::numbered(&mut Server::connect(&options.url).await?, table).await
    }

    /// The rows that a table has now, and where now is in the log. `key` is a column whose values are all different.
    pub async fn snapshot(
        options: &BinlogOptions,
        table: &TableName,
        key: &str,
    ) -> Result<BinlogSnapshot, LogError> {
        let mut server = Server::connect(&options.url).await?;
        let columns = describe(&mut server.connection, table).await?;
        let key = Key::ask(&mut server, table, &columns, key).await?;
        run(&mut server.connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        let position = match server.flavour {
            Flavour::MariaDb => begin_on_mariadb(&mut server).await?,
            Flavour::MySql => begin_on_mysql(&mut server, options, table).await?,
        };
        let at: Option<i64> = answered(
            server.connection.query_first("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"),
        )
        .await?;
        let id = server.variable("server_id").await?.and_then(|id| id.parse::<u32>().ok()).unwrap_or(0);
        let origin = Origin {
            connector: server.connector(),
            begins: position.clone(),
            at: at
                .and_then(Timestamp::from_micros)
                .ok_or_else(|| LogError::Unreadable("the server has no time".to_owned()))?,
            fields: vec![
                ("server_id", Detail::Number(id.into())),
                ("gtid", Detail::Null),
                ("file", Detail::Text(position.file.clone())),
                ("pos", Detail::Number(position.offset)),
                ("row", Detail::Number(0)),
                ("thread", Detail::Null),
                ("query", Detail::Null),
            ],
            is_snapshot: true,
        };
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let table =
            Table { database: table.schema.clone(), schema: None, name: table.name.clone(), columns: names };
        Ok(BinlogSnapshot {
            server,
            table: Arc::new(table),
            columns,
            key,
            position,
            origin: Arc::new(origin),
        })
    }
}

async fn begin_on_mariadb(server: &mut Server) -> Result<Position, LogError> {
    run(&mut server.connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
    let status: Vec<(String, String)> =
        answered(server.connection.query("SHOW STATUS LIKE 'binlog\\_snapshot\\_%'")).await?;
    let find =
        |name: &str| status.iter().find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let file = find("binlog_snapshot_file").filter(|file| !file.is_empty());
    let offset = find("binlog_snapshot_position").and_then(|offset| offset.parse().ok());
    file.zip(offset).map(|(file, offset)| Position::new(file.as_str(), offset)).ok_or_else(no_log)
}

async fn begin_on_mysql(
    server: &mut Server,
    options: &BinlogOptions,
    table: &TableName,
) -> Result<Position, LogError> {
    let mut locking = Server::connect(&options.url).await?;
    run(&mut locking.connection, &format!("SET SESSION lock_wait_timeout = {LOCKED_WITHIN_SECONDS}")).await?;
    let lock = format!("LOCK TABLES {} READ", quoted_table(table));
    if let Err(error) = locking.connection.query_drop(lock).await {
        let schema = format!("{}.*", quoted(&table.schema));
        return Err(if is_denied(&error) {
            locking.lacks("LOCK TABLES", &schema).await?
        } else {
            failure(&error)
        });
    }
    run(&mut server.connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
    let position = server.position().await?;
    run(&mut locking.connection, "UNLOCK TABLES").await?;
    position.ok_or_else(no_log)
}

fn no_log() -> LogError {
    LogError::Refused {
        what: "log_bin is OFF".to_owned(),
        mend: Mend("write log_bin = binlog under [mysqld] in my.cnf and start the server again".to_owned()),
    }
}

impl Snapshot for BinlogSnapshot {
    fn position(&self) -> &Position {
        &self.position
    }

    async fn after(&mut self, key: Option<&Value>, limit: u32) -> Result<Vec<Inserted>, LogError> {
        let (statement, parameters) = self.question(key, limit)?;
        let is_mysql = self.server.flavour == Flavour::MySql;
        // A table that has to be sorted takes its time.
        let asking = self.server.connection.exec_iter(statement, parameters);
        let mut answer = asking.await.map_err(|error| failure(&error))?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while bytes < PAGE_BYTES
            && let Some(row) = answer.next().await.map_err(|error| failure(&error))?
        {
            let raws = row.unwrap();
            bytes += raws.iter().map(size).sum::<usize>();
            let values = self.columns.iter().zip(raws).map(|(column, raw)| read(column, raw, is_mysql));
            let values = values.collect::<Result<_, _>>()?;
            rows.push(Inserted { table: self.table.clone(), values, origin: self.origin.clone() });
        }
        // What comes behind them is not kept.
        answer.drop_result().await.map_err(|error| failure(&error))?;
        Ok(rows)
    }

    async fn above(&mut self, keys: &[Value], key: &Value) -> Result<Vec<bool>, LogError> {
        let mut above = Vec::with_capacity(keys.len());
        for some in keys.chunks(COMPARED_MAX) {
            let parameters = some.iter().flat_map(|one| [one, key]).map(|value| self.parameter(value));
            let parameters = Params::Positional(parameters.collect::<Result<_, _>>()?);
            let statement = format!("SELECT {}", vec![self.key.is_above(); some.len()].join(", "));
            let row: Option<Row> = answered(self.server.connection.exec_first(statement, parameters)).await?;
            let row = row.ok_or_else(|| LogError::Unreadable("a question without an answer".to_owned()))?;
            for at in 0..some.len() {
                above.push(cell(&row, at).ok_or_else(|| self.not_compared())?);
            }
        }
        Ok(above)
    }
}

impl BinlogSnapshot {
    fn question(&self, above: Option<&Value>, limit: u32) -> Result<(String, Params), LogError> {
        let names = self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let key = quoted(&self.key.name);
        let name = TableName::new(&*self.table.database, &*self.table.name);
        let mut statement = format!("SELECT {names} FROM {}", quoted_table(&name));
        let parameters = match above {
            None => Params::Empty,
            Some(above) => {
                write!(statement, " WHERE {key} > ?").map_err(unwritten)?;
                Params::Positional(vec![self.parameter(above)?])
            }
        };
        write!(statement, " ORDER BY {key} LIMIT {limit}").map_err(unwritten)?;
        Ok((statement, parameters))
    }

    fn parameter(&self, key: &Value) -> Result<Raw, LogError> {
        asked(key).ok_or_else(|| self.not_compared())
    }

    fn not_compared(&self) -> LogError {
        let Table { database, name, .. } = &*self.table;
        LogError::Unreadable(format!(
            "the key {} of {database}.{name} has a value that cannot be compared",
            self.key.name
        ))
    }
}

fn unwritten(error: std::fmt::Error) -> LogError {
    LogError::Unreadable(error.to_string())
}

/// A key as a parameter; none for what is no key.
fn asked(key: &Value) -> Option<Raw> {
    Some(match key {
        Value::Integer(number) => Raw::Int(*number),
        Value::Unsigned(number) => Raw::UInt(*number),
        Value::Decimal(text) | Value::Text(text) | Value::Local(text) => Raw::Bytes(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Raw::Bytes(bytes.to_vec()),
        Value::Uuid(uuid) => Raw::Bytes(uuid.to_string().into_bytes()),
        Value::Instant(moment) => {
            let text = moment.to_string();
            Raw::Bytes(text.trim_end_matches('Z').replace('T', " ").into_bytes())
        }
        Value::Boolean(_) | Value::Float(_) | Value::Json(_) | Value::Null => return None,
    })
}

fn size(raw: &Raw) -> usize {
    if let Raw::Bytes(bytes) = raw { bytes.len() } else { size_of::<Raw>() }
}

/// A value of the binary protocol, as the log would have given it.
fn read(column: &Described, raw: Raw, is_mysql: bool) -> Result<Value, LogError> {
    let kind = column.data_type.as_str();
    Ok(match raw {
        Raw::NULL => Value::Null,
        Raw::Int(number) => Value::Integer(number),
        Raw::UInt(number) => value::unsigned(number),
        Raw::Float(number) => Value::Float(f64::from(number)),
        Raw::Double(number) => Value::Float(number),
        Raw::Date(year, month, day, ..) if kind == "date" => {
            Value::Local(date(year.into(), month.into(), day.into()).into())
        }
        Raw::Date(year, month, day, hour, minute, second, micros) => {
            let ymd = [u64::from(year), u64::from(month), u64::from(day)];
            let hms = [u64::from(hour), u64::from(minute), u64::from(second)];
            let text = date_time(ymd, hms, micros.into(), column.decimals);
            if kind == "timestamp" { moment(&text) } else { Value::Local(text.into()) }
        }
        Raw::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let hms = [u64::from(days) * 24 + u64::from(hours), minutes.into(), seconds.into()];
            Value::Local(span(is_negative, hms, micros.into(), column.decimals).into())
        }
        Raw::Bytes(bytes) if kind == "bit" => match (column.bits, bytes.as_slice()) {
            (1, bits) => Value::Boolean(bits.iter().any(|byte| *byte != 0)),
            _ => Value::Bytes(bytes.into()),
        },
        Raw::Bytes(bytes) => {
            let is_text = column.charset.is_some()
                || matches!(kind, "decimal" | "json" | "uuid" | "inet4" | "inet6" | "enum" | "set");
            if !is_text {
                return Ok(Value::Bytes(bytes.into()));
            }
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(bytes) => return Ok(Value::Bytes(bytes.into_bytes().into())),
            };
            match kind {
                "decimal" => Value::Decimal(text.into()),
                "json" if is_mysql => Value::Json(text.into()),
                "uuid" => text.parse().map(Value::Uuid).unwrap_or(Value::Text(text.into())),
                _ => Value::Text(text.into()),
            }
        }
    })
}

/// In UTC, as the connection is set.
fn moment(text: &str) -> Value {
    let written = format!("{}Z", text.replacen(' ', "T", 1));
    Timestamp::parse(&written).map_or_else(|_| Value::Local(text.into()), Value::Instant)
}
