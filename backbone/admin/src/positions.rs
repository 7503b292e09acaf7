//! Where something begins, as the bodies of this interface say it, and ids of messages as they are answered.

use hexalpes_broker::{Properties, SubscriptionStart};
use hexalpes_wire::MessageId;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// An id in a body: the numbers of Pulsar's `MessageIdImpl`, -1 where there is none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Id {
    ledger_id: i64,
    entry_id: i64,
}

/// A place in a topic: a word, or an id.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a place is \"earliest\", \"latest\", or an object with ledgerId and entryId")]
enum Place {
    Word(Word),
    Id {
        #[serde(flatten)]
        id: Id,
        /// It begins with what follows.
        #[serde(default)]
        excluded: bool,
        #[serde(default)]
        properties: Option<Properties>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Earliest,
    Latest,
}

/// What a body says of where to begin.
pub(crate) struct Beginning {
    pub(crate) start: SubscriptionStart,
    pub(crate) properties: Properties,
}

/// An id as it is answered; `entryId` is -1 where a topic has no message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdView {
    ledger_id: i64,
    entry_id: i64,
    partition_index: i64,
    batch_index: i64,
    batch_size: u32,
}

impl Id {
    pub(crate) fn message(&self) -> MessageId {
        MessageId::new(self.ledger_id.cast_unsigned(), self.entry_id.cast_unsigned())
    }

    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        Ok(serde_json::from_slice(body)?)
    }
}

impl Beginning {
    /// A body that is empty means the end, as to Pulsar where a subscription is made.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self { start: SubscriptionStart::Latest, properties: Properties::new() });
        }
        Ok(match serde_json::from_slice(body)? {
            Place::Word(Word::Earliest) => {
                Self { start: SubscriptionStart::Earliest, properties: Properties::new() }
            }
            Place::Word(Word::Latest) => {
                Self { start: SubscriptionStart::Latest, properties: Properties::new() }
            }
            Place::Id { id, excluded, properties } => Self {
                start: SubscriptionStart::At { id: id.message(), excluded },
                properties: properties.unwrap_or_default(),
            },
        })
    }
}

impl From<MessageId> for IdView {
    fn from(id: MessageId) -> Self {
        Self {
            ledger_id: id.ledger.cast_signed(),
            entry_id: id.entry.cast_signed(),
            partition_index: -1,
            batch_index: id.batch_index.map_or(-1, i64::from),
            batch_size: 0,
        }
    }
}
