//! How a topic lies in the log, under the names that Pulsar's REST interface gives it: a segment is a ledger.

use std::collections::BTreeMap;

use hexalpes_log::Position;
use serde::Serialize;

use super::{Sub, Topic};
use crate::cursor_store::Properties;

/// A topic's ledgers and cursors. Positions are `ledger:entry`, with the entry -1 before the first of a ledger.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalStats {
    /// Since the broker was opened.
    pub entries_added_counter: u64,
    pub number_of_entries: u64,
    /// In bytes.
    pub total_size: u64,
    pub current_ledger_entries: u64,
    pub current_ledger_size: u64,
    pub waiting_cursors_count: usize,
    pub pending_add_entries_count: usize,
    pub last_confirmed_entry: String,
    pub state: &'static str,
    pub ledgers: Vec<LedgerStats>,
    pub cursors: BTreeMap<String, CursorStats>,
    /// Schemas lie elsewhere.
    pub schema_ledgers: [LedgerStats; 0],
    pub compacted_ledger: CompactedLedger,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerStats {
    pub ledger_id: u64,
    pub entries: u64,
    pub size: u64,
    pub offloaded: bool,
    pub under_replicated: bool,
}

/// What compaction left, under its number in the log; -1 in all of it if there is none.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactedLedger {
    pub ledger_id: i64,
    pub entries: i64,
    pub size: i64,
    pub offloaded: bool,
    pub under_replicated: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CursorStats {
    pub mark_delete_position: String,
    pub read_position: String,
    pub waiting_read_op: bool,
    pub pending_read_ops: u32,
    /// Entries that are acked, of those that are kept.
    pub messages_consumed_counter: u64,
    /// Cursors lie beside the log.
    pub cursor_ledger: i64,
    pub cursor_ledger_last_entry: i64,
    pub individually_deleted_messages: String,
    pub state: &'static str,
    pub active: bool,
    pub number_of_entries_since_first_not_acked_message: u64,
    pub total_non_contiguous_deleted_messages_range: usize,
    pub subscription_have_pending_read: bool,
    pub subscription_have_pending_replay_read: bool,
    pub properties: Properties,
}

impl Topic {
    pub(crate) fn internal_stats(&self) -> InternalStats {
        let state = self.state.lock();
        let segments = self.log.segments(self.id);
        let current = segments.last();
        let cursors = state.subscriptions.iter();
        InternalStats {
            entries_added_counter: state.entries_added,
            number_of_entries: segments.iter().map(|segment| segment.entries).sum(),
            total_size: segments.iter().map(|segment| segment.bytes).sum(),
            current_ledger_entries: current.map_or(0, |last| last.entries),
            current_ledger_size: current.map_or(0, |last| last.bytes),
            waiting_cursors_count: 0,
            pending_add_entries_count: state.pending.len(),
            last_confirmed_entry: self.log.last_position(self.id).map_or_else(|| "-1:-1".to_owned(), text),
            state: if state.terminated { "Terminated" } else { "LedgerOpened" },
            ledgers: segments
                .iter()
                .map(|segment| LedgerStats {
                    ledger_id: segment.ledger,
                    entries: segment.entries,
                    size: segment.bytes,
                    offloaded: false,
                    under_replicated: false,
                })
                .collect(),
            cursors: cursors.map(|(name, sub)| (name.clone(), self.cursor_stats(sub))).collect(),
            schema_ledgers: [],
            compacted_ledger: self.compacted_ledger(),
        }
    }

    fn compacted_ledger(&self) -> CompactedLedger {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        let (ledger_id, entries, size) = self.view().map_or((-1, -1, -1), |view| {
            (number(view.id.0), number(view.entries(&self.log)), number(view.bytes(&self.log)))
        });
        CompactedLedger { ledger_id, entries, size, offloaded: false, under_replicated: false }
    }

    fn cursor_stats(&self, sub: &Sub) -> CursorStats {
        let cursor = sub.machine.cursor();
        let first = self.log.first_position(self.id).unwrap_or(Position::EARLIEST);
        let mark = cursor.mark_delete();
        let read = sub.machine.read_position();
        let acked: Vec<_> = cursor.acked().collect();
        CursorStats {
            // Clients know what is before a ledger's first entry as its entry -1.
            mark_delete_position: if mark < first { before(first) } else { text(mark) },
            read_position: text(read.next().max(first)),
            waiting_read_op: false,
            pending_read_ops: u32::from(sub.reader.is_some()),
            messages_consumed_counter: self.log.entries_between(self.id, Position::EARLIEST, mark.next())
                + acked.len() as u64,
            cursor_ledger: -1,
            cursor_ledger_last_entry: -1,
            individually_deleted_messages: ranges(&acked),
            state: "Open",
            active: !sub.seats.is_empty(),
            number_of_entries_since_first_not_acked_message: self.log.entries_between(
                self.id,
                mark.next(),
                read.next(),
            ),
            total_non_contiguous_deleted_messages_range: acked.chunk_by(follows).count(),
            subscription_have_pending_read: sub.reader.is_some(),
            subscription_have_pending_replay_read: false,
            properties: Properties::new(),
        }
    }
}

pub(crate) fn text(position: Position) -> String {
    format!("{}:{}", position.ledger, position.entry)
}

fn before(first: Position) -> String {
    format!("{}:-1", first.ledger)
}

fn follows(one: &Position, next: &Position) -> bool {
    one.next() == *next
}

/// As Pulsar writes ranges: each from before its first entry to its last, `[(3:1..3:4],(3:6..3:7]]`.
fn ranges(acked: &[Position]) -> String {
    let range = |run: &[Position]| {
        let (first, last) = (run[0], run[run.len() - 1]);
        format!("({}:{}..{}]", first.ledger, first.entry.cast_signed() - 1, text(last))
    };
    let ranges: Vec<_> = acked.chunk_by(follows).map(range).collect();
    format!("[{}]", ranges.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acked_entries_are_shown_as_ranges() {
        let acked =
            [(3, 2), (3, 3), (3, 4), (3, 7), (5, 0)].map(|(ledger, entry)| Position::new(ledger, entry));
        assert_eq!(ranges(&acked), "[(3:1..3:4],(3:6..3:7],(5:-1..5:0]]");
        assert_eq!(ranges(&[]), "[]");
    }
}
