//! What an operator sees of the notifications.

use hexalpes_worker::State;
use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// They work, or will again as soon as what the alarm names is over.
    pub running: bool,
    /// Since the start.
    pub lines_written: u64,
    /// Messages that came again and got no second line, since the start.
    pub duplicates: u64,
    /// Messages that were no event and got no line, since the start.
    pub refused: u64,
    /// The last of these: which message, and why.
    pub last_refusal: Option<String>,
    /// Where the next line will begin, in bytes.
    pub offset: u64,
    /// Files that were put aside before the one that is written.
    pub files_put_aside: u64,
    /// Why they wait or stopped; `null` while all is well.
    pub alarm: Option<String>,
}

impl Status {
    /// What was counted, and how the worker does.
    pub(crate) fn with(self, state: State) -> Self {
        Self { running: state.running, alarm: state.alarm.or(state.standby), ..self }
    }
}
