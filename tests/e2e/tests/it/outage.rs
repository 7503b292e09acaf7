//! The broker is stopped for a while.

use hexalpes_e2e::{Backbone, Crowd, Ledger, Product, nothing_is_lost_and_nothing_is_twice};
use serde_json::json;

const CLIENTS: usize = 8;
const COMMISSIONS_EACH: usize = 10;

/// Accepts S3-QS-5, S3-CMP-6, S0-PRD-13.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_commands_and_queries_answer_and_the_outbox_drains_on_its_return() {
    let mut ledger = Ledger::default();
    let mut backbone = Backbone::start();
    let mut product = Product::serve_on(backbone.urls());
    Crowd::send(product.api(), "before", CLIENTS, 1).finish(&mut ledger).await;

    assert_eq!(backbone.interrupt(), Some(0));
    Crowd::send(product.api(), "meanwhile", CLIENTS, COMMISSIONS_EACH).finish(&mut ledger).await;
    assert_eq!(ledger.cut_off(), 0, "a command waited for the broker");
    let (status, found) = product.get("/commissions/by-conversion/meanwhile-0-0").await;
    assert_eq!((status, &found["status"]), (200, &json!("APPROVED")), "{found}");
    let (_, outbox) = product.get("/debug/outbox?limit=1").await;
    assert_eq!(outbox["items"][0]["published"], 0, "{outbox}");

    backbone.restart();
    Crowd::send(product.api(), "after", CLIENTS, 1).finish(&mut ledger).await;
    nothing_is_lost_and_nothing_is_twice(&mut product, &ledger).await;
}
