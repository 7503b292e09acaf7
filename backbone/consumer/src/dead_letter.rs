//! A dead letter: the message as it came, and why it was not handled, on three topics.
//!
//! It is appended to the outbox in the transaction that notes the event as handled, so it leaves once.

use hexalpes_client::{OpenError, TopicName};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Edge};
use hexalpes_outbox::{NewMessage, PROPERTIES_BYTES_MAX, append_to};

use crate::{
    handler::{FieldRejection, Rejection},
    item::Item,
    names, payload,
};

/// Properties of ours begin so; others of that name are not taken along.
const PREFIX: &str = "dlq_";
/// What our texts may have each, so that all fit into what a message's headers may have.
const TEXT_BYTES_MAX: usize = 1024;
/// As [`TEXT_BYTES_MAX`], of the list of errors.
const ERRORS_BYTES_MAX: usize = 2 * 1024;
/// A longer key is left out. `dlq_key` has what its events are in order by, where that is not the letter's own key: a
/// subject, or the digest of what is too long.
const KEY_BYTES_MAX: usize = 1024;

/// Where the dead letters of one consumer go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterTopics {
    /// `{topic}-{service}-dlq`, of this topic and service alone: what a replay reads.
    pub canonical: TopicName,
    /// `hexabuilders/{service}/dead-letters`: to look at, of one service.
    pub of_service: TopicName,
    /// `hexabuilders/system/dead-letters`: to look at, of all services.
    pub of_system: TopicName,
}

impl DeadLetterTopics {
    pub fn of(topic: &TopicName, service: &str) -> Result<Self, OpenError> {
        Ok(Self {
            canonical: TopicName::parse(&format!("{}-{service}-dlq", topic.without_partition()))?,
            of_service: TopicName::parse(&format!("persistent://hexabuilders/{service}/dead-letters"))?,
            of_system: TopicName::parse("persistent://hexabuilders/system/dead-letters")?,
        })
    }

    pub fn all(&self) -> [&TopicName; 3] {
        [&self.canonical, &self.of_service, &self.of_system]
    }
}

/// What is told of a dead letter besides the message.
#[derive(Clone, Debug)]
pub(crate) struct Obituary<'a> {
    /// What the inbox calls it; of an event whose name another one had, that of its place.
    pub(crate) id: &'a str,
    pub(crate) service: &'a str,
    pub(crate) subscription: &'a str,
    pub(crate) rejection: &'a Rejection,
    pub(crate) runs: u32,
}

/// Appends the dead letter for each of its topics.
pub(crate) async fn append(
    tx: &Tx,
    edge: &dyn Edge,
    topics: &DeadLetterTopics,
    item: &Item,
    obituary: &Obituary<'_>,
    cause: &Cause,
) -> Result<(), DbError> {
    let message = &item.message;
    let key = message.key.clone().filter(|key| key.len() <= KEY_BYTES_MAX);
    let properties = properties(item, obituary, cause, key.as_deref());
    for topic in topics.all() {
        let letter = NewMessage {
            id: edge.uuid(),
            topic: topic.clone(),
            key: key.clone(),
            properties: properties.clone(),
            event_time: message.event_time,
            payload: message.payload.clone(),
        };
        append_to(tx, cause, letter).await?;
    }
    Ok(())
}

/// Ours, then as many of the message's own as there is room for.
fn properties(
    item: &Item,
    obituary: &Obituary<'_>,
    cause: &Cause,
    kept_key: Option<&str>,
) -> Vec<(String, String)> {
    let rejection = obituary.rejection;
    let mut ours = vec![
        ("dlq_topic", shortened(&item.message.topic)),
        ("dlq_message_id", item.message.id.to_string()),
        ("dlq_event_id", obituary.id.to_owned()),
        ("dlq_service", obituary.service.to_owned()),
        ("dlq_subscription", shortened(obituary.subscription)),
        ("dlq_code", shortened(&rejection.code)),
        ("dlq_reason", shortened(&rejection.detail)),
        ("dlq_runs", obituary.runs.to_string()),
        ("dlq_at", cause.at.to_string()),
        ("dlq_correlation_id", cause.correlation.to_string()),
    ];
    if let Some(version) = &item.message.schema_version {
        // With which schema of its topic the payload was written.
        ours.push(("dlq_schema_version", shortened(&payload::in_words(version))));
    }
    if !rejection.errors.is_empty() {
        ours.push(("dlq_errors", errors(&rejection.errors)));
    }
    if let Some(key) = item.key.as_deref().filter(|key| kept_key != Some(key)) {
        ours.push(("dlq_key", names::of_key(key)));
    }
    let mut properties: Vec<_> = ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let size = |(name, value): &(String, String)| name.len() + value.len();
    let key_bytes = kept_key.map_or(0, str::len);
    // Some room is left for the last of ours, which counts what found none.
    let mut room =
        PROPERTIES_BYTES_MAX.saturating_sub(key_bytes + properties.iter().map(size).sum::<usize>() + 64);
    let mut left_out = 0;
    for property in item.message.properties.iter().filter(|(name, _)| !name.starts_with(PREFIX)) {
        if size(property) <= room {
            room -= size(property);
            properties.push(property.clone());
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        properties.push(("dlq_properties_left_out".to_owned(), left_out.to_string()));
    }
    properties
}

/// As many of the errors as there is room for, as JSON.
fn errors(errors: &[FieldRejection]) -> String {
    let mut some = errors;
    loop {
        let json = serde_json::to_string(some).expect("errors are plain texts");
        match some.split_last() {
            Some((_, fewer)) if json.len() > ERRORS_BYTES_MAX => some = fewer,
            _ => return json,
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let mark = "…";
    let end = (0..=TEXT_BYTES_MAX - mark.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{mark}", &text[..end])
}
