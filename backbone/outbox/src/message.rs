//! A row as the messages that it becomes, the event in its two forms and the change that was captured; or as the one
//! that its route says.

use bytes::Bytes;
use hexalpes_avro::{EncodeError, Record};
use hexalpes_client::{Message, Outgoing, version_number};
use hexalpes_db::DbError;
use hexalpes_routing::{Carries, Way};
use serde::Deserialize;

use crate::{change, json::Json, route::Route, row::OutboxRow};

/// What stands around the payload, about.
const AROUND_PAYLOAD_BYTES: usize = 512;

/// Of an event, about.
const PROPERTIES: usize = 5;

/// Carries every event as a structured `CloudEvent`.
pub const EVENTS_TOPIC: &str = "persistent://public/default/outbox-events";

/// Carries the change envelope of every row, field names as Debezium's; the principal one for audit.
pub const RAW_TOPIC: &str = "persistent://public/default/alpes-mysql.alpes.outbox_event";

/// The event: payload and properties as the seeds name them, key the aggregate. `version` is that of its type.
pub(crate) fn event(row: &OutboxRow, service: &str, version: u32) -> Outgoing {
    let message = stamped(row, structured(row).into()).property("ce_id", &row.id);
    told(message, row, service, version)
}

/// As [`CloudEvent`](hexalpes_kernel::CloudEvent) would be written.
fn structured(row: &OutboxRow) -> Vec<u8> {
    let payload = row.payload.get();
    let mut json = Json::with_room(payload.len() + AROUND_PAYLOAD_BYTES);
    json.raw(r#"{"specversion":"1.0","type":"#);
    json.text(&row.kind);
    json.raw(r#","source":"#);
    json.text_of(&["//", &row.aggregatetype, "/", &row.aggregateid]);
    json.raw(r#","id":"#);
    json.text(&row.id);
    json.raw(r#","time":"#);
    json.value(&row.occurred_at);
    json.raw(r#","datacontenttype":"application/json","subject":"#);
    json.text(&row.aggregateid);
    json.raw(r#","data":"#);
    json.raw(payload);
    json.raw(r#","correlationid":"#);
    json.text(row.headers.correlationid.as_str());
    json.raw(r#","causationid":"#);
    json.text(row.headers.causationid.as_str());
    json.raw("}");
    json.into_bytes()
}

fn source(row: &OutboxRow) -> String {
    format!("//{}/{}", row.aggregatetype, row.aggregateid)
}

/// What the seeds have beside the payload.
fn told(message: Outgoing, row: &OutboxRow, service: &str, version: u32) -> Outgoing {
    message
        .property("correlation_id", row.headers.correlationid.as_str())
        .property("event_type", row.bare_kind())
        .property("source_service", service)
        .property("event_version", version.to_string())
}

/// What the data of a topic's events is written with.
#[derive(Debug)]
pub(crate) struct Written {
    record: Record,
    /// Names the schema among those of the topic: `{topic}?schema={version}`.
    dataschema: String,
}

impl Written {
    /// `version` as brokers give it: a number in eight bytes.
    pub(crate) fn new(topic: &str, version: &[u8], record: Record) -> Self {
        let number = version_number(version).unwrap_or(0);
        Self { record, dataschema: format!("{topic}?schema={number}") }
    }
}

/// Why an event cannot be written with the schema of its type.
#[derive(Debug, thiserror::Error)]
#[error("row {row}, {kind}: {why}")]
pub(crate) struct Unfit {
    row: i64,
    kind: String,
    why: EncodeError,
}

/// The event in `CloudEvents`' binary mode: the payload is its data in Avro, and the envelope stands beside it.
pub(crate) fn binary(
    row: &OutboxRow,
    service: &str,
    version: u32,
    written: &Written,
) -> Result<Outgoing, Unfit> {
    let correlation = row.headers.correlationid.as_str();
    let extra = [
        ("correlation_id", serde_json::Value::from(correlation).to_string()),
        ("event_version", version.to_string()),
    ];
    let payload = written.record.encode(row.payload.get(), &extra);
    let payload = payload.map_err(|why| Unfit { row: row.ordinal, kind: row.kind.clone(), why })?;
    let message = stamped(row, payload.into())
        .property("ce_specversion", "1.0")
        .property("ce_id", &row.id)
        .property("ce_type", &row.kind)
        .property("ce_source", source(row))
        .property("ce_subject", &row.aggregateid)
        .property("ce_time", row.occurred_at.to_string())
        .property("ce_datacontenttype", "application/avro")
        .property("ce_dataschema", &written.dataschema)
        .property("ce_correlationid", correlation)
        .property("ce_causationid", row.headers.causationid.as_str());
    Ok(told(message, row, service, version))
}

/// The change: an insert, as change-data capture sees it.
pub(crate) fn change(row: &OutboxRow, service: &str) -> Outgoing {
    match &row.foreign {
        // Its columns are called as others like; so who looks for the id finds it here.
        Some(foreign) => stamped(row, foreign.change.clone()).property("ce_id", &row.id),
        None => stamped(row, change::envelope(row, service).into()),
    }
}

/// The message of a row that goes to a topic of its own, as it was given.
pub(crate) fn routed(row: &OutboxRow, route: &Route) -> Result<Outgoing, DbError> {
    Ok(route.message(&row.payload)?.sequence_id(row.ordinal.unsigned_abs()))
}

/// The message of a row that goes somewhere by a rule as well; `event` is what goes to the topic of all events.
pub(crate) fn ruled(row: &OutboxRow, way: Way, event: &Outgoing, service: &str) -> Outgoing {
    let mut message = match way.carries {
        Carries::Event => event.clone(),
        Carries::Change => change(row, service),
        // As Debezium's router has it: the id stands beside the payload.
        Carries::Payload => {
            let own = || row.payload.get().to_owned().into();
            let payload = row.foreign.as_ref().map_or_else(own, |foreign| foreign.payload.clone());
            stamped(row, payload).property("id", &row.id)
        }
    };
    message.key = way.key;
    message.alone = event.alone;
    message.properties.retain(|(name, _)| !way.properties.iter().any(|(given, _)| given == name));
    message.properties.extend(way.properties);
    message
}

/// The row's id in a message that is on one of the two topics.
pub(crate) fn event_id(message: &Message) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        after: After,
    }
    #[derive(Deserialize)]
    struct After {
        id: String,
    }
    let stamped = message.property("ce_id").map(str::to_owned);
    stamped.or_else(|| Some(serde_json::from_slice::<Envelope>(&message.payload).ok()?.after.id))
}

/// What both have: the aggregate as key, when it happened, and the ordinal as sequence id.
fn stamped(row: &OutboxRow, payload: Bytes) -> Outgoing {
    let mut message =
        Outgoing::new(payload).key(row.aggregateid.clone()).sequence_id(row.ordinal.unsigned_abs());
    message.properties.reserve(PROPERTIES);
    message.event_time = u64::try_from(row.occurred_at.as_millis()).ok();
    message
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::CloudEvent;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn an_event_is_written_as_its_type_would_write_it() {
        for (text, payload) in
            [("", "{}"), ("a-1", r#"{ "n": 1.50 }"#), ("\"ñ\"\\\n📡", r#"["\"",12345678901234567890]"#)]
        {
            let row = OutboxRow {
                id: format!("id{text}"),
                aggregatetype: format!("type{text}"),
                aggregateid: text.to_owned(),
                kind: format!("com.x.{text}"),
                payload: RawValue::from_string(payload.to_owned()).unwrap(),
                ..OutboxRow::example()
            };
            let mut event = CloudEvent::new(
                row.kind.clone(),
                source(&row),
                row.id.clone(),
                row.occurred_at,
                row.payload.clone(),
            );
            event.subject = Some(row.aggregateid.clone());
            event.correlationid = Some(row.headers.correlationid.clone());
            event.causationid = Some(row.headers.causationid.clone());
            assert_eq!(String::from_utf8(structured(&row)).unwrap(), event.to_json());
        }
    }
}
