//! Dates and times: those of a calendar as the database writes them, a `TIMESTAMP` as the moment that it is.

use hexalpes_capture::Value;
use hexalpes_kernel::Timestamp;

use crate::cursor::{Cursor, Malformed};

/// `2025-01-15`.
pub(crate) fn date(year: u64, month: u64, day: u64) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2025-01-15 14:20:00.123456`, with so many decimals.
pub(crate) fn date_time(ymd: [u64; 3], hms: [u64; 3], micros: u64, decimals: usize) -> String {
    let ([year, month, day], [hour, minute, second]) = (ymd, hms);
    let fraction = fraction(micros, decimals);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}")
}

/// `-838:59:59.000000`, with so many decimals.
pub(crate) fn span(is_negative: bool, hms: [u64; 3], micros: u64, decimals: usize) -> String {
    let [hours, minutes, seconds] = hms;
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction(micros, decimals))
}

fn fraction(micros: u64, decimals: usize) -> String {
    if decimals == 0 { String::new() } else { format!(".{micros:06}")[..=decimals.min(6)].to_owned() }
}

pub(super) fn read_date(row: &mut Cursor<'_>) -> Result<Value, Malformed> {
    let packed = row.number(3)?;
    Ok(Value::Local(date(packed >> 9, packed >> 5 & 15, packed & 31).into()))
}

pub(super) fn read_date_time(row: &mut Cursor<'_>, decimals: usize) -> Result<Value, Malformed> {
    let packed = row.big_endian(5)?;
    let micros = read_fraction(row, decimals)?;
    let packed = packed.checked_sub(0x80_0000_0000).ok_or(Malformed("a DATETIME is before all time"))?;
    let (months, day) = (packed >> 22, packed >> 17 & 31);
    let time = [packed >> 12 & 31, packed >> 6 & 63, packed & 63];
    Ok(Value::Local(date_time([months / 13, months % 13, day], time, micros, decimals).into()))
}

/// A length of time below zero is written as what is missing to it, fraction and all.
pub(super) fn read_time(row: &mut Cursor<'_>, decimals: usize) -> Result<Value, Malformed> {
    let fraction_bytes = decimals.div_ceil(2);
    let zero = 0x80_0000_u64 << (8 * fraction_bytes);
    let packed = row.big_endian(3 + fraction_bytes)?;
    let size = packed.abs_diff(zero);
    let (whole, fraction) = (size >> (8 * fraction_bytes), size & ((1 << (8 * fraction_bytes)) - 1));
    let time = [whole >> 12 & 0x3ff, whole >> 6 & 63, whole & 63];
    Ok(Value::Local(span(packed < zero, time, fraction * scale(fraction_bytes), decimals).into()))
}

pub(super) fn read_timestamp(row: &mut Cursor<'_>, decimals: usize) -> Result<Value, Malformed> {
    let seconds = row.big_endian(4)?;
    let micros = read_fraction(row, decimals)?;
    moment(seconds, micros, decimals)
}

pub(super) fn read_old_timestamp(row: &mut Cursor<'_>) -> Result<Value, Malformed> {
    moment(row.number(4)?, 0, 0)
}

pub(super) fn read_old_time(row: &mut Cursor<'_>) -> Result<Value, Malformed> {
    let packed = row.number(3)?;
    let is_negative = packed >= 0x80_0000;
    let size = if is_negative { 0x100_0000 - packed } else { packed };
    Ok(Value::Local(span(is_negative, [size / 10_000, size / 100 % 100, size % 100], 0, 0).into()))
}

pub(super) fn read_old_date_time(row: &mut Cursor<'_>) -> Result<Value, Malformed> {
    let packed = row.number(8)?;
    let (day, time) = (packed / 1_000_000, packed % 1_000_000);
    let ymd = [day / 10_000, day / 100 % 100, day % 100];
    Ok(Value::Local(date_time(ymd, [time / 10_000, time / 100 % 100, time % 100], 0, 0).into()))
}

/// The moment zero is how `0000-00-00 00:00:00` is written, which is none.
fn moment(seconds: u64, micros: u64, decimals: usize) -> Result<Value, Malformed> {
    if seconds == 0 && micros == 0 {
        return Ok(Value::Local(date_time([0; 3], [0; 3], 0, decimals).into()));
    }
    let micros = i64::try_from(seconds * 1_000_000 + micros).ok();
    let moment =
        micros.and_then(Timestamp::from_micros).ok_or(Malformed("a TIMESTAMP is beyond all time"))?;
    Ok(Value::Instant(moment))
}

/// Microseconds.
fn read_fraction(row: &mut Cursor<'_>, decimals: usize) -> Result<u64, Malformed> {
    let bytes = decimals.div_ceil(2);
    Ok(row.big_endian(bytes)? * scale(bytes))
}

/// Microseconds in one of what so many bytes count.
fn scale(fraction_bytes: usize) -> u64 {
    [1, 10_000, 100, 1].get(fraction_bytes).copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_signs_keep_their_fractions() {
        let read = |bytes: &[u8], decimals| read_time(&mut Cursor(bytes), decimals).unwrap();
        assert_eq!(read(&[0x80, 0x10, 0x83], 0), Value::Local("01:02:03".into()));
        assert_eq!(read(&[0x7f, 0xff, 0xff, 0xce], 2), Value::Local("-00:00:00.50".into()));
        assert_eq!(read(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff], 6), Value::Local("-00:00:00.000001".into()));
    }

    #[test]
    fn dates_are_written_as_the_database_writes_them() {
        let packed: u32 = 2025 << 9 | 1 << 5 | 15;
        let bytes = packed.to_le_bytes();
        assert_eq!(read_date(&mut Cursor(&bytes[..3])), Ok(Value::Local("2025-01-15".into())));
        assert_eq!(read_date(&mut Cursor(&[0; 3])), Ok(Value::Local("0000-00-00".into())));
        assert_eq!(
            read_timestamp(&mut Cursor(&[0; 6]), 3),
            Ok(Value::Local("0000-00-00 00:00:00.000".into()))
        );
    }
}
