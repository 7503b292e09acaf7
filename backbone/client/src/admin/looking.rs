//! Calls by which somebody looks at a broker and at the messages of its topics.

use hexalpes_wire::{MessageId, TopicName};
use reqwest::Method;

use super::{AdminClient, AdminError, topic_path};

impl AdminClient {
    /// The brokers of the cluster that serve, as `host:port`.
    pub async fn brokers(&self) -> Result<Vec<String>, AdminError> {
        self.get("/brokers").await
    }

    /// The broker's version, as it says it.
    pub async fn version(&self) -> Result<String, AdminError> {
        let text = self.call(Method::GET, "/brokers/version", None::<&()>).await?;
        Ok(text.trim().trim_matches('"').to_owned())
    }

    /// Where the nth entry of a topic lies, counted from the newest, which is 1; a batch is one. None where the answer does
    /// not say it. Of a topic with partitions, name one of them.
    pub async fn nth_from_end(&self, topic: &TopicName, nth: u64) -> Result<Option<MessageId>, AdminError> {
        let path =
            format!("{}/examinemessage?initialPosition=latest&messagePosition={nth}", topic_path(topic));
        let answer = self.answered(&Method::GET, &path, None::<&()>).await?;
        let id = answer.headers().get("x-pulsar-message-id").and_then(|id| id.to_str().ok());
        Ok(id.and_then(|id| {
            let mut numbers = id.split(':').map(|number| number.parse().ok());
            Some(MessageId::new(numbers.next()??, numbers.next()??))
        }))
    }
}
