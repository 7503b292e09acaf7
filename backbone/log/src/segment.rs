//! Segments: the entries of one topic, written behind the journal. A segment is Pulsar's ledger.

pub(crate) mod index;
pub(crate) mod reader;
pub(crate) mod writer;

use std::path::{Path, PathBuf};

use hexalpes_files::File;

use crate::{
    error::{Damage, FileError},
    format::{self, Fields, HeaderError},
    position::TopicId,
};

const MAGIC: [u8; 8] = *b"hxsegmnt";

/// What a segment file begins with:
///
/// | bytes | field | |
/// | --- | --- | --- |
/// | 16 | | as every file: [`crate::format`], magic `hxsegmnt` |
/// | 8 | `topic` | whose entries these are |
/// | 8 | `ledger` | the segment's number |
/// | 8 | `base` | the index in the topic of the first entry |
/// | 24 | | zero |
///
/// Then come [records](crate::journal::record::Record), byte for byte as they were in the journal. How far
/// they count says the catalogue: what lies behind that was not synced, and the journal still has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) topic: TopicId,
    pub(crate) ledger: u64,
    pub(crate) base: u64,
}

const HEAD: usize = 64;

/// Where the first record lies.
pub(crate) const HEAD_BYTES: u64 = HEAD as u64;

impl SegmentHead {
    fn encode(&self) -> Vec<u8> {
        let mut rest = [0; HEAD - format::PREAMBLE_BYTES];
        rest[..8].copy_from_slice(&self.topic.0.to_le_bytes());
        rest[8..16].copy_from_slice(&self.ledger.to_le_bytes());
        rest[16..24].copy_from_slice(&self.base.to_le_bytes());
        format::encode_header(MAGIC, &rest)
    }

    /// Checks that a file begins as this segment does.
    pub(crate) fn check(&self, path: &Path, file: &dyn File) -> Result<(), SegmentError> {
        let mut header = [0; HEAD];
        let read = file.read_at(&mut header, 0).map_err(FileError::when("read", path))?;
        let mut fields = Fields(format::decode_header(path, MAGIC, &header[..read])?);
        let found = (fields.u64(), fields.u64(), fields.u64());
        if found != (Some(self.topic.0), Some(self.ledger), Some(self.base)) {
            return Err(Damage::new(path, 0, "it is not the segment that its name says").into());
        }
        Ok(())
    }
}

/// Why a segment could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error(transparent)]
    TooNew(#[from] crate::error::TooNew),
}

impl From<HeaderError> for SegmentError {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Damage(damage) => Self::Damage(damage),
            HeaderError::TooNew(too_new) => Self::TooNew(too_new),
        }
    }
}

pub(crate) fn path_of(dir: &Path, topic: TopicId, ledger: u64) -> PathBuf {
    dir.join(format!("{topic}-{ledger}.segment"))
}
