//! A row as the messages that it becomes, the event in its two forms and the change that was captured; or as the one
//! that its route says.

use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_avro::{EncodeError, Record};
use hexalpes_client::{Message, Outgoing, version_number};
use hexalpes_db::DbError;
use hexalpes_routing::{Carries, Way};
use serde::Deserialize;

use crate::{
    change,
    json::{Json, Pen},
    route::Route,
    row::OutboxRow,
};

/// Of an event, about.
const PROPERTIES: usize = 5;
const CE_ID: ByteString = ByteString::from_static("ce_id");
/// The version of most types.
const FIRST: ByteString = ByteString::from_static("1");

/// Carries every event as a structured `CloudEvent`.
pub const EVENTS_TOPIC: &str = "persistent://public/default/outbox-events";

/// Carries the change envelope of every row, field names as Debezium's; the principal one for audit.
pub const RAW_TOPIC: &str = "persistent://public/default/alpes-mysql.alpes.outbox_event";

/// Puts together what rows of one context say on topics.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The context.
    pub(crate) service: ByteString,
    pen: Pen,
}

impl Writer {
    pub(crate) fn new(service: &str) -> Self {
        Self { service: service.into(), pen: Pen::default() }
    }

    /// The event: payload and properties as the seeds name them, key the aggregate. `version` is that of its type.
    pub(crate) fn event(&mut self, row: &OutboxRow, version: u32) -> Outgoing {
        let mut message = stamped(row, self.pen.write(|json| structured(json, row)));
        message.properties.reserve(PROPERTIES);
        let message = message.property(CE_ID, row.id.clone());
        told(message, row, &self.service, version)
    }

    /// The change: an insert, as change-data capture sees it.
    pub(crate) fn change(&mut self, row: &OutboxRow) -> Outgoing {
        match &row.foreign {
            // Its columns are called as others like; so who looks for the id finds it here.
            Some(foreign) => stamped(row, foreign.change.clone()).property(CE_ID, row.id.clone()),
            None => stamped(row, self.pen.write(|json| change::write(json, row, &self.service))),
        }
    }

    /// The message of a row that goes somewhere by a rule as well; `event` is what goes to the topic of all events.
    pub(crate) fn ruled(&mut self, row: &OutboxRow, way: Way, event: &Outgoing) -> Outgoing {
        let mut message = match way.carries {
            Carries::Event => event.clone(),
            Carries::Change => self.change(row),
            // As Debezium's router has it: the id stands beside the payload.
            Carries::Payload => {
                let own = || row.payload.text().into_bytes();
                let payload = row.foreign.as_ref().map_or_else(own, |foreign| foreign.payload.clone());
                stamped(row, payload).property("id", row.id.clone())
            }
        };
        message.key = way.key.map(ByteString::from);
        message.alone = event.alone;
        message.properties.retain(|(name, _)| !way.properties.iter().any(|(given, _)| name == given));
        message.properties(way.properties)
    }
}

/// As [`CloudEvent`](hexalpes_kernel::CloudEvent) would be written.
fn structured(json: &mut Json, row: &OutboxRow) {
    json.raw(r#"{"specversion":"1.0","type":"#);
    json.text(&row.kind);
    json.raw(r#","source":"//"#);
    json.part(&row.aggregatetype);
    json.raw("/");
    json.part(&row.aggregateid);
    json.raw(r#"","id":"#);
    json.text(&row.id);
    json.raw(r#","time":"#);
    json.value(&row.occurred_at);
    json.raw(r#","datacontenttype":"application/json","subject":"#);
    json.text(&row.aggregateid);
    json.raw(r#","data":"#);
    json.raw(row.payload.get());
    json.raw(r#","correlationid":"#);
    json.text(row.headers.correlationid.as_str());
    json.raw(r#","causationid":"#);
    json.text(row.headers.causationid.as_str());
    json.raw("}");
}

fn source(row: &OutboxRow) -> String {
    format!("//{}/{}", row.aggregatetype, row.aggregateid)
}

/// What the seeds have beside the payload.
fn told(message: Outgoing, row: &OutboxRow, service: &ByteString, version: u32) -> Outgoing {
    let version = if version == 1 { FIRST } else { version.to_string().into() };
    message
        .property(ByteString::from_static("correlation_id"), row.headers.correlationid.as_str())
        .property(ByteString::from_static("event_type"), row.kind.slice_ref(row.bare_kind()))
        .property(ByteString::from_static("source_service"), service.clone())
        .property(ByteString::from_static("event_version"), version)
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
    service: &ByteString,
    version: u32,
    written: &Written,
) -> Result<Outgoing, Unfit> {
    let correlation = row.headers.correlationid.as_str();
    let extra = [
        ("correlation_id", serde_json::Value::from(correlation).to_string()),
        ("event_version", version.to_string()),
    ];
    let payload = written.record.encode(row.payload.get(), &extra);
    let payload = payload.map_err(|why| Unfit { row: row.ordinal, kind: row.kind.to_string(), why })?;
    let message = stamped(row, payload.into())
        .property("ce_specversion", "1.0")
        .property(CE_ID, row.id.clone())
        .property("ce_type", row.kind.clone())
        .property("ce_source", source(row))
        .property("ce_subject", row.aggregateid.clone())
        .property("ce_time", row.occurred_at.to_string())
        .property("ce_datacontenttype", "application/avro")
        .property("ce_dataschema", written.dataschema.as_str())
        .property("ce_correlationid", correlation)
        .property("ce_causationid", row.headers.causationid.as_str());
    Ok(told(message, row, service, version))
}

/// The message of a row that goes to a topic of its own, as it was given.
pub(crate) fn routed(row: &OutboxRow, route: &Route) -> Result<Outgoing, DbError> {
    Ok(route.message(&row.payload)?.sequence_id(row.ordinal.unsigned_abs()))
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
    message.event_time = u64::try_from(row.occurred_at.as_millis()).ok();
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Payload;
    use hexalpes_kernel::CloudEvent;

    #[test]
    fn an_event_is_written_as_its_type_would_write_it() {
        for (text, payload) in
            [("", "{}"), ("a-1", r#"{ "n": 1.50 }"#), ("\"ñ\"\\\n📡", r#"["\"",12345678901234567890]"#)]
        {
            let row = OutboxRow {
                id: format!("id{text}").into(),
                aggregatetype: format!("type{text}").into(),
                aggregateid: text.into(),
                kind: format!("com.x.{text}").into(),
                payload: Payload::parse(&payload.into()).unwrap(),
                ..OutboxRow::example()
            };
            let mut event = CloudEvent::new(
                row.kind.to_string(),
                source(&row),
                row.id.to_string(),
                row.occurred_at,
                serde_json::value::to_raw_value(&row.payload).unwrap(),
            );
            event.subject = Some(row.aggregateid.to_string());
            event.correlationid = Some(row.headers.correlationid.clone());
            event.causationid = Some(row.headers.causationid.clone());
            assert_eq!(Pen::default().write(|json| structured(json, &row)), event.to_json());
        }
    }
}
