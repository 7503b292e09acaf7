//! How a cursor is written down: JSON, positions as `[ledger, entry]`.

use hexalpes_log::Position;
use serde::{Deserialize, Serialize};

use crate::subscription::{Cursor, CursorSnapshot};

#[derive(Serialize, Deserialize)]
struct Stored {
    mark_delete: (u64, u64),
    acked: Vec<(u64, u64)>,
    /// Batches acked in part, and the bits that are left.
    partial: Vec<((u64, u64), Vec<u64>)>,
}

pub(crate) fn write(cursor: &Cursor) -> Vec<u8> {
    let pair = |at: Position| (at.ledger, at.entry);
    let CursorSnapshot { mark_delete, acked, partial } = cursor.snapshot();
    let stored = Stored {
        mark_delete: pair(mark_delete),
        acked: acked.into_iter().map(pair).collect(),
        partial: partial.into_iter().map(|(at, bits)| (pair(at), bits)).collect(),
    };
    serde_json::to_vec(&stored).expect("numbers can be written as JSON")
}

pub(crate) fn read(bytes: &[u8]) -> Result<Cursor, serde_json::Error> {
    let at = |(ledger, entry)| Position::new(ledger, entry);
    let Stored { mark_delete, acked, partial } = serde_json::from_slice(bytes)?;
    Ok(Cursor::restore(CursorSnapshot {
        mark_delete: at(mark_delete),
        acked: acked.into_iter().map(at).collect(),
        partial: partial.into_iter().map(|(position, bits)| (at(position), bits)).collect(),
    }))
}
