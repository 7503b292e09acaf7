//! Sends whose fate is not known yet: the disk has been asked and does not answer.

use std::{path::Path, time::Duration};

use hexalpes_broker::{HealthError, Policy};
use hexalpes_wire::proto::{Command, ServerError, SubType};
use tempfile::tempdir;

use crate::{
    faulty::{FaultyFiles, Syncs},
    peer::{Peer, Running, payload, until},
};

const TOPIC: &str = "persistent://public/default/orders";

/// A broker that drops duplicates, whose disk is at a sync that does not end: another topic's.
async fn stuck(disk: &FaultyFiles, data: &Path) -> (Running, Peer) {
    let running = Running::start_on(disk, data).await;
    running.broker.set_policy("public/default", Policy::Deduplication, true.into()).unwrap();
    running.broker.create_topic(&TOPIC.parse().unwrap()).unwrap();
    let mut other = running.peer_aside().await;
    other.open_producer("persistent://public/default/other", Some("other")).await;
    disk.syncs(Syncs::Held);
    other.say_send(0, &payload(0, "other")).await;
    until(|| disk.holds_a_sync()).await;
    (running, other)
}

async fn producing(running: &Running) -> Peer {
    let mut producer = running.peer().await;
    let opened = producer.open_producer(TOPIC, Some("p")).await;
    assert_eq!(opened, Command::producer_success(10, "p", None));
    producer
}

/// That the broker has read all that was said to it, and had nothing to answer but this.
async fn assert_silent(peer: &mut Peer) {
    assert_eq!(peer.ask(&Command::ping()).await, Command::pong());
}

fn assert_not_stored(answer: &Command, sequence_id: u64) {
    let Command::SendError(refusal) = answer else { panic!("{answer:?} is no refusal") };
    assert_eq!((refusal.sequence_id, refusal.error()), (sequence_id, ServerError::PersistenceError));
}

fn assert_stored(answer: &Command, sequence_id: u64) {
    let Command::SendReceipt(receipt) = answer else { panic!("{answer:?} is no receipt") };
    assert_eq!(receipt.sequence_id, sequence_id);
    assert!(receipt.message_id.as_ref().is_some_and(|id| id.ledger_id != u64::MAX), "{receipt:?}");
}

#[tokio::test]
async fn a_duplicate_of_what_is_in_flight_gets_its_receipt_when_that_is_stored() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let (running, mut other) = stuck(&disk, data.path()).await;
    let mut gone = producing(&running).await;
    gone.say_send(0, &payload(0, "first")).await;
    gone.say_send(1, &payload(1, "second")).await;
    assert_silent(&mut gone).await;
    drop(gone);
    let mut producer = running.peer().await;
    while !matches!(producer.open_producer(TOPIC, Some("p")).await, Command::ProducerSuccess(_)) {}
    for (sequence_id, body) in [(0, "first"), (1, "second"), (2, "third")] {
        producer.say_send(sequence_id, &payload(sequence_id, body)).await;
    }
    assert_silent(&mut producer).await;

    disk.syncs(Syncs::Done);
    assert_stored(&other.answer().await, 0);
    assert_eq!(producer.answer().await, Command::duplicate_receipt(1, 0, 0));
    assert_eq!(producer.answer().await, Command::duplicate_receipt(1, 1, 1));
    assert_stored(&producer.answer().await, 2);
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(TOPIC, SubType::Exclusive).await, Command::success(11));
    consumer.flow(10).await;
    for body in ["first", "second", "third"] {
        assert_eq!(consumer.message().await.2, body);
    }
    assert_silent(&mut consumer).await;
    running.stop().await;
}

#[tokio::test]
async fn a_duplicate_of_what_is_in_flight_fails_with_it() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let (running, mut other) = stuck(&disk, data.path()).await;
    let mut producer = producing(&running).await;
    for _ in 0..2 {
        producer.say_send(0, &payload(0, "first")).await;
    }
    producer.say_send(1, &payload(1, "second")).await;
    assert_silent(&mut producer).await;

    disk.syncs(Syncs::Failed);
    assert_not_stored(&other.answer().await, 0);
    for sequence_id in [0, 0, 1] {
        assert_not_stored(&producer.answer().await, sequence_id);
    }
    running.crash().await;
}

#[tokio::test]
async fn after_a_message_that_was_not_stored_none_is_until_the_producer_is_opened_again() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let (running, _other) = stuck(&disk, data.path()).await;
    let mut producer = producing(&running).await;
    let large = "x".repeat(5 << 20);
    // So many that no more may wait for the disk.
    for sequence_id in 0..14 {
        producer.say_send(sequence_id, &payload(sequence_id, &large)[..]).await;
    }
    assert_not_stored(&producer.answer().await, 13);

    disk.syncs(Syncs::Done);
    for sequence_id in 0..13 {
        assert_stored(&producer.answer().await, sequence_id);
    }
    assert_not_stored(&producer.send(14, "behind the gap").await, 14);
    let opened = producer.open_producer(TOPIC, Some("p")).await;
    assert_eq!(opened, Command::producer_success(10, "p", Some(12)));
    for sequence_id in [13, 14] {
        assert_stored(&producer.send(sequence_id, "sent again").await, sequence_id);
    }
    running.stop().await;
}

/// The entry that could not be synced in time is there later, and the broker healthy again.
#[tokio::test]
async fn a_disk_that_does_not_answer_is_not_healthy_until_it_does() {
    let (data, disk) = (tempdir().unwrap(), FaultyFiles::default());
    let (running, _other) = stuck(&disk, data.path()).await;
    let checked = running.broker.check_log(Duration::from_millis(50)).await;
    assert!(matches!(checked, Err(HealthError::Slow { .. })), "{checked:?}");
    disk.syncs(Syncs::Done);
    running.broker.check_log(Duration::from_secs(20)).await.unwrap();
    running.stop().await;
}
