//! Bytes, read from the front.

/// The bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

const SHORT: Malformed = Malformed("the bytes end too early");

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A little-endian number of up to eight bytes.
    pub(crate) fn number(&mut self, bytes: usize) -> Result<u64, Malformed> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The same as a length or a count.
    pub(crate) fn size(&mut self, bytes: usize) -> Result<usize, Malformed> {
        usize::try_from(self.number(bytes)?).map_err(|_| Malformed("a length is beyond all memory"))
    }

    /// A big-endian number of up to eight bytes.
    pub(crate) fn big_endian(&mut self, bytes: usize) -> Result<u64, Malformed> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number that says by its first byte how many follow.
    pub(crate) fn packed(&mut self) -> Result<usize, Malformed> {
        match self.byte()? {
            0xfc => self.size(2),
            0xfd => self.size(3),
            0xfe => self.size(8),
            0xfb | 0xff => Err(Malformed("a packed number begins with what none begins with")),
            small => Ok(usize::from(small)),
        }
    }

    /// Bytes after their packed length.
    pub(crate) fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.packed()?;
        self.take(length)
    }
}

/// Whether bit `at` is set, counted from the lowest bit of the first byte.
pub(crate) fn bit(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// Whether bit `at` is set, counted from the highest bit of the first byte.
pub(crate) fn bit_from_high(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte << (at % 8) & 0x80 != 0)
}
