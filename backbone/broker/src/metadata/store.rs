//! The redb file on the broker's file layer, and how it goes on after the disk refused a write.
//!
//! redb takes nothing more after one failed write, until it is opened anew; that is done here. After a failed
//! sync it is not: nobody knows what of the file is on the disk.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hexalpes_files::{File, Files};
use parking_lot::RwLock;
use redb::{Database, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction};

use super::{MetadataError, Result};

const CACHE_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Store {
    files: Arc<dyn Files>,
    path: PathBuf,
    /// None once a write failed.
    database: RwLock<Option<Database>>,
    sync_failed: Arc<AtomicBool>,
}

impl Store {
    /// Opens the file or makes it. One that was being made when the power went is made again.
    pub(super) fn open(files: &Arc<dyn Files>, path: &Path) -> Result<Self> {
        let sync_failed = Arc::default();
        if !files.exists(path)? {
            let new = path.with_extension("new");
            if files.exists(&new)? {
                files.remove(&new)?;
            }
            drop(database(files.create(&new)?, &sync_failed)?);
            files.rename(&new, path)?;
            files.sync_dir(path.parent().unwrap_or(Path::new(".")))?;
        }
        let database = database(files.open(path)?, &sync_failed)?;
        Ok(Self {
            files: Arc::clone(files),
            path: path.to_owned(),
            database: RwLock::new(Some(database)),
            sync_failed,
        })
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&ReadTransaction) -> Result<T>) -> Result<T> {
        self.with(|database| look(&database.begin_read()?))
    }

    /// One transaction, synced before and after it counts.
    pub(super) fn write<T>(&self, change: impl FnOnce(&WriteTransaction) -> Result<T>) -> Result<T> {
        self.with(|database| {
            let mut write = database.begin_write()?;
            // With one phase, redb takes damage in the newest commit for a torn write, and goes back to the one before.
            write.set_two_phase_commit(true);
            let done = change(&write)?;
            write.commit()?;
            Ok(done)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        if self.database.read().is_none() {
            self.open_again()?;
        }
        let worked = match &*self.database.read() {
            Some(database) => work(database),
            None => Err(MetadataError::Closed),
        };
        if matches!(&worked, Err(MetadataError::Store(error)) if is_of_the_disk(error)) {
            drop(self.database.write().take());
        }
        worked
    }

    fn open_again(&self) -> Result<()> {
        let mut open = self.database.write();
        if open.is_none() {
            if self.sync_failed.load(Ordering::Relaxed) {
                return Err(MetadataError::Unsynced);
            }
            *open = Some(database(self.files.open(&self.path)?, &self.sync_failed)?);
        }
        Ok(())
    }
}

fn is_of_the_disk(error: &redb::Error) -> bool {
    matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo)
}

fn database(file: Arc<dyn File>, sync_failed: &Arc<AtomicBool>) -> Result<Database> {
    let backend = Backend { file, sync_failed: Arc::clone(sync_failed) };
    Ok(Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend)?)
}

/// What redb writes to. The folder's lock is the broker's.
#[derive(Debug)]
struct Backend {
    file: Arc<dyn File>,
    sync_failed: Arc<AtomicBool>,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_size(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let synced = self.file.sync_data();
        if synced.is_err() {
            self.sync_failed.store(true, Ordering::Relaxed);
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_files::ForgetfulFiles;
    use redb::TableDefinition;

    use super::*;

    const TABLE: TableDefinition<'_, u64, u64> = TableDefinition::new("table");

    fn put(store: &Store, key: u64) -> Result<()> {
        store.write(|write| {
            write.open_table(TABLE)?.insert(key, key)?;
            Ok(())
        })
    }

    fn keys(store: &Store) -> Vec<u64> {
        let all = |read: &ReadTransaction| {
            let table = read.open_table(TABLE)?;
            redb::ReadableTable::iter(&table)?.map(|row| Ok(row?.0.value())).collect()
        };
        store.read(all).unwrap()
    }

    fn open(disk: &ForgetfulFiles) -> Store {
        let files: Arc<dyn Files> = Arc::new(disk.clone());
        files.create_dir_all(Path::new("/data")).unwrap();
        Store::open(&files, Path::new("/data/metadata.redb")).unwrap()
    }

    #[test]
    fn after_a_write_that_failed_the_next_one_is_taken() {
        let disk = ForgetfulFiles::new();
        let store = open(&disk);
        put(&store, 1).unwrap();
        disk.fail_write(1);
        put(&store, 2).unwrap_err();
        assert_eq!(keys(&store), [1]);
        put(&store, 3).unwrap();
        drop(store);
        disk.forget();
        assert_eq!(keys(&open(&disk)), [1, 3]);
    }

    #[test]
    fn after_a_sync_that_failed_nothing_is_taken_until_the_next_start() {
        let disk = ForgetfulFiles::new();
        let store = open(&disk);
        put(&store, 1).unwrap();
        disk.fail_sync(1);
        put(&store, 2).unwrap_err();
        for _ in 0..2 {
            assert!(matches!(put(&store, 3), Err(MetadataError::Unsynced)));
        }
        drop(store);
        disk.forget();
        put(&open(&disk), 4).unwrap();
    }
}
