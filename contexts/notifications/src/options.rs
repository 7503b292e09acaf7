//! What notifications are told.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// Where the lines go, and what is kept how long. By default everything is kept, in one file.
#[derive(Clone, Debug)]
pub struct NotificationsOptions {
    /// `data/events.jsonl`.
    pub file: PathBuf,
    /// A file that has reached this size is put aside as `events-000001.jsonl` and so on; `None` never. A
    /// batch of lines is not split, so a file may be somewhat larger.
    pub file_bytes_max: Option<u64>,
    /// Of the files put aside, so many stay; `None` all.
    pub files_put_aside_max: Option<NonZeroUsize>,
    /// Ids of events whose lines are older are forgotten; `None` none. Keep them for longer than the longest
    /// replay of the topic: an event that comes again after that gets a second line.
    pub keep_inbox: Option<Duration>,
}

impl NotificationsOptions {
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), file_bytes_max: None, files_put_aside_max: None, keep_inbox: None }
    }
}
