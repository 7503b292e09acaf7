//! What an operator does with a relay: it is done, noted, and still so after a restart.

use std::slice;

use hexalpes_kernel::Edge;
use hexalpes_outbox::{EVENTS_TOPIC, PageOrder, Status, operate, page};

use crate::{
    memory::{Memory, MemorySource},
    support::{Stage, because, names, subjects, until},
};

#[tokio::test]
async fn a_paused_relay_publishes_nothing_until_it_is_resumed_also_after_a_restart() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.drained().await;
    relay.pause(&because("the cluster moves")).await.unwrap();
    let paused = until(&relay, |status| status.standby.is_some()).await;
    let standby = "it is paused by ops, since 2025-01-15T10:30:00Z: the cluster moves";
    assert_eq!((paused.running, paused.standby.as_deref(), paused.alarm), (false, Some(standby), None));
    stage.append(names(5).skip(3)).await;
    relay.stop().await;
    let relay = stage.relay();
    until(&relay, |status| status.standby.is_some()).await;
    assert_eq!(stage.on(EVENTS_TOPIC, "before").await.len(), 3);
    relay.resume(&because("it has moved")).await.unwrap();
    stage.drained().await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(5).collect::<Vec<_>>());
    relay.stop().await;
    let deeds = operate::deeds(&stage.db, 10).await.unwrap();
    let told: Vec<_> = deeds.iter().map(|deed| (&*deed.what, &*deed.who, &*deed.why)).collect();
    assert_eq!(told, [("resume", "ops", "it has moved"), ("pause", "ops", "the cluster moves")]);
}

/// A pause by another process.
#[tokio::test]
async fn a_pause_in_the_database_reaches_a_relay_at_work() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    until(&relay, |status| status.running).await;
    let edge: &dyn Edge = &*stage.edge;
    operate::pause(&stage.db, edge, &because("a look")).await.unwrap();
    until(&relay, |status| status.standby.is_some()).await;
    operate::resume(&stage.db, edge, &because("seen")).await.unwrap();
    until(&relay, |status| status.running).await;
    relay.stop().await;
}

/// Processes that share what a relay has come to: what one of them does, the relays of the others notice.
#[tokio::test]
async fn a_relay_that_is_kept_out_or_forgotten_waits_until_it_may_begin() {
    let stage = Stage::set().await;
    let edge: &dyn Edge = &*stage.edge;
    let says =
        |status: &Status, why: &str| status.standby.as_ref().is_some_and(|standby| standby.contains(why));
    operate::begin(&stage.db, edge, "first", true).await.unwrap();
    let relay = stage.relay();
    until(&relay, |status| status.running).await;
    operate::keep_out(&stage.db).await.unwrap();
    until(&relay, |status| says(status, "being begun anew")).await;
    operate::let_in(&stage.db).await.unwrap();
    until(&relay, |status| status.running).await;
    // Who kept it out died; who starts it again lets it in.
    operate::keep_out(&stage.db).await.unwrap();
    until(&relay, |status| says(status, "being begun anew")).await;
    operate::begin(&stage.db, edge, "first", true).await.unwrap();
    until(&relay, |status| status.running).await;

    // One that has it still does not begin it; who makes another one does.
    operate::forget(&stage.db, edge, "first").await.unwrap();
    until(&relay, |status| says(status, "forgotten")).await;
    operate::begin(&stage.db, edge, "first", true).await.unwrap();
    operate::let_in(&stage.db).await.unwrap();
    let late = stage.relay();
    until(&late, |status| says(status, "forgotten")).await;
    late.stop().await;
    operate::begin(&stage.db, edge, "second", true).await.unwrap();
    until(&relay, |status| status.running).await;

    // Paused before, it stays so.
    operate::pause(&stage.db, edge, &because("a look")).await.unwrap();
    operate::keep_out(&stage.db).await.unwrap();
    operate::let_in(&stage.db).await.unwrap();
    until(&relay, |status| says(status, "a look")).await;
    relay.stop().await;
}

/// Begun anew it would not get further the next time.
#[tokio::test]
async fn a_pause_amid_a_transaction_takes_effect_behind_it() {
    const ROWS: usize = 3_000;
    let (stage, memory) = (Stage::set().await, Memory::new());
    memory.steps_of(100);
    let relay = stage.begun_log_relay(&memory).await;
    stage.append_together(names(ROWS + 5)).await;
    let rows = page(&stage.db, PageOrder::OldestFirst, None, 10_000).await.unwrap();
    let (begun, later) = rows.split_at(ROWS);
    memory.commit_rows(begun);
    until(&relay, |status| status.num_received_from_source > 0).await;
    memory.close();
    relay.pause(&because("a look")).await.unwrap();
    for row in later {
        memory.commit_rows(slice::from_ref(row));
    }
    memory.open();
    until(&relay, |status| status.standby.is_some()).await;
    let sent = stage.messages(EVENTS_TOPIC, "paused").await.len();
    assert!((ROWS..=ROWS + 5).contains(&sent), "{sent} rows are sent");
    relay.resume(&because("seen")).await.unwrap();
    stage.marked(&relay, ROWS + 5).await;
    relay.stop().await;
    stage.assert_as_committed(&memory).await;
}

/// After a failover: what is not marked is published from the table, the rest from the new log.
#[tokio::test]
async fn after_an_alarm_a_new_snapshot_publishes_what_is_not_published() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append(names(6)).await;
    memory.commit(&stage.db, &[1, 2, 3]).await;
    stage.marked(&relay, 3).await;
    relay.stop().await;
    memory.commit(&stage.db, &[5, 4]).await;
    memory.fail_over("two");
    let relay = stage.log_relay(&memory);
    until(&relay, |status| status.alarm.is_some() && !status.running).await;
    operate::resnapshot(&stage.db, &*stage.edge, &because("failover")).await.unwrap();
    relay.restart().await;
    stage.marked(&relay, 5).await;
    memory.commit(&stage.db, &[6]).await;
    stage.marked(&relay, 6).await;
    assert_eq!((relay.status().alarm, relay.status().running), (None, true));
    relay.stop().await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(6).collect::<Vec<_>>());
}

/// Of six rows four are committed, of which two were published when the relay ended.
async fn two_of_four_published() -> (Stage, Memory) {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append(names(6)).await;
    memory.commit(&stage.db, &[1, 2]).await;
    stage.marked(&relay, 2).await;
    relay.stop().await;
    memory.commit(&stage.db, &[3, 4]).await;
    (stage, memory)
}

#[tokio::test]
async fn what_is_skipped_is_not_published_and_what_comes_then_is() {
    let (stage, memory) = two_of_four_published().await;
    memory.purge();
    let relay = stage.log_relay(&memory);
    until(&relay, |status| status.alarm.is_some() && !status.running).await;
    relay.skip(&because("they are told by hand")).await.unwrap();
    relay.restart().await;
    stage.begun_again().await;
    memory.commit(&stage.db, &[6, 5]).await;
    stage.marked(&relay, 4).await;
    relay.stop().await;
    let expected = ["com-0", "com-1", "com-5", "com-4"];
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), expected);
    assert_eq!(operate::deeds(&stage.db, 1).await.unwrap()[0].what, "skip");
}

/// The broker was away, or the relay paused, and what is committed until it comes to the log is none of what was given up.
#[tokio::test]
async fn what_is_committed_after_something_was_skipped_is_published_however_late_the_relay_comes_to_it() {
    let (stage, memory) = two_of_four_published().await;
    memory.fail_over("two");
    let source = MemorySource { memory: memory.clone(), db: stage.db.clone() };
    operate::pause(&stage.db, &*stage.edge, &because("a look")).await.unwrap();
    operate::skip(&stage.db, &*stage.edge, &because("they are told by hand"), &source).await.unwrap();
    memory.commit(&stage.db, &[6, 5]).await;
    let relay = stage.log_relay(&memory);
    until(&relay, |status| status.standby.as_ref().is_some_and(|why| why.contains("a look"))).await;
    operate::resume(&stage.db, &*stage.edge, &because("seen")).await.unwrap();
    stage.marked(&relay, 4).await;
    relay.stop().await;
    let expected = ["com-0", "com-1", "com-5", "com-4"];
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), expected);
}
