//! Which columns of a table make an event.

use std::borrow::Cow;

use hexalpes_capture::{Inserted, Value};
use hexalpes_kernel::{CausationId, CorrelationId, Timestamp};
use hexalpes_outbox::Told;
use serde_json::value::RawValue;

use crate::{
    temporal::Local,
    value::{self, text},
};

/// The columns of an outbox; those of Debezium's outbox event router, unless others are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub id: String,
    pub aggregate_type: Column,
    pub aggregate_id: String,
    pub kind: Column,
    pub payload: String,
    /// When it happened; the time of the commit if the table does not say it.
    pub occurred_at: Column,
    pub correlation_id: Column,
    pub causation_id: Column,
}

/// A column that a table may do without, unless somebody named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub is_named: bool,
}

impl Column {
    pub(crate) fn built_in(name: &str) -> Self {
        Self { name: name.to_owned(), is_named: false }
    }

    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_named: true }
    }
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            id: "id".to_owned(),
            aggregate_type: Column::built_in("aggregatetype"),
            aggregate_id: "aggregateid".to_owned(),
            kind: Column::built_in("type"),
            payload: "payload".to_owned(),
            occurred_at: Column::built_in("occurred_at"),
            correlation_id: Column::built_in("correlationid"),
            causation_id: Column::built_in("causationid"),
        }
    }
}

/// Why a row is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    #[error(
        "table {table} has no column {column:?} for {field}: it has {has}; name the right one with \
         hexalpes.column.{field}"
    )]
    NoColumn { table: String, field: &'static str, column: String, has: String },
    #[error(
        "a row of table {table} has NULL in column {column:?}, which is {field}: give it up with `hexalpes relay skip --event`; \
         or delete the source, create it anew with hexalpes.column.{field} naming another column, and `hexalpes relay retry`"
    )]
    Null { table: String, field: &'static str, column: String },
    #[error(
        "column {column:?} of table {table} is no time: {value:?}; give the row up with `hexalpes relay skip --event`; or delete \
         the source, create it anew with hexalpes.column.occurred_at naming another column, and `hexalpes relay retry`"
    )]
    NoTime { table: String, column: String, value: String },
}

/// A row as an event.
#[derive(Clone, Debug)]
pub struct Mapped<'a> {
    row: &'a Inserted,
    mapping: &'a Mapping,
    pub id: String,
    pub aggregate_type: String,
    /// The message's key.
    pub aggregate_id: String,
    pub kind: String,
    pub occurred_at: Timestamp,
    pub correlation_id: Option<CorrelationId>,
    pub causation_id: Option<CausationId>,
}

impl Mapping {
    /// Reads a row. Columns that the mapping does not name are nobody's business here.
    pub fn read<'a>(&'a self, row: &'a Inserted) -> Result<Mapped<'a>, RowError> {
        let needed = |field: &'static str, column: &str| -> Result<String, RowError> {
            let value = row.get(column).ok_or_else(|| no_column(row, field, column))?;
            text(value).map(Cow::into_owned).ok_or_else(|| RowError::Null {
                table: row.table.name.clone(),
                field,
                column: column.to_owned(),
            })
        };
        let perhaps = |field: &'static str, column: &Column| match row.get(&column.name) {
            None if column.is_named => Err(no_column(row, field, &column.name)),
            value => Ok(value.filter(|value| **value != Value::Null)),
        };
        let texts = |field, column| -> Result<Option<Cow<'_, str>>, RowError> {
            Ok(perhaps(field, column)?.and_then(text))
        };
        let table = || row.table.name.clone();
        let occurred_at = match perhaps("occurred_at", &self.occurred_at)? {
            Some(value) => moment(value).ok_or_else(|| RowError::NoTime {
                table: table(),
                column: self.occurred_at.name.clone(),
                value: text(value).unwrap_or_default().into_owned(),
            })?,
            None => row.origin.at,
        };
        if row.get(&self.payload).is_none() {
            return Err(no_column(row, "payload", &self.payload));
        }
        Ok(Mapped {
            row,
            mapping: self,
            id: needed("id", &self.id)?,
            aggregate_type: texts("aggregatetype", &self.aggregate_type)?.map_or_else(table, Cow::into_owned),
            aggregate_id: needed("aggregateid", &self.aggregate_id)?,
            kind: texts("type", &self.kind)?.map_or_else(table, Cow::into_owned),
            occurred_at,
            correlation_id: texts("correlationid", &self.correlation_id)?
                .and_then(|id| CorrelationId::parse(&id).ok()),
            causation_id: texts("causationid", &self.causation_id)?
                .and_then(|id| CausationId::parse(&id).ok()),
        })
    }
}

impl Mapping {
    /// A field of a row by the name of its column, or as a mapped row calls it.
    pub(crate) fn field<'a>(&self, row: &'a Inserted, name: &str) -> Option<Cow<'a, str>> {
        let column = match name {
            _ if row.get(name).is_some_and(|value| *value != Value::Null) => name,
            "id" => &self.id,
            "aggregatetype" => &self.aggregate_type.name,
            "aggregateid" => &self.aggregate_id,
            "type" => &self.kind.name,
            "payload" => &self.payload,
            "correlationid" => &self.correlation_id.name,
            "causationid" => &self.causation_id.name,
            _ => return None,
        };
        let is_the_table_else = ["aggregatetype", "type"].contains(&name);
        let value = row.get(column).and_then(text);
        value.or_else(|| is_the_table_else.then_some(Cow::Borrowed(&row.table.name)))
    }

    /// What can be told of a row that cannot be read; an error if the table lacks a column, and so each of its rows.
    pub(crate) fn told(&self, row: &Inserted) -> Result<Told, RowError> {
        let needed = [("id", &self.id), ("aggregateid", &self.aggregate_id), ("payload", &self.payload)];
        let named = [
            ("aggregatetype", &self.aggregate_type),
            ("type", &self.kind),
            ("occurred_at", &self.occurred_at),
            ("correlationid", &self.correlation_id),
            ("causationid", &self.causation_id),
        ];
        let named = named.into_iter().filter(|(_, column)| column.is_named);
        let columns = needed.into_iter().chain(named.map(|(field, column)| (field, &column.name)));
        for (field, column) in columns {
            if row.get(column).is_none() {
                return Err(no_column(row, field, column));
            }
        }
        let told = |column: &str| row.get(column).and_then(text).map(Cow::into_owned);
        let aggregate = told(&self.aggregate_id).map(|id| {
            let kind = told(&self.aggregate_type.name).unwrap_or_else(|| row.table.name.clone());
            (kind, id)
        });
        Ok(Told { id: told(&self.id).filter(|id| CorrelationId::parse(id).is_ok()), aggregate })
    }
}

fn no_column(row: &Inserted, field: &'static str, column: &str) -> RowError {
    RowError::NoColumn {
        table: row.table.name.clone(),
        field,
        column: column.to_owned(),
        has: row.table.columns.join(", "),
    }
}

/// A time without a zone is one in UTC; a number counts seconds, milliseconds or microseconds since 1970, whichever
/// its size makes of this age.
fn moment(value: &Value) -> Option<Timestamp> {
    const MILLIS_FROM: i64 = 100_000_000_000;
    const MICROS_FROM: i64 = 100_000_000_000_000;
    let micros = match value {
        Value::Instant(at) => return Some(*at),
        Value::Integer(number) if number.abs() >= MICROS_FROM => *number,
        Value::Integer(number) if number.abs() >= MILLIS_FROM => number.checked_mul(1_000)?,
        Value::Integer(number) => number.checked_mul(1_000_000)?,
        Value::Text(text) | Value::Local(text) => {
            if let Ok(at) = Timestamp::parse(text) {
                return Some(at);
            }
            match Local::parse(text)? {
                Local::DateTime { micros, .. } => micros,
                Local::Date(days) => days.checked_mul(86_400_000_000)?,
                Local::Time { .. } | Local::Zero => return None,
            }
        }
        _ => return None,
    };
    Timestamp::from_micros(micros)
}

impl Mapped<'_> {
    /// The event's data: the payload if that is JSON, else a string of it, in base64 if it is no text.
    pub fn data(&self) -> Box<RawValue> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        match self.value() {
            Value::Null => value::raw("null".to_owned()),
            Value::Bytes(bytes) => {
                str::from_utf8(bytes).map_or_else(|_| value::string(&STANDARD.encode(bytes)), value::json_of)
            }
            Value::Json(text) | Value::Text(text) => value::json_of(text),
            other => value::json_of(&text(other).unwrap_or_default()),
        }
    }

    /// The payload as it is in its column; nothing where it is NULL.
    pub fn payload(&self) -> bytes::Bytes {
        match self.value() {
            Value::Bytes(bytes) => bytes.clone(),
            other => text(other).map(|text| bytes::Bytes::from(text.into_owned())).unwrap_or_default(),
        }
    }

    fn value(&self) -> &Value {
        self.row.get(&self.mapping.payload).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use hexalpes_capture::{Origin, Table};

    use super::*;

    pub(crate) fn a_row(columns: &[(&str, Value)]) -> Inserted {
        let names = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        Inserted {
            table: Arc::new(Table {
                database: "shop".to_owned(),
                schema: None,
                name: "salida".to_owned(),
                columns: names,
            }),
            values: columns.iter().map(|(_, value)| value.clone()).collect(),
            origin: Arc::new(Origin {
                connector: "mysql",
                begins: hexalpes_capture::Position::default(),
                at: Timestamp::parse("2025-01-15T10:30:00Z").unwrap(),
                fields: Vec::new(),
                is_snapshot: false,
            }),
        }
    }

    fn words(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn mapping() -> Mapping {
        Mapping {
            id: "clave".to_owned(),
            aggregate_id: "pedido".to_owned(),
            kind: Column::named("suceso"),
            payload: "cuerpo".to_owned(),
            occurred_at: Column::named("cuando"),
            ..Mapping::default()
        }
    }

    fn row_of_others(payload: Value) -> Inserted {
        a_row(&[
            ("clave", Value::Integer(41)),
            ("pedido", words("p-1")),
            ("suceso", words("shop.PedidoPagado")),
            ("cuando", Value::Local("2025-01-15 09:00:00.5".into())),
            ("cuerpo", payload),
            ("nuevo", words("added later")),
        ])
    }

    #[test]
    fn a_table_with_other_names_makes_the_same_event() {
        let (row, mapping) = (row_of_others(words(r#"{"total":12345678901234567890.10}"#)), mapping());
        let mapped = mapping.read(&row).unwrap();
        assert_eq!((mapped.id.as_str(), mapped.aggregate_id.as_str()), ("41", "p-1"));
        assert_eq!((mapped.aggregate_type.as_str(), mapped.kind.as_str()), ("salida", "shop.PedidoPagado"));
        assert_eq!(mapped.occurred_at.to_string(), "2025-01-15T09:00:00.5Z");
        assert_eq!(mapped.data().get(), r#"{"total":12345678901234567890.10}"#);
    }

    #[test]
    fn a_payload_of_any_type_is_data() {
        for (payload, data, bytes) in [
            (words(""), r#""""#, &b""[..]),
            (words("no JSON"), r#""no JSON""#, b"no JSON"),
            (Value::Json("[1]".into()), "[1]", b"[1]"),
            (Value::Bytes(Bytes::from_static(b"{\"a\":1}")), r#"{"a":1}"#, b"{\"a\":1}"),
            (Value::Bytes(Bytes::from_static(b"\x00\xff")), r#""AP8=""#, b"\x00\xff"),
            (Value::Null, "null", b""),
        ] {
            let (row, mapping) = (row_of_others(payload), mapping());
            let mapped = mapping.read(&row).unwrap();
            assert_eq!((mapped.data().get(), &mapped.payload()[..]), (data, bytes));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_key_that_mends_it() {
        let row = row_of_others(words("{}"));
        let error = Mapping { id: "uuid".to_owned(), ..mapping() }.read(&row).unwrap_err().to_string();
        assert!(
            error.contains("no column \"uuid\" for id") && error.contains("hexalpes.column.id"),
            "{error}"
        );
        assert!(error.contains("clave, pedido, suceso"), "{error}");
        let null = a_row(&[("id", Value::Null), ("aggregateid", words("a")), ("payload", words("{}"))]);
        assert!(matches!(Mapping::default().read(&null), Err(RowError::Null { field: "id", .. })));
        let late = Mapping { occurred_at: Column::named("suceso"), ..mapping() };
        assert!(matches!(late.read(&row), Err(RowError::NoTime { .. })));
    }

    #[test]
    fn rules_look_at_fields_by_their_columns_and_by_what_they_are_mapped_to() {
        let mapping = Mapping { kind: Column::named("evento"), ..Mapping::default() };
        let row = a_row(&[("id", Value::Null), ("evento", words("Pagado")), ("importe", Value::Integer(7))]);
        let field = |name| mapping.field(&row, name).map(Cow::into_owned);
        assert_eq!(field("type").as_deref(), Some("Pagado"));
        assert_eq!(field("importe").as_deref(), Some("7"));
        assert_eq!(field("aggregatetype").as_deref(), Some(row.table.name.as_str()));
        assert_eq!([field("id"), field("aggregateid"), field("none")], [None, None, None]);
    }

    #[test]
    fn of_a_row_that_cannot_be_read_its_id_and_aggregate_are_told_if_they_can_be() {
        let told = |id, aggregate| {
            let row = a_row(&[("id", id), ("aggregateid", aggregate), ("payload", words("{}"))]);
            Mapping::default().told(&row)
        };
        let aggregate = Some(("salida".to_owned(), "p-1".to_owned()));
        assert_eq!(
            told(words("k-1"), words("p-1")).unwrap(),
            Told { id: Some("k-1".to_owned()), aggregate: aggregate.clone() }
        );
        assert_eq!(told(Value::Null, words("p-1")).unwrap(), Told { id: None, aggregate });
        assert_eq!(told(words(""), Value::Null).unwrap(), Told::default());
        let row = a_row(&[("id", words("k-1"))]);
        assert!(matches!(
            Mapping::default().told(&row),
            Err(RowError::NoColumn { field: "aggregateid", .. })
        ));
    }

    #[test]
    fn times_are_those_of_the_column_or_else_of_the_commit() {
        for value in [
            Value::Integer(1_736_937_000),
            Value::Integer(1_736_937_000_000),
            Value::Integer(1_736_937_000_000_000),
            Value::Local("2025-01-15 10:30:00".into()),
            words("2025-01-15T10:30:00Z"),
            Value::Null,
        ] {
            let row = a_row(&[
                ("id", words("1")),
                ("aggregateid", words("a")),
                ("payload", words("{}")),
                ("occurred_at", value),
            ]);
            let mapping = Mapping::default();
            assert_eq!(mapping.read(&row).unwrap().occurred_at.to_string(), "2025-01-15T10:30:00Z");
        }
    }
}
