//! Where a change comes from, as Debezium tells it.

use hexalpes_kernel::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::row::{Detail, Origin, Table};

/// The `source` of a change event: serialized, it has Debezium's field names in Debezium's order.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub connector: &'a str,
    /// The source's name, Debezium's `database.server.name`.
    pub name: &'a str,
    /// When the row was committed.
    pub at: Timestamp,
    pub is_snapshot: bool,
    pub database: &'a str,
    pub schema: Option<&'a str>,
    pub table: &'a str,
    /// What else the log says.
    pub fields: &'a [(&'static str, Detail)],
    /// Whose outbox it is, if it is one of ours. Debezium has no such field; it stands behind all of its own.
    pub service: Option<&'a str>,
}

impl<'a> Source<'a> {
    /// Of a row that was read from a database's log, or from its table at a place in it.
    pub fn of(table: &'a Table, origin: &'a Origin, name: &'a str) -> Self {
        Self {
            connector: origin.connector,
            name,
            at: origin.at,
            is_snapshot: origin.is_snapshot,
            database: &table.database,
            schema: table.schema.as_deref(),
            table: &table.name,
            fields: &origin.fields,
            service: None,
        }
    }

    /// The change's `op`: a row that was inserted, or one that was read where it stood.
    pub fn op(&self) -> &'static str {
        if self.is_snapshot { "r" } else { "c" }
    }
}

impl Serialize for Source<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", env!("CARGO_PKG_VERSION"))?;
        map.serialize_entry("connector", self.connector)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("ts_ms", &self.at.as_millis())?;
        map.serialize_entry("snapshot", if self.is_snapshot { "true" } else { "false" })?;
        map.serialize_entry("db", self.database)?;
        if !self.fields.iter().any(|(field, _)| *field == "sequence") {
            map.serialize_entry("sequence", &())?;
        }
        if let Some(schema) = self.schema {
            map.serialize_entry("schema", schema)?;
        }
        map.serialize_entry("table", self.table)?;
        for (field, value) in self.fields {
            map.serialize_entry(field, value)?;
        }
        if let Some(service) = self.service {
            map.serialize_entry("service", service)?;
        }
        map.end()
    }
}
