//! Calls by which somebody moves subscriptions, and looks after topics.

use hexalpes_wire::TopicName;
use reqwest::Method;
use serde_json::json;

use super::{AdminClient, AdminError, encoded, topic_path};

impl AdminClient {
    /// Has the broker let go of a topic, and take it up again when somebody asks for it.
    pub async fn unload(&self, topic: &TopicName) -> Result<(), AdminError> {
        self.call(Method::PUT, &format!("{}/unload", topic_path(topic)), None::<&()>).await.map(drop)
    }

    /// Creates a subscription behind all that is there, in all partitions; one that is there already stays where it is.
    pub async fn create_subscription_at_end(&self, topic: &TopicName, name: &str) -> Result<(), AdminError> {
        // The id of Pulsar's own clients for it.
        let latest = json!({ "ledgerId": i64::MAX, "entryId": i64::MAX, "partitionIndex": -1 });
        self.create(&subscription_path(topic, name), Some(&latest)).await
    }

    /// Passes over so many entries that wait; a batch is one. Of a topic with partitions, name one of them.
    pub async fn skip(&self, topic: &TopicName, name: &str, entries: u64) -> Result<(), AdminError> {
        self.move_it(&format!("{}/skip/{entries}", subscription_path(topic, name))).await
    }

    /// Passes over all that waits, in all partitions.
    pub async fn clear_backlog(&self, topic: &TopicName, name: &str) -> Result<(), AdminError> {
        self.move_it(&format!("{}/skip_all", subscription_path(topic, name))).await
    }

    /// Goes to the first message that was published then or later, milliseconds since 1970, in all partitions. Who consumes
    /// is cut off for it, and comes again.
    pub async fn reset_cursor(&self, topic: &TopicName, name: &str, time_ms: u64) -> Result<(), AdminError> {
        self.move_it(&format!("{}/resetcursor/{time_ms}", subscription_path(topic, name))).await
    }

    async fn move_it(&self, path: &str) -> Result<(), AdminError> {
        self.call(Method::POST, path, None::<&()>).await.map(drop)
    }
}

fn subscription_path(topic: &TopicName, name: &str) -> String {
    format!("{}/subscription/{}", topic_path(topic), encoded(name))
}
