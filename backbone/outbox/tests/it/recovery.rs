//! Whatever was forgotten, restored or reset: no row twice, none lost, and an alarm where nobody can know.

use hexalpes_client::{Outgoing, ProducerOptions};
use hexalpes_db::{DbError, Tx};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, Relay, reset};
use sea_query::{Expr, ExprTrait as _, Query};

use crate::support::{Stage, names, subjects, until};

/// A stage on which that many rows were published by a relay that ended.
async fn after_publishing(rows: usize) -> Stage {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(rows)).await;
    stage.drained().await;
    relay.stop().await;
    stage
}

async fn alarm(relay: Relay) -> String {
    let status = until(&relay, |status| status.alarm.is_some()).await;
    assert!(!status.running);
    relay.stop().await;
    status.alarm.unwrap()
}

/// As after a crash between the receipts and the checkpoint, or a checkpoint's transaction that failed.
#[tokio::test]
async fn rows_whose_checkpoint_was_lost_are_not_published_twice() {
    let stage = after_publishing(20).await;
    stage.take_back(5).await;
    let relay = stage.relay();
    stage.append(["last".to_owned()]).await;
    stage.drained().await;
    assert_eq!(stage.on(EVENTS_TOPIC, "all").await.len(), 21);
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), 21);
    relay.stop().await;
}

/// Its end is no message that anybody is given: the part of one that was cut, or one that is larger than readers take.
#[tokio::test]
async fn a_topic_that_ends_with_a_message_that_nobody_can_read_keeps_no_relay_from_its_work() {
    let stage = after_publishing(20).await;
    let options = ProducerOptions { chunking: true, ..ProducerOptions::default() };
    let other = stage.client().producer(EVENTS_TOPIC, options).await.unwrap();
    other.send(Outgoing::new(vec![0; 65 << 20])).await.unwrap();
    other.close().await;
    stage.take_back(5).await;
    let relay = stage.relay();
    stage.append(["last".to_owned()]).await;
    stage.drained().await;
    relay.stop().await;
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), 21);
}

/// Of those that are committed before the next start some are on the topics.
#[tokio::test]
async fn rows_of_three_relays_are_there_once_and_in_order() {
    let stage = after_publishing(20).await;
    stage.take_back(5).await;
    stage.append_together(names(40).skip(20)).await;
    let relay = stage.relay();
    stage.drained().await;
    stage.append_together(names(80).skip(40)).await;
    stage.drained().await;
    relay.stop().await;
    stage.take_back(30).await;
    let relay = stage.relay();
    stage.append_together(names(100).skip(80)).await;
    stage.drained().await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        assert_eq!(stage.messages(topic, "all").await.len(), 100);
    }
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "again").await), names(100).collect::<Vec<_>>());
    relay.stop().await;
}

#[tokio::test]
async fn a_database_that_was_restored_from_an_older_copy_stops_the_relay() {
    let stage = after_publishing(5).await;
    stage.take_back(2).await;
    stage.db.write(async |tx: &Tx| newer_than(tx, 2).await).await.unwrap();
    let alarm = alarm(stage.relay()).await;
    assert!(alarm.contains("restored from an older copy"), "{alarm}");
}

/// The numbers are there again, under other events.
#[tokio::test]
async fn a_restored_database_that_was_written_to_stops_the_relay() {
    let stage = after_publishing(5).await;
    stage.take_back(2).await;
    let forget = async |tx: &Tx| -> Result<(), DbError> {
        newer_than(tx, 2).await?;
        tx.execute(Query::update().table("sqlite_sequence").value("seq", 2_i64)).await.map(drop)
    };
    stage.db.write(forget).await.unwrap();
    stage.append(names(9)).await;
    let alarm = alarm(stage.relay()).await;
    assert!(alarm.contains("restored from an older copy and written to"), "{alarm}");
}

async fn newer_than(tx: &Tx, seq: i64) -> Result<(), DbError> {
    let delete = Query::delete().from_table("outbox_event").and_where(Expr::col("seq").gt(seq)).to_owned();
    tx.execute(&delete).await.map(drop)
}

#[tokio::test]
async fn a_topic_that_lost_what_was_published_stops_the_relay() {
    let mut stage = after_publishing(5).await;
    stage.stop_broker().await;
    std::fs::remove_dir_all(stage.broker_data()).unwrap();
    stage.start_broker().await;
    let alarm = alarm(stage.relay()).await;
    assert!(alarm.contains("its data was lost"), "{alarm}");
}

#[tokio::test]
async fn after_a_reset_new_rows_are_published_under_a_new_epoch() {
    let stage = after_publishing(5).await;
    stage.db.write(async |tx: &Tx| reset(tx).await).await.unwrap();
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.drained().await;
    let messages = stage.messages(EVENTS_TOPIC, "all").await;
    assert_eq!(messages.len(), 8);
    assert_ne!(messages[0].producer_name, messages[7].producer_name);
    relay.stop().await;
}

/// Who else publishes there does not disturb the reading of the topic's end.
#[tokio::test]
async fn foreign_messages_at_the_end_of_a_topic_are_passed_over() {
    let stage = after_publishing(20).await;
    let foreign = stage.client().producer(EVENTS_TOPIC, ProducerOptions::default()).await.unwrap();
    for _ in 0..5 {
        foreign.send(Outgoing::new("{}")).await.unwrap();
    }
    stage.take_back(5).await;
    let relay = stage.relay();
    stage.append(["last".to_owned()]).await;
    stage.drained().await;
    let events = stage.on(EVENTS_TOPIC, "all").await;
    let ours: Vec<_> = events.into_iter().filter(|event| event != "{}").collect();
    assert_eq!((ours.len(), subjects(&ours).pop().unwrap()), (21, "last".to_owned()));
    relay.stop().await;
}
