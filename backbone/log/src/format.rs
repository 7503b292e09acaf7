//! What all files of a log have in common: how they begin, and how numbers lie in them.
//!
//! | bytes | field | |
//! | --- | --- | --- |
//! | 8 | `magic` | which kind of file this is |
//! | 4 | `format` | version of the format, of the whole folder |
//! | 4 | `checksum` | CRC32C of the rest of the header |
//! | … | | what the kind of file adds |
//!
//! All numbers are little-endian and unsigned.

use std::path::Path;

use crate::error::{Damage, TooNew};

/// The version of the format that this binary writes; it reads those from 1 on.
pub(crate) const FORMAT: u32 = 1;

pub(crate) const PREAMBLE_BYTES: usize = 16;

/// Why a file's header was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error(transparent)]
    TooNew(#[from] TooNew),
    #[error(transparent)]
    Damage(#[from] Damage),
}

/// Puts the preamble before what a kind of file adds.
pub(crate) fn encode_header(magic: [u8; 8], rest: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(PREAMBLE_BYTES + rest.len());
    header.extend_from_slice(&magic);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c(rest).to_le_bytes());
    header.extend_from_slice(rest);
    header
}

/// Checks the preamble and gives back what the kind of file adds.
pub(crate) fn decode_header<'a>(
    path: &Path,
    magic: [u8; 8],
    header: &'a [u8],
) -> Result<&'a [u8], HeaderError> {
    let damage = |what: &str| HeaderError::Damage(Damage::new(path, 0, what));
    let mut fields = Fields(header);
    if fields.take() != Some(magic) {
        return Err(damage("it does not begin as a file of its kind"));
    }
    let (Some(format), Some(checksum)) = (fields.u32(), fields.u32()) else {
        return Err(damage("it ends within its header"));
    };
    if format > FORMAT {
        return Err(TooNew { path: path.to_owned(), format, known: FORMAT }.into());
    }
    if format == 0 || checksum != crc32c::crc32c(fields.0) {
        return Err(damage("its header's checksum does not match"));
    }
    Ok(fields.0)
}

/// Takes numbers from the front of bytes, as long as there are any.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: [u8; 8] = *b"hxtests\n";

    #[test]
    fn a_header_comes_back() {
        let header = encode_header(MAGIC, b"rest");
        assert_eq!(decode_header(Path::new("x"), MAGIC, &header).unwrap(), b"rest");
    }

    #[test]
    fn a_newer_format_is_refused_in_one_line() {
        let mut header = encode_header(MAGIC, b"rest");
        header[8] = 3;
        let refused = decode_header(Path::new("data/log/catalogue"), MAGIC, &header).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "data/log/catalogue was written by a newer version (format 3, this binary knows 1): run that version, \
             or a newer one"
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let header = encode_header(MAGIC, b"rest");
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_header(Path::new("x"), MAGIC, &flipped).is_err(), "bit {bit}");
        }
    }
}
