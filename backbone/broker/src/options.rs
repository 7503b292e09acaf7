//! What can be chosen when a broker is opened, and the limits it keeps.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hexalpes_files::{Files, RealFiles};
use hexalpes_log::Durability;
use hexalpes_wire::DEFAULT_MAX_MESSAGE_BYTES;

/// How often the broker asks a silent peer whether it is there.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A peer that has said nothing for so long is gone.
pub(crate) const SILENCE_MAX: Duration = Duration::from_mins(1);
/// So many sends of one connection may wait for their receipts; beyond it, nothing more is read from it.
pub(crate) const PENDING_SENDS_MAX: usize = 1000;
/// So much may wait to be written to one connection before nothing more is read from it.
pub(crate) const OUTBOX_BYTES_MAX: usize = 8 << 20;
/// How much is read from the log at once for one subscription.
pub(crate) const DISPATCH_BYTES: usize = 1 << 20;
/// A start reads no more entries of a topic than these, and what came in within [`CURSOR_FLUSH`].
pub(crate) const SNAPSHOT_ENTRIES: u64 = 1000;
/// How often cursors are written down.
pub(crate) const CURSOR_FLUSH: Duration = Duration::from_secs(1);

/// What a broker is opened with.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The folder that holds the log and the metadata.
    pub data: PathBuf,
    /// Where the log and the metadata lie.
    pub files: Arc<dyn Files>,
    pub durability: Durability,
    /// Headers and body of one entry, in bytes.
    pub max_message_bytes: usize,
    /// What a lookup answers: `pulsar://host:port`.
    pub service_url: String,
}

impl BrokerOptions {
    /// Real files, synced; Pulsar's message limit.
    pub fn new(data: impl Into<PathBuf>, service_url: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            files: Arc::new(RealFiles),
            durability: Durability::Sync,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
            service_url: service_url.into(),
        }
    }
}
