//! The column by which the rows that were there before are read in pieces, one after the other.

use std::sync::{Arc, OnceLock};

use crate::config::SourceConfig;

/// The one that is named; else the one by which the database numbers the rows as they come, so that the rows of an aggregate come
/// in the order in which they were written; else the event's id.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotKey {
    named: Option<String>,
    /// Known once the database was asked.
    numbered: Arc<OnceLock<String>>,
    id: String,
}

impl SnapshotKey {
    pub(crate) fn of(config: &SourceConfig) -> Self {
        let (named, id) = (config.snapshot_key.clone(), config.mapping.id.clone());
        Self { named, numbered: Arc::default(), id }
    }

    pub(crate) fn column(&self) -> &str {
        self.named.as_deref().or_else(|| self.numbered.get().map(String::as_str)).unwrap_or(&self.id)
    }

    /// Whether the database has to be asked how it numbers the rows.
    pub(crate) fn is_open(&self) -> bool {
        self.named.is_none() && self.numbered.get().is_none()
    }

    /// It numbers them by this one.
    pub(crate) fn numbered_by(&self, column: String) {
        // Whoever was first has said so.
        let _ = self.numbered.set(column);
    }
}
