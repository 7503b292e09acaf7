//! `DECIMAL` as rows and binary JSON have it: nine digits in four bytes, what is left over in as few as hold it, the
//! highest first. The first bit is set unless the number is below zero, and of those all bits are turned.

use std::fmt::Write as _;

use crate::cursor::{Cursor, Malformed};

const DIGITS_A_WORD: usize = 9;
/// Bytes that hold so many digits.
const BYTES: [usize; DIGITS_A_WORD + 1] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/// A number of `digits` digits, `scale` of them behind the point, as text.
pub(super) fn read(row: &mut Cursor<'_>, digits: usize, scale: usize) -> Result<String, Malformed> {
    let whole =
        digits.checked_sub(scale).ok_or(Malformed("a decimal has more digits behind the point than all"))?;
    let (first, words) = (whole % DIGITS_A_WORD, whole / DIGITS_A_WORD);
    let (words_behind, last) = (scale / DIGITS_A_WORD, scale % DIGITS_A_WORD);
    let length = BYTES[first] + 4 * (words + words_behind) + BYTES[last];
    let mut bytes = row.take(length)?.to_vec();
    let sign = bytes.first_mut().ok_or(Malformed("a decimal has no digits"))?;
    let is_negative = *sign & 0x80 == 0;
    *sign ^= 0x80;
    if is_negative {
        for byte in &mut bytes {
            *byte = !*byte;
        }
    }

    let mut rest = Cursor(&bytes);
    let mut before = String::new();
    append(&mut before, &mut rest, first)?;
    for _ in 0..words {
        append(&mut before, &mut rest, DIGITS_A_WORD)?;
    }
    let before = before.trim_start_matches('0');
    let mut text = String::with_capacity(digits + 3);
    if is_negative {
        text.push('-');
    }
    text.push_str(if before.is_empty() { "0" } else { before });
    if scale > 0 {
        text.push('.');
        for _ in 0..words_behind {
            append(&mut text, &mut rest, DIGITS_A_WORD)?;
        }
        append(&mut text, &mut rest, last)?;
    }
    Ok(text)
}

fn append(text: &mut String, rest: &mut Cursor<'_>, digits: usize) -> Result<(), Malformed> {
    if digits > 0 {
        let number = rest.big_endian(BYTES[digits])?;
        write!(text, "{number:0digits$}").map_err(|_| Malformed("a decimal cannot be written"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `MySQL`'s description of its own format.
    #[test]
    fn decimals_are_written_with_all_their_digits() {
        let bytes = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        assert_eq!(read(&mut Cursor(&bytes), 14, 4).unwrap(), "1234567890.1234");
        let turned = bytes.map(|byte| !byte);
        assert_eq!(read(&mut Cursor(&turned), 14, 4).unwrap(), "-1234567890.1234");
        assert_eq!(read(&mut Cursor(&[0x80, 0, 5]), 5, 2).unwrap(), "0.05");
        assert_eq!(read(&mut Cursor(&[0x8c]), 2, 2).unwrap(), "0.12");
        assert!(read(&mut Cursor(&[0x80]), 5, 2).is_err());
    }
}
