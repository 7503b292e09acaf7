//! What an operator wants to know of any worker.

use crate::Outlook;

/// How a worker does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// It works, or will again as soon as what the alarm names is over.
    pub running: bool,
    /// Whose turn it is while this one stands by.
    pub standby: Option<String>,
    /// Why it waits or ended; `None` while all is well.
    pub alarm: Option<String>,
}

impl State {
    pub(crate) fn working() -> Self {
        Self { running: true, ..Self::default() }
    }

    pub(crate) fn after(outlook: Outlook, why: String) -> Self {
        match outlook {
            Outlook::Standby => Self { standby: Some(why), ..Self::default() },
            Outlook::Passing => Self { running: true, standby: None, alarm: Some(why) },
            Outlook::Final => Self { alarm: Some(why), ..Self::default() },
        }
    }
}
