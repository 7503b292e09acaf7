//! How a subscription is written down: JSON, positions as `[ledger, entry]`.

use std::collections::BTreeMap;

use hexalpes_log::Position;
use serde::{Deserialize, Serialize};

use crate::subscription::{Cursor, CursorSnapshot};

/// What somebody noted beside a subscription, or a topic.
pub type Properties = BTreeMap<String, String>;

#[derive(Serialize, Deserialize)]
struct Stored {
    mark_delete: (u64, u64),
    acked: Vec<(u64, u64)>,
    /// Batches acked in part, and the bits that are left.
    partial: Vec<((u64, u64), Vec<u64>)>,
    /// Older versions wrote none.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    properties: Properties,
}

pub(crate) fn write(cursor: &Cursor, properties: &Properties) -> Vec<u8> {
    let pair = |at: Position| (at.ledger, at.entry);
    let CursorSnapshot { mark_delete, acked, partial } = cursor.snapshot();
    let stored = Stored {
        mark_delete: pair(mark_delete),
        acked: acked.into_iter().map(pair).collect(),
        partial: partial.into_iter().map(|(at, bits)| (pair(at), bits)).collect(),
        properties: properties.clone(),
    };
    serde_json::to_vec(&stored).expect("numbers and texts can be written as JSON")
}

pub(crate) fn read(bytes: &[u8]) -> Result<(Cursor, Properties), serde_json::Error> {
    let at = |(ledger, entry)| Position::new(ledger, entry);
    let Stored { mark_delete, acked, partial, properties } = serde_json::from_slice(bytes)?;
    let cursor = Cursor::restore(CursorSnapshot {
        mark_delete: at(mark_delete),
        acked: acked.into_iter().map(at).collect(),
        partial: partial.into_iter().map(|(position, bits)| (at(position), bits)).collect(),
    });
    Ok((cursor, properties))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_versions_wrote_is_read() {
        let (cursor, properties) = read(br#"{"mark_delete":[3,4],"acked":[[3,6]],"partial":[]}"#).unwrap();
        assert_eq!((cursor.mark_delete(), properties), (Position::new(3, 4), Properties::new()));
        assert_eq!(read(&write(&cursor, &Properties::new())).unwrap().0.snapshot(), cursor.snapshot());
    }
}
