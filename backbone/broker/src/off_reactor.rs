//! Waiting for the disk without holding up the other connections.

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

/// Waits for the disk without holding up what else this thread has to do, if the runtime has other threads. No lock
/// that a commit needs may be held.
pub(crate) fn off_reactor<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}
