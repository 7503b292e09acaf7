//! What an operator sees of the notifications.

use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Whether it is subscribed.
    pub running: bool,
    /// Since the start.
    pub lines_written: u64,
    /// Messages that came again and got no second line, since the start.
    pub duplicates: u64,
    /// Messages that were no event and were logged, since the start.
    pub refused: u64,
    /// Where the next line will begin, in bytes.
    pub offset: u64,
    /// Why it waits or stopped; `null` while all is well.
    pub alarm: Option<String>,
}
