//! A key that waits holds back its own events, and no others.

use crate::support::{Stage, done, failing, good, until};

#[tokio::test]
async fn a_key_that_waits_holds_back_no_other() {
    let stage = Stage::set().await;
    let poisoned = failing("poison", "k0", "transient", 0);
    let behind = (0..5).map(|number| good(&format!("behind-{number}"), "k0"));
    let others = (1..200).map(|number| good(&format!("other-{number}"), &format!("k{number}")));
    stage.send([poisoned].into_iter().chain(behind).chain(others)).await;
    let mut options = stage.options();
    options.patience.transient_min = crate::support::PATIENCE;
    options.patience.transient_max = crate::support::PATIENCE;
    let consumer = stage.start_with(options);
    let status = until(&consumer, |status| status.handled == 199).await;
    assert_eq!((status.held, status.waiting_keys, status.dead_letters), (6, 1, 0));
    consumer.stop().await;
}

#[tokio::test]
async fn the_order_of_a_key_holds_across_retries() {
    let stage = Stage::set().await;
    let mut messages = Vec::new();
    for number in 0..10 {
        let how = ["transient", "unexpected", "panic"][number % 3];
        messages.push(failing(&format!("a-{number}"), "a", how, 1 + u32::try_from(number % 3).unwrap()));
        messages.push(good(&format!("b-{number}"), "b"));
    }
    stage.send(messages).await;
    let consumer = stage.start();
    until(&consumer, |status| done(status) == 20).await;
    consumer.stop().await;
    let effects = stage.effects().await;
    for key in ["a", "b"] {
        let of_key: Vec<_> = effects.iter().filter(|name| name.starts_with(key)).cloned().collect();
        let expected: Vec<_> = (0..10).map(|number| format!("{key}-{number}")).collect();
        assert_eq!(of_key, expected);
    }
}

/// What was held back was not acked, so it comes again, in its order.
#[tokio::test]
async fn a_restart_in_the_middle_keeps_the_order_of_a_key() {
    let stage = Stage::set().await;
    let first = failing("a-0", "a", "transient", 2);
    stage.send([first].into_iter().chain((1..20).map(|number| good(&format!("a-{number}"), "a")))).await;
    let consumer = stage.start();
    until(&consumer, |status| status.repeated >= 1).await;
    consumer.stop().await;
    let consumer = stage.start();
    while stage.effects().await.len() < 20 {
        hexalpes_engines::a_moment().await;
    }
    consumer.stop().await;
    let expected: Vec<_> = (0..20).map(|number| format!("a-{number}")).collect();
    assert_eq!(stage.effects().await, expected);
}
