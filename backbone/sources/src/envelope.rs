//! A row as the change that Debezium would write of it.

use hexalpes_capture::{Inserted, Source};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::{config::Modes, value};

/// The change event of an inserted row: `before`, `after`, `source`, `op` and `ts_ms`, without the wrapper of a schema.
///
/// A row that was read from the table, and not from the log, has `op` `r`. `server` is the source's name in `source`,
/// `ts_ms` when it is published.
pub fn change(row: &Inserted, server: &str, modes: Modes, ts_ms: i64) -> String {
    let envelope = Envelope { row, server, modes, ts_ms };
    serde_json::to_string(&envelope).expect("a row has nothing that JSON cannot hold")
}

struct Envelope<'a> {
    row: &'a Inserted,
    server: &'a str,
    modes: Modes,
    ts_ms: i64,
}

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let source = Source::of(&self.row.table, &self.row.origin, self.server);
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("before", &())?;
        map.serialize_entry("after", &After(self))?;
        map.serialize_entry("source", &source)?;
        map.serialize_entry("op", source.op())?;
        map.serialize_entry("ts_ms", &self.ts_ms)?;
        map.end()
    }
}

struct After<'a>(&'a Envelope<'a>);

impl Serialize for After<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Envelope { row, modes, .. } = self.0;
        let value = |value| -> Box<RawValue> { value::debezium(value, *modes) };
        serializer.collect_map(row.table.columns.iter().zip(row.values.iter().map(value)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hexalpes_capture::{Detail, Origin, Table, Value};
    use hexalpes_kernel::Timestamp;

    use super::*;
    use crate::config::DecimalMode;

    fn a_row(connector: &'static str, schema: Option<&str>, is_snapshot: bool) -> Inserted {
        let fields = match schema {
            None => vec![
                ("server_id", Detail::Number(223_344)),
                ("gtid", Detail::Null),
                ("file", Detail::Text("mysql-bin.000003".into())),
                ("pos", Detail::Number(154)),
                ("row", Detail::Number(0)),
                ("thread", Detail::Null),
                ("query", Detail::Null),
            ],
            Some(_) => vec![
                ("sequence", Detail::Sequence(None, 26)),
                ("txId", Detail::Number(7)),
                ("lsn", Detail::Number(26)),
            ],
        };
        let columns = ["id", "payload", "amount"].map(str::to_owned).to_vec();
        Inserted {
            table: Arc::new(Table {
                database: "alpes".to_owned(),
                schema: schema.map(str::to_owned),
                name: "outbox_event".to_owned(),
                columns,
            }),
            values: vec![
                Value::Text("e-1".into()),
                Value::Json(r#"{"a":1}"#.into()),
                Value::Decimal("120.50".into()),
            ],
            origin: Arc::new(Origin {
                connector,
                begins: hexalpes_capture::Position::default(),
                at: Timestamp::parse("2025-01-15T10:30:00Z").unwrap(),
                fields,
                is_snapshot,
            }),
        }
    }

    #[test]
    fn a_change_has_the_fields_of_debezium_in_its_order() {
        let modes = Modes { decimal: DecimalMode::Double, ..Modes::default() };
        let written = change(&a_row("mysql", None, false), "alpes-mysql", modes, 1_736_937_000_001);
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            r#"{{"before":null,"after":{{"id":"e-1","payload":"{{\"a\":1}}","amount":120.5}},"source":{{"version":"{version}","connector":"mysql","name":"alpes-mysql","ts_ms":1736937000000,"snapshot":"false","db":"alpes","sequence":null,"table":"outbox_event","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":154,"row":0,"thread":null,"query":null}},"op":"c","ts_ms":1736937000001}}"#
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn a_row_of_before_is_one_that_was_read() {
        let written = change(&a_row("postgresql", Some("public"), true), "shop", Modes::default(), 1);
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            r#"{{"before":null,"after":{{"id":"e-1","payload":"{{\"a\":1}}","amount":"LxI="}},"source":{{"version":"{version}","connector":"postgresql","name":"shop","ts_ms":1736937000000,"snapshot":"true","db":"alpes","schema":"public","table":"outbox_event","sequence":"[null,\"26\"]","txId":7,"lsn":26}},"op":"r","ts_ms":1}}"#
        );
        assert_eq!(written, expected);
    }
}
