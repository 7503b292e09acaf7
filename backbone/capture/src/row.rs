//! A row as a log has it.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_kernel::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::position::Position;

/// Which table is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema; on `MySQL` the database.
    pub schema: String,
    pub name: String,
}

impl TableName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A table, as it is when the row is inserted: the next row may have another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub database: String,
    /// None where databases have no schemas (`MySQL`).
    pub schema: Option<String>,
    pub name: String,
    /// Names of the columns, in the order of a row's values.
    pub columns: Vec<String>,
}

/// What a column holds, exactly. Texts and bytes may be parts of what was read, and keep all of that in
/// memory with them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Beyond an `i64`.
    Unsigned(u64),
    Float(f64),
    /// A decimal, in digits.
    Decimal(ByteString),
    Text(ByteString),
    /// A JSON column's text, with the digits of its numbers as the database gives them.
    Json(ByteString),
    Bytes(Bytes),
    Uuid(Uuid),
    /// A moment.
    Instant(Timestamp),
    /// A date, a time, or both without a zone, with as many digits behind the point as the column has:
    /// `2025-01-15 14:20:00.123456`.
    Local(ByteString),
}

/// What a field of [`Origin`] holds. There is one of each row, so that nothing is copied for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    Null,
    Number(u64),
    Text(ByteString),
    /// The end of the transaction before, where it is known, and a place in the log, written as Debezium does: a text that
    /// is a JSON list of texts.
    Sequence(Option<u64>, u64),
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Sequence(Some(before), at) => {
                serializer.collect_str(&format_args!("[\"{before}\",\"{at}\"]"))
            }
            Self::Sequence(None, at) => serializer.collect_str(&format_args!("[null,\"{at}\"]")),
        }
    }
}

/// Where an inserted row comes from, for who tells others (Debezium's `source`).
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// `mysql`, `mariadb` or `postgresql`.
    pub connector: &'static str,
    /// A place right before its transaction: it was committed before a position if this is less than that. From a
    /// table, the snapshot's position.
    pub begins: Position,
    /// When it was committed, as near as the log says it.
    pub at: Timestamp,
    /// What else the log says, with Debezium's field names: `server_id`, `file`, `pos`, `row`, `gtid`; `lsn`, `txId`.
    pub fields: Vec<(&'static str, Detail)>,
    /// It was read from the table, not from the log.
    pub is_snapshot: bool,
}

impl Origin {
    /// The connectors that there are, and the names of their fields.
    const CONNECTORS: [&str; 3] = ["mysql", "mariadb", "postgresql"];
    const FIELDS: [&str; 10] =
        ["server_id", "gtid", "file", "pos", "row", "thread", "query", "txId", "lsn", "sequence"];

    /// A connector by its name, for who has kept a row.
    pub fn connector_named(name: &str) -> Option<&'static str> {
        Self::CONNECTORS.into_iter().find(|known| *known == name)
    }

    /// The name of a field, likewise.
    pub fn field_named(name: &str) -> Option<&'static str> {
        Self::FIELDS.into_iter().find(|known| *known == name)
    }
}

/// A row that was inserted.
#[derive(Clone, Debug, PartialEq)]
pub struct Inserted {
    pub table: Arc<Table>,
    pub values: Vec<Value>,
    pub origin: Arc<Origin>,
}

impl Inserted {
    /// What a column holds; none if the table has no such column.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.values.get(self.table.columns.iter().position(|name| name == column)?)
    }
}
