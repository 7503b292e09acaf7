//! A column's text as a value, by the type that the server says.

use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_capture::Value;
use hexalpes_kernel::Timestamp;

/// How a column's texts are read. Whatever is not known keeps its text: arrays, enumerations, ranges, domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Float,
    Decimal,
    Json,
    Bytes,
    Uuid,
    Instant,
    /// With so many digits behind the point as its column has; a date has none.
    Local(u8),
    Text,
}

/// Digits of a time whose type says nothing of them.
const TIME_DIGITS: u8 = 6;

impl Kind {
    /// Built-in types have the same numbers everywhere (`src/include/catalog/pg_type.dat`).
    /// The modifier is -1 where a type has none.
    pub(crate) fn of(type_id: u32, modifier: i32) -> Self {
        match type_id {
            16 => Self::Boolean,
            17 => Self::Bytes,
            // int8, int2, int4, oid
            20 | 21 | 23 | 26 => Self::Integer,
            700 | 701 => Self::Float,
            1700 => Self::Decimal,
            114 | 3802 => Self::Json,
            2950 => Self::Uuid,
            1184 => Self::Instant,
            // date
            1082 => Self::Local(0),
            // time, timestamp
            1083 | 1114 => Self::Local(u8::try_from(modifier).unwrap_or(TIME_DIGITS)),
            _ => Self::Text,
        }
    }

    /// The value that a text in `whole` says; none if it is no text of this type at all.
    ///
    /// A text that is right and has no value of its kind stays a text: `NaN` is no decimal, and neither `infinity`
    /// nor a year before ours is a moment.
    pub(crate) fn value(self, text: &[u8], whole: &Bytes) -> Option<Value> {
        if self == Self::Bytes {
            return unhex(text.strip_prefix(b"\\x")?).map(Value::Bytes);
        }
        let text = ByteString::try_from(whole.slice_ref(text)).ok()?;
        Some(match self {
            Self::Boolean => Value::Boolean(match &*text {
                "t" => true,
                "f" => false,
                _ => return None,
            }),
            Self::Integer => Value::Integer(text.parse().ok()?),
            Self::Float => Value::Float(text.parse().ok()?),
            Self::Decimal if text.ends_with(|last: char| last.is_ascii_digit()) => Value::Decimal(text),
            Self::Uuid => Value::Uuid(text.parse().ok()?),
            Self::Instant => {
                Timestamp::parse(&text).map_or_else(|_| Value::Text(text.clone()), Value::Instant)
            }
            Self::Json => Value::Json(text),
            Self::Local(digits) => Value::Local(with_digits(text, digits.into())),
            Self::Decimal | Self::Text | Self::Bytes => Value::Text(text),
        })
    }
}

/// The server leaves out zeros at the end, which say how exact a column is.
fn with_digits(text: ByteString, digits: usize) -> ByteString {
    let fraction = text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.len());
    // A year before ours has its era behind it, and infinity has no digits at all.
    if fraction >= digits || !text.ends_with(|last: char| last.is_ascii_digit()) {
        return text;
    }
    let point = if fraction == 0 { "." } else { "" };
    format!("{text}{point}{}", "0".repeat(digits - fraction)).into()
}

fn unhex(digits: &[u8]) -> Option<Bytes> {
    let half = |digit: u8| char::from(digit).to_digit(16).and_then(|half| u8::try_from(half).ok());
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(half(*high)? << 4 | half(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_by_their_types() {
        let value = |type_id, text: &'static str| {
            let whole = Bytes::from(text);
            Kind::of(type_id, -1).value(&whole, &whole)
        };
        assert_eq!(value(16, "t"), Some(Value::Boolean(true)));
        assert_eq!(value(20, "-9223372036854775808"), Some(Value::Integer(i64::MIN)));
        assert_eq!(value(700, "0.1"), Some(Value::Float(0.1)));
        assert_eq!(value(1700, "-1.10"), Some(Value::Decimal("-1.10".into())));
        assert_eq!(value(1700, "NaN"), Some(Value::Text("NaN".into())));
        assert_eq!(value(17, "\\x00fF"), Some(Value::Bytes(vec![0, 255].into())));
        assert_eq!(value(17, "\\x"), Some(Value::Bytes(Bytes::new())));
        assert_eq!(
            value(1184, "2025-01-15 14:20:00.123456+00"),
            Some(Value::Instant(Timestamp::parse("2025-01-15T14:20:00.123456Z").unwrap()))
        );
        assert_eq!(value(1184, "infinity"), Some(Value::Text("infinity".into())));
        assert_eq!(value(1007, "{1,NULL}"), Some(Value::Text("{1,NULL}".into())));
    }

    #[test]
    fn a_time_has_the_digits_of_its_column() {
        for (type_id, modifier, text, expected) in [
            (1082, -1, "2025-01-15", "2025-01-15"),
            (1083, 3, "10:30:00.5", "10:30:00.500"),
            (1083, 0, "10:30:00", "10:30:00"),
            (1114, -1, "2025-01-15 10:30:00", "2025-01-15 10:30:00.000000"),
            (1114, -1, "2025-01-15 10:30:00.123456", "2025-01-15 10:30:00.123456"),
            (1114, -1, "0044-03-15 10:30:00 BC", "0044-03-15 10:30:00 BC"),
            (1114, 3, "-infinity", "-infinity"),
        ] {
            let whole = Bytes::from_static(text.as_bytes());
            let value = Kind::of(type_id, modifier).value(&whole, &whole);
            assert_eq!(value, Some(Value::Local(expected.into())), "{text}");
        }
    }

    #[test]
    fn what_is_no_text_of_a_type_is_no_value() {
        for (type_id, text) in [(16, "true"), (23, "1.5"), (701, "x"), (17, "00"), (17, "\\x0"), (2950, "1")]
        {
            let whole = Bytes::from(text);
            assert_eq!(Kind::of(type_id, -1).value(&whole, &whole), None, "{text}");
        }
        let whole = Bytes::from_static(b"\xff");
        assert_eq!(Kind::Text.value(&whole, &whole), None);
    }
}
