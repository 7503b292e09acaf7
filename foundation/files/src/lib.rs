//! The file layer under everything that must survive a crash, and its forgetful twin for tests.
//!
//! Journal, segments, the broker's metadata and `events.jsonl` take an [`Arc<dyn Files>`](Files). In the
//! product that is [`RealFiles`]; in a test it is [`ForgetfulFiles`], which knows what was synced and can
//! forget everything else, as a machine does whose power goes out.
//!
//! What the layer promises, and no more:
//! - bytes are there after a power cut once [`File::sync_data`] returned;
//! - a name (created, renamed or removed) is as it is now after a power cut once [`Files::sync_dir`] of its
//!   folder returned; syncing the file alone does not keep its name;
//! - after a failed sync, nobody knows what of the unsynced bytes is on the disk, and syncing again does
//!   not tell: the only safe answer is to stop writing.
//!
//! Not here: formats. Whoever writes a file decides what is in it.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use hexalpes_files::{Files, ForgetfulFiles};
//!
//! let disk = ForgetfulFiles::new();
//! let files: Arc<dyn Files> = Arc::new(disk.clone());
//! files.create_dir_all(Path::new("/data"))?;
//! files.replace(Path::new("/data/kept"), b"synced")?;
//! let file = files.create(Path::new("/data/lost"))?;
//! file.write_all_at(b"written, not synced", 0)?;
//!
//! disk.forget();
//!
//! assert_eq!(files.read(Path::new("/data/kept"))?, b"synced");
//! assert!(!files.exists(Path::new("/data/lost"))?);
//! # Ok::<(), std::io::Error>(())
//! ```

mod forgetful;
mod lock;
mod real;
mod unbuffered;

use std::{
    fmt::Debug,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use forgetful::ForgetfulFiles;
pub use lock::{DirLock, LockError};
pub use real::RealFiles;

/// A place to keep files in. Object safe: hold an `Arc<dyn Files>`.
pub trait Files: Debug + Send + Sync {
    /// Makes a folder and those above it that are missing. Their names are durable when it returns.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Makes an empty file to read and write; `AlreadyExists` if there is something of that name.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a file to read and write; `NotFound` if there is none.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// [`Files::create`], for a file that grows in large pieces or by whole sectors and is seldom read soon: what it is
    /// written need not stay in the operating system's memory. It can do all that others can.
    fn create_unbuffered(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.create(path)
    }

    /// [`Files::open`], for such a file.
    fn open_unbuffered(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }

    /// Opens a file only to read, which also works on a disk that cannot be written.
    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The names of the files and folders in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name in the same folder, replacing a file that has it.
    /// `Unsupported` across folders: no sync of one folder could make that durable.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable, as they are now.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Claims a folder for this process until the lock is dropped or the process ends.
    fn lock_dir(&self, dir: &Path) -> Result<DirLock, LockError>;

    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open_to_read(path)?;
        let size = usize::try_from(file.size()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut content = vec![0; size];
        file.read_exact_at(&mut content, 0)?;
        Ok(content)
    }

    /// Replaces a file's whole content at once: after a power cut there is the old or the new, whole.
    /// Durable when it returns.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let written = beside(path);
        if self.exists(&written)? {
            self.remove(&written)?;
        }
        let file = self.create(&written)?;
        file.write_all_at(content, 0)?;
        file.sync_data()?;
        self.rename(&written, path)?;
        self.sync_dir(folder_of(path))
    }
}

/// An open file. Every operation names its offset, so that threads can share one.
pub trait File: Debug + Send + Sync {
    /// Reads what is there at `offset`, perhaps less than asked; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. A gap up to there reads as zeros. On an error, a part may have
    /// been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes everything written so far durable, and the size with it (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;

    /// Writes all of `bytes` at `offset` and makes them durable, but nothing else. The size must not change.
    fn write_durably(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)?;
        self.sync_data()
    }

    /// Cuts the file, or lengthens it with zeros.
    fn set_size(&self, size: u64) -> io::Result<()>;

    /// The size in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Sees to it that the disk has room up to `size`; bytes not yet written read as zeros. On a disk that
    /// cannot promise room, it only lengthens the file.
    fn allocate(&self, size: u64) -> io::Result<()>;

    /// Fills the whole buffer from `offset`, or fails with `UnexpectedEof`.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => done += read,
            }
        }
        Ok(())
    }
}

/// What whoever runs the program can do about an error, if that is plain.
pub fn way_out(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("free some space"),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Some("make it writable, or choose another data folder")
        }
        _ => None,
    }
}

/// The folder that holds a file's name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// The name under which [`Files::replace`] writes before it renames.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
