//! A group: the records that were written and synced together.

use crate::format::Fields;

/// What every group begins with:
///
/// | bytes | field | |
/// | --- | --- | --- |
/// | 4 | `magic` | `HXGR` |
/// | 4 | `checksum` | CRC32C of the rest of this head |
/// | 4 | `file` | number of the journal file it was written to |
/// | 4 | `records` | how many follow |
/// | 8 | `offset` | of this group in the journal |
/// | 8 | `synced` | up to which offset the journal was synced before this group was written |
/// | 4 | `length` | of all records together |
/// | 4 | | zero |
///
/// Then the records, then zeros up to the next multiple of [`ALIGN`] in the file. So the next group can be
/// found behind a damaged one, and no synced sector is ever written again.
///
/// `synced` is what tells damage from a torn tail: a power cut can take any part of what was not synced,
/// but nothing that a later group's head already calls synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHead {
    pub(crate) file: u32,
    pub(crate) records: u32,
    pub(crate) offset: u64,
    pub(crate) synced: u64,
    pub(crate) length: u32,
}

/// Groups begin at multiples of this many bytes: a sector, the least that a disk writes at once.
pub(crate) const ALIGN: u64 = 512;

/// No journal gets so far in a thousand years: a greater offset was never written.
pub(crate) const OFFSET_MAX: u64 = u64::MAX / 2;

pub(crate) const GROUP_HEAD_BYTES: usize = 40;

const MAGIC: [u8; 4] = *b"HXGR";

impl GroupHead {
    pub(crate) fn encode(&self) -> [u8; GROUP_HEAD_BYTES] {
        let mut head = [0; GROUP_HEAD_BYTES];
        head[..4].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&self.file.to_le_bytes());
        head[12..16].copy_from_slice(&self.records.to_le_bytes());
        head[16..24].copy_from_slice(&self.offset.to_le_bytes());
        head[24..32].copy_from_slice(&self.synced.to_le_bytes());
        head[32..36].copy_from_slice(&self.length.to_le_bytes());
        let checksum = crc32c::crc32c(&head[8..]);
        head[4..8].copy_from_slice(&checksum.to_le_bytes());
        head
    }

    /// The head that begins here, if one does.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..GROUP_HEAD_BYTES)?;
        let mut fields = Fields(bytes);
        if fields.take() != Some(MAGIC) || fields.u32()? != crc32c::crc32c(&bytes[8..]) {
            return None;
        }
        let (file, records, offset, synced, length) =
            (fields.u32()?, fields.u32()?, fields.u64()?, fields.u64()?, fields.u32()?);
        // Or its end would lie behind the greatest number.
        (offset <= OFFSET_MAX).then_some(Self { file, records, offset, synced, length })
    }

    /// The offset where the next group begins.
    pub(crate) fn end(&self) -> u64 {
        self.offset + group_bytes(u64::from(self.length))
    }
}

/// How much a group takes whose records are so long together.
pub(crate) fn group_bytes(records_bytes: u64) -> u64 {
    (GROUP_HEAD_BYTES as u64 + records_bytes).next_multiple_of(ALIGN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: GroupHead = GroupHead { file: 2, records: 3, offset: 1024, synced: 512, length: 600 };

    #[test]
    fn a_head_comes_back() {
        assert_eq!(GroupHead::decode(&HEAD.encode()), Some(HEAD));
        assert_eq!(HEAD.end(), 1024 + 1024);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let head = HEAD.encode();
        for bit in 0..head.len() * 8 {
            let mut flipped = head;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(GroupHead::decode(&flipped), None, "bit {bit}");
        }
    }
}
