//! A topic from its first message to its last, read with our client as anybody would.

use hexalpes_client::{Client, ClientOptions, ConsumerOptions, Message, MessageId};
use serde_json::Value;

use crate::PATIENCE;

/// The JSON of all messages that the topic has now. Nobody should be publishing meanwhile.
pub async fn whole_topic(service_url: &str, topic: &str) -> Vec<Value> {
    let read = messages(service_url, topic).await;
    read.iter().map(|message| serde_json::from_slice(&message.payload).expect("a message is JSON")).collect()
}

/// All messages that the topic has now.
pub async fn messages(service_url: &str, topic: &str) -> Vec<Message> {
    let reading = async {
        let client = Client::connect(ClientOptions::new(service_url)).await.expect("the broker is there");
        let options = ConsumerOptions::new("whole-topic").from_earliest();
        let consumer = client.consumer(topic, options).await.expect("the topic is there");
        let last = place(&consumer.last_message_id().await.expect("the topic says where it ends"));
        let mut read = Vec::new();
        // Where there is none, the last one's number is -1.
        let mut at = (last.0, u64::MAX, last.2);
        while at != last {
            let message = consumer.next().await.expect("messages arrive");
            at = place(&message.id);
            read.push(message);
        }
        consumer.unsubscribe().await.expect("the subscription can be given up");
        read
    };
    let read = tokio::time::timeout(PATIENCE, reading).await;
    read.unwrap_or_else(|_| panic!("{topic} was not read to its end in {PATIENCE:?}"))
}

/// Where in the topic a message stands, the last of a batch behind the others.
fn place(id: &MessageId) -> (u64, u64, Option<u32>) {
    (id.ledger, id.entry, id.batch_index)
}
