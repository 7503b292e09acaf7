//! Producers that want a topic for themselves.

use hexalpes_wire::proto::{
    Command, CommandCloseProducer, CommandProducer, CommandProducerSuccess, ProducerAccessMode, ServerError,
};
use tempfile::tempdir;

use crate::peer::{Peer, Running};

const TOPIC: &str = "persistent://public/default/orders";

async fn open_at(
    peer: &mut Peer,
    name: &str,
    access: ProducerAccessMode,
    topic_epoch: Option<u64>,
) -> Command {
    let producer = CommandProducer {
        topic: TOPIC.to_owned(),
        producer_id: 1,
        request_id: 10,
        producer_name: Some(name.to_owned()),
        producer_access_mode: Some(access.into()),
        topic_epoch,
        ..CommandProducer::default()
    };
    peer.ask(&Command::Producer(Box::new(producer))).await
}

async fn open(peer: &mut Peer, name: &str, access: ProducerAccessMode) -> Command {
    open_at(peer, name, access, None).await
}

async fn close(peer: &mut Peer) {
    let close = CommandCloseProducer { producer_id: 1, request_id: 12, ..CommandCloseProducer::default() };
    assert_eq!(peer.ask(&Command::CloseProducer(close)).await, Command::success(12));
}

/// That the producer is in, at this epoch.
fn is_in(answer: &Command, name: &str, epoch: Option<u64>) {
    assert_eq!(*answer, Command::producer_success(10, name, None).with_topic_epoch(epoch));
}

fn waits(answer: &Command) -> bool {
    matches!(answer, Command::ProducerSuccess(CommandProducerSuccess { producer_ready: Some(false), .. }))
}

fn refusal(answer: Command) -> ServerError {
    let Command::Error(refusal) = answer else { panic!("{answer:?} is no refusal") };
    refusal.error()
}

#[tokio::test]
async fn an_exclusive_producer_keeps_others_out_and_is_kept_out_by_them() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let (mut alone, mut other) = (running.peer().await, running.peer().await);
    is_in(&open(&mut alone, "alone", ProducerAccessMode::Exclusive).await, "alone", Some(0));
    let refused = open(&mut other, "other", ProducerAccessMode::Shared).await;
    assert_eq!(refusal(refused), ServerError::ProducerBusy);
    let refused = open(&mut other, "other", ProducerAccessMode::Exclusive).await;
    assert_eq!(refusal(refused), ServerError::ProducerFenced);
    close(&mut alone).await;
    is_in(&open(&mut other, "other", ProducerAccessMode::Shared).await, "other", Some(0));
    let refused = open(&mut alone, "alone", ProducerAccessMode::Exclusive).await;
    assert_eq!(refusal(refused), ServerError::ProducerFenced);
    running.stop().await;
}

#[tokio::test]
async fn who_waits_gets_the_topic_in_turn_when_it_is_left() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peers = Vec::new();
    for _ in 0..4 {
        peers.push(running.peer().await);
    }
    let [first, second, third, shared] = &mut peers[..] else { panic!("four") };
    is_in(&open(shared, "shared", ProducerAccessMode::Shared).await, "shared", None);
    for (peer, name) in [(&mut *first, "first"), (&mut *second, "second"), (&mut *third, "third")] {
        assert!(waits(&open(peer, name, ProducerAccessMode::WaitForExclusive).await), "{name}");
    }
    close(shared).await;
    is_in(&first.answer().await, "first", Some(0));
    let refused = open(shared, "shared", ProducerAccessMode::Shared).await;
    assert_eq!(refusal(refused), ServerError::ProducerBusy, "others wait");
    // One that gives up does not get it.
    close(second).await;
    assert_eq!(running.stats(TOPIC)["publishers"][0]["accessMode"], "WaitForExclusive");
    drop(peers.remove(0));
    let third = &mut peers[1];
    is_in(&third.answer().await, "third", Some(1));
    assert!(matches!(third.send(0, "alone").await, Command::SendReceipt(_)));
    running.stop().await;
}

#[tokio::test]
async fn who_fences_sends_away_all_others_for_good() {
    let data = tempdir().unwrap();
    let mut running = Running::start(data.path()).await;
    let (mut before, mut waiting, mut fencing) =
        (running.peer().await, running.peer().await, running.peer().await);
    is_in(&open(&mut before, "before", ProducerAccessMode::Exclusive).await, "before", Some(0));
    assert!(waits(&open(&mut waiting, "waiting", ProducerAccessMode::WaitForExclusive).await));
    is_in(&open(&mut fencing, "fencing", ProducerAccessMode::ExclusiveWithFencing).await, "fencing", Some(1));
    assert_eq!(before.answer().await, Command::close_producer(1));
    assert_eq!(refusal(waiting.answer().await), ServerError::ProducerFenced);
    for access in [
        ProducerAccessMode::Exclusive,
        ProducerAccessMode::WaitForExclusive,
        ProducerAccessMode::ExclusiveWithFencing,
    ] {
        let back = open_at(&mut before, "before", access, Some(0)).await;
        assert_eq!(refusal(back), ServerError::ProducerFenced, "{access:?}");
    }
    running.stop().await;

    running = Running::start(data.path()).await;
    let (mut before, mut fencing) = (running.peer().await, running.peer().await);
    let back = open_at(&mut before, "before", ProducerAccessMode::Exclusive, Some(0)).await;
    assert_eq!(refusal(back), ServerError::ProducerFenced);
    let back = open_at(&mut fencing, "fencing", ProducerAccessMode::ExclusiveWithFencing, Some(1)).await;
    is_in(&back, "fencing", Some(1));
    running.stop().await;
}
