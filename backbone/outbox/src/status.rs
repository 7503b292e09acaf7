//! What an operator sees of a relay, with the seeds' field names.

use serde::Serialize;

/// Answered under `GET /debug/relay`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub running: bool,
    /// Rows read since the start.
    pub num_received_from_source: u64,
    /// Rows whose messages have all their receipts, since the start.
    pub num_written: u64,
    /// Rows that are committed and not yet published.
    pub lag_rows: u64,
    /// Why it waits or stopped; `null` while all is well.
    pub alarm: Option<String>,
}
