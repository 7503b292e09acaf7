//! What the REST interface changes of topics and subscriptions is on the disk when it is answered.

use std::{path::Path, sync::Arc};

use hexalpes_broker::{AdminError, Broker, BrokerOptions, Expired, Properties, SubscriptionStart};
use hexalpes_files::ForgetfulFiles;
use hexalpes_wire::{
    MessageId, TopicName,
    proto::{Command, ServerError, SubType},
};
use tempfile::tempdir;

use crate::{
    faulty::FaultyFiles,
    peer::{Running, ack},
};

const TOPIC: &str = "persistent://public/default/orders";

fn topic() -> TopicName {
    TOPIC.parse().unwrap()
}

fn backlogs(broker: &Broker) -> Vec<(String, u64)> {
    let stats = broker.topic_stats(&topic()).unwrap();
    stats.subscriptions.into_iter().map(|(name, sub)| (name, sub.counts.msg_backlog)).collect()
}

fn expect(of: &[(&str, u64)]) -> Vec<(String, u64)> {
    of.iter().map(|(name, backlog)| ((*name).to_owned(), *backlog)).collect()
}

/// A topic with so many messages.
async fn filled(running: &Running, messages: u64) {
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("p")).await;
    for n in 0..messages {
        assert!(matches!(producer.send(n, &n.to_string()).await, Command::SendReceipt(_)));
    }
}

async fn start(disk: &ForgetfulFiles, data: &Path) -> Running {
    let files = Arc::new(disk.clone());
    Running::open(|url| BrokerOptions { files, ..BrokerOptions::new(data, url) }).await.unwrap()
}

/// What is done, and what backlogs there are then.
type Change<'a> = (&'a dyn Fn(&Broker) -> Result<(), AdminError>, &'a [(&'a str, u64)]);

/// The power is cut after each change: nothing of what was answered may be gone.
#[tokio::test]
async fn what_was_answered_is_so_after_a_power_cut() {
    let (data, disk) = (tempdir().unwrap(), ForgetfulFiles::new());
    let running = start(&disk, data.path()).await;
    filled(&running, 6).await;
    running.broker.set_topic_properties(&topic(), [("a".to_owned(), "b".to_owned())].into()).unwrap();
    let noted: Properties = [("c".to_owned(), "d".to_owned())].into();
    let last = running.broker.last_message(&topic()).unwrap();
    let entry = |entry| MessageId::new(last.ledger, entry);
    let changes: [Change<'_>; 8] = [
        (
            &|broker| broker.create_subscription(&topic(), "sub", SubscriptionStart::Earliest, noted.clone()),
            &[("sub", 6)],
        ),
        (&|broker| broker.skip(&topic(), "sub", 2), &[("sub", 4)]),
        (
            &|broker| {
                let expired = Expired::Through(entry(2));
                broker.expire_messages(&topic(), "sub", expired)
            },
            &[("sub", 3)],
        ),
        (&|broker| broker.clear_backlog(&topic(), "sub"), &[("sub", 0)]),
        (
            &|broker| {
                let to = SubscriptionStart::At { id: entry(4), excluded: false };
                broker.reset_cursor(&topic(), "sub", to)
            },
            &[("sub", 2)],
        ),
        (
            &|broker| {
                broker.create_subscription(&topic(), "new", SubscriptionStart::Earliest, Properties::new())
            },
            &[("new", 6), ("sub", 2)],
        ),
        (&|broker| broker.truncate(&topic()), &[("new", 0), ("sub", 0)]),
        (&|broker| broker.delete_subscription(&topic(), "new", false), &[("sub", 0)]),
    ];
    let mut running = running;
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        change(&running.broker).unwrap();
        assert_eq!(backlogs(&running.broker), expect(expected), "after change {number}");
        disk.cut_power_after(0);
        running.crash().await;
        disk.forget();
        running = start(&disk, data.path()).await;
        assert_eq!(backlogs(&running.broker), expect(expected), "after the cut behind change {number}");
        assert_eq!(running.broker.subscription_properties(&topic(), "sub").unwrap(), noted);
    }
    assert_eq!(running.broker.topic_properties(&topic()).unwrap()["a"], "b");
    running
        .broker
        .create_subscription(&topic(), "late", SubscriptionStart::Earliest, Properties::new())
        .unwrap();
    assert_eq!(backlogs(&running.broker), expect(&[("late", 0), ("sub", 0)]), "what was truncated is gone");

    assert_eq!(running.broker.terminate(&topic()).unwrap(), entry(5));
    disk.cut_power_after(0);
    running.crash().await;
    disk.forget();
    let running = start(&disk, data.path()).await;
    let mut producer = running.peer().await;
    let Command::Error(refusal) = producer.open_producer(TOPIC, Some("p")).await else { panic!("let in") };
    assert_eq!(refusal.error(), ServerError::TopicTerminatedError);
    running.broker.delete_topic(&topic(), true).unwrap();
    filled(&running, 1).await;
    assert!(
        running.broker.topic_properties(&topic()).unwrap().is_empty(),
        "a new topic has nothing of the old"
    );
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_written_down_is_refused_and_is_as_before() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let running = Running::start_on(&disk, data.path()).await;
    filled(&running, 3).await;
    let broker = &running.broker;
    broker.create_subscription(&topic(), "sub", SubscriptionStart::Earliest, Properties::new()).unwrap();
    disk.refuse_metadata(true);
    let refused = [
        broker.create_subscription(&topic(), "new", SubscriptionStart::Earliest, Properties::new()),
        broker.delete_subscription(&topic(), "sub", true),
        broker.skip(&topic(), "sub", 1),
        broker.clear_backlog(&topic(), "sub"),
        broker.reset_cursor(&topic(), "sub", SubscriptionStart::Latest),
        broker.truncate(&topic()),
        broker.terminate(&topic()).map(drop),
        broker.set_topic_properties(&topic(), [("a".to_owned(), "b".to_owned())].into()),
    ];
    for (number, answer) in refused.into_iter().enumerate() {
        assert!(matches!(answer, Err(AdminError::Metadata(_))), "{number}: {answer:?}");
    }
    disk.refuse_metadata(false);
    assert_eq!(backlogs(broker), expect(&[("sub", 3)]));
    assert!(broker.topic_properties(&topic()).unwrap().is_empty());
    filled(&running, 1).await;
    assert_eq!(backlogs(broker), expect(&[("sub", 4)]), "it is not terminated");
    running.stop().await;
}

#[tokio::test]
async fn consumers_of_a_terminated_topic_hear_when_they_have_had_it_all() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    filled(&running, 1).await;
    let mut producer = running.peer().await;
    producer.open_producer(TOPIC, Some("q")).await;
    let mut consumer = running.peer().await;
    consumer.subscribe(TOPIC, SubType::Exclusive).await;
    running.broker.terminate(&topic()).unwrap();
    let Command::SendError(refusal) = producer.send(0, "late").await else { panic!("taken") };
    assert_eq!(refusal.error(), ServerError::TopicTerminatedError);
    consumer.flow(10).await;
    let (id, _, body) = consumer.message().await;
    assert_eq!(body, "0");
    consumer.say(&ack(id)).await;
    assert_eq!(consumer.answer().await, Command::reached_end(5));
    assert_eq!(consumer.answer().await, Command::ack_response(5, 12));
    // Who comes later hears it at once.
    let mut late = running.peer().await;
    late.subscribe_as(TOPIC, "late", SubType::Exclusive).await;
    late.flow(10).await;
    let (id, ..) = late.message().await;
    late.say(&ack(id)).await;
    assert_eq!(late.answer().await, Command::reached_end(5));
    running.stop().await;
}
