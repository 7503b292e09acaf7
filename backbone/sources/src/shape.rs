//! Rows of a table that others write, as the relay takes them.

use std::{borrow::Cow, sync::Arc};

use hexalpes_capture::{Inserted, Value};
use hexalpes_kernel::Edge;
use hexalpes_outbox::{ForeignRow, OutboxRow, Shape, ShapeError, Told};

use crate::{config::SourceConfig, envelope::change, key::SnapshotKey, mapping::Mapped, value::text};

/// By the mapping of a source.
#[derive(Debug)]
pub(crate) struct MappedShape {
    config: SourceConfig,
    snapshot_key: SnapshotKey,
    edge: Arc<dyn Edge>,
}

impl MappedShape {
    pub(crate) fn new(config: SourceConfig, snapshot_key: SnapshotKey, edge: Arc<dyn Edge>) -> Self {
        Self { config, snapshot_key, edge }
    }

    fn mapped<'a>(&'a self, row: &'a Inserted) -> Result<Mapped<'a>, ShapeError> {
        self.config.mapping.read(row).map_err(|why| ShapeError(why.to_string()))
    }
}

impl Shape for MappedShape {
    fn key_column(&self) -> &str {
        self.snapshot_key.column()
    }

    fn key(&self, row: &Inserted) -> Result<Value, ShapeError> {
        let column = self.snapshot_key.column();
        row.get(column).cloned().ok_or_else(|| {
            let (table, has) = (&row.table.name, row.table.columns.join(", "));
            ShapeError(format!(
                "table {table} has no column {column:?} by which its rows could be read in pieces: it has {has}; name one with \
                 hexalpes.snapshot.key"
            ))
        })
    }

    fn id(&self, row: &Inserted) -> Result<String, ShapeError> {
        Ok(self.mapped(row)?.id)
    }

    fn has_marks(&self) -> bool {
        false
    }

    /// Whoever published rows of another program, it was not us.
    fn is_published(&self, _: &Inserted) -> Result<bool, ShapeError> {
        Ok(false)
    }

    /// The table is others': nothing is marked there.
    fn seq(&self, _: &Inserted) -> Result<Option<i64>, ShapeError> {
        Ok(None)
    }

    fn row(&self, row: &Inserted, ordinal: i64) -> Result<OutboxRow, ShapeError> {
        let SourceConfig { server_name, modes, .. } = &self.config;
        let mapped = self.mapped(row)?;
        let (data, payload) = (mapped.data(), mapped.payload());
        let Mapped {
            id, aggregate_type, aggregate_id, kind, occurred_at, correlation_id, causation_id, ..
        } = mapped;
        let foreign = ForeignRow {
            id,
            aggregate_type,
            aggregate_id,
            kind,
            data,
            occurred_at,
            correlation_id,
            causation_id,
            change: change(row, server_name, *modes, self.edge.now().as_millis()).into(),
            payload,
            inserted: row.clone(),
            text,
        };
        foreign.at(ordinal)
    }

    /// A column that is missing is missing in all rows: nothing of that is put aside.
    fn told(&self, row: &Inserted) -> Result<Told, ShapeError> {
        self.config.mapping.told(row).map_err(|why| ShapeError(why.to_string()))
    }

    fn field<'a>(&self, row: &'a Inserted, name: &str) -> Option<Cow<'a, str>> {
        self.config.mapping.field(row, name)
    }
}
