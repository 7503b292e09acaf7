//! The `data` of an event as Avro's binary form, and back, by a topic's schema.
//!
//! An event's data is a JSON object, and its schema a record with a field for each name. What JSON has and the schema
//! wants as a `string`, such as a dict or a list, is carried as its JSON text; a field whose schema says
//! `"holds": "json"` gets it back as it was. A number that is a `double` there is for display: what counts stands
//! beside it, as a `long`.
//!
//! Not here: which schema a message was written with, which its version says and the broker knows.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod decode;
mod encode;

use apache_avro::{Schema, schema::RecordSchema};

pub use decode::DecodeError;
pub use encode::EncodeError;

/// What a field's schema says of a text that is JSON.
const HOLDS: &str = "holds";

/// A record's schema, parsed.
#[derive(Debug)]
pub struct Record {
    schema: Schema,
}

/// A definition that is no record's.
#[derive(Debug, thiserror::Error)]
pub enum NoRecord {
    #[error("the schema cannot be read: {0}")]
    Unreadable(String),
    #[error("the schema is no record's")]
    NoRecord,
}

impl Record {
    /// Takes an Avro schema in JSON.
    pub fn parse(definition: &[u8]) -> Result<Self, NoRecord> {
        let text = str::from_utf8(definition).map_err(|why| NoRecord::Unreadable(why.to_string()))?;
        let schema = Schema::parse_str(text).map_err(|why| NoRecord::Unreadable(why.to_string()))?;
        if matches!(schema, Schema::Record(_)) { Ok(Self { schema }) } else { Err(NoRecord::NoRecord) }
    }

    /// The names of its fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.record().fields.iter().map(|field| field.name.as_str())
    }

    fn record(&self) -> &RecordSchema {
        let Schema::Record(record) = &self.schema else { unreachable!("another was not taken") };
        record
    }
}
