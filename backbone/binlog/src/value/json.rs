//! `MySQL`'s binary JSON as text, written as `MySQL` writes it: a blank behind each comma and colon, members in the
//! order in which they are stored, and numbers with all their digits.
//!
//! An array or an object begins with how many it has and how many bytes it takes; then, for an object, where each key
//! is and how long; then a type and a place for each value, small values in place of the place. Places are counted
//! from its beginning. The small form has numbers of two bytes for all that, the large one of four.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{decimal, temporal};
use crate::cursor::{Cursor, Malformed};

/// `MySQL` itself stops at a hundred.
const DEPTH_MAX: usize = 100;

const SMALL_OBJECT: u8 = 0;
const LARGE_OBJECT: u8 = 1;
const SMALL_ARRAY: u8 = 2;
const LARGE_ARRAY: u8 = 3;
const LITERAL: u8 = 4;
const INT16: u8 = 5;
const UINT16: u8 = 6;
const INT32: u8 = 7;
const UINT32: u8 = 8;
const INT64: u8 = 9;
const UINT64: u8 = 10;
const DOUBLE: u8 = 11;
const STRING: u8 = 12;
const OPAQUE: u8 = 15;

// Types of columns that values of no JSON type keep.
const NEW_DECIMAL: u8 = 246;
const TIMESTAMP: u8 = 7;
const DATE: u8 = 10;
const TIME: u8 = 11;
const DATE_TIME: u8 = 12;

const BROKEN: Malformed = Malformed("a JSON value is broken");

pub(super) fn text(bytes: &[u8]) -> Result<String, Malformed> {
    let Some((kind, rest)) = bytes.split_first() else {
        // A row from before its column was there.
        return Ok("null".to_owned());
    };
    let mut text = String::with_capacity(bytes.len());
    value(&mut text, *kind, rest, DEPTH_MAX)?;
    Ok(text)
}

fn value(text: &mut String, kind: u8, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let mut rest = Cursor(bytes);
    match kind {
        SMALL_OBJECT | SMALL_ARRAY => nested(text, bytes, 2, kind == SMALL_OBJECT, depth)?,
        LARGE_OBJECT | LARGE_ARRAY => nested(text, bytes, 4, kind == LARGE_OBJECT, depth)?,
        LITERAL => text.push_str(match rest.byte()? {
            0 => "null",
            1 => "true",
            2 => "false",
            _ => return Err(BROKEN),
        }),
        INT16 => number(text, i16::from_le_bytes(super::array(rest.take(2)?)?))?,
        UINT16 | UINT32 | UINT64 => number(text, rest.number(width(kind))?)?,
        INT32 => number(text, i32::from_le_bytes(super::array(rest.take(4)?)?))?,
        INT64 => number(text, i64::from_le_bytes(super::array(rest.take(8)?)?))?,
        DOUBLE => double(text, f64::from_bits(rest.number(8)?))?,
        STRING => {
            let length = varying(&mut rest)?;
            string(text, rest.take(length)?)?;
        }
        OPAQUE => {
            let kind = rest.byte()?;
            let length = varying(&mut rest)?;
            opaque(text, kind, rest.take(length)?)?;
        }
        _ => return Err(Malformed("a JSON value is of an unknown type")),
    }
    Ok(())
}

fn width(kind: u8) -> usize {
    match kind {
        INT16 | UINT16 | LITERAL => 2,
        INT32 | UINT32 => 4,
        _ => 8,
    }
}

fn nested(
    text: &mut String,
    bytes: &[u8],
    size: usize,
    is_object: bool,
    depth: usize,
) -> Result<(), Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed("a JSON value is nested too deep"))?;
    let mut head = Cursor(bytes);
    let count = head.size(size)?;
    let length = head.size(size)?;
    let bytes = bytes.get(..length).ok_or(BROKEN)?;
    let key_bytes = if is_object { size + 2 } else { 0 };
    let mut keys = Cursor(head.take(count.checked_mul(key_bytes).ok_or(BROKEN)?)?);
    text.push(if is_object { '{' } else { '[' });
    for at in 0..count {
        if at > 0 {
            text.push_str(", ");
        }
        if is_object {
            let place = keys.size(size)?;
            let length = keys.size(2)?;
            string(text, bytes.get(place..place + length).ok_or(BROKEN)?)?;
            text.push_str(": ");
        }
        let kind = head.byte()?;
        let place = head.take(size)?;
        // What fits into the place stands in it.
        if matches!(kind, LITERAL | INT16 | UINT16) || (size == 4 && matches!(kind, INT32 | UINT32)) {
            value(text, kind, place, depth)?;
        } else {
            let place = Cursor(place).size(size)?;
            value(text, kind, bytes.get(place..).ok_or(BROKEN)?, depth)?;
        }
    }
    text.push(if is_object { '}' } else { ']' });
    Ok(())
}

/// A length in groups of seven bits, the lowest first.
fn varying(rest: &mut Cursor<'_>) -> Result<usize, Malformed> {
    let mut length = 0;
    for group in 0..5 {
        let byte = rest.byte()?;
        length |= usize::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Ok(length);
        }
    }
    Err(BROKEN)
}

fn number(text: &mut String, number: impl std::fmt::Display) -> Result<(), Malformed> {
    write!(text, "{number}").map_err(|_| BROKEN)
}

/// The shortest digits that give the same number again, with a point or an exponent, so that it stays no integer.
fn double(text: &mut String, number: f64) -> Result<(), Malformed> {
    let size = number.abs();
    if size != 0.0 && !(1e-14..1e15).contains(&size) {
        write!(text, "{number:e}").map_err(|_| BROKEN)
    } else if number.fract() == 0.0 {
        write!(text, "{number:.1}").map_err(|_| BROKEN)
    } else {
        write!(text, "{number}").map_err(|_| BROKEN)
    }
}

fn string(text: &mut String, bytes: &[u8]) -> Result<(), Malformed> {
    let string = std::str::from_utf8(bytes).map_err(|_| BROKEN)?;
    text.push_str(&serde_json::to_string(string).map_err(|_| BROKEN)?);
    Ok(())
}

fn opaque(text: &mut String, kind: u8, bytes: &[u8]) -> Result<(), Malformed> {
    let mut rest = Cursor(bytes);
    match kind {
        NEW_DECIMAL => {
            let (digits, scale) = (usize::from(rest.byte()?), usize::from(rest.byte()?));
            text.push_str(&decimal::read(&mut rest, digits, scale)?);
        }
        DATE | DATE_TIME | TIMESTAMP | TIME => {
            let packed = rest.number(8)?.cast_signed();
            let (whole, micros) = (packed.unsigned_abs() >> 24, packed.unsigned_abs() & 0xff_ffff);
            let (months, day) = (whole >> 22, whole >> 17 & 31);
            let (minute, second) = (whole >> 6 & 63, whole & 63);
            let ymd = [months / 13, months % 13, day];
            let written = match kind {
                DATE => temporal::date(ymd[0], ymd[1], ymd[2]),
                TIME => temporal::span(packed < 0, [whole >> 12 & 0x3ff, minute, second], micros, 6),
                _ => temporal::date_time(ymd, [whole >> 12 & 31, minute, second], micros, 6),
            };
            string(text, written.as_bytes())?;
        }
        _ => string(text, format!("base64:type{kind}:{}", STANDARD.encode(bytes)).as_bytes())?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_written_as_mysql_writes_them() {
        // {"a": 1, "b": [true, "x"]}
        let bytes = [
            SMALL_OBJECT,
            2,
            0,
            33,
            0,
            18,
            0,
            1,
            0,
            19,
            0,
            1,
            0,
            INT16,
            1,
            0,
            SMALL_ARRAY,
            20,
            0,
            b'a',
            b'b',
            2,
            0,
            12,
            0,
            LITERAL,
            1,
            0,
            STRING,
            10,
            0,
            1,
            b'x',
            0,
        ];
        assert_eq!(text(&bytes).unwrap(), r#"{"a": 1, "b": [true, "x"]}"#);
        assert!(text(&bytes[..20]).is_err());
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let number = |kind, bytes: [u8; 8]| text(&[&[kind][..], &bytes].concat()).unwrap();
        assert_eq!(number(UINT64, u64::MAX.to_le_bytes()), "18446744073709551615");
        assert_eq!(number(INT64, (-9_007_199_254_740_993_i64).to_le_bytes()), "-9007199254740993");
        assert_eq!(number(DOUBLE, 0.1_f64.to_le_bytes()), "0.1");
        assert_eq!(number(DOUBLE, 3.0_f64.to_le_bytes()), "3.0");
        assert_eq!(number(DOUBLE, 1e300_f64.to_le_bytes()), "1e300");
    }
}
