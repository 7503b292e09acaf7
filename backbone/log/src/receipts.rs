//! Whom to tell what became of an append.

use crate::{
    error::FileError,
    position::{Position, TopicId},
};

/// Takes the news of appends. The broker gives one with each append; it is typically a connection or a topic.
///
/// It is called on the thread that led the commit, group by group in the order of the appends, once for
/// each run of neighbouring appends with the same receiver: a producer with 256 in flight costs one call a
/// group, and no append costs an allocation. No lock of the log is held, so that a receiver may append,
/// and ask for another commit; it must not wait for one, and it must not take long: whoever comes next waits.
pub trait Receipts: Send + Sync {
    /// These are durable, and can be read.
    fn synced(&self, appended: &[Appended]);

    /// These were not committed and will not be. After a crash, they may be there all the same.
    fn failed(&self, appended: &[Appended], cause: &FileError);
}

impl std::fmt::Debug for dyn Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receipts")
    }
}

/// One append, as its receiver gets it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub topic: TopicId,
    pub position: Position,
    /// What came with the append.
    pub token: u64,
}
