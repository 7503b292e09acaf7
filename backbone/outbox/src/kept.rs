//! A row of others as it is kept while it is parked: nobody may have it any more when it is tried again.
//!
//! It is kept as the log had it, and not as an event, so that it is read anew: by then its columns may have another
//! meaning.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hexalpes_capture::{Detail, Inserted, Origin, Position, Table, Value};
use hexalpes_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// In `relay_parked.inserted`, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    database: Cow<'a, str>,
    schema: Option<Cow<'a, str>>,
    table: Cow<'a, str>,
    columns: Cow<'a, [String]>,
    values: Vec<KeptValue<'a>>,
    connector: Cow<'a, str>,
    begins: String,
    /// Microseconds since 1970.
    at: i64,
    fields: Vec<(Cow<'a, str>, serde_json::Value)>,
    is_snapshot: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptValue<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    /// In digits: databases have numbers that JSON has not.
    Float(String),
    Decimal(Cow<'a, str>),
    Text(Cow<'a, str>),
    Json(Cow<'a, str>),
    /// In base64.
    Bytes(String),
    Uuid(String),
    /// Microseconds since 1970.
    Instant(i64),
    Local(Cow<'a, str>),
}

/// The row as JSON.
pub(crate) fn written(row: &Inserted) -> String {
    let Inserted { table, values, origin } = row;
    let kept = Kept {
        database: Cow::Borrowed(&table.database),
        schema: table.schema.as_deref().map(Cow::Borrowed),
        table: Cow::Borrowed(&table.name),
        columns: Cow::Borrowed(&table.columns),
        values: values.iter().map(KeptValue::of).collect(),
        connector: Cow::Borrowed(origin.connector),
        begins: origin.begins.to_string(),
        at: origin.at.as_micros(),
        fields: origin.fields.iter().map(|(name, said)| (Cow::Borrowed(*name), json!(said))).collect(),
        is_snapshot: origin.is_snapshot,
    };
    serde_json::to_string(&kept).expect("texts and numbers are always JSON")
}

/// The row again; none if it is not what [`written`] writes.
pub(crate) fn read(text: &str) -> Option<Inserted> {
    let kept: Kept<'_> = serde_json::from_str(text).ok()?;
    let fields =
        kept.fields.into_iter().map(|(name, value)| Some((Origin::field_named(&name)?, said(value)?)));
    let origin = Origin {
        connector: Origin::connector_named(&kept.connector)?,
        begins: kept.begins.parse::<Position>().ok()?,
        at: Timestamp::from_micros(kept.at)?,
        fields: fields.collect::<Option<_>>()?,
        is_snapshot: kept.is_snapshot,
    };
    let table = Table {
        database: kept.database.into_owned(),
        schema: kept.schema.map(Cow::into_owned),
        name: kept.table.into_owned(),
        columns: kept.columns.into_owned(),
    };
    let values = kept.values.into_iter().map(KeptValue::value).collect::<Option<_>>()?;
    Some(Inserted { table: Arc::new(table), values, origin: Arc::new(origin) })
}

/// None of what no log says. A sequence comes back as the text that it was written as.
fn said(value: serde_json::Value) -> Option<Detail> {
    Some(match value {
        serde_json::Value::Null => Detail::Null,
        serde_json::Value::Number(number) => Detail::Number(number.as_u64()?),
        serde_json::Value::String(text) => Detail::Text(text.into()),
        _ => return None,
    })
}

impl<'a> KeptValue<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(is) => Self::Boolean(*is),
            Value::Integer(number) => Self::Integer(*number),
            Value::Unsigned(number) => Self::Unsigned(*number),
            Value::Float(number) => Self::Float(number.to_string()),
            Value::Decimal(digits) => Self::Decimal(Cow::Borrowed(digits)),
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
            Value::Json(text) => Self::Json(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Self::Bytes(STANDARD.encode(bytes)),
            Value::Uuid(id) => Self::Uuid(id.to_string()),
            Value::Instant(at) => Self::Instant(at.as_micros()),
            Value::Local(text) => Self::Local(Cow::Borrowed(text)),
        }
    }

    fn value(self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Boolean(is) => Value::Boolean(is),
            Self::Integer(number) => Value::Integer(number),
            Self::Unsigned(number) => Value::Unsigned(number),
            Self::Float(digits) => Value::Float(digits.parse().ok()?),
            Self::Decimal(digits) => Value::Decimal(digits.into_owned().into()),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Json(text) => Value::Json(text.into_owned().into()),
            Self::Bytes(text) => Value::Bytes(STANDARD.decode(text).ok()?.into()),
            Self::Uuid(id) => Value::Uuid(id.parse().ok()?),
            Self::Instant(micros) => Value::Instant(Timestamp::from_micros(micros)?),
            Self::Local(text) => Value::Local(text.into_owned().into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_row_that_was_kept_is_the_same_to_the_letter() {
        let values = vec![
            Value::Null,
            Value::Boolean(true),
            Value::Integer(i64::MIN),
            Value::Unsigned(u64::MAX),
            Value::Float(0.1),
            Value::Float(f64::NEG_INFINITY),
            Value::Decimal("12345678901234567890.10".into()),
            Value::Text("Ñandú 📡\0\"\n".into()),
            Value::Json(r#"{"a": 1.0}"#.into()),
            Value::Bytes(Bytes::from_static(b"\x00\xff")),
            Value::Uuid("0190a3c2-0000-7000-8000-000000000001".parse().unwrap()),
            Value::Instant(Timestamp::parse("2025-01-15T14:20:00.123456Z").unwrap()),
            Value::Local("2025-01-15 14:20:00".into()),
        ];
        let table = Table {
            database: "shop".to_owned(),
            schema: Some("public".to_owned()),
            name: "salida".to_owned(),
            columns: (0..values.len()).map(|at| format!("c{at}")).collect(),
        };
        for (connector, fields) in [
            (
                "postgresql",
                vec![
                    ("txId", Detail::Number(7)),
                    ("lsn", Detail::Number(26)),
                    ("sequence", Detail::Text("[null,\"26\"]".into())),
                ],
            ),
            (
                "mariadb",
                vec![
                    ("server_id", Detail::Number(1)),
                    ("gtid", Detail::Null),
                    ("file", Detail::Text("bin.1".into())),
                ],
            ),
            (
                "mysql",
                vec![
                    ("pos", Detail::Number(154)),
                    ("row", Detail::Number(0)),
                    ("thread", Detail::Null),
                    ("query", Detail::Null),
                ],
            ),
        ] {
            let origin = Origin {
                connector,
                begins: Position::new("bin.000003", 154),
                at: Timestamp::parse("2025-01-15T10:30:00Z").unwrap(),
                fields,
                is_snapshot: false,
            };
            let row =
                Inserted { table: Arc::new(table.clone()), values: values.clone(), origin: Arc::new(origin) };
            assert_eq!(read(&written(&row)).unwrap(), row);
            // A sequence is read as the text that it is written as.
            let sequence =
                Origin { fields: vec![("sequence", Detail::Sequence(None, 26))], ..(*row.origin).clone() };
            let row = Inserted { origin: Arc::new(sequence), ..row };
            assert_eq!(written(&read(&written(&row)).unwrap()), written(&row));
        }
        assert_eq!(read("{}"), None);
    }
}
