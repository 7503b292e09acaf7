//! What is really at the end of a topic: asked when the broker's memory of a producer cannot settle it.

use std::time::Duration;

use futures::future;
use hexalpes_client::{
    Client, ConsumeError, Consumer, ConsumerOptions, Message, MessageId, SeekTo, TopicName,
};
use tokio::time;

use super::RelayError;

/// So many entries are read first, each of which may be a batch of hundreds of messages; then more at a time, for others may
/// have published after us while we were away; and only then the whole topic.
const ENTRIES: [u64; 4] = [16, 256, 4_096, 65_536];
/// Each message may take so long: how long all of them take, a topic's length says. Reached only when the broker goes away
/// meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no answer.
enum Failure {
    Consume(ConsumeError),
    Silent,
}

/// The last message of `producer` on the topic, by its sequence id; none if there is none.
///
/// It subscribes for a moment, from the end on, for what is read is sought: brokers have no other way to read.
pub(super) async fn last_of(
    client: &Client,
    topic: &str,
    producer: &str,
) -> Result<Option<Message>, RelayError> {
    let options = ConsumerOptions::new(format!("{}-tail", producer.replace('/', "-")));
    let consumer = client.consumer(topic, options).await.map_err(|why| RelayError::open(topic, why))?;
    let outcome = last_read(&consumer, producer).await;
    let tail = |why| RelayError::Tail { topic: topic.to_owned(), why };
    // A subscription that stayed would keep the broker from ever trimming the topic.
    consumer.unsubscribe().await.map_err(tail)?;
    outcome.map_err(|failure| match failure {
        Failure::Consume(why) => tail(why),
        Failure::Silent => RelayError::TailSilent { topic: topic.to_owned() },
    })
}

async fn last_read(consumer: &Consumer, producer: &str) -> Result<Option<Message>, Failure> {
    let end = patiently(consumer.last_message_id()).await?;
    if end.entry.cast_signed() < 0 {
        return Ok(None);
    }
    let end = MessageId::new(end.ledger, end.entry);
    for entry in windows(end.entry) {
        let near = SeekTo::Message(MessageId::new(end.ledger, entry));
        let last = newest(consumer, near, end, producer).await?;
        if last.is_some() {
            return Ok(last);
        }
    }
    newest(consumer, SeekTo::Earliest, end, producer).await
}

/// Where what is read begins, each time further back, in the ledger that ends there: one that was begun lately is short.
fn windows(end: u64) -> impl Iterator<Item = u64> {
    let reaching = ENTRIES.iter().position(|entries| *entries >= end).map_or(ENTRIES.len(), |at| at + 1);
    ENTRIES.into_iter().take(reaching).map(move |entries| end.saturating_sub(entries))
}

async fn patiently<T>(asked: impl Future<Output = Result<T, ConsumeError>>) -> Result<T, Failure> {
    match time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(Failure::Consume),
        Err(_) => Err(Failure::Silent),
    }
}

/// Only its sequence id; -1 if there is none.
pub(super) async fn last_id(client: &Client, topic: &str, producer: &str) -> Result<i64, RelayError> {
    let last = last_of(client, topic, producer).await?;
    Ok(last.map_or(-1, |last| last.sequence_id.cast_signed()))
}

/// The same of a topic as a whole, for each of its partitions if it has some. A topic that is not there has nothing, and is
/// not made by asking.
pub(super) async fn last_ids(client: &Client, topic: &str, producer: &str) -> Result<Vec<i64>, RelayError> {
    let unknown = |why| RelayError::open(topic, why);
    let Some(partitions) = client.partitions(topic).await.map_err(unknown)? else { return Ok(Vec::new()) };
    let name = TopicName::parse(topic).map_err(|why| unknown(why.into()))?;
    let places = places(&name, Some(partitions).filter(|partitions| *partitions > 0));
    future::try_join_all(places.iter().map(|place| last_id(client, place, producer))).await
}

/// The whole names of a topic's partitions, or its own if it has none.
pub(super) fn places(topic: &TopicName, partitions: Option<u32>) -> Vec<String> {
    match partitions {
        Some(partitions) => (0..partitions).map(|at| topic.with_partition(at).to_string()).collect(),
        None => vec![topic.to_string()],
    }
}

/// What stands last may be a part of a message that is not complete, or too large to be put together: nobody is given that.
async fn newest(
    consumer: &Consumer,
    from: SeekTo,
    end: MessageId,
    producer: &str,
) -> Result<Option<Message>, Failure> {
    patiently(consumer.seek(from)).await?;
    let mut newest: Option<Message> = None;
    while let Some(message) = patiently(consumer.next_through(end)).await? {
        let is_later = newest.as_ref().is_none_or(|known| known.sequence_id < message.sequence_id);
        if message.producer_name == producer && is_later {
            newest = Some(message);
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_further_and_further_back_to_the_beginning_of_its_last_ledger() {
        let windows = |end| windows(end).collect::<Vec<u64>>();
        assert_eq!(windows(0), [0]);
        assert_eq!(windows(9), [0]);
        assert_eq!(windows(200), [184, 0]);
        assert_eq!(windows(100_000), [99_984, 99_744, 95_904, 34_464]);
    }
}
