//! The topic of all events and the context's own have the same events, which leave together once rows go in batches.

use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, RelayOptions};

use crate::{
    routing::{a_message, append_message},
    support::{Stage, names, subjects},
};

const OWN: &str = "persistent://public/default/own";
/// As many as a session may have on its way: it sends so many one by one.
const ONE_BY_ONE: usize = 4_096;

fn options() -> RelayOptions {
    RelayOptions { topic: Some(OWN.to_owned()), ..RelayOptions::new("commissions") }
}

/// Those that were sent one by one are before them, and what goes to one of them by itself is where its row is.
#[tokio::test]
async fn both_have_every_event_in_the_order_of_the_rows() {
    let stage = Stage::set().await;
    let append_to = async |topic: &str, payload: &'static [u8]| {
        append_message(&stage, a_message(&stage, topic, payload)).await.unwrap();
    };
    stage.append_together(names(ONE_BY_ONE - 10)).await;
    stage.append_together(names(30)).await;
    append_to(OWN, b"amid").await;
    stage.append_together(names(700)).await;
    // More than may be open at once.
    for number in 0..70 {
        append_to(&format!("persistent://public/default/dead-{number}"), b"dead").await;
    }
    append_to(OWN, b"last").await;
    let relay = stage.relay_with(options());
    stage.drained().await;
    relay.stop().await;
    let events = stage.on(EVENTS_TOPIC, "all").await;
    let expected: Vec<String> = names(ONE_BY_ONE - 10).chain(names(30)).chain(names(700)).collect();
    assert_eq!(subjects(&events), expected);
    assert_eq!(stage.messages(RAW_TOPIC, "all").await.len(), expected.len());
    let mut own = stage.on(OWN, "all").await;
    assert_eq!(own.pop().as_deref(), Some("last"));
    assert_eq!(own.remove(ONE_BY_ONE + 20), "amid");
    assert_eq!(own, events);
}

/// Their messages are not the same then: each says its partition.
#[tokio::test]
async fn both_have_every_event_where_one_has_partitions() {
    let stage = Stage::with_partitions(3).await;
    stage.append_together(names(ONE_BY_ONE + 500)).await;
    let relay = stage.relay_with(options());
    stage.drained().await;
    relay.stop().await;
    let own = subjects(&stage.on(OWN, "all").await);
    assert_eq!(own, names(ONE_BY_ONE + 500).collect::<Vec<_>>());
    let mut events = subjects(&stage.on(EVENTS_TOPIC, "all").await);
    events.sort_by_key(|subject| subject.trim_start_matches("com-").parse::<u32>().unwrap());
    assert_eq!(events, own);
}
