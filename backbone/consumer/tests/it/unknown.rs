//! An event that names something not yet heard of waits for it, within bounds.

use std::{sync::atomic::Ordering, time::Duration};

use crate::support::{Stage, failing, good, property, until};

#[tokio::test]
async fn an_event_waits_for_what_it_names_and_its_runs_are_not_counted() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    stage.send([failing("a", "k", "unknown", 0), good("b", "k"), good("c", "other")]).await;
    // More looks than there are runs.
    until(&consumer, |status| status.repeated > 10 && status.handled == 1).await;
    stage.puppet.knows.store(true, Ordering::SeqCst);
    let status = until(&consumer, |status| status.handled == 3).await;
    assert_eq!(status.dead_letters, 0);
    consumer.stop().await;
    assert_eq!(stage.effects().await, ["c", "a", "b"]);
    assert_eq!(stage.count("inbox_run").await, 0);
}

#[tokio::test]
async fn waiting_has_an_end_also_across_restarts() {
    let stage = Stage::set().await;
    stage.send([failing("a", "k", "unknown", 0)]).await;
    let consumer = stage.start();
    until(&consumer, |status| status.repeated > 0).await;
    consumer.stop().await;
    let mut options = stage.options();
    options.patience.unknown_max = Duration::ZERO;
    let consumer = stage.start_with(options);
    until(&consumer, |status| status.dead_letters == 1).await;
    consumer.stop().await;
    let letters = stage.letters().await;
    assert_eq!(property(&letters[0], "dlq_code"), Some("unknown"));
    assert_eq!(
        property(&letters[0], "dlq_reason"),
        Some("sale s-1 is not known here; it was waited for 0 s")
    );
}
