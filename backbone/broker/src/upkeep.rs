//! Once in a while each topic is looked at for what its policies say of time and size.

use std::sync::Arc;

use crate::{broker::Shared, topic::Topic};

impl Shared {
    /// Has all topics go by their policies. Gives back those that are still there.
    pub(crate) fn keep_rules(&self, now_ms: u64) -> Vec<Arc<Topic>> {
        let mut topics: Vec<_> = self.topics.read().values().cloned().collect();
        topics.retain(|topic| {
            if !topic.is_stored() {
                return true;
            }
            match topic.expire_old(now_ms).and_then(|()| topic.keep_quotas(now_ms)) {
                // Who waits for the topic was not let in while it was over.
                Ok(false) => self.promote(topic),
                Ok(true) => {}
                // The next look tries again.
                Err(error) => tracing::error!(topic = %topic.name, %error, "could not look for old messages"),
            }
            self.end_unused_subscriptions(topic, now_ms);
            !self.end_inactive(topic, now_ms)
        });
        topics
    }

    fn end_unused_subscriptions(&self, topic: &Topic, now_ms: u64) {
        let unused = topic.unused_subscriptions(now_ms);
        if unused.is_empty() {
            return;
        }
        let _changing = self.changing.lock();
        for subscription in unused {
            match topic.delete_subscription(&subscription, false, &self.metadata) {
                Ok(()) => tracing::info!(topic = %topic.name, subscription, "ended: nobody has used it"),
                // Somebody came.
                Err(crate::AdminError::SubscriptionInUse) => {}
                Err(error) => tracing::error!(topic = %topic.name, subscription, %error, "could not end"),
            }
        }
    }

    /// Deletes a topic that nobody has used for long. Says whether it is gone.
    fn end_inactive(&self, topic: &Topic, now_ms: u64) -> bool {
        if !self.options.delete_inactive_topics {
            return false;
        }
        let _changing = self.changing.lock();
        if !topic.ends_inactive(now_ms) {
            return false;
        }
        match self.remove(topic) {
            Ok(()) => {
                tracing::info!(topic = %topic.name, "deleted: nobody has used it");
                true
            }
            Err(error) => {
                tracing::error!(topic = %topic.name, %error, "could not delete what nobody uses");
                topic.stay();
                false
            }
        }
    }
}
