//! One journal file: a place for groups that is used again and again.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_files::{File, Files};

use crate::{
    error::{Damage, FileError},
    format::{self, Fields, HeaderError},
    journal::group::{ALIGN, OFFSET_MAX},
};

const MAGIC: [u8; 8] = *b"hxjournl";

/// What a journal file begins with, alone in its first sector:
///
/// | bytes | field | |
/// | --- | --- | --- |
/// | 16 | | as every file: [`crate::format`], magic `hxjournl` |
/// | 4 | `number` | rises by one with each file that the journal runs through |
/// | 8 | `start` | the offset of the first group in this file |
///
/// It is synced before the first group is written, and by then all of the file before it is synced too: a
/// file that is there says that the one before it is whole up to `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileHead {
    pub(crate) number: u32,
    pub(crate) start: u64,
}

/// Where the first group lies.
pub(crate) const HEAD_BYTES: u64 = ALIGN;

impl FileHead {
    fn encode(&self) -> Vec<u8> {
        let mut rest = self.number.to_le_bytes().to_vec();
        rest.extend_from_slice(&self.start.to_le_bytes());
        let mut sector = format::encode_header(MAGIC, &rest);
        sector.resize(usize::try_from(HEAD_BYTES).expect("a sector"), 0);
        sector
    }

    fn decode(path: &Path, sector: &[u8]) -> Result<Self, HeaderError> {
        let header = sector.get(..format::PREAMBLE_BYTES + 12).unwrap_or(sector);
        let mut fields = Fields(format::decode_header(path, MAGIC, header)?);
        let (Some(number), Some(start)) = (fields.u32(), fields.u64()) else {
            return Err(Damage::new(path, 0, "it ends within its header").into());
        };
        if number == u32::MAX || start > OFFSET_MAX {
            return Err(Damage::new(path, 0, "no journal gets so far as its header says").into());
        }
        Ok(Self { number, start })
    }

    /// Where in the file the byte of that offset lies.
    pub(crate) fn byte_of(&self, offset: u64) -> u64 {
        HEAD_BYTES + (offset - self.start)
    }

    /// The offset that a byte of the file has.
    pub(crate) fn offset_of(&self, byte: u64) -> u64 {
        self.start + (byte - HEAD_BYTES)
    }
}

/// A journal file of some name, whatever is in it.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
}

impl Slot {
    /// Makes a file that later only has to be overwritten: written through with zeros, because on ext4
    /// syncing a write to space that is merely allocated costs half as much again (it changes the extents).
    pub(crate) fn create(files: &dyn Files, path: PathBuf, bytes: u64) -> Result<Self, FileError> {
        const PIECE: u64 = 1 << 20;
        let make = || -> io::Result<Arc<dyn File>> {
            let file = files.create_unbuffered(&path)?;
            file.allocate(bytes)?;
            let zeros = vec![0; usize::try_from(bytes.min(PIECE)).expect("at most a piece")];
            let mut written = 0;
            while written < bytes {
                let piece = (bytes - written).min(PIECE);
                file.write_all_at(&zeros[..usize::try_from(piece).expect("at most a piece")], written)?;
                written += piece;
            }
            file.sync_data()?;
            files.sync_dir(path.parent().expect("a journal file is in a folder"))?;
            Ok(file)
        };
        let file = make().map_err(|error| {
            // Half a file would be taken for a damaged one; if it cannot be removed either, that is all the
            // more what the error is about.
            let _ = files.remove(&path);
            FileError::when("make", &path)(error)
        })?;
        Ok(Self { path, file })
    }

    /// Begins the file anew. Whatever it held must be behind a checkpoint.
    pub(crate) fn begin(&self, head: FileHead) -> Result<(), FileError> {
        self.file.write_all_at(&head.encode(), 0).map_err(FileError::when("write", &self.path))?;
        self.file.sync_data().map_err(FileError::when("sync", &self.path))
    }

    pub(crate) fn head(&self) -> Result<Result<FileHead, HeaderError>, FileError> {
        let mut sector = vec![0; usize::try_from(HEAD_BYTES).expect("a sector")];
        let read = self.file.read_at(&mut sector, 0).map_err(FileError::when("read", &self.path))?;
        Ok(FileHead::decode(&self.path, &sector[..read]))
    }
}

/// The names that journal files have: `0.journal`, `1.journal`, … in no particular order.
pub(crate) fn name_of(slot: usize) -> String {
    format!("{slot}.journal")
}

pub(crate) fn is_name(name: &str) -> bool {
    name.strip_suffix(".journal").is_some_and(|slot| slot.parse::<usize>().is_ok())
}

#[cfg(test)]
mod tests {
    use hexalpes_files::ForgetfulFiles;

    use super::*;

    #[test]
    fn a_begun_file_is_there_after_a_power_cut() {
        let disk = ForgetfulFiles::new();
        let path = Path::new("/0.journal");
        let head = FileHead { number: 4, start: 4096 };
        Slot::create(&disk, path.to_owned(), 2048).unwrap().begin(head).unwrap();
        disk.forget();
        let slot = Slot { path: path.to_owned(), file: disk.open(path).unwrap() };
        assert_eq!(slot.head().unwrap().unwrap(), head);
        assert_eq!(slot.file.size().unwrap(), 2048);
    }

    #[test]
    fn a_file_of_zeros_has_no_head() {
        let disk = ForgetfulFiles::new();
        let slot = Slot::create(&disk, PathBuf::from("/0.journal"), 2048).unwrap();
        assert!(matches!(slot.head().unwrap(), Err(HeaderError::Damage(_))));
    }
}
