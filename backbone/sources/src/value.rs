//! A column's value, as text and as Debezium writes it.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use hexalpes_capture::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    config::{BinaryMode, DecimalMode, Modes, TimeMode},
    temporal::Local,
};

/// A value as text, for a key, an id or a name; none for NULL.
///
/// Bytes are their text if they are one, else a UUID if they are sixteen (`BINARY(16)`), else hexadecimal digits. Some UUIDs would
/// be a text, but none of those that RFC 9562 describes is in ASCII alone: their ninth byte is not.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null => return None,
        Value::Boolean(is) => Cow::Borrowed(if *is { "true" } else { "false" }),
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Unsigned(number) => Cow::Owned(number.to_string()),
        Value::Float(number) => Cow::Owned(number.to_string()),
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) | Value::Local(text) => {
            Cow::Borrowed(text)
        }
        Value::Uuid(id) => Cow::Owned(id.to_string()),
        Value::Instant(at) => Cow::Owned(at.to_string()),
        Value::Bytes(bytes) => match str::from_utf8(bytes) {
            Ok(text) if (text.is_ascii() || text.len() != 16) && !text.chars().any(char::is_control) => {
                Cow::Borrowed(text)
            }
            _ => Cow::Owned(Uuid::from_slice(bytes).map_or_else(|_| hex(bytes), |id| id.to_string())),
        },
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A text as JSON: itself if it is JSON, else a string.
pub(crate) fn json_of(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap_or_else(|_| string(text))
}

pub(crate) fn string(text: &str) -> Box<RawValue> {
    raw(serde_json::to_string(text).expect("a string is always JSON"))
}

pub(crate) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was made as JSON")
}

/// A value as Debezium's JSON has it, by the modes that its connectors know.
///
/// A time without a zone has as many digits behind the point as its column.
pub(crate) fn debezium(value: &Value, modes: Modes) -> Box<RawValue> {
    match value {
        Value::Null => raw("null".to_owned()),
        Value::Boolean(is) => raw(is.to_string()),
        Value::Integer(number) => raw(number.to_string()),
        // `bigint.unsigned.handling.mode=long`, as is built in.
        Value::Unsigned(number) => raw(number.cast_signed().to_string()),
        Value::Float(number) => raw(float(*number)),
        Value::Decimal(digits) => match modes.decimal {
            DecimalMode::String => string(digits),
            DecimalMode::Double => {
                digits.parse().map_or_else(|_| string(digits), |number| raw(float(number)))
            }
            DecimalMode::Precise => {
                unscaled(digits).map_or_else(|| string(digits), |bytes| string(&STANDARD.encode(bytes)))
            }
        },
        Value::Text(text) | Value::Json(text) => string(text),
        Value::Uuid(id) => string(&id.to_string()),
        Value::Instant(at) => string(&at.to_string()),
        Value::Bytes(bytes) => string(&match modes.binary {
            BinaryMode::Bytes | BinaryMode::Base64 => STANDARD.encode(bytes),
            BinaryMode::Base64UrlSafe => URL_SAFE.encode(bytes),
            BinaryMode::Hex => hex(bytes),
        }),
        Value::Local(text) => local(text, modes.time),
    }
}

/// Databases have numbers that JSON has not.
fn float(number: f64) -> String {
    serde_json::Number::from_f64(number).map_or_else(|| "null".to_owned(), |number| number.to_string())
}

fn local(text: &str, mode: TimeMode) -> Box<RawValue> {
    let millis = |micros: i64| micros.div_euclid(1_000);
    let number = match (Local::parse(text), mode) {
        (Some(Local::Zero), _) => return raw("null".to_owned()),
        (Some(Local::Date(days)), _) => days,
        (Some(Local::Time { micros, .. }), TimeMode::AdaptiveTimeMicroseconds) => micros,
        (Some(Local::DateTime { micros, .. } | Local::Time { micros, .. }), TimeMode::Connect) => {
            millis(micros)
        }
        (Some(Local::DateTime { micros, digits } | Local::Time { micros, digits }), _) => {
            if digits <= 3 {
                millis(micros)
            } else {
                micros
            }
        }
        (None, _) => return string(text),
    };
    raw(number.to_string())
}

/// The digits without their point as a number in two's complement, the most significant byte first and no more than
/// it takes.
fn unscaled(digits: &str) -> Option<Vec<u8>> {
    let (is_negative, magnitude) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
    // The least significant byte first.
    let mut bytes: Vec<u8> = Vec::new();
    let mut has_digits = false;
    for digit in magnitude.bytes().filter(|byte| *byte != b'.') {
        if !digit.is_ascii_digit() {
            return None;
        }
        has_digits = true;
        let mut carry = u16::from(digit - b'0');
        for byte in &mut bytes {
            carry += u16::from(*byte) * 10;
            [*byte, _] = carry.to_le_bytes();
            carry >>= 8;
        }
        let [low, _] = carry.to_le_bytes();
        if low > 0 {
            bytes.push(low);
        }
    }
    if !has_digits {
        return None;
    }
    if is_negative {
        let mut carry = true;
        for byte in &mut bytes {
            let (negated, overflowed) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (negated, overflowed);
        }
    }
    let sign = if is_negative && !bytes.is_empty() { 0xff } else { 0 };
    let has_sign = bytes.last().is_some_and(|high| (high & 0x80 != 0) == (sign != 0));
    if !has_sign {
        bytes.push(sign);
    }
    // A negative power of two may have taken one byte too many.
    while bytes.len() > 1
        && bytes.last() == Some(&sign)
        && (bytes[bytes.len() - 2] & 0x80 != 0) == (sign != 0)
    {
        bytes.pop();
    }
    bytes.reverse();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hexalpes_kernel::Timestamp;

    use super::*;

    fn written(value: &Value, modes: Modes) -> String {
        debezium(value, modes).get().to_owned()
    }

    #[test]
    fn each_type_is_written_as_debezium_writes_it() {
        let built_in = Modes::default();
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        for (value, expected) in [
            (Value::Null, "null"),
            (Value::Boolean(true), "true"),
            (Value::Integer(-9_007_199_254_740_993), "-9007199254740993"),
            (Value::Unsigned(u64::MAX), "-1"),
            (Value::Float(120.5), "120.5"),
            (Value::Float(f64::NAN), "null"),
            (Value::Decimal("123.45".into()), "\"MDk=\""),
            (Value::Text("Ñandú 📡\n".into()), "\"Ñandú 📡\\n\""),
            (Value::Json("{\"a\": 12345678901234567890.10}".into()), r#""{\"a\": 12345678901234567890.10}""#),
            (Value::Bytes(Bytes::from_static(b"\x00\xff")), "\"AP8=\""),
            (Value::Uuid(id), "\"01900000-0000-7000-8000-000000000001\""),
            (
                Value::Instant(Timestamp::parse("2025-01-15T14:20:00.5Z").unwrap()),
                "\"2025-01-15T14:20:00.5Z\"",
            ),
            (Value::Local("2025-01-15".into()), "20103"),
            (Value::Local("14:20:00".into()), "51600000000"),
            (Value::Local("2025-01-15 14:20:00".into()), "1736950800000"),
            (Value::Local("2025-01-15 14:20:00.123456".into()), "1736950800123456"),
            (Value::Local("0000-00-00".into()), "null"),
        ] {
            assert_eq!(written(&value, built_in), expected);
        }
    }

    #[test]
    fn modes_choose_how_numbers_bytes_and_times_are_written() {
        let modes = Modes { decimal: DecimalMode::Double, binary: BinaryMode::Hex, time: TimeMode::Connect };
        assert_eq!(written(&Value::Decimal("120.50".into()), modes), "120.5");
        assert_eq!(written(&Value::Bytes(Bytes::from_static(b"\x00\xff")), modes), "\"00ff\"");
        assert_eq!(written(&Value::Local("2025-01-15 14:20:00.123456".into()), modes), "1736950800123");
        let modes = Modes { decimal: DecimalMode::String, ..modes };
        assert_eq!(written(&Value::Decimal("120.50".into()), modes), "\"120.50\"");
        let modes = Modes { time: TimeMode::Adaptive, ..modes };
        assert_eq!(written(&Value::Local("14:20:00.123".into()), modes), "51600123");
        assert_eq!(written(&Value::Local("14:20:00.123000".into()), modes), "51600123000");
    }

    #[test]
    fn unscaled_decimals_are_as_javas_big_integers() {
        for (digits, expected) in [
            ("0.00", &[0][..]),
            ("-0", &[0]),
            ("1.27", &[0x7f]),
            ("1.28", &[0x00, 0x80]),
            ("-1.28", &[0x80]),
            ("-1.29", &[0xff, 0x7f]),
            ("-2.56", &[0xff, 0x00]),
            ("655.36", &[0x01, 0x00, 0x00]),
            ("-327.68", &[0x80, 0x00]),
            ("18446744073709551616", &[1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(unscaled(digits).unwrap(), expected, "{digits}");
        }
        assert_eq!(unscaled("NaN"), None);
    }

    #[test]
    fn ids_are_told_as_text_however_they_are_stored() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        for (value, expected) in [
            (Value::Uuid(id), "01900000-0000-7000-8000-000000000001"),
            (Value::Bytes(Bytes::copy_from_slice(id.as_bytes())), "01900000-0000-7000-8000-000000000001"),
            // One of the few that would be a text.
            (
                Value::Bytes(Bytes::from_static("abcdefABñijklmn".as_bytes())),
                "61626364-6566-4142-c3b1-696a6b6c6d6e",
            ),
            (Value::Bytes(Bytes::from_static(b"pedido-000000001")), "pedido-000000001"),
            (Value::Bytes(Bytes::from_static("pedido-ñ".as_bytes())), "pedido-ñ"),
            (Value::Bytes(Bytes::from_static(b"\x01\xff")), "01ff"),
            (Value::Integer(7), "7"),
        ] {
            assert_eq!(text(&value).unwrap(), expected);
        }
        assert_eq!(text(&Value::Null), None);
    }
}
