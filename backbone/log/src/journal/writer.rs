//! Writes groups, one after the other, through files that are used again.

use std::{path::PathBuf, sync::Arc};

use hexalpes_files::Files;
use parking_lot::Mutex;

use crate::{
    error::FileError,
    journal::{
        file::{self, FileHead, HEAD_BYTES, Slot},
        group::{GROUP_HEAD_BYTES, GroupHead, group_bytes},
    },
    options::{Durability, Options},
    queue::Batch,
};

/// The files of the journal: the one that is written, those that hold what is not in the segments yet, and
/// those that are free. The writer takes, the keeper gives back.
#[derive(Debug)]
pub(crate) struct Slots {
    files: Arc<dyn Files>,
    dir: PathBuf,
    file_bytes: u64,
    /// How many free files are kept for use.
    free_max: usize,
    state: Mutex<SlotState>,
}

#[derive(Debug)]
struct SlotState {
    /// By rising `start`; the last is the one that is written.
    used: Vec<(FileHead, Slot)>,
    free: Vec<Slot>,
    next_name: usize,
}

impl Slots {
    pub(crate) fn new(files: Arc<dyn Files>, dir: PathBuf, options: &Options, free: Vec<Slot>) -> Self {
        let names = free.iter().filter_map(|slot| slot.path.file_stem()?.to_str()?.parse::<usize>().ok());
        let next_name = names.max().map_or(0, |last| last + 1);
        // While a checkpoint is made, the journal fills for the next one. What two of them release at most is what
        // they need again: making a file takes longer than filling it.
        let free_max = usize::try_from(2 * options.checkpoint_bytes / options.journal_file_bytes);
        let free_max = free_max.map_or(usize::MAX, |files| files.max(2));
        let file_bytes = HEAD_BYTES + options.journal_file_bytes;
        Self {
            files,
            dir,
            file_bytes,
            free_max,
            state: Mutex::new(SlotState { used: Vec::new(), free, next_name }),
        }
    }

    /// Begins the next file, a free one if there is one.
    fn begin(&self, head: FileHead) -> Result<Slot, FileError> {
        let free = self.state.lock().free.pop();
        let slot = match free {
            Some(slot) => slot,
            None => self.create()?,
        };
        slot.begin(head)?;
        self.state.lock().used.push((head, slot.clone()));
        Ok(slot)
    }

    fn create(&self) -> Result<Slot, FileError> {
        let name = {
            let mut state = self.state.lock();
            state.next_name += 1;
            file::name_of(state.next_name - 1)
        };
        Slot::create(&*self.files, self.dir.join(name), self.file_bytes)
    }

    pub(crate) fn has_free(&self) -> bool {
        !self.state.lock().free.is_empty()
    }

    /// Makes a free file ahead of need, so that the writer does not have to.
    pub(crate) fn prepare(&self) -> Result<(), FileError> {
        if !self.has_free() {
            let slot = self.create()?;
            self.state.lock().free.push(slot);
        }
        Ok(())
    }

    /// Everything below `offset` is in the segments: the files that end there are free.
    pub(crate) fn release_below(&self, offset: u64) -> Result<(), FileError> {
        let surplus = {
            let mut state = self.state.lock();
            let released = state.used.windows(2).take_while(|pair| pair[1].0.start <= offset).count();
            let released: Vec<Slot> = state.used.drain(..released).map(|(_, slot)| slot).collect();
            state.free.extend(released);
            let kept = self.free_max.min(state.free.len());
            state.free.split_off(kept)
        };
        for slot in surplus {
            self.files.remove(&slot.path).map_err(FileError::when("remove", &slot.path))?;
        }
        Ok(())
    }
}

/// Writes what leaders give it. One leader at a time has it.
#[derive(Debug)]
pub(crate) struct Writer {
    slots: Arc<Slots>,
    durability: Durability,
    head: FileHead,
    slot: Slot,
    /// Of the next group.
    offset: u64,
    /// Up to which offset the journal is synced.
    synced: u64,
}

impl Writer {
    /// Begins the journal's next file, at an offset behind everything there ever was.
    pub(crate) fn begin(
        slots: Arc<Slots>,
        durability: Durability,
        head: FileHead,
    ) -> Result<Self, FileError> {
        let slot = slots.begin(head)?;
        Ok(Self { slots, durability, head, slot, offset: head.start, synced: head.start })
    }

    /// Writes a group and syncs it. Returns the offset behind it.
    pub(crate) fn write(&mut self, batch: &mut Batch) -> Result<u64, FileError> {
        if batch.file != self.head.number {
            self.head = FileHead { number: batch.file, start: self.offset };
            // A file's head says that the one before it is synced, which with `Durability::Os` it is not.
            // That mode makes no promise to keep.
            self.slot = self.slots.begin(self.head)?;
        }
        let length = batch.buffer.len() - GROUP_HEAD_BYTES;
        let head = GroupHead {
            file: self.head.number,
            records: u32::try_from(batch.records.len()).expect("a group is shorter than a file"),
            offset: self.offset,
            synced: self.synced,
            length: u32::try_from(length).expect("a group is shorter than a file"),
        };
        batch.buffer[..GROUP_HEAD_BYTES].copy_from_slice(&head.encode());
        let bytes = group_bytes(length as u64);
        batch.buffer.resize(usize::try_from(bytes).expect("it is in memory"), 0);
        let Slot { path, file } = &self.slot;
        let byte = self.head.byte_of(self.offset);
        let (written, what) = match self.durability {
            Durability::Sync => (file.write_durably(&batch.buffer, byte), "write and sync"),
            Durability::Os => (file.write_all_at(&batch.buffer, byte), "write"),
        };
        written.map_err(FileError::when(what, path))?;
        self.offset += bytes;
        if self.durability == Durability::Sync {
            self.synced = self.offset;
        }
        Ok(self.offset)
    }

    /// Whether the file is more than half full, so that the next should be at hand.
    pub(crate) fn wants_next_file(&self) -> bool {
        let used = self.offset - self.head.start;
        used * 2 > self.slots.file_bytes && !self.slots.has_free()
    }
}
