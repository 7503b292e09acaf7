//! Each row is on both topics once, in the order of the commits.

use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};
use serde_json::Value;

use crate::support::{Stage, names, subjects};

/// Accepts S3-TOP-1, S3-TOP-2, S4-OUT-1.
#[tokio::test]
async fn every_row_is_on_both_topics_in_the_order_of_the_commits() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(50)).await;
    stage.drained().await;

    let events = stage.on(EVENTS_TOPIC, "all").await;
    assert_eq!(subjects(&events), names(50).collect::<Vec<_>>());
    assert!(events[0].contains("Ñandú & Cía 📡"));
    let changes = stage.on(RAW_TOPIC, "all").await;
    let change: Value = serde_json::from_str(&changes[49]).unwrap();
    assert_eq!((changes.len(), &change["op"], &change["after"]["seq"]), (50, &"c".into(), &50.into()));
    relay.stop().await;
}

/// More than may be on their way at once, so that rows go one by one and in batches, and wait for room.
#[tokio::test]
async fn a_long_backlog_drains_in_order() {
    const ROWS: usize = 12_000;
    let stage = Stage::set().await;
    stage.append_together(names(ROWS)).await;
    let relay = stage.relay();
    stage.drained().await;
    let expected: Vec<_> = names(ROWS).collect();
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), expected);
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), ROWS);
    relay.stop().await;
}

/// Accepts S3-QS-5.
#[tokio::test]
async fn while_the_broker_is_away_commands_go_on_and_the_outbox_drains_on_its_return() {
    let mut stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.drained().await;
    stage.stop_broker().await;
    stage.append(names(30).skip(3)).await;
    stage.start_broker().await;
    stage.drained().await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(30).collect::<Vec<_>>());
    relay.stop().await;
}

#[tokio::test]
async fn two_services_share_the_topics() {
    let stage = Stage::set().await;
    let other = Stage::set().await;
    let relay = stage.relay();
    let options = hexalpes_outbox::RelayOptions::new("campaigns");
    let edge = std::sync::Arc::clone(&other.edge);
    let second = hexalpes_outbox::Relay::start(other.db.clone(), stage.client(), edge, options);
    stage.append(names(20)).await;
    other.append((0..20).map(|number| format!("camp-{number}"))).await;
    stage.drained().await;
    other.drained().await;
    let subjects = subjects(&stage.on(EVENTS_TOPIC, "all").await);
    let (of_one, of_other): (Vec<_>, Vec<_>) =
        subjects.into_iter().partition(|name| name.starts_with("com-"));
    assert_eq!(of_one, names(20).collect::<Vec<_>>());
    assert_eq!(of_other.len(), 20);
    relay.stop().await;
    second.stop().await;
}
