//! Files in memory that know what was synced, and forget the rest on command.
//!
//! For tests of whatever must survive a power cut. The rules are the strict ones of POSIX rather than
//! the kind ones of one file system: bytes last by [`File::sync_data`], names by [`Files::sync_dir`], and
//! after a failed sync the bytes that it should have kept are never kept.

mod content;
mod disk;
mod faults;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{DirLock, File, Files, LockError};
use disk::Disk;

/// A disk in memory. Clones are the same disk.
///
/// A power cut ([`ForgetfulFiles::forget`]) also ends whoever ran: files and locks from before it answer
/// nothing but errors, so that a thread left over from before cannot write into the world after.
#[derive(Debug, Clone, Default)]
pub struct ForgetfulFiles {
    disk: Arc<Mutex<Disk>>,
}

impl ForgetfulFiles {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: everything not synced is gone.
    pub fn forget(&self) {
        self.disk.lock().forget(None);
    }

    /// Cuts the power, keeping by chance some of what was not synced: of each write any of its sectors of
    /// 512 bytes, of the changes of a folder's names the first few. The same seed keeps the same.
    pub fn forget_torn(&self, seed: u64) {
        self.disk.lock().forget(Some(seed));
    }
}

impl Files for ForgetfulFiles {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.lock().create_dir_all(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = self.disk.lock().create(path)?;
        Ok(self.handle(inode, Access::Write))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk.lock();
        disk.faults.check_writable()?;
        let inode = disk.open(path)?;
        drop(disk);
        Ok(self.handle(inode, Access::Write))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = self.disk.lock().open(path)?;
        Ok(self.handle(inode, Access::Read))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.disk.lock().exists(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.lock().list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.lock().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.lock().remove(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.lock().remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.lock().sync_dir(dir)
    }

    fn lock_dir(&self, dir: &Path) -> Result<DirLock, LockError> {
        let boot = self.disk.lock().claim(dir)?;
        Ok(DirLock::new(dir, Claim { disk: Arc::clone(&self.disk), dir: dir.to_owned(), boot }))
    }
}

impl ForgetfulFiles {
    fn handle(&self, inode: u64, access: Access) -> Arc<dyn File> {
        let boot = self.disk.lock().boot();
        Arc::new(Handle { disk: Arc::clone(&self.disk), inode, boot, access })
    }
}

/// A claimed folder, given back when dropped.
struct Claim {
    disk: Arc<Mutex<Disk>>,
    dir: PathBuf,
    boot: u64,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.disk.lock().give_back(&self.dir, self.boot);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// An open file of a [`ForgetfulFiles`], good until the next power cut.
#[derive(Debug)]
struct Handle {
    disk: Arc<Mutex<Disk>>,
    inode: u64,
    boot: u64,
    access: Access,
}

impl Handle {
    fn with<T>(&self, act: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.disk.lock();
        if disk.boot() != self.boot {
            return Err(io::Error::other("this file was opened before the power cut"));
        }
        act(&mut disk)
    }

    fn change<T>(&self, act: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.with(act)
    }
}

impl File for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|disk| Ok(disk.content(self.inode).read_at(buffer, offset)))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(|disk| disk.write_at(self.inode, bytes, offset))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|disk| disk.sync_data(self.inode))
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.change(|disk| disk.set_size(self.inode, size))
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|disk| Ok(disk.content(self.inode).size()))
    }

    fn allocate(&self, size: u64) -> io::Result<()> {
        self.change(|disk| {
            let now = disk.content(self.inode).size();
            if size > now { disk.set_size(self.inode, size) } else { Ok(()) }
        })
    }
}
