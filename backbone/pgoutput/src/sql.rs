//! Names and values in statements.

use hexalpes_capture::{TableName, Value};

pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string, whatever it holds; the server reads it as the type that it is compared with.
pub(crate) fn literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

pub(crate) fn table(name: &TableName) -> String {
    format!("{}.{}", identifier(&name.schema), identifier(&name.name))
}

/// None for null, which is above and below nothing.
pub(crate) fn value(value: &Value) -> Option<String> {
    Some(literal(&match value {
        Value::Null => return None,
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Uuid(value) => value.to_string(),
        Value::Instant(value) => value.to_string(),
        Value::Bytes(bytes) => format!("\\x{}", hexadecimal(bytes)),
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) | Value::Local(text) => text.to_string(),
    }))
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |half: u8| DIGITS[usize::from(half & 0xF)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_name_or_a_string_early() {
        assert_eq!(table(&TableName::new("Al\"pes", "outbox")), r#""Al""pes"."outbox""#);
        assert_eq!(literal(r"it's C:\ "), r"E'it''s C:\\ '");
        assert_eq!(value(&Value::Bytes(vec![0x00, 0xAF].into())), Some(r"E'\\x00af'".to_owned()));
        assert_eq!(value(&Value::Null), None);
    }
}
