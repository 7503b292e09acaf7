//! Each row is on both topics once, in the order of the commits.

use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, RelayOptions};
use serde_json::Value;
use tokio::time::timeout;

use crate::support::{PATIENCE, Stage, names, subjects, until};

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

/// Whoever shares nothing but the file with the relay cannot wake it: it looks by itself. A sleeping relay has been
/// woken before, so that its first look finds nothing.
#[tokio::test]
async fn rows_that_another_process_commits_are_published_in_the_order_of_all_commits() {
    let stage = Stage::set().await;
    let other = stage.opened_again().await;
    let relay = stage.relay();
    for round in 0..3 {
        stage.append([format!("own-{round}")]).await;
        stage.drained().await;
        stage.append_by(&other, [format!("other-{round}")]).await;
        stage.drained().await;
    }
    let expected = (0..3).flat_map(|round| [format!("own-{round}"), format!("other-{round}")]);
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), expected.collect::<Vec<_>>());
    assert_eq!(stage.messages(RAW_TOPIC, "all").await.len(), 6);
    relay.stop().await;
    other.close().await;
}

/// What has no receipt by then, the next start settles.
#[tokio::test]
async fn a_relay_stops_although_the_broker_is_away() {
    let mut stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.drained().await;
    stage.stop_broker().await;
    stage.append(names(5).skip(3)).await;
    until(&relay, |status| status.num_received_from_source == 5).await;
    timeout(PATIENCE, relay.stop()).await.expect("it does not wait for the broker");
    stage.start_broker().await;
    let relay = stage.relay();
    stage.drained().await;
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(5).collect::<Vec<_>>());
    relay.stop().await;
}

/// Each is larger than a message may be: it goes in parts, holds nobody up, and is there once though it is sent again.
#[tokio::test]
async fn rows_of_any_size_are_published() {
    let stage = Stage::set().await;
    let relay = stage.relay();
    for _ in 0..3 {
        stage.append_large("large").await;
    }
    stage.append(names(1)).await;
    stage.drained().await;
    relay.stop().await;

    stage.take_back(1).await;
    let relay = stage.relay();
    stage.append_large("last").await;
    stage.drained().await;
    relay.stop().await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let messages = stage.messages(topic, "all").await;
        let sizes: Vec<bool> = messages.iter().map(|message| message.payload.len() > 6 << 20).collect();
        assert_eq!(sizes, [true, true, true, false, true], "{topic}");
        let last = messages[4].id.entry;
        assert!(last >= 8, "{topic}: entry {last} ends five messages, of which four are in parts");
    }
    let subjects = subjects(&stage.on(EVENTS_TOPIC, "again").await);
    assert_eq!(subjects, ["large", "large", "large", "com-0", "last"]);
}

#[tokio::test]
async fn two_services_share_the_topics() {
    let stage = Stage::set().await;
    let other = Stage::set().await;
    let relay = stage.relay();
    let options = RelayOptions::new("campaigns");
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

/// The context's own topic may be named when there are rows already: it begins with the next one.
#[tokio::test]
async fn a_contexts_own_topic_has_its_events_once_from_when_it_was_named() {
    const OWN: &str = "persistent://public/default/comisiones.eventos";
    let mut stage = Stage::set().await;
    let relay = stage.relay();
    stage.append(names(3)).await;
    stage.drained().await;
    relay.stop().await;
    let options = || RelayOptions { topic: Some(OWN.to_owned()), ..RelayOptions::new("commissions") };
    for until in [20, 40, 60] {
        let relay = stage.relay_with(options());
        stage.append(names(until).skip(until - 17)).await;
        stage.stop_broker().await;
        stage.append(names(until + 3).skip(until)).await;
        stage.start_broker().await;
        stage.drained().await;
        relay.stop().await;
    }
    let expected: Vec<_> = names(63).skip(3).collect();
    assert_eq!(subjects(&stage.on(OWN, "all").await), expected);
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), names(63).collect::<Vec<_>>());
}
