//! Where a message lies: ledger, entry, partition and place in a batch.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::proto::MessageIdData;

/// A message's place in its topic.
///
/// Ordered as the topic is: by ledger and entry as *signed* numbers, so that [`EARLIEST`] (all ones, as
/// Pulsar sends it) comes first; then by partition and by place in the batch.
///
/// As text: `ledger:entry:partition[:batch_index]`, `-1` where there is no partition.
///
/// [`EARLIEST`]: MessageId::EARLIEST
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    pub ledger: u64,
    pub entry: u64,
    pub partition: Option<u32>,
    /// None for a message that is not in a batch.
    pub batch_index: Option<u32>,
}

impl MessageId {
    /// Before the first message of any topic.
    pub const EARLIEST: Self = Self::new(u64::MAX, u64::MAX);
    /// After the last message of any topic.
    pub const LATEST: Self = Self::new(i64::MAX as u64, i64::MAX as u64);

    pub const fn new(ledger: u64, entry: u64) -> Self {
        Self { ledger, entry, partition: None, batch_index: None }
    }

    pub const fn in_batch(self, index: u32) -> Self {
        Self { batch_index: Some(index), ..self }
    }

    /// The entry that this message lies in: the batch as a whole.
    pub const fn whole_entry(self) -> Self {
        Self { batch_index: None, ..self }
    }
}

impl Ord for MessageId {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |id: &Self| (id.ledger.cast_signed(), id.entry.cast_signed(), id.partition, id.batch_index);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for MessageId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<MessageId> for MessageIdData {
    fn from(id: MessageId) -> Self {
        let signed = |n: Option<u32>| n.and_then(|n| i32::try_from(n).ok());
        Self {
            ledger_id: id.ledger,
            entry_id: id.entry,
            partition: signed(id.partition),
            batch_index: signed(id.batch_index),
            ..Self::default()
        }
    }
}

/// A negative partition or batch index is none.
impl From<&MessageIdData> for MessageId {
    fn from(data: &MessageIdData) -> Self {
        Self {
            ledger: data.ledger_id,
            entry: data.entry_id,
            partition: u32::try_from(data.partition()).ok(),
            batch_index: u32::try_from(data.batch_index()).ok(),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.ledger.cast_signed(), self.entry.cast_signed())?;
        match self.partition {
            Some(partition) => write!(f, "{partition}")?,
            None => f.write_str("-1")?,
        }
        match self.batch_index {
            Some(index) => write!(f, ":{index}"),
            None => Ok(()),
        }
    }
}

/// A text that is not a message id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message id: {text:?} (expected ledger:entry:partition[:batch_index])")]
pub struct ParseMessageIdError {
    pub text: String,
}

impl FromStr for MessageId {
    type Err = ParseMessageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseMessageIdError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<MessageId> {
    let mut parts = text.split(':');
    let mut next = || parts.next().map(|part| part.parse::<i64>().ok().filter(|n| *n >= -1));
    let (ledger, entry) = (next()??, next()??);
    let small = |n: Option<Option<i64>>| match n {
        None | Some(Some(-1)) => Some(None),
        Some(n) => u32::try_from(n?).ok().map(Some),
    };
    let (partition, batch_index) = (small(next())?, small(next())?);
    if parts.next().is_some() {
        return None;
    }
    Some(MessageId { ledger: ledger.cast_unsigned(), entry: entry.cast_unsigned(), partition, batch_index })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;

    #[test]
    fn earliest_comes_before_and_latest_after_every_message() {
        let first = MessageId::new(0, 0);
        assert!(MessageId::EARLIEST < first);
        assert!(first < first.in_batch(0));
        assert!(first.in_batch(9) < MessageId::new(0, 1));
        assert!(MessageId::new(1 << 40, 7) < MessageId::LATEST);
    }

    #[test]
    fn text_and_wire_give_the_same_id_back() {
        let whole = MessageId::new(12, 34);
        let partitioned = MessageId { partition: Some(3), ..whole.in_batch(5) };
        for id in [whole, whole.in_batch(0), partitioned, MessageId::EARLIEST, MessageId::LATEST] {
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(MessageId::from(&MessageIdData::from(id)), id);
        }
        assert_eq!(partitioned.to_string(), "12:34:3:5");
        assert_eq!(MessageId::EARLIEST.to_string(), "-1:-1:-1");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "1", "1:", "1:2:3:4:5", "a:b", "1:-2", "1:2:x"] {
            assert!(text.parse::<MessageId>().is_err(), "{text}");
        }
        assert_eq!("1:2".parse(), Ok(MessageId::new(1, 2)));
    }
}
