//! Values on their way into a SQLite statement and out of its rows.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sea_query::OptionEnum;

use crate::DbError;
use crate::row::Value;

/// A value of a built statement, bound without a copy.
pub(super) struct Bound<'a>(pub(super) &'a sea_query::Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use sea_query::Value as V;
        let integer = |number: Option<i64>| number.map_or(ValueRef::Null, ValueRef::Integer);
        let real = |number: Option<f64>| number.map_or(ValueRef::Null, ValueRef::Real);
        let bound = match self.0 {
            V::Bool(value) => integer(value.map(i64::from)),
            V::TinyInt(value) => integer(value.map(i64::from)),
            V::SmallInt(value) => integer(value.map(i64::from)),
            V::Int(value) => integer(value.map(i64::from)),
            V::BigInt(value) => integer(*value),
            V::TinyUnsigned(value) => integer(value.map(i64::from)),
            V::SmallUnsigned(value) => integer(value.map(i64::from)),
            V::Unsigned(value) => integer(value.map(i64::from)),
            V::BigUnsigned(Some(value)) => match i64::try_from(*value) {
                Ok(value) => ValueRef::Integer(value),
                Err(error) => return Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error))),
            },
            V::Float(value) => real(value.map(f64::from)),
            V::Double(value) => real(*value),
            V::String(value) => text(value.as_deref()),
            V::Enum(OptionEnum::Some(value)) => text(Some(&value.value)),
            V::Char(Some(value)) => return Ok(ToSqlOutput::from(value.to_string())),
            V::BigUnsigned(None) | V::Enum(OptionEnum::None(_)) | V::Char(None) => ValueRef::Null,
            V::Bytes(value) => value.as_deref().map_or(ValueRef::Null, ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(bound))
    }
}

fn text(text: Option<&str>) -> ValueRef<'_> {
    text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
}

pub(super) fn read(row: &rusqlite::Row<'_>, index: usize) -> Result<Value, DbError> {
    Ok(match row.get_ref(index).map_err(|error| super::db_error(&error))? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(bytes.to_owned()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    })
}
