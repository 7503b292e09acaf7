//! What is done to files behind the broker's back, and what it must say to it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use hexalpes_files::Files;

use crate::chance::Chance;

const SECTOR: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// One bit turns.
    Bit,
    /// A sector reads as zeros.
    LostSector,
    /// A sector has what another one of the same file has.
    StraySector,
}

/// Every file of a data folder, with its bytes, but for the locks.
pub(crate) type Content = BTreeMap<PathBuf, Vec<u8>>;

/// A file that was harmed.
#[derive(Debug)]
pub(crate) struct Harmed {
    pub path: PathBuf,
    pub what: Harm,
    /// From which byte on it is not what it was, and up to which.
    pub from: u64,
    pub until: u64,
    before: Vec<u8>,
}

pub(crate) fn content(files: &dyn Files, data: &Path) -> Result<Content> {
    let mut content = Content::new();
    for folder in ["", "log", "log/journal", "log/segments"].map(|folder| data.join(folder)) {
        for name in files.list(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = folder.join(&name);
            if name != "lock" && !["log", "journal", "segments"].contains(&name.as_str()) {
                let bytes = files.read(&path)?;
                content.insert(path, bytes);
            }
        }
    }
    Ok(content)
}

impl Harmed {
    /// Harms a file of the folder; none if there is nothing that could be harmed in this way.
    pub(crate) fn one_of(
        files: &dyn Files,
        data: &Path,
        what: Harm,
        chance: &mut Chance,
    ) -> Result<Option<Self>> {
        let all = content(files, data)?;
        let room = *chance.of(&[
            "journal",
            "journal",
            "journal",
            "segments",
            "segments",
            "catalogue",
            "metadata.redb",
        ]);
        let inside: Vec<_> = all.iter().filter(|(path, _)| path.to_string_lossy().contains(room)).collect();
        if inside.is_empty() {
            return Ok(None);
        }
        let (path, bytes) = chance.of(&inside);
        let Some(after) = harmed(bytes, what, chance) else { return Ok(None) };
        let differs = |at: &usize| bytes[*at] != after[*at];
        let from = (0..bytes.len()).find(differs).context("something was harmed")?;
        let until = 1 + (0..bytes.len()).rfind(differs).context("something was harmed")?;
        let (from, until) = (from as u64, until as u64);
        write(files, path, &after)?;
        Ok(Some(Self { path: (*path).clone(), what, from, until, before: (*bytes).clone() }))
    }

    pub(crate) fn undo(&self, files: &dyn Files) -> Result<()> {
        write(files, &self.path, &self.before)
    }

    pub(crate) fn is_in_the_journal(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "journal")
    }

    /// Whether the broker, which does not start, says what is the matter: the file, and in the log the byte.
    pub(crate) fn is_named_by(&self, refusal: &str) -> Result<(), String> {
        let Self { path, what, from, until, .. } = self;
        let told = |problem: &str| {
            Err(format!("{what:?} of bytes {from} to {until} of {}: {problem}: {refusal}", path.display()))
        };
        if refusal.contains("panicked") {
            return told("it panics");
        }
        let Some((_, rest)) = refusal.split_once(&path.display().to_string()) else {
            return told("the refusal does not name the file");
        };
        if rest.starts_with(" was written by a newer version") {
            return Ok(());
        }
        if path.extension().is_some_and(|extension| extension == "redb") {
            return if rest.contains("is damaged") { Ok(()) } else { told("the refusal is no damage") };
        }
        let byte =
            rest.split_once("at byte ").and_then(|(_, rest)| rest.split(':').next()?.parse::<u64>().ok());
        match byte {
            None => told("the refusal names no byte"),
            Some(byte) if byte >= *until => told("the refusal names a byte behind the harm"),
            Some(_) => Ok(()),
        }
    }
}

pub(crate) fn write(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    let file = files.open(path)?;
    file.set_size(bytes.len() as u64)?;
    file.write_all_at(bytes, 0)?;
    Ok(file.sync_data()?)
}

fn harmed(bytes: &[u8], what: Harm, chance: &mut Chance) -> Option<Vec<u8>> {
    const TRIES: usize = 100;
    let mut after = bytes.to_vec();
    if bytes.is_empty() {
        return None;
    }
    for _ in 0..TRIES {
        match what {
            Harm::Bit => {
                let at = chance.index(bytes.len());
                // Most of a file may be empty, and the rest is what counts.
                if bytes[at] != 0 || chance.once_in(50) {
                    after[at] ^= 1 << chance.below(8);
                }
            }
            Harm::LostSector => sector(&mut after, chance.index(bytes.len())).fill(0),
            Harm::StraySector => {
                let from = sector(&mut after, chance.index(bytes.len())).to_vec();
                let to = sector(&mut after, chance.index(bytes.len()));
                let length = to.len().min(from.len());
                to[..length].copy_from_slice(&from[..length]);
            }
        }
        if after != bytes {
            return Some(after);
        }
    }
    None
}

/// The sector of a file that a byte lies in; the last may be shorter.
fn sector(bytes: &mut [u8], at: usize) -> &mut [u8] {
    let begin = at - at % SECTOR;
    let end = bytes.len().min(begin + SECTOR);
    &mut bytes[begin..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmed(path: &str) -> Harmed {
        Harmed { path: path.into(), what: Harm::Bit, from: 600, until: 601, before: Vec::new() }
    }

    #[test]
    fn a_refusal_must_name_the_file_and_a_byte_that_is_not_behind_the_harm() {
        let journal = harmed("/data/log/journal/1.journal");
        let named = "/data/log/journal/1.journal is damaged at byte 552: a record's checksum does not match";
        assert_eq!(journal.is_named_by(named), Ok(()));
        for wrong in [
            "/data/log/journal/1.journal is damaged at byte 1024: no group begins there",
            "/data/log/journal/2.journal is damaged at byte 552: no group begins there",
            "/data/log/journal/1.journal is damaged",
            "thread 'main' panicked at /data/log/journal/1.journal is damaged at byte 552: here",
        ] {
            journal.is_named_by(wrong).expect_err(wrong);
        }
        let metadata = harmed("/data/metadata.redb");
        metadata.is_named_by("metadata: I/O error").unwrap_err();
        assert_eq!(metadata.is_named_by("/data/metadata.redb is damaged: its pages do not fit"), Ok(()));
    }
}
