//! How an event, or a message for one topic, gets into the outbox: in the transaction that it belongs to.

use bytes::Bytes;
use hexalpes_client::TopicName;
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};
use sea_query::Query;
use serde_json::value::RawValue;

use crate::{
    route::{Encoding, Route},
    row::Headers,
};

/// A fact on its way out.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Becomes the `CloudEvent`'s id.
    pub id: Uuid,
    /// The context's name on the wire, such as `commissions`; the `CloudEvent`'s source is made of it.
    pub aggregate_type: &'static str,
    /// Becomes the subject and the message's key.
    pub aggregate_id: String,
    /// Full name of the fact: `com.hexabuilders.commissions.CommissionCalculated`.
    pub kind: &'static str,
    /// A JSON object.
    pub data: Box<RawValue>,
}

/// Appends an event in the transaction of the command that caused it.
pub async fn append(tx: &Tx, cause: &Cause, event: NewEvent) -> Result<(), DbError> {
    let row = NewRow {
        id: event.id,
        aggregate_type: event.aggregate_type,
        aggregate_id: event.aggregate_id,
        kind: event.kind,
        payload: event.data.get().to_owned(),
        route: None,
    };
    insert(tx, cause, row).await
}

/// A message for one topic, to be published as it is: a dead letter.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The row's id; it is not part of the message.
    pub id: Uuid,
    pub topic: TopicName,
    pub key: Option<String>,
    pub properties: Vec<(String, String)>,
    /// When it happened, milliseconds since 1970.
    pub event_time: Option<u64>,
    pub payload: Bytes,
}

/// What key and properties of a message may have together: brokers bound a message's headers.
pub const PROPERTIES_BYTES_MAX: usize = 8 * 1024;

/// What [`append_to`] writes for `aggregatetype` and `type`: a message has neither.
pub(crate) const MESSAGE: &str = "message";

/// Appends a message that goes to its own topic **instead of** the topics of events, in the transaction
/// that it belongs to. It is published once, and in the order of the commits with everything else.
///
/// Refused if key and properties have more than [`PROPERTIES_BYTES_MAX`]: no broker would ever take it, and
/// everything behind it would wait. A topic that cannot be opened, such as one of a namespace that nobody made,
/// holds up what is behind it as well, with an alarm that names it: order and once are worth more than haste.
pub async fn append_to(tx: &Tx, cause: &Cause, message: NewMessage) -> Result<(), DbError> {
    let properties = message.properties.iter().map(|(name, value)| name.len() + value.len());
    if properties.sum::<usize>() + message.key.as_ref().map_or(0, String::len) > PROPERTIES_BYTES_MAX {
        return Err(DbError::Range("key and properties of a message above 8192 bytes"));
    }
    let (payload, encoding) = Encoding::of(&message.payload);
    let row = NewRow {
        id: message.id,
        aggregate_type: MESSAGE,
        aggregate_id: message.id.to_string(),
        kind: MESSAGE,
        payload,
        route: Some(Route {
            topic: message.topic.to_string(),
            key: message.key,
            properties: message.properties,
            event_time: message.event_time,
            encoding,
        }),
    };
    insert(tx, cause, row).await
}

struct NewRow {
    id: Uuid,
    aggregate_type: &'static str,
    aggregate_id: String,
    kind: &'static str,
    /// JSON.
    payload: String,
    route: Option<Route>,
}

async fn insert(tx: &Tx, cause: &Cause, row: NewRow) -> Result<(), DbError> {
    let headers = Headers {
        correlationid: cause.correlation.clone(),
        causationid: cause.causation.clone(),
        actor: cause.actor.clone(),
        route: row.route,
    };
    let insert = Query::insert()
        .into_table("outbox_event")
        .columns([
            "id",
            "aggregatetype",
            "aggregateid",
            "type",
            "payload",
            "headers",
            "occurred_at",
            "published",
        ])
        .values_panic([
            row.id.to_string().into(),
            row.aggregate_type.into(),
            row.aggregate_id.into(),
            row.kind.into(),
            row.payload.into(),
            headers.to_json().into(),
            cause.at.as_micros().into(),
            0_i64.into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(drop)
}
