//! Where a reader goes on: what it starts at, and later what it read last.

use hexalpes_wire::MessageId;
use hexalpes_wire::proto::MessageIdData;

use crate::clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Earliest,
    Latest,
    /// This message is the next one.
    With(MessageId),
    After(MessageId),
    /// The first message published then or later, milliseconds since 1970.
    Since(u64),
}

impl Mark {
    /// As a broker takes it, which knows entries: the one that the next message is in or behind.
    pub(super) fn start(self) -> MessageIdData {
        match self {
            Self::Earliest => MessageId::EARLIEST,
            Self::Latest | Self::Since(_) => MessageId::LATEST,
            Self::With(id) | Self::After(id) => id.whole_entry(),
        }
        .into()
    }

    /// How many seconds before now it starts, if it starts by time: whole ones, and rather more.
    pub(super) fn seconds_back(self) -> Option<u64> {
        let Self::Since(time) = self else { return None };
        let back_ms = clock::millis_since_1970().checked_sub(time).filter(|back_ms| *back_ms > 0);
        back_ms.map(|back_ms| back_ms.div_ceil(1000))
    }

    /// The first that counts of what the broker sends then.
    pub(super) fn first(self) -> Option<MessageId> {
        match self {
            Self::Earliest | Self::Latest | Self::Since(_) => None,
            Self::With(id) => Some(id),
            Self::After(id @ MessageId { batch_index: Some(index), .. }) => {
                Some(id.in_batch(index.saturating_add(1)))
            }
            // Before the first entry is entry -1.
            Self::After(id) => Some(MessageId { entry: id.entry.wrapping_add(1), ..id }),
        }
    }

    /// Whether there is something to read when this is the topic's last message, and this what the subscription had
    /// acked when it was asked.
    pub(super) fn is_before(self, last: MessageId, acked: Option<MessageId>) -> bool {
        if last.entry.cast_signed() < 0 {
            return false;
        }
        match self {
            Self::With(id) => last >= id,
            Self::After(id) => {
                last.whole_entry() > id.whole_entry()
                    || (last.whole_entry() == id.whole_entry() && last > id && id.batch_index.is_some())
            }
            Self::Earliest | Self::Latest | Self::Since(_) => {
                acked.is_none_or(|acked| last.whole_entry() > acked.whole_entry())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: MessageId = MessageId::new(3, 7);

    #[test]
    fn what_was_read_is_not_read_again() {
        assert_eq!(Mark::After(ENTRY).first(), Some(MessageId::new(3, 8)));
        assert_eq!(Mark::After(ENTRY.in_batch(2)).first(), Some(ENTRY.in_batch(3)));
        assert_eq!(Mark::After(MessageId::new(3, u64::MAX)).first(), Some(MessageId::new(3, 0)));
        assert_eq!(Mark::With(ENTRY).first(), Some(ENTRY));
    }

    #[test]
    fn there_is_more_behind_what_was_read_alone() {
        let last = ENTRY.in_batch(4);
        assert!(Mark::After(ENTRY.in_batch(3)).is_before(last, None));
        assert!(!Mark::After(ENTRY.in_batch(4)).is_before(last, None));
        assert!(!Mark::After(ENTRY).is_before(ENTRY, None));
        assert!(Mark::With(ENTRY).is_before(ENTRY, None));
        assert!(!Mark::Earliest.is_before(MessageId::EARLIEST, None));
        assert!(!Mark::Latest.is_before(ENTRY, Some(ENTRY)));
    }
}
