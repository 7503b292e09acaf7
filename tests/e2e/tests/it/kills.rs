//! kill −9 at drawn points, while commands are under way.

use hexalpes_e2e::{Backbone, Crowd, Dice, Ledger, Product, nothing_is_lost_and_nothing_is_twice, rounds};

/// What issue 3 asks for.
const KILLS: usize = 50;
/// Of one part alone, with the other one running.
const KILLS_SPLIT: usize = 15;
const CLIENTS: usize = 12;
const COMMISSIONS_EACH: usize = 4;
/// Calculated and approved.
const ANSWERS: usize = CLIENTS * COMMISSIONS_EACH * 2;
/// Looks at a product that starts, at most; each takes some milliseconds.
const LOOKS: usize = 12;

/// Whoever is killed with requests under way must have cut some of them off, or the test shows nothing.
fn it_was_worth_it(ledger: &Ledger) {
    assert!(ledger.answered() > 0, "no command was answered");
    assert!(ledger.cut_off() > 0, "no command was cut off");
}

/// Accepts S3-CMP-3, S3-QS-1, S3-QS-3, S3-QS-6, S3-TOP-4.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_told_exactly_once_however_often_everything_is_killed() {
    let (mut dice, mut ledger) = (Dice::new(), Ledger::default());
    let mut product = Product::start();
    for round in 0..rounds(KILLS) {
        let crowd = Crowd::send(product.api(), &format!("all-{round}"), CLIENTS, COMMISSIONS_EACH);
        crowd.answered(dice.roll(ANSWERS)).await;
        product.kill();
        crowd.finish(&mut ledger).await;
        // Now and then recovery is killed as well.
        if dice.roll(4) == 0 {
            product.start_and_kill_at_once(dice.roll(LOOKS));
        }
        product.restart();
    }
    it_was_worth_it(&ledger);
    nothing_is_lost_and_nothing_is_twice(&mut product, &ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_killed_go_on_with_a_backbone_that_was_not() {
    let (mut dice, mut ledger) = (Dice::new(), Ledger::default());
    let backbone = Backbone::start();
    let mut product = Product::start_on(Some(backbone.urls()));
    for round in 0..rounds(KILLS_SPLIT) {
        let crowd = Crowd::send(product.api(), &format!("services-{round}"), CLIENTS, COMMISSIONS_EACH);
        crowd.answered(dice.roll(ANSWERS)).await;
        product.kill();
        crowd.finish(&mut ledger).await;
        product.restart();
    }
    it_was_worth_it(&ledger);
    nothing_is_lost_and_nothing_is_twice(&mut product, &ledger).await;
}

/// Commands do not notice: all of them are answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_backbone_that_is_killed_loses_and_repeats_nothing_of_services_that_were_not() {
    let (mut dice, mut ledger) = (Dice::new(), Ledger::default());
    let mut backbone = Backbone::start();
    let mut product = Product::start_on(Some(backbone.urls()));
    for round in 0..rounds(KILLS_SPLIT) {
        let crowd = Crowd::send(product.api(), &format!("backbone-{round}"), CLIENTS, COMMISSIONS_EACH);
        crowd.answered(dice.roll(ANSWERS)).await;
        backbone.kill();
        crowd.answered(dice.roll(ANSWERS)).await;
        backbone.restart();
        crowd.finish(&mut ledger).await;
    }
    assert_eq!(ledger.cut_off(), 0, "a command waited for the broker");
    nothing_is_lost_and_nothing_is_twice(&mut product, &ledger).await;
}
