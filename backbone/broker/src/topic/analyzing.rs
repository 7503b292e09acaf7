//! What waits for a subscription, looked at entry by entry.

use serde::Serialize;

use super::Topic;
use crate::broker::AdminError;
use hexalpes_wire::frame::Payload;

/// An answer comes after so many entries, and says that there are more: as by Pulsar that nobody configured.
const ENTRIES_MAX: u64 = 10_000;
/// So much is read at once.
const READ_ENTRIES: usize = 1_000;
const READ_BYTES: usize = 4 << 20;

/// What waits for a subscription, under Pulsar's names. No filters are asked about entries, so that all are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BacklogAnalysis {
    pub entries: u64,
    /// `ledger:entry`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message_id: Option<String>,
    /// In all batches.
    pub messages: u64,
    pub filter_rejected_entries: u64,
    pub filter_accepted_entries: u64,
    pub filter_rescheduled_entries: u64,
    pub filter_rejected_messages: u64,
    pub filter_accepted_messages: u64,
    pub filter_rescheduled_messages: u64,
    /// It was not looked at all there is.
    pub aborted: bool,
}

impl Topic {
    /// Reads what a subscription has not acked.
    pub(crate) fn analyze_backlog(&self, subscription: &str) -> Result<BacklogAnalysis, AdminError> {
        let gone = || AdminError::NoSubscription { name: subscription.to_owned(), topic: self.name.clone() };
        let cursor = self.look(subscription, |machine, _| machine.cursor().clone()).ok_or_else(gone)?;
        let mut found = BacklogAnalysis::default();
        let mut from = cursor.mark_delete().next();
        while !found.aborted {
            let entries = self.log.read(self.id, from, READ_ENTRIES, READ_BYTES)?;
            let Some(last) = entries.last() else { break };
            from = last.position.next();
            for entry in entries.into_iter().filter(|entry| !cursor.is_acked(entry.position)) {
                if found.entries == ENTRIES_MAX {
                    found.aborted = true;
                    break;
                }
                found.entries += 1;
                let id = format!("{}:{}", entry.position.ledger, entry.position.entry);
                found.first_message_id.get_or_insert_with(|| id.clone());
                found.last_message_id = Some(id);
                let in_batch = || {
                    let peek = Payload::from_raw(entry.payload).peek().ok();
                    peek.map_or(1, |peek| peek.num_messages_in_batch().max(1).unsigned_abs())
                };
                let left = cursor
                    .remaining(entry.position)
                    .map(|words| words.iter().map(|word| word.count_ones()).sum());
                found.messages += u64::from(left.unwrap_or_else(in_batch));
            }
        }
        found.filter_accepted_entries = found.entries;
        found.filter_accepted_messages = found.messages;
        Ok(found)
    }
}
