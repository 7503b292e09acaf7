//! Tells those who wait that there is something new: streams of inboxes, and what sends.

use std::sync::Arc;

use tokio::sync::watch;

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Feed(Arc<watch::Sender<u64>>);

impl Default for Feed {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Feed {
    pub(crate) fn tell(&self) {
        self.0.send_modify(|news| *news += 1);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
