//! Topics that are not persistent: messages reach who takes them at that moment.

use hexalpes_client::{AdminClient, TopicName};
use hexalpes_wire::{
    MessageId,
    proto::{
        Command, CommandAck, CommandCloseConsumer, CommandFlow, CommandGetLastMessageId, CommandSeek,
        CommandSubscribe, MessageMetadata, ServerError, SubType,
    },
};

use crate::{
    engine::{Engine, on_every_engine},
    raw::Peer,
};

fn topic(engine: &Engine, about: &str) -> String {
    engine.topic(about).replace("persistent://", "non-persistent://")
}

/// Sends a message whose receipt says nothing.
async fn send(peer: &mut Peer, sequence_id: u64, key: Option<&str>, body: &str) {
    let partition_key = key.map(str::to_owned);
    let metadata = MessageMetadata { sequence_id, partition_key, ..MessageMetadata::default() };
    let answer = peer.send(metadata, body).await;
    let Command::SendReceipt(receipt) = answer else { panic!("{answer:?} is no receipt") };
    let id = receipt.message_id.expect("it has an id");
    assert_eq!((receipt.sequence_id, id.ledger_id, id.entry_id), (sequence_id, 0, 0));
}

async fn subscribed(engine: &Engine, topic: &str, kind: SubType, permits: u32) -> Peer {
    let mut peer = Peer::connect(engine).await;
    let subscribe = CommandSubscribe {
        topic: topic.to_owned(),
        subscription: "sub".to_owned(),
        sub_type: kind.into(),
        consumer_id: 5,
        request_id: 11,
        initial_position: Some(1),
        ..CommandSubscribe::default()
    };
    let answer = peer.ask(&Command::Subscribe(Box::new(subscribe))).await;
    assert_eq!(answer, Command::success(11));
    peer.say(&Command::Flow(CommandFlow { consumer_id: 5, message_permits: permits })).await;
    until_handled(&mut peer).await;
    peer
}

/// Asks for something that changes nothing: when it is answered, all before it was handled.
async fn until_handled(peer: &mut Peer) {
    let close = CommandCloseConsumer { consumer_id: 99, request_id: 12, ..CommandCloseConsumer::default() };
    let answer = peer.ask(&Command::CloseConsumer(close)).await;
    assert!(matches!(answer, Command::Success(_) | Command::Error(_)), "{answer:?}");
}

#[tokio::test]
async fn what_nobody_takes_is_answered_and_gone() {
    on_every_engine(async |engine| {
        let topic = topic(engine, "passing");
        let mut producer = Peer::connect(engine).await;
        producer.produce(&topic).await;
        send(&mut producer, 0, None, "to nobody").await;
        for kind in [SubType::Exclusive, SubType::Failover, SubType::Shared, SubType::KeyShared] {
            let mut consumer = subscribed(engine, &topic, kind, 2).await;
            for (sequence_id, body) in (1..).zip(["one", "two", "beyond the permits"]) {
                send(&mut producer, sequence_id, Some("k"), body).await;
            }
            let mut messages = Vec::new();
            for expected in ["one", "two"] {
                let (message, body) = consumer.message().await;
                assert_eq!(body, expected, "{kind:?}");
                messages.push(message);
            }
            for message in messages {
                assert_eq!(MessageId::from(&message.message_id), MessageId::new(0, 0));
                assert_eq!(message.redelivery_count(), 0);
                let ack = CommandAck {
                    consumer_id: 5,
                    message_id: vec![message.message_id],
                    request_id: Some(13),
                    ..CommandAck::default()
                };
                assert!(matches!(consumer.ask(&Command::Ack(ack)).await, Command::AckResponse(_)));
            }
            // A seek changes nothing, and no message is the last.
            let seek = CommandSeek {
                consumer_id: 5,
                request_id: 14,
                message_id: Some(MessageId::EARLIEST.into()),
                ..CommandSeek::default()
            };
            assert_eq!(consumer.ask(&Command::Seek(seek)).await, Command::success(14));
            let last = CommandGetLastMessageId { consumer_id: 5, request_id: 15 };
            let answer = consumer.ask(&Command::GetLastMessageId(last)).await;
            assert!(matches!(answer, Command::Error(_)), "{answer:?}");
            consumer.say(&Command::Flow(CommandFlow { consumer_id: 5, message_permits: 5 })).await;
            until_handled(&mut consumer).await;
            send(&mut producer, 9, None, "next").await;
            assert_eq!(consumer.message().await.1, "next", "{kind:?}");
            let close =
                CommandCloseConsumer { consumer_id: 5, request_id: 16, ..CommandCloseConsumer::default() };
            assert_eq!(consumer.ask(&Command::CloseConsumer(close)).await, Command::success(16));
        }
    })
    .await;
}

#[tokio::test]
async fn each_subscription_gets_each_message_and_each_key_has_one_consumer() {
    on_every_engine(async |engine| {
        let topic = topic(engine, "passing-keys");
        let mut first = subscribed(engine, &topic, SubType::KeyShared, 1000).await;
        let mut second = subscribed(engine, &topic, SubType::KeyShared, 1000).await;
        let mut producer = Peer::connect(engine).await;
        producer.produce(&topic).await;
        for (sequence_id, key) in (0..40).map(|n| (n, format!("key-{}", n % 10))) {
            send(&mut producer, sequence_id, Some(&key), &key).await;
        }
        let mut got = [Vec::new(), Vec::new()];
        // Nobody goes before everything came: what is on its way to somebody who goes is dropped.
        for _ in 0..40 {
            let (who, (_, key)) = tokio::select! {
                message = first.message() => (0, message),
                message = second.message() => (1, message),
            };
            got[who].push(key);
        }
        assert!(got[0].iter().all(|key| !got[1].contains(key)), "{got:?}");
    })
    .await;
}

#[tokio::test]
async fn it_is_not_read_as_compacted() {
    on_every_engine(async |engine| {
        let subscribe = CommandSubscribe {
            topic: topic(engine, "passing-compacted"),
            subscription: "sub".to_owned(),
            consumer_id: 5,
            request_id: 11,
            read_compacted: Some(true),
            ..CommandSubscribe::default()
        };
        let mut peer = Peer::connect(engine).await;
        let answer = peer.ask(&Command::Subscribe(Box::new(subscribe))).await;
        let Command::Error(refusal) = answer else { panic!("{answer:?}") };
        assert_eq!(refusal.error(), ServerError::NotAllowedError);
    })
    .await;
}

async fn partitions_are_made(admin: &AdminClient, name: &TopicName) {
    admin.create_partitioned_topic(name, 2).await.unwrap();
    admin.grow_partitioned_topic(name, 3).await.unwrap();
}

#[tokio::test]
async fn it_has_partitions_and_stats_like_others() {
    on_every_engine(async |engine| {
        let name = TopicName::parse(&topic(engine, "passing-parts")).unwrap();
        partitions_are_made(&engine.admin, &name).await;
        let second = name.with_partition(2);
        let mut consumer = subscribed(engine, &second.to_string(), SubType::Shared, 1).await;
        let mut producer = Peer::connect(engine).await;
        producer.produce(&second.to_string()).await;
        send(&mut producer, 0, None, "taken").await;
        send(&mut producer, 1, None, "dropped").await;
        let (message, _) = consumer.message().await;
        assert_eq!(message.message_id.partition(), 2);
        let stats = engine.admin.stats(&second).await.unwrap();
        assert_eq!(stats["msgInCounter"], 2);
        assert!(stats["msgDropRate"].is_f64());
        let sub = &stats["subscriptions"]["sub"];
        assert_eq!(
            (&sub["msgOutCounter"], &sub["msgBacklog"], &sub["unackedMessages"]),
            (&1.into(), &0.into(), &0.into())
        );
        assert_eq!((&sub["type"], &sub["isDurable"]), (&"Shared".into(), &false.into()));
        assert!(sub["msgDropRate"].is_f64());
    })
    .await;
}
