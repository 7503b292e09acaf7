//! JSON to Avro.

use std::collections::HashMap;

use apache_avro::Schema;
use serde_json::value::RawValue;

use crate::Record;

/// Why data does not fit its schema.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("the data is no JSON object: {0}")]
    NoObject(serde_json::Error),
    #[error("field {0} is absent and has no default")]
    Absent(String),
    #[error("field {field} wants {wants}, and has {has}")]
    Unfit { field: String, wants: &'static str, has: String },
}

/// A value's text in an error, at most.
const SHOWN_CHARS_MAX: usize = 40;

impl Record {
    /// The data as Avro, in the order of the schema's fields. What the data lacks is taken from `extra`, then from the
    /// field's default; what the schema does not know is left out.
    pub fn encode(&self, data: &str, extra: &[(&str, String)]) -> Result<Vec<u8>, EncodeError> {
        let given: HashMap<&str, &RawValue> = serde_json::from_str(data).map_err(EncodeError::NoObject)?;
        let mut bytes = Vec::with_capacity(data.len());
        for field in &self.record().fields {
            let extra = || {
                let found = extra.iter().find(|(name, _)| *name == field.name)?;
                Some(found.1.clone())
            };
            let text = match given.get(field.name.as_str()) {
                Some(raw) => Some(raw.get().to_owned()),
                None => extra().or_else(|| field.default.as_ref().map(ToString::to_string)),
            };
            let text = match (text, &field.schema) {
                (Some(text), _) => text,
                (None, Schema::Union(union)) if union.is_nullable() => "null".to_owned(),
                (None, _) => return Err(EncodeError::Absent(field.name.clone())),
            };
            if !put(&mut bytes, &field.schema, &text) {
                let has = text.chars().take(SHOWN_CHARS_MAX).collect();
                return Err(EncodeError::Unfit {
                    field: field.name.clone(),
                    wants: wanted(&field.schema),
                    has,
                });
            }
        }
        Ok(bytes)
    }
}

/// Appends a JSON value; whether it fits.
fn put(bytes: &mut Vec<u8>, schema: &Schema, text: &str) -> bool {
    match schema {
        Schema::Null => text == "null",
        Schema::Boolean => {
            let truth = text == "true";
            if truth || text == "false" {
                bytes.push(u8::from(truth));
                return true;
            }
            false
        }
        Schema::Int | Schema::Long => {
            let Ok(number) = text.parse::<i64>() else { return false };
            if matches!(schema, Schema::Int) && i32::try_from(number).is_err() {
                return false;
            }
            put_long(bytes, number);
            true
        }
        Schema::Float | Schema::Double => {
            let Ok(number) = text.parse::<f64>() else { return false };
            if matches!(schema, Schema::Float) {
                #[expect(clippy::cast_possible_truncation, reason = "a float is what the schema asks for")]
                bytes.extend_from_slice(&(number as f32).to_le_bytes());
            } else {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            true
        }
        Schema::String => {
            if text.starts_with('"') {
                let Ok(text) = serde_json::from_str::<String>(text) else { return false };
                put_text(bytes, &text);
            } else if text == "null" {
                return false;
            } else {
                put_text(bytes, text);
            }
            true
        }
        Schema::Union(union) => {
            let branches = union.variants();
            for (at, branch) in branches.iter().enumerate() {
                let before = bytes.len();
                put_long(bytes, i64::try_from(at).unwrap_or(i64::MAX));
                if put(bytes, branch, text) {
                    return true;
                }
                bytes.truncate(before);
            }
            false
        }
        _ => false,
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_long(bytes, i64::try_from(text.len()).unwrap_or(i64::MAX));
    bytes.extend_from_slice(text.as_bytes());
}

/// Zigzag, seven bits a byte, the lowest first.
fn put_long(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn wanted(schema: &Schema) -> &'static str {
    match schema {
        Schema::Boolean => "true or false",
        Schema::Int | Schema::Long => "a whole number",
        Schema::Float | Schema::Double => "a number",
        Schema::String => "a text or JSON",
        Schema::Union(_) => "one of a union",
        _ => "what events do not hold",
    }
}
