//! Reads groups back, and looks for what later ones say about earlier ones.

use std::ops::Range;

use crate::{
    error::FileError,
    journal::{
        file::{FileHead, HEAD_BYTES, Slot},
        group::{ALIGN, GROUP_HEAD_BYTES, GroupHead},
        record::Record,
    },
};

/// A group as it was found: whole, or its records up to the first bad one.
#[derive(Debug)]
pub(crate) struct ReadGroup {
    bytes: Vec<u8>,
    records: Vec<Range<usize>>,
    /// The offset behind it, if it has a head.
    pub(crate) end: u64,
    pub(crate) bad: Option<Bad>,
}

/// Where a file stops making sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) byte: u64,
    pub(crate) what: String,
}

impl ReadGroup {
    /// The records, each with its bytes.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Record<'_>, &[u8])> {
        self.records.iter().map(|range| {
            let bytes = &self.bytes[range.clone()];
            (Record::decode(bytes).expect("it was decoded before"), bytes)
        })
    }

    /// Reads the group at an offset of a file.
    pub(crate) fn at(slot: &Slot, file: FileHead, offset: u64) -> Result<Self, FileError> {
        let byte = file.byte_of(offset);
        let nothing = |what: &str| Self {
            bytes: Vec::new(),
            records: Vec::new(),
            end: offset,
            bad: Some(Bad { byte, what: what.to_owned() }),
        };
        let head_bytes = read_up_to(slot, byte, GROUP_HEAD_BYTES)?;
        let Some(head) = GroupHead::decode(&head_bytes) else {
            return Ok(nothing("no group begins there"));
        };
        if head.file != file.number || head.offset != offset {
            return Ok(nothing("a group of another time begins there"));
        }
        let bytes = read_up_to(slot, byte + GROUP_HEAD_BYTES as u64, head.length as usize)?;
        let mut group = Self { bytes, records: Vec::new(), end: head.end(), bad: None };
        group.split(head, byte + GROUP_HEAD_BYTES as u64);
        Ok(group)
    }

    fn split(&mut self, head: GroupHead, first_byte: u64) {
        let mut at = 0;
        for _ in 0..head.records {
            let what = match Record::decode(&self.bytes[at..]) {
                Ok(record) if record.head.file == head.file => {
                    let end = at + record.bytes();
                    self.records.push(at..end);
                    at = end;
                    continue;
                }
                Ok(_) => "a record of another time begins there".to_owned(),
                Err(error) => error.to_string(),
            };
            self.bad = Some(Bad { byte: first_byte + at as u64, what });
            return;
        }
        if at != head.length as usize {
            self.bad = Some(Bad {
                byte: first_byte + at as u64,
                what: "more follows than its head says".to_owned(),
            });
        }
    }
}

fn read_up_to(slot: &Slot, byte: u64, bytes: usize) -> Result<Vec<u8>, FileError> {
    // What a damaged length asks for may be more than the file has.
    let size = slot.file.size().map_err(FileError::when("read", &slot.path))?;
    let left = usize::try_from(size.saturating_sub(byte)).unwrap_or(usize::MAX);
    let bytes = bytes.min(left);
    let mut buffer = vec![0; bytes];
    let mut done = 0;
    while done < bytes {
        let read = slot.file.read_at(&mut buffer[done..], byte + done as u64);
        match read.map_err(FileError::when("read", &slot.path))? {
            0 => break,
            read => done += read,
        }
    }
    buffer.truncate(done);
    Ok(buffer)
}

/// What the heads of groups behind some place say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Later {
    /// The highest offset that one says was synced.
    pub(crate) synced: u64,
    /// The highest offset behind one.
    pub(crate) end: u64,
}

/// Looks through a file from `byte` on, sector by sector, for heads of groups that lie at `offset` or
/// behind. If the file's own head is known, a group's must agree with it in number and place, so that an entry
/// that holds a copy of a journal is not taken for one.
pub(crate) fn look_behind(
    slot: &Slot,
    file: Option<FileHead>,
    byte: u64,
    offset: u64,
) -> Result<Later, FileError> {
    const PIECE: usize = 1 << 20;
    let mut later = Later::default();
    let mut at = byte.max(HEAD_BYTES).next_multiple_of(ALIGN);
    loop {
        let piece = read_up_to(slot, at, PIECE)?;
        let sectors = piece.chunks(usize::try_from(ALIGN).expect("a sector"));
        for (sector, byte) in sectors.zip((at..).step_by(usize::try_from(ALIGN).expect("a sector"))) {
            let Some(head) = GroupHead::decode(sector) else { continue };
            let belongs = |file: FileHead| head.file == file.number && head.offset == file.offset_of(byte);
            if head.offset >= offset && file.is_none_or(belongs) {
                later.synced = later.synced.max(head.synced);
                later.end = later.end.max(head.end());
            }
        }
        if piece.len() < PIECE {
            return Ok(later);
        }
        at += piece.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hexalpes_files::ForgetfulFiles;

    use super::*;

    const FILE: FileHead = FileHead { number: 3, start: 8192 };

    fn slot_with(heads: &[(u64, GroupHead)]) -> Slot {
        let slot = Slot::create(&ForgetfulFiles::new(), PathBuf::from("/0.journal"), 8192).unwrap();
        for (offset, head) in heads {
            slot.file.write_all_at(&head.encode(), FILE.byte_of(*offset)).unwrap();
        }
        slot
    }

    fn head(offset: u64, synced: u64) -> GroupHead {
        GroupHead { file: FILE.number, records: 0, offset, synced, length: 0 }
    }

    #[test]
    fn later_heads_say_what_was_synced() {
        let slot = slot_with(&[(8192, head(8192, 8192)), (9216, head(9216, 8704)), (9728, head(9728, 9216))]);
        let later = look_behind(&slot, Some(FILE), FILE.byte_of(8704), 8704).unwrap();
        assert_eq!(later, Later { synced: 9216, end: 9728 + 512 });
    }

    #[test]
    fn heads_of_another_place_or_time_say_nothing() {
        let other_file = GroupHead { file: 2, ..head(9216, 9216) };
        let slot = slot_with(&[(9216, other_file), (9728, head(10240, 9728))]);
        let later = look_behind(&slot, Some(FILE), FILE.byte_of(8192), 8192).unwrap();
        assert_eq!(later, Later::default());
    }

    #[test]
    fn a_group_of_no_records_is_whole() {
        let slot = slot_with(&[(8192, head(8192, 8192))]);
        let group = ReadGroup::at(&slot, FILE, 8192).unwrap();
        assert_eq!((group.bad, group.end), (None, 8192 + 512));
        let nothing = ReadGroup::at(&slot, FILE, 8704).unwrap();
        assert_eq!(nothing.bad.unwrap().byte, 512 + 512);
        assert_eq!(nothing.end, 8704);
    }
}
