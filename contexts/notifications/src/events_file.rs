//! The file of lines: opens, reads in what a crash left, appends. Synchronous; it knows no database.

use std::{io, path::Path, sync::Arc};

use hexalpes_files::{File, Files};
use tracing::warn;

use crate::line::Line;

/// Read at a time; a line that is longer takes as much as it needs.
const READ_BYTES: usize = 1024 * 1024;

/// An open `events.jsonl`. Clones share it; whoever writes knows where it ends.
#[derive(Clone, Debug)]
pub(crate) struct EventsFile {
    file: Arc<dyn File>,
}

/// Whole lines that were found in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) ids: Vec<String>,
    /// Where the last of them ends.
    pub(crate) end: u64,
}

impl EventsFile {
    /// Opens the file, or creates it; its name is durable when this returns.
    pub(crate) fn open(files: &dyn Files, path: &Path) -> io::Result<Self> {
        let folder = folder_of(path);
        files.create_dir_all(folder)?;
        let file = match files.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => files.create(path)?,
            opened => opened?,
        };
        files.sync_dir(folder)?;
        Ok(Self { file })
    }

    pub(crate) fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    /// Writes the lines at `end` and syncs; says where they end. After an error, what is in the file past
    /// `end` is unknown: [`Self::read_in`] finds out.
    pub(crate) fn append(&self, end: u64, lines: &[Line]) -> io::Result<u64> {
        let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.text.len() + 1).sum());
        for line in lines {
            bytes.extend_from_slice(line.text.as_bytes());
            bytes.push(b'\n');
        }
        self.file.write_all_at(&bytes, end)?;
        self.file.sync_data()?;
        Ok(end + bytes.len() as u64)
    }

    /// Makes durable the next whole lines past `from` that are events, and gives their ids. When there is
    /// none, cuts the file there: a torn write's rest was never recorded, so its messages come again.
    pub(crate) fn read_in(&self, from: u64) -> io::Result<Found> {
        let size = self.file.size()?;
        let mut wanted = READ_BYTES;
        loop {
            let rest = usize::try_from(size.saturating_sub(from)).unwrap_or(usize::MAX);
            let mut bytes = vec![0; wanted.min(rest)];
            self.file.read_exact_at(&mut bytes, from)?;
            let is_all = from + bytes.len() as u64 == size;
            if !is_all && !bytes.contains(&b'\n') {
                wanted = wanted.saturating_mul(2);
                continue;
            }
            let (ids, used) = whole_lines(&bytes);
            if ids.is_empty() {
                if from < size {
                    warn!(from, bytes = size - from, "cut what is no whole line");
                    self.file.set_size(from)?;
                    self.file.sync_data()?;
                }
                return Ok(Found { ids, end: from });
            }
            // Written again, since after a failed sync they may only look as if they were on the disk.
            self.file.write_all_at(&bytes[..used], from)?;
            self.file.sync_data()?;
            return Ok(Found { ids, end: from + used as u64 });
        }
    }
}

/// The folder that holds a file's name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The ids of the whole lines that `bytes` begin with, and how long these are.
fn whole_lines(bytes: &[u8]) -> (Vec<String>, usize) {
    let mut ids = Vec::new();
    let mut used = 0;
    for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(Ok(line)) = raw.strip_suffix(b"\n").map(Line::parse) else { break };
        ids.push(line.id);
        used += raw.len();
    }
    (ids, used)
}

#[cfg(test)]
mod tests {
    use hexalpes_files::ForgetfulFiles;

    use super::*;
    use crate::line::tests::event;

    const PATH: &str = "/data/events.jsonl";

    fn line(id: &str) -> Line {
        Line::parse(event(id, "Ñandú & Cía").as_bytes()).unwrap()
    }

    fn open(disk: &ForgetfulFiles) -> EventsFile {
        EventsFile::open(disk, Path::new(PATH)).unwrap()
    }

    #[test]
    fn appended_lines_outlive_a_power_cut() {
        let disk = ForgetfulFiles::new();
        let end = open(&disk).append(0, &[line("a"), line("b")]).unwrap();
        disk.forget();
        let found = open(&disk).read_in(0).unwrap();
        assert_eq!(found, Found { ids: vec!["a".to_owned(), "b".to_owned()], end });
    }

    #[test]
    fn without_syncs_they_do_not() {
        let disk = ForgetfulFiles::new();
        let file = open(&disk);
        disk.ignore_syncs();
        file.append(0, &[line("a")]).unwrap();
        disk.forget();
        assert_eq!(open(&disk).read_in(0).unwrap(), Found::default());
    }

    #[test]
    fn a_torn_last_line_is_cut() {
        let disk = ForgetfulFiles::new();
        let file = open(&disk);
        let end = file.append(0, &[line("a")]).unwrap();
        for rest in [&b"{\"specversion\":"[..], b"\0\0\0\n", b"\n"] {
            file.file.write_all_at(rest, end).unwrap();
            assert_eq!(file.read_in(0).unwrap().end, end);
            assert_eq!(file.read_in(end).unwrap(), Found { ids: vec![], end });
            assert_eq!(file.size().unwrap(), end);
        }
    }

    #[test]
    fn a_line_longer_than_one_read_is_found() {
        let disk = ForgetfulFiles::new();
        let long = Line::parse(event("long", &"x".repeat(3 * READ_BYTES)).as_bytes()).unwrap();
        let end = open(&disk).append(0, &[long, line("b")]).unwrap();
        let mut found = Found::default();
        let mut ids = Vec::new();
        while found.end < end {
            found = open(&disk).read_in(found.end).unwrap();
            ids.append(&mut found.ids);
        }
        assert_eq!(ids, ["long", "b"]);
    }

    #[test]
    fn lines_of_a_failed_sync_are_durable_once_read_in() {
        let disk = ForgetfulFiles::new();
        let file = open(&disk);
        disk.fail_sync(1);
        file.append(0, &[line("a")]).unwrap_err();
        let found = open(&disk).read_in(0).unwrap();
        disk.forget();
        assert_eq!(open(&disk).read_in(0).unwrap(), found);
    }
}
