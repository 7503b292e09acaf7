//! The positive control of every test that ends with the audit: it finds what is lost, twice, or out of order.

use hexalpes_e2e::{Answered, Crowd, Kept, Ledger, Product};
use serde_json::json;

const CLIENTS: usize = 3;
const COMMISSIONS_EACH: usize = 2;

/// A fault, and a word that the audit says about it.
type Plant = (&'static str, fn(&mut Kept));

const PLANTS: [Plant; 12] = [
    // A line of the audit trail is lost, twice, at another place, or of another event.
    ("events.jsonl: lost", |kept| drop(kept.lines.remove(4))),
    ("events.jsonl: lost", |kept| drop(kept.lines.pop())),
    ("twice", |kept| kept.lines.insert(5, kept.lines[1].clone())),
    ("order", |kept| kept.lines.swap(2, 3)),
    ("from nowhere", |kept| kept.lines[3]["id"] = json!("somebody else's")),
    // A message of a topic is lost, twice, or at another place.
    ("outbox-events: lost", |kept| drop(kept.events.remove(0))),
    ("outbox-events: lost [], twice", |kept| kept.events.push(kept.events[0].clone())),
    ("outbox_event: lost", |kept| drop(kept.changes.remove(7))),
    ("outbox_event has another order", |kept| kept.changes.swap(0, 1)),
    // A row of the outbox is lost, with its events and without, or was never published.
    ("in the outbox there is", |kept| {
        for all in [&mut kept.outbox, &mut kept.events, &mut kept.changes, &mut kept.lines] {
            all.remove(6);
        }
    }),
    ("in the outbox there is", |kept| drop(kept.outbox.remove(2))),
    ("not marked as published", |kept| kept.outbox[11]["published"] = json!(0)),
];

async fn an_audited_product() -> (Kept, Ledger) {
    let mut ledger = Ledger::default();
    let mut product = Product::start();
    Crowd::send(product.api(), "audited", CLIENTS, COMMISSIONS_EACH).finish(&mut ledger).await;
    let kept = Kept::of(&mut product, &ledger).await;
    kept.compare(&ledger).expect("nothing was done to it");
    assert_eq!(kept.lines.len(), CLIENTS * COMMISSIONS_EACH * 2);
    (kept, ledger)
}

#[tokio::test]
async fn the_audit_finds_each_fault_that_is_planted() {
    let (kept, ledger) = an_audited_product().await;
    for (number, (said, plant)) in PLANTS.iter().enumerate() {
        let mut planted = kept.clone();
        plant(&mut planted);
        let found = planted.compare(&ledger).expect_err(said);
        assert!(found.contains(said), "plant {number}: {found}");
    }
}

#[tokio::test]
async fn the_audit_finds_a_command_that_was_answered_and_is_lost_or_another() {
    let (kept, mut ledger) = an_audited_product().await;
    let first = kept.commissions.keys().next().expect("there are some").clone();

    let mut lost = kept.clone();
    lost.commissions.remove(&first);
    assert!(lost.compare(&ledger).expect_err("it is lost").contains(&first));

    let mut taken_back = kept.clone();
    taken_back.commissions.get_mut(&first).expect("it is there")["status"] = json!("CALCULATED");
    assert!(taken_back.compare(&ledger).expect_err("its approval is lost").contains(&first));

    ledger.note(first.clone(), Answered::Approved { commission: "another".to_owned() });
    assert!(kept.compare(&ledger).expect_err("it is another").contains(&first));
    // Nobody was told that there is one, and it is approved all the same.
    ledger.note(first.clone(), Answered::Nothing);
    assert!(kept.compare(&ledger).expect_err("nobody approved it").contains(&first));
}
