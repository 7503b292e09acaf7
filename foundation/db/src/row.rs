//! A row that was fetched, and the types that its columns can be read as.

use std::sync::Arc;

use hexalpes_kernel::Timestamp;

use crate::DbError;

/// One row. It owns its values, so it may leave the transaction.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

/// What a column holds, in the few shapes that all databases share.
///
/// Which shape text has depends on the database (`VARBINARY` gives bytes), so reading converts between
/// `Text` and `Blob`; it never converts between text and numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Row {
    pub(crate) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// Reads a column by the name that the statement gave it.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, DbError> {
        let wrong = |why| DbError::column(column, why);
        let index = self
            .columns
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| wrong("the statement does not select it"))?;
        T::from_value(&self.values[index]).map_err(wrong)
    }

    /// Reads a text as what it must be, such as an id.
    pub fn parsed<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, DbError> {
        parse(&self.get::<String>(column)?).ok_or_else(|| DbError::column(column, UNPARSED))
    }

    /// As [`Row::parsed`], of a column that may be null.
    pub fn parsed_if_any<T>(
        &self,
        column: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, DbError> {
        let text = self.get::<Option<String>>(column)?;
        text.map(|text| parse(&text).ok_or_else(|| DbError::column(column, UNPARSED))).transpose()
    }
}

/// A type that a column can be read as. The error says what the column holds instead.
pub trait FromValue: Sized {
    fn from_value(value: &Value) -> Result<Self, &'static str>;
}

const NULL: &str = "it is null";
const UNPARSED: &str = "it does not parse";

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Integer(number) => Ok(*number),
            Value::Null => Err(NULL),
            _ => Err("it is not an integer"),
        }
    }
}

macro_rules! narrower_integers {
    ($($integer:ty),*) => {$(
        impl FromValue for $integer {
            fn from_value(value: &Value) -> Result<Self, &'static str> {
                i64::from_value(value)?.try_into().map_err(|_| "the integer is out of range")
            }
        }
    )*};
}

narrower_integers!(i16, i32, u8, u16, u32, u64);

/// Microseconds since 1970 in UTC ([`crate::columns::timestamp`]).
impl FromValue for Timestamp {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        Self::from_micros(i64::from_value(value)?).ok_or("it is no time")
    }
}

/// SQLite and MySQL keep truth as 0 or 1.
impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Integer(0) => Ok(false),
            Value::Integer(1) => Ok(true),
            Value::Null => Err(NULL),
            _ => Err("it is neither true nor false"),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Real(number) => Ok(*number),
            Value::Null => Err(NULL),
            _ => Err("it is not a floating-point number"),
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            Value::Blob(bytes) => String::from_utf8(bytes.clone()).map_err(|_| "it is not UTF-8"),
            Value::Null => Err(NULL),
            _ => Err("it is not text"),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::Blob(bytes) => Ok(bytes.clone()),
            Value::Text(text) => Ok(text.clone().into_bytes()),
            Value::Null => Err(NULL),
            _ => Err("it is not bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_row() -> Row {
        let columns = ["n", "big", "id", "none"].map(str::to_owned);
        let values =
            vec![Value::Integer(1), Value::Integer(-300), Value::Blob(b"caf\xc3\xa9".to_vec()), Value::Null];
        Row::new(columns.into(), values)
    }

    #[test]
    fn a_column_is_read_as_what_it_can_be() {
        let row = a_row();
        assert_eq!(row.get::<i64>("n"), Ok(1));
        assert_eq!(row.get::<bool>("n"), Ok(true));
        assert_eq!(row.get::<String>("id"), Ok("café".to_owned()));
        assert_eq!(row.get::<Option<String>>("none"), Ok(None));
        assert_eq!(row.get::<Option<i32>>("big"), Ok(Some(-300)));
    }

    #[test]
    fn times_and_texts_are_read_as_what_they_mean() {
        let row = a_row();
        assert_eq!(row.get::<Timestamp>("n"), Ok(Timestamp::from_micros(1).unwrap()));
        assert_eq!(row.get::<Option<Timestamp>>("none"), Ok(None));
        assert_eq!(row.parsed("id", |text| text.chars().next_back()), Ok('é'));
        assert_eq!(row.parsed_if_any("none", |text| text.chars().next()), Ok(None));
        assert_eq!(row.parsed::<()>("id", |_| None).unwrap_err().to_string(), "column id: it does not parse");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let row = a_row();
        let why = |why| DbError::Column { column: "big".to_owned(), why };
        assert_eq!(row.get::<u8>("big"), Err(why("the integer is out of range")));
        assert_eq!(row.get::<bool>("big"), Err(why("it is neither true nor false")));
        assert_eq!(row.get::<String>("big"), Err(why("it is not text")));
        assert_eq!(
            row.get::<i64>("gone").unwrap_err().to_string(),
            "column gone: the statement does not select it"
        );
        assert_eq!(row.get::<i64>("none").unwrap_err().to_string(), "column none: it is null");
    }
}
