//! What was done with a source, and with events of it that are parked.

use std::cmp::Reverse;

use hexalpes_kernel::Timestamp;
use hexalpes_outbox::operate::Deed as OfRelay;
use serde::Serialize;

/// The deeds of relays that are done with single events. The others are done with the source as well, and noted there.
const OF_EVENTS: [&str; 2] = ["retry", "skip event"];

/// What was done, by whom, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceDeed {
    pub at: Timestamp,
    pub who: String,
    /// `create`, `pause`, `resume`, `restart`, `resnapshot`, `skip`, `delete`, `delete and forget`, `retry`, `skip event`.
    pub what: String,
    pub why: String,
}

/// What was done with a source, and what with its relay, which forgets with the source: the newest first.
pub(crate) fn together(mut of_source: Vec<SourceDeed>, of_relay: Vec<OfRelay>) -> Vec<SourceDeed> {
    let of_events = of_relay.into_iter().filter(|deed| OF_EVENTS.contains(&deed.what.as_str()));
    of_source.extend(of_events.map(|OfRelay { at, who, what, why, .. }| SourceDeed { at, who, what, why }));
    of_source.sort_by_key(|deed| Reverse(deed.at));
    of_source
}
