//! What a test can make go wrong on a [`ForgetfulFiles`].

use std::io;

use crate::ForgetfulFiles;

#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The sync that fails, counted from now: 1 is the next.
    failing_sync: Option<u32>,
    /// The write that fails, counted from now: 1 is the next.
    failing_write: Option<u32>,
    capacity_bytes: Option<u64>,
    read_only: bool,
    /// How many operations that change something succeed before the power goes out.
    operations_left: Option<u32>,
    syncs_ignored: bool,
    data_syncs: u64,
}

impl ForgetfulFiles {
    /// The `n`th sync of a file's data from now fails (1 is the next), and loses what it should have kept.
    pub fn fail_sync(&self, n: u32) {
        self.disk.lock().faults.failing_sync = Some(n);
    }

    /// The `n`th write from now fails (1 is the next), writing nothing.
    pub fn fail_write(&self, n: u32) {
        self.disk.lock().faults.failing_write = Some(n);
    }

    /// How many bytes all files together may have; what goes beyond fails with `StorageFull`.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk.lock().faults.capacity_bytes = bytes;
    }

    /// Makes the disk one that can only be read, or writable again.
    pub fn set_read_only(&self, read_only: bool) {
        self.disk.lock().faults.read_only = read_only;
    }

    /// Lets so many operations that change something succeed, syncs among them, and then none: the machine
    /// stops in the middle. What is left of it, [`Self::forget_torn`] decides, and lets there be power again.
    pub fn cut_power_after(&self, operations: u32) {
        self.disk.lock().faults.operations_left = Some(operations);
    }

    /// Whether the last of those operations was done: nothing more reaches the disk.
    pub fn is_power_out(&self) -> bool {
        self.disk.lock().faults.operations_left == Some(0)
    }

    /// Syncs answer without doing anything. The control of every test of durability: with this on, the
    /// test must fail.
    pub fn ignore_syncs(&self) {
        self.disk.lock().faults.syncs_ignored = true;
    }

    /// Nothing goes wrong any more, and there is room again. What went wrong before stays so.
    pub fn heal(&self) {
        let mut disk = self.disk.lock();
        disk.faults.forget();
        disk.faults.capacity_bytes = None;
        disk.faults.read_only = false;
    }

    /// How many syncs of files' data there were so far.
    pub fn data_syncs(&self) -> u64 {
        self.disk.lock().faults.data_syncs
    }
}

/// What a sync comes to.
pub(super) enum Sync {
    Keeps,
    Ignored,
    Fails(io::Error),
}

impl Faults {
    /// What was to fail and has not yet, will not after a power cut.
    pub(super) fn forget(&mut self) {
        self.failing_sync = None;
        self.failing_write = None;
        self.operations_left = None;
    }

    /// To be asked before each operation that changes something.
    pub(super) fn check_writable(&mut self) -> io::Result<()> {
        match &mut self.operations_left {
            Some(0) => return Err(io::Error::other("injected: the power is out")),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.read_only { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(()) }
    }

    pub(super) fn check_write(&mut self) -> io::Result<()> {
        self.check_writable()?;
        if is_due(&mut self.failing_write) {
            return Err(io::Error::other("injected: the write failed"));
        }
        Ok(())
    }

    pub(super) fn on_data_sync(&mut self) -> Sync {
        self.data_syncs += 1;
        if is_due(&mut self.failing_sync) {
            return Sync::Fails(io::Error::other("injected: the sync failed"));
        }
        self.on_dir_sync()
    }

    pub(super) fn on_dir_sync(&self) -> Sync {
        if self.syncs_ignored { Sync::Ignored } else { Sync::Keeps }
    }

    /// How many of `wanted` more bytes fit beside the `used` ones.
    pub(super) fn room(&self, used: u64, wanted: u64) -> u64 {
        match self.capacity_bytes {
            Some(capacity) => wanted.min(capacity.saturating_sub(used)),
            None => wanted,
        }
    }
}

fn is_due(countdown: &mut Option<u32>) -> bool {
    match countdown {
        Some(0 | 1) => {
            *countdown = None;
            true
        }
        Some(n) => {
            *n -= 1;
            false
        }
        None => false,
    }
}
