//! What a column's bytes in a row mean.

mod decimal;
mod json;
mod temporal;

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_capture::Value;
use uuid::Uuid;

use crate::charset::Charset;
use crate::cursor::{Cursor, Malformed};

pub(crate) use temporal::{date, date_time, span};

/// How a column's values are written in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer {
        bytes: usize,
        unsigned: bool,
    },
    Float,
    Double,
    Decimal {
        digits: usize,
        scale: usize,
    },
    Year,
    Date,
    Time {
        decimals: usize,
    },
    DateTime {
        decimals: usize,
    },
    Timestamp {
        decimals: usize,
    },
    // As they were before fractions of a second; tables keep them until they are altered.
    OldTime,
    OldDateTime,
    OldTimestamp,
    /// After their length in `prefix` bytes.
    Varying {
        prefix: usize,
        content: Content,
    },
    /// `CHAR` and `BINARY`: without the blanks or zeros at their end.
    Fixed {
        prefix: usize,
        length: usize,
        content: Content,
    },
    Bit {
        bits: usize,
    },
    Enum {
        bytes: usize,
        members: Vec<String>,
    },
    Set {
        bytes: usize,
        members: Vec<String>,
    },
    /// `MySQL`'s binary JSON.
    Json {
        prefix: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Text(Charset),
    Uuid,
    Inet4,
    Inet6,
}

impl Kind {
    /// The value that comes next in a row, which is a part of `whole`.
    pub(crate) fn read(&self, row: &mut Cursor<'_>, whole: &Bytes) -> Result<Value, Malformed> {
        match self {
            Self::Integer { bytes, unsigned } => integer(row, *bytes, *unsigned),
            Self::Float => {
                let bits = u32::from_le_bytes(array(row.take(4)?)?);
                Ok(Value::Float(f64::from(f32::from_bits(bits))))
            }
            Self::Double => Ok(Value::Float(f64::from_bits(row.number(8)?))),
            Self::Decimal { digits, scale } => {
                decimal::read(row, *digits, *scale).map(|digits| Value::Decimal(digits.into()))
            }
            Self::Year => Ok(Value::Integer(match row.byte()? {
                0 => 0,
                since_1900 => 1900 + i64::from(since_1900),
            })),
            Self::Date => temporal::read_date(row),
            Self::Time { decimals } => temporal::read_time(row, *decimals),
            Self::DateTime { decimals } => temporal::read_date_time(row, *decimals),
            Self::Timestamp { decimals } => temporal::read_timestamp(row, *decimals),
            Self::OldTime => temporal::read_old_time(row),
            Self::OldDateTime => temporal::read_old_date_time(row),
            Self::OldTimestamp => temporal::read_old_timestamp(row),
            Self::Varying { prefix, content } => {
                let length = row.size(*prefix)?;
                Ok(content.value(whole.slice_ref(row.take(length)?)))
            }
            Self::Fixed { prefix, length, content } => {
                let stored = row.size(*prefix)?;
                Ok(content.padded(whole.slice_ref(row.take(stored)?), *length))
            }
            Self::Bit { bits: 1 } => Ok(Value::Boolean(row.byte()? != 0)),
            Self::Bit { bits } => Ok(Value::Bytes(whole.slice_ref(row.take(bits.div_ceil(8))?))),
            Self::Enum { bytes, members } => member(row.size(*bytes)?, members),
            Self::Set { bytes, members } => set(row.number(*bytes)?, members),
            Self::Json { prefix } => {
                let length = row.size(*prefix)?;
                json::text(row.take(length)?).map(|text| Value::Json(text.into()))
            }
        }
    }
}

impl Content {
    fn value(self, bytes: Bytes) -> Value {
        let text = match self {
            Self::Text(charset) => charset.decode(bytes.clone()).map(Value::Text),
            Self::Uuid => Uuid::from_slice(&bytes).ok().map(Value::Uuid),
            Self::Inet4 => <[u8; 4]>::try_from(&*bytes).ok().map(|four| text_of(&Ipv4Addr::from(four))),
            Self::Inet6 => <[u8; 16]>::try_from(&*bytes).ok().map(|all| text_of(&Ipv6Addr::from(all))),
        };
        text.unwrap_or(Value::Bytes(bytes))
    }

    /// What is no text gets the zeros back that it was stored without.
    fn padded(self, bytes: Bytes, length: usize) -> Value {
        let is_text = matches!(self, Self::Text(charset) if charset != Charset::Binary);
        if is_text || bytes.len() >= length {
            return self.value(bytes);
        }
        let mut whole = bytes.to_vec();
        whole.resize(length, 0);
        self.value(whole.into())
    }
}

/// An unsigned number that is an `i64` is one, so that a column's values are of one kind wherever they can be.
pub(crate) fn unsigned(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Unsigned(number), Value::Integer)
}

fn integer(row: &mut Cursor<'_>, bytes: usize, is_unsigned: bool) -> Result<Value, Malformed> {
    let number = row.number(bytes)?;
    if is_unsigned {
        return Ok(unsigned(number));
    }
    let above = 64 - 8 * bytes;
    Ok(Value::Integer((number << above).cast_signed() >> above))
}

/// The first is number one; zero is what was refused when it was inserted.
fn member(number: usize, members: &[String]) -> Result<Value, Malformed> {
    if number == 0 {
        return Ok(Value::Text(ByteString::new()));
    }
    let member =
        members.get(number - 1).ok_or(Malformed("an ENUM has a member that its column does not have"))?;
    Ok(text_of(member))
}

fn set(bits: u64, members: &[String]) -> Result<Value, Malformed> {
    if members.len() < 64 && bits >> members.len() != 0 {
        return Err(Malformed("a SET has a member that its column does not have"));
    }
    let chosen = members.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    Ok(text_of(&chosen.map(|(_, member)| member.as_str()).collect::<Vec<_>>().join(",")))
}

fn text_of(value: &(impl ToString + ?Sized)) -> Value {
    Value::Text(value.to_string().into())
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed("a number has too few bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &Kind, bytes: &[u8]) -> Value {
        let whole = Bytes::copy_from_slice(bytes);
        let mut row = Cursor(&whole);
        let value = kind.read(&mut row, &whole).unwrap();
        assert!(row.is_empty(), "all of it was read");
        value
    }

    #[test]
    fn integers_of_all_widths_keep_their_sign() {
        let signed = |bytes| Kind::Integer { bytes, unsigned: false };
        assert_eq!(read(&signed(1), &[0x80]), Value::Integer(-128));
        assert_eq!(read(&signed(3), &[0xff, 0xff, 0x7f]), Value::Integer(8_388_607));
        assert_eq!(read(&signed(3), &[0, 0, 0x80]), Value::Integer(-8_388_608));
        assert_eq!(read(&signed(8), &[0, 0, 0, 0, 0, 0, 0, 0x80]), Value::Integer(i64::MIN));
        let unsigned = |bytes| Kind::Integer { bytes, unsigned: true };
        assert_eq!(read(&unsigned(1), &[0xff]), Value::Integer(255));
        assert_eq!(read(&unsigned(8), &[0xff; 8]), Value::Unsigned(u64::MAX));
    }

    #[test]
    fn binaries_have_their_zeros_again_and_texts_no_blanks() {
        let fixed = |content| Kind::Fixed { prefix: 1, length: 4, content };
        let binary = Content::Text(Charset::Binary);
        assert_eq!(read(&fixed(binary), &[2, 1, 2]), Value::Bytes(Bytes::from_static(&[1, 2, 0, 0])));
        assert_eq!(read(&fixed(Content::Text(Charset::Utf8)), b"\x02ab"), Value::Text("ab".into()));
    }

    #[test]
    fn members_are_named_and_unknown_ones_refused() {
        let members = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(member(2, &members), Ok(Value::Text("b".into())));
        assert_eq!(member(0, &members), Ok(Value::Text(ByteString::new())));
        assert!(member(4, &members).is_err());
        assert_eq!(set(0b101, &members), Ok(Value::Text("a,c".into())));
        assert!(set(0b1000, &members).is_err());
    }
}
