//! Files on the disk.

use std::{
    fs, io,
    io::{Read, Seek, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use rustix::{fs::FallocateFlags, io::Errno};

use crate::{DirLock, File, Files, LockError, folder_of, lock::LOCK_FILE, unbuffered::Unbuffered};

/// The operating system's files, by their paths.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFiles;

/// A new file, to read and write.
fn create(path: &Path) -> io::Result<fs::File> {
    fs::File::options().read(true).write(true).create_new(true).open(path)
}

/// A file that there is, to read and write.
fn open(path: &Path) -> io::Result<fs::File> {
    fs::File::options().read(true).write(true).open(path)
}

impl Files for RealFiles {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        if dir.as_os_str().is_empty() || fs::metadata(dir).is_ok_and(|found| found.is_dir()) {
            return Ok(());
        }
        let above = folder_of(dir);
        self.create_dir_all(above)?;
        match fs::create_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
            other => other,
        }?;
        self.sync_dir(above)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(open(path)?))
    }

    fn create_unbuffered(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Unbuffered::new(create(path)?, path)))
    }

    fn open_unbuffered(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Unbuffered::new(open(path)?, path)))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(fs::File::open(path)?))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = fs::read_dir(dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if folder_of(from) != folder_of(to) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn lock_dir(&self, dir: &Path) -> Result<DirLock, LockError> {
        let io_error = LockError::io(dir);
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(LOCK_FILE))
            .map_err(&io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Whoever holds it may not have written its name yet; the refusal stands without it.
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    named => named.to_owned(),
                };
                return Err(LockError::Held { dir: dir.to_owned(), holder });
            }
            Err(fs::TryLockError::Error(error)) => return Err(io_error(error)),
        }
        file.set_len(0).map_err(&io_error)?;
        file.rewind().map_err(&io_error)?;
        file.write_all(own_name().as_bytes()).map_err(&io_error)?;
        Ok(DirLock::new(dir, file))
    }
}

/// What the lock file says about us, for whoever finds the folder taken.
fn own_name() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("process {} ({program})", std::process::id())
}

impl File for fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match FileExt::read_at(self, buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn allocate(&self, size: u64) -> io::Result<()> {
        if size == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(self, FallocateFlags::empty(), 0, size) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) if self.metadata()?.len() < size => self.set_len(size),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            other => Ok(other?),
        }
    }
}
