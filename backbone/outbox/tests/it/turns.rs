//! One relay a database is active; another takes over when it is gone.

use hexalpes_broker::Policy;
use hexalpes_client::{Access, ProducerOptions};
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, RelayOptions, operate::Reason};
use sea_query::Query;

use crate::support::{Stage, names, subjects, until};

#[tokio::test]
async fn a_second_relay_stands_by_and_takes_over_when_the_first_ends() {
    let stage = Stage::set().await;
    let first = stage.relay();
    stage.append(names(10)).await;
    until(&first, |status| status.num_written == 10).await;
    let second = stage.relay();
    let waiting = until(&second, |status| status.standby.is_some()).await;
    assert_eq!((waiting.running, waiting.alarm), (false, None));
    stage.append(names(20).skip(10)).await;
    until(&first, |status| status.num_written == 20).await;
    first.stop().await;
    stage.append(names(30).skip(20)).await;
    until(&second, |status| status.num_written == 10).await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(30).collect::<Vec<_>>());
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), 30);
    second.stop().await;
}

/// The broker went away with both waiting: whoever comes first goes on, the other stands by, nothing is twice.
#[tokio::test]
async fn two_relays_that_race_for_a_broker_publish_each_row_once() {
    let mut stage = Stage::set().await;
    let relays = [stage.relay(), stage.relay()];
    for round in 1..=5 {
        stage.append(names(100)).await;
        stage.stop_broker().await;
        stage.start_broker().await;
        stage.drained().await;
        assert_eq!(stage.on(EVENTS_TOPIC, &format!("round-{round}")).await.len(), 100 * round);
    }
    for relay in relays {
        relay.stop().await;
    }
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), 500);
}

/// Fenced: as if another relay had come in while this one had lost its connection.
#[tokio::test]
async fn a_relay_that_was_fenced_moves_no_checkpoint_before_it_has_its_turn_again() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(10)).await;
    until(&relay, |status| status.num_written == 10).await;
    take_over(&stage.db).await;
    stage.append(names(20).skip(10)).await;
    stage.drained().await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(20).collect::<Vec<_>>());
    assert_ne!(holder(&stage.db).await, "another");
    relay.stop().await;
}

/// What the one before was writing down when it ended may still be tried, and would go by a claim that is the same.
#[tokio::test]
async fn each_session_of_a_relay_has_a_claim_of_its_own() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(1)).await;
    stage.drained().await;
    let first = holder(&stage.db).await;
    let because = Reason { who: "ops".to_owned(), why: "a look".to_owned() };
    relay.pause(&because).await.unwrap();
    until(&relay, |status| status.standby.is_some()).await;
    relay.resume(&because).await.unwrap();
    stage.append(names(1)).await;
    stage.drained().await;
    assert_ne!(holder(&stage.db).await, first);
    relay.stop().await;
}

/// Whoever stands by waits for a relay. These wait for somebody to do something, so they say what.
#[tokio::test]
async fn a_topic_that_others_have_for_themselves_or_that_is_full_is_an_alarm() {
    const OWN: &str = "persistent://public/default/own";
    let stage = Stage::set().await;
    let alone = ProducerOptions { access: Access::Exclusive, ..ProducerOptions::default() };
    let other = stage.client().producer(OWN, alone).await.unwrap();
    let options = RelayOptions { topic: Some(OWN.to_owned()), ..RelayOptions::new("commissions") };
    let relay = stage.relay_with(options);
    stage.append(names(1)).await;
    let status = until(&relay, |status| status.alarm.is_some() || status.standby.is_some()).await;
    let alarm = status.alarm.unwrap();
    assert!(alarm.contains(OWN) && alarm.contains("exclusive producer"), "{alarm}");
    other.close().await;
    stage.drained().await;
    relay.stop().await;

    stage.broker().set_policy("public/default", Policy::MaxProducers, 1.into()).unwrap();
    let others = stage.client().producer(EVENTS_TOPIC, ProducerOptions::default()).await.unwrap();
    let relay = stage.relay();
    let status = until(&relay, |status| status.alarm.is_some() || status.standby.is_some()).await;
    let alarm = status.alarm.unwrap();
    assert!(alarm.contains("as many as it may have"), "{alarm}");
    others.close().await;
    stage.append(names(1)).await;
    stage.drained().await;
    relay.stop().await;
}

async fn take_over(db: &Db) {
    let update = Query::update().table("relay_checkpoint").value("holder", "another").to_owned();
    db.write(async move |tx: &Tx| tx.execute(&update).await.map(drop)).await.unwrap();
}

async fn holder(db: &Db) -> String {
    let select = Query::select().column("holder").from("relay_checkpoint").to_owned();
    db.read(async move |tx: &Tx| -> Result<String, DbError> { tx.fetch_one(&select).await?.get("holder") })
        .await
        .unwrap()
}
