//! The change envelope of a row of our own table, as change-data capture has it: field names as Debezium's.

use crate::{json::Json, row::OutboxRow};

/// An insert. It is as the row was inserted: the relay itself marks it later.
pub(crate) fn write(json: &mut Json, row: &OutboxRow, service: &str) {
    json.raw(r#"{"before":null,"after":{"seq":"#);
    json.value(&row.seq);
    for (name, text) in [
        (r#","id":"#, &*row.id),
        (r#","aggregatetype":"#, &*row.aggregatetype),
        (r#","aggregateid":"#, &*row.aggregateid),
        (r#","type":"#, &*row.kind),
        (r#","payload":"#, row.payload.get()),
        (r#","headers":"#, &*row.headers_json),
    ] {
        json.raw(name);
        json.text(text);
    }
    json.raw(r#","occurred_at":"#);
    json.value(&row.occurred_at.as_micros());
    json.raw(r#","published":0,"published_at":null},"source":"#);
    source(json, row, service);
    json.raw(r#","op":"c","ts_ms":"#);
    json.value(&row.occurred_at.as_millis());
    json.raw("}");
}

/// Where a change comes from. What a database's log says of it stands there with Debezium's names.
fn source(json: &mut Json, row: &OutboxRow, service: &str) {
    let log = row.captured.as_ref();
    json.raw(r#"{"connector":"#);
    json.text(log.map_or("hexalpes", |log| log.origin.connector));
    json.raw(r#","name":"alpes-mysql","db":"#);
    json.text(log.map_or("alpes", |log| &log.table.database));
    if let Some(schema) = log.and_then(|log| log.table.schema.as_deref()) {
        json.raw(r#","schema":"#);
        json.text(schema);
    }
    json.raw(r#","table":"outbox_event","service":"#);
    json.text(service);
    json.raw(r#","ts_ms":"#);
    json.value(&log.map_or(row.occurred_at, |log| log.origin.at).as_millis());
    match log {
        // The row's number.
        None => {
            json.raw(r#","pos":"#);
            json.value(&row.seq);
        }
        Some(log) => {
            for (name, said) in &log.origin.fields {
                json.raw(r#",""#);
                json.raw(name);
                json.raw(r#"":"#);
                json.value(said);
            }
        }
    }
    json.raw("}");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hexalpes_capture::{Detail, Origin, Position, Table};
    use hexalpes_kernel::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::{json::Pen, row::Captured};

    #[test]
    fn fields_are_in_the_order_of_debezium() {
        let expected = concat!(
            r#"{"before":null,"after":{"seq":1,"id":"id-1","aggregatetype":"commission","aggregateid":"com-1","#,
            r#""type":"com.x.Approved","payload":"{\"a\":\"ñ\"}","headers":"{\"correlationid\":\"corr-1\","#,
            r#"\"causationid\":\"cause-1\",\"actor\":\"anonymous\"}","occurred_at":1700000000123450,"published":0,"#,
            r#""published_at":null},"source":{"connector":"hexalpes","name":"alpes-mysql","db":"alpes","#,
            r#""table":"outbox_event","service":"commissions","ts_ms":1700000000123,"pos":1},"op":"c","#,
            r#""ts_ms":1700000000123}"#,
        );
        let written = Pen::default().write(|json| write(json, &OutboxRow::example(), "commissions"));
        assert_eq!(written, expected);
    }

    fn written(row: &OutboxRow) -> Value {
        let written = Pen::default().write(|json| write(json, row, "commissions"));
        serde_json::from_slice(&written).unwrap()
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
            fields: vec![
                ("txId", Detail::Number(7)),
                ("lsn", Detail::Number(9)),
                ("sequence", Detail::Sequence(Some(8), 9)),
            ],
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
            "sequence": r#"["8","9"]"#,
        });
        assert_eq!(written(&row), expected);
    }
}
