//! Topics that are not persistent: what of them is written down, and when they go.

use std::time::Duration;

use hexalpes_broker::BrokerOptions;
use hexalpes_wire::{
    TopicName,
    proto::{Command, SubType},
};
use tempfile::tempdir;

use crate::peer::{Running, until};

const TOPIC: &str = "non-persistent://public/default/passing";

fn name() -> TopicName {
    TOPIC.parse().unwrap()
}

#[tokio::test]
async fn a_topic_that_nobody_uses_any_more_is_forgotten() {
    let data = tempdir().unwrap();
    let trim_every = Duration::from_millis(5);
    let options = |url| BrokerOptions { trim_every, ..BrokerOptions::new(data.path(), url) };
    let running = Running::open(options).await.unwrap();
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Shared).await, Command::success(11));
    let other = "non-persistent://public/default/other".parse().unwrap();
    running.broker.create_topic(&other).unwrap();
    // The one goes while the other is in use, also after many looks.
    until(|| !running.broker.topics().contains(&other)).await;
    assert_eq!(running.broker.topics(), [name()]);
    drop(consumer);
    until(|| running.broker.topics().is_empty()).await;
    // And is there again for who comes.
    let mut producer = running.peer().await;
    assert!(matches!(producer.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)));
    running.stop().await;
}

#[tokio::test]
async fn that_it_has_partitions_outlives_a_restart_and_nothing_else_does() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    running.broker.create_partitioned(&name(), 2).unwrap();
    let stored = "persistent://public/default/stored".parse().unwrap();
    running.broker.create_topic(&stored).unwrap();
    assert_eq!(running.broker.topics().len(), 3);
    running.stop().await;

    let running = Running::start(data.path()).await;
    assert_eq!(running.broker.topics(), [stored]);
    assert_eq!(running.broker.partitions(&name(), false).unwrap(), 2);
    let mut producer = running.peer().await;
    let second = name().with_partition(1);
    assert!(matches!(producer.open_producer(&second.to_string(), None).await, Command::ProducerSuccess(_)));
    let third = name().with_partition(2).to_string();
    assert!(matches!(running.peer().await.open_producer(&third, None).await, Command::Error(_)));
    running.broker.delete_partitioned(&name(), true).unwrap();
    running.stop().await;
    let running = Running::start(data.path()).await;
    assert!(running.broker.partitioned_topics().is_empty());
    running.stop().await;
}
