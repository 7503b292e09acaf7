//! What an operator sees of a consumer.

use hexalpes_worker::State;
use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `{service}-{handler}`.
    pub subscription: String,
    pub topic: String,
    /// It works, or will again as soon as what the alarm names is over.
    pub running: bool,
    /// Since the start, as all that counts here.
    pub handled: u64,
    /// Events that came again and did nothing.
    pub duplicates: u64,
    /// Runs that failed and will be repeated, looks for what is not known yet included.
    pub repeated: u64,
    pub dead_letters: u64,
    /// The last of these: which event, and why.
    pub last_dead_letter: Option<String>,
    /// Events that are here and not done.
    pub held: u64,
    /// Keys of which one waits for its next run.
    pub waiting_keys: u64,
    /// Why it waits or stopped; `null` while all is well.
    pub alarm: Option<String>,
}

impl Status {
    /// What was counted, and how the worker does.
    pub(crate) fn with(self, state: State) -> Self {
        Self { running: state.running, alarm: state.alarm.or(state.standby), ..self }
    }
}
