//! What can be chosen when a log is opened, and every limit it keeps.

/// When an append counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When the disk has confirmed it (`fdatasync`).
    #[default]
    Sync,
    /// When the operating system has it: a power cut loses what was acknowledged. For tests only; opening
    /// a log this way says so in the log.
    Os,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub durability: Durability,
    /// The size of one journal file. A group, and so an entry, is at most half of it.
    pub journal_file_bytes: u64,
    /// How much is journalled between two checkpoints: what a start after a crash has to replay, at most
    /// about twice.
    pub checkpoint_bytes: u64,
    /// A segment that has so many bytes is full; the next entry begins another.
    pub segment_bytes: u64,
    /// A segment that has so many entries is full.
    pub segment_entries: u64,
    /// How much of what is in the segments already stays in memory for consumers that keep up, over all
    /// topics.
    pub cache_bytes: usize,
    /// How much may wait for being committed; an append beyond it is refused.
    pub waiting_bytes_max: usize,
    /// How much is kept back from the segments, so that they are written in few large pieces. If eight times
    /// as much has piled up, commits wait until the segments have caught up.
    pub unwritten_bytes: usize,
    /// How much of the newest segments is read through when the log opens, to notice damage before anyone
    /// relies on it. The rest is checked when it is read.
    pub verify_bytes: u64,
}

const MIB: u64 = 1 << 20;

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Sync,
            journal_file_bytes: 32 * MIB,
            checkpoint_bytes: 64 * MIB,
            segment_bytes: 64 * MIB,
            segment_entries: 1_000_000,
            cache_bytes: 16 << 20,
            waiting_bytes_max: 64 << 20,
            unwritten_bytes: 4 << 20,
            verify_bytes: 32 * MIB,
        }
    }
}

impl Options {
    /// The longest group: two fit in a file, so that the end of none is wasted by more than a half.
    pub(crate) fn group_bytes_max(&self) -> u64 {
        self.journal_file_bytes / 2
    }
}
