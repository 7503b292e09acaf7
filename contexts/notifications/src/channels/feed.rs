//! Tells those who wait that there is something new: what sends, and streams of inboxes.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::domain::RecipientId;

/// Batches that a stream may be behind; one that is more looks for itself.
const BEHIND_MAX: usize = 64;

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    sending: Arc<watch::Sender<u64>>,
    inboxes: broadcast::Sender<Arc<HashSet<RecipientId>>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { sending: Arc::new(watch::Sender::new(0)), inboxes: broadcast::Sender::new(BEHIND_MAX) }
    }
}

impl Feed {
    /// Something may be sent, by a channel that does not wait for its recipient to look.
    pub(crate) fn wake_senders(&self) {
        self.sending.send_modify(|news| *news += 1);
    }

    /// Something may be sent, and these have something new in their inboxes.
    pub(crate) fn tell(&self, recipients: HashSet<RecipientId>) {
        self.wake_senders();
        if !recipients.is_empty() {
            // Nobody listens: nobody has to be told.
            let _ = self.inboxes.send(Arc::new(recipients));
        }
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.sending.subscribe()
    }

    pub(crate) fn follow(&self, recipient: RecipientId) -> Following {
        Following { recipient, news: self.inboxes.subscribe() }
    }
}

/// Waits for news of one inbox, since it began to.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) recipient: RecipientId,
    news: broadcast::Receiver<Arc<HashSet<RecipientId>>>,
}

impl Following {
    /// Returns when there may be something new; what others are told wakes nobody.
    pub(crate) async fn told(&mut self) {
        loop {
            match self.news.recv().await {
                Ok(recipients) if !recipients.contains(&self.recipient) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                // Nobody will tell anything any more.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn an_inbox_has_news_when_its_recipient_was_told_or_it_is_too_far_behind_to_know() {
        let of = |id: &str| RecipientId::parse(id).unwrap();
        let feed = Feed::default();
        let (sends, mut ana) = (feed.listen(), feed.follow(of("ana")));
        feed.tell(HashSet::from([of("ben")]));
        feed.wake_senders();
        assert_eq!(ana.told().now_or_never(), None);
        assert!(sends.has_changed().unwrap());
        feed.tell(HashSet::from([of("ben"), of("ana")]));
        assert_eq!(ana.told().now_or_never(), Some(()));
        assert_eq!(ana.told().now_or_never(), None);
        for _ in 0..=BEHIND_MAX {
            feed.tell(HashSet::from([of("ben")]));
        }
        assert_eq!(ana.told().now_or_never(), Some(()));
    }
}
