//! What an operator sees of a relay, with the seeds' field names.

use hexalpes_worker::State;
use serde::Serialize;

use crate::keeper::Lag;

/// Answered under `GET /debug/relay`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// It works, or will again as soon as what the alarm names is over.
    pub running: bool,
    /// Whose turn it is while this relay stands by; `null` while it is its own.
    pub standby: Option<String>,
    /// Rows read since the start.
    pub num_received_from_source: u64,
    /// Rows whose messages have all their receipts, since the start.
    pub num_written: u64,
    /// Rows that are committed and not yet published.
    pub lag_rows: u64,
    /// Bytes of their payloads; of the oldest, [`LAG_ROWS_MAX`](crate::LAG_ROWS_MAX) of them or somewhat more, if there are
    /// more.
    pub lag_bytes: u64,
    /// Bytes of the database's log that are not read yet; `null` where no log is read.
    pub lag_log_bytes: Option<u64>,
    /// How long ago the oldest of them happened.
    pub lag_seconds: u64,
    /// Events that cannot be published, and those of their aggregates behind them.
    pub parked: u64,
    /// Why it waits or stopped, or that something is parked; `null` while all is well.
    pub alarm: Option<String>,
}

/// What is counted from the start on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) received: u64,
    pub(crate) written: u64,
    pub(crate) lag: Lag,
    pub(crate) log_behind: Option<u64>,
    pub(crate) parked: u64,
}

impl Status {
    pub(crate) fn of(state: State, counters: Counters) -> Self {
        Self {
            running: state.running,
            standby: state.standby,
            num_received_from_source: counters.received,
            num_written: counters.written,
            lag_rows: counters.lag.rows,
            lag_bytes: counters.lag.bytes,
            lag_log_bytes: counters.log_behind,
            lag_seconds: counters.lag.seconds,
            parked: counters.parked,
            alarm: state.alarm.or_else(|| parked(counters.parked)),
        }
    }
}

fn parked(rows: u64) -> Option<String> {
    let events = if rows == 1 { "event is" } else { "events are" };
    (rows > 0).then(|| {
        format!(
            "{rows} {events} parked, which cannot be published or wait behind one of their aggregate that cannot: `hexalpes \
             relay parked` tells the reasons; mend what they say and `hexalpes relay retry`, or `hexalpes relay skip` them"
        )
    })
}
