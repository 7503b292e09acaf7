//! A file whose whole blocks go to the disk past the operating system's memory (`O_DIRECT`).
//!
//! What goes through that memory is copied into pages that have to be found, cleared and written back later. Where a
//! virtual machine gets its memory from its host as it needs it, that costs five times the write itself, and the
//! write-back comes in bursts that others' syncs wait for.

use std::{
    cell::RefCell,
    fs,
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::OnceLock,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::{
    fs::OFlags,
    io::{Errno, ReadWriteFlags},
};

use crate::File;

/// What most disks can write by itself.
const SECTOR: u64 = 512;
/// What all of them can.
const BLOCK: usize = 4096;
/// A piece of so many bytes is worth being taken apart into what lies in whole blocks and what does not.
const LARGE: usize = 128 << 10;
/// What is written at once: as much memory as each thread that writes keeps for it.
const PIECE: usize = 1 << 20;
/// Up to here a write that syncs itself is faster than a write and a sync.
const DURABLE_AT_ONCE: usize = 64 << 10;

thread_local! {
    /// The disk reads from memory that begins where a block could.
    static STAGE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct Unbuffered {
    /// For everything else: both see the same bytes.
    file: fs::File,
    path: PathBuf,
    /// Opened with the first whole block; none where there is no such thing.
    direct: OnceLock<Option<fs::File>>,
    /// Of what offsets and lengths have to be multiples here, as far as is known; `u64::MAX` if nothing helps.
    unit: AtomicU64,
}

impl Unbuffered {
    pub(crate) fn new(file: fs::File, path: &Path) -> Self {
        let unit = AtomicU64::new(SECTOR);
        Self { file, path: path.to_owned(), direct: OnceLock::new(), unit }
    }

    /// Writes whole units directly. `None` if that cannot be done, and nothing was written.
    fn write_directly(&self, bytes: &[u8], offset: u64, flags: ReadWriteFlags) -> Option<io::Result<()>> {
        let unit = self.unit.load(Ordering::Relaxed);
        if !offset.is_multiple_of(unit) || !(bytes.len() as u64).is_multiple_of(unit) {
            return None;
        }
        let opened = self.direct.get_or_init(|| {
            let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC;
            rustix::fs::open(&self.path, flags, rustix::fs::Mode::empty()).ok().map(fs::File::from)
        });
        let direct = opened.as_ref()?;
        let mut done = 0;
        for piece in bytes.chunks(PIECE) {
            match staged(piece, |staged| write_at(direct, staged, offset + done, flags)) {
                Ok(written) if written == piece.len() => {}
                // What is left does not begin at a block any more.
                Ok(written) => {
                    let rest = &bytes[usize::try_from(done).ok()? + written..];
                    return Some(File::write_all_at(&self.file, rest, offset + done + written as u64));
                }
                Err(Errno::INVAL | Errno::OPNOTSUPP) if done == 0 => {
                    let larger = if unit == SECTOR { BLOCK as u64 } else { u64::MAX };
                    self.unit.store(larger, Ordering::Relaxed);
                    return self.write_directly(bytes, offset, flags);
                }
                Err(error) => return Some(Err(error.into())),
            }
            done += piece.len() as u64;
        }
        Some(Ok(()))
    }
}

impl File for Unbuffered {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        File::read_at(&self.file, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Some(written) = self.write_directly(bytes, offset, ReadWriteFlags::empty()) {
            return written;
        }
        if bytes.len() < LARGE {
            return File::write_all_at(&self.file, bytes, offset);
        }
        let begins =
            usize::try_from(offset.next_multiple_of(BLOCK as u64) - offset).map_err(io::Error::other)?;
        let (head, rest) = bytes.split_at(begins);
        let (blocks, tail) = rest.split_at(rest.len() / BLOCK * BLOCK);
        let (from, end) = (offset + begins as u64, offset + (begins + blocks.len()) as u64);
        File::write_all_at(&self.file, head, offset)?;
        match self.write_directly(blocks, from, ReadWriteFlags::empty()) {
            Some(written) => written?,
            None => File::write_all_at(&self.file, blocks, from)?,
        }
        File::write_all_at(&self.file, tail, end)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(&self.file)
    }

    fn write_durably(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if bytes.len() <= DURABLE_AT_ONCE
            && let Some(written) = self.write_directly(bytes, offset, ReadWriteFlags::DSYNC)
        {
            return written;
        }
        self.write_all_at(bytes, offset)?;
        self.sync_data()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        File::set_size(&self.file, size)
    }

    fn size(&self) -> io::Result<u64> {
        File::size(&self.file)
    }

    fn allocate(&self, size: u64) -> io::Result<()> {
        File::allocate(&self.file, size)
    }
}

/// Gives a copy that begins at a block.
fn staged<T>(bytes: &[u8], work: impl FnOnce(&[u8]) -> T) -> T {
    STAGE.with_borrow_mut(|stage| {
        let room = bytes.len() + BLOCK;
        if stage.len() < room {
            stage.resize(room, 0);
        }
        let begins = stage.as_ptr().align_offset(BLOCK);
        let aligned = &mut stage[begins..begins + bytes.len()];
        aligned.copy_from_slice(bytes);
        work(aligned)
    })
}

fn write_at(file: &fs::File, bytes: &[u8], offset: u64, flags: ReadWriteFlags) -> Result<usize, Errno> {
    loop {
        match rustix::io::pwritev2(file, &[IoSlice::new(bytes)], offset, flags) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Files, RealFiles};

    /// One file to try, and a plain one to compare with.
    fn files(folder: &Path) -> [Arc<dyn File>; 2] {
        [
            RealFiles.create_unbuffered(&folder.join("unbuffered")).unwrap(),
            RealFiles.create(&folder.join("plain")).unwrap(),
        ]
    }

    #[test]
    fn whatever_is_written_wherever_reads_as_in_any_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let both = files(folder.path());
        let mut offset = 0;
        // Sectors, blocks, large pieces that begin and end anywhere, small ones, and some of it over again.
        for (step, length) in
            (1_u8..).zip([512, 4096, 7, 300_001, 3 << 20, 1, 200_000, 511, 128 << 10, 2_500_003, 512, 4096])
        {
            let bytes: Vec<u8> =
                (0..=u8::MAX).map(|at| at.wrapping_mul(31) ^ step).cycle().take(length).collect();
            for file in &both {
                file.write_all_at(&bytes, offset).unwrap();
            }
            offset += length as u64;
            if step % 3 == 0 {
                offset = offset / 2 / 512 * 512;
            }
            let [unbuffered, plain] = both.each_ref().map(|file| {
                let mut all = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
                file.read_exact_at(&mut all, 0).unwrap();
                all
            });
            assert_eq!(unbuffered.len(), plain.len(), "after step {step}");
            assert!(unbuffered == plain, "after step {step}");
        }
    }

    #[test]
    fn what_is_written_durably_is_there_whatever_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let [file, _] = files(folder.path());
        file.allocate(4 << 20).unwrap();
        for (fill, length) in (1..).zip([512, 1024, 64 << 10, (64 << 10) + 512, 100, 2 << 20]) {
            let bytes = vec![fill; length];
            file.write_durably(&bytes, 512).unwrap();
            let mut read = vec![0; length];
            file.read_exact_at(&mut read, 512).unwrap();
            assert!(read == bytes, "{length} bytes");
        }
    }

    #[test]
    fn a_disk_that_writes_nothing_directly_is_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = Unbuffered::new(fs::File::create_new(&path).unwrap(), &path);
        file.direct.set(None).unwrap();
        file.write_all_at(&[7; 512], 0).unwrap();
        file.write_durably(&[8; 512], 512).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [[7; 512], [8; 512]].concat());
    }
}
