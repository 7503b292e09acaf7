//! The newest messages of a topic, read without a trace: no subscription stays, and nothing is acknowledged.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use hexalpes_client::{
    AdminClient, Client, ConsumeError, Message, OpenError, ReadFrom, ReaderOptions, TopicName,
    admin::AdminError,
};
use tokio::time::timeout;

/// For so long the next message may take, of those that are there.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Messages that could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum NewestError {
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    #[error("the broker has more messages of {topic}, and does not send them")]
    Silent { topic: TopicName },
}

/// At most so many, the newest first. `topic` is one without partitions, or a partition.
pub async fn newest(
    admin: &AdminClient,
    client: &Client,
    topic: &TopicName,
    count: usize,
) -> Result<Vec<Message>, NewestError> {
    // Batches are counted as one here, so that there are enough messages in so many entries.
    let entries = admin.entries(topic).await?.min(count as u64);
    if entries == 0 {
        return Ok(Vec::new());
    }
    let Some(first) = admin.nth_from_end(topic, entries).await? else { return Ok(Vec::new()) };
    let options = ReaderOptions {
        name: "console".to_owned(),
        receive_queue: u32::try_from(count).unwrap_or(u32::MAX),
        ..ReaderOptions::from(ReadFrom::With(first))
    };
    let reader = client.reader(&topic.to_string(), options).await?;
    let (mut seen, mut newest) = (BTreeSet::new(), VecDeque::new());
    while reader.has_message_available().await? {
        let next = timeout(SILENCE_MAX, reader.next()).await;
        let message = next.map_err(|_| NewestError::Silent { topic: topic.clone() })??;
        seen.insert(message.id.whole_entry());
        // What was published since would have no end.
        if seen.len() as u64 > entries {
            break;
        }
        if newest.len() == count {
            newest.pop_back();
        }
        newest.push_front(message);
    }
    reader.close().await;
    Ok(newest.into())
}
