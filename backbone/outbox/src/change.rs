//! The change envelope of a row of our own table, as change-data capture has it: field names as Debezium's.
//!
//! It is put together by hand: most of it is a payload that is escaped, and after a backlog that was the relay's largest
//! single piece of work.

use hexalpes_capture::Origin;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::row::{Captured, OutboxRow};

/// What stands around the payload and the headers, about.
const AROUND_BYTES: usize = 1_024;

/// An insert. It is as the row was inserted: the relay itself marks it later.
pub(crate) fn envelope(row: &OutboxRow, service: &str) -> Vec<u8> {
    let (payload, ts_ms) = (row.payload.get(), row.occurred_at.as_millis());
    let mut json = Json(Vec::with_capacity(payload.len() * 5 / 4 + AROUND_BYTES));
    json.raw(r#"{"before":null,"after":{"seq":"#);
    json.value(&row.seq);
    for (name, text) in [
        (r#","id":"#, &*row.id),
        (r#","aggregatetype":"#, &*row.aggregatetype),
        (r#","aggregateid":"#, &*row.aggregateid),
        (r#","type":"#, &*row.kind),
        (r#","payload":"#, payload),
        (r#","headers":"#, &*row.headers.to_json()),
    ] {
        json.raw(name);
        json.text(text);
    }
    json.raw(r#","occurred_at":"#);
    json.value(&row.occurred_at.as_micros());
    json.raw(r#","published":0,"published_at":null},"source":"#);
    json.value(&source(row, service));
    json.raw(r#","op":"c","ts_ms":"#);
    json.value(&ts_ms);
    json.raw("}");
    json.0
}

/// Where a change comes from. What a database's log says of it stands there with Debezium's names.
#[derive(Serialize)]
struct Source<'a> {
    connector: &'static str,
    name: &'static str,
    db: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    table: &'static str,
    service: &'a str,
    ts_ms: i64,
    #[serde(flatten)]
    place: Place<'a>,
}

fn source<'a>(row: &'a OutboxRow, service: &'a str) -> Source<'a> {
    let (name, table) = ("alpes-mysql", "outbox_event");
    match &row.captured {
        None => Source {
            connector: "hexalpes",
            name,
            db: "alpes",
            schema: None,
            table,
            service,
            ts_ms: row.occurred_at.as_millis(),
            place: Place::OfTable(row.seq),
        },
        Some(Captured { table: of, origin }) => Source {
            connector: origin.connector,
            name,
            db: &of.database,
            schema: of.schema.as_deref(),
            table,
            service,
            ts_ms: origin.at.as_millis(),
            place: Place::OfLog(origin),
        },
    }
}

enum Place<'a> {
    /// The row's number.
    OfTable(i64),
    OfLog(&'a Origin),
}

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::OfTable(seq) => map.serialize_entry("pos", seq)?,
            Self::OfLog(origin) => {
                for (name, value) in &origin.fields {
                    map.serialize_entry(name, value)?;
                }
            }
        }
        map.end()
    }
}

/// A text of JSON that is being written.
struct Json(Vec<u8>);

impl Json {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.0, value).expect("a row has nothing that JSON cannot hold");
    }

    /// A text in quotes. JSON within JSON has many quotes and hardly anything else to escape, so each byte goes one way
    /// whether it is one or not, and the processor has nothing to guess.
    fn text(&mut self, text: &str) {
        if text.bytes().min().is_some_and(|least| least < b' ') {
            return self.value(&text);
        }
        let begin = self.0.len();
        self.0.resize(begin + 2 * text.len() + 2, b'"');
        let room = &mut self.0[begin..];
        let mut at = 1;
        for byte in text.bytes() {
            room[at] = b'\\';
            at += usize::from(byte == b'"') + usize::from(byte == b'\\');
            room[at] = byte;
            at += 1;
        }
        room[at] = b'"';
        self.0.truncate(begin + at + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_others_write_for_it() {
        for text in
            ["", "a", "\"", "\\", "\\\"\\", r#"{"a":"b\"c\\","ñ":"📡"}"#, "a\nb\"", "\u{7f}\0", "\"\"\"\""]
        {
            let mut json = Json(b"before".to_vec());
            json.text(text);
            let written = String::from_utf8(json.0).unwrap();
            assert_eq!(written, format!("before{}", serde_json::to_string(text).unwrap()));
        }
    }
}
