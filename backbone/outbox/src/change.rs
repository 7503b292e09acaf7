//! The change envelope of a row of our own table, as change-data capture has it: field names as Debezium's.

use hexalpes_capture::Origin;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{
    json::Json,
    row::{Captured, OutboxRow},
};

/// What stands around the payload and the headers, about.
const AROUND_BYTES: usize = 1_024;

/// An insert. It is as the row was inserted: the relay itself marks it later.
pub(crate) fn envelope(row: &OutboxRow, service: &str) -> Vec<u8> {
    let (payload, ts_ms) = (row.payload.get(), row.occurred_at.as_millis());
    let mut json = Json::with_room(payload.len() * 5 / 4 + AROUND_BYTES);
    json.raw(r#"{"before":null,"after":{"seq":"#);
    json.value(&row.seq);
    for (name, text) in [
        (r#","id":"#, &*row.id),
        (r#","aggregatetype":"#, &*row.aggregatetype),
        (r#","aggregateid":"#, &*row.aggregateid),
        (r#","type":"#, &*row.kind),
        (r#","payload":"#, payload),
        (r#","headers":"#, &*row.headers_json),
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
    json.into_bytes()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hexalpes_capture::{Origin, Position, Table};
    use hexalpes_kernel::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn written(row: &OutboxRow) -> Value {
        serde_json::from_slice(&envelope(row, "commissions")).unwrap()
    }

    #[test]
    fn a_change_has_the_row_as_it_was_inserted_and_where_it_comes_from() {
        let mut row = OutboxRow::example();
        let headers = serde_json::to_string(&row.headers).unwrap();
        let mut expected = json!({
            "before": null,
            "after": {
                "seq": 1,
                "id": "id-1",
                "aggregatetype": "commission",
                "aggregateid": "com-1",
                "type": "com.x.Approved",
                "payload": r#"{"a":"ñ"}"#,
                "headers": headers,
                "occurred_at": 1_700_000_000_123_450_i64,
                "published": 0,
                "published_at": null,
            },
            "source": {
                "connector": "hexalpes",
                "name": "alpes-mysql",
                "db": "alpes",
                "table": "outbox_event",
                "service": "commissions",
                "ts_ms": 1_700_000_000_123_i64,
                "pos": 1,
            },
            "op": "c",
            "ts_ms": 1_700_000_000_123_i64,
        });
        assert_eq!(written(&row), expected);
        let origin = Origin {
            connector: "postgresql",
            begins: Position::default(),
            at: Timestamp::from_micros(1_700_000_001_000_000).unwrap(),
            fields: vec![("txId", 7.into()), ("lsn", 9.into())],
            is_snapshot: false,
        };
        let table = Table {
            database: "pedidos".to_owned(),
            schema: Some("\"ñ\"".to_owned()),
            name: "outbox_event".to_owned(),
            columns: Vec::new(),
        };
        row.captured = Some(Captured { table: Arc::new(table), origin: Arc::new(origin) });
        expected["source"] = json!({
            "connector": "postgresql",
            "name": "alpes-mysql",
            "db": "pedidos",
            "schema": "\"ñ\"",
            "table": "outbox_event",
            "service": "commissions",
            "ts_ms": 1_700_000_001_000_i64,
            "txId": 7,
            "lsn": 9,
        });
        assert_eq!(written(&row), expected);
    }
}
