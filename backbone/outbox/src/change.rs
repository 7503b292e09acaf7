//! The change envelope of a row of our own table, as change-data capture has it: field names as Debezium's.

use hexalpes_capture::{Detail, Source};

use crate::{
    json::Json,
    row::{Captured, OutboxRow},
};

/// The source's name, which is the first part of the topic's.
const SERVER: &str = "alpes-mysql";

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
    let number = [("pos", Detail::Number(row.seq.unsigned_abs()))];
    let source = Source { service: Some(service), ..source(row, &number) };
    json.value(&source);
    json.raw(r#","op":""#);
    json.raw(source.op());
    json.raw(r#"","ts_ms":"#);
    json.value(&row.occurred_at.as_millis());
    json.raw("}");
}

/// What a database's log says of the row; of an embedded one, which has no log, the row's number.
fn source<'a>(row: &'a OutboxRow, number: &'a [(&'static str, Detail)]) -> Source<'a> {
    match &row.captured {
        Some(Captured { table, origin }) => Source::of(table, origin, SERVER),
        None => Source {
            connector: "hexalpes",
            name: SERVER,
            at: row.occurred_at,
            is_snapshot: false,
            database: "alpes",
            schema: None,
            table: "outbox_event",
            fields: number,
            service: None,
        },
    }
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
            r#""published_at":null},"source":{"version":""#,
            env!("CARGO_PKG_VERSION"),
            r#"","connector":"hexalpes","name":"alpes-mysql","ts_ms":1700000000123,"snapshot":"false","db":"alpes","#,
            r#""sequence":null,"table":"outbox_event","pos":1,"service":"commissions"},"op":"c","#,
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
                "version": env!("CARGO_PKG_VERSION"),
                "connector": "hexalpes",
                "name": "alpes-mysql",
                "ts_ms": 1_700_000_000_123_i64,
                "snapshot": "false",
                "db": "alpes",
                "sequence": null,
                "table": "outbox_event",
                "pos": 1,
                "service": "commissions",
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
            is_snapshot: true,
        };
        let table = Table {
            database: "pedidos".to_owned(),
            schema: Some("\"ñ\"".to_owned()),
            name: "outbox_event".to_owned(),
            columns: Vec::new(),
        };
        row.captured = Some(Captured { table: Arc::new(table), origin: Arc::new(origin) });
        expected["source"] = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "connector": "postgresql",
            "name": "alpes-mysql",
            "ts_ms": 1_700_000_001_000_i64,
            "snapshot": "true",
            "db": "pedidos",
            "schema": "\"ñ\"",
            "table": "outbox_event",
            "txId": 7,
            "lsn": 9,
            "sequence": r#"["8","9"]"#,
            "service": "commissions",
        });
        expected["op"] = json!("r");
        assert_eq!(written(&row), expected);
    }
}
