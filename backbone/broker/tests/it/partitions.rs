//! Topics that have partitions, as a client meets them.

use hexalpes_broker::Policy;
use hexalpes_wire::{
    TopicName,
    proto::{
        Command, CommandCloseConsumer, CommandPartitionedTopicMetadata, CommandSubscribe, ServerError,
        SubType,
    },
};
use serde_json::json;
use tempfile::tempdir;

use crate::peer::{Peer, Running, payload};

const TOPIC: &str = "persistent://public/default/orders";

fn name() -> TopicName {
    TOPIC.parse().unwrap()
}

fn partition(number: u32) -> String {
    name().with_partition(number).to_string()
}

/// How many, or why nobody says.
async fn partitions(peer: &mut Peer, topic: &str, may_create: bool) -> Result<u32, ServerError> {
    let asked = CommandPartitionedTopicMetadata {
        topic: topic.to_owned(),
        request_id: 3,
        metadata_auto_creation_enabled: Some(may_create),
        ..CommandPartitionedTopicMetadata::default()
    };
    match peer.ask(&Command::PartitionedMetadata(asked)).await {
        Command::PartitionedMetadataResponse(answer) => match answer.error {
            Some(_) => Err(answer.error()),
            None => Ok(answer.partitions()),
        },
        other => panic!("{other:?} says nothing of partitions"),
    }
}

/// What a producer is refused with, if it is.
async fn refusal(peer: &mut Peer, topic: &str) -> Option<ServerError> {
    match peer.open_producer(topic, None).await {
        Command::ProducerSuccess(_) => None,
        Command::Error(error) => Some(error.error()),
        other => panic!("{other:?} answers no producer"),
    }
}

#[tokio::test]
async fn partitions_are_topics_and_outlive_a_restart() {
    let data = tempdir().unwrap();
    for is_restarted in [false, true] {
        let running = Running::start(data.path()).await;
        if !is_restarted {
            running.broker.create_partitioned(&name(), 3).unwrap();
        }
        let mut peer = running.peer().await;
        assert_eq!(partitions(&mut peer, TOPIC, false).await, Ok(3));
        assert_eq!(partitions(&mut peer, &partition(1), false).await, Ok(0));
        for number in 0..3 {
            assert_eq!(refusal(&mut running.peer().await, &partition(number)).await, None);
        }
        // Only these: nothing is stored under the name of the whole, nor beyond.
        for wrong in [TOPIC, &partition(3)] {
            assert_eq!(refusal(&mut peer, wrong).await, Some(ServerError::NotAllowedError), "{wrong}");
        }
        running.stop().await;
    }
}

/// A consumer that is away when partitions are added misses nothing that comes to them before it is back.
#[tokio::test]
async fn new_partitions_begin_with_the_subscriptions_of_the_others() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    running.broker.create_partitioned(&name(), 1).unwrap();
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(&partition(0), SubType::Exclusive).await, Command::success(11));
    let close =
        Command::CloseConsumer(CommandCloseConsumer { consumer_id: 5, request_id: 12, ..Default::default() });
    assert_eq!(consumer.ask(&close).await, Command::success(12));
    running.broker.grow_partitioned(&name(), 2).unwrap();
    running.stop().await;

    let running = Running::start(data.path()).await;
    let mut producer = running.peer().await;
    assert!(matches!(producer.open_producer(&partition(1), Some("p")).await, Command::ProducerSuccess(_)));
    producer.send_payload(0, &payload(0, "early")).await;
    let latest = CommandSubscribe {
        topic: partition(1),
        subscription: "sub".to_owned(),
        sub_type: SubType::Exclusive.into(),
        consumer_id: 5,
        request_id: 13,
        ..CommandSubscribe::default()
    };
    let mut consumer = running.peer().await;
    assert_eq!(consumer.ask(&Command::Subscribe(Box::new(latest))).await, Command::success(13));
    consumer.flow(10).await;
    let (id, _, body) = consumer.message().await;
    assert_eq!((id.partition, body.as_str()), (Some(1), "early"));
    running.stop().await;
}

/// Accepts S0-TC-1.
#[tokio::test]
async fn a_namespace_says_what_becomes_of_topics_that_nobody_made() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    let say =
        |policy| running.broker.set_policy("public/default", Policy::AutoTopicCreation, policy).unwrap();
    assert_eq!(partitions(&mut peer, TOPIC, true).await, Ok(0));
    assert_eq!(partitions(&mut peer, TOPIC, false).await, Err(ServerError::TopicNotFound));

    say(json!({ "allowAutoTopicCreation": false }));
    assert_eq!(partitions(&mut peer, TOPIC, true).await, Ok(0));
    assert_eq!(refusal(&mut peer, TOPIC).await, Some(ServerError::TopicNotFound));

    say(json!({ "allowAutoTopicCreation": true, "topicType": "partitioned", "defaultNumPartitions": 2 }));
    assert_eq!(partitions(&mut peer, TOPIC, true).await, Ok(2));
    assert_eq!(refusal(&mut peer, &partition(1)).await, None);

    // Partitions of a topic that is there belong to it, whatever is said of others.
    say(json!({ "allowAutoTopicCreation": false }));
    running.broker.delete_topic(&name().with_partition(0), true).unwrap();
    assert_eq!(refusal(&mut running.peer().await, &partition(0)).await, None);
    running.stop().await;
}

#[tokio::test]
async fn a_topic_is_deleted_with_its_partitions_and_by_force_under_their_clients() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    running.broker.create_partitioned(&name(), 2).unwrap();
    let mut peer = running.peer().await;
    assert_eq!(refusal(&mut peer, &partition(1)).await, None);
    running.broker.delete_partitioned(&name(), false).unwrap_err();
    assert_eq!(running.broker.topics().len(), 2);
    running.broker.delete_partitioned(&name(), true).unwrap();
    assert!(matches!(peer.answer().await, Command::CloseProducer(_)));
    assert!(running.broker.topics().is_empty() && running.broker.partitioned_topics().is_empty());
    running.stop().await;
    let running = Running::start(data.path()).await;
    assert!(running.broker.topics().is_empty() && running.broker.partitioned_topics().is_empty());
    running.stop().await;
}
